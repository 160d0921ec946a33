"""What a swarm came to: one outcome a task, in the order of the tasks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, overload

from purpose_agent.agents.continuing import STANDS
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task, task_from_json
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.events import RunStarted, RunStatus
from purpose_agent.runtime.trace import Trace


@dataclass(frozen=True, slots=True)
class FailedTask:
    """A task that came to no result, since its agent broke or could not begin; in `failures`, any that failed. `str()` says so.

    Attributes:
        agent: The name of the one that had it.
        reason: The error; or which checks failed.
        id: Of its run, which may not have begun; "" if none was promised.
        answer: One that failed its checks; None if there is none.
        success: False if checks say so.
    """

    task: Task
    agent: str
    reason: str
    id: str = ""
    status: RunStatus = "failed"
    answer: str | None = None
    success: bool | None = None
    usage: Usage = field(default_factory=Usage)

    def __str__(self) -> str:
        return f"[failed: {self.reason}]"


Outcome: TypeAlias = TaskResult | FailedTask


def failure(outcome: Outcome) -> FailedTask | None:
    """What became of a task, if that is a failure."""
    if isinstance(outcome, FailedTask):
        return outcome
    if outcome.status in STANDS or (outcome.status == "finished" and outcome.success is not False):
        return None
    started = outcome.trace.of(RunStarted)[0]
    wrong = "; ".join(check.detail or check.spec for check in outcome.checks if check.passed is False)
    reason = outcome.reason or (f"its checks failed: {wrong}" if wrong else outcome.status.replace("_", " "))
    return FailedTask(
        task_from_json(started.task),
        started.agent,
        reason,
        outcome.id,
        outcome.status,
        outcome.answer,
        outcome.success,
        outcome.usage,
    )


def _told(outcome: Outcome) -> str:
    failed = failure(outcome)
    name = outcome.agent if isinstance(outcome, FailedTask) else outcome.trace.of(RunStarted)[0].agent
    if failed is not None:
        return f"{name}: failed: {failed.reason}"
    phi = f", Φ {outcome.final_phi:.1f} of 10" if isinstance(outcome, TaskResult) and outcome.final_phi is not None else ""
    return f"{name}: {outcome.status}{phi}"


@dataclass(frozen=True, slots=True, repr=False)
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
        end = self.trace.end
        return end.status if end is not None else "running"

    @property
    def answers(self) -> tuple[str | None, ...]:
        """The answer to each task, or None."""
        return tuple(outcome.answer for outcome in self.outcomes)

    @property
    def failures(self) -> tuple[FailedTask, ...]:
        """All that were not done, with their tasks and why: agents that broke, failed, gave up or spent their limits; failed checks.

        Those that wait for a person are not among them.
        """
        return tuple(failed for outcome in self.outcomes if (failed := failure(outcome)) is not None)

    @property
    def reason(self) -> str:
        """How many tasks failed, why it was stopped, what is waited for; "" for a plain finish."""
        end = self.trace.end
        return end.reason if end is not None else ""

    @property
    def seconds(self) -> float:
        """Of work, without the time it stood still."""
        end = self.trace.end
        return (end.seconds if end is not None else None) or 0.0

    @property
    def usage(self) -> Usage:
        """What all of them cost."""
        return sum((outcome.usage for outcome in self.outcomes), Usage())

    def __repr__(self) -> str:
        return f"ParallelResult({self.id}, {self.status}, {len(self)} tasks, {len(self.failures)} failed)"

    def summary(self) -> str:
        """The swarm in a few lines, for people: one for each task, and one for each call that was refused."""
        price = "price unknown" if self.usage.usd is None else f"${self.usage.usd:.4f}"
        stand = sum(outcome.status in STANDS for outcome in self.outcomes)
        lessons = sum(len(outcome.lessons) for outcome in self.outcomes if isinstance(outcome, TaskResult))
        lines = [
            f"{self.id}: {self.status}, {len(self)} tasks: {len(self) - len(self.failures) - stand} done, {len(self.failures)} failed,"
            f" {stand} waiting; {lessons} lessons",
            f"{self.usage.tokens} tokens, {price}, {self.seconds:.1f} s, by {self.trace.of(RunStarted)[0].model}",
        ]
        if self.reason:
            lines.append(f"reason: {self.reason}")
        for number, outcome in enumerate(self.outcomes, 1):
            lines.append(f"{number}. {_told(outcome)}")
            lines += [f"refused: {why}" for why in outcome.refused] if isinstance(outcome, TaskResult) else []
        return "\n".join(lines)

    def __str__(self) -> str:
        return "\n".join(f"{number}. {outcome}" for number, outcome in enumerate(self.outcomes, 1))
