"""The shape of a system: places, a graph of them, and how each place is tried."""

import re
from dataclasses import dataclass
from itertools import pairwise

from purpose_agent.agents.generated.plan import (
    CHECKS,
    PART,
    Case,
    EdgePlan,
    Graph,
)
from purpose_agent.agents.generated.tools import Work
from purpose_agent.core.task import Check


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a shape; its node has its name.

    Attributes:
        duty: What it does.
        form: How it has to answer, since edges go by that; "" for any way.
        work: Which tools it gets; None: none.
    """

    name: str
    duty: str
    keywords: tuple[str, ...]
    form: str = ""
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of a system.

    Attributes:
        words: Stems that ask for it.
        fallback: The slot that is asked where no keyword is found.
    """

    name: str
    about: str
    words: tuple[str, ...]
    slots: tuple[Slot, ...]
    graph: Graph
    cases: tuple[Case, ...]
    fallback: str


def line(*names: str) -> tuple[EdgePlan, ...]:
    """From each of the names to the next one."""
    return tuple(EdgePlan((source,), target) for source, target in pairwise(names))


def own(*texts: str) -> tuple[Check, ...]:
    """The answer's words are its own: it has neither these texts nor its instructions in it. A model that repeats its prompt fails."""
    return tuple(Check.matches(rf"(?s)\A(?!.*{_words(text)})") for text in (*texts, PART))


def _words(text: str) -> str:
    return r"\s+".join(" ".join(map(re.escape, line.split())) for line in text.splitlines())


SENTENCE = Check.call(CHECKS["is_sentence"])
SHORT = Check.call(CHECKS["is_short"])
PLAIN = Check.call(CHECKS["has_no_label"])
