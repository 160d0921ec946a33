"""Trials by the runs that people ask for."""

from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.exposure import Exposure
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.memory import ExposureReport, Lesson, Memory, MemoryKind, MemoryStatus, Provenance, Scope
from purpose_agent.core.model import ModelRequest
from purpose_agent.learning.live import MOST_AT_ONCE, LiveTrials
from purpose_agent.memory.credit import credit
from purpose_agent.memory.exposures import Exposures
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.index import Audience
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import MemoryRecalled
from purpose_agent.testing.clock import FrozenClock
from purpose_agent.testing.models import RuleModel

pytestmark = pytest.mark.anyio


def room(number: int) -> pa.Task:
    """A task that can't be run again: who judges it is a function, which no record can bring back."""
    return pa.Task(f"Paint room {number}", checks=[pa.Check.call(lambda answer: answer == "green")], labels={"family": "rooms"})


def walls(place: pa.Workspace) -> pa.Agent:
    """Green where a note says green and none says mud; else red, and now and then green by luck."""

    def answer(request: ModelRequest) -> str:
        if request.purpose != "act":
            return "-"
        lucky = request.text.rstrip().endswith(("3", "7"))
        return "green" if "mud" not in request.text and ("say green" in request.text or lucky) else "red"

    return pa.Agent("painter", model=RuleModel(answer), critic=None, workspace=place)


def admitted(
    place: pa.Workspace,
    *rules: str,
    users: tuple[str, ...] = (),
    tools: tuple[str, ...] = (),
) -> list[Memory]:
    db = Database(place.path / "workspace.sqlite3")
    gate = Gate(MemoryStore(db, place.clock), place.clock, place.ids)
    source = Provenance("self_verified", "run_0", "painter")
    lessons = [Lesson("failure_pattern", "", rule, source, Scope(("painter",), ("rooms",), users, tools)) for rule in rules]
    memories = [gate.admit(lesson) for lesson in lessons]
    db.close()
    return memories


def live(tmp_path: Path, *, on: bool = True) -> pa.Workspace:
    return pa.Workspace(tmp_path, holdout=0, live_trials=on, ids=counting_ids())


async def played(agent: pa.Agent, n: int, start: int = 0) -> list[pa.TaskResult]:
    return [await agent.run_async(room(number)) for number in range(start, start + n)]


async def test_what_helps_is_promoted_and_what_harms_rejected_and_the_rest_goes_on(tmp_path: Path) -> None:
    place = live(tmp_path)
    agent = walls(place)
    helps, harms, does_nothing = admitted(place, "say green", "mix mud into it", "be careful")
    whys: list[str] = []
    for batch in range(12):
        await played(agent, 20, 20 * batch)
        whys += [tried.why for tried in (await place.settle_async()).trialled]

    statuses = [place.memory(memory.id).status for memory in (helps, harms, does_nothing)]
    assert statuses == ["promoted", "rejected", "quarantined"]
    (entry,) = (entry for entry in place.journal(helps.id) if entry.to_status == "promoted")
    assert isinstance(entry.evidence, ExposureReport)
    assert entry.evidence.e_help >= 1 / entry.evidence.alpha
    assert entry.evidence.alpha < 0.05
    assert any(why.startswith("promoted: it helps in live traffic (") for why in whys)
    assert any(why.startswith("rejected: it harms in live traffic (") for why in whys)
    assert any(why.startswith("undecided in live traffic so far (") for why in whys)


async def test_each_run_has_its_own_draw_of_what_is_on_trial(tmp_path: Path) -> None:
    place = live(tmp_path)
    one, other = admitted(place, "say green", "be careful")
    results = await played(walls(place), 60)
    given = {tuple(sorted(found.memory.id for found in result.recalled)) for result in results}
    (event,) = place.trace(next(result.id for result in results if not result.recalled)).of(MemoryRecalled)

    assert given == {(), (one.id,), (other.id,), (one.id, other.id)}
    assert set(event.withheld) == {one.id, other.id}


async def test_no_more_than_three_are_on_trial_in_one_run(tmp_path: Path) -> None:
    place = live(tmp_path)
    memories = admitted(place, "say green", "be careful", "be quick", "be kind")
    results = await played(walls(place), 30)
    given = {found.memory.id for result in results for found in result.recalled}

    assert given == {memory.id for memory in memories[:MOST_AT_ONCE]}


async def test_unasked_nothing_that_waits_is_shown(tmp_path: Path) -> None:
    place = live(tmp_path, on=False)
    admitted(place, "say green")

    assert all(not result.recalled for result in await played(walls(place), 30))


async def test_evaluation_shows_nothing_that_waits(tmp_path: Path) -> None:
    place = live(tmp_path)
    admitted(place, "say green")
    judge = walls(place).moved(place, "evaluation")

    assert all(not result.recalled for result in await played(judge, 30))


async def test_a_memory_is_tried_in_pairs_or_in_live_traffic_and_never_in_both(tmp_path: Path) -> None:
    place = live(tmp_path)
    agent = walls(place)
    (memory,) = admitted(place, "be careful")
    replayable = pa.Task("Paint room 1", checks=[pa.Check.contains("green")], labels={"family": "rooms"})
    for _ in range(6):
        await agent.run_async(replayable)
    settled = await place.settle_async()

    assert [tried.memory.id for tried in settled.trialled] == [memory.id]
    assert settled.runs == 0
    assert settled.skipped == ()


async def test_one_whose_trial_in_pairs_has_begun_is_left_to_that(tmp_path: Path) -> None:
    place = live(tmp_path, on=False)
    agent = walls(place)
    admitted(place, "be careful")
    await agent.run_async(pa.Task("Paint room 1", checks=[pa.Check.contains("green")], labels={"family": "rooms"}))
    assert (await place.settle_async()).runs > 0
    later = counting_ids()
    asked = pa.Workspace(tmp_path, holdout=0, live_trials=True, ids=lambda prefix: later(f"{prefix}_later"))

    assert all(not result.recalled for result in await played(walls(asked), 20, 100))


@pytest.mark.parametrize(("users", "tools"), [(("ann",), ()), ((), ("brush",))])
async def test_what_is_for_another_user_or_tool_is_not_tried_here(
    users: tuple[str, ...], tools: tuple[str, ...], tmp_path: Path
) -> None:
    place = live(tmp_path)
    admitted(place, "say green", users=users, tools=tools)
    results = await played(walls(place), 20)

    assert all(place.trace(result.id).of(MemoryRecalled) == (MemoryRecalled(()),) for result in results)


class Store:
    """A workspace's parts, and its live trials."""

    def __init__(self, path: Path) -> None:
        self.db = Database(path / "purpose.db")
        self.clock = FrozenClock()
        self.store = MemoryStore(self.db, self.clock)
        self.gate = Gate(self.store, self.clock, counting_ids())

    def trials(self) -> LiveTrials:
        return LiveTrials(self.store, Exposures(self.db), self.gate, self.gate.promote)

    def admitted(self, rule: str, supersedes: str | None = None) -> Memory:
        source = Provenance("self_verified", "run_0", "painter")
        lesson = Lesson("failure_pattern", "", rule, source, Scope(("painter",), ("rooms",)))
        memory = self.gate.admit(lesson, supersedes=supersedes)
        self.gate.allowance(memory)
        return memory

    def shown(self, memory: Memory, runs: int, *, helps: bool, start: int = 0) -> None:
        with self.db.write() as cursor:
            for number in range(start, start + runs):
                has_it = number % 2 == 0
                seen = Exposure(memory.id, memory.version, has_it, 0.5, f"run_{number:04d}_{memory.id}")
                credit(cursor, [], has_it == helps, [seen])


async def test_a_rival_that_is_archived_by_a_promotion_does_not_break_the_look(tmp_path: Path) -> None:
    place = Store(tmp_path)
    rival = place.admitted("say red")
    better = place.admitted("say green", supersedes=rival.id)
    other = place.gate.archive(rival, "to come after the other one")
    rival = place.gate.quarantine(other, "again")
    place.shown(rival, 4, helps=True)
    place.shown(better, 200, helps=True)
    listed = (better, rival)

    class Listed(MemoryStore):
        def list(self, status: MemoryStatus | None = None, kind: MemoryKind | None = None) -> tuple[Memory, ...]:
            return listed

    trials = replace(place.trials(), memories=Listed(place.db, place.clock))
    first, second = trials.decide()

    assert first.memory.status == "promoted"
    assert (second.memory.id, second.memory.status) == (rival.id, "archived")
    assert second.why.startswith("decided meanwhile: ")


async def test_one_that_another_process_decided_on_is_not_given_to_a_run(tmp_path: Path) -> None:
    place = Store(tmp_path)
    memory = place.admitted("say green")
    place.gate.archive(memory, "no longer wanted")

    class Listed(MemoryStore):
        def list(self, status: MemoryStatus | None = None, kind: MemoryKind | None = None) -> tuple[Memory, ...]:
            return (memory,)

    trials = replace(place.trials(), memories=Listed(place.db, place.clock))
    assert trials.candidates(room(1), Audience.of(room(1), "painter")) == []


async def test_each_look_leaves_the_evidence_of_now_with_the_account(tmp_path: Path) -> None:
    place = Store(tmp_path)
    memory = place.admitted("say green")

    def known() -> float:
        ((e_help,),) = place.db.rows("SELECT e_help FROM trials WHERE memory_id = ?", (memory.id,))
        return float(e_help)

    place.shown(memory, 6, helps=True)
    place.trials().decide()
    before, lines = known(), len(place.store.journal(memory.id))
    place.shown(memory, 2, helps=True, start=6)
    place.trials().decide()

    assert known() > before
    assert len(place.store.journal(memory.id)) == lines


@pytest.mark.parametrize(("agents", "is_tried"), [((), False), (("painter", "clerk"), False), (("painter",), True)])
async def test_what_others_said_is_tried_only_on_the_one_agent_it_names(
    agents: tuple[str, ...], is_tried: bool, tmp_path: Path
) -> None:
    place = Store(tmp_path)
    own = place.admitted("say green")
    source, scope = replace(own.lesson.provenance, origin="document"), replace(own.lesson.scope, agents=agents)
    memory = replace(own, lesson=replace(own.lesson, provenance=source, scope=scope))

    class Listed(MemoryStore):
        def list(self, status: MemoryStatus | None = None, kind: MemoryKind | None = None) -> tuple[Memory, ...]:
            return (memory,)

    trials = replace(place.trials(), memories=Listed(place.db, place.clock))
    assert bool(trials.candidates(room(1), Audience.of(room(1), "painter"))) == is_tried
