"""House rules with a real model: is the rule found from feedback alone, and does it help on tasks never seen?

In:  families of tasks, a model, seeds.
Out: curves for each family, and of all learnable ones together.

One job measures one family with all seeds, so that its process asks the model no question twice. What was shared: "none"
and "oracle" do not learn and are measured once; "placebo" and what is "full" without a part look at the memory that
"full" made; "episodes" has the training of "ungated", which promotes nothing. Retries are in a table of their own.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Figures, unmeasured
from benchmarks.learning.analysis import Summary, compare, summarise
from benchmarks.learning.conditions.asked import shared
from benchmarks.learning.conditions.grasp import Grasp
from benchmarks.learning.conditions.ours import (
    EPISODES,
    FULL,
    GREEDY,
    MINUS_DEMONSTRATIONS,
    MINUS_MEANING,
    MINUS_RULES,
    MINUS_VALUES,
    MINUS_WEIGHING,
    NONE,
    ORACLE,
    PLACEBO,
    REFLEXION,
    UNGATED,
    Models,
    Ours,
)
from benchmarks.learning.conditions.peers import PeerFailed
from benchmarks.learning.options import Options
from benchmarks.learning.parts.jobs import Exam, flat, following, run_jobs
from benchmarks.learning.protocol import Condition, Curve
from benchmarks.learning.report import figure, publish, save_pictures, show
from benchmarks.learning.values import pooled
from benchmarks.learning.worlds.families import FAMILIES
from benchmarks.learning.worlds.rules import RuleWorld
from purpose_agent.core.errors import MissingExtra, ModelError, NoModelFound
from purpose_agent.models.resolve import resolve_model

HOUR = ("doors", "desks", "lamps", "keys", "crates", "alarms", "seals", "tickets", "ferries", "coins", "kinds")
"""A family of each level, and one whose rule is about meaning: what the hour has room for. `--full` measures all."""
ALL = "rules"
"""The learnable families taken as one world."""
FOUND = 0.9
"""So good is a family whose rule counts as found."""
ABOUT = {
    "rules_none": "house rules, held-out tasks right without memory",
    "rules_placebo": "house rules, held-out tasks right with shuffled memories of the same length",
    "rules_full": "house rules, held-out tasks right after 40 training tasks",
    "rules_oracle": "house rules, held-out tasks right with the rule taught",
    "rules_episodes": "house rules, held-out tasks right with the nearest solved cases in the prompt",
    "rules_ungated": "house rules, held-out tasks right with every lesson in use from its first day",
}
UNTIL = "house rules, training tasks until 90 % of held-out tasks are right: median of the families that got there"
WANTED = {**ABOUT, "rules_train_tasks": UNTIL}
"""Every figure of this part, and what it is."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done.

    Attributes:
        every: All conditions, or the few that fit into the hour.
    """

    seeds: int
    families: tuple[str, ...] = HOUR
    train: int = 40
    at: tuple[int, ...] = (10, 20, 30, 40)
    held_out: int = 12
    every: bool = False


def sizes_of(options: Options) -> Sizes:
    """What is asked for. The hour has room for one stream of training tasks; decisions on the exam are the same for all."""
    if options.quick:
        return Sizes(1, ("doors", "coins"), 8, (4, 8), 2)
    return Sizes(options.seeds, tuple(FAMILIES), held_out=24, every=True) if options.full else Sizes(1)


def measure(options: Options) -> Figures:
    """All families, side by side; figures of what could be measured."""
    sizes = sizes_of(options)
    try:
        resolve_model(options.model)
    except (MissingExtra, NoModelFound) as error:
        return unmeasured(str(error), **WANTED)
    calls = [(family, (family, options.fold, options.model, sizes)) for family in sizes.families]
    measured = run_jobs(play, calls, options.only)
    if not measured.curves:
        return unmeasured("; ".join(measured.failed.values()), **WANTED)
    summaries = publish("rules", measured.curves, options.out)
    together = pooled([curve for curve in measured.curves if not curve.control], ALL)
    whole = summarise(together)
    show("rules, learnable families together", whole, compare(together))
    if options.out is not None:
        save_pictures(options.out, whole)
    return figures_of(summaries, whole)


def figures_of(summaries: tuple[Summary, ...], whole: tuple[Summary, ...]) -> Figures:
    """The figures, from the families one by one and together."""
    found = {name: figure(about, whole, ALL, name.removeprefix("rules_")) for name, about in ABOUT.items()}
    learnt = [each.trained_until(FOUND) for each in summaries if each.condition == FULL.name and not each.control]
    reached = [trained for trained in learnt if trained is not None]
    why = "" if reached else f"no family reached {FOUND:.0%}"
    until = Figure(UNTIL, median(reached) if reached else None, n=len(reached), why=why)
    return {**found, "rules_train_tasks": until}


def play(family: str, fold: str, model: str, sizes: Sizes, models: Models = shared) -> list[Curve]:
    """One family: all conditions with all seeds."""
    curves: list[Curve] = []
    for seed in range(sizes.seeds):
        with TemporaryDirectory() as folder:
            curves += Play(RuleWorld(family), seed, fold, model, sizes, Path(folder), models).curves()
    return curves


class Play:
    """The measurements of one family with one seed."""

    def __init__(
        self, world: RuleWorld, seed: int, fold: str, model: str, sizes: Sizes, folder: Path, models: Models = shared
    ) -> None:
        self._world, self._sizes, self._models = world, sizes, models
        self._held_out = world.held_out(sizes.held_out, fold)
        self._exam = Exam(world, self._held_out, seed, model, sizes.train, folder)

    def curves(self) -> list[Curve]:
        """One for each condition."""
        at, every = self._sizes.at, self._sizes.every
        curves = [flat(self._looked(NONE), at)]
        if self._world.oracle(self._held_out[0]):
            curves.append(flat(self._looked(ORACLE), at))
        full = self._trained(FULL, at, restart=True)
        ungated = self._trained(UNGATED, at if every else ())
        episodes = following(ungated, self._looked(EPISODES, UNGATED.name))
        parts = (PLACEBO, MINUS_WEIGHING, *((MINUS_RULES, MINUS_DEMONSTRATIONS, MINUS_VALUES) if every else ()))
        curves += [full, *(following(full, self._looked(part, FULL.name)) for part in parts), episodes, ungated]
        return [*curves, *(self._others() if every else ())]

    def _others(self) -> list[Curve]:
        curves = [
            self._trained(MINUS_MEANING, self._sizes.at),
            self._trained(GREEDY, self._sizes.at),
            replace(flat(self._looked(REFLEXION), self._sizes.at), retries=True),
        ]
        if self._held_out[0].choices:
            try:
                curves.append(self._trained(Grasp(), ()))
            except (PeerFailed, ModelError) as error:
                print(f"{self._world.name}: grasp was not measured: {error}", flush=True)
        return curves

    def _trained(self, condition: Condition, at: tuple[int, ...], *, restart: bool = False) -> Curve:
        return self._exam.trained(self._with_model(condition), at, restart=restart)

    def _looked(self, condition: Condition, folder: str = "") -> Curve:
        return self._exam.looked(self._with_model(condition), folder)

    def _with_model(self, condition: Condition) -> Condition:
        return replace(condition, models=self._models) if isinstance(condition, Ours) else condition
