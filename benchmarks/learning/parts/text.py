"""Text worlds that others wrote, played without any model: the weakest policy there is, and what learning adds to it.

In:  the fold to measure on, seeds.
Out: curves of random choice, of what was learned with and without the gate, of nearest neighbours, of poisoned experience.

CoinCollector and MapReader are taken as controls: memory without care made agents worse there. One job measures one
world with one seed. What was shared: "none" and "untaught" do not learn and are measured once; "ungated" has the training
of "full", since an agent without a model explores by its values whatever the gate says; "knn" looks at the episodes that
"full" made, so that the two estimators are compared on the same experience. With `--full`, twc once more with a real model
that chooses among the best few, in shorter games: alone, and with the values that were learned without it.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figures, unmeasured
from benchmarks.learning.conditions.games import MINUS_HINDSIGHT, POISONED, TRUSTING, UNTAUGHT, Gold
from benchmarks.learning.conditions.ours import FULL, KNN, NONE, UNGATED
from benchmarks.learning.options import Options
from benchmarks.learning.parts.jobs import Exam, Measured, flat, following, run_jobs
from benchmarks.learning.protocol import Curve, World
from benchmarks.learning.report import figure, publish
from benchmarks.learning.worlds.babyai import BabyAIWorld
from benchmarks.learning.worlds.java import POOL
from benchmarks.learning.worlds.text import TextWorld
from purpose_agent.core.errors import MissingExtra
from purpose_agent.core.model import NO_MODEL

WORLDS = ("twc", "twc-hard", "cookingworld", "babyai/GoToLocal", "coin", "mapreader")
CONTROLS = ("coin", "mapreader")
NEIGHBOURS = ("twc",)
"""Where nearest neighbours are measured too: they take the most time."""
POISONED_IN = ("twc",)
HINDSIGHT = ("babyai/GoToLocal",)
"""Where failed runs may have reached something else: measured without that lesson too."""
FURTHER, FURTHER_SEEDS = ("twc-hard", "babyai/GoToLocal"), 3
"""Worlds for which the hour has room for fewer seeds."""
WITH_MODEL = "twc with a model"
STEPS_WITH_MODEL = 20
"""Actions in such a game: a model takes seconds for each, and twenty are more than twice what a solution takes."""
ABOUT = {
    "none": "choosing at random",
    "untaught": "trying new things, nothing learned",
    "knn": "values by nearest neighbours",
    "full": "values through the gate",
    "ungated": "values without the gate",
    "full-minus-hindsight": "values through the gate, learned from what was wanted alone",
    "poisoned": "values through the gate, 30 % of the training told by a peer that lies",
    "poisoned-trusting": "values through the gate, 30 % of the training told by that peer, and believed",
}
TAUGHT = "full-without"
"""The values that a model is given as "full", without the model."""
FIGURES = {
    "twc_none": ("twc", "none"),
    "twc_knn": ("twc", "knn"),
    "twc_full": ("twc", "full"),
    "coin_none": ("coin", "none"),
    "coin_full": ("coin", "full"),
    "mapreader_none": ("mapreader", "none"),
    "mapreader_full": ("mapreader", "full"),
    "twc_poisoned": ("twc", "poisoned"),
    "cooking_none": ("cookingworld", "none"),
    "cooking_full": ("cookingworld", "full"),
    "twc_ungated": ("twc", "ungated"),
    "twc_poisoned_trusting": ("twc", "poisoned-trusting"),
    "twc_untaught": ("twc", "untaught"),
    "coin_untaught": ("coin", "untaught"),
    "mapreader_untaught": ("mapreader", "untaught"),
    "coin_ungated": ("coin", "ungated"),
    "twc_hard_none": ("twc-hard", "none"),
    "twc_hard_untaught": ("twc-hard", "untaught"),
    "twc_hard_full": ("twc-hard", "full"),
    "babyai_none": ("babyai/GoToLocal", "none"),
    "babyai_untaught": ("babyai/GoToLocal", "untaught"),
    "babyai_full": ("babyai/GoToLocal", "full"),
    "babyai_no_hindsight": ("babyai/GoToLocal", "full-minus-hindsight"),
}
"""By name: the world and the condition whose held-out success it is."""
WANTED = {name: f"{world}, held-out games won: {ABOUT[condition]}" for name, (world, condition) in FIGURES.items()}
"""Every figure of this part, and what it is."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done."""

    train: int = 200
    at: tuple[int, ...] = (25, 50, 100, 200)
    held_out: int = 50


SIZES = Sizes()
QUICK = Sizes(8, (4, 8), 4)
OF_MODEL = Sizes(200, (), 20)


def measure(options: Options) -> Figures:
    """All worlds and seeds, side by side; figures of what could be measured."""
    sizes = QUICK if options.quick else SIZES
    try:
        with POOL.lending("twc"):
            pass
    except MissingExtra as error:
        return unmeasured(str(error), **WANTED)
    POOL.close()
    calls = [
        (f"{name}, seed {seed}", (name, seed, options.fold, sizes))
        for seed in range(options.seeds)
        for name in WORLDS
        if seed < FURTHER_SEEDS or name not in FURTHER or options.full
    ]
    poisoned = [
        (f"{name} with {condition.name}, seed {seed}", (name, seed, options.fold, sizes, condition.name))
        for seed in range(options.seeds)
        for name in POISONED_IN
        for condition in (POISONED, *((TRUSTING,) if seed < 2 or options.full else ()))
    ]
    asking = [
        (f"{WITH_MODEL}: {only}", (WORLDS[0], 0, options.fold, QUICK if options.quick else OF_MODEL, only, options.model))
        for only in (NONE.name, FULL.name)
        if options.full
    ]
    return report(run_jobs(play, [*calls, *poisoned, *asking], options.only), options)


def report(measured: Measured, options: Options) -> Figures:
    """Publish the curves, and read the figures from them."""
    order = {name: number for number, name in enumerate((*WORLDS, WITH_MODEL))}
    curves = sorted(measured.curves, key=lambda curve: order[curve.world])
    if not curves:
        return unmeasured("; ".join(measured.failed.values()), **WANTED)
    summaries = publish("text", curves, options.out, habit=UNTAUGHT.name)
    return {name: figure(WANTED[name], summaries, *where) for name, where in FIGURES.items()}


def play(name: str, seed: int, fold: str, sizes: Sizes, only: str = "", model: str = NO_MODEL) -> list[Curve]:
    """One world with one seed: all conditions, or the one that is named."""
    with TemporaryDirectory() as folder:
        if model == NO_MODEL:
            return Play(world_of(name), seed, fold, sizes, Path(folder)).curves(only)
        return play_with_model(TextWorld(name, steps=STEPS_WITH_MODEL), seed, fold, sizes, Path(folder), model, only)


def play_with_model(world: TextWorld, seed: int, fold: str, sizes: Sizes, folder: Path, model: str, only: str) -> list[Curve]:
    """A model alone; or with values that were learned without it, and those values alone."""
    asked = Exam(world, world.held_out(sizes.held_out, fold), seed, model, sizes.train, folder)
    if only == NONE.name:
        curves = [flat(asked.looked(NONE), (sizes.train,))]
    else:
        values = replace(asked, model=NO_MODEL).trained(FULL)
        taught = asked.looked(FULL).final
        curves = [replace(values, points=((sizes.train, taught),)), replace(values, condition=TAUGHT)]
    return [replace(curve, world=WITH_MODEL) for curve in curves]


def world_of(name: str) -> World:
    """A text world by its name."""
    return BabyAIWorld(name) if name.startswith("babyai/") else TextWorld(name, control=name in CONTROLS)


class Play:
    """The measurements of one job."""

    def __init__(self, world: World, seed: int, fold: str, sizes: Sizes, folder: Path) -> None:
        self._world, self._seed, self._sizes = world, seed, sizes
        self._exam = Exam(world, world.held_out(sizes.held_out, fold), seed, NO_MODEL, sizes.train, folder)

    def curves(self, only: str) -> list[Curve]:
        """One for each condition."""
        if only:
            condition = {each.name: each for each in (POISONED, TRUSTING)}[only]
            return [self._exam.trained(condition, self._sizes.at)]  # as many rounds of trials as "full" has
        at = self._sizes.at
        curves = [flat(self._exam.looked(condition), at) for condition in (NONE, UNTAUGHT)]
        if self._seed == 0:
            curves.append(flat(self._exam.looked(Gold()), at))
        full = self._exam.trained(FULL, at, restart=self._seed == 0)
        curves += [full, following(full, self._exam.looked(UNGATED, FULL.name))]
        if self._world.name in NEIGHBOURS:
            curves.append(following(full, self._exam.looked(KNN, FULL.name)))
        if self._world.name in HINDSIGHT:
            curves.append(self._exam.trained(MINUS_HINDSIGHT, at))
        return curves
