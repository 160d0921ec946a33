"""One SQLite file, opened on first use, shared by the threads of this process and by other processes.

In:  SQL from `record.py` and from `memory/store.py`, nobody else.
Out: rows; transactions that happen entirely or not at all.

The file is in WAL mode with synchronous=NORMAL: what was committed survives the death of any process, kill -9
included. A power cut may take the last commits, never the file's consistency.

What a run may write depends on its mode, and is asked here: in an evaluation nothing is written, not even the newer form of
an old file.

A connection never crosses a fork: it is closed before and opened again on both sides, because a child that
inherits SQLite's idea of which locks it holds would write to a log that its parent has deleted.
"""

import os
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakSet

from purpose_agent.core.errors import NotInThisMode, WorkspaceError
from purpose_agent.runtime.connection import Connection, Cursor, Row, Value
from purpose_agent.runtime.events import RunMode
from purpose_agent.runtime.migrations import is_current, migrate
from purpose_agent.runtime.run_mode import check_write, in_mode, mode_of

BUSY_SECONDS = 30.0
"""How long a writer waits for another process's transaction to end."""


class Database:
    """One SQLite file. Making one touches nothing; the first write creates folder, file and tables.

    Calls block: a transaction takes well under a millisecond, or up to `BUSY_SECONDS` if others hold the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = path.resolve()
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None
        self._depth = 0
        self._transactions = 0
        self._forked_inside_write = False
        with _fork_lock:
            _all.add(self)

    @property
    def path(self) -> Path:
        """Where the file is, or will be."""
        return self._path

    @property
    def exists(self) -> bool:
        """The file is there."""
        return self._path.is_file()

    @contextmanager
    def in_mode(self, mode: RunMode) -> Generator[None]:
        """A run of that mode: within it, the file is written to as far as the mode allows, by whatever path. See `run_mode.py`.

        Raises:
            NotInThisMode: A run of a stricter mode is under way here.
        """
        with in_mode(self._key, mode):
            yield

    @contextmanager
    def write(self, *, learns: bool = False) -> Generator[Cursor]:
        """One transaction: committed when the block ends, rolled back when it raises anything.

        Inside another `write` of the same thread the block is a part of that transaction, undone alone if it
        raises, committed with it otherwise. Never await in it: another task of the thread would get into it.

        Args:
            learns: It changes what was learned, not only the record of runs.

        Raises:
            NotInThisMode: The run under way may not write that.
            WorkspaceError: The file can't be created, read or written; nothing of the block was kept.
            NewerWorkspace: The file is from a newer version.
        """
        check_write(self._key, learns=learns)
        with self._lock, _advice(self._path):
            connection = self._open(self._here())
            cursor = connection.cursor()
            begin, commit, rollback = _NESTED if self._depth else _OUTERMOST
            cursor.execute(begin)
            self._transactions += not self._depth
            self._depth += 1
            try:
                yield cursor
                cursor.execute(commit)
            except BaseException:
                cursor.close(True)
                # SQLite may have rolled back by itself (disk full, I/O error).
                if connection.in_transaction:
                    connection.execute(rollback)
                raise
            finally:
                self._depth -= 1

    @property
    def transaction(self) -> int:
        """The number of the transaction under way, or of the last one, among those of this object."""
        return self._transactions

    def rows(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """The rows of a SELECT. No file, no rows: reading creates nothing.

        Raises:
            WorkspaceError: The file can't be read.
            NewerWorkspace: The file is from a newer version.
        """
        with self._lock, _advice(self._path):
            here = self._here()
            return self._open(here).execute(sql, params).fetchall() if here is not None else []

    def copy_to(self, path: Path) -> None:
        """Copy the file as it is now, without opening it for writing; what is written meanwhile is in the copy or not.

        Raises:
            WorkspaceError: It can't be read, or the copy can't be written.
        """
        import apsw

        with self._lock, _advice(self._path):
            source = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
            copy = apsw.Connection(str(path))
            try:
                with copy.backup("main", source, "main") as backup:
                    backup.step()
            finally:
                copy.close(True)
                source.close(True)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None and not self._depth:
                self._connection.close(True)
                self._connection = None

    def _here(self) -> tuple[int, int] | None:
        """Which file is at the path now; within a transaction the one that is open."""
        return self._file if self._depth else _identity(self._path)

    def _open(self, here: tuple[int, int] | None) -> Connection:
        """The connection to that file, or to a new one."""
        if self._forked_inside_write:
            raise WorkspaceError(
                f"This process was forked in the middle of a transaction on {self._path}; use a new Database here, "
                "or fork outside of the transaction."
            )
        if self._connection is not None:
            if here == self._file:
                return self._connection
            # The file was deleted or replaced: what we hold open leads nowhere.
            _abandon(self._connection)
            self._connection = None
        if mode_of(self._key) == "evaluation":
            self._connection = _connect_as_it_is(self._path)
        else:
            self._connection = _connect(self._path)
        self._file = _identity(self._path)
        return self._connection

    def before_fork(self) -> None:
        """Wait for the transactions of other threads and close the file."""
        self._lock.acquire()
        self.close()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Start anew; the threads that knew the old lock don't exist here."""
        self._lock = threading.RLock()
        if self._connection is not None:
            if self._depth:
                self._forked_inside_write = True
            else:
                # Forked by an embedder that calls no `before` hook.
                _abandon(self._connection)
                self._connection = None


_OUTERMOST = ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
_NESTED = ("SAVEPOINT part", "RELEASE part", "ROLLBACK TO part; RELEASE part")

_all: WeakSet[Database] = WeakSet()
_fork_lock = threading.Lock()
"""Held while a thread forks, and to change `_all`."""
_forking: list[Database] = []


def _before_fork() -> None:
    _fork_lock.acquire()
    _forking.extend(_all)
    for database in _forking:
        database.before_fork()


def _after_fork_in_parent() -> None:
    for database in _forking:
        database.after_fork_in_parent()
    _forking.clear()
    _fork_lock.release()


def _after_fork_in_child() -> None:
    global _fork_lock
    _fork_lock = threading.Lock()
    _forking.clear()
    for database in _all:
        database.after_fork_in_child()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells this file from another one at the same path; None: there is none."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def _abandon(connection: Connection) -> None:
    """Close without touching the files: they may belong to somebody else by now."""
    import apsw

    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.close(True)


def _connect(path: Path) -> Connection:
    """Open `path`, creating it if needed, in the newest form."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(f"The folder {path.parent} can't be made ({error.strerror}); choose another workspace.") from error
    connection = _opened(path)
    try:
        connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
        connection.execute("PRAGMA foreign_keys=ON")
        _use_write_ahead_log(connection)
        # The log is folded back every 16 MB, not every 4: each time costs a wait for the disk.
        connection.execute("PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000")
        migrate(connection, path)
    except BaseException:
        connection.close(True)
        raise
    return connection


def _connect_as_it_is(path: Path) -> Connection:
    """Open `path` without a change to it, for an evaluation."""
    connection = _opened(path)
    try:
        connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
        if not is_current(connection, path):
            raise NotInThisMode(
                f"{path} is of an older version, and an evaluation writes nothing, so it can't bring it up to date. Open it once "
                "outside of a run, for instance with: purpose-agent runs list"
            )
        connection.execute("PRAGMA foreign_keys=ON; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000")
    except BaseException:
        connection.close(True)
        raise
    return connection


def _opened(path: Path) -> Connection:
    import apsw

    connection = apsw.Connection(str(path))
    # A statement keeps its plan, whatever it is given: else SQLite makes most of ours anew each time they are used.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    return connection


def _use_write_ahead_log(connection: Connection) -> None:
    """Switch to WAL. SQLite doesn't wait for others here, whatever the busy timeout; so this does."""
    import apsw

    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
            return
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


@contextmanager
def _advice(path: Path) -> Generator[None]:
    """Turn SQLite's troubles with the file into words. Faults of our own SQL pass as they are."""
    import apsw

    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise WorkspaceError(
            f"{path} is no database, or is damaged ({error}). Nothing was changed. Move it away (with its -wal and -shm files, "
            "if any) to start anew, or put a backup in its place."
        ) from error
    except apsw.BusyError as error:
        raise WorkspaceError(
            f"{path} stayed locked for {BUSY_SECONDS:.0f} seconds ({error}): another process is writing to it; end it, or try again later."
        ) from error
    except apsw.FullError as error:
        raise WorkspaceError(f"The disk that holds {path} is full; free some space. Nothing was half-written.") from error
    except (apsw.CantOpenError, apsw.PermissionsError, apsw.ReadOnlyError, apsw.IOError) as error:
        raise WorkspaceError(
            f"{path} can't be opened or written ({error}); check the permissions of its folder, or choose another workspace."
        ) from error
