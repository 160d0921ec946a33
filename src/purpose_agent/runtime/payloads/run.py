"""A run as a whole, and the parts it hands out: begins, is suspended, goes on, ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from purpose_agent.core.messages import Json
from purpose_agent.core.model import Usage
from purpose_agent.core.origin import Origin
from purpose_agent.core.task import Limits

RunStatus: TypeAlias = Literal[
    "running", "waiting", "paused", "finished", "gave_up", "exhausted", "interrupted", "cancelled", "failed"
]
"""Waiting: for a person's answer. Paused: a person said so. Both go on when they are resumed."""
RunMode: TypeAlias = Literal["learning", "validation", "evaluation"]
RunKind: TypeAlias = Literal["agent", "team", "flow", "swarm"]


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
        origin: The lowest origin of what its task's words were made from; "user" if a person wrote them.
        source: What had that origin; "" for none.
        forked_from: The run whose first steps it has taken over, or None.
        forked_at: The last step that it took over.
        of: What does the work; None in records of versions that did not keep it.
        recipe: Of a team: what makes it again, see `agents/recipe.py`; {} where only its program can.
        owner: Of a flow: the process that began it, as `record.this_process` says; "" where that is not kept here.
        drawing: Of a flow: the fingerprint of its nodes and edges; "" of all else, and in records of versions that did not keep it.
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
    origin: Origin = "user"
    source: str = ""
    forked_from: str | None = None
    forked_at: int = 0
    of: RunKind | None = None
    recipe: Mapping[str, Json] = field(default_factory=dict[str, Json])
    owner: str = ""
    drawing: str = ""
    kind: Literal["run_started"] = "run_started"


@dataclass(frozen=True, slots=True)
class RunSuspended:
    """The run stands still until it is resumed, in this process or another one.

    Attributes:
        status: "waiting" for a person's answer, or "paused".
        reason: What it waits for, in words.
        usage: Of all its model calls so far.
        seconds: Of work so far, without the time it stood still.
    """

    status: RunStatus
    reason: str
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    kind: Literal["run_suspended"] = "run_suspended"

    def as_end(self, answer: str | None = None) -> "RunFinished":
        """The same, as a run's end would say it; nobody has judged it."""
        return RunFinished(self.status, answer, None, None, self.usage, self.reason, seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class RunResumed:
    """The run goes on after its last complete step, or within a step whose calls are partly done.

    Attributes:
        owner: The process that goes on with it, as `record.this_process` says.
        step: The last complete step.
        reason: "suspended", or "died" if the process that ran it was gone.
    """

    owner: str
    step: int
    reason: str = ""
    kind: Literal["run_resumed"] = "run_resumed"


@dataclass(frozen=True, slots=True)
class AgentStarted:
    """An agent, a function or a flow began its part of a flow, a swarm or a team's work.

    Attributes:
        key: The part, unique in the run, such as "2/research" (step and node) or "7" (the task's place).
        name: Of the agent, function or node.
        run_id: Its own run; "" if it has none.
        attempt: From 1.
    """

    key: str
    name: str
    run_id: str = ""
    attempt: int = 1
    kind: Literal["agent_started"] = "agent_started"


@dataclass(frozen=True, slots=True)
class AgentFinished:
    """A part is over. One that is "finished" is not done again when the run is resumed.

    Attributes:
        output: What it handed back, as JSON.
        error: Why it failed, or "".
        usage: Of its model calls.
        origin: The lowest origin of what it had read; None where nobody knows.
        seconds: Wall time of the last attempt.
        success: Of its own run, as there; None where nobody judged, or it has none.
        phi: Of its own run, as there.
        refused: Of its own run: why calls were not carried out.
    """

    key: str
    name: str
    status: RunStatus
    output: Json = None
    run_id: str = ""
    error: str = ""
    attempt: int = 1
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    origin: Origin | None = None
    success: bool | None = None
    phi: float | None = None
    refused: tuple[str, ...] = ()
    kind: Literal["agent_finished"] = "agent_finished"


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
        seconds: Of work, without the time it stood still, by a clock that doesn't jump; None in records of versions that did not keep it.
        ended_by: The person who ended it, for good; "a person" where nobody said who. None: no person did, or the version did not keep it.
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
    seconds: float | None = None
    ended_by: str | None = None
    kind: Literal["run_finished"] = "run_finished"
