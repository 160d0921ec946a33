"""Learning curves written by hand."""

from benchmarks.learning.protocol import Curve, Outcome


def _outcome(success: bool | None) -> Outcome:
    return Outcome(success, None, 1, 10, 0, 0.0, 0.0)


def curve_of(condition: str, judged: str, *, world: str = "doors", seed: int = 0, control: bool = False) -> Curve:
    """A curve whose last point has these outcomes: + success, - failure, ? unknown."""
    outcomes = tuple(_outcome({"+": True, "-": False, "?": None}[letter]) for letter in judged)
    tasks = tuple(f"task {number}" for number in range(len(judged)))
    return Curve(condition, world, control, seed, tasks, ((0, outcomes), (100, outcomes)), ())
