"""`purpose-agent worker`: what it refuses before it takes a job. What it does is in tests/durable."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from purpose_agent.cli.main import app
from purpose_agent.durable import resolve

NOWHERE = "dbos:postgresql://anna:open-sesame@127.0.0.1:1/runs"


@pytest.fixture(autouse=True)
def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "agents.py").write_text("from purpose_agent import Workspace\nplace = Workspace('mine')\nnumber = 7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PURPOSE_AGENT_HOME", str(tmp_path / "ws"))
    monkeypatch.delenv("PURPOSE_AGENT_ENGINE", raising=False)
    monkeypatch.setattr(resolve, "_here", False)  # afterwards it is as it was


def said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["worker", *arguments])
    return done.exit_code, done.output


def test_without_an_engine_it_says_how_one_is_named() -> None:
    code, output = said("--app", "agents.py")

    assert code == 2
    assert "A worker needs a queue: give --engine dbos:postgresql://" in output
    assert "PURPOSE_AGENT_ENGINE" in output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--app", "nothing.py", "--engine", NOWHERE), "there is no such Python file"),
        (("--app", "agents.py:number", "--engine", NOWHERE), "'number' is int there. Name a Workspace"),
        (("--app", "agents.py:elsewhere", "--engine", NOWHERE), "'elsewhere' is NoneType there"),
        (("--app", "agents.py", "--engine", "ray"), "There is no engine 'ray'"),
        (("--app", "agents.py", "--engine", "dbos:runs.db"), "is no address of a PostgreSQL database"),
    ],
)
def test_a_call_that_cannot_work_is_refused(arguments: tuple[str, ...], told: str) -> None:
    code, output = said(*arguments)

    assert code == 2
    assert told in output


@pytest.mark.parametrize("program", ["agents.py", "agents.py:place"])
def test_a_database_that_is_not_there_is_told_without_its_password(program: str) -> None:
    code, output = said("--app", program, "--engine", NOWHERE)

    assert code == 1
    assert "postgresql://anna@127.0.0.1:1/runs can't be used" in output
    assert "sesame" not in output
