"""Jobs that nobody does are in the queue again; jobs that somebody does stay where they are."""

from collections.abc import Iterator

import pytest

from purpose_agent.durable.agreed import VERSION
from purpose_agent.durable.database import PostgresDatabase
from purpose_agent.durable.heartbeats import Heartbeats
from purpose_agent.durable.requeue import Requeue

pytestmark = pytest.mark.slow


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url)
    yield database
    database.close()


def joined(database: PostgresDatabase, name: str) -> Heartbeats:
    heartbeats = Heartbeats(database, name, f"{name}-1", silence=30)
    heartbeats.join()
    return heartbeats


def given(database: PostgresDatabase, job: str, worker: str, token: str = "token") -> None:
    """What DBOS does when it gives a job to a worker."""
    database.rows(
        """INSERT INTO purpose_agent_dbos.workflow_status
           (workflow_uuid, status, owner_xid, executor_id, application_version, queue_name)
           VALUES (%(job)s, 'PENDING', %(token)s, %(worker)s, %(version)s, 'queue')
           ON CONFLICT (workflow_uuid) DO UPDATE SET status = 'PENDING', owner_xid = %(token)s, executor_id = %(worker)s""",
        {"job": job, "token": token, "worker": worker, "version": VERSION},
    )


def statuses(database: PostgresDatabase) -> dict[str, tuple[str, str | None]]:
    """By job: whether it is in the queue, and who has it."""
    rows = database.rows("SELECT workflow_uuid, status, owner_xid FROM purpose_agent_dbos.workflow_status")
    return {job: (status, token) for job, status, token in rows}


def test_what_a_dead_worker_had_is_in_the_queue_again(database: PostgresDatabase) -> None:
    one, dead = joined(database, "one"), joined(database, "dead")
    given(database, "job_1", "dead")
    given(database, "job_2", "one")
    dead.leave()

    assert one.claim_dead() == ["dead"]
    assert Requeue(database, "one", "one-1").of_dead("dead") == ["job_1"]
    assert statuses(database) == {"job_1": ("ENQUEUED", None), "job_2": ("PENDING", "token")}


def test_a_worker_that_came_back_meanwhile_keeps_its_new_jobs(database: PostgresDatabase) -> None:
    one, sleeper = joined(database, "one"), joined(database, "sleeper")
    sleeper.leave()
    one.claim_dead()
    sleeper.join()
    given(database, "job_1", "sleeper")

    assert Requeue(database, "one", "one-1").of_dead("sleeper") == []
    assert statuses(database) == {"job_1": ("PENDING", "token")}


def test_what_a_worker_has_by_name_and_does_not_do_is_in_the_queue_again_after_the_second_look(
    database: PostgresDatabase,
) -> None:
    joined(database, "one")
    joined(database, "two")
    for job, worker in {"job_1": "one", "job_2": "one", "job_3": "two"}.items():
        given(database, job, worker)
    requeue = Requeue(database, "one", "one-1")

    first, second, third = (requeue.lost(["job_2"]) for _ in range(3))

    assert (first, second, third) == ([], ["job_1"], [])
    assert statuses(database) == {
        "job_1": ("ENQUEUED", None),
        "job_2": ("PENDING", "token"),
        "job_3": ("PENDING", "token"),
    }


def test_a_job_that_was_given_anew_between_two_looks_is_not_lost(database: PostgresDatabase) -> None:
    joined(database, "one")
    requeue = Requeue(database, "one", "one-1")
    given(database, "job_1", "one", "first")
    requeue.lost([])
    given(database, "job_1", "one", "second")

    assert requeue.lost([]) == []
    assert requeue.lost(["job_1"]) == []
    assert statuses(database) == {"job_1": ("PENDING", "second")}


def test_what_a_worker_has_that_nobody_knows_is_lost(database: PostgresDatabase) -> None:
    joined(database, "one")
    given(database, "job_1", "never-heard-of")
    requeue = Requeue(database, "one", "one-1")

    assert (requeue.lost([]), requeue.lost([])) == ([], ["job_1"])
