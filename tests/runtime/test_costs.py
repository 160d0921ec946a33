"""What was spent adds up to what the calls cost, each of them once."""

from datetime import timedelta
from pathlib import Path

import pytest

from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task, task_to_json
from purpose_agent.runtime.costs import Cost, costs
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import ModelCalled, Payload, RunFinished, RunStarted, RunSuspended
from purpose_agent.runtime.record import PENDING, RunRecord
from tests.runtime.given import StandingClock, a_bus

CALL = Usage(input_tokens=100, output_tokens=10, cached_tokens=80, usd=0.5, calls=1)
UNPRICED = Usage(input_tokens=7, output_tokens=3, usd=None, calls=1)


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database(tmp_path / "workspace.db")


def run(
    db: Database,
    id: str,
    agent: str,
    *calls: tuple[str, Usage],
    parent: str | None = None,
    forked_from: str | None = None,
    first: tuple[Payload, ...] = (),
    day: int = 0,
    family: str = "doors",
) -> None:
    """A run of that agent which made these calls, after those events."""
    task = Task(f"Do {id}", labels={"family": family})
    clock = StandingClock()
    clock.advance(timedelta(days=day).total_seconds())
    bus = a_bus(id, clock)
    begun = RunStarted(task_to_json(task), agent, "m", "learning", {}, parent, forked_from=forked_from)
    RunRecord(db).open(bus.publish(begun, lane=agent), task, family=family, task_key=id, reflected=PENDING)
    for payload in first:
        bus.publish(payload, lane=agent)
    for model, usage in calls:
        bus.publish(ModelCalled("act", model, "actor@1", usage, 2.0), lane=agent)
    total = sum((usage for _, usage in calls), Usage())
    bus.publish(RunFinished("finished", "done", True, 10.0, total), lane=agent)
    RunRecord(db).finish(bus.unsaved()[1:], steps=1, seconds=2.0)


def test_nothing_was_spent_where_nothing_ran(db: Database) -> None:
    assert costs(db) == []


def test_a_teams_calls_are_counted_with_its_members_and_not_again_with_the_team(db: Database) -> None:
    run(db, "run_1", "team")
    run(db, "run_2", "coder", ("big", CALL), ("big", CALL), parent="run_1")
    run(db, "run_3", "architect", ("big", CALL), parent="run_1")

    assert costs(db) == [
        Cost("coder", 1, 2, 200, 20, 160, 4.0, 1.0, 1.0, 0),
        Cost("architect", 1, 1, 100, 10, 80, 2.0, 0.5, 0.5, 0),
    ]


def test_each_model_of_one_run_has_what_was_asked_of_it(db: Database) -> None:
    run(db, "run_1", "coder", ("big", CALL), ("critic", UNPRICED), ("big", CALL))

    assert [(row.key, row.calls, row.usd) for row in costs(db, "model")] == [("big", 2, 1.0), ("critic", 1, None)]


def test_an_unknown_price_leaves_the_sum_unknown_and_says_what_is_known(db: Database) -> None:
    run(db, "run_1", "coder", ("big", CALL))
    run(db, "run_2", "coder", ("other", UNPRICED), ("other", UNPRICED))

    (row,) = costs(db)

    assert (row.runs, row.usd, row.usd_known, row.unpriced_runs) == (2, None, 0.5, 1)


def test_the_steps_that_a_fork_copied_are_counted_where_they_were_made(db: Database) -> None:
    run(db, "run_1", "coder", ("big", CALL))
    copied = ModelCalled("act", "big", "actor@1", CALL, 2.0)
    run(db, "run_2", "coder", ("big", CALL), forked_from="run_1", first=(copied, RunSuspended("paused", "forked")))

    (row,) = costs(db)

    assert (row.runs, row.calls, row.usd) == (2, 2, 1.0)


def test_days_and_families_are_ways_to_add_up(db: Database) -> None:
    run(db, "run_1", "coder", ("big", CALL))
    run(db, "run_2", "coder", ("big", CALL), ("big", CALL), day=1, family="")

    assert [(row.key, row.calls) for row in costs(db, "day")] == [("2026-01-03", 2), ("2026-01-02", 1)]
    assert [(row.key, row.calls) for row in costs(db, "family")] == [("", 2), ("doors", 1)]


def test_another_way_to_add_up_is_refused(db: Database) -> None:
    with pytest.raises(UsageError, match="agent, model, family, day"):
        costs(db, "mood")  # pyright: ignore[reportArgumentType]
