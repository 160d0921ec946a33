"""`lift`: with memory minus without, on the user's own tasks."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from purpose_agent.cli.main import app
from tests.cli.ruled import greets, guests
from tests.models.wire import Reply, completion, serving


@pytest.fixture
def learner(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """The machine's model learns; the folder that is returned holds a file of tasks."""
    with serving(Reply(body=greets)) as server:
        monkeypatch.setenv("PURPOSE_AGENT_MODEL", f"{server.url}#tiny-1b")
        yield bare.parent


def _tasks(folder: Path, number: int = 14) -> str:
    path = folder / "tasks.jsonl"
    path.write_text("\n".join(json.dumps(task) for task in guests(number)), "utf-8")
    return str(path)


def test_a_gain_is_told_with_its_interval_its_cost_and_its_memory(learner: Path) -> None:
    result = CliRunner().invoke(app, ["lift", "--tasks", _tasks(learner), "--seeds", "1"])

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Memory helps on these tasks: 7 pairs won, 0 lost, p 0.016.")
    assert "difference:     +100 points (95 % interval +100 to +100, over tasks)" in result.stdout
    assert "in 7 wins and 0 losses" in result.stdout
    assert "cost of trials:" in result.stdout
    assert not (learner / "workspace").exists()


def test_the_report_is_one_object_of_json(learner: Path) -> None:
    result = CliRunner().invoke(app, ["lift", "--tasks", _tasks(learner), "--seeds", "1", "--json", "--watch"])

    data: dict[str, Any] = json.loads(result.stdout)
    assert (data["verdict"], data["wins"], data["losses"], data["training"]) == ("lift", 7, 0, 7)
    assert data["memories"][0]["wins"] == 7


@pytest.mark.usefixtures("model")
def test_no_lift_is_said_as_such(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["lift", "--tasks", _tasks(tmp_path), "--seeds", "1"])

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("No lift was found: no memory is in use")


def test_too_few_tasks_tell_nothing(learner: Path) -> None:
    result = CliRunner().invoke(app, ["lift", "--tasks", _tasks(learner, 5)])

    assert result.exit_code == 1
    assert result.stdout.startswith("Nothing can be told: 5 tasks are too few")


def test_a_budget_says_what_it_left_out(learner: Path) -> None:
    result = CliRunner().invoke(app, ["lift", "--tasks", _tasks(learner), "--budget", "20 runs"])

    assert "note: the budget of 20 runs is for" in result.stdout


def test_what_was_learned_is_kept_in_a_named_workspace_and_the_curve_is_drawn(learner: Path) -> None:
    command = [
        "lift",
        "--tasks",
        _tasks(learner, 32),
        "--seeds",
        "1",
        "-w",
        str(learner / "kept"),
        "--svg",
        str(learner / "c.svg"),
    ]
    result = CliRunner().invoke(app, command)

    assert result.exit_code == 0, result.output
    assert "success in the last 10 training tasks" in result.stdout
    assert (learner / "c.svg").read_text("utf-8").startswith("<svg")
    assert "promoted" in CliRunner().invoke(app, ["memories", "list", "-w", str(learner / "kept")]).stdout


@pytest.mark.parametrize(
    ("line", "told"),
    [('{"goal": "Sing."}', "Task 1 ('Sing.') has no checks"), ("nonsense", "line 1: 'nonsense' is no JSON")],
)
@pytest.mark.usefixtures("model")
def test_a_file_that_cannot_be_used_is_a_wrong_call(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text(line, "utf-8")

    result = CliRunner().invoke(app, ["lift", "--tasks", str(path)])

    assert result.exit_code == 2
    assert told in result.stderr


def test_a_budget_that_is_no_number_is_a_wrong_call(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["lift", "--tasks", _tasks(tmp_path), "--budget", "plenty"])

    assert result.exit_code == 2
    assert "'plenty' can't be read" in result.stderr


def test_a_model_that_fails_is_a_message(tmp_path: Path, bare: Path) -> None:
    with serving(Reply(status=400, body=completion())) as server:
        result = CliRunner().invoke(app, ["lift", "--tasks", _tasks(tmp_path), "--model", f"{server.url}#tiny-1b"])

    assert result.exit_code == 1
    assert "The measurement stopped" in result.stderr
    assert not bare.exists()
