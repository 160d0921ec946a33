"""A transaction happens entirely or not at all, whoever dies, forks or writes beside it."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from purpose_agent.core.errors import NewerWorkspace, WorkspaceError
from purpose_agent.runtime import database
from purpose_agent.runtime.connection import Connection, Cursor
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.migrations import MIGRATIONS
from tests.runtime.given import python, said_by


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database(tmp_path / "folder" / "workspace.db")


def _note(cursor: Cursor, why: str) -> None:
    """Any row will do; the journal's needs no other."""
    cursor.execute(
        "INSERT INTO journal (memory_id, at, from_status, to_status, actor, why) VALUES ('mem_1', '', '', '', 'person', ?)",
        (why,),
    )


def _note_and_fail(db: Database, why: str, error: type[BaseException]) -> None:
    with db.write() as cursor:
        _note(cursor, why)
        raise error


def _notes(db: Database) -> list[str]:
    return [why for (why,) in db.rows("SELECT why FROM journal ORDER BY id")]


def _sql(path: Path, statements: str) -> None:
    """What others do to the file."""
    connection = _opened(path)
    connection.execute(statements)
    connection.close()


def _opened(path: Path) -> Connection:
    return apsw.Connection(str(path))


def test_making_one_and_reading_from_it_create_nothing(db: Database, tmp_path: Path) -> None:
    assert db.rows("SELECT * FROM runs") == []
    assert not db.exists
    assert list(tmp_path.iterdir()) == []


def test_the_first_write_makes_folder_file_and_tables(db: Database) -> None:
    with db.write() as cursor:
        _note(cursor, "first")

    assert db.exists
    assert _notes(Database(db.path)) == ["first"]


def test_a_block_that_raises_leaves_nothing(db: Database) -> None:
    with pytest.raises(KeyboardInterrupt):
        _note_and_fail(db, "never", KeyboardInterrupt)

    assert _notes(db) == []
    with db.write() as cursor:
        _note(cursor, "next")
    assert _notes(db) == ["next"]


def test_rows_left_unread_hinder_neither_commit_nor_rollback(db: Database) -> None:
    def insert(why: str, error: type[Exception] | None = None) -> None:
        with db.write() as cursor:
            cursor.execute(
                "INSERT INTO journal (memory_id, at, from_status, to_status, actor, why)"
                " VALUES ('mem_1', '', '', '', 'person', ?) RETURNING id",
                (why,),
            )
            if error:
                raise error

    insert("kept")
    with pytest.raises(LookupError):
        insert("dropped", LookupError)

    assert _notes(db) == ["kept"]


def test_an_inner_block_that_raises_is_undone_alone(db: Database) -> None:
    with db.write() as outer:
        _note(outer, "before")
        with pytest.raises(LookupError):
            _note_and_fail(db, "inner", LookupError)
        _note(outer, "after")

    assert _notes(db) == ["before", "after"]


def test_an_inner_block_falls_with_the_outer_one(db: Database) -> None:
    def outer() -> None:
        with db.write():
            with db.write() as inner:
                _note(inner, "inner")
            raise LookupError

    with pytest.raises(LookupError):
        outer()

    assert _notes(db) == []


def test_a_closed_database_opens_again(db: Database) -> None:
    with db.write() as cursor:
        _note(cursor, "one")
    db.close()

    assert _notes(db) == ["one"]


def test_a_file_that_was_deleted_is_made_anew_and_never_written_to_unseen(db: Database) -> None:
    with db.write() as cursor:
        _note(cursor, "lost")
    for file in db.path.parent.iterdir():
        file.unlink()

    assert _notes(db) == []
    with db.write() as cursor:
        _note(cursor, "kept")
    assert _notes(Database(db.path)) == ["kept"]


def test_threads_take_turns(db: Database) -> None:
    barrier = threading.Barrier(8, timeout=10)

    def write(thread: int) -> None:
        barrier.wait()
        for turn in range(5):
            with db.write() as cursor:
                _note(cursor, f"{thread}.{turn}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    assert sorted(_notes(db)) == [f"{thread}.{turn}" for thread in range(8) for turn in range(5)]


@pytest.mark.parametrize("content", [b"This is no database. " * 100, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_damaged_file_is_named_with_advice_and_left_as_it_is(db: Database, content: bytes) -> None:
    db.path.parent.mkdir()
    db.path.write_bytes(content)

    with pytest.raises(WorkspaceError, match="Move it away"), db.write():
        pass
    with pytest.raises(WorkspaceError, match="Move it away"):
        db.rows("SELECT 1")

    assert db.path.read_bytes() == content


def test_another_programs_database_is_not_taken_over(db: Database) -> None:
    db.path.parent.mkdir()
    _sql(db.path, "CREATE TABLE bookmarks (url)")

    with pytest.raises(WorkspaceError, match="another program"), db.write():
        pass


def test_a_file_of_a_newer_version_is_refused_and_says_what_to_do(db: Database) -> None:
    with db.write() as cursor:
        _note(cursor, "old")
    db.close()
    _sql(db.path, f"PRAGMA user_version={len(MIGRATIONS) + 1}")

    with pytest.raises(NewerWorkspace, match="pip install -U purpose-agent"):
        db.rows("SELECT 1")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(WorkspaceError, match="can't be made"), Database(tmp_path / "file" / "workspace.db").write():
        pass


def test_a_file_that_stays_locked_is_named(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.02)
    other = Database(db.path)

    with other.write(), pytest.raises(WorkspaceError, match="another process is writing"), db.write():
        pass


def test_faults_of_our_own_sql_pass_as_they_are(db: Database) -> None:
    with pytest.raises(apsw.ConstraintError), db.write() as cursor:
        cursor.execute("INSERT INTO journal (memory_id) VALUES (NULL)")


def _all_at_once(script: str, calls: Sequence[tuple[str, ...]]) -> None:
    """Run `script` in several processes that wait for each other; all must end well."""
    processes = [python(script, *arguments) for arguments in calls]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors


WRITER = """
import sys
from pathlib import Path
import apsw
from purpose_agent.runtime.database import Database

db = Database(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for turn in range(25):
    with db.write() as cursor:
        (count,) = cursor.execute("SELECT count(*) FROM journal").fetchone()
        cursor.execute(
            "INSERT INTO journal (memory_id, at, from_status, to_status, actor, why) VALUES ('m', '', '', '', 'person', ?)",
            (str(count),),
        )
"""


def test_four_processes_make_the_tables_and_write_at_once(db: Database) -> None:
    _all_at_once(WRITER, [(str(db.path),)] * 4)

    # Each read the count and wrote it in one transaction: had two overlapped, a number would be there twice.
    assert _notes(db) == [str(number) for number in range(100)]
    assert db.rows("PRAGMA user_version") == [(len(MIGRATIONS),)]


FORK = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks beside threads, which is the point here
from pathlib import Path
from purpose_agent.runtime.database import Database

db = Database(Path(sys.argv[1]))

def note(cursor, why):
    cursor.execute(
        "INSERT INTO journal (memory_id, at, from_status, to_status, actor, why) VALUES ('m', '', '', '', 'person', ?)", (why,)
    )

def notes():
    return ",".join(why for (why,) in db.rows("SELECT why FROM journal ORDER BY id"))

def write(why):
    with db.write() as cursor:
        note(cursor, why)

def in_child(act):
    child = os.fork()
    if child == 0:
        act()
        sys.exit(0)
    return lambda: os.waitpid(child, 0)
"""


def test_parent_and_child_both_go_on_after_a_fork(db: Database) -> None:
    script = """
write("before")
come_back, go = os.pipe(), os.pipe()

def child():
    write("child")
    os.write(come_back[1], b".")
    os.read(go[0], 1)
    write("child, after the parent closed its connection")

wait = in_child(child)
os.read(come_back[0], 1)
write("parent")
db.close()
os.write(go[1], b".")
wait()
print(notes())
"""

    assert said_by(FORK + script, str(db.path)) == ["before,child,parent,child, after the parent closed its connection"]


def test_a_fork_waits_for_the_transaction_of_another_thread(db: Database) -> None:
    script = """
inside, go_on = threading.Event(), threading.Event()

def slow():
    with db.write() as cursor:
        note(cursor, "thread 1")
        inside.set()
        go_on.wait(0.2)
        note(cursor, "thread 2")

thread = threading.Thread(target=slow)
thread.start()
inside.wait()
in_child(lambda: write("child"))()
thread.join()
print(notes())
"""

    assert said_by(FORK + script, str(db.path)) == ["thread 1,thread 2,child"]


def test_threads_may_fork_at_once(db: Database) -> None:
    script = """
def fork(number):
    for _ in range(5):
        in_child(lambda: write(str(number)))()

threads = [threading.Thread(target=fork, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("".join(sorted(notes().replace(",", ""))))
"""

    assert said_by(FORK + script, str(db.path)) == ["00000111112222233333"]


def test_a_child_forked_inside_a_transaction_is_refused_and_the_parent_commits(db: Database) -> None:
    script = """
from purpose_agent.core.errors import WorkspaceError

def child():
    try:
        notes()
    except WorkspaceError as error:
        print("forked in the middle of a transaction" in str(error), flush=True)

with db.write() as cursor:
    note(cursor, "parent 1")
    pid = os.fork()
    if pid == 0:
        child()
        os._exit(0)
    os.waitpid(pid, 0)
    note(cursor, "parent 2")
print(notes())
"""

    assert said_by(FORK + script, str(db.path)) == ["True", "parent 1,parent 2"]


APPENDER = """
import sys
from pathlib import Path
from purpose_agent.runtime.database import Database

db = Database(Path(sys.argv[1]))
number = 0
while True:
    with db.write() as cursor:
        for part in "ab":
            cursor.execute(
                "INSERT INTO journal (memory_id, at, from_status, to_status, actor, why) VALUES (?, '', '', '', 'person', ?)",
                (sys.argv[2], f"{number}{part}"),
            )
    print(number, flush=True)
    number += 1
"""


@pytest.mark.slow
def test_twenty_kills_lose_nothing_acknowledged_and_leave_nothing_half_done(db: Database) -> None:
    for life in range(20):
        process = python(APPENDER, str(db.path), str(life))
        assert process.stdout is not None
        acknowledged = -1
        # A different place in its work each time: after so many acknowledgements, in the middle of the next.
        for _ in range(1 + 7 * life):
            acknowledged = int(process.stdout.readline())
        process.kill()
        for line in process.stdout:
            acknowledged = int(line)
        process.communicate(timeout=30)

        kept = [why for (why,) in db.rows("SELECT why FROM journal WHERE memory_id = ? ORDER BY id", (str(life),))]
        assert kept == [f"{number}{part}" for number in range(len(kept) // 2) for part in "ab"]
        # The last one may have been committed, but not told any more.
        assert len(kept) // 2 in (acknowledged + 1, acknowledged + 2)

    assert db.rows("PRAGMA integrity_check") == [("ok",)]
