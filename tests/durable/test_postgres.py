"""The log on PostgreSQL: the suite of every checkpointer, who may write, and connections that break."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import LiteralString

import pytest

from purpose_agent.core.errors import NewerWorkspace, RunTaken, UsageError, WorkspaceError
from purpose_agent.durable.database import Away, Gone, Parameters, PostgresDatabase, Row
from purpose_agent.durable.postgres import Lease, PostgresCheckpointer
from purpose_agent.testing.checkpoint_acts import a_run, kept
from purpose_agent.testing.checkpoint_suite import CheckpointerSuite
from tests.durable.given import ROOT, away

pytestmark = pytest.mark.slow

SERVER = "PURPOSE_AGENT_TESTS_POSTGRES"
"""The suite opens the store in other processes, too: they read here where it is."""
_opened: list[PostgresCheckpointer] = []


@pytest.fixture
def _server(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(SERVER, url)
    yield
    for checkpointer in _opened:
        checkpointer.close()
    _opened.clear()


@pytest.mark.usefixtures("_server")
class TestPostgres(CheckpointerSuite):
    """Nothing is in the database when a test begins; folders stay as they are."""

    def make(self, folder: Path) -> PostgresCheckpointer:
        checkpointer = PostgresCheckpointer(os.environ[SERVER])
        _opened.append(checkpointer)
        return checkpointer


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url)
    yield database
    database.close()


def given_to(database: PostgresDatabase, token: str) -> None:
    """What DBOS does when it gives `job` to a worker."""
    database.rows(
        """INSERT INTO purpose_agent_dbos.workflow_status (workflow_uuid, status, owner_xid) VALUES ('job', 'PENDING', %(token)s)
           ON CONFLICT (workflow_uuid) DO UPDATE SET owner_xid = %(token)s""",
        {"token": token},
    )


def test_who_has_lost_the_lease_writes_nothing_though_the_number_is_free(database: PostgresDatabase) -> None:
    first = PostgresCheckpointer(database, lease=Lease("job", "one", lambda: False))
    second = PostgresCheckpointer(database, lease=Lease("job", "two", lambda: False))
    events = a_run()

    given_to(database, "one")
    first.append(events[:2])
    given_to(database, "two")
    with pytest.raises(RunTaken, match="given to another worker"):
        first.append(events[2:3])
    second.append(events[2:4])
    database.rows("UPDATE purpose_agent_dbos.workflow_status SET status = 'SUCCESS'")
    with pytest.raises(RunTaken):
        second.append(events[4:5])

    assert kept(second) == events[:4]


def test_who_has_given_the_job_back_writes_nothing(database: PostgresDatabase) -> None:
    is_back = False
    worker = PostgresCheckpointer(database, lease=Lease("job", "one", lambda: is_back))
    given_to(database, "one")
    worker.append(a_run()[:2])
    is_back = True

    with pytest.raises(RunTaken, match="has given job back"):
        worker.append(a_run()[2:3])

    assert kept(worker) == a_run()[:2]


def test_a_connection_that_was_cut_is_made_again(database: PostgresDatabase, url: str) -> None:
    checkpointer, killer = PostgresCheckpointer(database), PostgresDatabase(url)
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    events = a_run()

    checkpointer.append(events[:2])
    killer.rows(cut)
    checkpointer.append(events[2:4])
    killer.rows(cut)
    trace = checkpointer.load("run_1")
    killer.close()

    assert trace is not None
    assert trace.events == events[:4]


class CutAfterwards(PostgresDatabase):
    """A database whose answer to the first batch is lost on the way."""

    lost = False

    def once(self, sql: LiteralString, parameters: Parameters | None = None) -> tuple[list[Row], int]:
        answer = super().once(sql, parameters)
        if "INSERT" in sql and not self.lost:
            self.lost = True
            raise Gone("the answer was lost")
        return answer


def test_a_batch_whose_answer_was_lost_is_not_taken_for_another_processs(url: str) -> None:
    database = CutAfterwards(url)
    checkpointer = PostgresCheckpointer(database)

    checkpointer.append(a_run()[:3])
    checkpointer.append(a_run()[3:4])
    events = kept(checkpointer)
    with pytest.raises(RunTaken):
        checkpointer.append([replace(a_run()[3], id="evt_other")])
    database.close()

    assert events == a_run()[:4]


class Watched(PostgresDatabase):
    """A database that tells when it could not be reached."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.missed = threading.Event()

    def once(self, sql: LiteralString, parameters: Parameters | None = None) -> tuple[list[Row], int]:
        try:
            return super().once(sql, parameters)
        except Away as error:
            if not isinstance(error, Gone):
                self.missed.set()
            raise


@pytest.mark.parametrize("is_loaded", [False, True])
def test_while_the_database_is_away_who_writes_or_reads_waits(postgres: str, url: str, is_loaded: bool) -> None:
    database = Watched(url)
    checkpointer = PostgresCheckpointer(database)
    checkpointer.append(a_run()[:2])

    with ThreadPoolExecutor() as threads:
        with away(postgres, url):
            act = partial(checkpointer.load, "run_1") if is_loaded else partial(checkpointer.append, a_run()[2:4])
            done = threads.submit(act)
            database.missed.wait()
        done.result()

    assert kept(checkpointer) == a_run()[: 2 if is_loaded else 4]
    database.close()


def test_a_database_that_is_away_for_too_long_is_told(postgres: str, url: str) -> None:
    checkpointer = PostgresCheckpointer(url, patience=0)
    checkpointer.append(a_run()[:2])

    with away(postgres, url), pytest.raises(WorkspaceError, match="closed the connection"):
        checkpointer.append(a_run()[2:4])
    checkpointer.append(a_run()[2:4])

    assert kept(checkpointer) == a_run()[:4]
    checkpointer.close()


def test_a_worker_that_missed_a_write_writes_nothing_more_of_that_job(
    postgres: str, url: str, database: PostgresDatabase
) -> None:
    worker = PostgresCheckpointer(database, lease=Lease("job", "one", lambda: False), patience=0)
    given_to(database, "one")
    worker.append(a_run()[:2])

    with away(postgres, url), pytest.raises(WorkspaceError):
        worker.append(a_run()[2:3])
    with pytest.raises(WorkspaceError, match="goes back to the queue"):
        worker.append(a_run()[2:4])

    assert worker.missed
    assert kept(worker) == a_run()[:2]


def test_processes_that_begin_at_once_make_the_tables_once(bare_url: str) -> None:
    script = (
        "import sys; from purpose_agent.durable.postgres import PostgresCheckpointer; "
        "sys.stdin.read(); log = PostgresCheckpointer(sys.argv[1]); log.runs(); log.close()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script, bare_url], cwd=ROOT, stdin=subprocess.PIPE) for _ in range(3)]

    assert [(process.communicate(b""), process.returncode)[1] for process in processes] == [0, 0, 0]


def test_tables_of_a_newer_version_are_left_alone(bare_url: str) -> None:
    first, checkpointer = PostgresDatabase(bare_url), PostgresCheckpointer(bare_url)
    first.rows("UPDATE purpose_agent.version SET version = 99")
    first.close()

    with pytest.raises(NewerWorkspace, match="version 99"):
        checkpointer.runs()


def test_a_database_that_is_not_there_is_named_without_its_password() -> None:
    checkpointer = PostgresCheckpointer("postgresql://anna:open-sesame@127.0.0.1:1/runs")

    with pytest.raises(WorkspaceError, match=r"postgresql://anna@127\.0\.0\.1:1/runs") as told:
        checkpointer.runs()

    assert "sesame" not in str(told.value)


@pytest.mark.parametrize("url", ["", "sqlite:///runs.db", "mysql://anna:open-sesame@host/runs", "postgresql://"])
def test_an_address_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no address of a PostgreSQL database") as told:
        PostgresCheckpointer(url)

    assert "sesame" not in str(told.value)
