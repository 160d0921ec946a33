"""Values by held-out task, and their mean with an interval.

In:  curves of one condition in one world, with several seeds.
Out: for each task one value a seed; estimates; several worlds taken as one.

Intervals are of other tasks, not of other seeds: whole tasks are drawn, with all their seeds. An outcome that nobody
could judge is left out and never counted as a failure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.learning.protocol import Curve, Outcome
from purpose_agent.evals.stats import area_under_curve, cluster_interval, wilson

Values = dict[str, list[float]]
"""By held-out task: one value for each seed."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over tasks and seeds.

    Attributes:
        low: Lower end of the 95 % interval; None for fewer than two tasks.
        n: How many values it is the mean of.
    """

    value: float
    low: float | None
    high: float | None
    n: int


def by_task(curves: Sequence[Curve], trained: int | None, value_of: Callable[[Outcome], float | None]) -> Values:
    """The values at a checkpoint, or at the last one."""
    values: Values = {}
    for curve in curves:
        outcomes = curve.final if trained is None else dict(curve.points)[trained]
        for task, outcome in zip(curve.held_out, outcomes, strict=True):
            value = value_of(outcome)
            if value is not None:
                values.setdefault(task, []).append(value)
    return values


def success_of(outcome: Outcome) -> float | None:
    """1 or 0; None if nobody could tell."""
    return None if outcome.success is None else float(outcome.success)


def mean_of(values: Values) -> Estimate | None:
    """Their mean with its cluster interval; None without a value."""
    flat = [value for each in values.values() for value in each]
    if not flat:
        return None
    low, high = cluster_interval(values) or (None, None)
    return Estimate(sum(flat) / len(flat), low, high, len(flat))


def share_of(values: Values) -> Estimate | None:
    """A mean of values 0 to 1 with its interval: Wilson's where every task has one yes or no, or where all tasks agree."""
    estimate = mean_of(values)
    if estimate is None:
        return None
    single = all(len(each) == 1 and each[0] in (0.0, 1.0) for each in values.values())
    if single or estimate.value in (0.0, 1.0):
        low, high = wilson(round(estimate.value * len(values)), len(values))
        return replace(estimate, low=low, high=high)
    return estimate


def areas_of(curves: Sequence[Curve], at: Sequence[int]) -> Values:
    """By held-out task: the area under its own curve, which is linear, so that their mean is the area under the mean."""
    areas: Values = {}
    for curve in curves:
        outcomes = [(trained, dict(curve.points)[trained]) for trained in at]
        for number, task in enumerate(curve.held_out):
            points = [(trained, success_of(each[number])) for trained, each in outcomes]
            known = [(trained, value) for trained, value in points if value is not None]
            if known and len(known) == len(points):
                areas.setdefault(task, []).append(area_under_curve(known))
    return areas


def success_rate(outcomes: Sequence[Outcome]) -> float | None:
    """The share of judged outcomes that are successes; None if none was judged."""
    judged = [outcome.success for outcome in outcomes if outcome.success is not None]
    return sum(judged) / len(judged) if judged else None


def pooled(curves: Sequence[Curve], world: str) -> list[Curve]:
    """The curves of several worlds as those of one, for each condition and seed that was measured in all of them.

    Only checkpoints that all of them have are kept, and restarts only if all have one.
    """
    groups: dict[tuple[str, int, bool], list[Curve]] = {}
    for curve in curves:
        groups.setdefault((curve.condition, curve.seed, curve.retries), []).append(curve)
    worlds = {curve.world for curve in curves}
    whole = [group for group in groups.values() if {curve.world for curve in group} == worlds]
    return [_pool(group, world) for group in whole]


def _pool(curves: Sequence[Curve], world: str) -> Curve:
    first = curves[0]
    at = [trained for trained, _ in first.points if all(trained in dict(curve.points) for curve in curves)]
    restarts = [curve.restarted for curve in curves if curve.restarted is not None]
    return replace(
        first,
        world=world,
        control=all(curve.control for curve in curves),
        held_out=tuple(f"{curve.world}:{task}" for curve in curves for task in curve.held_out),
        points=tuple((trained, tuple(each for curve in curves for each in dict(curve.points)[trained])) for trained in at),
        training=tuple(outcome for curve in curves for outcome in curve.training),
        settle_tokens=sum(curve.settle_tokens for curve in curves),
        settle_steps=sum(curve.settle_steps for curve in curves),
        settle_seconds=sum(curve.settle_seconds for curve in curves),
        restarted=tuple(each for outcomes in restarts for each in outcomes) if len(restarts) == len(curves) else None,
    )
