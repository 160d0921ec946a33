"""What a rule is: phrases, which speak of words, and forms, which are patterns for what is not words.

A phrase is a row of words with room between them:

    skip*|bypass* ~3 PROOF ! 4 only|unless

`word` stands for itself, `stem*` for all words that begin so, `a|b` for either, NAME for a list in `words.py`; `~3`
allows up to three other words in between (an end of a sentence counts as two, of a line or a clause as one); after
`! 4`: not if one of these words is among the next four.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Threat: TypeAlias = Literal["prompt_injection", "score_manipulation", "tool_misuse", "privacy_leak", "scope_overreach"]
Severity: TypeAlias = Literal["block", "note"]
Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Form:
    """A pattern for what is not words.

    Attributes:
        needs: A text without any of these holds none.
        pattern: Tried on the text in lower case, or as it was written if `cased`.
        test: The text of the match must also satisfy it.
        near: Another pattern that must be found within `room` characters before or after.
    """

    needs: tuple[str, ...]
    pattern: str
    test: Callable[[str], bool] | None = None
    near: str = ""
    room: int = 300
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one threat.

    Attributes:
        hits: A text it must find.
        misses: A harmless text that looks like one, which it must not find.
        negatable: "Never do X" is then not found where "do X" would be. Phrases only.
    """

    name: str
    threat: Threat
    severity: Severity
    hits: str
    misses: str
    phrases: tuple[str, ...] = ()
    forms: tuple[Form, ...] = ()
    negatable: bool = True
