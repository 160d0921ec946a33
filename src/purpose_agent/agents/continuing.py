"""A run that was promised under an id: begun, gone on with, or its result, as the record has it.

In:  an agent, a task, the id that whoever handed out the work has recorded.
Out: the run's result. However often it is asked for, what is done is not done again.
"""

from collections.abc import Sequence

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import NotFound
from purpose_agent.core.model import NO_MODEL, Usage
from purpose_agent.core.origin import UNTAINTED, Taint
from purpose_agent.core.task import Task, task_to_json
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import RunFinished, RunStarted, RunStatus, RunSuspended
from purpose_agent.runtime.forking import OVER
from purpose_agent.runtime.trace import Trace

STANDS: frozenset[RunStatus] = frozenset({"waiting", "paused"})


async def promised(
    agent: Agent,
    task: Task,
    run_id: str,
    *,
    seed: int | None = None,
    parent: str | None = None,
    taint: Taint = UNTAINTED,
    listeners: Sequence[Listener] = (),
    stream: bool = False,
) -> TaskResult:
    """The agent's run of that id, without reflection.

    Args:
        agent: At home, or as `shared` gives it.

    Raises:
        CantResume: It is under way in another process, or lacks what it needs to go on.
        RunTaken: Another process goes on with it.
    """
    trace = find_trace(agent.workspace, run_id)
    if trace is None:
        return await agent.attempt(
            task, seed=seed, parent=parent, taint=taint, listeners=listeners, run_id=run_id, stream=stream
        )
    if is_over(trace):
        return TaskResult(trace)
    # Functions in checks are in no record; all else is, without its secrets.
    has_functions = any(check.kind == "callable" for check in task.checks)
    return await agent.go_on(run_id, task=task if has_functions else None, listeners=listeners, stream=stream)


def broken(agent: Agent, task: Task, run_id: str, why: str, *, parent: str) -> TaskResult:
    """The run that an error ended, as it was recorded; of one that was not, when it began and what ended it."""
    place = agent.workspace
    trace = find_trace(place, run_id)
    if trace is None or trace.finished is None:
        bus = EventBus(run_id, place.clock, place.ids, before=trace.events if trace is not None else ())
        if trace is None:
            first = RunStarted(task_to_json(task), agent.name, NO_MODEL, agent.mode, task.inputs, parent, of="agent")
            bus.publish(first, lane=agent.name)
        usage = trace.usage if trace is not None else Usage()
        bus.publish(RunFinished("failed", None, None, None, usage, why), lane=agent.name)
        trace = Trace(tuple(bus.events))
    return TaskResult(trace)


def shared(agent: Agent, run_id: str, keeps: Checkpointer) -> Agent:
    """The agent, whose runs are kept there too; what is kept of the run is brought to its workspace."""
    place = agent.workspace.keeping(keeps)
    brought(place, run_id, keeps)
    return agent.moved(place, agent.mode)


def brought(place: Workspace, run_id: str, keeps: Checkpointer) -> Trace | None:
    """The run as it is kept there, now also in the workspace; None if there is none.

    One that was under way is taken from the process that had it: of two that try, the second gets `RunTaken`.

    Args:
        place: One that keeps its runs there.
    """
    trace = keeps.load(run_id)
    if trace is None:
        return None
    place.bring(trace)
    if trace.end is not None:
        return trace
    bus = EventBus(run_id, place.clock, place.ids, before=trace.events)
    last = trace.events[-1]
    bus.publish(RunSuspended("interrupted", "its process ended", trace.usage), lane=trace.events[0].lane, step=last.step)
    with bus.saving() as events:
        place.record.append(events)
    return Trace(tuple(bus.events))


def find_trace(place: Workspace, run_id: str) -> Trace | None:
    """The run as far as it was saved, if there is one of that id."""
    try:
        return place.trace(run_id)
    except NotFound:
        return None


def is_over(trace: Trace) -> bool:
    """The run came to its end by itself."""
    return trace.finished is not None and trace.finished.status in OVER
