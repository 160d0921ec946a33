"""Workers die, sleep and are stopped; the jobs they had are finished by others."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from purpose_agent.core.errors import UsageError
from purpose_agent.durable.database import PostgresDatabase
from purpose_agent.durable.dbos_engine import DbosEngine
from purpose_agent.durable.heartbeats import Heartbeats
from purpose_agent.durable.worker import Worker
from purpose_agent.runtime.events import AgentFinished, AgentStarted
from purpose_agent.runtime.jobs import Job, JobResult
from tests.durable.given import ROOT, Steps, Workers, a_job, away, events_of, times_done

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def workers(url: str, tmp_path: Path) -> Iterator[Workers]:
    with Workers(url, tmp_path) as workers:
        yield workers


@pytest.fixture
def engine(url: str) -> Iterator[DbosEngine]:
    engine = DbosEngine(url)
    yield engine
    engine.close()


class Submitted:
    """Jobs that are being done while the test does something else."""

    def __init__(self, engine: DbosEngine, jobs: list[Job]) -> None:
        self._engine = engine
        self._jobs = jobs
        self.results: tuple[JobResult, ...] = ()

    async def done(self) -> None:
        self.results = await self._engine.perform(self._jobs)


async def test_what_a_killed_worker_had_is_finished_by_another_one_and_no_finished_step_is_done_again(
    engine: DbosEngine, url: str, workers: Workers
) -> None:
    jobs = [a_job("run_0", steps=5, gate=3), *(a_job(f"run_{number}", steps=5) for number in range(1, 8))]
    submitted = Submitted(engine, jobs)
    victim = heir = 0
    for name in ("one", "two", "three"):
        workers.start(name)

    async with anyio.create_task_group() as group:
        group.start_soon(submitted.done)
        victim = int(await to_thread.run_sync(workers.heard))
        os.kill(victim, signal.SIGKILL)
        heir = int(await to_thread.run_sync(workers.heard))
        await to_thread.run_sync(workers.open_gate, heir)

    assert heir != victim
    assert [result.status for result in submitted.results] == ["finished"] * 8
    effects = workers.effects()
    assert effects["run_0", "3"] >= 2  # it was under way when the worker died
    for job in jobs:
        events = events_of(url, job.id)
        began = times_done(events, AgentStarted)
        assert times_done(events, AgentFinished) == {str(number): 1 for number in range(1, 6)}
        assert all(effects[job.id, key] <= began[key] for key in began)
        done: set[str] = set()
        for payload in (event.payload for event in events):
            assert not (isinstance(payload, AgentStarted) and payload.key in done)
            done |= {payload.key} if isinstance(payload, AgentFinished) else set()


async def test_a_worker_that_slept_through_the_taking_over_of_its_job_writes_nothing_more(
    engine: DbosEngine, url: str, workers: Workers
) -> None:
    submitted = Submitted(engine, [a_job(steps=4, gate=2)])
    sleeper, heir = workers.start("sleeper"), 0

    async with anyio.create_task_group() as group:
        group.start_soon(submitted.done)
        assert int(await to_thread.run_sync(workers.heard)) == sleeper
        os.kill(sleeper, signal.SIGSTOP)
        heir = workers.start("heir")
        assert int(await to_thread.run_sync(workers.heard)) == heir
        await to_thread.run_sync(workers.open_gate, heir)
    before, effects = events_of(url, "run_1"), workers.effects()
    os.kill(sleeper, signal.SIGCONT)
    await to_thread.run_sync(workers.open_gate, sleeper)
    word = await to_thread.run_sync(workers.heard)

    assert word == "RunTaken"
    assert events_of(url, "run_1") == before
    assert workers.effects() == effects
    assert [result.status for result in submitted.results] == ["finished"]
    assert await engine.perform([a_job(steps=4, gate=2)]) == submitted.results


async def test_a_worker_that_slept_is_a_worker_again(engine: DbosEngine, workers: Workers) -> None:
    submitted = Submitted(engine, [a_job(steps=2, gate=1)])
    sleeper, heir = workers.start("sleeper"), 0

    async with anyio.create_task_group() as group:
        group.start_soon(submitted.done)
        assert int(await to_thread.run_sync(workers.heard)) == sleeper
        os.kill(sleeper, signal.SIGSTOP)
        heir = workers.start("heir")
        assert int(await to_thread.run_sync(workers.heard)) == heir
        await to_thread.run_sync(workers.open_gate, heir)
    os.kill(heir, signal.SIGTERM)
    assert await to_thread.run_sync(workers.ended, heir) == 0
    os.kill(sleeper, signal.SIGCONT)
    await to_thread.run_sync(workers.open_gate, sleeper)
    await to_thread.run_sync(workers.heard)

    assert [result.status for result in await engine.perform([a_job("run_2")])] == ["finished"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_that_is_told_to_stop_ends_what_it_has_begun(
    engine: DbosEngine, url: str, workers: Workers, number: signal.Signals
) -> None:
    submitted = Submitted(engine, [a_job(steps=2, gate=1)])
    worker = workers.start("one")

    async with anyio.create_task_group() as group:
        group.start_soon(submitted.done)
        await to_thread.run_sync(workers.heard)
        os.kill(worker, number)
        await to_thread.run_sync(workers.open_gate, worker)

    assert await to_thread.run_sync(workers.ended, worker) == 0
    assert [result.status for result in submitted.results] == ["finished"]
    assert set(workers.effects().values()) == {1}


async def test_what_it_can_not_end_in_time_it_gives_back_and_another_one_goes_on_at_once(
    engine: DbosEngine, url: str, workers: Workers
) -> None:
    submitted = Submitted(engine, [a_job(steps=3, gate=2)])
    # Had the second worker to wait until the first one counts as dead, this test would not end.
    worker = workers.start("one", grace=0, silence=3600)

    async with anyio.create_task_group() as group:
        group.start_soon(submitted.done)
        await to_thread.run_sync(workers.heard)
        os.kill(worker, signal.SIGTERM)
        heir = workers.start("two", silence=4)
        assert int(await to_thread.run_sync(workers.heard)) == heir
        await to_thread.run_sync(workers.open_gate, heir)

    assert [result.status for result in submitted.results] == ["finished"]
    ends = times_done(events_of(url, "run_1"), AgentFinished)
    assert ends == {"1": 1, "2": 1, "3": 1}


async def test_a_job_that_is_given_back_has_no_end_in_its_log(engine: DbosEngine, url: str, workers: Workers) -> None:
    submitted = Submitted(engine, [Job("run_1", "agent", "sleeps", None)])
    worker = workers.start("one", grace=0)

    async with anyio.create_task_group() as group:
        group.start_soon(submitted.done)
        await to_thread.run_sync(workers.heard)
        os.kill(worker, signal.SIGTERM)
        assert await to_thread.run_sync(workers.ended, worker) == 0
        workers.start("two")

    assert [result.status for result in submitted.results] == ["finished"]
    assert [event.payload.kind for event in events_of(url, "run_1")] == ["run_started"]


async def test_a_job_whose_log_could_not_be_written_since_the_database_was_away_goes_on_once_it_is_back(
    postgres: str, url: str, engine: DbosEngine, workers: Workers
) -> None:
    submitted = Submitted(engine, [a_job(steps=3, gate=2)])
    worker = workers.start("one", patience=0)

    async with anyio.create_task_group() as group:
        group.start_soon(submitted.done)
        await to_thread.run_sync(workers.heard)
        with away(postgres, url):
            await to_thread.run_sync(workers.open_gate, worker)
            assert await to_thread.run_sync(workers.heard) == "Gone"
        # The same worker, which has found out that nobody does it.
        assert int(await to_thread.run_sync(workers.heard)) == worker
        await to_thread.run_sync(workers.open_gate, worker)

    assert [result.status for result in submitted.results] == ["finished"]
    assert times_done(events_of(url, "run_1"), AgentFinished) == {"1": 1, "2": 1, "3": 1}


OTHER = """
import sys
from dbos import DBOS
from purpose_agent.core.errors import UsageError
from purpose_agent.durable.worker import Worker

DBOS(config={"name": "of-the-user", "system_database_url": sys.argv[1], "log_level": "WARNING"})

async def never(job, checkpointer):
    raise AssertionError

try:
    Worker(sys.argv[1], never).run()
except UsageError as error:
    print(error)
"""


def test_a_program_that_uses_dbos_for_itself_is_told_that_there_can_be_one_only(url: str) -> None:
    done = subprocess.run([sys.executable, "-c", OTHER, url], cwd=ROOT, capture_output=True, text=True, check=False)

    assert "has a DBOS of its own already" in done.stdout, done.stderr


def test_two_workers_of_one_name_can_not_both_work(url: str, workers: Workers, tmp_path: Path) -> None:
    database = PostgresDatabase(url)
    Heartbeats(database, "one", "another process", silence=60).join()
    database.close()

    assert workers.ended(workers.start("one", silence=60)) == 1


@pytest.mark.parametrize("wrong", [{"at_once": 0}, {"silence": 0}, {"grace": -1}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Worker("postgresql://host/name", Steps(tmp_path).perform, **wrong)
