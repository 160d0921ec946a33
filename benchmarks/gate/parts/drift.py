"""Drift: the house rule changes in mid-life, and how many runs it takes until the old rule is out of use and a new one is in.

In:  a seed.
Out: runs until demotion and until recovery, those for a promoted memory that harms, false alarms where nothing changes;
a table of what the detector alone needs for falls of other sizes.

No model of tokens: who plays does what the line in its prompt says, slips in a tenth of the runs, and guesses among four
answers where no line is shown. Everything else is as in use: rules are drawn by the learner, tried by the gate, withheld
from 5 % of the runs, and watched. `settle` is called after every `SETTLE_EVERY` runs, so up to four runs of each figure are
waiting for it.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Figures, spread, unmeasured
from benchmarks.gate.options import Options
from purpose_agent.agents.agent import Agent
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.exposure import Exposure
from purpose_agent.core.ids import IdSource
from purpose_agent.core.memory import Memory
from purpose_agent.core.model import Capabilities, ModelRequest
from purpose_agent.core.task import Check, Task
from purpose_agent.evals.falls import find_fall
from purpose_agent.evals.randomised import ALPHA, e_values
from purpose_agent.testing.models import RuleModel

SEEDS, QUICK_SEEDS = 20, 2
SETTLE_EVERY = 5
IN_USE = 40
"""Runs after the first promotion, before the rule changes."""
MOST_RUNS = 300
"""After the change; what has not come then is counted as this many."""
STILL_RUNS, QUICK_STILL_RUNS = 500, 40
"""For each seed, where nothing changes."""
SLIPS = 0.1
LUCK = 0.25

ANSWERS = ("left", "right", "up", "down")
HOUSE = {"red": "left", "blue": "right", "green": "up", "gold": "down"}
CHANGED = {"red": "right", "blue": "up", "green": "down", "gold": "left"}
HALF_CHANGED = {**HOUSE, "red": "right", "blue": "left"}
LOOKS = ("tall", "narrow", "heavy", "painted", "carved", "worn", "round", "low", "wide", "old", "bright", "quiet", "cold",
    "dusty", "plain", "crooked", "polished", "cracked", "hidden", "open")  # fmt: skip
PLACES = ("wall", "garden", "tower", "market", "river", "bridge", "stable", "chapel", "mill", "barn", "quay", "square",
    "orchard", "cellar", "attic", "library", "harbour", "school", "forge", "bakery", "meadow", "quarry", "vineyard",
    "lighthouse", "station", "hospital", "theatre", "museum", "prison", "castle")  # fmt: skip

FALLS = ((0.95, 0.05), (0.95, 0.3), (0.95, 0.5), (0.95, 0.7), (0.8, 0.05), (0.8, 0.3), (0.8, 0.5), (0.6, 0.1), (0.6, 0.3))
RECORDS = (0, 40, 200)
"""Runs in use before the fall, after a trial of 12."""
TRIAL = 12
SIMULATED, QUICK_SIMULATED = 200, 20
HARMS = ((0.9, 0.1), (0.7, 0.3), (0.5, 0.3))

WANTED = {
    "drift_runs_to_demote": "runs after a change of the whole house rule until the old one is out of use",
    "drift_runs_to_recover": "runs after it until a rule of the new house is in use",
    "drift_half_to_demote": "runs after a change of half the house rule until the old one is out of use",
    "drift_half_to_recover": "runs after it until a rule of the new house is in use",
    "harm_runs_to_demote": "runs until a wrong rule that was promoted by error is out of use",
    "false_demotions": "promoted rules sent back per 1,000 runs where nothing changed",
}
"""Every figure of this part, and what it is."""


def measure(options: Options) -> Figures:
    """All conditions on all seeds, then the detector alone."""
    seeds = range(options.seed, options.seed + (QUICK_SEEDS if options.quick else SEEDS))
    figures: Figures = {}
    for name, house in (("drift", CHANGED), ("drift_half", HALF_CHANGED)):
        lives = [changed_in_mid_life(seed, house) for seed in seeds]
        figures |= _waits({"drift": "drift_runs"}.get(name, name) + "_to_demote", [life.demoted for life in lives])
        figures |= _waits({"drift": "drift_runs"}.get(name, name) + "_to_recover", [life.recovered for life in lives])
        watched = sum(life.by_watch for life in lives)
        print(
            f"{name}: until demotion {sorted(life.demoted for life in lives)}, until recovery {sorted(life.recovered for life in lives)}"
        )
        print(f"{name}: {watched} of {len(lives)} old rules were sent back by the watch, the others made way for a new one")
    figures |= _waits("harm_runs_to_demote", [wrong_from_the_start(seed) for seed in seeds])
    still = QUICK_STILL_RUNS if options.quick else STILL_RUNS
    demoted = sum(nothing_changes(seed, still) for seed in seeds)
    runs = still * len(seeds)
    figures["false_demotions"] = Figure(WANTED["false_demotions"], 1000 * demoted / runs, n=runs)
    simulated = QUICK_SIMULATED if options.quick else SIMULATED
    _show_falls(simulated, options.seed)
    _show_harms(simulated, options.seed)
    return figures


@dataclass(slots=True)
class Life:
    """One agent in one house."""

    place: Workspace
    agent: Agent
    tasks: Iterator[tuple[str, str]]
    house: dict[str, str]
    runs: int = 0
    sent_back: list[str] = field(default_factory=list[str])

    def play(self) -> None:
        """One run, and now and then what is waiting is settled."""
        colour, goal = next(self.tasks)
        self.agent.run(_door(goal, self.house[colour]))
        self.runs += 1
        if self.runs % SETTLE_EVERY == 0:
            self.sent_back += [memory.id for memory in self.place.settle().returned]

    def in_use(self) -> list[Memory]:
        """The promoted rules."""
        return [memory for memory in self.place.memories("promoted") if memory.lesson.lines]

    def has_rule(self) -> bool:
        """A rule is in use that says what holds in the house now, of the greater part of its colours at least."""
        lines = (line.text for memory in self.in_use() for line in memory.lesson.lines)
        right = {
            text for colour, answer in self.house.items() for text in (f"{colour} -> {answer}", f"{colour} door -> {answer}")
        }
        return len(right & set(lines)) >= len(self.house) - 1


@dataclass(frozen=True, slots=True)
class Waits:
    """Runs after a change. `by_watch`: the watch took the old rule out of use, not its successor."""

    demoted: int
    recovered: int
    by_watch: bool


def changed_in_mid_life(seed: int, house: dict[str, str]) -> Waits:
    """Learn the rule, use it for a while, change it."""
    with TemporaryDirectory() as folder:
        life = _born(Path(folder), seed)
        while not life.has_rule():
            life.play()
        for _ in range(IN_USE):
            life.play()
        (old, *_) = life.in_use() or life.place.memories()
        life.house, began = house, life.runs
        demoted = _until(life, lambda: life.place.memory(old.id).status != "promoted", began)
        by_watch = old.id in life.sent_back
        return Waits(demoted, _until(life, life.has_rule, began), by_watch)


def wrong_from_the_start(seed: int) -> int:
    """A rule that is wrong everywhere, promoted all the same: its trial was on other tasks than those that come."""
    with TemporaryDirectory() as folder:
        life = _born(Path(folder), seed)
        life.house = CHANGED
        while not life.has_rule():
            life.play()
        (wrong, *_) = life.in_use()
        life.house, began = HOUSE, life.runs
        return _until(life, lambda: life.place.memory(wrong.id).status != "promoted", began)


def nothing_changes(seed: int, runs: int) -> int:
    """How often a promoted rule was sent back."""
    with TemporaryDirectory() as folder:
        life = _born(Path(folder), seed)
        while not life.has_rule():
            life.play()
        life.sent_back.clear()
        for _ in range(runs):
            life.play()
        return len(life.sent_back)


def _until(life: Life, done: Callable[[], bool], began: int) -> int:
    while not done() and life.runs - began < MOST_RUNS:
        life.play()
    return life.runs - began


def _born(folder: Path, seed: int) -> Life:
    place = Workspace(folder, ids=_numbered(seed))
    draws = random.Random(f"drift/{seed}")
    model = RuleModel(_player(draws), capabilities=Capabilities(choices=True, local=True))
    goals = [
        (colour, f"You stand before a {look} {colour} door near the {place}.")
        for colour in HOUSE
        for look in LOOKS
        for place in PLACES
    ]
    draws.shuffle(goals)
    return Life(place, Agent("walker", model=model, critic=None, workspace=place), iter(goals), HOUSE)


def _numbered(seed: int) -> IdSource:
    """Ids that sort, and are other ones for each seed: coins are drawn from them."""
    count = 0

    def make(prefix: str) -> str:
        nonlocal count
        count += 1
        return f"{prefix}_{seed:03d}{count:07d}"

    return make


def _door(goal: str, answer: str) -> Task:
    return Task(f"{goal} Which way?", choices=ANSWERS, checks=[Check.equals(answer)], labels={"family": "doors"})


def _player(draws: random.Random) -> Callable[[ModelRequest], str]:
    """Does what the line says that it is shown."""

    def play(request: ModelRequest) -> str:
        notes, _, goal = request.messages[1].text.rpartition("Task: ")
        for terms, answer in re.findall(r"^- (.+) -> (?:the right answer is )?(\w+)$", notes, re.MULTILINE):
            if all(word in goal for word in re.split(r"[, ]+", terms)) and draws.random() >= SLIPS:
                return str(answer)
        return draws.choice(ANSWERS)

    return play


def _waits(name: str, waits: Sequence[int]) -> Figures:
    if len(waits) < 2:
        return unmeasured("one life alone has no spread", **{name: WANTED[name]})
    return {name: spread(WANTED[name], waits)}


def _show_falls(simulated: int, seed: int) -> None:
    """What the detector alone needs, looked at after every run."""
    table = Table(
        "rate before",
        "rate after",
        *(f"{n} runs in use" for n in RECORDS),
        title="Runs until a fall shows",
        title_justify="left",
    )
    for before, after in FALLS:
        table.add_row(f"{before:.0%}", f"{after:.0%}", *(_fall(before, after, n, simulated, seed) for n in RECORDS))
    Console().print(table)


def _fall(before: float, after: float, in_use: int, simulated: int, seed: int) -> str:
    waits: list[float] = []
    for number in range(simulated):
        draws = random.Random(f"fall/{seed}/{number}/{before}/{after}/{in_use}")
        trial = [draws.random() < before for _ in range(TRIAL)]
        outcomes = [draws.random() < (before if run < in_use else after) for run in range(in_use + 1000)]
        fall = find_fall(sum(trial), TRIAL, outcomes)
        waits.append(float("inf") if fall is None else fall.before + fall.since - TRIAL - in_use)
    return _in_words(waits)


def _show_harms(simulated: int, seed: int) -> None:
    """What the runs without it need, at a holdout of 5 %."""
    table = Table(
        "success with it", "without it", "runs until harm shows", title="A holdout of 5 %, nothing falls", title_justify="left"
    )
    for without, with_it in HARMS:
        waits = [
            _harm(with_it, without, random.Random(f"harm/{seed}/{number}/{with_it}"))
            for number in range(max(2, simulated // 4))
        ]
        table.add_row(f"{with_it:.0%}", f"{without:.0%}", _in_words(waits))
    Console().print(table)


def _harm(with_it: float, without: float, draws: random.Random) -> float:
    exposures: list[Exposure] = []
    for run in range(2000):
        shown = draws.random() < 0.95
        exposures.append(Exposure("mem_1", 1, shown, 0.95, f"run_{run:05d}", draws.random() < (with_it if shown else without)))
        if run % 20 == 19 and e_values(exposures)[1] >= 1 / ALPHA:
            return run + 1
    return float("inf")


def _in_words(waits: Sequence[float]) -> str:
    tenth, ordered = len(waits) // 10, sorted(waits)
    low, middle, high = (
        ("over 1,000" if each == float("inf") else f"{each:.0f}")
        for each in (ordered[tenth], median(ordered), ordered[-1 - tenth])
    )
    return f"{middle} ({low} to {high})"
