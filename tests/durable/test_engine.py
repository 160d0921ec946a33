"""Jobs are done by workers in other processes, and what became of them comes back."""

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from purpose_agent.core.errors import UsageError, WorkspaceError
from purpose_agent.durable.agreed import result_from_text, result_to_text
from purpose_agent.durable.database import PostgresDatabase
from purpose_agent.durable.dbos_engine import DbosEngine
from purpose_agent.runtime.jobs import Engine, Job, JobResult
from tests.durable.given import Workers, a_job, away, events_of

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


async def test_results_come_in_the_order_of_the_jobs(engine: Engine, workers: Workers) -> None:
    workers.start("one")

    results = await engine.perform([a_job(f"run_{number}", steps=number) for number in (3, 1, 2)], at_once=2)

    assert [(result.id, result.status, result.output) for result in results] == [
        ("run_3", "finished", {"steps": 3}),
        ("run_1", "finished", {"steps": 1}),
        ("run_2", "finished", {"steps": 2}),
    ]
    checkpointer = engine.checkpointer
    assert checkpointer is not None
    assert set(checkpointer.runs()) == {"run_1", "run_2", "run_3"}


async def test_a_job_that_is_submitted_twice_is_done_once(engine: Engine, url: str, workers: Workers) -> None:
    workers.start("one")

    twice = await engine.perform([a_job(), a_job()])
    another = DbosEngine(url)
    again = await another.perform([a_job()])
    another.close()

    assert [result.status for result in (*twice, *again)] == ["finished"] * 3
    assert set(workers.effects().values()) == {1}


async def test_a_job_that_fails_is_a_result_and_an_unknown_name_is_told_what_there_is(engine: Engine, workers: Workers) -> None:
    workers.start("one")

    failed, unknown = await engine.perform([a_job("run_1", name="fails"), a_job("run_2", name="stpes")])

    assert (failed.status, failed.error) == ("failed", "ValueError: the third digit is missing")
    assert unknown.status == "failed"
    assert "no flow is called 'stpes'; known: steps, fails, waits" in unknown.error


async def test_a_job_that_waits_for_a_person_goes_on_when_it_is_submitted_again(engine: Engine, workers: Workers) -> None:
    workers.start("one")
    job = Job("run_1", "agent", "waits", None)

    first = await engine.perform([job])
    second = await engine.perform([job])
    third = await engine.perform([job])

    assert [result.status for (result,) in (first, second, third)] == ["waiting", "finished", "finished"]


async def test_a_job_that_failed_is_tried_again_when_it_is_submitted_again(engine: Engine, workers: Workers) -> None:
    workers.start("one")

    (first,) = await engine.perform([a_job(name="stpes")])
    (second,) = await engine.perform([a_job(name="steps")])

    assert (first.status, second.status) == ("failed", "finished")


async def test_what_is_kept_in_the_queue_is_json(engine: Engine, url: str, workers: Workers) -> None:
    workers.start("one")

    await engine.perform([a_job(steps=1)])

    database = PostgresDatabase(url)
    ((serialization,),) = database.rows("SELECT serialization FROM purpose_agent_dbos.workflow_status")
    ((inputs,),) = database.rows("SELECT inputs FROM purpose_agent_dbos.workflow_input")
    ((output,),) = database.rows("SELECT output FROM purpose_agent_dbos.workflow_output")
    database.close()
    assert serialization == "portable_json"
    (given,) = json.loads(inputs)["positionalArgs"]
    assert json.loads(given)["name"] == "steps"
    assert json.loads(json.loads(output))["status"] == "finished"
    assert len(events_of(url, "run_1")) == 4


async def test_a_job_that_holds_a_secret_is_refused_and_none_is_queued(engine: Engine, url: str) -> None:
    secret = Job("run_2", "agent", "steps", {"goal": f"use sk-proj-{'Ab3dEf9h' * 6}"})

    with pytest.raises(UsageError, match="run_2 for agent 'steps' holds a key or a password"):
        await engine.perform([a_job(), secret])

    database = PostgresDatabase(url)
    assert database.rows("SELECT workflow_uuid FROM purpose_agent_dbos.workflow_status") == []
    database.close()


def test_secrets_in_a_result_are_marked_out() -> None:
    text = result_to_text(JobResult("run_1", "finished", f"the key is sk-proj-{'Ab3dEf9h' * 6}", error="password=Ab3dEf9h"))

    assert "Ab3dEf9h" not in text
    assert result_from_text(text).output == "the key is [secret: model key]"


async def test_while_the_database_is_away_who_submitted_waits_and_is_told_after_a_while(
    postgres: str, url: str, engine: DbosEngine, workers: Workers
) -> None:
    workers.start("one")
    hasty = DbosEngine(url, patience=0)
    await hasty.perform([a_job("run_1")])
    await engine.perform([a_job("run_1")])

    results: list[JobResult] = []

    async def wait() -> None:
        results.extend(await engine.perform([a_job("run_2")]))

    async with anyio.create_task_group() as group:
        with away(postgres, url):
            group.start_soon(wait)
            with pytest.raises(WorkspaceError, match="can't be used as a queue"):
                await hasty.perform([a_job("run_3")])
    (late,) = await hasty.perform([a_job("run_3")])
    hasty.close()

    assert [result.status for result in (*results, late)] == ["finished"] * 2


async def test_no_job_at_a_time_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="at_once=0"):
        await engine.perform([a_job()], at_once=0)
