"""What a person is asked before a call with effects on the world is carried out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from purpose_agent.core.messages import ToolCall
from purpose_agent.core.origin import Origin
from purpose_agent.core.tool import Effect


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A call that a person has to allow.

    Attributes:
        effects: What it does to the world.
        origin: The lowest origin of what the run has read.
        source: The page, file, tool or memory that brought it; "" for none.
        why: All of this in one sentence, for people.
    """

    call: ToolCall
    effects: tuple[Effect, ...]
    origin: Origin
    source: str
    why: str


Approve: TypeAlias = Callable[[ApprovalRequest], bool | Awaitable[bool]]
"""A person's yes or no. A plain function is called in a thread, so that it may wait for somebody."""
