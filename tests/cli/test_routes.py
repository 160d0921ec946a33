"""`routes`: what was chosen and how each model does, for people and for programs."""

import json
from pathlib import Path

from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.cli.main import app
from purpose_agent.core.model import Capabilities
from purpose_agent.testing.models import RuleModel


def shown(folder: Path, *options: str) -> str:
    result = CliRunner().invoke(app, ["routes", "-w", str(folder), *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def ran(folder: Path) -> pa.TaskResult:
    """A run that went from a small model to a big one."""
    small = RuleModel(lambda _: "Rome", "small", Capabilities(local=True, small=True))
    big = RuleModel(lambda _: "Paris", "big", Capabilities(local=True))
    agent = pa.Agent("clerk", model=pa.Router([small, big]), critic=None, workspace=folder)
    labels = {"family": "capitals", "user": "ann"}
    return agent.run(pa.Task("Name the capital", checks=[pa.Check.equals("Paris")], labels=labels))


def test_each_model_has_a_row_by_family_and_each_choice_its_reason(tmp_path: Path) -> None:
    result = ran(tmp_path)

    lines = shown(tmp_path).splitlines()

    big, small = (line.split() for line in lines[1:3])
    assert (big[:3], big[-2:]) == (["1", "of", "1"], ["capitals", "big"])
    assert (small[:3], small[-2:]) == (["0", "of", "1"], ["capitals", "small"])
    first, second = (line for line in lines if result.id in line)
    assert "went on  small  the first in line, and not tried on anything alike yet" in first
    assert "passed   big    small gave an answer that failed the checks" in second


def test_another_user_s_runs_are_not_in_a_user_s_view(tmp_path: Path) -> None:
    result = ran(tmp_path)

    assert result.id in shown(tmp_path, "--user", "ann")
    assert result.id not in shown(tmp_path, "--user", "bob")


def test_programs_get_json(tmp_path: Path) -> None:
    result = ran(tmp_path)

    found = json.loads(shown(tmp_path, "--json"))

    (row,) = found["chosen"]
    assert row["run_id"] == result.id
    assert [choice["model"] for choice in row["chosen"]] == ["small", "big"]
    assert {(each["model"], each["runs"], each["successes"]) for each in found["measured"]} == {("small", 1, 0), ("big", 1, 1)}


def test_where_nothing_was_routed_that_is_said(tmp_path: Path) -> None:
    text = shown(tmp_path)

    assert "No outcome of a model is known yet" in text
    assert "No run had several models" in text
