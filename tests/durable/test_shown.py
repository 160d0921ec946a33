"""The command line shows runs that an engine keeps, or says where they are."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.cli.main import app
from purpose_agent.durable.dbos_engine import DbosEngine
from purpose_agent.durable.noted import note_engine, noted_engine
from purpose_agent.durable.postgres import PostgresCheckpointer
from purpose_agent.testing.models import RuleModel

ADDRESS = "postgresql://me:secret@db.example/agents"


def said(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def kept(url: str, tmp_path: Path) -> str:
    """The id of a flow's run that another machine did: it is in the database, with its part's."""
    scout = pa.Agent("scout", model=RuleModel(lambda request: "It is a tree."), critic=None, workspace=tmp_path / "other")
    flow = pa.Flow("looking")
    flow.add_node("look", scout)
    flow.add_edge(pa.BEGIN, "look")
    flow.add_edge("look", pa.DONE_SIGNAL)
    result = flow.run({"task": "Look at the tree"})
    keeps = PostgresCheckpointer(url)
    for row in scout.workspace.runs():
        keeps.append(scout.workspace.trace(row.id).events)
    keeps.close()
    return result.id


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PURPOSE_AGENT_HOME", str(tmp_path / "here"))
    return tmp_path / "here"


def test_runs_that_an_engine_keeps_are_listed_by_the_variable_and_by_the_option(
    kept: str, here: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_option = said("runs", "list", "--engine", f"dbos:{url}")
    monkeypatch.setenv("PURPOSE_AGENT_ENGINE", f"dbos:{url}")

    assert said("runs", "list") == by_option
    assert "No runs yet in" in by_option
    assert "kept by dbos:postgresql://" in by_option
    assert [line.split()[0] for line in by_option.splitlines() if line.startswith("run_")] == [kept]
    assert len([line for line in said("runs", "list", "--all").splitlines() if line.startswith("run_")]) == 2
    assert not here.exists(), "looking makes nothing"


def test_a_run_that_an_engine_keeps_is_shown_with_its_parts(kept: str, here: Path, url: str) -> None:
    told = said("runs", "show", kept, "--engine", f"dbos:{url}")

    assert f"{kept}: finished" in told
    assert 'handed back: {"look": "It is a tree."}' in told
    assert "kept by dbos:postgresql://" in told
    lines = said("runs", "show", kept, "--events", "--all", "--engine", f"dbos:{url}").splitlines()
    assert {json.loads(line)["run_id"] for line in lines} > {kept}


def test_a_run_that_neither_has_is_not_found(kept: str, here: Path, url: str) -> None:
    result = CliRunner().invoke(app, ["runs", "show", "run_nope", "--engine", f"dbos:{url}"])

    assert (result.exit_code, "has none either" in result.stderr) == (1, True), result.output


def test_a_workspace_says_where_the_runs_are_that_its_engine_keeps_without_the_password(here: Path) -> None:
    assert pa.Workspace(here, engine=f"dbos:{ADDRESS}").engine() is not None  # as each run does that is handed out

    assert noted_engine(here) == "dbos:postgresql://me@db.example/agents"
    assert "kept at dbos:postgresql://me@db.example/agents" in said("runs", "list")
    missing = CliRunner().invoke(app, ["runs", "show", "run_nope"])
    assert "kept at dbos:postgresql://me@db.example/agents" in missing.stderr
    assert all("secret" not in file.read_text(errors="replace") for file in here.iterdir())


def test_a_workspace_that_works_for_itself_notes_nothing(here: Path) -> None:
    assert pa.Workspace(here).engine() is None
    assert noted_engine(here) is None
    assert not here.exists()


def test_a_note_that_can_not_be_written_stops_nothing_and_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    no_folder = tmp_path / "a file"
    no_folder.touch()

    note_engine(no_folder, DbosEngine(ADDRESS))

    assert f"Where the runs of {no_folder} are kept could not be noted there" in caplog.text
