"""What an agent can decide, and what comes back."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from purpose_agent.core.messages import ToolCall
from purpose_agent.core.origin import Origin


@dataclass(frozen=True, slots=True)
class ToolUse:
    """Use tools; several calls in one decision are independent of each other and run in parallel."""

    calls: tuple[ToolCall, ...]
    thought: str = ""
    type: Literal["tool_use"] = "tool_use"


@dataclass(frozen=True, slots=True)
class Finish:
    """The agent says it is done, with this answer."""

    answer: str
    thought: str = ""
    type: Literal["finish"] = "finish"


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No answer: the agent said so, or nothing readable came from its model."""

    reason: str
    type: Literal["give_up"] = "give_up"


Action: TypeAlias = ToolUse | Finish | GiveUp


@dataclass(frozen=True, slots=True)
class Observation:
    """What one tool call gave back.

    Attributes:
        content: As the model sees it.
        ok: False for a failure of the tool or of its arguments.
        seconds: Wall time.
        truncated: Characters left out of `content`.
        origin: Whose words the content is made of. The runtime's own messages, such as that there is no such tool, are the
            operator's.
        source: The page or file that was asked for, else the tool's name; "" in records of versions that did not keep it.
    """

    call_id: str
    tool: str
    content: str
    ok: bool
    seconds: float
    truncated: int = 0
    origin: Origin = "tool"
    source: str = ""


COMMAND = "act"
"""The name of the call that carries a command to an environment."""


def command(text: str, call_id: str, thought: str = "") -> ToolUse:
    """One action of an environment that lists its actions, such as "open the door"."""
    return ToolUse((ToolCall(call_id, COMMAND, {"command": text}),), thought)


def command_of(action: Action) -> str | None:
    """The command an action carries; None if it carries none."""
    if not isinstance(action, ToolUse) or len(action.calls) != 1 or action.calls[0].name != COMMAND:
        return None
    said = action.calls[0].arguments.get("command")
    return said if isinstance(said, str) else None
