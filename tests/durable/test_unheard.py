"""Jobs that wait where no worker is alive: whoever waits for them is told so, once."""

import logging
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from purpose_agent.durable.database import PostgresDatabase
from purpose_agent.durable.dbos_engine import DbosEngine
from purpose_agent.durable.heartbeats import Heartbeats
from purpose_agent.durable.unheard import Unheard
from purpose_agent.runtime.jobs import JobResult
from tests.durable.given import Workers, a_job

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Heard(logging.Handler):
    """Keeps what is logged, and lets a task wait for the first line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.said = anyio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        anyio.from_thread.run_sync(self.said.set)


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url)
    yield database
    database.close()


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "purpose_agent.durable.unheard"]


def test_it_is_said_after_a_while_and_once(database: PostgresDatabase, caplog: pytest.LogCaptureFixture) -> None:
    time = Time()
    unheard = Unheard(database, "gpu", after=5, clock=time)

    unheard.look(2)
    time.now += 4.9
    unheard.look(2)
    assert warned(caplog) == []
    time.now += 0.2
    unheard.look(2)
    for _ in range(3):
        time.now += 60
        unheard.look(2)

    (line,) = warned(caplog)
    assert line.startswith("2 jobs wait in the queue at postgresql://")
    assert "no worker is alive" in line
    assert f"purpose-agent worker --app YOURPROGRAM --engine dbos:{database.shown} --queue gpu" in line


def test_a_living_worker_is_waited_for_in_silence_until_it_is_dead(
    database: PostgresDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    time = Time()
    one = Heartbeats(database, "one", "one-1", silence=30)
    one.join()
    unheard = Unheard(database, "purpose_agent", after=5, clock=time)

    for _ in range(3):
        unheard.look(1)
        time.now += 6
    assert warned(caplog) == []
    one.leave()
    for _ in range(2):
        unheard.look(1)
        time.now += 6

    (line,) = warned(caplog)
    assert line.startswith("A job waits in the queue")
    assert "--queue" not in line


def test_the_while_begins_anew_once_all_are_taken(database: PostgresDatabase, caplog: pytest.LogCaptureFixture) -> None:
    time = Time()
    unheard = Unheard(database, "purpose_agent", after=5, clock=time)

    for queued in (1, 0, 1):
        unheard.look(queued)
        time.now += 4

    assert warned(caplog) == []


async def test_whoever_submits_is_told_that_no_worker_is_alive_and_gets_the_result_once_one_is(
    url: str, tmp_path: Path
) -> None:
    engine, heard, results = DbosEngine(url, warns_after=0), Heard(), list[JobResult]()
    log = logging.getLogger("purpose_agent.durable.unheard")
    log.addHandler(heard)

    async def submit() -> None:
        results.extend(await engine.perform([a_job(steps=1)]))

    try:
        with Workers(url, tmp_path) as workers:
            async with anyio.create_task_group() as group:
                group.start_soon(submit)
                await heard.said.wait()
                workers.start("late")
    finally:
        log.removeHandler(heard)
        engine.close()

    assert [result.status for result in results] == ["finished"]
    assert len(heard.lines) == 1
