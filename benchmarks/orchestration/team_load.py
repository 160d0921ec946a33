"""A team of specialists under load: does it lose or mix up a task, or what was learned from one?

Threads give tasks to one team in one workspace; each answer says whose task it was and who did it. Every fifth task's model is down at
first, and the thread goes on with it; reflection on some runs ends in a bug, and is made up for. Then lessons from those runs come into
use, each of two agents' that say the same and others, more than there is room for; while the threads give more tasks, memory is settled:
what says the same is merged, what is beyond the room is put away.

Lost is a task without its own answer, its run, or its one line in the record, and a lesson that is nowhere. Misattributed is a task whose
record is under another name, and a lesson under another agent or run than taught it, also after it was merged.
"""

import json
import logging
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import purpose_agent as pa
from purpose_agent.agents.budget import Budget
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.core.errors import ModelUnreachable
from purpose_agent.core.memory import Lesson, Memory, Pair, Provenance, Scope, TrialReport
from purpose_agent.core.model import ModelRequest
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.multi_agent import AgentSpec, AgentTeam
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import HandedOver
from purpose_agent.runtime.record import PENDING
from purpose_agent.testing.models import RuleModel

AGENTS = ("red", "green", "blue", "black")
TWINS, OTHERS = 4, 8
"""Pairs of lessons of two agents that say the same, and lessons that say something else."""
ROOM = 8
"""Of learned lessons in use."""
_WORDS = ("amber", "birch", "cedar", "dahlia", "elm", "fern", "ginger", "hazel", "iris", "juniper", "kale", "laurel")


@dataclass(frozen=True, slots=True)
class UnderLoad:
    """What came of it.

    Attributes:
        happened: How often what had to happen did.
    """

    lost: int
    misattributed: int
    lessons: int
    happened: str


@dataclass(slots=True)
class _Load:
    """A team, and what it was given."""

    team: AgentTeam
    wanted: dict[str, str] = field(default_factory=dict[str, str])
    results: dict[str, pa.TaskResult] = field(default_factory=dict[str, pa.TaskResult])
    went_on: list[str] = field(default_factory=list[str])

    def give(self, thread: int, number: int) -> None:
        task, who = f"task-{thread}-{number}", AGENTS[(thread + number) % len(AGENTS)]
        self.wanted[task] = who
        # Every other task fails, and teaches something.
        check = pa.Check.contains("task-" if number % 2 else "never said")
        result = self.team.run_task(pa.Task(f"A {who}ish one: {task} now", checks=[check]))
        if result.status == "failed":
            again = self.team.resume(result.id)
            assert isinstance(again, pa.TaskResult), "a task goes on as a task"
            self.went_on.append(task)
            result = again
        self.results[task] = result


class _Model:
    """Says whose task it is and who says so; is down at the first call for some tasks, and once has a bug while it reflects on others."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def of(self, name: str) -> RuleModel:
        return RuleModel(lambda request: self._answer(name, request), name=name)

    def _answer(self, name: str, request: ModelRequest) -> str:
        task = next((word for word in request.text.split() if word.startswith("task-")), "")
        number = int(task.rpartition("-")[2]) if task else 0
        if request.purpose == "reflect":
            if number % 4 == 2 and self._first(f"reflect {task}"):
                raise RuntimeError("a bug in reflection")
            return json.dumps({"when": f"doing {task} of {name}", "then": f"Do {task} as {name} does."})
        if number % 5 == 0 and self._first(task):
            raise ModelUnreachable("the server is down")
        return f"{task} by {name}"

    def _first(self, what: str) -> bool:
        with self._lock:
            is_first = what not in self._seen
            self._seen.add(what)
            return is_first


def under_load(threads: int, tasks: int) -> UnderLoad:
    """How many tasks and lessons were lost, and how many are under a wrong name."""
    with TemporaryDirectory() as folder, _untold():
        place, model = pa.Workspace(folder), _Model()
        specs = [AgentSpec(name, model=model.of(name), expertise_keywords=[f"{name}ish"]) for name in AGENTS]
        load = _Load(AgentTeam(specs, critic_model="none", shared_memory_capacity=ROOM, persistence_dir=place.path))
        half = max(2, tasks // 2)
        _at_once([lambda thread=thread: _all(load, thread, range(half)) for thread in range(threads)])
        broken = sum(row.reflected == PENDING for row in load.team.workspace.runs(limit=10_000) if row.success is False)
        taught = _put_into_use(load)
        merged, away = list[tuple[Memory, Memory]](), list[Memory]()

        def settle() -> None:
            kept = load.team.workspace.settle(budget=Budget(runs=1)).upkeep
            merged.extend(kept.merged)
            away.extend(memory for memory, _ in kept.hibernated)

        rest = range(half, tasks)
        _at_once([*[lambda thread=thread: _all(load, thread, rest) for thread in range(threads)], settle])
        settle()
        assert all([broken, load.went_on, merged, away]), "it all has to happen, or nothing is measured"
        happened = (
            f"{len(load.went_on)} failed and went on, {broken} reflected on later, {len(merged)} merged, {len(away)} put away"
        )
        lost, wrong = _of_lessons(load, taught, merged)
        print(happened, flush=True)
        return UnderLoad(_lost(load) + lost, _misattributed(load, taught) + wrong, len(taught), happened)


@contextmanager
def _untold() -> Generator[None]:
    """What is meant to break here, and is counted, would fill the screen."""
    log = logging.getLogger("purpose_agent.agents.due")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _all(load: _Load, thread: int, numbers: range) -> None:
    for number in numbers:
        load.give(thread, number)


def _at_once(work: list[Callable[[], None]]) -> None:
    barrier, errors = threading.Barrier(len(work)), list[Exception]()

    def run(each: Callable[[], None]) -> None:
        barrier.wait()
        try:
            each()
        except Exception as error:  # noqa: BLE001 (raised below, where somebody sees it)
            errors.append(error)

    workers = [threading.Thread(target=run, args=(each,)) for each in work]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]


def _put_into_use(load: _Load) -> Mapping[str, Provenance]:
    """Lessons from runs that were done, by their ids; of the first ones each two say the same, and are of two agents."""
    database = Database(Path(load.team.workspace.path) / DATABASE)
    gate = Gate(MemoryStore(database, SystemClock()), SystemClock())
    runs = {who: [load.results[task].id for task, each in load.wanted.items() if each == who] for who in AGENTS}
    taught: dict[str, Provenance] = {}

    def use(text: str, when: str, who: str, number: int) -> None:
        source = Provenance("self_verified", runs[who][number % len(runs[who])], who)
        memory = gate.admit(Lesson("failure_pattern", when, text, source, Scope()))
        rate = gate.allowance(memory)
        pairs = tuple(Pair(f"task {n}", n, True, False, f"run_with_{n}", f"run_without_{n}") for n in range(8))
        gate.promote(memory, TrialReport(memory.id, pairs, 8, 0, 8, 2 / rate, 0.5, 1.0, (0.4, 1.0), rate, tokens=100))
        taught[memory.id] = source

    for number, word in enumerate(_WORDS[: TWINS + OTHERS]):
        first, other = AGENTS[number % len(AGENTS)], AGENTS[(number + 1) % len(AGENTS)]
        use(f"Keep the {word} dry, always", f"storing {word}", first, number)
        if number < TWINS:
            use(f"keep the {word} dry, always!", f"storing {word}", other, number)
    return taught


def _of_lessons(load: _Load, taught: Mapping[str, Provenance], merged: list[tuple[Memory, Memory]]) -> tuple[int, int]:
    """How many of the lessons that were put into use are nowhere, and how many are credited wrongly."""
    known = {memory.id: memory for memory in load.team.workspace.memories()}
    lost = sum(id not in known or known[id].status not in ("promoted", "archived") for id in taught)
    wrong = sum(id in known and known[id].lesson.provenance != source for id, source in taught.items())
    told = {each.memory_id: each for each in load.team.get_learning_report().heuristics}
    for stays, goes in merged:
        if stays.id in told:  # and was not put away afterwards
            wrong += (taught[goes.id].agent, taught[goes.id].run_id) not in told[stays.id].also
    return lost, wrong


def _lost(load: _Load) -> int:
    rows = {row.id: row for row in load.team.workspace.runs(limit=10 * len(load.wanted))}
    handed = {run.id for run in rows.values() if run.parent is None}
    lost = 0
    for task in load.wanted:
        result = load.results.get(task)
        row = rows.get(result.id) if result is not None else None
        is_there = row is not None and row.parent in handed and row.finished_at is not None
        lost += result is None or f"{task} by" not in str(result) or not is_there
    # One line each: one too many is as wrong as one too few.
    return max(lost, abs(len(load.wanted) - sum(each.tasks for each in load.team.stats.per_agent.values())))


def _misattributed(load: _Load, taught: Mapping[str, Provenance]) -> int:
    place = load.team.workspace
    rows = {row.id: row for row in place.runs(limit=10 * len(load.wanted))}
    wrong = 0
    for task, who in load.wanted.items():
        result = load.results.get(task)
        if result is None:
            continue
        row = rows[result.id]
        told = {(hop.receiver, hop.run_id) for hop in place.trace(row.parent or "").of(HandedOver)}
        wrong += not (
            str(result) == f"{task} by {who}" and row.agent == who and row.model == who and told == {(who, result.id)}
        )
    drawn = [each for each in load.team.get_learning_report().heuristics if each.memory_id not in taught]
    assert drawn, "failed tasks teach something, or attribution is not measured"
    print(f"{len(drawn)} lessons drawn, from runs of {len({each.agent for each in drawn})} agents", flush=True)
    for each in drawn:
        # The lesson itself says whose run of which task it came from.
        task = next(word for word in each.text.split() if word.startswith("task-"))
        who = load.wanted[task]
        wrong += each.agent != who or load.results[task].id != each.run_id or f"Do {task} as {who} does." not in each.text
    return wrong
