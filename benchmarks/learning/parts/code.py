"""Code with checks: does a small model pass more tests after it learned from its mistakes?

In:  problems that a registry package carries, a model, seeds.
Out: the pass rate on held-out problems before and after; no difference is a result too.

One job a seed. A program takes a small model half a minute on one core, so each round of trials has a budget of runs: in
the hour no more than a lesson needs that wins every time, and most stay untried. With `--full`, more problems, and
the same with retries, in a table of its own.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figures, unmeasured
from benchmarks.learning.conditions.asked import shared
from benchmarks.learning.conditions.ours import FULL, NONE, REFLEXION, Models, Ours
from benchmarks.learning.options import Options
from benchmarks.learning.parts.jobs import Exam, flat, run_jobs
from benchmarks.learning.protocol import Curve, World
from benchmarks.learning.report import figure, publish
from benchmarks.learning.worlds.code import CodeWorld, problems
from purpose_agent.agents.budget import Budget
from purpose_agent.core.errors import MissingExtra, NoModelFound
from purpose_agent.models.resolve import resolve_model

WANTED = {
    "code_before": "functions to write and to repair, held out: all tests pass, without memory",
    "code_after": "the same after training, with what the gate let through",
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done.

    Attributes:
        runs: Budget of a round of trials.
    """

    seeds: int
    train: int = 6
    held_out: int = 8
    runs: int = 12
    every: bool = False


def sizes_of(options: Options) -> Sizes:
    """What is asked for; two seeds are what the hour has room for."""
    if options.quick:
        return Sizes(1, 2, 2, 2)
    return Sizes(options.seeds, 40, 30, 64, every=True) if options.full else Sizes(min(options.seeds, 2), train=6, held_out=8)


def measure(options: Options) -> Figures:
    """All seeds, side by side."""
    try:
        resolve_model(options.model)
        problems()
    except (MissingExtra, NoModelFound) as error:
        return unmeasured(str(error), **WANTED)
    sizes = sizes_of(options)
    calls = [(f"code, seed {seed}", (seed, options.fold, options.model, sizes)) for seed in range(sizes.seeds)]
    measured = run_jobs(play, calls, options.only)
    if not measured.curves:
        return unmeasured("; ".join(measured.failed.values()), **WANTED)
    summaries = publish("code", measured.curves, options.out)
    world = CodeWorld().name
    return {
        "code_before": figure(WANTED["code_before"], summaries, world, NONE.name),
        "code_after": figure(WANTED["code_after"], summaries, world, FULL.name),
    }


def play(seed: int, fold: str, model: str, sizes: Sizes, models: Models = shared, world: World | None = None) -> list[Curve]:
    """One seed: before and after, and with retries if all is asked for."""
    world = world or CodeWorld()

    def asking(condition: Ours) -> Ours:
        return replace(condition, models=models)

    with TemporaryDirectory() as folder:
        exam = Exam(world, world.held_out(sizes.held_out, fold), seed, model, sizes.train, Path(folder))
        full = exam.trained(asking(replace(FULL, budget=Budget(runs=sizes.runs))))
        curves = [flat(exam.looked(asking(NONE)), (sizes.train,)), full]
        if sizes.every:
            curves.append(replace(exam.looked(asking(REFLEXION)), retries=True))
    return curves
