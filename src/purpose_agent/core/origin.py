"""Where something came from, and how much authority that gives it.

An origin is bound when something is written down, by the runtime, never by a model or a file. What is made of several
things has the lowest origin of all of them: a summary of a web page is the web's word, whoever wrote the summary.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Origin: TypeAlias = Literal[
    "operator", "user", "self_verified", "self_inferred", "tool", "web", "document", "peer_agent", "import"
]

AUTHORITY: Final[tuple[Origin, ...]] = (
    "operator",
    "user",
    "self_verified",
    "self_inferred",
    "peer_agent",
    "document",
    "tool",
    "import",
    "web",
)
"""From the highest to the lowest."""

TRUST: Final[Mapping[Origin, float]] = {
    "operator": 1.0,
    "user": 1.0,
    "self_verified": 0.8,
    "self_inferred": 0.5,
    "peer_agent": 0.4,
    "document": 0.4,
    "tool": 0.3,
    "import": 0.3,
    "web": 0.2,
}
"""How much a memory's origin weighs in recall, 0 to 1."""

TEACHERS: Final[frozenset[Origin]] = frozenset({"user", "operator"})
"""Origins whose word is enough, and the only ones that read as instructions."""

OWN: Final[frozenset[Origin]] = frozenset((*TEACHERS, "self_verified", "self_inferred"))
"""What people said, and what agents saw of their own work; everything else is somebody else's word."""


def lowest(first: Origin, *others: Origin) -> Origin:
    """The one with the least authority: what is made of all of them has it."""
    return max((first, *others), key=AUTHORITY.index)


@dataclass(frozen=True, slots=True)
class Taint:
    """The lowest origin of all that a run, or a text, was made from, and what that was.

    Attributes:
        source: The page, file, tool or memory that brought it; "" for none.
        step: Of the run in which it was read; None if it was there from the start.
    """

    origin: Origin = "user"
    source: str = ""
    step: int | None = None

    def mixed(self, other: "Taint") -> "Taint":
        """That of both together: of two equals, the one that was there first."""
        return self if lowest(self.origin, other.origin) == self.origin else other


UNTAINTED: Final = Taint()
"""Of what a person asked for, before anything else was read."""
