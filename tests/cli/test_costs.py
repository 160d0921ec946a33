"""`runs costs`: what was spent, for people and for programs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.cli.main import app
from purpose_agent.core.messages import assistant
from purpose_agent.testing.models import ScriptedModel


def ran(folder: Path, name: str, usage: pa.Usage) -> None:
    """A run of that agent with one call."""
    model = ScriptedModel(pa.ModelResponse(assistant('{"answer": "four"}'), usage=usage), name="big")
    pa.Agent(name, model=model, critic=None, workspace=folder, mode="validation").run("Two and two?")


def shown(folder: Path, *options: str) -> str:
    result = CliRunner().invoke(app, ["runs", "costs", "-w", str(folder), *options])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def spent(tmp_path: Path) -> Path:
    ran(tmp_path, "cheap", pa.Usage(1000, 20, 0, usd=0.25, calls=1))
    ran(tmp_path, "dear", pa.Usage(2000, 30, 500, usd=0.5, calls=1))
    return tmp_path


def test_each_agent_has_a_row_the_dearest_first(spent: Path) -> None:
    first, second = shown(spent).splitlines()[1:]

    assert first.split() == ["1", "1", "2,000", "500", "30", first.split()[5], "0.5000", "dear"]
    assert second.split()[-2:] == ["0.2500", "cheap"]


def test_an_unknown_price_is_said_with_what_is_known(spent: Path) -> None:
    ran(spent, "cheap", pa.Usage(10, 1, 0, usd=None, calls=1))

    assert "0.2500 + unknown in 1 run" in shown(spent)
    assert "0.7500 + unknown in 1 run" in shown(spent, "--by", "model")


def test_programs_get_json(spent: Path) -> None:
    rows = json.loads(shown(spent, "--by", "model", "--json"))

    assert [(row["key"], row["runs"], row["usd"]) for row in rows] == [("big", 2, 0.75)]


def test_where_nothing_ran_that_is_said(tmp_path: Path) -> None:
    assert "No model was asked yet" in shown(tmp_path)


def test_another_way_to_add_up_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["runs", "costs", "-w", str(tmp_path), "--by", "mood"])

    assert result.exit_code == 2
