"""What can happen while something runs: one frozen type each, and the envelope they travel in.

Result, score, lessons, cost and UI are all read from these; nothing is known of a run that is not in its events.
Old records must always load: fields are added with defaults, never renamed or removed, and unknown ones are ignored.
New kinds may come: an older version leaves them out of the trace and says how many. A new value of a closed choice (a
status, say) is a new version of the tables, which older ones refuse to open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from purpose_agent.core.action import Action, Observation
from purpose_agent.core.memory import MemoryStatus
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Usage
from purpose_agent.core.origin import Origin
from purpose_agent.core.score import Score
from purpose_agent.core.task import Limits
from purpose_agent.core.values import Ranked

RunStatus: TypeAlias = Literal["running", "finished", "gave_up", "exhausted", "interrupted", "cancelled", "failed"]
RunMode: TypeAlias = Literal["learning", "validation", "evaluation"]
Visibility: TypeAlias = Literal["public", "internal", "debug"]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins.

    Attributes:
        task: As `core.task.task_to_json` writes it.
        model: "none" if it had none.
        state: The first state's values.
        parent_run: The team's or trial's run this one belongs to, or None.
        seed: Of its model calls, or None.
        role: The sentence that opened its instructions; "" in records of versions that did not keep it.
        tools: The names of what it could use.
        temperature: Of its answers, or None for the model's own.
        limits: What a run of this agent may spend, unless its task says otherwise; None if that was not kept.
    """

    task: Mapping[str, Any]
    agent: str
    model: str
    mode: RunMode
    state: Mapping[str, Json] = field(default_factory=dict[str, Json])
    parent_run: str | None = None
    seed: int | None = None
    role: str = ""
    tools: tuple[str, ...] = ()
    temperature: float | None = None
    limits: Limits | None = None
    kind: Literal["run_started"] = "run_started"


@dataclass(frozen=True, slots=True)
class RecalledMemory:
    """A memory that was put into the prompt, and why it was chosen."""

    memory_id: str
    version: int
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class MemoryRecalled:
    """What was recalled at the start.

    Attributes:
        left_out: How many more did not fit the token budget.
        withheld: Ids of those that a coin kept from the run, so that one learns how such runs go without them.
    """

    memories: tuple[RecalledMemory, ...]
    left_out: int = 0
    withheld: tuple[str, ...] = ()
    kind: Literal["memory_recalled"] = "memory_recalled"


@dataclass(frozen=True, slots=True)
class OptionsListed:
    """What there was to see in a world that lists its actions, and what could be done, before the step's decision."""

    situation: str
    options: tuple[str, ...]
    kind: Literal["options_listed"] = "options_listed"


@dataclass(frozen=True, slots=True)
class ValuesConsulted:
    """What earlier runs say of a decision's options: the best ones, best first, of `among`."""

    options: tuple[Ranked, ...]
    among: int = 0
    kind: Literal["values_consulted"] = "values_consulted"


@dataclass(frozen=True, slots=True)
class ValuesWouldChoose:
    """The choice that earlier runs, weighed with the model's probabilities, would have led to, had they been asked.

    Half of a trial of learned values that costs nothing.
    """

    option: str
    kind: Literal["values_would_choose"] = "values_would_choose"


@dataclass(frozen=True, slots=True)
class ModelCalled:
    """A model answered, or failed to.

    Attributes:
        purpose: Why it was asked: "act", "score", "reflect", …
        prompt: Name and hash of the prompt file, such as "actor@1f2e3d4c".
        error: Why no usable answer came, or "".
    """

    purpose: str
    model: str
    prompt: str
    usage: Usage
    seconds: float
    error: str = ""
    kind: Literal["model_called"] = "model_called"


@dataclass(frozen=True, slots=True)
class ActionDecided:
    """The agent decided."""

    action: Action
    kind: Literal["action_decided"] = "action_decided"


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A tool call came back."""

    observation: Observation
    kind: Literal["tool_returned"] = "tool_returned"


@dataclass(frozen=True, slots=True)
class CallRefused:
    """A call with effects on the world was not carried out, because of what the run had read.

    Attributes:
        effects: What it would have done: "send", "pay", …
        origin: The lowest origin of what the run had read.
        source: The page, file, tool or memory that brought it.
    """

    call_id: str
    tool: str
    effects: tuple[str, ...]
    origin: Origin
    source: str
    why: str
    kind: Literal["call_refused"] = "call_refused"


@dataclass(frozen=True, slots=True)
class CallApproved:
    """A person allowed a call with effects on the world, whatever the run had read; the fields are those of `CallRefused`."""

    call_id: str
    tool: str
    effects: tuple[str, ...]
    origin: Origin
    source: str
    kind: Literal["call_approved"] = "call_approved"


@dataclass(frozen=True, slots=True)
class StateChanged:
    """What the step left different: values added or replaced, names removed."""

    values: Mapping[str, Json]
    removed: tuple[str, ...] = ()
    kind: Literal["state_changed"] = "state_changed"


@dataclass(frozen=True, slots=True)
class StepScored:
    """A critic judged the step."""

    score: Score
    kind: Literal["step_scored"] = "step_scored"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Work went from one agent of a team to another; `run_id` is the receiver's run."""

    sender: str
    receiver: str
    run_id: str
    why: str = ""
    kind: Literal["handed_over"] = "handed_over"


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ended.

    Attributes:
        success: True or False if checks or the world judged it, None if nobody did.
        phi: Φ of the last judged state, 0 to 10, or None.
        reason: Why it gave up, which limit was reached, or the error; "" for a plain finish.
        usage: Of all its model calls, those of its members included.
        origin: The lowest origin of all that was in its context; None in records of versions that did not keep it.
        source: What had that origin: a page, a file, a tool, a memory's own source; "" for none.
        tainted_at: The step in which that was read; None if it was there from the start.
    """

    status: RunStatus
    answer: str | None
    success: bool | None
    phi: float | None
    usage: Usage
    reason: str = ""
    origin: Origin | None = None
    source: str = ""
    tainted_at: int | None = None
    kind: Literal["run_finished"] = "run_finished"


@dataclass(frozen=True, slots=True)
class LessonDrawn:
    """Reflection on the run drew a lesson, and the gate gave it this first status."""

    memory_id: str
    status: MemoryStatus
    text: str
    kind: Literal["lesson_drawn"] = "lesson_drawn"


@dataclass(frozen=True, slots=True)
class Reflected:
    """Reflection on the run is over: `lessons` were drawn, or `why` there was nothing to learn."""

    lessons: int
    why: str = ""
    kind: Literal["reflected"] = "reflected"


Payload: TypeAlias = (
    RunStarted
    | MemoryRecalled
    | OptionsListed
    | ValuesConsulted
    | ValuesWouldChoose
    | ModelCalled
    | ActionDecided
    | ToolReturned
    | CallRefused
    | CallApproved
    | StateChanged
    | StepScored
    | HandedOver
    | RunFinished
    | LessonDrawn
    | Reflected
)

PAYLOADS: Mapping[str, type[Payload]] = {
    "run_started": RunStarted,
    "memory_recalled": MemoryRecalled,
    "options_listed": OptionsListed,
    "values_consulted": ValuesConsulted,
    "values_would_choose": ValuesWouldChoose,
    "model_called": ModelCalled,
    "action_decided": ActionDecided,
    "tool_returned": ToolReturned,
    "call_refused": CallRefused,
    "call_approved": CallApproved,
    "state_changed": StateChanged,
    "step_scored": StepScored,
    "handed_over": HandedOver,
    "run_finished": RunFinished,
    "lesson_drawn": LessonDrawn,
    "reflected": Reflected,
}
"""The payloads by their `kind`. A kind that is not here was written by a newer version."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        seq: Position in the run, from 1, without gaps.
        lane: Which strand of the run: the agent's name.
        step: The step it belongs to, from 1; 0 before the first.
    """

    id: str
    run_id: str
    seq: int
    at: datetime
    lane: str
    step: int
    payload: Payload
    visibility: Visibility = "public"
    parent: str | None = None
