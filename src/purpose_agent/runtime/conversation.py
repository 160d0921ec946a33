"""What an agent's model was shown and what it answered, as conversations: training data from the record.

In:  the trace of a run.
Out: its conversations, each a list of messages that ends with an answer; one as lines of JSON in the form that chat models are
     trained with.

A question that goes on from the one before, with nothing left out, is the same conversation grown longer. Where earlier messages
were left out to make room, or the question is a new one, the conversation that was is over and the next begins. Where memory
overruled the model's choice, the answer is what was chosen: the run's outcome is that one's. What critics and
reflection asked is none of it, and a question that nobody answered neither. Runs recorded by versions that kept no messages
have none.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from purpose_agent.core.action import Action, Finish, command_of
from purpose_agent.core.messages import Json, Message, ToolReturn, assistant
from purpose_agent.core.secrets import json_without_secrets
from purpose_agent.runtime.events import ActionDecided, ModelAsked, ModelCalled, RunStarted
from purpose_agent.runtime.trace import Trace

Conversation: TypeAlias = tuple[Message, ...]


@dataclass(slots=True)
class _Talk:
    """One strand of a run: what its model was asked last, and the conversation as it stood after the last answer."""

    asked: Conversation = ()
    answered: Conversation = ()
    has_choices: bool = False


def conversations(trace: Trace) -> tuple[Conversation, ...]:
    """The conversations of a run with its model, in the order in which they ended."""
    talks: dict[str, _Talk] = {}
    over: list[Conversation] = []
    for event in trace.events:
        talk = talks.setdefault(event.lane, _Talk())
        match event.payload:
            case ModelAsked(messages=messages, kept=kept):
                if kept < len(talk.asked) and talk.answered:
                    over.append(talk.answered)
                    talk.answered = ()
                talk.asked = (*talk.asked[:kept], *messages)
            case ModelCalled(message=message) if message is not None:
                talk.answered = (*talk.asked, message)
            case ActionDecided(action=action) if talk.answered and (chosen := _chosen(action, talk)):
                talk.answered = (*talk.answered[:-1], assistant(chosen))
            case RunStarted(task=task):
                talk.has_choices = bool(task.get("choices"))
            case _:
                pass
    return (*over, *(talk.answered for talk in talks.values() if talk.answered))


def _chosen(action: Action, talk: _Talk) -> str | None:
    """Which of the options that were listed it is; None where none were."""
    if isinstance(action, Finish) and talk.has_choices:
        return action.answer
    return command_of(action)


def chat_json(conversation: Sequence[Message]) -> str:
    """One line of JSON: `{"messages": [...]}` as OpenAI's chat format has them, a mark in the place of each secret."""
    messages = [wire for message in conversation for wire in _chat(message)]
    return json_without_secrets(json.dumps({"messages": messages}, ensure_ascii=False))


def _chat(message: Message) -> list[Mapping[str, Json]]:
    """One message of ours as theirs: each tool return is a message of its own."""
    returns: list[Mapping[str, Json]] = [
        {"role": "tool", "tool_call_id": part.call_id, "content": part.content}
        for part in message.parts
        if isinstance(part, ToolReturn)
    ]
    calls: list[Json] = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments), ensure_ascii=False)},
        }
        for call in message.tool_calls
    ]
    if returns and not message.text and not calls:
        return returns
    spoken: dict[str, Json] = {"role": message.role, "content": message.text or (None if calls else "")}
    if calls:
        spoken["tool_calls"] = calls
    return [*returns, spoken]
