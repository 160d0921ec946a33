"""One connection to PostgreSQL that is made again when it broke, and the tables that are ours.

In:  an address.
Out: rows.

Calls block. A connection is shared by the threads of a process, one statement at a time; each statement is a
transaction, so that no lock outlives it: a process that is frozen in the middle of its work blocks nobody.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeAlias

from purpose_agent.core.errors import NewerWorkspace, WorkspaceError
from purpose_agent.durable.agreed import checked_address, need_extra, without_password

if TYPE_CHECKING:
    from psycopg import Connection

Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = Mapping[str, object]

VERSION: Final = 1
_LOCK: Final = 0x70617074
"""Of `pg_advisory_xact_lock`: processes that begin at the same moment make the tables one after the other."""

_TABLES: Final[Sequence[LiteralString]] = (
    "CREATE SCHEMA IF NOT EXISTS purpose_agent",
    "CREATE TABLE IF NOT EXISTS purpose_agent.version (version integer NOT NULL)",
    "INSERT INTO purpose_agent.version SELECT 1 WHERE NOT EXISTS (SELECT FROM purpose_agent.version)",
    """CREATE TABLE IF NOT EXISTS purpose_agent.events (
        run_id text NOT NULL,
        seq integer NOT NULL,
        added bigint GENERATED ALWAYS AS IDENTITY,
        event text NOT NULL,
        PRIMARY KEY (run_id, seq)
    )""",
    "CREATE INDEX IF NOT EXISTS events_of_starts ON purpose_agent.events (added) WHERE seq = 1",
    """CREATE TABLE IF NOT EXISTS purpose_agent.workers (
        name text PRIMARY KEY,
        incarnation text NOT NULL,
        seen timestamptz NOT NULL,
        claimed_by text,
        claimed_at timestamptz
    )""",
)


class Away(WorkspaceError):
    """A database that could be reached can't be now: it is started again, or the network has lost it. Waiting may help."""


class Gone(Away):
    """The connection broke while a statement was under way: whether it was carried out is not known."""


class PostgresDatabase:
    """A database, from the first statement on.

    Raises:
        MissingExtra: The extra `dbos` is not installed.
        UsageError: `url` is no address of a PostgreSQL database.
    """

    def __init__(self, url: str) -> None:
        need_extra()
        self.url = checked_address(url)
        self._lock = threading.RLock()
        self._connection: Connection[Row] | None = None
        self._was_there = False

    def rows(self, sql: LiteralString, parameters: Parameters | None = None) -> list[Row]:
        """What a statement gives back, after one more try if the connection broke: for those that may be carried out twice."""
        try:
            return self.once(sql, parameters)[0]
        except Gone:
            return self.once(sql, parameters)[0]

    def once(self, sql: LiteralString, parameters: Parameters | None = None) -> tuple[list[Row], int]:
        """Carry a statement out; what it gives back, and how many rows it changed.

        Raises:
            Gone: The connection broke.
            Away: The database can't be reached any more.
            WorkspaceError: It never could, or refuses the statement.
        """
        import psycopg

        with self._lock:
            connection = self._connected()
            try:
                cursor = connection.execute(sql, parameters)
                return (cursor.fetchall() if cursor.description else [], cursor.rowcount)
            except psycopg.errors.UniqueViolation as error:
                raise AlreadyThere(str(error)) from error
            except psycopg.Error as error:
                if connection.closed:
                    self._connection = None
                    raise Gone(f"{self.shown} closed the connection: {error}") from error
                raise WorkspaceError(f"{self.shown} refuses a statement: {error}") from error

    @property
    def shown(self) -> str:
        """The address, without the password."""
        return without_password(self.url)

    def close(self) -> None:
        """Let the connection go; the next statement makes another one."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connected(self) -> "Connection[Row]":
        """The connection, once the tables are there."""
        import psycopg

        if self._connection is None:
            try:
                # A server that is gone without a word is noticed before its silence would count as a worker's death.
                connection = psycopg.connect(
                    self.url,
                    autocommit=True,
                    connect_timeout=10,
                    keepalives_idle=10,
                    keepalives_interval=5,
                    keepalives_count=3,
                    tcp_user_timeout=25_000,  # milliseconds
                )
                try:
                    _make_tables(connection)
                except BaseException:
                    connection.close()
                    raise
            except psycopg.Error as error:
                told = f"{self.shown} can't be used: {error}. Is PostgreSQL running there, and may this user make tables?"
                # An address that never worked is wrong, as far as we know, and nobody waits for it.
                kind = Away if self._was_there and isinstance(error, psycopg.OperationalError) else WorkspaceError
                raise kind(told) from error
            self._connection = connection
            self._was_there = True
        return self._connection


class AlreadyThere(WorkspaceError):
    """A row of that key exists; the statement changed nothing."""


def _make_tables(connection: "Connection[Row]") -> None:
    """Make what is missing.

    Raises:
        NewerWorkspace: A newer version made them.
    """
    known = connection.execute("SELECT to_regclass('purpose_agent.workers')").fetchone()
    if known is None or known[0] is None:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            for statement in _TABLES:
                connection.execute(statement)
    row = connection.execute("SELECT version FROM purpose_agent.version").fetchone()
    if row is not None and row[0] > VERSION:
        raise NewerWorkspace(
            f"The tables of purpose_agent in the database are of version {row[0]}, this package knows {VERSION}: upgrade it."
        )
