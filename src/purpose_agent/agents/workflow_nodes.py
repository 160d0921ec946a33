"""What a node of a workflow does: call a function, or have an agent work.

In:  the state, the id of the node's own run.
Out: what it hands back, what that cost, and whose words are in it.

A function is the author's own code: async ones run on the loop, plain ones in a thread, so that they wait side by side.
Not here: when a node runs, retries and timeouts (`workflow_run.py`), and flows within flows (`workflow.py`).
"""

from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from typing import Any, ClassVar, Final, Literal, NamedTuple, Protocol, TypeAlias, cast

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.continuing import STANDS, promised, shared
from purpose_agent.agents.graph import called, seen
from purpose_agent.agents.graph_state import Shape
from purpose_agent.core.errors import PurposeAgentError, UsageError
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
NOTHING: Final = Usage()
GOALS = ("task", "goal")
"""Where an agent looks for what it should do."""


class PartFailed(PurposeAgentError):
    """A node did not come to anything.

    Attributes:
        status: As its own run ended, if it has one.
        then: What is still to be done about it: reflection.
        again: It may be tried again.
    """

    def __init__(
        self,
        message: str,
        *,
        status: RunStatus = "failed",
        usage: Usage | None = None,
        origin: Origin | None = None,
        then: Callable[[], Awaitable[object]] | None = None,
        again: bool = True,
    ) -> None:
        super().__init__(message)
        self.status: RunStatus = status
        self.usage = usage or Usage()
        self.origin: Origin | None = origin
        self.then = then
        self.again = again


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
    """

    update: Mapping[str, Json]
    usage: Usage = NOTHING
    origin: Origin | None = None
    then: Callable[[], Awaitable[object]] | None = None
    error: str = ""


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
class Calls:
    """A function of the state. Only async ones can be stopped."""

    function: Callable[[Any], object]
    can_stop: bool
    writes: str | None = None
    origin: Origin | None = None
    has_run: ClassVar[bool] = False

    @classmethod
    def of(cls, function: Callable[[Any], object], *, writes: str | None, origin: Origin | None) -> "Calls":
        """That function; whether it is async is looked up once."""
        called = getattr(function, "__call__", None)  # noqa: B004  # an object's own method, which may be async
        return cls(function, iscoroutinefunction(function) or iscoroutinefunction(called), writes, origin)

    async def perform(self, turn: Turn) -> Handed:
        view = turn.shape.view(turn.values)
        with _named(self.function, turn):
            if self.can_stop or turn.here:
                given = self.function(view)
            else:
                from anyio import to_thread

                given = await to_thread.run_sync(partial(self.function, view), abandon_on_cancel=True)
            if isawaitable(given):
                if turn.here:
                    raise PartFailed(f"{self.function!r} gave an awaitable back; define it with `async def`.", again=False)
                given = await cast("Awaitable[object]", given)
        if self.writes is not None:
            given = {self.writes: given}
        return Handed(turn.shape.update(given, f"Node {turn.node!r}"), origin=self.origin)


@dataclass(frozen=True, slots=True)
class Asks:
    """An agent, given a task that is made of the state; its answer is what the node writes.

    Attributes:
        task: Makes the task; None: the state's "task" or "goal", with all other values as inputs.
    """

    agent: Agent
    writes: str
    flow: str
    task: Callable[[Any], object] | None = None
    has_run: ClassVar[bool] = True

    @property
    def can_stop(self) -> bool:
        return True

    async def perform(self, turn: Turn) -> Handed:
        agent = self.agent
        result = await worked(agent, self._task(turn), turn)
        origin = result.taint.origin
        then = partial(agent.reflected, result, turn.listeners)
        if result.answer is None:
            why = f"{result.status.replace('_', ' ')}: {result.reason}"
            # What a person ended is not tried again.
            again = result.trace.finished is None or result.trace.finished.ended_by is None
            raise PartFailed(why, status=result.status, usage=result.usage, origin=origin, then=then, again=again)
        update = turn.shape.update({self.writes: result.answer}, f"Node {turn.node!r}")
        return Handed(update, result.usage, origin, then)

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
        found = {each: self._told(value, turn) for each, value in others.items() if each in turn.written}
        # The same task to the learner, whatever other nodes came to this time.
        key = f"{self.flow}/{turn.node}/{Task(goal, inputs=given).key}"
        return Task(goal if name not in turn.written else str(self._told(goal, turn)), inputs={**given, **found}, id=key)

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
    with _named(task, turn):
        return task(turn.shape.view(turn.values))


@contextmanager
def _named(function: object, turn: Turn) -> Generator[None]:
    """Within it, what an author's function raises says which one it was, and what it saw. Our own errors say so themselves."""
    try:
        yield
    except PurposeAgentError:
        raise
    # A door: it is the author's code.
    except Exception as error:
        raise PartFailed(f"{type(error).__name__}: {error} (in {called(function)}, on {seen(turn.values)})") from error


def check_work(name: str, work: object) -> None:
    """Refuse what no node can do.

    Raises:
        UsageError: `work` is a class, or can't be called.
    """
    if isinstance(work, type) or not callable(work):
        raise UsageError(
            f"add_node({name!r}, {work!r:.80}): a node is an agent, a flow, or a function that takes the state and gives back a dict."
        )
