"""Messages to and from a model, and the parts they are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]

if TYPE_CHECKING:
    Json: TypeAlias = "str | int | float | bool | None | list[Json] | dict[str, Json]"
else:
    # The codec can't follow an alias that contains itself; what it reads from JSON text is JSON anyway.
    Json = Any


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model asks for a tool.

    Attributes:
        id: Ties the call to its `ToolReturn`; unique within a run.
        arguments: Already parsed, not yet validated.
        problem: Why the arguments could not be read, or None. A call with a problem is never executed.
    """

    id: str
    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict[str, Json])
    problem: str | None = None
    type: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True)
class ToolReturn:
    """What a tool gave back, as the model sees it."""

    call_id: str
    name: str
    content: str
    type: Literal["tool_return"] = "tool_return"


Part: TypeAlias = Text | ToolCall | ToolReturn


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts, joined by newlines. Calls and returns are left out."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls in this message, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


def system(text: str) -> Message:
    """A system message."""
    return Message("system", (Text(text),))


def user(text: str) -> Message:
    """A user message."""
    return Message("user", (Text(text),))


def assistant(text: str) -> Message:
    """An assistant message of text alone."""
    return Message("assistant", (Text(text),))
