"""What a measurement of lift found, in numbers and in words.

In:  pairs of runs on held-out tasks, one without memory and one with it; what learning cost.
Out: the mean difference with its interval, a p-value, a verdict, lines for people, JSON.

A verdict of "lift" needs both: an interval above 0 and p ≤ 0.05. Everything else is said to be no lift shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from purpose_agent.core.model import Usage
from purpose_agent.evals.curve import Point, Series
from purpose_agent.evals.stats import cluster_interval, mcnemar_exact, wilson

Verdict: TypeAlias = Literal["lift", "harm", "none", "unknown"]

ALPHA = 0.05
WINDOW = 10
"""Tasks in one point of the training curve."""


@dataclass(frozen=True, slots=True)
class LiftPair:
    """One held-out task with one seed: without memory, and with it. None is "nobody could judge".

    Attributes:
        memories: Ids of those that were in the prompt of the run with memory.
        valued: That run looked up what earlier runs got from such options.
    """

    task: str
    goal: str
    seed: int
    without: bool | None
    with_memory: bool | None
    memories: tuple[str, ...] = ()
    valued: bool = False

    @property
    def difference(self) -> int | None:
        """1 for a win, −1 for a loss, 0 for a tie."""
        return None if self.without is None or self.with_memory is None else self.with_memory - self.without


@dataclass(frozen=True, slots=True)
class Cost:
    """What a part of the measurement took; `seconds` is wall time."""

    runs: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.runs + other.runs, self.usage + other.usage, self.seconds + other.seconds)

    def __str__(self) -> str:
        usd = "price unknown" if self.usage.usd is None else f"${self.usage.usd:.4f}"
        return f"{counted(self.runs, 'run')}, {counted(self.usage.tokens, 'token')}, {usd}, {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class MemoryShare:
    """What one memory had to do with it.

    Attributes:
        shown: Held-out runs that had it in the prompt.
        wins: Pairs won whose run with memory had it in the prompt; other memories may have been there too.
        losses: Pairs lost, likewise.
        contribution: Success with all memories minus success with all but this one, −1 to 1; None if not measured.
    """

    id: str
    status: str
    text: str
    origin: str
    shown: int
    wins: int
    losses: int
    contribution: float | None = None


@dataclass(frozen=True, slots=True)
class LiftReport:
    """With memory minus without, on tasks that nothing was learned from.

    Attributes:
        training: How many tasks were learned from.
        held_out: How many tasks were measured on.
        pairs: What was measured.
        memories: Those in use at the end, those first that were in most wins.
        measurement: Cost of the held-out runs, ablations included.
        learning: Cost of the training runs and the reflection on them.
        trials: Cost of the trials that put memories into use.
        curve: Outcomes of the training runs, in order.
        notes: What was left out, and why.
        workspace: Where the memories are now; "" if the folder was a temporary one.
    """

    training: int
    held_out: int
    pairs: tuple[LiftPair, ...] = ()
    memories: tuple[MemoryShare, ...] = ()
    measurement: Cost = field(default_factory=Cost)
    learning: Cost = field(default_factory=Cost)
    trials: Cost = field(default_factory=Cost)
    curve: tuple[bool | None, ...] = ()
    notes: tuple[str, ...] = ()
    workspace: str = ""

    @property
    def differences(self) -> Mapping[str, Sequence[float]]:
        """By task: one for each seed that was judged both ways."""
        found: dict[str, list[float]] = {}
        for pair in self.pairs:
            if pair.difference is not None:
                found.setdefault(pair.task, []).append(float(pair.difference))
        return found

    @property
    def wins(self) -> int:
        """Pairs where only the run with memory succeeded."""
        return sum(pair.difference == 1 for pair in self.pairs)

    @property
    def losses(self) -> int:
        """Pairs where only the run without memory succeeded."""
        return sum(pair.difference == -1 for pair in self.pairs)

    @property
    def gain(self) -> float | None:
        """Success with memory minus success without, −1 to 1; None if nothing was judged."""
        values = [value for several in self.differences.values() for value in several]
        return sum(values) / len(values) if values else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the gain, by a bootstrap over tasks; narrow for few of them."""
        return cluster_interval(self.differences)

    @property
    def p(self) -> float | None:
        """Exact McNemar, two-sided; seeds of a task are no independent evidence, so each task counts once."""
        sums = [sum(values) for values in self.differences.values()]
        return mcnemar_exact(sum(each > 0 for each in sums), sum(each < 0 for each in sums)) if sums else None

    @property
    def verdict(self) -> Verdict:
        """What was shown: "lift" or "harm"; "none" if neither; "unknown" if nothing could be measured."""
        interval, p = self.interval, self.p
        if interval is None or p is None:
            return "unknown"
        if p <= ALPHA and interval[0] > 0:
            return "lift"
        return "harm" if p <= ALPHA and interval[1] < 0 else "none"

    def share(self, which: Literal["without", "with_memory"]) -> tuple[int, int]:
        """Successes and judged runs, of pairs that were judged both ways."""
        judged = [pair for pair in self.pairs if pair.difference is not None]
        return sum(bool(getattr(pair, which)) for pair in judged), len(judged)

    def conclusion(self) -> str:
        """The verdict in one sentence."""
        numbers = f"{counted(self.wins, 'pair')} won, {self.losses} lost, p {_number(self.p)}"
        match self.verdict:
            case "lift":
                return f"Memory helps on these tasks: {numbers}."
            case "harm":
                return f"Memory harms on these tasks: {numbers}."
            case "unknown":
                return "Nothing can be told: " + (self.notes[0] if self.notes else "no pair of runs was judged.")
            case "none":
                if not self.memories and not any(pair.valued for pair in self.pairs):
                    return "No lift was found: no memory is in use, so runs with memory are like runs without."
                return f"No lift was found: {numbers}. It may be too small for so few tasks, or not there."

    def training_curve(self) -> Series | None:
        """Success in the last `WINDOW` training tasks, by how many were done; None for fewer than two points."""
        points: list[Point] = []
        for end in range(WINDOW, len(self.curve) + 1, max(1, WINDOW // 2)):
            judged = [done for done in self.curve[end - WINDOW : end] if done is not None]
            if judged:
                points.append(Point(end, sum(judged) / len(judged), *wilson(sum(judged), len(judged))))
        return Series("training", tuple(points)) if len(points) > 1 else None

    def summary(self) -> str:
        """The whole of it, for people."""
        lines = [self.conclusion(), ""]
        if self.pairs:
            lines += [
                f"without memory: {_share(*self.share('without'))}",
                f"with memory:    {_share(*self.share('with_memory'))}",
                f"difference:     {_signed(self.gain)}{_interval(self.interval)}, p {_number(self.p)} (exact McNemar over tasks)",
                f"tasks:          {self.training} learned from, {self.held_out} held out; {counted(len(self.pairs), 'pair')}",
            ]
        for memory in self.memories:
            share = (
                "" if memory.contribution is None else f"; leaving it out changes success by {_signed(-memory.contribution)}"
            )
            lines.append(
                f"{memory.id} ({memory.status}): in {counted(memory.wins, 'win')} and {counted(memory.losses, 'loss', 'losses')}{share}"
            )
            lines += [f"    {line}" for line in memory.text.splitlines()]
        valued = sum(pair.valued and pair.difference == 1 for pair in self.pairs)
        if any(pair.valued for pair in self.pairs):
            lines.append(f"values of earlier runs were looked up in {valued} of {counted(self.wins, 'win')}")
        total = self.measurement + self.learning + self.trials
        lines += [
            f"cost of learning:    {self.learning}",
            f"cost of trials:      {self.trials}",
            f"cost of measurement: {self.measurement}",
            f"together:            {total}",
        ]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; unknown is null."""
        from dataclasses import asdict

        return {
            "verdict": self.verdict,
            "conclusion": self.conclusion(),
            "gain": self.gain,
            "interval": self.interval,
            "p": self.p,
            "wins": self.wins,
            "losses": self.losses,
            **asdict(self),
        }


def counted(number: int, one: str, many: str = "") -> str:
    """The number and the word that goes with it; `many` where it takes more than an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _share(successes: int, n: int) -> str:
    low, high = wilson(successes, n)
    return f"{successes} of {n} ({successes / n:.0%}, 95 % interval {low:.0%} to {high:.0%})" if n else "nothing was judged"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{100 * value:+.0f} points"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" (95 % interval {100 * interval[0]:+.0f} to {100 * interval[1]:+.0f}, over tasks)"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2g}"
