"""The engine port: what is to be done, said in plain data, so that any process that knows the names can do it.

In:  jobs.
Out: what became of each.

A job names who does it (`kind` and `name`) instead of holding it: agents, flows and teams are objects of a program, and
a worker on another machine has its own, made by the same program. Not here: how a job is carried out (`agents/`), and
the distributed engine (`durable/`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from purpose_agent.core.messages import Json
from purpose_agent.core.model import Usage
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.events import RunStatus

JobKind: TypeAlias = Literal["agent", "flow", "team"]


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done by whoever has that name.

    Attributes:
        id: Of the run it becomes. A job that is taken up again by another process goes on with that run.
        input: A task as `core.task.task_to_json` writes it, or a flow's first state.
        seed: Of the model's draws, or None.
        parent: The run it is a part of, or None.
        drawing: Of a flow: the fingerprint of its nodes and edges, since flows of one name may be several; "" of all else.
        task: Of a flow that was given a task, and no state: that, as `input` of an agent's job.
    """

    id: str
    kind: JobKind
    name: str
    input: Json
    seed: int | None = None
    parent: str | None = None
    drawing: str = ""
    task: Json = None


@dataclass(frozen=True, slots=True)
class JobResult:
    """What became of a job.

    Attributes:
        output: An agent's or team's answer, a flow's last state; None if there is none.
        error: Why it failed, or "".
    """

    id: str
    status: RunStatus
    output: Json = None
    success: bool | None = None
    phi: float | None = None
    error: str = ""
    usage: Usage = field(default_factory=Usage)


class Engine(Protocol):
    """Has jobs done, here or elsewhere."""

    @property
    def checkpointer(self) -> Checkpointer | None:
        """Where runs of jobs are kept that more than one machine must be able to go on with; None: in the workspace."""
        ...

    async def perform(self, jobs: Sequence[Job], *, at_once: int | None = None) -> tuple[JobResult, ...]:
        """Have all of them done; their results in the order of the jobs. A job that fails is a result, no exception.

        Args:
            at_once: How many at a time, or None for as many as the engine takes.
        """
        ...
