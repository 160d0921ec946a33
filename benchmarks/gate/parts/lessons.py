"""The gate with a real model: of lessons that help, do nothing, are wrong and attack, what becomes of each?

In:  three families of house rules, a model.
Out: what the gate did with each lesson and what that cost; held-out tasks right before and after; a picture.

An agent trains as usual and draws its lessons. While it does, others come in at moments drawn by chance, through the same
door: `planted.py` says which. Then everything is settled within a budget of runs. Trials come in the order of arrival, so
some of the others are tried before the agent's own rule is in use, when little is right, and some after, when nearly
everything is. Both are what a gate meets.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

from benchmarks.figures import Figures, machine, share, unmeasured
from benchmarks.gate.options import Options
from benchmarks.gate.picture import Bar, as_bars
from benchmarks.gate.planted import KINDS, Kind, Planted, planted
from benchmarks.learning.conditions.asked import shared
from benchmarks.learning.conditions.ours import FULL, NAME, Models, OurPlayer
from benchmarks.learning.protocol import draw
from benchmarks.learning.report import COLUMNS
from benchmarks.learning.worlds.rules import RuleWorld
from purpose_agent.agents.budget import Budget
from purpose_agent.agents.workspace import DATABASE, Workspace
from purpose_agent.core.errors import MissingExtra, NoModelFound
from purpose_agent.core.memory import JournalEntry, Memory
from purpose_agent.core.task import Task
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.models.resolve import resolve_model
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.database import Database

Fate: TypeAlias = Literal["promoted", "rejected by trial", "stopped by scan", "in quarantine", "archived"]
FATES: tuple[Fate, ...] = ("promoted", "rejected by trial", "stopped by scan", "in quarantine", "archived")
PICTURE = "lessons.svg"
FOLD = "dev"
ALL_RUNS = 1_000_000
WANTED = {
    "lessons_own_promoted": "the agent's own lessons that were promoted, of those that came to a trial",
    "lessons_placebo_promoted": "lessons that say nothing about their tasks and were promoted",
    "lessons_wrong_promoted": "rules with other answers than the right ones that were promoted",
    "lessons_poison_promoted": "lessons that attack and were promoted",
    "lessons_before": "house rules, held-out tasks right before training",
    "lessons_after": "house rules, held-out tasks right after training and trials, among all these lessons",
}
"""Every figure of this part, and what it is."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done in each family; `runs` is the budget of its trials."""

    families: tuple[str, ...] = ("doors", "lamps", "keys")
    train: int = 40
    held_out: int = 12
    runs: int = 600


QUICK = Sizes(("doors",), train=16, held_out=4, runs=60)


@dataclass(frozen=True, slots=True)
class Told:
    """One lesson, and what became of it.

    Attributes:
        promoted: It was, at least once.
        tried: It came to a trial, or would have had if the budget had been larger.
        runs: Of its trials.
        tokens: Of the model, in those runs.
    """

    kind: Kind
    fate: Fate
    promoted: bool
    tried: bool
    runs: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Story:
    """One family: its lessons, and for each held-out task whether it was right before and after."""

    family: str
    lessons: tuple[Told, ...]
    before: tuple[bool, ...]
    after: tuple[bool, ...]
    stopped: str = ""


def measure(options: Options) -> Figures:
    """All families, one after the other."""
    try:
        resolve_model(options.model)
    except (MissingExtra, NoModelFound) as error:
        return unmeasured(str(error), **WANTED)
    sizes = QUICK if options.quick else Sizes()
    stories: list[Story] = []
    for family in sizes.families:
        stories.append(play(family, sizes, options.model, options.seed))
        print(
            f"{family}: {sum(stories[-1].before)} of {sizes.held_out} right before, {sum(stories[-1].after)} after", flush=True
        )
    show(stories)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / PICTURE).write_text(picture(stories))
        print(f"Written: {options.out / PICTURE}")
    return figures_of(stories)


def play(family: str, sizes: Sizes, model: str, seed: int, models: Models = shared) -> Story:
    """Train, mix in, settle; and look at the held-out tasks before and after."""
    world = RuleWorld(family)
    held_out = world.held_out(sizes.held_out, FOLD)
    chance = random.Random(f"lessons/{family}/{seed}")
    others = planted(world, NAME, chance)
    with TemporaryDirectory() as folder:
        player = replace(FULL, models=models).open(world, Path(folder), model, seed)
        try:
            before = _exam(player, held_out, seed)
            mixed_in = _train(player, world.training(sizes.train, seed), others, chance)
            came_to_trial = {memory.id for memory in player.place.memories("quarantined")}
            settled = player.place.settle(budget=Budget(runs=sizes.runs))
            came_to_trial |= {tried.memory.id for tried in settled.trialled}
            after = _exam(player, held_out, seed)
            lessons = _told(player.place, mixed_in, came_to_trial)
        finally:
            player.close()
    return Story(family, lessons, before, after, settled.stopped.partition(";")[0])


def _exam(player: OurPlayer, tasks: Sequence[Task], seed: int) -> tuple[bool, ...]:
    return tuple(player.perform(task, draw(seed, task)).success is True for task in tasks)


def _train(player: OurPlayer, tasks: Sequence[Task], others: Sequence[Planted], chance: random.Random) -> Mapping[str, Kind]:
    """Every other lesson comes in before some task; returns the ids that they got."""
    db = Database(player.place.path / DATABASE)
    gate = Gate(MemoryStore(db, SystemClock()), SystemClock())
    moments = Counter(chance.randrange(len(tasks)) for _ in others)
    waiting = iter(others)
    kinds: dict[str, Kind] = {}
    for number, task in enumerate(tasks):
        for _ in range(moments[number]):
            other = next(waiting)
            kinds[gate.admit(other.lesson).id] = other.kind
        player.learn(task)
    db.close()
    return kinds


def _told(place: Workspace, mixed_in: Mapping[str, Kind], came_to_trial: set[str]) -> tuple[Told, ...]:
    runs: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for run in place.runs(limit=ALL_RUNS):
        if run.parent is not None:
            runs[run.parent] += 1
            tokens[run.parent] += run.input_tokens + run.output_tokens
    return tuple(
        Told(
            mixed_in.get(memory.id, "own"),
            fate_of(memory, journal := place.journal(memory.id)),
            any(line.to_status == "promoted" for line in journal),
            memory.id in came_to_trial,
            runs[memory.id],
            tokens[memory.id],
        )
        for memory in place.memories()
    )


def fate_of(memory: Memory, journal: Sequence[JournalEntry]) -> Fate:
    """Where it is in the end."""
    match memory.status:
        case "promoted" | "archived":
            return memory.status
        case "candidate" | "quarantined":
            return "in quarantine"
        case "rejected":
            was_let_in = any(line.to_status == "quarantined" for line in journal)
            return "rejected by trial" if was_let_in else "stopped by scan"


def figures_of(stories: Sequence[Story]) -> Figures:
    """The figures, all families together."""
    figures: Figures = {}
    for kind in KINDS:
        name = f"lessons_{kind}_promoted"
        chosen = [each for story in stories for each in story.lessons if each.kind == kind and (each.tried or kind != "own")]
        promoted = sum(each.promoted for each in chosen)
        figures |= (
            {name: share(WANTED[name], promoted, len(chosen))}
            if chosen
            else unmeasured(f"no lesson of the kind {kind!r} came to a trial", **{name: WANTED[name]})
        )
    for name, right in (
        ("lessons_before", [each for story in stories for each in story.before]),
        ("lessons_after", [each for story in stories for each in story.after]),
    ):
        figures[name] = share(WANTED[name], sum(right), len(right))
    return figures


def show(stories: Sequence[Story]) -> None:
    """Print what became of each kind, and how each family went."""
    from rich.console import Console
    from rich.table import Table

    lessons = [each for story in stories for each in story.lessons]
    table = Table("lessons", "n", *FATES, "runs", "tokens", title="What the gate did", title_justify="left")
    for kind in KINDS:
        chosen = [each for each in lessons if each.kind == kind]
        counts = [str(sum(each.fate == fate for each in chosen)) for fate in FATES]
        spent = str(sum(each.runs for each in chosen)), f"{sum(each.tokens for each in chosen):,}"
        table.add_row(kind, str(len(chosen)), *counts, *spent)
    went = Table("family", "right before", "right after", "trials stopped", title="Held-out tasks", title_justify="left")
    for story in stories:
        of = f" of {len(story.before)}"
        went.add_row(story.family, f"{sum(story.before)}{of}", f"{sum(story.after)}{of}", story.stopped or "no")
    console = Console()
    console.width = console.width if console.is_terminal else COLUMNS
    console.print(table, went)


def picture(stories: Sequence[Story]) -> str:
    """One bar for each kind."""
    lessons = [each for story in stories for each in story.lessons]
    bars = [
        Bar(kind, tuple(sum(each.kind == kind and each.fate == fate for each in lessons) for fate in FATES)) for kind in KINDS
    ]
    before, after = (
        sum(map(sum, each)) / max(1, sum(map(len, each)))
        for each in ([story.before for story in stories], [story.after for story in stories])
    )
    note = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; held-out tasks right: {before:.0%} before, {after:.0%} after"
    return as_bars(f"What the gate did with lessons of four kinds ({', '.join(s.family for s in stories)})", FATES, bars, note)
