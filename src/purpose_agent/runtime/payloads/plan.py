"""Plans of tool calls, while they are written."""

from dataclasses import dataclass
from typing import Literal

from purpose_agent.core.messages import ToolCall


@dataclass(frozen=True, slots=True)
class CallPlanned:
    """A call of a plan that its model still writes; the whole plan is the decision of its step.

    Attributes:
        number: By which other calls use its result.
        call: Its arguments have "$1" for the result of call 1. What could not be read is its `problem`.
    """

    number: int
    call: ToolCall
    kind: Literal["call_planned"] = "call_planned"
