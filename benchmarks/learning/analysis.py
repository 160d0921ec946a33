"""What the curves say, and what they don't.

In:  learning curves of several conditions, worlds and seeds.
Out: for each condition and world how good it is and what it cost; how it differs from no memory; whether it learns.

Comparisons are paired by task and seed. Intervals are of other tasks (`values.py`); how far the seeds lie apart is
given beside them. Retry curves never enter a comparison.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from benchmarks.learning.protocol import Curve, Outcome
from benchmarks.learning.values import Estimate, Values, areas_of, by_task, mean_of, share_of, success_of, success_rate
from purpose_agent.evals.stats import holm, mcnemar_exact

AT = (25, 50, 100, 200)
"""Training tasks after which success is told."""
BASE = "none"
MIN_TASKS = 10
"""A bootstrap over fewer held-out tasks is too narrow to claim anything."""

CLAIM = (
    "A condition learns if, on held-out tasks after all training, the 95 % interval of its paired difference to no memory "
    f"(cluster bootstrap over at least {MIN_TASKS} tasks) lies above 0 in at least two worlds that are not controls, and in "
    "no control world lies wholly below 0. Without a control world nothing is claimed."
)


@dataclass(frozen=True, slots=True)
class Summary:
    """One condition in one world.

    Attributes:
        success: Share of held-out tasks solved after all training; None if none was judged.
        score: Mean score then; None if the world gives none.
        seeds: The share for each seed, in order of the seeds.
        curve: Tasks trained on, and the share solved then.
        area: Area under that curve, 0 to 1.
        tokens_per_success: Tokens of the model on held-out tasks, for each one solved; None if none was.
        memory_tokens: Of the prompt, for each decision.
        memory_ms: For each decision.
        learn_tokens: Of the model, for each seed: training, reflection, trials.
        learn_steps: Likewise decisions.
        trained: Fewest tasks that a seed was trained on; fewer than planned if the budget ended first.
        restart: Share after a restart minus the share before; None if not tried.
        restart_changed: Held-out outcomes that differ after the restart.
    """

    world: str
    condition: str
    control: bool
    retries: bool
    success: Estimate | None
    score: Estimate | None
    seeds: tuple[float | None, ...]
    curve: tuple[tuple[int, Estimate], ...]
    area: Estimate | None
    tokens_per_success: float | None
    memory_tokens: float
    memory_ms: float
    learn_tokens: float
    learn_steps: float
    trained: int
    restart: float | None
    restart_changed: int | None

    def after(self, trained: int) -> Estimate | None:
        """Success after that many tasks; None if it was not measured there."""
        return dict(self.curve).get(trained)

    def trained_until(self, share: float) -> int | None:
        """The first checkpoint at which success was at least `share`; None if it never was."""
        return next((trained for trained, estimate in self.curve if estimate.value >= share), None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition against another in one world, on the same tasks with the same seeds, after all training.

    Attributes:
        difference: Mean of the paired differences of success, −1 to 1.
        wins: Tasks that it solved with more seeds than the other.
        losses: Tasks that the other did.
        p: Exact McNemar test on wins and losses.
        p_adjusted: After Holm, over the conditions compared in this world.
        negative_transfer: Share of pairs that it fails and the other solves.
        noise: The same for the other against itself with another seed; None for fewer than two seeds.
        tasks: Held-out tasks with at least one pair.
    """

    world: str
    condition: str
    against: str
    control: bool
    difference: Estimate
    wins: int
    losses: int
    p: float
    p_adjusted: float
    negative_transfer: float
    noise: float | None
    tasks: int

    @property
    def excess_transfer(self) -> float | None:
        """Negative transfer above the noise; about 0 or below for a memory that does no harm."""
        return None if self.noise is None else self.negative_transfer - self.noise


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether `CLAIM` holds for a condition; None if no control world was measured, so that it can't be told.

    Attributes:
        gained: Worlds that count for it.
        lost: Control worlds that count against it.
    """

    condition: str
    learns: bool | None
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def summarise(curves: Sequence[Curve]) -> tuple[Summary, ...]:
    """One summary for each world, condition and kind of curve, in the order in which they first appear."""
    groups: dict[tuple[str, str, bool], list[Curve]] = {}
    for curve in curves:
        groups.setdefault((curve.world, curve.condition, curve.retries), []).append(curve)
    return tuple(_summary(group) for group in groups.values())


def compare(curves: Sequence[Curve], against: str = BASE) -> tuple[Comparison, ...]:
    """Every condition with `against` in the same world, by the seeds that both have; retry curves are left out."""
    worlds: dict[str, dict[str, list[Curve]]] = {}
    for curve in curves:
        if not curve.retries:
            worlds.setdefault(curve.world, {}).setdefault(curve.condition, []).append(curve)
    return tuple(comparison for conditions in worlds.values() for comparison in _compared(conditions, against))


def learns(comparisons: Sequence[Comparison], condition: str, against: str = BASE) -> Verdict:
    """Decide `CLAIM` for one condition. `comparisons` are with no memory, one for each world."""
    of_it = [each for each in comparisons if each.condition == condition and each.against == against]
    enough = [each for each in of_it if each.tasks >= MIN_TASKS]
    gained = tuple(each.world for each in enough if not each.control and (each.difference.low or 0.0) > 0)
    # A loss counts on few tasks too: the doubt is never to the good of the claim.
    lost = tuple(each.world for each in of_it if each.control and (each.difference.high or 0.0) < 0)
    if len(gained) < 2 or lost:
        return Verdict(condition, False, gained, lost)
    return Verdict(condition, True if any(each.control for each in enough) else None, gained, lost)


def _summary(curves: Sequence[Curve]) -> Summary:
    first = curves[0]
    final = [outcome for curve in curves for outcome in curve.final]
    steps = max(1, sum(outcome.steps for outcome in final))
    solved = sum(outcome.success is True for outcome in final)
    at = [trained for trained, _ in first.points if all(trained in dict(curve.points) for curve in curves)]
    shares = {trained: share_of(by_task(curves, trained, success_of)) for trained in at}
    restarts = [(curve.final, curve.restarted) for curve in curves if curve.restarted is not None]
    return Summary(
        world=first.world,
        condition=first.condition,
        control=first.control,
        retries=first.retries,
        success=shares[at[-1]] if at and at[-1] == first.points[-1][0] else share_of(by_task(curves, None, success_of)),
        score=mean_of(by_task(curves, None, lambda outcome: outcome.score)),
        seeds=tuple(success_rate(curve.final) for curve in sorted(curves, key=lambda curve: curve.seed)),
        curve=tuple((trained, estimate) for trained, estimate in shares.items() if estimate is not None),
        area=share_of(areas_of(curves, at)),
        tokens_per_success=sum(outcome.tokens for outcome in final) / solved if solved else None,
        memory_tokens=sum(outcome.memory_tokens for outcome in final) / steps,
        memory_ms=1000 * sum(outcome.memory_seconds for outcome in final) / steps,
        learn_tokens=sum(curve.learn_tokens for curve in curves) / len(curves),
        learn_steps=sum(curve.learn_steps for curve in curves) / len(curves),
        trained=min(len(curve.training) for curve in curves),
        restart=_restart(restarts),
        restart_changed=sum(
            one.success != other.success for before, after in restarts for one, other in zip(before, after, strict=True)
        )
        if restarts
        else None,
    )


def _compared(conditions: Mapping[str, Sequence[Curve]], against: str) -> list[Comparison]:
    base = conditions.get(against, ())
    noise = _lost_share([_pairs(one, other) for one, other in permutations(base, 2) if one.seed != other.seed])
    found = [
        _comparison(curves, base, noise) for name, curves in conditions.items() if name != against and _matched(curves, base)
    ]
    made = [comparison for comparison in found if comparison is not None]
    adjusted = holm({comparison.condition: comparison.p for comparison in made})
    return [replace(comparison, p_adjusted=adjusted[comparison.condition]) for comparison in made]


def _comparison(curves: Sequence[Curve], base: Sequence[Curve], noise: float | None) -> Comparison | None:
    paired = [_pairs(curve, other) for curve, other in _matched(curves, base)]
    differences: Values = {}
    for pairs in paired:
        for task, (with_it, without) in pairs.items():
            differences.setdefault(task, []).append(float(with_it) - float(without))
    difference, harmed = mean_of(differences), _lost_share(paired)
    if difference is None or harmed is None:
        return None
    # One vote for each task: its seeds depend on each other, and the exact test must not count them as new evidence.
    wins = sum(sum(values) > 0 for values in differences.values())
    losses = sum(sum(values) < 0 for values in differences.values())
    p = mcnemar_exact(wins, losses)
    return Comparison(
        world=curves[0].world,
        condition=curves[0].condition,
        against=base[0].condition,
        control=curves[0].control,
        difference=difference,
        wins=wins,
        losses=losses,
        p=p,
        p_adjusted=p,
        negative_transfer=harmed,
        noise=noise,
        tasks=len(differences),
    )


def _matched(curves: Sequence[Curve], base: Sequence[Curve]) -> list[tuple[Curve, Curve]]:
    by_seed = {curve.seed: curve for curve in base}
    return [(curve, by_seed[curve.seed]) for curve in curves if curve.seed in by_seed]


def _pairs(curve: Curve, other: Curve) -> dict[str, tuple[bool, bool]]:
    """By held-out task: success of the one and of the other, where both were judged."""
    theirs = {task: outcome.success for task, outcome in zip(other.held_out, other.final, strict=True)}
    pairs: dict[str, tuple[bool, bool]] = {}
    for task, outcome in zip(curve.held_out, curve.final, strict=True):
        without = theirs.get(task)
        if outcome.success is not None and without is not None:
            pairs[task] = (outcome.success, without)
    return pairs


def _lost_share(paired: Sequence[Mapping[str, tuple[bool, bool]]]) -> float | None:
    pairs = [pair for each in paired for pair in each.values()]
    return sum(not with_it and without for with_it, without in pairs) / len(pairs) if pairs else None


def _restart(restarts: Sequence[tuple[Sequence[Outcome], Sequence[Outcome]]]) -> float | None:
    before = success_rate([outcome for outcomes, _ in restarts for outcome in outcomes])
    after = success_rate([outcome for _, outcomes in restarts for outcome in outcomes])
    return None if before is None or after is None else after - before
