"""Transfer: what was learned in one family, used in another one that nothing was learned in yet.

In:  pairs of worlds, the fold to measure on, seeds.
Out: the second world's held-out success without memory, with the bare habit of trying new things, and with the values of
the first one.

Values of a family that is new are borrowed from all of the agent's families together. The gate promotes values for one
family at a time, so in real use borrowed ones guide an agent without a model while it learns, and nobody else; here
they are used whatever the gate says, to see what they are worth. No model plays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figures, unmeasured
from benchmarks.learning.conditions.games import UNTAUGHT
from benchmarks.learning.conditions.ours import NONE, UNGATED
from benchmarks.learning.options import Options
from benchmarks.learning.parts.jobs import Exam, flat, run_jobs
from benchmarks.learning.parts.text import world_of
from benchmarks.learning.protocol import Curve, World
from benchmarks.learning.report import figure, publish
from purpose_agent.core.errors import MissingExtra
from purpose_agent.core.model import NO_MODEL
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.task import Task

PAIRS = (("babyai/GoToObj", "babyai/GoToLocal"), ("twc", "twc-hard"))
TRAIN, HELD_OUT, SEEDS = 100, 50, 3
QUICK_TRAIN, QUICK_HELD_OUT = 8, 4
ABOUT = {
    "none": "choosing at random",
    "untaught": "trying new things, nothing learned",
    "ungated": "values learned in the first world alone",
}
FIGURES = {
    f"transfer_{short}_{condition}": (pair, condition)
    for short, pair in (("babyai", PAIRS[0]), ("twc", PAIRS[1]))
    for condition in ABOUT
}
WANTED = {name: f"{' → '.join(pair)}, held-out games won: {ABOUT[condition]}" for name, (pair, condition) in FIGURES.items()}
"""Every figure of this part, and what it is."""


@dataclass(frozen=True, slots=True)
class Onwards:
    """Training in one world, the exam in another."""

    first: World
    second: World

    @property
    def name(self) -> str:
        return f"{self.first.name} → {self.second.name}"

    @property
    def control(self) -> bool:
        return False

    @property
    def steps(self) -> int:
        return max(self.first.steps, self.second.steps)

    def training(self, n: int, seed: int) -> Sequence[Task]:
        """Of the first."""
        return self.first.training(n, seed)

    def held_out(self, n: int, fold: str) -> Sequence[Task]:
        """Of the second."""
        return self.second.held_out(n, fold)

    def environment(self, task: Task) -> ChoiceEnvironment | None:
        return self._of(task).environment(task)

    def oracle(self, task: Task) -> str:
        return self._of(task).oracle(task)

    def _of(self, task: Task) -> World:
        return self.first if task.family == self.first.name else self.second


def measure(options: Options) -> Figures:
    """All pairs and seeds, side by side."""
    sizes = (QUICK_TRAIN, QUICK_HELD_OUT) if options.quick else (TRAIN, HELD_OUT)
    calls = [
        (f"{' → '.join(pair)}, seed {seed}", (*pair, seed, options.fold, *sizes))
        for seed in range(options.seeds if options.full else min(options.seeds, SEEDS))
        for pair in PAIRS
    ]
    try:
        for first, _ in PAIRS:
            world_of(first).training(1, 0)
    except MissingExtra as error:
        return unmeasured(str(error), **WANTED)
    measured = run_jobs(play, calls, options.only)
    if not measured.curves:
        return unmeasured("; ".join(measured.failed.values()), **WANTED)
    summaries = publish("transfer", sorted(measured.curves, key=lambda curve: curve.world), options.out)
    return {name: figure(WANTED[name], summaries, " → ".join(pair), condition) for name, (pair, condition) in FIGURES.items()}


def play(first: str, second: str, seed: int, fold: str, train: int, held_out: int) -> list[Curve]:
    """One pair with one seed: the three conditions."""
    world = Onwards(world_of(first), world_of(second))
    with TemporaryDirectory() as folder:
        exam = Exam(world, world.held_out(held_out, fold), seed, NO_MODEL, train, Path(folder))
        return [*(flat(exam.looked(each), (train,)) for each in (NONE, UNTAUGHT)), exam.trained(UNGATED)]
