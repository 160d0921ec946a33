"""A pipeline of a team of specialists: its steps as a caller gives them, and what they came to.

In:  dictionaries.
Out: `PipelineStep`s; a `PipelineResult`, which is the list of results and says what failed.

What a step is given: the state the pipeline began with, and by agent what earlier steps answered. Work that failed is not handed on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args, overload

from purpose_agent.agents.specialists.spec import check_steps
from purpose_agent.core.errors import CantResume, UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task, as_task, task_from_json, task_to_json
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.events import CallRefused, PersonAsked

OnFailure: TypeAlias = Literal["stop", "continue"]
GivenStep: TypeAlias = "Mapping[str, object] | PipelineStep | Task"
_KEYS = ("purpose", "agent", "max_steps")


@dataclass(frozen=True, slots=True)
class PipelineStep:
    """One task of a pipeline.

    Attributes:
        agent: By name; None: whoever its words, a model or the fallback say.

    Raises:
        UsageError: The task is no `Task`, the agent no name, or there is no such number of steps.
    """

    task: Task
    agent: str | None = None
    max_steps: int | None = None

    def __post_init__(self) -> None:
        task, agent = cast("tuple[object, object]", (self.task, self.agent))
        if not isinstance(task, Task):
            raise UsageError(f"PipelineStep({task!r:.200}): give a Task, such as PipelineStep(Task('Research bees')).")
        if agent is not None and not isinstance(agent, str):
            raise UsageError(f"PipelineStep(agent={agent!r:.200}): name the agent, or None for whomever the task is for.")
        check_steps(self.max_steps, "PipelineStep")


@dataclass(frozen=True, slots=True)
class FailedStep:
    """A task of a pipeline that was not done.

    Attributes:
        number: From 1.
    """

    number: int
    task: str
    agent: str
    run_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class WaitingStep:
    """The task of a pipeline that stands still: it waits for a person, or was paused.

    Attributes:
        number: From 1.
        run_id: Of its run: `workspace.control(run_id)` answers it.
        question: What is asked, or why it was paused.
    """

    number: int
    task: str
    agent: str
    run_id: str
    question: str


@dataclass(frozen=True, slots=True)
class PipelineResult(Sequence[TaskResult]):
    """The results in the order of the tasks, as a list has them. `str(result)` is the last answer, or what the pipeline waits for.

    Attributes:
        id: The run of the whole; `team.resume(id)` goes on with one that did not come to its end.
        results: Of the tasks that were begun, one that waits for a person among them.
        agents: Who did them.
        steps: All tasks.
        state: What the tasks had to go on with, and at the end what they came to, by agent.
        status: That of the run of the whole: "waiting" if one of them waits for a person.
        usage: Of all of it, choices of agents included.
    """

    id: str
    results: tuple[TaskResult, ...]
    agents: tuple[str, ...]
    steps: tuple[PipelineStep, ...]
    state: Mapping[str, Json]
    status: str
    usage: Usage

    @overload
    def __getitem__(self, index: int) -> TaskResult: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TaskResult]: ...
    def __getitem__(self, index: int | slice) -> TaskResult | Sequence[TaskResult]:
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)

    @property
    def failed(self) -> tuple[FailedStep, ...]:
        """The tasks that were begun and not done, with the reasons."""
        return tuple(
            FailedStep(number, step.task.goal, agent, result.id, why_failed(result))
            for number, (step, agent, result) in enumerate(zip(self.steps, self.agents, self.results, strict=False), start=1)
            if why_failed(result)
        )

    @property
    def waits(self) -> WaitingStep | None:
        """The task that stands still, if one does."""
        if not self.results or self.results[-1].status not in ("waiting", "paused"):
            return None
        number, result = len(self.results), self.results[-1]
        goal, agent = self.steps[number - 1].task.goal, self.agents[-1]
        return WaitingStep(number, goal, agent, result.id, _question(result))

    @property
    def left(self) -> tuple[PipelineStep, ...]:
        """The tasks that were not begun."""
        return self.steps[len(self.results) :]

    @property
    def success(self) -> bool | None:
        """False if a task failed or was left; None where nobody judged one of them, or it stands still."""
        if self.failed:
            return False
        if self.waits is not None:
            return None
        if self.left or not self.results:
            return False
        return True if all(result.success for result in self.results) else None

    def summary(self) -> str:
        """What became of each task, in a line, with what is asked and the calls that were refused below it."""
        lines = [f"{self.id}: {len(self.results)} of {len(self.steps)} tasks begun, {len(self.failed)} failed, {self.status}"]
        for number, (step, agent, result) in enumerate(zip(self.steps, self.agents, self.results, strict=False), start=1):
            why = why_failed(result).removeprefix("failed: ")
            lines.append(f"{number}. {agent}: {step.task.goal[:60]!r}: {f'failed: {why}' if why else result.status}")
            lines += [f"   refused: {no.tool}: {no.why}" for no in result.trace.of(CallRefused)]
            if self.waits is not None and number == self.waits.number:
                lines.append(f"   asked: {self.waits.question} Answer it: workspace.control({result.id!r})")
        lines += [f"{len(self.results) + place}. not begun: {step.task.goal[:60]!r}" for place, step in enumerate(self.left, 1)]
        return "\n".join(lines)

    def __str__(self) -> str:
        waits = self.waits
        if waits is not None:
            return f"[{self.status}: task {waits.number}, by {waits.agent}: {waits.question} Answer it: run {waits.run_id}]"
        return str(self.results[-1]) if self.results else f"[{self.status}: no task was begun]"


def _question(result: TaskResult) -> str:
    asked = result.trace.of(PersonAsked)
    if result.status != "waiting" or not asked:
        return result.reason
    arguments = ", ".join(f"{name}={value!r}" for name, value in asked[-1].arguments.items())
    return f"{asked[-1].tool}({arguments[:200]})? {asked[-1].why}"


def why_failed(result: TaskResult) -> str:
    """Why a task was not done; "" if it was, as far as anybody knows, or still stands."""
    if result.status in ("waiting", "paused"):
        return ""
    if result.status != "finished":
        return f"{result.status.replace('_', ' ')}{': ' if result.reason else ''}{result.reason}"
    return "its checks failed" if result.success is False else ""


def steps_of(given: Sequence[GivenStep], names: Sequence[str]) -> tuple[PipelineStep, ...]:
    """The steps, as data.

    Raises:
        UsageError: There are none, one has no purpose, an unknown key, or an agent that isn't there; the message says which.
    """
    if isinstance(given, str | Mapping) or not given:
        raise UsageError(
            f"run_pipeline({given!r}): give a list of tasks, such as [{{'purpose': 'Research X', 'agent': {names[0]!r}}}]."
        )
    return tuple(_step(each, number, names) for number, each in enumerate(given, start=1))


def steps_again(given: Sequence[GivenStep], before: Sequence[PipelineStep], names: Sequence[str]) -> tuple[PipelineStep, ...]:
    """The steps as they are given again, to go on with them.

    Raises:
        UsageError: They are no steps, or others.
    """
    steps = steps_of(given, names)
    if [step.task.goal for step in steps] != [step.task.goal for step in before]:
        raise UsageError("resume(tasks=…): these are not the tasks of the pipeline; give the same ones in the same order.")
    return steps


def _step(given: GivenStep, number: int, names: Sequence[str]) -> PipelineStep:
    where = f"run_pipeline: task {number}"
    if isinstance(given, PipelineStep):
        step = given
    elif isinstance(given, Task):
        step = PipelineStep(given)
    elif not isinstance(cast("object", given), Mapping):
        raise UsageError(f"{where} is {given!r:.200}: give a dict with its 'purpose', a Task, or a PipelineStep.")
    else:
        if unknown := [key for key in given if key not in _KEYS]:
            raise UsageError(f"{where} has {unknown[0]!r}; a task has {', '.join(_KEYS)}.")
        purpose, agent, steps = (given.get(key) for key in _KEYS)
        if not isinstance(purpose, str | Task) or not (agent is None or isinstance(agent, str)):
            raise UsageError(f"{where} is {dict(given)!r}: give its 'purpose' in words or as a Task, and its 'agent' by name.")
        check_steps(steps, where)
        step = PipelineStep(as_task(purpose), agent, cast("int | None", steps))
    if step.agent is not None and step.agent not in names:
        raise UsageError(f"{where} is for {step.agent!r}, who is not in the team. Agents: {', '.join(names)}.")
    return step


def check_on_failure(on_failure: object) -> None:
    """Pass silently if it is a choice there is.

    Raises:
        UsageError: It is not.
    """
    if on_failure not in get_args(OnFailure):
        raise UsageError(f"run_pipeline(on_failure={on_failure!r}): it is 'stop' or 'continue'.")


def steps_to_json(steps: Sequence[PipelineStep]) -> list[Json]:
    """For the record."""
    return [{"task": task_to_json(step.task), "agent": step.agent, "max_steps": step.max_steps} for step in steps]


def steps_from_json(kept: Json) -> tuple[PipelineStep, ...]:
    """From the record, where checks that are functions have only their names."""
    steps: list[PipelineStep] = []
    for each in kept if isinstance(kept, list) else []:
        if isinstance(each, dict) and isinstance(each.get("task"), dict):
            agent, most = each.get("agent"), each.get("max_steps")
            task = task_from_json(cast("dict[str, Json]", each["task"]))
            steps.append(PipelineStep(task, agent if isinstance(agent, str) else None, most if isinstance(most, int) else None))
    return tuple(steps)


def check_recorded(steps: Sequence[PipelineStep], run_id: str) -> None:
    """Pass silently if all that the steps need is in the record.

    Raises:
        CantResume: Checks of a task are functions.
    """
    for number, step in enumerate(steps, start=1):
        if any(check.kind == "callable" for check in step.task.checks):
            raise CantResume(
                f"A check of task {number} of {run_id} is a function, which is not in the record. Give the tasks again: "
                "resume(run_id, tasks=[...])."
            )
