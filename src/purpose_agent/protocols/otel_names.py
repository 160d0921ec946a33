"""The names that traces of generative AI have, and what we can say under them.

In:  our model specs, messages and payloads.
Out: attributes as OpenTelemetry's semantic conventions for generative AI call them; what they have no name for is called
     `purpose_agent.…`.

After https://github.com/open-telemetry/semantic-conventions-genai (status: development). The constants of the Python package
`opentelemetry-semantic-conventions` are marked as moved there, so they are written here; a test compares the two.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, assert_never
from urllib.parse import urlsplit

from purpose_agent.core.messages import Json, Message, Part, Text, ToolCall, ToolReturn
from purpose_agent.core.model import Usage
from purpose_agent.core.secrets import find_secrets, json_without_secrets

Value: TypeAlias = str | bool | int | float | Sequence[str]
Attributes: TypeAlias = dict[str, Value]

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
SEED: Final = "gen_ai.request.seed"
TEMPERATURE: Final = "gen_ai.request.temperature"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"
AGENT: Final = "gen_ai.agent.name"
TOOL: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
CALL_ID: Final = "gen_ai.tool.call.id"
CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
CALL_RESULT: Final = "gen_ai.tool.call.result"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
EVALUATION: Final = "gen_ai.evaluation.name"
EVALUATION_SCORE: Final = "gen_ai.evaluation.score.value"
MEMORY_ID: Final = "gen_ai.memory.record.id"
MEMORY_COUNT: Final = "gen_ai.memory.record.count"
SERVER: Final = "server.address"
ERROR: Final = "error.type"

INVOKE: Final = "invoke_agent"
CHAT: Final = "chat"
EXECUTE: Final = "execute_tool"
SEARCH_MEMORY: Final = "search_memory"
CREATE_MEMORY: Final = "create_memory"
UPDATE_MEMORY: Final = "update_memory"
EVALUATED: Final = "gen_ai.evaluation.result"
"""Name of an event."""
OTHER_ERROR: Final = "_OTHER"
UNKNOWN_TOOL: Final = "_OTHER"

TOKEN_USAGE: Final = "gen_ai.client.token.usage"
TOKEN_BOUNDS: Final = tuple(4.0**power for power in range(14))
DURATION: Final = "gen_ai.client.operation.duration"
DURATION_BOUNDS: Final = tuple(0.01 * 2**power for power in range(14))

RUN: Final = "purpose_agent.run.id"
PARENT_RUN: Final = "purpose_agent.run.parent"
MODE: Final = "purpose_agent.run.mode"
STATUS: Final = "purpose_agent.run.status"
SUCCESS: Final = "purpose_agent.run.success"
PHI: Final = "purpose_agent.run.phi"
REASON: Final = "purpose_agent.run.reason"
STEP: Final = "purpose_agent.step"
PART: Final = "purpose_agent.part"
RETRY: Final = "retry"
RATE_LIMIT_WAIT: Final = "rate_limit_wait"
ATTEMPT: Final = "purpose_agent.attempt"
SECONDS: Final = "purpose_agent.wait.seconds"
SKILL: Final = "purpose_agent.skill"
VERDICT: Final = "purpose_agent.verdict"
PURPOSE: Final = "purpose_agent.purpose"
USD: Final = "purpose_agent.usage.usd"
MEMORY_STATUS: Final = "purpose_agent.memory.status"
MEMORY_IDS: Final = "purpose_agent.memory.ids"
WITHHELD: Final = "purpose_agent.memory.withheld"
LEFT_OUT: Final = "purpose_agent.memory.left_out"
FINDINGS: Final = "purpose_agent.memory.findings"
WHY: Final = "purpose_agent.why"

_NAME: Final = re.compile(r"[\w.-]{1,64}")
_PROVIDERS: Final[Mapping[str, str]] = {"mistral": "mistral_ai"}
"""Where the conventions have another name for it than our specs."""


def model_attributes(spec: str) -> Attributes:
    """Provider, model and server of a spec such as "groq:llama-3.1-8b", as far as it tells them."""
    if spec.startswith(("http://", "https://")):
        address = urlsplit(spec)
        # Whoever serves it speaks OpenAI's protocol; who it is, the address tells.
        found: Attributes = {PROVIDER: "openai_compatible"}
        if address.hostname:
            found[SERVER] = address.hostname
        if address.fragment:
            found[REQUEST_MODEL] = address.fragment
        return found
    prefix, divider, model = spec.partition(":")
    if " " in prefix or not spec:
        return {}  # a team's, in words
    if not divider:
        return {REQUEST_MODEL: spec}
    return {PROVIDER: _PROVIDERS.get(prefix, prefix), REQUEST_MODEL: model}


def tool_name(written: str) -> str:
    """A tool's name; what a model wrote instead of one is no name."""
    return written if _NAME.fullmatch(written) and not find_secrets(written) else UNKNOWN_TOOL


def usage_attributes(usage: Usage) -> Attributes:
    """Tokens, and the price where it is known."""
    counted: Attributes = {
        INPUT_TOKENS: usage.input_tokens,
        OUTPUT_TOKENS: usage.output_tokens,
        CACHED_TOKENS: usage.cached_tokens,
    }
    if usage.usd is not None:
        counted[USD] = usage.usd
    return counted


def messages_json(messages: Sequence[Message]) -> str:
    """Messages in the form of `gen_ai.input.messages`, a mark in the place of each secret."""
    return clean_json([{"role": each.role, "parts": [_part(part) for part in each.parts]} for each in messages])


def clean_json(value: Json) -> str:
    """JSON text, a mark in the place of each secret."""
    return json_without_secrets(json.dumps(value, ensure_ascii=False, default=str))


def _part(part: Part) -> Json:
    match part:
        case Text(text=text):
            return {"type": "text", "content": text}
        case ToolCall(id=id, name=name, arguments=arguments):
            return {"type": "tool_call", "id": id, "name": name, "arguments": dict(arguments)}
        case ToolReturn(call_id=call_id, content=content):
            return {"type": "tool_call_response", "id": call_id, "response": content}
        case _:
            assert_never(part)
