"""Whoever sits at the terminal is asked, and nothing that is shown there commands it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.agents.terminal import ask, terminal
from purpose_agent.core.approval import Answer
from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.testing.models import ScriptedModel


def answered(monkeypatch: pytest.MonkeyPatch, typed: Sequence[str], **arguments: Json) -> Answer:
    waiting = list(typed)

    def read(question: str = "") -> str:
        print(question)
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    monkeypatch.setattr("builtins.input", read)
    return ask(pa.ApprovalRequest(ToolCall("c1", "pay", arguments), ("pay",), "web", "", "pay moves money."))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["y"], pa.Approve()),
        (["N"], pa.Reject()),
        (["w", "too much"], pa.Reject("too much")),
        (["d", "paid in cash"], pa.Done("paid in cash")),
        (["l"], pa.Later()),
        (["", "perhaps", "yes"], pa.Approve()),
        ([], pa.Later()),
        (["w"], pa.Later()),
    ],
)
def test_what_is_typed_is_the_answer_and_the_end_of_the_input_is_later(
    monkeypatch: pytest.MonkeyPatch, typed: list[str], expected: Answer
) -> None:
    assert answered(monkeypatch, typed, to="Ann") == expected


def test_arguments_are_edited_one_by_one_and_keep_their_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    said = answered(monkeypatch, ["e", "10", "", "ten", "10"], to="Ann", note="x", amount=100)

    assert said == pa.Edit({"to": "10", "note": "x", "amount": 10})


def test_what_others_wrote_does_not_command_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(monkeypatch, ["n"], to="Ann\x1b[2J\u202e\rMallory")

    shown = capsys.readouterr().out
    assert "Mallory" in shown
    assert not set(shown) & {"\x1b", "\u202e", "\r"}


def test_without_a_terminal_it_is_said_when_the_agent_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the input is no terminal"):
        terminal()
    with pytest.raises(UsageError, match=r"purpose\(interactive=True\): nobody can be asked"):
        pa.purpose("Write Python code", model=ScriptedModel(), interactive=True, workspace=tmp_path)


@pa.tool(effects=("send",))
def mail(text: str) -> str:
    """Send a mail."""
    return "sent"


@pa.tool
def count(text: str) -> int:
    """Count letters."""
    return len(text)


def test_an_interactive_team_asks_before_calls_with_effects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    team = pa.purpose("Write Python code", model=ScriptedModel(), tools=[mail, count], interactive=True, workspace=tmp_path)
    coder = team.member("coder")

    assert (coder.approvals, coder.approve) == ({"mail": "ask"}, ask)


def test_what_is_given_counts_more_than_interactive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    def boss(request: pa.ApprovalRequest) -> bool:
        return False

    team = pa.purpose(
        "Write Python code",
        model=ScriptedModel(),
        tools=[mail, count],
        interactive=True,
        workspace=tmp_path,
        approve=boss,
        approvals={"mail": "deny", "count": "ask"},
    )
    coder = team.member("coder")

    assert (coder.approvals, coder.approve) == ({"mail": "deny", "count": "ask"}, boss)
