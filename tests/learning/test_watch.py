"""What is in use stays on trial: through the doors, by what is in the workspace afterwards."""

from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import UsageError
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.memory import ExposureReport, JournalEntry, Memory, TrialReport
from purpose_agent.core.model import ModelRequest
from purpose_agent.engine.recalling import SHOWN_FIRST
from purpose_agent.learning.watch import WATCH, WATCH_USES
from purpose_agent.memory.exposures import Exposures
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import MemoryRecalled
from tests.learning.given import COLOUR, HINT, as_lesson, doors, painter, seeker

pytestmark = pytest.mark.anyio

LONG_ENOUGH = 16
"""Failures in a row that show, after the trials here, that a memory no longer holds."""


def now_and_then(request: ModelRequest) -> str:
    """Right with the lesson, and every other time without it."""
    if request.purpose == "reflect":
        return as_lesson()
    return "green" if HINT in request.text or (request.seed or 0) // 1000 % 2 else "red"


def changed(request: ModelRequest) -> str:
    """Never right again, and no wiser."""
    return "nothing" if request.purpose == "reflect" else "blue"


async def promoted(place: Path | pa.Workspace) -> tuple[pa.Agent, Memory]:
    agent = painter(place, now_and_then)
    (memory,) = (await agent.run_async(COLOUR)).lessons
    await agent.workspace.settle_async()
    return agent, agent.workspace.memory(memory.id)


async def spoilt(place: Path | pa.Workspace) -> tuple[pa.Agent, Memory]:
    """A promoted memory, after a time in which runs with it failed."""
    _, memory = await promoted(place)
    agent = painter(place, changed)
    for _ in range(LONG_ENOUGH):
        await agent.run_async(COLOUR)
    return agent, memory


async def test_a_memory_whose_runs_fall_off_goes_back_to_quarantine_with_the_figures(tmp_path: Path) -> None:
    agent, memory = await spoilt(tmp_path)
    assert memory.status == "promoted"
    settled = await agent.workspace.settle_async()

    assert [returned.id for returned in settled.returned] == [memory.id]
    (entry,) = (entry for entry in agent.workspace.journal(memory.id) if entry.actor == "watch")
    assert entry.to_status == "quarantined"
    assert entry.why.startswith("on watch: its runs succeed less than they did: 0 of the last ")
    assert "threshold 1000" in entry.why
    assert (await agent.run_async(COLOUR)).recalled == ()


async def test_it_takes_more_than_a_few_failures(tmp_path: Path) -> None:
    _, memory = await promoted(tmp_path)
    agent = painter(tmp_path, changed)
    for _ in range(4):
        await agent.run_async(COLOUR)

    assert (await agent.workspace.settle_async()).returned == ()
    assert agent.workspace.memory(memory.id).status == "promoted"


async def test_a_memory_that_always_failed_where_all_fail_without_it_too_is_found_as_well(tmp_path: Path) -> None:
    await painter(tmp_path).run_async(COLOUR)
    place = painter(tmp_path).workspace
    await place.settle_async()
    (memory,) = place.memories("promoted")
    agent = painter(tmp_path, changed)
    for _ in range(30):
        await agent.run_async(COLOUR)
    settled = await agent.workspace.settle_async()

    assert [returned.id for returned in settled.returned] == [memory.id]


async def test_what_promoted_it_once_does_not_promote_it_again(tmp_path: Path) -> None:
    agent, memory = await spoilt(tmp_path)
    (tried,) = (await agent.workspace.settle_async()).trialled

    assert (tried.memory.id, tried.memory.status) == (memory.id, "quarantined")
    assert tried.report is not None
    assert tried.report.wins == 0


async def test_a_memory_that_proves_itself_again_is_in_use_again_and_counts_anew(tmp_path: Path) -> None:
    _, memory = await spoilt(tmp_path)
    place = painter(tmp_path, now_and_then).workspace  # the model is as it was
    (tried,) = (await place.settle_async()).trialled
    again = await place.settle_async()

    assert (tried.memory.status, again.returned, again.trialled) == ("promoted", (), ())
    assert [entry.to_status for entry in place.journal(memory.id)][-3:] == ["promoted", "quarantined", "promoted"]


async def test_a_rule_that_no_longer_holds_is_replaced_by_one_that_is_tried_on_tasks_since_then(tmp_path: Path) -> None:
    agent = seeker(tmp_path)
    place = agent.workspace
    for task in doors("red", "blue")[:40]:
        await agent.run_async(task)
    await place.settle_async()
    (old,) = (memory for memory in place.memories("promoted") if memory.lesson.lines)
    changed_from = ""
    for task in turned(doors("red", "blue")[40:] + doors("red", "blue")[:40]):
        result = await agent.run_async(task)
        changed_from = changed_from or result.id
        await place.settle_async()

    assert place.memory(old.id).status in ("quarantined", "archived")
    (new,) = (memory for memory in place.memories("promoted") if memory.lesson.lines)
    assert {line.text for line in new.lesson.lines} >= {"red door -> right", "blue door -> up"}
    trials = [entry.evidence for memory in (old, new) for entry in place.journal(memory.id)]
    pairs = [
        pair for report in trials[-len(place.journal(new.id)) :] if isinstance(report, TrialReport) for pair in report.pairs
    ]
    assert pairs
    assert {pair.task for pair in pairs} <= {run.task_key for run in place.runs(limit=2000) if run.id >= changed_from}


async def test_one_that_was_sent_back_is_not_tried_on_tasks_from_when_it_held(tmp_path: Path) -> None:
    agent = seeker(tmp_path)
    place = agent.workspace
    for task in doors("red", "blue")[:40]:
        await agent.run_async(task)
    await place.settle_async()
    (old,) = (memory for memory in place.memories("promoted") if memory.lesson.lines)
    first, *_ = [(await agent.run_async(task)).id for task in turned(doors("red", "blue")[40:])]
    (returned,) = (memory for memory in (await place.settle_async()).returned if memory.id == old.id)

    (_, *since) = [entry.evidence for entry in place.journal(returned.id) if entry.line >= sent_back(place, returned).line]
    keys = {run.task_key for run in place.runs(limit=1000) if run.id >= first}
    pairs = [pair for report in since if isinstance(report, TrialReport) for pair in report.pairs]
    assert pairs
    assert {pair.task for pair in pairs} <= keys
    assert sent_back(place, returned).run_id >= first


def sent_back(place: pa.Workspace, memory: Memory) -> JournalEntry:
    (entry,) = (entry for entry in place.journal(memory.id) if entry.actor == WATCH)
    return entry


def turned(tasks: list[pa.Task]) -> list[pa.Task]:
    """The same doors, each of which now leads the next way."""
    ways = {"left": "right", "right": "up", "up": "left"}
    return [replace(task, checks=(pa.Check.equals(ways[task.checks[0].spec]),)) for task in tasks]


async def test_what_a_person_taught_stays_in_use_but_is_named_when_its_runs_mostly_fail(tmp_path: Path) -> None:
    agent = painter(tmp_path, changed)
    taught = agent.workspace.teach("Answer in one word.")
    for _ in range(WATCH_USES + 1):
        await agent.run_async(COLOUR)
    settled = await agent.workspace.settle_async()

    assert settled.returned == ()
    assert [memory.id for memory in settled.doubtful] == [taught.id]
    assert "taught, but 0 of" in settled.summary()
    assert agent.workspace.memory(taught.id).status == "promoted"


# The share of runs that go without


def held_out(tmp_path: Path, holdout: float) -> pa.Workspace:
    return pa.Workspace(tmp_path, holdout=holdout, ids=counting_ids())


async def test_a_share_of_the_runs_goes_without_and_that_is_recorded(tmp_path: Path) -> None:
    place = held_out(tmp_path, 0.25)
    agent, memory = await promoted(place)
    results = [await agent.run_async(COLOUR) for _ in range(SHOWN_FIRST + 40)]

    without = [result for result in results if not result.recalled]
    assert 4 <= len(without) <= 17
    assert all(result.recalled for result in results[:SHOWN_FIRST])
    for result in without:
        assert place.trace(result.id).of(MemoryRecalled) == (MemoryRecalled((), 0, (memory.id,), {memory.id: 0.75}),)
    db = Database(tmp_path / "workspace.sqlite3")
    kept = Exposures(db).of(memory.id, memory.version)
    db.close()
    assert [(each.run_id, each.shown, each.success) for each in kept] == [
        (result.id, bool(result.recalled), result.success) for result in results
    ]
    assert {each.share for each in kept[:SHOWN_FIRST]} == {1.0}
    assert {each.share for each in kept[SHOWN_FIRST:]} == {0.75}
    assert place.memory(memory.id).used == len(results) - len(without)


async def test_its_worth_is_known_from_the_runs_without_it(tmp_path: Path) -> None:
    place = held_out(tmp_path, 0.25)
    _, memory = await promoted(place)
    agent = painter(place, lambda request: "green" if HINT in request.text else "red" if request.purpose == "act" else "-")
    assert place.worth(memory.id).text == "not known yet: no judged run had it"
    await agent.run_async(COLOUR)
    assert place.worth(memory.id).text == "not known yet: 1 of 1 judged runs with it succeeded, and none was without it"
    for _ in range(SHOWN_FIRST + 60):
        await agent.run_async(COLOUR)

    worth = place.worth(memory.id)
    assert worth.credit.effect == 1.0
    assert worth.interval is not None
    assert worth.interval[0] > 0
    runs, without = worth.credit.used + worth.credit.withheld, worth.credit.withheld
    assert worth.text.startswith("+100 points (+")
    assert worth.text.endswith(f" to +100) over {runs} runs, {without} of them without it")


async def test_a_memory_without_which_runs_go_better_is_sent_back_on_that_evidence(tmp_path: Path) -> None:
    place = held_out(tmp_path, 0.3)
    _, memory = await promoted(place)
    goes = iter(range(10**6))

    def better_without(request: ModelRequest) -> str:
        # With it every other run succeeds, as often as the record allows: no fall.
        if request.purpose == "reflect":
            return "-"
        return "green" if HINT not in request.text or next(goes) % 10 < 6 else "red"

    agent = painter(place, better_without)
    returned: tuple[Memory, ...] = ()
    for _ in range(30):
        for _ in range(10):
            await agent.run_async(COLOUR)
        returned = (await place.settle_async(budget=pa.Budget(runs=0))).returned
        if returned:
            break

    assert [each.id for each in returned] == [memory.id]
    (entry,) = (entry for entry in place.journal(memory.id) if entry.actor == "watch")
    assert isinstance(entry.evidence, ExposureReport)
    assert entry.evidence.harms
    assert entry.why.startswith("on watch: it harms: ")


@pytest.mark.parametrize("holdout", [-0.1, 0.5, 1.0])
def test_a_holdout_that_is_none_is_refused(holdout: float, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"from 0 to below 0\.5"):
        pa.Workspace(tmp_path, holdout=holdout)
