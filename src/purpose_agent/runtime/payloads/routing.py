"""Which of several models a run was given, and why."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RouteOption:
    """A model that a run could have had, and what was expected of it.

    Attributes:
        probability: That it succeeds, 0 to 1, as runs like this one went; a guess from the task where there were none.
        at_best: As high as that probability may well be: with what little was seen, one in ten is higher.
        runs: How many runs like this one that rests on; each counts as far as it is alike and recent.
        usd: What the run is expected to cost, in US dollars; None if that is unknown.
        seconds: How long it is expected to take; None if the model has not run yet.
        refused: Why it may not run, or "".
    """

    model: str
    probability: float
    at_best: float
    runs: float
    usd: float | None = None
    seconds: float | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class RouteChosen:
    """One of several models was chosen for the run, or for the rest of it.

    Attributes:
        considered: All of them, in the order in which they are tried.
        difficulty: Of the task, guessed from its form alone, 0 to 1.
        instead_of: The model that had failed in this run, or "" at its start.
    """

    model: str
    why: str
    considered: tuple[RouteOption, ...] = ()
    difficulty: float = 0.0
    instead_of: str = ""
    kind: Literal["route_chosen"] = "route_chosen"
