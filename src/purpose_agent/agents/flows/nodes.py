"""What a node of a workflow does, and how an agent does it.

In:  the state, the id of the node's own run.
Out: what it hands back, what that cost, whose words are in it, and what checks say of it.

Not here: functions as nodes (`calls.py`), when a node runs, retries and timeouts (`run.py`), and flows within flows
(`runs.py`).
"""

from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, Literal, NamedTuple, Protocol, TypeAlias

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.continuing import STANDS, promised, shared
from purpose_agent.agents.flows.graph import called, seen
from purpose_agent.agents.flows.state import Shape
from purpose_agent.agents.flows.task import MOST_FOUND, cut, fitted, within
from purpose_agent.core.errors import PurposeAgentError, UsageError
from purpose_agent.core.memory import Memory
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Usage
from purpose_agent.core.origin import OWN, Origin, Taint
from purpose_agent.core.task import Task, as_task
from purpose_agent.engine.quoting import defused, quoted
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import RunStatus

InDoubt: TypeAlias = Literal["again", "fail"]


class Taught(Protocol):
    """What has lessons: an agent's result, a flow's."""

    @property
    def lessons(self) -> tuple[Memory, ...]: ...


Then: TypeAlias = Callable[[], Awaitable[Taught | None]]
"""Reflection on a node's run, which gives it back with its lessons."""
NOTHING: Final = Usage()
GOALS = ("task", "goal")
"""Where an agent looks for what it should do."""


class PartFailed(PurposeAgentError):
    """A node did not come to anything.

    Attributes:
        status: As its own run ended, if it has one.
        then: What is still to be done about it: reflection.
        again: It may be tried again.
        success: False if it had an answer, and checks say that it is wrong.
        phi: Of its own run.
        refused: Of its own run: why calls were not carried out.
    """

    def __init__(
        self,
        message: str,
        *,
        status: RunStatus = "failed",
        usage: Usage | None = None,
        origin: Origin | None = None,
        then: Then | None = None,
        again: bool = True,
        success: bool | None = None,
        phi: float | None = None,
        refused: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status: RunStatus = status
        self.usage = usage or Usage()
        self.origin: Origin | None = origin
        self.then = then
        self.again = again
        self.success = success
        self.phi = phi
        self.refused = refused


class PartStands(PurposeAgentError):
    """A node's own run waits for a person, or was paused."""

    def __init__(self, message: str, status: RunStatus, usage: Usage) -> None:
        super().__init__(message)
        self.status: RunStatus = status
        self.usage = usage


@dataclass(frozen=True, slots=True)
class Handed:
    """What a node hands back.

    Attributes:
        origin: The lowest origin of what is in it; None: its author's own.
        then: What is still to be done when it is saved: reflection.
        error: What went wrong, where the workflow goes on all the same.
        success: Of its own run; None where nobody judged.
        phi: Of its own run.
        refused: Of its own run: why calls were not carried out.
    """

    update: Mapping[str, Json]
    usage: Usage = NOTHING
    origin: Origin | None = None
    then: Then | None = None
    error: str = ""
    success: bool | None = None
    phi: float | None = None
    refused: tuple[str, ...] = ()


class Turn(NamedTuple):
    """What a node is given. A tuple, since one is made for each node that runs.

    Attributes:
        values: The state before the superstep; not to be changed.
        written: The names of values that nodes wrote.
        taint: Of what nodes handed back so far.
        run_id: Of the node's own run; "" for a function.
        parent: The workflow's run.
        keeps: Where runs of workflows are kept; None: nowhere.
        here: Nothing may wait: plain functions are called in this thread.
        shares: Its agents' runs are kept there too, so that another machine can go on with them.
        task: The workflow's.
    """

    node: str
    values: Mapping[str, Json]
    shape: Shape
    written: Collection[str]
    taint: Taint
    run_id: str
    parent: str
    listeners: Sequence[Listener]
    keeps: Checkpointer | None
    here: bool = False
    shares: bool = False
    task: Task | None = None


class Work(Protocol):
    """What a node does.

    Attributes:
        has_run: It is a run of its own, which goes on where it was.
        can_stop: It can be cancelled.
    """

    has_run: ClassVar[bool]

    @property
    def can_stop(self) -> bool: ...

    async def perform(self, turn: Turn) -> Handed:
        """Do it.

        Raises:
            PartFailed: It came to nothing.
            PartStands: It waits.
        """
        ...


@dataclass(frozen=True, slots=True)
class Node:
    """A node.

    Attributes:
        retries: So many more attempts after one that failed.
        timeout: Seconds for one attempt, or None.
        in_doubt: What becomes of an attempt that had begun when the process died, where it has no run of its own.
    """

    name: str
    work: Work
    retries: int = 0
    timeout: float | None = None
    in_doubt: InDoubt = "again"

    @property
    def is_kept(self) -> bool:
        """Whether it has to be on record that an attempt began."""
        return self.work.has_run or self.in_doubt == "fail"


@dataclass(frozen=True, slots=True)
class Asks:
    """An agent, given a task that is made of the state; its answer is what the node writes.

    Attributes:
        task: Makes the task; None: the state's "task" or "goal", with all other values as inputs.
        verdict: The value that says whether its checks passed; None: an answer whose checks failed is a failure.
    """

    agent: Agent
    writes: str
    flow: str
    task: Callable[[Any], object] | None = None
    verdict: str | None = None
    has_run: ClassVar[bool] = True

    @property
    def can_stop(self) -> bool:
        return True

    async def perform(self, turn: Turn) -> Handed:
        agent = self.agent
        task = self._task(turn)
        result = await worked(agent, task if turn.task is None else within(task, turn.task), turn)
        origin = result.taint.origin
        then = partial(agent.reflected, result, turn.listeners)
        if result.answer is None:
            why = f"{result.status.replace('_', ' ')}: {result.reason}"
            # What a person ended is not tried again.
            again = result.trace.finished is None or result.trace.finished.ended_by is None
            raise PartFailed(
                why,
                status=result.status,
                usage=result.usage,
                origin=origin,
                then=then,
                again=again,
                success=result.success,
                phi=result.final_phi,
                refused=result.refused,
            )
        told = "" if result.success is not False else _why_not(result)
        if told and self.verdict is None:
            raise PartFailed(
                told, usage=result.usage, origin=origin, then=then, success=False, phi=result.final_phi, refused=result.refused
            )
        given: dict[str, Json] = {self.writes: result.answer}
        if self.verdict is not None:
            given[self.verdict] = result.success
        update = turn.shape.update(given, f"Node {turn.node!r}")
        return Handed(update, result.usage, origin, then, told, result.success, result.final_phi, result.refused)

    def _task(self, turn: Turn) -> Task:
        if self.task is not None:
            made = made_by(self.task, turn)
            if isinstance(made, str | Task):
                return as_task(made)
            raise UsageError(f"Node {turn.node!r}: its task=... gave {made!r:.80}; it should be a text or a Task.")
        name = next((name for name in GOALS if turn.values.get(name)), None)
        goal = turn.values[name] if name is not None else None
        if not isinstance(goal, str):
            raise UsageError(
                f"Node {turn.node!r} is an agent, and the state {sorted(turn.values)} has no text under 'task' or 'goal' that says what"
                " to do. Put one there: run({'task': ...}), or make one: add_node(..., task=lambda state: ...)."
            )
        others = {each: value for each, value in turn.values.items() if each != name and value is not None}
        given = {each: value for each, value in others.items() if each not in turn.written}
        found = {each: self._told(value, turn) for each, value in fitted(others, turn.written).items()}
        # The same task to the learner, whatever other nodes came to this time.
        key = f"{self.flow}/{turn.node}/{Task(goal, inputs=given).key}"
        return Task(
            goal if name not in turn.written else str(self._told(cut(goal, MOST_FOUND), turn)),
            inputs={**given, **found},
            id=key,
        )

    def _told(self, value: Json, turn: Turn) -> Json:
        """What a node wrote, so that it can't pass for our words; quoted if others' words are in it, whoever wrote them down."""
        if not isinstance(value, str):
            return value  # shown as JSON, in which no line begins
        return defused(value) if turn.taint.origin in OWN else f"\n{quoted(value)}"


async def worked(agent: Agent, task: Task, turn: Turn, *, seed: int | None = None) -> TaskResult:
    """The agent's run of that turn, begun, gone on with or over, without reflection.

    Raises:
        PartStands: It waits, or was paused.
    """
    if turn.shares and turn.keeps is not None and agent.mode != "evaluation":
        agent = shared(agent, turn.run_id, turn.keeps)
    taint = Taint(turn.taint.origin, turn.taint.source)
    result = await promised(agent, task, turn.run_id, seed=seed, parent=turn.parent, taint=taint, listeners=turn.listeners)
    if result.status in STANDS:
        raise PartStands(result.reason, result.status, result.usage)
    return result


def made_by(task: Callable[[Any], object], turn: Turn) -> object:
    """What a node's `task=...` makes of the state.

    Raises:
        PartFailed: It raised something, which is the cause.
    """
    with named(task, turn):
        return task(turn.shape.view(turn.values))


@contextmanager
def named(function: object, turn: Turn) -> Generator[None]:
    """Within it, what an author's function raises says which one it was, and what it saw. Our own errors say so themselves."""
    try:
        yield
    except PurposeAgentError:
        raise
    # A door: it is the author's code.
    except Exception as error:
        raise PartFailed(f"{type(error).__name__}: {error} (in {called(function)}, on {seen(turn.values)})") from error


def _why_not(result: TaskResult) -> str:
    """Of an answer that is wrong."""
    failed = [check.detail or check.spec for check in result.checks if check.passed is False]
    return f"its checks failed: {'; '.join(failed)}" if failed else "its world says that the goal was not reached"
