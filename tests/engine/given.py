"""Models and tools for the tests of the engine."""

import json
from collections.abc import Callable
from pathlib import Path

import purpose_agent as pa
from purpose_agent.core.messages import Json, Message, Text, ToolCall
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, Usage
from purpose_agent.testing.models import RuleModel, ScriptedModel

NATIVE = Capabilities(native_tools=True, local=True)
JSON_ONLY = Capabilities(native_tools=False, schema=True, local=True)
NEITHER = Capabilities(native_tools=False, schema=False, local=True)


@pa.tool
def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is a word"


def calls(*words: str, ids: tuple[str, ...] = (), text: str = "", tool: str = "look_up") -> ModelResponse:
    """A reply with native calls, one for each word."""
    named = zip(ids or tuple(f"c{number}" for number, _ in enumerate(words)), words, strict=True)
    parts = (Text(text),) if text else ()
    return ModelResponse(Message("assistant", (*parts, *(ToolCall(id, tool, {"word": word}) for id, word in named))))


def as_json(**fields: Json) -> str:
    """A reply in which a tool call or an answer is written as JSON."""
    return json.dumps(fields)


def use(word: str) -> str:
    return as_json(tool="look_up", arguments={"word": word})


def priced(text: str, usd: float | None) -> ModelResponse:
    """A reply that costs something."""
    return ModelResponse(Message("assistant", (Text(text),)), Usage(10, 10, usd=usd, calls=1))


def scripted(*answers: str | ModelResponse | Exception, capabilities: Capabilities = NATIVE) -> ScriptedModel:
    return ScriptedModel(*answers, capabilities=capabilities)


def ruled(rule: Callable[[ModelRequest], str | ModelResponse], capabilities: Capabilities = NATIVE) -> RuleModel:
    return RuleModel(rule, capabilities=capabilities)


def agent(model: pa.Model, workspace: Path | pa.Workspace, *tools: pa.Tool, limits: pa.Limits | None = None) -> pa.Agent:
    """An agent nobody scores but checks."""
    return pa.Agent("scout", model=model, tools=tools or [look_up], critic=None, limits=limits, workspace=workspace)
