"""What models write is shown, never obeyed; every event has its line."""

from datetime import UTC, datetime

import pytest

from purpose_agent.cli.render import event_line, one_line, plain, say, table, watching
from purpose_agent.core.action import Finish, GiveUp, Observation, ToolUse
from purpose_agent.core.messages import ToolCall, user
from purpose_agent.core.model import Usage
from purpose_agent.core.score import Score
from purpose_agent.core.values import Ranked
from purpose_agent.runtime import events as e


def _event(payload: e.Payload, step: int = 2) -> e.Event:
    return e.Event("evt_1", "run_1", 1, datetime(2026, 1, 1, tzinfo=UTC), "coder", step, payload)


PAYLOADS: list[tuple[e.Payload, str]] = [
    (e.RunStarted({"goal": "greet"}, "coder", "rule", "learning"), "coder 2: coder begins, on rule: greet"),
    (e.MemoryRecalled((e.RecalledMemory("mem_1", 1, 0.5, "why"),), 2), "coder 2: recalls 1 memory, 2 left out"),
    (e.MemoryRecalled((), 0, ("mem_1",)), "coder 2: recalls 0 memories, 1 withheld by chance"),
    (
        e.ModelCalled("act", "rule", "act@1", Usage(1200, 30), 0.25),
        "coder 2: asked the model (act): 1,200 tokens read, 30 written in 0.2 s",
    ),
    (e.ModelCalled("act", "rule", "act@1", Usage(), 0.25, "no answer"), "coder 2: asked the model (act): no answer"),
    (e.ActionDecided(ToolUse((ToolCall("c", "add", {"a": 1}),))), "coder 2: uses add(a=1)"),
    (e.OptionsListed("You see a\ndoor.", ("open", "wait")), "coder 2: has 2 options: You see a door."),
    (
        e.ValuesConsulted((Ranked("open", 0.5, 0.1, ("run_0",)), Ranked("wait", -1.0, 0.1)), 9),
        "coder 2: values open +0.50, wait -1.00",
    ),
    (e.ValuesWouldChoose("open"), "coder 2: values would choose open"),
    (e.ModelOverruled("open", "wait", ("mem_1",)), "coder 2: chooses open by mem_1; the model alone: wait"),
    (e.ActionDecided(Finish("two\nlines")), "coder 2: answers: two lines"),
    (e.ActionDecided(GiveUp("unreadable")), "coder 2: gives up: unreadable"),
    (e.ToolReturned(Observation("c", "add", "boom", False, 0.1)), "coder 2: add failed: boom"),
    (
        e.CallRefused("c", "mail", ("send",), "web", "a.example", "mail sends something."),
        "coder 2: refused: mail sends something.",
    ),
    (e.CallApproved("c", "mail", ("send", "pay"), "web", ""), "coder 2: a person allowed mail (send, pay)"),
    (e.StateChanged({"answer": "4"}, ("draft",)), "coder 2: state: answer, draft removed"),
    (e.StepScored(Score(None, 10.0, 1.0, "checks")), "coder 2: Φ – → 10.0 (checks)"),
    (e.HandedOver("architect", "coder", "run_2", "a plan"), "coder 2: architect hands over to coder: a plan"),
    (e.RunFinished("exhausted", None, False, 2.0, Usage(), "steps"), "coder 2: exhausted, failed, Φ 2.0: steps"),
    (e.LessonDrawn("mem_1", "quarantined", "test n=0"), "coder 2: lesson (quarantined): test n=0"),
    (e.Reflected(0, "it succeeded"), "coder 2: reflected: it succeeded"),
    (e.ModelAsked("act", (user("greet"),), 2), "coder 2: asks the model (act), 1 new message"),
    (e.ModelRetried("act", "rule", 2, 1.5, "busy"), "coder 2: waits 1.5 s before attempt 2 on rule: busy"),
    (e.ModelRetried("act", "rule", 1, 0.5), "coder 2: waits 0.5 s before attempt 1 on rule"),
    (e.ModelWaited("act", "rule", 0.5), "coder 2: waits 0.5 s for its turn on rule"),
    (e.TextStreamed("Hel"), "coder 2: writes: Hel"),
    (e.ReasoningSummarised("it is polite"), "coder 2: thinks: it is polite"),
    (e.CallPlanned(2, ToolCall("c", "add", {"a": "$1"})), "coder 2: plans 2: add"),
    (e.ToolStarted("c", "add"), "coder 2: calls add"),
    (e.CheckpointSaved(2), "coder 2: step 2 is complete"),
    (e.PersonAsked("c", "mail", {}, "mail sends something."), "coder 2: asks a person about mail: mail sends something."),
    (e.PersonAnswered("c", "rejected", reason="not today", by="Ann"), "coder 2: Ann says rejected: not today"),
    (e.PersonAnswered("c", "approved"), "coder 2: a person says approved"),
    (e.ScoreOverridden(1, 6.0, "nearly"), "coder 2: a person says Φ of step 1 is 6.0: nearly"),
    (e.LessonInjected("mem_1", "promoted", "be brief"), "coder 2: a person teaches (promoted): be brief"),
    (e.RunSuspended("waiting", "for a person"), "coder 2: waiting: for a person"),
    (e.RunResumed("1:1", 1, "died"), "coder 2: goes on after step 1 (died)"),
    (e.AgentStarted("1/a", "a", attempt=2), "coder 2: a begins, attempt 2"),
    (e.AgentFinished("1/a", "a", "failed", error="no key", seconds=0.5), "coder 2: a: failed after 0.5 s: no key"),
    (e.MemoryProposed("mem_1", "be brief"), "coder 2: memory mem_1 is a candidate: be brief"),
    (e.MemoryScanned("mem_1", ("injection",)), "coder 2: memory mem_1 was scanned: injection"),
    (e.MemoryScanned("mem_1"), "coder 2: memory mem_1 was scanned: clean"),
    (e.MemoryQuarantined("mem_1", "scanned"), "coder 2: memory quarantined: mem_1, scanned"),
    (e.MemoryPromoted("mem_1"), "coder 2: memory promoted: mem_1"),
    (e.MemoryRejected("mem_1", "hurts"), "coder 2: memory rejected: mem_1, hurts"),
    (e.MemoryArchived("mem_1"), "coder 2: memory archived: mem_1"),
    (e.RouteChosen("big", "small gave up", instead_of="small"), "coder 2: is given big instead of small: small gave up"),
    (e.RouteChosen("small", "good enough"), "coder 2: is given small: good enough"),
    (e.SkillUsed("mem_1", "greeting", 2), "coder 2: uses the skill greeting, version 2"),
]


@pytest.mark.parametrize(("payload", "line"), PAYLOADS, ids=lambda value: getattr(value, "kind", ""))
def test_every_event_is_told_on_one_line(payload: e.Payload, line: str) -> None:
    assert event_line(_event(payload)) == line


def test_all_kinds_of_event_are_told_above() -> None:
    assert {payload.kind for payload, _ in PAYLOADS} == set(e.PAYLOADS)


def test_what_would_command_the_terminal_is_shown_as_a_mark(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[2Jb\x9bc\u202ed\re")
    table(("text",), [("\x1b]0;title\x07",)])

    printed = capsys.readouterr().out
    assert "a\ufffd[2Jb\ufffdc\ufffdd\ufffde" in printed
    assert not set(printed) & set("\x1b\x07\x9b\u202e\r")


def test_markup_in_a_model_s_text_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    say("[bold]x[/bold] [/nonsense] :smile:")
    table(("text",), [("[red]y",)])

    printed = capsys.readouterr().out
    assert "[bold]x[/bold] [/nonsense] :smile:" in printed
    assert "[red]y" in printed


def test_line_feeds_and_tabs_stay() -> None:
    assert plain("def f():\r\n\treturn 1\n") == "def f():\n\treturn 1\n"


def test_a_long_text_on_one_line_shows_that_it_goes_on() -> None:
    assert one_line("a " * 100, 9) == "a a a a …"


def test_on_a_terminal_the_latest_event_is_shown_on_a_line_that_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "40")

    with watching(every=False) as show_event:
        show_event(_event(e.LessonDrawn("mem_1", "quarantined", "test n=0 first, and then all the others")))

    assert "coder 2: lesson (quarantined): test…" in capsys.readouterr().err


def test_in_a_pipe_a_row_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    table(("id", "lesson"), [("mem_1", "word " * 100)])

    assert len(capsys.readouterr().out.splitlines()) == 2
