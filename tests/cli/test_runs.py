"""`run`, `runs list`, `runs show`: through the real engine, with a model on a loopback server."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from purpose_agent.cli.main import app
from tests.models.wire import PATIENCE, ChatServer, Reply, serving

TASK = "Write a Python function is_leap(year)."


def _tests(folder: Path, text: str) -> str:
    path = folder / "checks.py"
    path.write_text(text, "utf-8")
    return str(path)


def _last_run(folder: Path) -> str:
    listed = CliRunner().invoke(app, ["runs", "list", "-w", str(folder)])
    return next(line.split()[0] for line in listed.stdout.splitlines() if line.startswith("run_"))


@pytest.mark.usefixtures("model")
def test_an_answer_that_passes_its_tests_ends_with_nought(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--tests", _tests(tmp_path, "assert is_leap(2000)"), "--no-settle"])

    assert result.exit_code == 0, result.output
    assert "def is_leap(year):" in result.stdout
    assert "finished, passed, Φ 10.0" in result.stdout


@pytest.mark.usefixtures("model")
def test_an_answer_that_fails_its_tests_ends_with_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--tests", _tests(tmp_path, "assert is_leap(1999)"), "--no-settle"])

    assert result.exit_code == 1
    assert ", failed, Φ 0.0" in result.stdout


@pytest.mark.usefixtures("model")
def test_an_answer_nobody_judged_is_not_a_failure() -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--no-settle"])

    assert result.exit_code == 0, result.output
    assert "not judged" in result.stdout


@pytest.mark.usefixtures("model")
def test_json_is_one_object_and_watching_stays_out_of_it(tmp_path: Path) -> None:
    command = ["run", TASK, "--tests", _tests(tmp_path, "assert is_leap(2000)"), "--json", "--watch"]
    result = CliRunner().invoke(app, command)

    data = json.loads(result.stdout)
    assert (data["status"], data["success"], data["phi"]) == ("finished", True, 10.0)
    assert "Φ" in result.stderr


@pytest.mark.usefixtures("model")
def test_watching_tells_each_event_on_one_line() -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--watch", "--no-settle"])

    assert "asked the model (act)" in result.stdout


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("text", ["", "  \n"], ids=["empty", "blank"])
def test_a_file_without_assertions_is_a_wrong_call(tmp_path: Path, text: str) -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--tests", _tests(tmp_path, text)])

    assert result.exit_code == 2
    assert "is empty" in result.stderr


@pytest.mark.usefixtures("bare")
def test_without_a_model_a_run_is_refused_in_words() -> None:
    result = CliRunner().invoke(app, ["run", TASK])

    assert result.exit_code == 1
    assert result.stderr.startswith("No model was found.")


@pytest.mark.usefixtures("bare")
def test_a_model_that_costs_money_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "key")

    result = CliRunner().invoke(app, ["run", TASK])

    assert result.exit_code == 1
    assert "mistral" in result.stderr


@pytest.mark.usefixtures("bare")
def test_a_model_that_does_not_answer_is_a_message() -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--model", "http://127.0.0.1:1/v1#tiny-1b", "--no-settle"])

    assert result.exit_code == 1
    assert "127.0.0.1:1" in result.output
    assert "Traceback" not in result.output


def test_listing_a_workspace_that_is_not_there_says_so_and_makes_none(bare: Path) -> None:
    result = CliRunner().invoke(app, ["runs", "list"])

    assert result.exit_code == 0
    assert result.stdout == f"No runs yet in {bare}.\n"
    assert not bare.exists()


@pytest.mark.usefixtures("model")
def test_a_run_is_shown_with_its_steps_and_scores(tmp_path: Path, bare: Path) -> None:
    CliRunner().invoke(app, ["run", TASK, "--tests", _tests(tmp_path, "assert is_leap(2000)"), "--no-settle"])

    shown = CliRunner().invoke(app, ["runs", "show", _last_run(bare)])

    assert shown.exit_code == 0, shown.output
    assert "finished, passed, Φ 10.0" in shown.stdout
    assert f"task: {TASK}" in shown.stdout
    assert "step 1: " in shown.stdout


@pytest.mark.usefixtures("model")
def test_all_events_of_a_run_can_be_had_as_lines_of_json(bare: Path) -> None:
    CliRunner().invoke(app, ["run", TASK, "--no-settle"])

    shown = CliRunner().invoke(app, ["runs", "show", _last_run(bare), "--events"])

    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.usefixtures("model")
def test_a_run_that_is_not_there_is_not_found() -> None:
    result = CliRunner().invoke(app, ["runs", "show", "run_nope"])

    assert result.exit_code == 1
    assert "run_nope" in result.stderr


def test_ctrl_c_ends_a_run_in_peace_and_keeps_it(bare: Path) -> None:
    with serving(Reply(pieces=[" "], ending="waits")) as server:
        command = [sys.executable, "-m", "purpose_agent", "run", TASK, "--model", f"{server.url}#tiny-1b"]
        child = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert server.arrived.wait(PATIENCE)
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=PATIENCE)

    assert child.returncode == 130, stderr
    assert "Stopped." in stderr
    assert "Traceback" not in stderr
    assert "interrupted" in CliRunner().invoke(app, ["runs", "list", "-w", str(bare)]).stdout


def test_the_server_is_asked_for_the_model_that_was_named(model: ChatServer) -> None:
    CliRunner().invoke(app, ["run", TASK, "--model", f"{model.url}#other", "--no-settle"])

    assert {asked.body["model"] for asked in model.asked if asked.body} == {"other"}
