"""Our stores of runs keep what the port promises, and each the rest of its own promises."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from purpose_agent.core.errors import RunTaken, UsageError, WorkspaceError
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.checkpoints.jsonl import JsonlCheckpointer, file_name
from purpose_agent.runtime.checkpoints.memory import MemoryCheckpointer
from purpose_agent.runtime.checkpoints.sqlite import SqliteCheckpointer
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import Event
from purpose_agent.runtime.owner import this_process
from purpose_agent.runtime.record import NOT_WANTED, PENDING, get_run, list_runs, load_trace
from purpose_agent.runtime.trace import Trace
from purpose_agent.testing.checkpoint_acts import a_run, kept
from purpose_agent.testing.checkpoint_suite import CheckpointerSuite


class TestMemory(CheckpointerSuite):
    outlives_process = False

    def make(self, folder: Path) -> Checkpointer:
        return MemoryCheckpointer()


class TestJsonl(CheckpointerSuite):
    def make(self, folder: Path) -> Checkpointer:
        return JsonlCheckpointer(folder / "runs")

    def tear(self, folder: Path, run_id: str) -> bool:
        path = folder / "runs" / file_name(run_id)
        os.truncate(path, path.stat().st_size - 7)
        return True


class TestSqlite(CheckpointerSuite):
    def make(self, folder: Path) -> Checkpointer:
        return SqliteCheckpointer(Database(folder / "workspace.db"))


def test_the_store_of_the_documentation_is_held_to_the_suite_as_its_page_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/runs.md").read_text("utf-8")
    (block,) = [
        code for code in re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE) if "class TestMyStore" in code
    ]
    (tmp_path / "my_store.py").write_text(block, "utf-8")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "my_store.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    tests = [name for name in dir(CheckpointerSuite) if name.startswith("test_")]
    assert f"{len(tests)} passed" in done.stdout


def test_a_file_of_lines_torn_anywhere_keeps_whole_batches_and_goes_on(tmp_path: Path) -> None:
    events = a_run()
    whole = JsonlCheckpointer(tmp_path / "whole")
    whole.append(events[:2])
    first = (tmp_path / "whole" / "run_1.jsonl").stat().st_size
    whole.append(events[2:5])
    data = (tmp_path / "whole" / "run_1.jsonl").read_bytes()
    path = tmp_path / "torn" / "run_1.jsonl"
    path.parent.mkdir()
    torn = JsonlCheckpointer(path.parent)

    for end in sorted({*range(0, len(data), 7), *range(first - 2, first + 3), len(data) - 1, len(data)}):
        path.write_bytes(data[:end])
        there = 0 if end < first else 2 if end < len(data) else 5
        trace = torn.load("run_1")

        assert (() if trace is None else trace.events) == events[:there]
        assert list(torn.runs()) == (["run_1"] if there else [])
        torn.append(events[there : there + 1])
        assert Trace.from_jsonl(path.read_bytes()).events == events[: there + 1]
        torn.append(events[there + 1 :])
        assert kept(torn) == events


def test_a_store_that_waits_for_the_disk_keeps_the_same(tmp_path: Path) -> None:
    store = JsonlCheckpointer(tmp_path / "runs", fsync=True)
    for event in a_run():
        store.append([event])

    assert kept(JsonlCheckpointer(tmp_path / "runs")) == a_run()


def test_the_file_of_a_run_is_a_trace_that_anybody_can_read(tmp_path: Path) -> None:
    JsonlCheckpointer(tmp_path).append(a_run())
    data = (tmp_path / "run_1.jsonl").read_bytes()

    assert Trace.from_jsonl(data).events == a_run()
    assert [json.loads(line)["seq"] for line in data.splitlines()] == list(range(1, 10))


def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    store = JsonlCheckpointer(tmp_path)
    store.append(a_run()[:3])
    path = tmp_path / "run_1.jsonl"
    path.write_bytes(b"no event\n" + path.read_bytes())
    with pytest.raises(WorkspaceError, match=r"run_1\.jsonl: Line 1"):
        store.load("run_1")
    path.write_bytes(b"no event\n")
    with pytest.raises(WorkspaceError, match="no event"):
        store.append(a_run()[3:])
    assert path.read_bytes() == b"no event\n"


def test_a_file_that_lacks_a_line_is_not_read_as_a_shorter_run(tmp_path: Path) -> None:
    store = JsonlCheckpointer(tmp_path)
    store.append(a_run())
    path = tmp_path / "run_1.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))

    with pytest.raises(WorkspaceError, match=r"run_1\.jsonl lacks lines: it holds 8, and its last event has number 9"):
        store.load("run_1")


def test_the_file_of_another_run_is_not_taken_for_this_one(tmp_path: Path) -> None:
    store = JsonlCheckpointer(tmp_path)
    store.append(a_run("run_2"))
    (tmp_path / "run_2.jsonl").rename(tmp_path / "run_1.jsonl")

    with pytest.raises(WorkspaceError, match="should hold 'run_1' and holds 'run_2'"):
        store.load("run_1")


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "run_1.jsonl").symlink_to(outside)
    store = JsonlCheckpointer(tmp_path / "runs")

    with pytest.raises(WorkspaceError):
        store.append(a_run())
    assert list(store.runs()) == []
    assert outside.read_bytes() == b""


@pytest.mark.parametrize("run_id", ["", "x" * 201, "\ud800"])
def test_an_id_that_names_no_file_is_refused(run_id: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="id"):
        JsonlCheckpointer(tmp_path).append(a_run(run_id))


def test_other_files_in_the_folder_are_no_runs(tmp_path: Path) -> None:
    store = JsonlCheckpointer(tmp_path)
    store.append(a_run())
    for name in ("notes.txt", "Run_1.jsonl", "%zz.jsonl", ".jsonl"):
        (tmp_path / name).write_bytes((tmp_path / "run_1.jsonl").read_bytes())

    assert list(store.runs()) == ["run_1"]


FULL = """
import resource, sys
from pathlib import Path
from purpose_agent.core.errors import WorkspaceError
from purpose_agent.runtime.checkpoints.jsonl import JsonlCheckpointer
from purpose_agent.testing.checkpoint_acts import a_run

store = JsonlCheckpointer(Path(sys.argv[1]))
store.append(a_run()[:3])
size = (Path(sys.argv[1]) / "run_1.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))
try:
    store.append(a_run()[3:])
except WorkspaceError as error:
    print(error)
"""


def test_a_file_that_cannot_grow_keeps_what_it_had_and_nothing_of_the_batch(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )

    assert "run_1.jsonl can't be read or written (File too large); nothing was half-written" in said.stdout
    assert (tmp_path / "run_1.jsonl").read_bytes().endswith(b"}\n")
    assert kept(JsonlCheckpointer(tmp_path)) == a_run()[:3]


def test_a_run_saved_in_a_workspace_is_a_run_like_any_other(tmp_path: Path) -> None:
    db, events = Database(tmp_path / "workspace.db"), a_run()
    store = SqliteCheckpointer(db)
    seen: list[object] = []
    for event in events:
        store.append([event])
        seen.append(get_run(db, "run_1").status)

    run = get_run(db, "run_1")

    assert seen == ["running"] * 4 + ["waiting"] + ["running"] * 3 + ["finished"]
    assert (run.goal, run.agent, run.steps, run.seconds, run.answer) == ("Open the red door", "porter", 2, 2.0, "pull")
    assert (run.owner, run.reflected, run.finished_at) == (this_process(), NOT_WANTED, events[-1].at)
    assert load_trace(db, "run_1").events == events
    assert [each.id for each in list_runs(db, status="finished")] == ["run_1"]


def test_a_whole_run_in_one_batch_ends_in_the_workspace_too(tmp_path: Path) -> None:
    db = Database(tmp_path / "workspace.db")
    SqliteCheckpointer(db, reflected=PENDING).append(a_run())

    assert (get_run(db, "run_1").status, get_run(db, "run_1").reflected) == ("finished", PENDING)


def test_the_seconds_of_a_record_that_does_not_tell_them_are_never_negative(tmp_path: Path) -> None:
    db, (*events, end) = Database(tmp_path / "workspace.db"), a_run()
    assert end.payload.kind == "run_finished"
    end = replace(end, at=events[0].at.replace(year=2020), payload=replace(end.payload, seconds=None))

    SqliteCheckpointer(db).append([*events, end])

    assert get_run(db, "run_1").seconds == 0.0


def test_a_run_without_a_task_is_refused_by_a_workspace(tmp_path: Path) -> None:
    first = a_run()[0]
    assert first.payload.kind == "run_started"

    with pytest.raises(UsageError, match="has no 'goal'"):
        SqliteCheckpointer(Database(tmp_path / "workspace.db")).append(
            [replace(first, payload=replace(first.payload, task={}))]
        )


class _Wrong(MemoryCheckpointer):
    """Keeps events as they come, whatever their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[str, list[Event]] = {}

    def append(self, events: Sequence[Event]) -> None:
        for event in events:
            self.events.setdefault(event.run_id, []).append(event)

    def load(self, run_id: str) -> Trace | None:
        return Trace(tuple(self.events[run_id])) if run_id in self.events else None

    def runs(self) -> Sequence[str]:
        return list(self.events)


class _Half(_Wrong):
    """Looks at the numbers one by one, as it saves."""

    def append(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.seq != len(self.events.get(event.run_id, ())) + 1:
                raise RunTaken("")
            super().append([event])


@pytest.mark.parametrize(
    ("store", "name"),
    [
        (_Wrong, "test_a_number_that_is_taken_is_refused_and_nothing_of_the_batch_is_kept"),
        (_Wrong, "test_a_gap_is_refused_before_and_within_a_batch"),
        (_Wrong, "test_a_run_that_never_began_cannot_go_on"),
        (_Wrong, "test_a_thousand_runs_are_kept_apart_and_listed_newest_first"),
        (_Wrong, "test_secrets_are_not_kept"),
        (_Wrong, "test_any_text_is_kept"),
        (_Half, "test_a_gap_is_refused_before_and_within_a_batch"),
        (_Half, "test_calls_that_make_no_sense_are_refused_and_nothing_is_kept"),
    ],
)
def test_the_suite_tells_a_store_that_breaks_a_promise(store: type[_Wrong], name: str, tmp_path: Path) -> None:
    class Suite(CheckpointerSuite):
        outlives_process = False

        def make(self, folder: Path) -> Checkpointer:
            return store()

    # RunTaken: of a batch that the store should have taken, since nothing of the one before it was to be kept.
    with pytest.raises((AssertionError, RunTaken)):
        getattr(Suite(), name)(tmp_path)
