"""What an older version wrote stays readable: `old/` keeps a workspace and a trace of each."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import apsw
import pytest

from purpose_agent.core.action import Finish
from purpose_agent.memory.journal import past
from purpose_agent.memory.replay import Replay
from purpose_agent.memory.verification import verify
from purpose_agent.runtime.connection import Connection
from purpose_agent.runtime.controls import waiting
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import PAYLOADS, VERSION, PersonAnswered, Reflected
from purpose_agent.runtime.migrations import MIGRATIONS
from purpose_agent.runtime.record import REFLECTED, get_run, list_runs, load_trace
from purpose_agent.runtime.trace import Trace, event_to_json
from tests.runtime.given import TASK

OLD = Path(__file__).parent / "old"
FIRST = {
    *("run_started", "memory_recalled", "model_called", "action_decided", "tool_returned", "state_changed", "step_scored"),
    *("handed_over", "run_finished", "lesson_drawn", "reflected"),
}
"""The kinds of version 1. Some came in its time, after its file."""


def _opened(path: Path) -> Connection:
    return apsw.Connection(str(path))


def _workspace(version: int, folder: Path) -> Database:
    path = folder / "workspace.db"
    connection = _opened(path)
    connection.execute((OLD / f"version_{version}.sql").read_text("utf-8"))
    connection.close()
    return Database(path)


def test_one_workspace_of_every_version_is_kept() -> None:
    kept = {path.stem for path in OLD.glob("*.sql")}

    assert kept == {f"version_{number}" for number in range(1, len(MIGRATIONS) + 1)}


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_workspace_of_every_version_opens_with_its_runs_and_memories(version: int, tmp_path: Path) -> None:
    db = _workspace(version, tmp_path)

    run = get_run(db, "run_1")
    trace = load_trace(db, "run_1")

    assert (run.status, run.success, run.answer, run.task, run.reflected) == ("finished", True, "pull", TASK, REFLECTED)
    assert [row.id for row in list_runs(db, family="doors")] == ["run_1"]
    assert (len(trace.events), trace.left_out, trace.steps()[-1].action) == (15, 0, Finish("pull", "sure"))
    assert db.rows(
        "SELECT id, status FROM memories JOIN memory_index ON memory_index.rowid = memories.rowid WHERE memory_index MATCH 'doors'"
    ) == [("mem_2", "quarantined")]
    assert db.rows("SELECT to_status FROM journal WHERE memory_id = 'mem_2'") == [("quarantined",)]
    assert db.rows("PRAGMA user_version") == [(len(MIGRATIONS),)]


def test_a_workspace_of_version_2_opens_with_its_experience(tmp_path: Path) -> None:
    replay = Replay(_workspace(2, tmp_path))

    (episode,) = replay.episodes("porter", "doors")
    assert (episode.run_id, episode.apart, [step.option for step in episode.steps]) == ("run_1", True, ["pull", "knock"])
    assert replay.count("porter", "doors") == 1


def test_a_workspace_of_version_5_opens_with_its_runs_that_stand_still_or_died(tmp_path: Path) -> None:
    db = _workspace(5, tmp_path)

    runs = {run.id: run for run in list_runs(db, family="windows")}

    assert {id: run.status for id, run in runs.items()} == {
        "run_2": "waiting",
        "run_3": "paused",
        "run_4": "interrupted",
        "run_5": "finished",
    }
    assert (runs["run_2"].reason, runs["run_3"].forked_from, runs["run_5"].parent) == (
        "pull changes the house; may it?",
        "run_2",
        "run_4",
    )
    for run in runs.values():
        trace = load_trace(db, run.id)
        assert (trace.left_out, [event.seq for event in trace.events]) == (0, list(range(1, len(trace.events) + 1)))
    waits = load_trace(db, "run_2").suspended
    assert waits is not None
    assert (waits.status, load_trace(db, "run_4").suspended, load_trace(db, "run_4").finished) == ("waiting", None, None)
    assert [(said.number, said.said) for said in waiting(db, "run_2")] == [
        (2, PersonAnswered("c2", "approved", None, "", "Ann"))
    ]


@pytest.mark.parametrize("version", [1, 2])
def test_a_journal_from_before_there_was_a_chain_gets_one(version: int, tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    connection = _opened(path)
    connection.execute((OLD / f"version_{version}.sql").read_text("utf-8"))
    line = "INSERT INTO journal (memory_id, at, from_status, to_status, actor, why) VALUES ('mem_1', ?, ?, ?, 'gate', 'x')"
    for second, (before, after) in enumerate((("", "candidate"), ("candidate", "quarantined"), ("quarantined", "archived"))):
        connection.execute(line, (f"2026-01-03T00:00:0{second}+00:00", before, after))
    connection.execute(line, ("2026-01-03T00:00:04+00:00", "archived", "archived"))
    connection.execute(
        "INSERT INTO memories (id, status, kind, lesson, origin, created_at, version, supersedes, fingerprint)"
        " SELECT 'mem_1', 'archived', kind, lesson, origin, '2026-01-03T00:00:00+00:00', 3, 'mem_2', 'g' FROM memories"
    )
    connection.close()

    db = Database(path)

    assert verify(db).ok
    assert verify(db).lines == 5
    assert [(each.memory_id, each.memory.lesson.then) for each in past(db)] == [("mem_2", "pull"), ("mem_1", "pull")]
    waiting = past(db, datetime(2026, 1, 3, 0, 0, 1, tzinfo=UTC), memory_id="mem_1")
    assert [(each.status, each.version, each.supersedes) for each in waiting] == [("quarantined", 2, "mem_2")]
    with db.write() as cursor:
        cursor.execute("UPDATE memories SET lesson = replace(lesson, 'pull', 'push') WHERE id = 'mem_1'")
    assert verify(db).altered == ("mem_1",)


def test_a_trace_of_version_1_has_every_kind_that_was_known_then() -> None:
    trace = Trace.from_jsonl((OLD / "version_1.jsonl").read_bytes())

    assert trace.left_out == 0
    assert {event.payload.kind for event in trace.events} == FIRST
    assert {event.version for event in trace.events} == {1}
    assert trace.of(Reflected) == (Reflected(1),)


def test_one_trace_of_every_version_is_kept() -> None:
    kept = {path.stem for path in OLD.glob("*.jsonl")}

    assert kept == {f"version_{number}" for number in range(1, VERSION + 1)}


def test_the_newest_trace_has_every_kind_there_is() -> None:
    trace = Trace.from_jsonl((OLD / f"version_{VERSION}.jsonl").read_bytes())

    assert {event.payload.kind for event in trace.events} == set(PAYLOADS)
    assert {event.version for event in trace.events} == {VERSION}


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_nothing_that_a_trace_of_any_version_says_is_lost_by_reading_it(version: int) -> None:
    lines = (OLD / f"version_{version}.jsonl").read_text("utf-8").splitlines()

    trace = Trace.from_jsonl("".join(f"{line}\n" for line in lines))

    assert (len(trace.events), trace.left_out) == (len(lines), 0)
    lost = [line for line, event in zip(lines, trace.events, strict=True) if not _within(line, event_to_json(event))]
    assert lost == []


def _within(old: str, new: str) -> bool:
    """All that the old line says is said by the new one, which may say more: fields that came later."""

    def within(before: object, now: object) -> bool:
        if isinstance(before, dict) and isinstance(now, dict):
            known = cast("dict[str, object]", now)
            return all(name in known and within(said, known[name]) for name, said in cast("dict[str, object]", before).items())
        if isinstance(before, list) and isinstance(now, list):
            said, known = cast("list[object]", before), cast("list[object]", now)
            return len(said) == len(known) and all(within(*pair) for pair in zip(said, known, strict=True))
        return before == now

    return within(json.loads(old), json.loads(new))


def test_the_tables_made_today_are_the_ones_the_newest_kept_workspace_has(tmp_path: Path) -> None:
    fresh = Database(tmp_path / "fresh.db")
    with fresh.write():
        pass
    schema = "SELECT name, sql FROM sqlite_schema ORDER BY name"

    assert fresh.rows(schema) == _workspace(len(MIGRATIONS), tmp_path).rows(schema)


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_file_with_a_broken_memory_opens(version: int, tmp_path: Path) -> None:
    db = _workspace(version, tmp_path)
    connection = _opened(db.path)
    connection.execute("UPDATE memories SET lesson = '{broken'")
    connection.close()

    assert get_run(db, "run_1").id == "run_1"
