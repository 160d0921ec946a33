"""What people say to a run waits in the file until the run has heard it."""

from contextlib import suppress
from pathlib import Path

import pytest

from purpose_agent.core.errors import NotInThisMode, UsageError, WorkspaceError
from purpose_agent.runtime.controls import Abort, Pause, Said, say, take, waiting, within_a_call
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import LessonInjected, PersonAnswered, ScoreOverridden
from tests.runtime.given import START, said_by

KEY = "sk-ant-api03-" + "Ab1" * 30
EVERYTHING: tuple[Said, ...] = (
    PersonAnswered("c1", "edited", {"to": "Ann", "amount": [1, None]}, by="Eve"),
    ScoreOverridden(3, 2.5, "it only looks done"),
    LessonInjected("mem_1", "promoted", "Test n=0 first."),
    Pause("lunch", "Eve"),
    Abort("enough"),
)


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database(tmp_path / "workspace.sqlite3")


def test_all_of_it_waits_in_the_order_it_was_said(db: Database) -> None:
    for said in EVERYTHING:
        say(db, "run_1", said, at=START)

    heard = waiting(db, "run_1")
    assert tuple(each.said for each in heard) == EVERYTHING
    assert [each.at for each in heard] == [START] * 5
    assert waiting(db, "run_2") == ()


def test_what_was_taken_is_not_heard_again_and_the_rest_is(db: Database) -> None:
    first, _ = (say(db, "run_1", said, at=START) for said in (Pause("one"), Pause("two")))
    with db.write() as cursor:
        take(cursor, [first])

    assert [each.said for each in waiting(db, "run_1")] == [Pause("two")]


def test_what_was_taken_in_a_transaction_that_failed_is_heard_again(db: Database) -> None:
    number = say(db, "run_1", Pause(), at=START)
    with suppress(ZeroDivisionError), db.write() as cursor:
        take(cursor, [number])
        raise ZeroDivisionError

    assert len(waiting(db, "run_1")) == 1


def test_another_process_hears_it(db: Database) -> None:
    say(db, "run_1", Pause("lunch"), at=START)
    script = """
import sys
from contextlib import suppress
from pathlib import Path
from purpose_agent.runtime.controls import waiting
from purpose_agent.runtime.database import Database
for each in waiting(Database(Path(sys.argv[1])), "run_1"):
    print(each.said.reason)
"""
    assert said_by(script, str(db.path)) == ["lunch"]


def test_asking_a_workspace_that_is_not_there_creates_nothing(db: Database) -> None:
    assert waiting(db, "run_1") == ()
    assert not db.path.exists()


def test_the_run_finds_what_was_said_by_the_index(db: Database) -> None:
    say(db, "run_1", Pause(), at=START)
    plan = db.rows("EXPLAIN QUERY PLAN SELECT number FROM controls WHERE run_id = 'run_1' AND taken = 0 ORDER BY number")

    assert "controls_to_take" in str(plan)


def test_secrets_in_reasons_are_not_kept(db: Database) -> None:
    say(db, "run_1", PersonAnswered("c1", "rejected", reason=f"do not send {KEY}"), at=START)

    (heard,) = waiting(db, "run_1")
    assert isinstance(heard.said, PersonAnswered)
    assert heard.said.reason == "do not send [secret: model key]"


def test_an_edit_with_a_secret_is_refused_since_the_run_would_get_the_mark(db: Database) -> None:
    with pytest.raises(UsageError, match="holds a key or a password"):
        say(db, "run_1", PersonAnswered("c1", "edited", {"key": KEY}), at=START)
    assert waiting(db, "run_1") == ()


@pytest.mark.parametrize("said", EVERYTHING[:3])
def test_a_tools_call_does_not_speak_for_people(db: Database, said: Said) -> None:
    with within_a_call("helper"), pytest.raises(UsageError, match="The tool helper tried to speak for a person"):
        say(db, "run_1", said, at=START)
    assert waiting(db, "run_1") == ()


@pytest.mark.parametrize("said", EVERYTHING[3:])
def test_a_tools_call_may_stop_a_run(db: Database, said: Said) -> None:
    with within_a_call("watchdog"):
        say(db, "run_1", said, at=START)

    assert len(waiting(db, "run_1")) == 1


def test_an_evaluation_says_nothing(db: Database) -> None:
    with db.in_mode("evaluation"), pytest.raises(NotInThisMode):
        say(db, "run_1", Pause(), at=START)


@pytest.mark.parametrize(("what", "body"), [("answer", "{"), ("answer", '{"call_id": 1}'), ("wish", "{}")])
def test_a_row_that_somebody_broke_is_named(db: Database, what: str, body: str) -> None:
    with db.write() as cursor:
        cursor.execute(
            "INSERT INTO controls (run_id, at, what, body) VALUES ('run_1', ?, ?, ?)", (START.isoformat(), what, body)
        )

    with pytest.raises(WorkspaceError, match=r"said to run_1 as number 1 .* can't be read"):
        waiting(db, "run_1")
