"""What a critic said is kept once, beside how the run ended, and read back as it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from purpose_agent.core.errors import NotInThisMode
from purpose_agent.memory.judgements import Judgement, Judgements
from purpose_agent.runtime.database import Database

AT = datetime(2026, 1, 2, tzinfo=UTC)


def judgement(run: int, phi: float | None = 8.0, *, family: str = "doors", critic: str = "state", notes: str = "") -> Judgement:
    return Judgement(
        f"run_{run:04d}", critic, "small", family, f"task {run}", phi, 0.5, 5.5, None, run % 2 == 0, 120, "state@1", AT, notes
    )


@pytest.fixture
def judgements(db: Database) -> Judgements:
    return Judgements(db)


def test_they_come_back_as_they_were_in_the_order_they_came(judgements: Judgements) -> None:
    given = [judgement(3), judgement(1, None), judgement(2, family="")]
    assert [judgements.add(each) for each in given] == [True] * 3

    assert judgements.of("state", "small") == tuple(given)
    assert judgements.of("state", "small", family="doors") == tuple(given[:2])
    assert judgements.of("state", "small", family="") == (given[2],)
    assert judgements.of("delta", "small") == judgements.of("state", "large") == ()


def test_a_run_is_judged_once_by_the_same_critic(judgements: Judgements) -> None:
    assert judgements.add(judgement(1, 8.0))
    assert not judgements.add(replace(judgement(1, 2.0), at=AT + timedelta(days=1)))

    assert [each.phi for each in judgements.of("state", "small")] == [8.0]


def test_with_another_prompt_it_is_judged_anew_and_the_newest_counts(judgements: Judgements) -> None:
    judgements.add_all([judgement(1, 8.0), judgement(2, 7.0), replace(judgement(1, 3.0), version="state@2")])

    assert [(each.run_id, each.phi) for each in judgements.of("state", "small")] == [("run_0002", 7.0), ("run_0001", 3.0)]
    assert judgements.judged("state", "small", version="state@2") == {"run_0001"}
    assert judgements.judged("state", "small") == {"run_0001", "run_0002"}


def test_what_is_said_with_notes_is_kept_apart(judgements: Judgements) -> None:
    judgements.add_all([judgement(1, 9.0), judgement(1, 2.0, notes="abc"), judgement(2, notes="abc")])

    assert [each.phi for each in judgements.of("state", "small")] == [9.0]
    assert [each.phi for each in judgements.of("state", "small", notes="abc")] == [2.0, 8.0]
    assert judgements.judged("state", "small") == {"run_0001"}


def test_of_what_the_critic_could_not_say_only_that_is_counted_that_it_was_asked(judgements: Judgements) -> None:
    judgements.add_all([judgement(1, None), judgement(2), judgement(3), judgement(4, critic="delta"), judgement(5, family="x")])

    assert [(each.critic, each.family, each.runs) for each in judgements.groups()] == [
        ("delta", "doors", 1),
        ("state", "doors", 2),
        ("state", "x", 1),
    ]
    assert "run_0001" in judgements.judged("state", "small")


def test_each_addition_is_seen_by_the_newest_number(judgements: Judgements, db: Database) -> None:
    assert judgements.newest("state", "small") == 0
    assert not db.exists  # reading creates nothing
    numbers: list[int] = []
    for run in (1, 2):
        judgements.add(judgement(run))
        numbers.append(judgements.newest("state", "small"))
    judgements.add(judgement(3, critic="delta"))

    assert 0 < numbers[0] < numbers[1] == judgements.newest("state", "small")


def test_several_are_kept_together_or_not_at_all(judgements: Judgements) -> None:
    broken = replace(judgement(2), confidence=None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(Exception, match="NOT NULL"):
        judgements.add_all([judgement(1), broken])
    assert judgements.of("state", "small") == ()


@pytest.mark.parametrize("mode", ["evaluation", "validation"])
def test_a_run_that_is_not_there_to_learn_adds_nothing(judgements: Judgements, db: Database, mode: str) -> None:
    judgements.add(judgement(1))
    with db.in_mode(mode), pytest.raises(NotInThisMode):  # pyright: ignore[reportArgumentType]
        judgements.add(judgement(2))
    assert [each.run_id for each in judgements.of("state", "small")] == ["run_0001"]
