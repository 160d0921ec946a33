"""What can happen while something runs: one frozen type each, and the envelope they travel in.

Result, score, lessons, cost, UI and training data are all read from these; nothing is known of a run that is not in its events.
Old records must always load: fields are added with defaults, never renamed or removed, and unknown ones are ignored.
New kinds may come: an older version leaves them out of the trace and says how many. A new value of a closed choice (a
status, say) is a new version of the tables, which older ones refuse to open.

The kinds themselves are in `payloads/`, by what they are about; all of them are named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from purpose_agent.core.codec import Tagged
from purpose_agent.runtime.payloads.memory import (
    LessonDrawn,
    MemoryArchived,
    MemoryPromoted,
    MemoryProposed,
    MemoryQuarantined,
    MemoryRejected,
    MemoryScanned,
    Reflected,
    SkillUsed,
)
from purpose_agent.runtime.payloads.person import (
    CallApproved,
    CallRefused,
    LessonInjected,
    PersonAnswered,
    PersonAsked,
    ScoreOverridden,
    Verdict,
)
from purpose_agent.runtime.payloads.plan import CallPlanned
from purpose_agent.runtime.payloads.routing import RouteChosen, RouteOption
from purpose_agent.runtime.payloads.run import (
    AgentFinished,
    AgentStarted,
    HandedOver,
    RunFinished,
    RunKind,
    RunMode,
    RunResumed,
    RunStarted,
    RunStatus,
    RunSuspended,
)
from purpose_agent.runtime.payloads.step import (
    ActionDecided,
    CheckpointSaved,
    MemoryRecalled,
    ModelAsked,
    ModelCalled,
    ModelOverruled,
    ModelRetried,
    ModelWaited,
    OptionsListed,
    ReasoningSummarised,
    RecalledMemory,
    StateChanged,
    StepScored,
    TextStreamed,
    ToolReturned,
    ToolStarted,
    ValuesConsulted,
    ValuesWouldChoose,
)

__all__ = [
    "PAYLOADS",
    "TERMINAL",
    "VERSION",
    "VISIBILITY",
    "ActionDecided",
    "AgentFinished",
    "AgentStarted",
    "CallApproved",
    "CallPlanned",
    "CallRefused",
    "CheckpointSaved",
    "Event",
    "HandedOver",
    "LessonDrawn",
    "LessonInjected",
    "MemoryArchived",
    "MemoryPromoted",
    "MemoryProposed",
    "MemoryQuarantined",
    "MemoryRecalled",
    "MemoryRejected",
    "MemoryScanned",
    "ModelAsked",
    "ModelCalled",
    "ModelOverruled",
    "ModelRetried",
    "ModelWaited",
    "OptionsListed",
    "Payload",
    "PersonAnswered",
    "PersonAsked",
    "ReasoningSummarised",
    "RecalledMemory",
    "Reflected",
    "RouteChosen",
    "RouteOption",
    "RunFinished",
    "RunKind",
    "RunMode",
    "RunResumed",
    "RunStarted",
    "RunStatus",
    "RunSuspended",
    "ScoreOverridden",
    "SkillUsed",
    "StateChanged",
    "StepScored",
    "TextStreamed",
    "ToolReturned",
    "ToolStarted",
    "ValuesConsulted",
    "ValuesWouldChoose",
    "Verdict",
    "Visibility",
]

Visibility: TypeAlias = Literal["public", "internal", "debug"]
VERSION: Final = 2
"""Of the kinds below, all together. 1: without what is saved for resuming, parts of flows, people's words and the fate of memories."""

Payload: TypeAlias = (
    RunStarted
    | RouteChosen
    | MemoryRecalled
    | OptionsListed
    | ValuesConsulted
    | ValuesWouldChoose
    | ModelOverruled
    | ModelAsked
    | ModelRetried
    | ModelWaited
    | TextStreamed
    | ReasoningSummarised
    | ModelCalled
    | CallPlanned
    | ActionDecided
    | ToolStarted
    | ToolReturned
    | StateChanged
    | StepScored
    | CheckpointSaved
    | PersonAsked
    | PersonAnswered
    | ScoreOverridden
    | LessonInjected
    | CallRefused
    | CallApproved
    | RunSuspended
    | RunResumed
    | AgentStarted
    | AgentFinished
    | HandedOver
    | RunFinished
    | LessonDrawn
    | Reflected
    | MemoryProposed
    | MemoryScanned
    | MemoryQuarantined
    | MemoryPromoted
    | MemoryRejected
    | MemoryArchived
    | SkillUsed
)

PAYLOADS: Mapping[str, type[Payload]] = {
    "run_started": RunStarted,
    "route_chosen": RouteChosen,
    "memory_recalled": MemoryRecalled,
    "options_listed": OptionsListed,
    "values_consulted": ValuesConsulted,
    "values_would_choose": ValuesWouldChoose,
    "model_overruled": ModelOverruled,
    "model_asked": ModelAsked,
    "model_retried": ModelRetried,
    "model_waited": ModelWaited,
    "text_streamed": TextStreamed,
    "reasoning_summarised": ReasoningSummarised,
    "model_called": ModelCalled,
    "call_planned": CallPlanned,
    "action_decided": ActionDecided,
    "tool_started": ToolStarted,
    "tool_returned": ToolReturned,
    "state_changed": StateChanged,
    "step_scored": StepScored,
    "checkpoint_saved": CheckpointSaved,
    "person_asked": PersonAsked,
    "person_answered": PersonAnswered,
    "score_overridden": ScoreOverridden,
    "lesson_injected": LessonInjected,
    "call_refused": CallRefused,
    "call_approved": CallApproved,
    "run_suspended": RunSuspended,
    "run_resumed": RunResumed,
    "agent_started": AgentStarted,
    "agent_finished": AgentFinished,
    "handed_over": HandedOver,
    "run_finished": RunFinished,
    "lesson_drawn": LessonDrawn,
    "reflected": Reflected,
    "memory_proposed": MemoryProposed,
    "memory_scanned": MemoryScanned,
    "memory_quarantined": MemoryQuarantined,
    "memory_promoted": MemoryPromoted,
    "memory_rejected": MemoryRejected,
    "memory_archived": MemoryArchived,
    "skill_used": SkillUsed,
}
"""The payloads by their `kind`. A kind that is not here was written by a newer version."""

TERMINAL: Final[frozenset[str]] = frozenset({"run_finished", "run_suspended"})
"""After one of these nothing more comes until the run is resumed, or reflected on. No reader ever misses one."""

VISIBILITY: Mapping[str, Visibility] = {
    "model_asked": "debug",
    "values_would_choose": "debug",
    "checkpoint_saved": "debug",
    "memory_scanned": "debug",
    "model_called": "internal",
    "model_retried": "internal",
    "model_waited": "internal",
    "values_consulted": "internal",
    "tool_started": "internal",
    "run_resumed": "internal",
    "memory_proposed": "internal",
    "memory_quarantined": "internal",
    "reflected": "internal",
}
"""Who an event is for, by its kind; all others are public.

Public: whoever uses the agent. Internal: whoever runs it. Debug: whoever builds it.
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        seq: Position in the run, from 1, without gaps. Of a piece of text, which is not recorded: that of the event before it.
        lane: Which strand of the run: the agent's, node's or branch's name. What happens on one lane happens in the order of `seq`.
        step: The step it belongs to, from 1; 0 before the first.
        parent: The id of the event it follows from; None for the first one, and in older records.
        version: Of the kinds, when it was written.
    """

    id: str
    run_id: str
    seq: int
    at: datetime
    lane: str
    step: int
    payload: Annotated[Payload, Tagged("kind")]
    visibility: Visibility = "public"
    parent: str | None = None
    version: int = 1
