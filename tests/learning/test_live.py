"""Trials by the runs that people ask for."""

from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.memory import ExposureReport, Lesson, Memory, Provenance, Scope
from purpose_agent.core.model import ModelRequest
from purpose_agent.learning.live import MOST_AT_ONCE
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import MemoryRecalled
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


def admitted(place: pa.Workspace, *rules: str, users: tuple[str, ...] = (), tools: tuple[str, ...] = ()) -> list[Memory]:
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
    asked = live(tmp_path)

    assert all(not result.recalled for result in await played(walls(asked), 20, 100))


@pytest.mark.parametrize("elsewhere", [{"users": ("ann",)}, {"tools": ("brush",)}])
async def test_what_is_for_another_user_or_tool_is_not_tried_here(
    elsewhere: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    place = live(tmp_path)
    admitted(place, "say green", **elsewhere)
    results = await played(walls(place), 20)

    assert all(place.trace(result.id).of(MemoryRecalled) == (MemoryRecalled(()),) for result in results)
