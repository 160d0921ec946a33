"""Which of several models a run is given: the smallest that is good enough, by what the record says of runs like it.

In:  a task, models with what limits them, what became of earlier runs.
Out: a `RouteChosen`: whose turn it is, why, and what was expected of each.

A pure function: the same record gives the same choice; nothing is drawn by chance. The success of each model on runs like this one
is a beta distribution. It begins as a guess from the task's form, worth `GUESS` runs, and each run counts as far as its task is
alike, and half as much after `HALF_LIFE` more runs like it, since agents learn. A model may do it if its probability *at best*, the
quantile `OPTIMISM`, is enough: so an untried one is tried, and one that failed long ago is tried again (after the upper bounds
of Lai & Robbins 1985, here without a bonus that grows).

Does not know whether an answer that nobody judged was right: such runs don't count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log1p

from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task
from purpose_agent.critics.assertions import beta_quantile
from purpose_agent.memory.words import stems_of
from purpose_agent.runtime.events import RouteChosen, RouteOption

GUESS = 2.0
"""So many runs the guess from the task's form is worth."""
OPTIMISM = 0.9
HALF_LIFE = 40.0
"""After so many runs of tasks like it a run counts half."""
LEAST_ALIKE = 0.15
"""Runs of tasks that are less alike don't count."""
LEAST_MEASURED = 0.5
"""So many runs like it must be known before what they cost and took says anything."""
SAME_FAMILY = 0.7
"""As alike as this are two tasks of one family, at least."""
OTHER_FAMILY = 0.3
OTHER_AGENT = 0.5
"""So much runs of agents with other instructions and tools count."""
MUCH_TEXT = 400
"""So many words make a task hard by themselves."""
MANY_CHECKS = 8
TYPICAL = Usage(input_tokens=2_000, output_tokens=500)
"""What a run may take if none was ever seen: a first guess at its price."""

Likeness = Callable[[str, str], float]
"""How alike two goals are, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a model's part in an earlier run.

    Attributes:
        success: False also where it gave up, could not answer, or spent a limit.
        usd: What its calls cost; None if that is unknown.
        seconds: How long it took.
    """

    run_id: str
    agent: str
    model: str
    task: Task
    success: bool
    usage: Usage
    usd: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may be chosen.

    Attributes:
        price: What so many tokens cost there, in US dollars; None if that is unknown.
    """

    name: str
    local: bool
    small: bool
    price: Callable[[Usage], float | None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What limits the choice.

    Attributes:
        usd: That a run may be expected to cost, or None.
        seconds: That it may be expected to take, or None.
        enough: The probability of success that suffices.
    """

    usd: float | None
    seconds: float | None
    enough: float


def word_likeness(one: str, other: str) -> float:
    """The cosine of two texts as sets of telling words, 0 to 1."""
    mine, its = stems_of(one)[0], stems_of(other)[0]
    return len(mine & its) / (len(mine) * len(its)) ** 0.5 if mine and its else 0.0


def difficulty_of(task: Task) -> float:
    """A guess from the task's form alone, 0 to 1: much text and many checks make it hard, given answers easy."""
    words = len(task.goal.split()) + sum(len(str(value).split()) for value in task.inputs.values())
    checks = sum(max(1, check.spec.count("assert")) for check in task.checks)
    hard = 0.6 * min(1.0, log1p(words) / log1p(MUCH_TEXT)) + 0.4 * min(1.0, checks / MANY_CHECKS)
    return hard / 2 if task.choices else hard


def alike(task: Task, agent: str, seen: Seen, likeness: Likeness) -> float:
    """How much an earlier run tells about this one, 0 to 1."""
    other = seen.task
    share = 1.0 if agent == seen.agent else OTHER_AGENT
    if task.key == other.key:
        return share
    words = likeness(task.goal, other.goal)
    if task.family and other.family:
        words = SAME_FAMILY + (1 - SAME_FAMILY) * words if task.family == other.family else OTHER_FAMILY * words
    found = share * words * (1 - abs(difficulty_of(task) - difficulty_of(other)) / 2)
    return found if found >= LEAST_ALIKE else 0.0


def choose(
    task: Task,
    agent: str,
    candidates: Sequence[Candidate],
    seen: Sequence[Seen],
    bounds: Bounds,
    likeness: Likeness = word_likeness,
    *,
    keep: str = "",
) -> RouteChosen:
    """The first of `candidates` that may run and is good enough; if none is, the one that succeeds most often.

    Args:
        candidates: In the order in which they are to be tried.
        seen: Newest first; those that this task's user may know of.
        keep: The name of the one that a run has already, and keeps whatever is expected of it; "" for none.

    Raises:
        UsageError: None of them may run; the message says why.
    """
    weights = _weights(task, agent, seen, likeness)
    difficulty = difficulty_of(task)
    options = [_option(each, seen, weights, difficulty, bounds) for each in candidates]
    if keep:
        return RouteChosen(keep, "the run has it", tuple(options), difficulty)
    allowed = [option for option in options if not option.refused]
    if not allowed:
        reasons = "; ".join(f"{option.model}: {option.refused}" for option in options)
        raise UsageError(
            f"No model of the router may do {task.goal[:60]!r}. {reasons}. Raise the budget or the latency, or add a model that"
            " keeps to them."
        )
    able = [option for option in allowed if option.at_best >= bounds.enough]
    chosen = able[0] if able else max(allowed, key=lambda option: option.probability)
    return RouteChosen(chosen.model, _why(chosen, bool(able), bounds.enough), tuple(options), difficulty)


def _weights(task: Task, agent: str, seen: Sequence[Seen], likeness: Likeness) -> list[float]:
    """How much each of `seen` counts: as it is alike, less the more runs like it came since."""
    weights: list[float] = []
    newer: dict[str, float] = {}
    for each in seen:
        found = alike(task, agent, each, likeness)
        weights.append(found * 0.5 ** (sum(newer.values()) / HALF_LIFE))
        newer[each.run_id] = found  # of a run with several models each counts, but the run is one
    return weights


def _option(
    candidate: Candidate, seen: Sequence[Seen], weights: Sequence[float], difficulty: float, bounds: Bounds
) -> RouteOption:
    own = [(each, weight) for each, weight in zip(seen, weights, strict=True) if each.model == candidate.name]
    guess = 0.8 - 0.6 * difficulty if candidate.small else 0.9 - 0.3 * difficulty
    won = GUESS * guess + sum(weight for each, weight in own if each.success)
    lost = GUESS * (1 - guess) + sum(weight for each, weight in own if not each.success)
    usd = _expected_usd(candidate, own, list(zip(seen, weights, strict=True)))
    seconds = _measured([(each.seconds, weight) for each, weight in own])
    option = RouteOption(
        candidate.name,
        won / (won + lost),
        beta_quantile(OPTIMISM, won, lost),
        sum(weight for _, weight in own),
        usd,
        seconds,
    )
    return replace(option, refused=_refused(option, bounds))


def _refused(option: RouteOption, bounds: Bounds) -> str:
    if bounds.usd is not None and option.usd is None:
        return f"its price is unknown, and there are ${bounds.usd:g}"
    if bounds.usd is not None and option.usd is not None and option.usd > bounds.usd:
        return f"it would cost about ${option.usd:.6f} of ${bounds.usd:g}"
    if bounds.seconds is not None and option.seconds is not None and option.seconds > bounds.seconds:
        return f"it takes about {option.seconds:.1f} s of {bounds.seconds:g} s"
    return ""


def _expected_usd(
    candidate: Candidate, own: Sequence[tuple[Seen, float]], all_seen: Sequence[tuple[Seen, float]]
) -> float | None:
    """As its own runs cost; else its price for the tokens that other models took, or that a run may take."""
    if candidate.local:
        return 0.0
    measured = _measured([(each.usd, weight) for each, weight in own])
    if measured is not None:
        return measured
    read = _measured([(each.usage.input_tokens, weight) for each, weight in all_seen])
    written = _measured([(each.usage.output_tokens, weight) for each, weight in all_seen])
    usage = TYPICAL if read is None or written is None else Usage(input_tokens=round(read), output_tokens=round(written))
    return candidate.price(usage)


def _measured(values: Sequence[tuple[float | None, float]]) -> float | None:
    """The mean of what is known, by weight; None if that is too little: a slow day long ago shuts nobody out for good."""
    known = [(value, weight) for value, weight in values if value is not None]
    total = sum(weight for _, weight in known)
    if total < LEAST_MEASURED:
        return None
    return sum(value * weight for value, weight in known) / total


def _why(chosen: RouteOption, able: bool, enough: float) -> str:
    told = f"success {chosen.probability:.2f} by {chosen.runs:.1f} runs like it, at best {chosen.at_best:.2f}"
    if not able:
        return f"none is good enough ({enough:g}), and this one succeeds most often: {told}"
    if chosen.runs == 0:
        return f"the first in line, and not tried on anything alike yet: at best {chosen.at_best:.2f}, enough is {enough:g}"
    return f"the first in line that may be good enough ({enough:g}): {told}"
