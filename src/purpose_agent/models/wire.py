"""Chat completions as JSON: messages of ours as theirs, and what an answer holds as values of ours.

In:  messages, schemas, bodies; whatever a server answered.
Out: JSON; tool calls, errors, and values of the type that was looked for or None.

Not here: how a choice is asked for (`choices.py`), pieces of a stream (`streamed.py`), asking (`openai_compatible.py`).
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Message, ToolCall, ToolReturn
from purpose_agent.models.decode import read_arguments


def encoded(body: object) -> bytes:
    """`body` as JSON; half a character in a tool's output becomes a question mark, since UTF-8 can't carry it."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode(errors="replace")
    except (TypeError, ValueError) as error:
        raise UsageError(f"The request holds something that JSON can't say: {error}.") from error


def wire_messages(message: Message) -> list[dict[str, Any]]:
    """One message of ours as theirs: each tool return is a message of its own."""
    returns: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": part.call_id, "content": part.content}
        for part in message.parts
        if isinstance(part, ToolReturn)
    ]
    calls = [_wire_call(call) for call in message.tool_calls]
    if not (message.text or calls) and returns:
        return returns
    # Some servers refuse null, others an empty string: null only where calls stand in for the text.
    wire: dict[str, Any] = {"role": message.role, "content": message.text or (None if calls else "")}
    if calls:
        wire["tool_calls"] = calls
    return [*returns, wire]


def _wire_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def response_format(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """An answer that keeps to `schema`."""
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": dict(schema)}}


def tool_call(call: Mapping[str, Any], index: int) -> ToolCall:
    """The call that stands at `index` of an answer; what is wrong with it is in it."""
    from purpose_agent.core.ids import new_id

    function = as_object(call.get("function"))
    arguments, problem = read_arguments(function.get("arguments"))
    name, given = function.get("name"), call.get("id")
    if not isinstance(name, str) or not name:
        name, problem = "", f"Call {index + 1} names no tool."
    return ToolCall(given if isinstance(given, str) and given else new_id("call"), name, arguments, problem)


def error_in(content: str) -> tuple[str, int | None]:
    """The message in an error body, whatever its form, and the status it states."""
    try:
        body: object = json.loads(content)
    except (ValueError, RecursionError):
        return content or "no explanation", None
    error: object = cast(dict[str, Any], body).get("error", cast(object, body)) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error), None
    told = cast(dict[str, Any], error)
    said = told.get("message") or told.get("detail") or json.dumps(told)
    code = told.get("code")
    return str(said), code if isinstance(code, int) and 400 <= code < 600 else None


def refuse_constant(name: str) -> NoReturn:
    """NaN and its like, which Python reads and JSON has not."""
    raise ValueError(f"{name} is not JSON")


def as_amount(value: object) -> float | None:
    """A finite number, 0 and above; or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def as_object(value: object) -> dict[str, Any]:
    """A JSON object; anything else is an empty one."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def as_objects(value: object) -> list[dict[str, Any]]:
    """The objects in a JSON array; anything else holds none."""
    items: list[object] = cast(list[object], value) if isinstance(value, list) else []
    return [cast(dict[str, Any], item) for item in items if isinstance(item, dict)]


def as_count(value: object) -> int | None:
    """A whole number, 0 and above; or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
