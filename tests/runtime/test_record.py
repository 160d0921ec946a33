"""Runs come back from disk as they were, also those whose process died."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpose_agent.core.errors import NotFound, RunTaken, UsageError, WorkspaceError
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task
from purpose_agent.runtime import owner
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.events import (
    LessonDrawn,
    ModelCalled,
    Payload,
    Reflected,
    RunFinished,
    RunResumed,
    RunStatus,
    RunSuspended,
    StateChanged,
)
from purpose_agent.runtime.record import (
    NOT_WANTED,
    PENDING,
    REFLECTED,
    RunRecord,
    claim_reflection,
    find_run,
    get_run,
    is_alive,
    list_runs,
    load_trace,
    mark_reflected,
    release_dead_claims,
    this_process,
)
from tests.runtime.given import START, TASK, StandingClock, a_bus, a_run, payloads, python, started


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database(tmp_path / "workspace.db")


def _open(db: Database, bus: EventBus, *, task: Task = TASK, parent: str | None = None, reflected: int = PENDING) -> None:
    first = bus.publish(started(task, parent), lane="porter")
    family = task.labels.get("family", "")
    RunRecord(db).open(first, task, family=family, task_key=f"key of {task.goal}", reflected=reflected)
    bus.unsaved()


def _finish(db: Database, bus: EventBus, *, seconds: float = 1.0) -> None:
    bus.publish(RunFinished("finished", "pull", True, 10.0, Usage()), lane="porter")
    RunRecord(db).finish(bus.unsaved(), steps=1, seconds=seconds)


def _whole_run(db: Database, run_id: str = "run_1") -> EventBus:
    """Saved as a run saves: at the start, after the first step, at the end."""
    bus, recorder = a_bus(run_id), RunRecord(db)
    a_run(bus)
    first, *events = bus.unsaved()
    recorder.open(first, TASK, family="doors", task_key="key", reflected=PENDING)
    recorder.append(events[:6])
    recorder.finish(events[6:], steps=2, seconds=3.5)
    return bus


def test_a_run_comes_back_as_it_was(db: Database) -> None:
    bus = _whole_run(db)

    run = get_run(Database(db.path), "run_1")

    assert load_trace(Database(db.path), "run_1").events == tuple(bus.events)
    assert (run.task, run.goal, run.family, run.task_key) == (TASK, TASK.goal, "doors", "key")
    assert (run.agent, run.model, run.mode, run.parent) == ("porter", "scripted", "learning", None)
    assert (run.started_at, run.finished_at, run.seconds) == (START, START, 3.5)
    assert (run.status, run.success, run.phi, run.answer, run.reason) == ("finished", True, 10.0, "pull", "")
    assert (run.steps, run.input_tokens, run.output_tokens, run.cached_tokens, run.usd) == (2, 200, 20, 160, 1.0)
    assert (run.reflected, run.claimed_until, run.owner) == (PENDING, None, this_process())


@pytest.mark.parametrize("kind", payloads, ids=lambda kind: kind.__name__)
def test_any_payload_survives_the_way_to_disk_and_back(kind: type[Payload], tmp_path: Path) -> None:
    db, count = Database(tmp_path / "workspace.db"), 0

    @settings(max_examples=15)
    @given(st.lists(payloads[kind], min_size=5, max_size=5))
    def check(values: list[Any]) -> None:
        nonlocal count
        count += 1
        bus = a_bus(f"run_{count}")
        for value in (started(), *values):
            bus.publish(value, lane="porter")
        RunRecord(db).append(bus.unsaved())

        assert load_trace(db, bus.run_id).events == tuple(bus.events)

    check()


def test_what_is_unknown_stays_unknown(db: Database) -> None:
    bus = a_bus()
    _open(db, bus)
    bus.publish(RunFinished("gave_up", None, None, None, Usage(usd=None), "no idea"), lane="porter")
    RunRecord(db).finish(bus.unsaved(), steps=0, seconds=0.0)

    run = get_run(db, "run_1")

    assert (run.status, run.answer, run.success, run.phi, run.usd, run.reason) == ("gave_up", None, None, None, None, "no idea")


def test_text_that_utf8_cannot_hold_does_not_cost_the_run(db: Database) -> None:
    bus = a_bus()
    _open(db, bus, task=Task("open \ud800", inputs={"sign": "\udfff"}))
    bus.publish(RunFinished("finished", "half \ud83d", None, None, Usage()), lane="porter")
    RunRecord(db).finish(bus.unsaved(), steps=0, seconds=0.0)

    run = get_run(db, "run_1")

    assert (run.goal, run.task.inputs, run.answer) == ("open ?", {"sign": "?"}, "half ?")


def test_the_end_and_what_depends_on_it_are_saved_together_or_not_at_all(db: Database) -> None:
    bus = a_bus()
    _open(db, bus)
    bus.publish(RunFinished("finished", "pull", True, 10.0, Usage()), lane="porter")
    last = bus.unsaved()

    def fail(cursor: Cursor) -> None:
        cursor.execute("UPDATE runs SET family = 'windows'")
        raise LookupError

    with pytest.raises(LookupError):
        RunRecord(db).finish(last, steps=0, seconds=0.0, also=fail)
    assert (get_run(db, "run_1").status, get_run(db, "run_1").family) == ("running", "doors")
    assert len(load_trace(db, "run_1").events) == 1

    RunRecord(db).finish(last, steps=0, seconds=0.0, also=_rename)
    assert (get_run(db, "run_1").status, get_run(db, "run_1").family) == ("finished", "windows")


def _rename(cursor: Cursor) -> None:
    cursor.execute("UPDATE runs SET family = 'windows'")


def test_calls_that_cannot_mean_a_run_are_refused(db: Database) -> None:
    bus = a_bus()
    event = bus.publish(Reflected(0), lane="porter")
    end = bus.publish(RunFinished("finished", "", None, None, Usage()), lane="porter")

    with pytest.raises(UsageError, match="RunStarted"):
        RunRecord(db).open(event, TASK, family="", task_key="", reflected=PENDING)
    with pytest.raises(UsageError, match="RunFinished"):
        RunRecord(db).finish([event], steps=0, seconds=0.0)
    with pytest.raises(NotFound):
        RunRecord(db).finish([end], steps=0, seconds=0.0)
    assert db.rows("SELECT * FROM events") == []


def test_looking_for_a_run_that_is_not_there_creates_nothing(db: Database) -> None:
    assert find_run(db, "run_9") is None
    assert list_runs(db) == []
    assert claim_reflection(db, now=START, owner=this_process()) is None
    with pytest.raises(NotFound, match="purpose-agent runs list"):
        get_run(db, "run_9")
    with pytest.raises(NotFound):
        load_trace(db, "run_9")
    assert not db.exists


def test_a_run_that_is_going_on_reads_as_running_with_what_it_has_cost_so_far(db: Database) -> None:
    bus = a_bus()
    a_run(bus)
    first, *events = bus.unsaved()
    RunRecord(db).open(first, TASK, family="doors", task_key="key", reflected=PENDING)
    RunRecord(db).append(events[:6])

    run = get_run(db, "run_1")

    assert (run.status, run.steps, run.input_tokens, run.usd, run.finished_at) == ("running", 1, 100, 0.5, None)
    assert load_trace(db, "run_1").events == (first, *events[:6])


OPENER = """
import sys
from pathlib import Path
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.record import RunRecord
from tests.runtime.given import TASK, a_bus, started

bus = a_bus(sys.argv[2])
first = bus.publish(started(), lane="porter")
RunRecord(Database(Path(sys.argv[1]))).open(first, TASK, family="doors", task_key="", reflected=0)
print("opened", flush=True)
sys.stdin.readline()
"""


def test_a_run_whose_process_died_reads_as_interrupted(db: Database) -> None:
    process = python(OPENER, str(db.path), "run_1")
    assert process.stdout is not None
    assert process.stdout.readline() == "opened\n"
    before = get_run(db, "run_1").status
    listed_before = [len(list_runs(db, status=status)) for status in ("running", "interrupted")]

    process.kill()
    process.communicate(timeout=30)

    assert (before, get_run(db, "run_1").status) == ("running", "interrupted")
    assert listed_before == [1, 0]
    assert [len(list_runs(db, status=status)) for status in ("running", "interrupted")] == [0, 1]
    assert len(load_trace(db, "run_1").events) == 1


def test_a_process_is_told_from_a_later_one_with_the_same_pid() -> None:
    pid, _, started_at = this_process().partition(":")

    assert int(pid) == os.getpid()
    assert is_alive(this_process())
    assert not is_alive(f"{pid}:{int(started_at) - 1}")


def test_a_process_that_has_ended_is_dead_even_if_nobody_has_waited_for_it() -> None:
    process = python("import sys; print(open('/proc/self/stat').read().split(')')[-1].split()[19])")
    assert process.stdout is not None
    name = f"{process.pid}:{process.stdout.readline().strip()}"
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert not is_alive(name)
    process.communicate(timeout=30)


def test_without_proc_the_pid_alone_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_proc(pid: int) -> None:
        return None

    process = python("pass")
    process.communicate(timeout=30)
    monkeypatch.setattr(owner, "_stat", no_proc)

    assert is_alive(f"{os.getpid()}:")
    assert not is_alive(f"{process.pid}:")


def test_lists_are_newest_first_and_can_be_narrowed(db: Database) -> None:
    windows = Task("Open the window", labels={"family": "windows"})
    for number, task in enumerate((TASK, windows, TASK), start=1):
        bus = a_bus(f"run_{number}")
        _open(db, bus, task=task, parent="run_0" if number == 3 else None, reflected=NOT_WANTED if number == 3 else PENDING)
        _finish(db, bus)

    def ids(**narrowed: Any) -> list[str]:
        return [run.id for run in list_runs(db, **narrowed)]

    assert ids() == ["run_3", "run_2", "run_1"]
    assert ids(limit=2) == ["run_3", "run_2"]
    assert ids(family="doors") == ["run_3", "run_1"]
    assert ids(parent="run_0") == ["run_3"]
    assert ids(reflected=PENDING) == ["run_2", "run_1"]
    assert ids(status="finished", family="windows") == ["run_2"]
    assert ids(status="failed") == []


def test_events_of_unknown_kinds_are_left_out_of_a_trace_and_counted(db: Database) -> None:
    _whole_run(db)
    with db.write() as cursor:
        cursor.execute("UPDATE events SET kind = 'dreamt', payload = '{\"of\": \"sheep\"}' WHERE seq = 4")

    trace = load_trace(db, "run_1")

    assert trace.left_out == 1
    assert [event.seq for event in trace.events] == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]


def test_an_event_that_cannot_be_read_is_named(db: Database) -> None:
    _whole_run(db)
    with db.write() as cursor:
        cursor.execute("UPDATE events SET payload = '{' WHERE seq = 4")

    with pytest.raises(WorkspaceError, match="Event 4 of run_1"):
        load_trace(db, "run_1")


def _three_to_reflect_on(db: Database) -> None:
    """Ended one after the other; a fourth still runs, a fifth is not wanted."""
    clock = StandingClock()
    for number in (1, 2, 3):
        bus = a_bus(f"run_{number}", clock)
        _open(db, bus)
        clock.advance(1)
        _finish(db, bus)
    _open(db, a_bus("run_4"))
    unwanted = a_bus("run_5")
    _open(db, unwanted, reflected=NOT_WANTED)
    _finish(db, unwanted)


def test_the_oldest_ended_run_is_claimed_first_and_each_by_one_only(db: Database) -> None:
    _three_to_reflect_on(db)

    claimed = [claim_reflection(db, now=START, owner=this_process()) for _ in range(4)]

    assert [run.id if run else None for run in claimed] == ["run_1", "run_2", "run_3", None]
    assert claimed[0] is not None
    assert claimed[0].claimed_until == START + timedelta(seconds=600)


def test_two_threads_with_connections_of_their_own_never_claim_the_same_run(db: Database) -> None:
    _three_to_reflect_on(db)

    def claim(_: int) -> str | None:
        run = claim_reflection(Database(db.path), now=START, owner=this_process())
        return run.id if run else None

    with ThreadPoolExecutor(6) as pool:
        claimed = list(pool.map(claim, range(6)))

    assert sorted(filter(None, claimed)) == ["run_1", "run_2", "run_3"]


def test_a_claim_runs_out(db: Database) -> None:
    _three_to_reflect_on(db)

    first = claim_reflection(db, now=START, owner=this_process(), seconds=60)
    again = claim_reflection(db, now=START + timedelta(seconds=60), owner=this_process(), seconds=60)

    assert first is not None
    assert again is not None
    assert first.id == again.id == "run_1"


def test_reflection_is_marked_together_with_its_events_and_not_wanted_again(db: Database) -> None:
    bus = _whole_run(db)
    later = EventBus("run_1", StandingClock(), lambda prefix: f"{prefix}_later", after=bus.events[-1].seq)
    later.publish(LessonDrawn("mem_1", "quarantined", "pull at red doors"), lane="porter")
    later.publish(Reflected(1), lane="porter")

    mark_reflected(db, "run_1", events=later.unsaved(), also=_rename)

    run = get_run(db, "run_1")
    assert (run.reflected, run.claimed_until, run.family) == (REFLECTED, None, "windows")
    assert load_trace(db, "run_1").of(Reflected) == (Reflected(1),)
    assert claim_reflection(db, now=START, owner=this_process()) is None
    with pytest.raises(NotFound):
        mark_reflected(db, "run_9")


def test_an_event_can_be_saved_only_once(db: Database) -> None:
    bus = a_bus()
    _open(db, bus)
    bus.publish(StateChanged({}), lane="porter")
    events = bus.unsaved()
    RunRecord(db).append(events)

    with pytest.raises(RunTaken, match="Event 2 of run_1 is there already"):
        RunRecord(db).append(events)


def test_a_run_claimed_by_a_process_that_is_no_more_is_free_again(db: Database) -> None:
    _whole_run(db)
    assert claim_reflection(db, now=START, owner="999999999:1") is not None
    assert claim_reflection(db, now=START, owner=this_process()) is None

    release_dead_claims(db)

    assert claim_reflection(db, now=START, owner=this_process()) is not None


def _suspended(db: Database, status: RunStatus = "waiting") -> EventBus:
    """Its first step is saved, and that it stands still."""
    bus = a_bus()
    _open(db, bus)
    usage = Usage(100, 10, 80, 0.5, 1)
    bus.publish(ModelCalled("act", "scripted", "actor@1", usage, 0.1), lane="porter", step=1)
    bus.publish(RunSuspended(status, "May it pull?", Usage(300, 30, 0, None, 3), 2.5), lane="porter", step=1)
    RunRecord(db).append(bus.unsaved())
    return bus


@pytest.mark.parametrize("status", ["waiting", "paused"])
def test_a_run_that_stands_still_says_so_and_what_it_has_cost(status: RunStatus, db: Database) -> None:
    _suspended(db, status)

    run = get_run(db, "run_1")

    assert (run.status, run.reason, run.steps, run.seconds, run.finished_at) == (status, "May it pull?", 1, 2.5, None)
    assert (run.input_tokens, run.output_tokens, run.usd) == (300, 30, None)
    assert claim_reflection(db, now=START, owner=this_process()) is None


def test_a_run_that_waits_is_not_interrupted_though_its_process_is_gone(db: Database) -> None:
    _suspended(db)
    with db.write() as cursor:
        cursor.execute("UPDATE runs SET owner = '999999999:1'")

    assert get_run(db, "run_1").status == "waiting"
    assert [len(list_runs(db, status=status)) for status in ("waiting", "interrupted", "running", "paused")] == [1, 0, 0, 0]


def test_a_run_that_is_resumed_runs_under_the_process_that_goes_on_with_it(db: Database) -> None:
    bus = _suspended(db)
    with db.write() as cursor:
        cursor.execute("UPDATE runs SET owner = '999999999:1'")
    bus.publish(RunResumed(this_process(), 0, "suspended"), lane="porter")
    bus.publish(ModelCalled("act", "scripted", "actor@1", Usage(7, 1, 0, None, 1), 0.1), lane="porter", step=2)

    RunRecord(db).append(bus.unsaved())

    run = get_run(db, "run_1")
    assert (run.status, run.owner, run.reason, run.seconds) == ("running", this_process(), "", None)
    assert (run.steps, run.input_tokens) == (2, 307)
    assert [each.id for each in list_runs(db, status="running")] == ["run_1"]


def test_a_run_that_is_resumed_has_come_as_far_as_before(db: Database) -> None:
    bus = _suspended(db)
    bus.publish(StateChanged({"door": "open"}), lane="porter", step=3)
    bus.publish(RunResumed(this_process(), 0, "suspended"), lane="porter")

    RunRecord(db).append(bus.unsaved())

    assert get_run(db, "run_1").steps == 3


def test_a_run_that_ended_interrupted_and_goes_on_has_not_ended(db: Database) -> None:
    bus = a_bus()
    _open(db, bus)
    bus.publish(RunFinished("interrupted", "half", None, 3.0, Usage(), "stopped from outside"), lane="porter")
    RunRecord(db).finish(bus.unsaved(), steps=1, seconds=1.0, reflected=NOT_WANTED)
    bus.publish(RunResumed(this_process(), 1, "died"), lane="porter")
    RunRecord(db).append(bus.unsaved())

    run = get_run(db, "run_1")
    assert (run.status, run.finished_at, run.answer, run.phi, run.reason) == ("running", None, None, None, "")

    _finish(db, bus, seconds=4.0)
    assert (get_run(db, "run_1").status, get_run(db, "run_1").seconds) == ("finished", 4.0)


def test_of_two_that_go_on_with_a_run_the_second_to_save_is_refused_and_nothing_of_it_is_kept(db: Database) -> None:
    _suspended(db)
    events = load_trace(db, "run_1").events
    first, second = (EventBus("run_1", StandingClock(), counting_ids(), before=events) for _ in range(2))
    for bus in (first, second):
        bus.publish(RunResumed(this_process(), 0), lane="porter")
    second.publish(StateChanged({"door": "broken"}), lane="porter", step=1)

    RunRecord(db).append(first.unsaved())
    with pytest.raises(RunTaken, match="another process"):
        RunRecord(db).append(second.unsaved())

    assert load_trace(db, "run_1").events == tuple(first.events)
    assert get_run(db, "run_1").status == "running"


def test_events_are_not_saved_over_a_gap_nor_of_two_runs_at_once(db: Database) -> None:
    bus, other = a_bus(), a_bus("run_2")
    _open(db, bus)
    lost, kept = (bus.publish(StateChanged({}), lane="porter") for _ in range(2))
    foreign = other.publish(started(), lane="porter")

    with pytest.raises(RunTaken, match="before number 3 of run_1 is missing"):
        RunRecord(db).append([kept])
    with pytest.raises(UsageError, match="run_1, run_2"):
        RunRecord(db).append([lost, foreign])
    with pytest.raises(RunTaken, match="Event 1 of run_1 is there already"):
        RunRecord(db).open(bus.events[0], TASK, family="", task_key="", reflected=PENDING)
    assert len(load_trace(db, "run_1").events) == 1


def test_a_fork_says_of_which_run(db: Database) -> None:
    bus = a_bus("run_2")
    first = bus.publish(replace(started(), forked_from="run_1", forked_at=2), lane="porter")
    RunRecord(db).open(first, TASK, family="", task_key="", reflected=PENDING)

    assert get_run(db, "run_2").forked_from == "run_1"
