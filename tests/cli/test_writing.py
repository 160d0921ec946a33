"""`run --stream`: the answer appears while the model writes it, once; nothing in it commands the terminal."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.cli.main import app
from purpose_agent.runtime.trace import Trace
from purpose_agent.testing.models import RuleModel
from tests.models.wire import Reply, events, serving

PIECES = ("Four,", " and", " not five.")


def _run(*arguments: str, pieces: "tuple[str, ...]" = PIECES, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PURPOSE_AGENT_HOME", str(home))
    with serving(Reply(pieces=events(*({"content": piece} for piece in pieces)))) as server:
        monkeypatch.setenv("PURPOSE_AGENT_MODEL", f"{server.url}#tiny-1b")
        result = CliRunner().invoke(app, ["run", "What is two and two?", "--stream", "--no-settle", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_answer_is_written_once_under_the_name_of_who_writes(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _run(home=bare, monkeypatch=monkeypatch)

    assert shown.count("Four, and not five.") == 1
    assert re.search(r"^\S+ writes:\nFour, and not five\.$", shown, re.MULTILINE)
    assert "finished, success unknown" in shown


def test_watching_tells_of_the_other_events_between(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = _run("--watch", home=bare, monkeypatch=monkeypatch).splitlines()

    asked = next(number for number, line in enumerate(lines) if "asks the model (act)" in line)
    assert lines[asked + 2] == "Four, and not five."
    assert "asked the model (act)" in lines[asked + 3]


def test_json_stays_one_object(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(_run("--json", home=bare, monkeypatch=monkeypatch))["answer"] == "Four, and not five."


def test_a_text_that_would_command_the_terminal_does_not(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in _run(pieces=("Four\x1b[2J", "[red]five"), home=bare, monkeypatch=monkeypatch)


def test_the_events_of_members_are_shown_each_run_where_it_began(bare: Path) -> None:
    members = [pa.Agent(name, model=RuleModel(lambda _: "Four"), critic=None, workspace=bare) for name in ("scout", "writer")]
    run = pa.Team.build("tell", members).run("What is there?")

    shown = CliRunner().invoke(app, ["runs", "show", run.id, "--events", "--all", "-w", str(bare)])

    told = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len({event["run_id"] for event in told}) == 3
    runs = [f"{event['lane']} {event['payload']['kind']}" for event in told if event["payload"]["kind"].startswith("run_")]
    assert runs == [
        "team run_started",
        *("scout run_started", "scout run_finished"),
        *("writer run_started", "writer run_finished"),
        "team run_finished",
    ]
    own = CliRunner().invoke(app, ["runs", "show", run.id, "--events", "-w", str(bare)])
    assert Trace.from_jsonl(own.stdout).events == run.trace.events


def test_all_without_events_is_a_wrong_call(bare: Path) -> None:
    refused = CliRunner().invoke(app, ["runs", "show", "run_1", "--all", "-w", str(bare)])

    assert refused.exit_code == 2
    assert "goes with --events" in refused.stderr
