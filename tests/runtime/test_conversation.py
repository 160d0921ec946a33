"""Training data are read from a run's events."""

import json
from pathlib import Path

from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.cli.main import app
from purpose_agent.core.action import Finish, command
from purpose_agent.core.messages import Message, Text, ToolCall, ToolReturn, assistant, system, user
from purpose_agent.core.model import Usage
from purpose_agent.runtime.conversation import chat_json, conversations
from purpose_agent.runtime.events import ActionDecided, ModelAsked, ModelCalled, RunStarted
from purpose_agent.runtime.trace import Trace
from tests.engine.given import agent, calls, scripted
from tests.runtime.given import a_bus, started

YOU, TASK, LOOK = system("You open doors."), user("Open the red door"), assistant("look")
SEEN, PULL = user("it is red"), assistant("pull")
KEY = "sk-ab12cd34ef56gh78ij90kl12"


def answered(message: Message | None, error: str = "") -> ModelCalled:
    return ModelCalled("act", "scripted", "act@1", Usage(calls=1), 0.1, error, message)


def trace(*payloads: ModelAsked | ModelCalled | ActionDecided | RunStarted) -> Trace:
    bus = a_bus()
    for payload in (started(), *payloads):
        bus.publish(payload, lane="porter", step=1)
    return Trace(tuple(bus.events))


def test_a_question_that_goes_on_is_the_same_conversation() -> None:
    told = trace(
        ModelAsked("act", (YOU, TASK)),
        answered(LOOK),
        ModelAsked("act", (LOOK, SEEN), kept=2),
        answered(PULL),
    )

    assert conversations(told) == ((YOU, TASK, LOOK, SEEN, PULL),)


def test_where_earlier_messages_were_left_out_another_conversation_begins() -> None:
    told = trace(
        ModelAsked("act", (YOU, TASK)),
        answered(LOOK),
        ModelAsked("act", (SEEN,), kept=1),
        answered(PULL),
    )

    assert conversations(told) == ((YOU, TASK, LOOK), (YOU, SEEN, PULL))


def test_where_memory_overruled_the_model_the_answer_is_what_was_chosen() -> None:
    asked = ModelAsked("act", (YOU, TASK))
    in_a_world = trace(asked, answered(LOOK), ActionDecided(command("pull", "c1")))
    among_choices = trace(
        started(pa.Task("Open it", choices=["look", "pull"])), asked, answered(LOOK), ActionDecided(Finish("pull"))
    )
    in_words = trace(started(pa.Task("Open it")), asked, answered(LOOK), ActionDecided(Finish("pull")))

    assert conversations(in_a_world) == conversations(among_choices) == ((YOU, TASK, PULL),)
    assert conversations(in_words) == ((YOU, TASK, LOOK),)


def test_what_a_critic_asked_and_what_nobody_answered_is_left_out() -> None:
    told = trace(
        ModelAsked("act", (YOU, TASK)),
        answered(None, "the server is gone"),
        ModelAsked("act", (), kept=2),
        answered(LOOK),
        answered(None),
        ModelAsked("act", (LOOK, SEEN), kept=2),
    )

    assert conversations(told) == ((YOU, TASK, LOOK),)


def test_a_run_that_asked_no_model_has_none() -> None:
    assert conversations(trace()) == ()


def test_tool_calls_and_returns_are_written_as_chat_models_are_trained_with_them() -> None:
    call = ToolCall("c1", "look", {"at": "door"})
    told = (YOU, TASK, Message("assistant", (call,)), Message("tool", (ToolReturn("c1", "look", "red"),)), assistant("pull"))

    assert json.loads(chat_json(told)) == {
        "messages": [
            {"role": "system", "content": "You open doors."},
            {"role": "user", "content": "Open the red door"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "door"}'}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "red"},
            {"role": "assistant", "content": "pull"},
        ]
    }


def test_a_secret_is_in_neither_form() -> None:
    told = trace(ModelAsked("act", (YOU, user(f"the key is {KEY}"))), answered(Message("assistant", (Text(f"I use {KEY}"),))))

    assert KEY not in told.to_jsonl()
    assert KEY not in chat_json(conversations(told)[0])
    assert json.loads(chat_json(conversations(told)[0]))["messages"][-1]["content"].startswith("I use [secret")


def test_a_run_is_exported_as_it_was_asked_and_answered(tmp_path: Path) -> None:
    model = scripted(calls("red"), "pull")
    result = agent(model, tmp_path).run("Open the red door")

    done = CliRunner().invoke(app, ["runs", "export", result.id, "--messages", "-w", str(tmp_path)])
    events = CliRunner().invoke(app, ["runs", "export", result.id, "-w", str(tmp_path)])

    (line,) = done.stdout.splitlines()
    messages = json.loads(line)["messages"]
    assert [each["content"] for each in messages] == [
        *(each.text for each in model.requests[0].messages),
        None,
        "red is a word",
        "pull",
    ]
    assert [each["role"] for each in messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert Trace.from_jsonl(events.stdout).run_id == result.id


def test_a_run_without_a_conversation_says_so(tmp_path: Path) -> None:
    task = pa.Task("Which way?", choices=["left", "right"], checks=[pa.Check.equals("left")])
    result = pa.Agent("walker", model="none", critic=None, workspace=tmp_path).run(task)

    done = CliRunner().invoke(app, ["runs", "export", result.id, "--messages", "-w", str(tmp_path)])

    assert done.exit_code == 1
    assert "no conversation" in done.stderr
