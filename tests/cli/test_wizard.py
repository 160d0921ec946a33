"""The first five minutes, answered well, badly, and not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from purpose_agent.cli.main import app
from tests.models.wire import PATIENCE, ChatServer


def _wizard(*answers: str) -> "tuple[int, str]":
    result = CliRunner().invoke(app, [], input="".join(f"{answer}\n" for answer in answers))
    return result.exit_code, result.output


@pytest.mark.usefixtures("model")
def test_nothing_but_enter_leads_to_a_first_result_and_the_next_commands() -> None:
    code, said = _wizard("", "", "", "")

    assert code == 0, said
    assert "What is your team for? [Help me write Python code]" in said
    assert "finished, passed, Φ 10.0" in said
    assert "purpose-agent runs list" in said


@pytest.mark.usefixtures("model")
def test_what_is_taught_is_a_memory_afterwards() -> None:
    _wizard("", "", "Always add a docstring.")

    listed = CliRunner().invoke(app, ["memories", "list", "--status", "promoted"])

    assert "Always add a docstring." in listed.stdout


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("answers", [[], [""], ["", ""]], ids=["at once", "after one answer", "after two"])
def test_where_the_input_ends_the_wizard_leaves_in_peace(answers: list[str]) -> None:
    code, said = _wizard(*answers)

    assert code == 0, said
    assert "The input ended here" in said
    assert "What to do next:" in said


@pytest.mark.usefixtures("bare")
def test_without_a_model_the_catalogue_is_offered_with_size_and_licence() -> None:
    code, said = _wizard("gpt-17", "no")

    assert code == 0, said
    row = next(line for line in said.splitlines() if line.startswith("qwen2.5-coder:1.5b"))
    assert row.split()[1:] == ["1.1", "GB", "Apache-2.0"]
    assert "'gpt-17' is not among them" in said
    assert "Three ways to get one" in said


@pytest.mark.usefixtures("bare")
def test_a_model_that_costs_money_is_not_used_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "key")

    code, said = _wizard("")

    assert code == 0, said
    assert "It costs money, and your words go there. Use it? [no]" in said
    assert "purpose-agent models pull" in said


@pytest.mark.usefixtures("bare")
def test_the_end_of_input_is_not_taken_for_a_yes_to_a_download(tmp_path: Path) -> None:
    code, _ = _wizard()

    assert code == 0
    assert not (tmp_path / "models").exists()


def _child() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "purpose_agent"],
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("model")
def test_where_nobody_answers_it_explains_itself_instead_of_waiting() -> None:
    with _child() as child:
        assert child.wait(PATIENCE) == 0
        assert child.stdout is not None
        assert "nobody here to answer" in child.stdout.read()


def test_ctrl_c_at_a_question_leaves_in_peace(model: ChatServer) -> None:
    with _child() as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.write("Help me write Python code\n")
        child.stdin.flush()
        assert any("A first task?" in line for line in iter(child.stdout.readline, ""))
        child.send_signal(signal.SIGINT)

        assert child.wait(PATIENCE) == 130
        assert child.stderr.read().strip() == "Stopped. What was saved until now is kept."
    assert model.asked == []
