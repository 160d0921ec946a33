"""Who is taken for dead, and by whom it is looked after."""

from collections.abc import Iterator

import pytest

from purpose_agent.core.errors import UsageError
from purpose_agent.durable.database import PostgresDatabase
from purpose_agent.durable.heartbeats import Heartbeats

pytestmark = pytest.mark.slow


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url)
    yield database
    database.close()


def worker(database: PostgresDatabase, name: str, incarnation: str = "first") -> Heartbeats:
    return Heartbeats(database, name, f"{name}-{incarnation}", silence=30)


def fell_silent(database: PostgresDatabase, name: str, seconds: int) -> None:
    """As if that worker had said its last word so long ago: the clock is the database's."""
    database.rows(
        "UPDATE purpose_agent.workers SET seen = seen - make_interval(secs => %(seconds)s) WHERE name = %(name)s",
        {"name": name, "seconds": seconds},
    )


def test_a_dead_worker_is_one_living_workers_to_look_after(database: PostgresDatabase) -> None:
    dead, one, two = (worker(database, name) for name in ("dead", "one", "two"))
    for each in (dead, one, two):
        each.join()
    fell_silent(database, "dead", 31)

    assert (one.claim_dead(), two.claim_dead()) == (["dead"], [])
    one.bury("dead")
    assert two.claim_dead() == []


def test_a_worker_that_is_silent_for_less_is_alive(database: PostgresDatabase) -> None:
    busy, one = worker(database, "busy"), worker(database, "one")
    busy.join()
    one.join()
    fell_silent(database, "busy", 25)

    assert one.claim_dead() == []
    assert busy.beat()


def test_if_who_claimed_it_dies_too_another_one_claims_both(database: PostgresDatabase) -> None:
    for name in ("dead", "one", "two"):
        worker(database, name).join()
    fell_silent(database, "dead", 31)
    assert worker(database, "one").claim_dead() == ["dead"]
    fell_silent(database, "one", 31)
    database.rows("UPDATE purpose_agent.workers SET claimed_at = claimed_at - interval '31 seconds'")

    assert sorted(worker(database, "two").claim_dead()) == ["dead", "one"]


def test_a_worker_that_wakes_up_hears_that_it_was_taken_over_and_can_join_again(database: PostgresDatabase) -> None:
    sleeper, one = worker(database, "sleeper"), worker(database, "one")
    sleeper.join()
    one.join()
    fell_silent(database, "sleeper", 31)
    one.claim_dead()

    heard = sleeper.beat()
    sleeper.join()
    one.bury("sleeper")  # of another life: it is not buried

    assert not heard
    assert sleeper.beat()


def test_two_living_workers_can_not_have_one_name(database: PostgresDatabase) -> None:
    worker(database, "one").join()

    with pytest.raises(UsageError, match="A worker called 'one' has been seen within the last 30 seconds"):
        worker(database, "one", "second").join()

    fell_silent(database, "one", 31)
    worker(database, "one", "second").join()


def test_who_leaves_is_looked_after_at_once(database: PostgresDatabase) -> None:
    one, two = worker(database, "one"), worker(database, "two")
    one.join()
    two.join()

    one.leave()

    assert two.claim_dead() == ["one"]
