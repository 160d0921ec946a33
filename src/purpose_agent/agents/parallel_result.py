"""What a swarm came to: one outcome a task, in the order of the tasks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, overload

from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.events import RunFinished, RunStatus
from purpose_agent.runtime.trace import Trace


@dataclass(frozen=True, slots=True)
class FailedTask:
    """A task that came to no result: its agent broke, or could not begin. `str()` says so.

    Attributes:
        agent: The name of the one that had it.
        reason: The error.
        id: Of its run, which may not have begun; "" if none was promised.
    """

    task: Task
    agent: str
    reason: str
    id: str = ""
    status: RunStatus = "failed"
    answer: None = None
    success: None = None
    usage: Usage = field(default_factory=Usage)

    def __str__(self) -> str:
        return f"[failed: {self.reason}]"


Outcome: TypeAlias = TaskResult | FailedTask


@dataclass(frozen=True, slots=True)
class ParallelResult(Sequence[Outcome]):
    """The outcomes, as a sequence: `results[0]` is that of the first task. `str()` has one a line.

    Attributes:
        trace: What happened in the swarm itself; each task's run has a trace of its own.
    """

    trace: Trace
    outcomes: tuple[Outcome, ...]

    @overload
    def __getitem__(self, index: int) -> Outcome: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Outcome, ...]: ...
    def __getitem__(self, index: int | slice) -> Outcome | tuple[Outcome, ...]:
        return self.outcomes[index]

    def __len__(self) -> int:
        return len(self.outcomes)

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    @property
    def id(self) -> str:
        """The swarm's run."""
        return self.trace.run_id

    @property
    def status(self) -> RunStatus:
        """How it ended: "finished" says that every task came to its end, not that it succeeded; "waiting" that one waits."""
        end: RunFinished | None = self.trace.finished
        still = self.trace.suspended
        return end.status if end is not None else still.status if still is not None else "running"

    @property
    def answers(self) -> tuple[str | None, ...]:
        """The answer to each task, or None."""
        return tuple(outcome.answer for outcome in self.outcomes)

    @property
    def failures(self) -> tuple[FailedTask, ...]:
        """Those that came to no result, with their tasks. A run that ended as failed by itself is a result."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, FailedTask))

    @property
    def usage(self) -> Usage:
        """What all of them cost."""
        return sum((outcome.usage for outcome in self.outcomes), Usage())

    def __str__(self) -> str:
        return "\n".join(f"{number}. {outcome}" for number, outcome in enumerate(self.outcomes, 1))
