"""`memories log|diff|revert|restore|forget|archive|verify`, as a person has them."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from purpose_agent.agents.workspace import DATABASE, Workspace
from purpose_agent.cli.main import app
from purpose_agent.core.memory import Memory, Provenance
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from tests.memory.build import TickingClock, lesson, put_into_use

BEGINNING = "2026-01-01T00:00:00+00:00"


def memories(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["memories", *arguments], input=answer)


class Home:
    """A workspace in which two things were learned: a proved lesson, then one from the web."""

    def __init__(self, folder: Path) -> None:
        self.db = Database(folder / DATABASE)
        clock = TickingClock()
        self.gate = Gate(MemoryStore(self.db, clock), clock)
        self.place = Workspace(folder)
        self.proved = put_into_use(self.gate, lesson())
        self.then = self.place.history()[-1].at.isoformat()
        came = Provenance("web", "run_7", "coder", step=3, source="https://a.example/x")
        self.web = self.gate.admit(replace(lesson(then="look at page 2", agents=("coder",)), provenance=came))

    def now(self, memory: Memory) -> Memory:
        return self.place.memory(memory.id)


@pytest.fixture
def home(bare: Path) -> Home:
    return Home(bare)


def test_the_log_tells_what_happened_to_whom(home: Home) -> None:
    told = memories("log").stdout.splitlines()

    assert [line.split()[:2] for line in told[1:]] == [
        ["1", home.proved.id],
        ["2", home.proved.id],
        ["3", home.proved.id],
        ["4", home.web.id],
        ["5", home.web.id],
    ]
    assert "quarantined → promoted, by trial: trial: helps" in told[3]


def test_the_log_can_be_narrowed(home: Home) -> None:
    assert home.web.id not in memories("log", home.proved.id).stdout
    assert home.proved.id not in memories("log", "--since", home.web.created_at.isoformat()).stdout
    assert "4 earlier lines are left out" in memories("log", "--limit", "1").stdout
    assert "Nothing happened in that time." in memories("log", "--until", BEGINNING).stdout
    assert memories("log", "mem_nope").exit_code == 1


def test_a_difference_is_told_from_one_moment_to_another(home: Home) -> None:
    told = memories("diff", home.then, "2026-01-02").stdout

    assert f"{home.web.id}" in told
    assert "not there → quarantined" in told
    assert home.proved.id not in told
    assert "Nothing changed" in memories("diff", "2026-06-01", "2026-06-02").stdout


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "command", [["diff", "yesterday"], ["restore", "3 days ago"], ["forget", "--since", "x"], ["log", "--until", "x"]]
)
def test_a_moment_that_cannot_be_read_is_answered_with_how_to_write_one(command: list[str]) -> None:
    result = memories(*command)

    assert result.exit_code == 2
    assert "such as 2026-11-24" in result.stderr


def test_a_change_can_be_undone(home: Home) -> None:
    assert memories("archive", home.proved.id, "--why", "by mistake").exit_code == 0
    assert home.now(home.proved).status == "archived"

    told = memories("revert", home.proved.id)

    assert "archived → promoted" in told.stdout
    assert home.now(home.proved).status == "promoted"


def test_what_was_taught_can_be_taken_back(home: Home) -> None:
    taught = home.place.teach("Be brief.")

    assert memories("archive", taught.id, "--why", "").exit_code == 1
    assert memories("archive", taught.id, "--why", "I changed my mind").exit_code == 0
    assert home.now(taught).status == "archived"
    assert "by person: I changed my mind" in memories("why", taught.id).stdout


def test_a_restoration_is_shown_and_done_when_it_is_agreed_to(home: Home) -> None:
    refused = memories("restore", home.then, answer="n\n")
    assert refused.exit_code == 1
    assert "quarantined → archived" in refused.stdout
    assert home.now(home.web).status == "quarantined"

    assert memories("restore", home.then, answer="y\n").exit_code == 0
    assert home.now(home.web).status == "archived"
    assert home.now(home.proved).status == "promoted"
    assert "nothing to do" in memories("restore", home.then).stdout


def test_what_came_from_a_site_is_forgotten(home: Home) -> None:
    told = memories("forget", "--origin", "web", "--source", "https://a.example", "--since", BEGINNING, "--yes")

    assert told.exit_code == 0
    assert "quarantined → archived" in told.stdout
    assert (home.now(home.web).status, home.now(home.proved).status) == ("archived", "promoted")
    assert "nothing to do" in memories("forget", "--run", "run_nowhere").stdout


@pytest.mark.usefixtures("home")
def test_forgetting_needs_a_condition_that_makes_sense() -> None:
    assert memories("forget").exit_code == 2
    result = memories("forget", "--origin", "mars")
    assert result.exit_code == 2
    assert "no origin 'mars'" in result.stderr


def test_the_journal_is_verified_and_its_head_printed(home: Home) -> None:
    good = memories("verify")
    head = good.stdout.split("head: ")[1].split()[0]
    assert good.exit_code == 0
    assert "5 lines" in good.stdout
    assert memories("verify", "--head", head).exit_code == 0
    assert memories("verify", "--head", "0" * 64).exit_code == 1

    with home.db.write() as cursor:
        cursor.execute("UPDATE journal SET why = 'because' WHERE id = 4")
        cursor.execute("UPDATE memories SET status = 'promoted'")

    bad = memories("verify")
    assert bad.exit_code == 1
    assert "broken at line 4" in bad.stderr
    assert f"{home.web.id} was edited" in bad.stderr
    assert memories("restore", home.then, "--yes").exit_code == 1


def test_why_tells_the_source_of_a_memory_and_what_its_changes_rest_on(home: Home) -> None:
    told = memories("why", home.web.id).stdout
    assert "origin:   web, https://a.example/x, step 3, run run_7, agent coder; trust 0.20" in told

    memories("archive", home.proved.id, "--why", "by mistake")
    memories("revert", home.proved.id)
    assert "line 3 of the journal, of " in memories("why", home.proved.id).stdout
    with home.db.write() as cursor:
        cursor.execute("UPDATE memories SET lesson = replace(lesson, 'page 2', 'page 3')")
    home.place.settle()
    assert "its card had the hash" in memories("why", home.web.id).stdout


def test_nothing_is_made_by_looking(bare: Path) -> None:
    assert memories("log").exit_code == memories("verify").exit_code == memories("diff", "2026-01-01").exit_code == 0
    assert not bare.exists()
