"""From context to action: ask the model, read what it decided.

In:  the conversation.
Out: an `Action`. What can't be read after `RETRIES` further tries is a `GiveUp` that says why.

Four ways, by what the task and the model are: a choice among given answers, a plain answer, native tool calls, or
one JSON object under a schema. Does not run tools and does not judge.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from purpose_agent.core.action import Action, Finish, GiveUp, ToolUse
from purpose_agent.core.ids import IdSource
from purpose_agent.core.messages import Json, Message, ToolCall
from purpose_agent.core.model import ModelRequest, ModelResponse, ToolSpec
from purpose_agent.engine.context import Context, answer_tokens, called

RETRIES = 2
WRITTEN_CALL = re.compile(r"(?:<tool_call>|```\w*)?\s*\{.*\}\s*(?:</tool_call>|```)?", re.DOTALL)

Ask: TypeAlias = Callable[[ModelRequest, str], Awaitable[ModelResponse]]
Note: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Decision:
    """The next action, and the message that carried it.

    Attributes:
        probabilities: Of the choices, where the model chose and its engine tells; else None.
    """

    action: Action
    message: Message
    probabilities: Mapping[str, float] | None = None


async def decide(
    ask: Ask, context: Context, choices: tuple[str, ...], *, temperature: float | None, seed: int | None, unread: Note
) -> Decision:
    """Ask for the next action.

    Args:
        ask: The actor's model, on the run's account.
        choices: The admissible answers, if the answer must be one of a few.
        unread: Told why a reply could not be read, each time.

    Raises:
        ModelError: The model could not answer.
        LimitReached: The run has nothing left to ask with.
    """
    problem = ""
    for attempt in range(RETRIES + 1):
        request = _request(context, choices, temperature, None if seed is None else seed + attempt)
        response = await ask(request, context.prompt)
        read = _read(response, context, choices)
        if not isinstance(read, str):
            return Decision(*read, response.probabilities)
        problem = read
        unread(problem)
        context.add_problem(response.text, problem)
    return Decision(GiveUp(f"No readable answer in {RETRIES + 1} tries. {problem}"), Message("assistant", ()))


def _request(context: Context, choices: tuple[str, ...], temperature: float | None, seed: int | None) -> ModelRequest:
    most = answer_tokens(context.capabilities)
    request = ModelRequest(messages=context.messages(), temperature=temperature, max_tokens=most, seed=seed)
    if choices:
        # The likeliest choice, not a drawn one: the probabilities are what is asked for.
        longest = max(len(choice.encode()) for choice in choices)  # no token is less than a byte
        return replace(request, choices=choices, temperature=0.0, max_tokens=max(24, longest + 8))
    if not context.tools:
        return request
    if context.native:
        return replace(request, tools=context.tools)
    return replace(request, schema=action_schema(context.tools)) if context.capabilities.schema else request


def _read(response: ModelResponse, context: Context, choices: tuple[str, ...]) -> tuple[Action, Message] | str:
    """The action and its message, or what is wrong with the reply."""
    from purpose_agent.models.decode import Unreadable, decode_action

    text = response.text.strip()
    if response.stop == "length":
        return f"It was cut off after {response.usage.output_tokens} tokens. Be shorter."
    if response.stop == "filter":
        return "It was stopped by the provider's content filter."
    if choices:
        chosen = next((choice for choice in choices if choice.casefold() == text.strip(" .\"'").casefold()), None)
        return (Finish(chosen), response.message) if chosen else f"{text[:80]!r} is none of: {', '.join(choices)}."
    if context.native and response.message.tool_calls:
        return ToolUse(response.message.tool_calls, text), response.message
    if context.native and (name := _call_in_words(text, context.tools)):
        return f"It was a call of {name} written as text, which nobody carries out. Call the tool, or reply with the result."
    if not context.tools or context.native:
        return (Finish(text), response.message) if text else "It was empty."
    action = decode_action(text, {tool.name for tool in context.tools})
    if isinstance(action, Unreadable):
        return action.problem
    if isinstance(action, Finish) and not action.answer.strip():
        return "The answer was empty."
    return action, response.message


def _call_in_words(text: str, tools: tuple[ToolSpec, ...]) -> str | None:
    """The tool of a call that is all there is of `text`, as small models write it; None for any other text."""
    from purpose_agent.models.decode import extract_json_object

    if WRITTEN_CALL.fullmatch(text) is None:
        return None
    said = extract_json_object(text) or {}
    return next((tool.name for tool in tools if tool.name in (said.get("name"), said.get("tool"))), None)


def action_schema(tools: tuple[ToolSpec, ...]) -> dict[str, Json]:
    """A JSON schema of one action: a tool with its own arguments, an answer, or giving up."""
    uses: list[Json] = []
    definitions: dict[str, Json] = {}
    for tool in tools:
        # "#/$defs/X" is read from the root: what a tool defines moves there, under the tool's name.
        arguments = {name: _moved(part, tool.name) for name, part in tool.parameters.items()}
        own = arguments.pop("$defs", None)
        definitions |= {f"{tool.name}.{name}": part for name, part in own.items()} if isinstance(own, dict) else {}
        uses.append(_object({"tool": {"const": tool.name}, "arguments": arguments}))
    ends: list[Json] = [_object({"answer": {"type": "string"}}), _object({"give_up": {"type": "string"}})]
    schema: dict[str, Json] = {"anyOf": [*uses, *ends]}
    if definitions:
        schema["$defs"] = definitions
    return schema


def _moved(schema: Json, tool: str) -> Json:
    if isinstance(schema, list):
        return [_moved(part, tool) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: part.replace("#/$defs/", f"#/$defs/{tool}.") if name == "$ref" and isinstance(part, str) else _moved(part, tool)
        for name, part in schema.items()
    }


def _object(properties: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def turn_of(action: Action, message: Message) -> tuple[Message, tuple[ToolCall, ...]]:
    """What the history keeps of a decision, and its calls with ids that are unique in the run."""
    calls = action.calls if isinstance(action, ToolUse) else ()
    return (called(message, calls) if message.tool_calls else message), calls


def with_own_ids(action: Action, known: set[str], ids: IdSource) -> Action:
    """Some servers number the calls of each reply from 0, or give all the same id: within a run it must be unique."""
    if not isinstance(action, ToolUse):
        return action
    calls: list[ToolCall] = []
    for call in action.calls:
        calls.append(replace(call, id=ids("call")) if call.id in known else call)
        known.add(calls[-1].id)
    return replace(action, calls=tuple(calls))
