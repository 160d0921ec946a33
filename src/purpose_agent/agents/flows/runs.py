"""Runs of a workflow: begun, gone on with, and as a node of another workflow.

In:  the plan, a first state or the trace of a run.
Out: a `WorkflowRun`, whose beginning is published, and not yet saved.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from purpose_agent.agents.continuing import STANDS
from purpose_agent.agents.flows.graph import Graph, fingerprint
from purpose_agent.agents.flows.nodes import GOALS, Asks, Handed, Node, PartFailed, PartStands, Then, Turn, made_by
from purpose_agent.agents.flows.past import Past, past_of, pool_of
from purpose_agent.agents.flows.result import WorkflowResult
from purpose_agent.agents.flows.run import WorkflowRun
from purpose_agent.agents.flows.state import Shape
from purpose_agent.agents.hearing import Hearing
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import CantResume, UsageError
from purpose_agent.core.ids import IdSource, new_id
from purpose_agent.core.messages import Json
from purpose_agent.core.origin import UNTAINTED, Taint
from purpose_agent.core.ports import Clock
from purpose_agent.core.task import Limits, Task, task_from_json, task_to_json
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.checkpoints.sqlite import SqliteCheckpointer
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import (
    AgentFinished,
    HandedOver,
    RunFinished,
    RunMode,
    RunResumed,
    RunStarted,
)
from purpose_agent.runtime.forking import check_not_ended
from purpose_agent.runtime.record import this_process
from purpose_agent.runtime.trace import Trace

_MODES: tuple[RunMode, ...] = ("learning", "validation", "evaluation")
_CLOCK = SystemClock()


@dataclass(slots=True)
class Plan:
    """A workflow as its runs need it.

    Attributes:
        limits: What all parts of a run may spend together, or None.
        place: The workspace of its agents; None if there is none.
    """

    name: str
    shape: Shape
    max_steps: int
    limits: Limits | None = None
    place: Workspace | None = None
    graph: Graph = field(default_factory=Graph)
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    _drawing: tuple[tuple[int, int, int], str] = ((0, 0, 0), "")

    @property
    def clock(self) -> Clock:
        """The workspace's, or the system's."""
        return self.place.clock if self.place is not None else _CLOCK

    @property
    def ids(self) -> IdSource:
        """The workspace's, or random ones."""
        return self.place.ids if self.place is not None else new_id

    @property
    def mode(self) -> RunMode:
        """The strictest of its agents'."""
        modes: list[RunMode] = ["learning"]
        for node in self.nodes.values():
            match node.work:
                case Asks(agent=agent):
                    modes.append(agent.mode)
                case Nested(plan=plan):
                    modes.append(plan.mode)
                case _:
                    pass
        return max(modes, key=_MODES.index)

    @property
    def drawing(self) -> str:
        """A fingerprint of its nodes, by name and kind, and of what leads where; not of their code."""
        size = (len(self.graph.names), len(self.graph.edges), len(self.graph.branches))
        if self._drawing[0] != size:
            nodes = [(name, _kind_of(self.nodes[name].work)) for name in self.graph.names]
            self._drawing = (size, fingerprint(self.graph, nodes))
        return self._drawing[1]

    def belongs(self, trace: Trace) -> None:
        """Pass silently if the run is one of this workflow.

        Raises:
            CantResume: It is another one's; or this one has other nodes, or other edges, than when the run began.
        """
        if trace.events[0].lane != self.name:
            raise CantResume(
                f"{trace.run_id} is a run of {trace.events[0].lane!r}, not of {self.name!r}; resume it with that flow."
            )
        started = trace.of(RunStarted)[0]
        if started.of not in ("flow", None):
            raise CantResume(
                f"{trace.run_id} is a run of the {started.of} {started.agent!r}, and no flow's; resume it with that."
            )
        drawn = started.drawing
        if drawn and drawn != self.drawing:
            gone = sorted({part.name for part in trace.of(AgentFinished)} - {*self.graph.names})
            lacks = f" It had the node {gone[0]!r}, which this one lacks." if gone else ""
            raise CantResume(
                f"{trace.run_id} is a run of a flow {self.name!r} that was drawn in another way: this one has the nodes"
                f" {', '.join(self.graph.names)}, or other edges between them.{lacks} Resume it with the flow it began with; give each flow"
                " a name of its own: Flow('name')."
            )

    @property
    def waits_for_nothing(self) -> bool:
        """It is one line of plain functions, so that whoever calls it can as well work it off."""
        in_time = self.limits is not None and self.limits.seconds is not None
        return (
            not in_time
            and self.graph.is_line
            and all(not (node.work.can_stop or node.work.has_run or node.timeout) for node in self.nodes.values())
        )


class InDoubt(CantResume):
    """A function had begun that must not be called twice, and nobody knows how far it came."""


def _goal(plan: Plan, state: Mapping[str, Json]) -> str:
    said = (text for name in GOALS if isinstance(text := state.get(name), str) and text.strip())
    return next(said, f"Run the flow {plan.name!r}")


def _kind_of(work: object) -> str:
    match work:
        case Asks(agent=agent):
            return f"agent {agent.name}"
        case Nested(plan=plan):
            return f"flow {plan.drawing}"
        case _:
            return "function"


def begun(
    plan: Plan,
    state: Mapping[str, Json],
    *,
    run_id: str | None = None,
    parent: str | None = None,
    taint: Taint = UNTAINTED,
    listeners: Sequence[Listener] = (),
    keeps: Checkpointer | None = None,
    here: bool = False,
    shares: bool = False,
    task: Task | None = None,
) -> WorkflowRun:
    """A new run.

    Args:
        task: What it was given, if that was a task; `state` has its goal and inputs.
    """
    run = _run(
        plan, EventBus(run_id or plan.ids("run"), plan.clock, plan.ids), Past(dict(state)), listeners, keeps, here, shares
    )
    following = plan.graph.first(lambda: plan.shape.view(state))
    run.task = task
    started = RunStarted(
        task_to_json(Task(_goal(plan, state)) if task is None else task),
        plan.name,
        "none",
        plan.mode,
        dict(state),
        parent,
        limits=plan.limits,
        origin=taint.origin,
        source=taint.source,
        of="flow",
        owner=this_process(),
        drawing=plan.drawing,
    )
    run.bus.publish(started, lane=plan.name)
    for chosen in following.chosen:
        run.bus.publish(HandedOver(chosen.source, chosen.target, "", chosen.label), lane=plan.name)
    run.past.active = following.active
    run.past.taint = Taint(taint.origin, taint.source)
    return run


def gone_on_with(
    plan: Plan,
    trace: Trace,
    *,
    again: Collection[str] = (),
    done: Mapping[str, object] | None = None,
    listeners: Sequence[Listener] = (),
    keeps: Checkpointer | None = None,
    here: bool = False,
    shares: bool = False,
) -> WorkflowRun:
    """A run that goes on where it was.

    Args:
        again: Nodes that are in doubt, and shall be run again.
        done: By node that is in doubt: what it handed back, as somebody found out.

    Raises:
        CantResume: A person ended it, or it is another flow's.
        InDoubt: Nodes are in doubt, and nobody said what of them.
    """
    check_not_ended(trace)
    found = dict(done or {})
    plan.belongs(trace)
    past = past_of(trace, plan.graph)
    doubtful = [name for name in past.active if name not in past.done and _is_in_doubt(plan.nodes[name], past)]
    if wrong := {*again, *found} - {*past.active}:
        raise UsageError(f"resume({trace.run_id!r}): {min(wrong)!r} was not under way. These were: {', '.join(past.active)}.")
    if left := [name for name in doubtful if name not in again and name not in found]:
        raise InDoubt(
            f"Node {left[0]!r} of {trace.run_id} had begun when its process ended, and nobody knows how far it came. Find out; then run it"
            f" again with resume({trace.run_id!r}, again=[{left[0]!r}]), or give what it came to:"
            f" resume({trace.run_id!r}, done={{{left[0]!r}: {{...}}}})."
        )
    bus = EventBus(trace.run_id, plan.clock, plan.ids, before=trace.events)
    run = _run(plan, bus, past, listeners, keeps, here, shares, before=trace)
    run.task = task_from_json(trace.of(RunStarted)[0].task)
    resumed = RunResumed(this_process(), past.step, trace.stopped_as)
    bus.publish(resumed, lane=plan.name, step=past.step)
    for name in set(doubtful) & set(again):
        # What somebody said is on record, so that whoever goes on next need not be told again.
        attempt = past.begun[name].attempt
        part = AgentFinished(f"{past.step + 1}/{name}", name, "failed", error="in doubt; somebody said: again", attempt=attempt)
        bus.publish(part, lane=name, step=past.step + 1)
        past.part_finished(part)
    for name, output in found.items():
        part = AgentFinished(
            f"{past.step + 1}/{name}", name, "finished", plan.shape.update(output, f"done={{{name!r}: ...}}"), error=""
        )
        bus.publish(part, lane=name, step=past.step + 1)
        past.part_finished(part)
    return run


def failed_in_doubt(plan: Plan, trace: Trace, why: str, keeps: Checkpointer) -> WorkflowResult:
    """The end of a run that nobody can be asked about here: it failed, until somebody says what became of its nodes."""
    if trace.finished is not None and trace.finished.reason == why:
        return WorkflowResult(trace)
    bus, past = EventBus(trace.run_id, plan.clock, plan.ids, before=trace.events), past_of(trace, plan.graph)
    resumed = RunResumed(this_process(), past.step, trace.stopped_as)
    taint = past.taint
    end = RunFinished("failed", None, None, None, past.usage, why, taint.origin, taint.source, None, seconds=past.seconds)
    for payload in (resumed, end):
        bus.publish(payload, lane=plan.name, step=past.step)
    with bus.saving() as events:
        keeps.append(events)
    return WorkflowResult(Trace(tuple(bus.events)))


def _is_in_doubt(node: Node, past: Past) -> bool:
    """An attempt had begun, and how it ended nobody knows, or it was cut off."""
    if node.in_doubt != "fail" or node.work.has_run or node.name not in past.begun:
        return False
    ended = past.ended.get(node.name)
    return ended is None or ended.status != "failed" or ended.attempt < past.begun[node.name].attempt


def _run(
    plan: Plan,
    bus: EventBus,
    past: Past,
    listeners: Sequence[Listener],
    keeps: Checkpointer | None,
    here: bool,
    shares: bool,
    *,
    before: Trace | None = None,
) -> WorkflowRun:
    # Who is kept in a workspace's file can be spoken to there: a flow within a flow, too.
    hears = isinstance(keeps, SqliteCheckpointer)
    hearing = Hearing(keeps.record, bus.run_id, plan.clock, resuming=before is not None) if hears else None
    for listener in listeners:
        bus.listen(listener)
    return WorkflowRun(
        plan.name,
        plan.graph,
        plan.nodes,
        plan.shape,
        bus,
        past,
        keeps,
        plan.ids,
        plan.max_steps,
        listeners,
        here,
        shares,
        hearing,
        pool_of(plan.name, plan.limits, plan.clock, before, keeps),
        runner=plan.place.code_runner if plan.place is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Nested:
    """A workflow as a node: a run of its own, whose changes of the state are what the node hands back.

    Attributes:
        writes: The value that its answer goes to; None: all that it changed goes to values of the same names.
        task: Makes its first state; None: the state, without the values that are merged here, which it would count twice.
    """

    plan: Plan
    writes: str | None = None
    task: Callable[[Any], object] | None = None
    has_run: ClassVar[bool] = True

    @property
    def can_stop(self) -> bool:
        return True

    async def perform(self, turn: Turn) -> Handed:
        first = self._first(turn)
        result = await self._result(first, turn)
        if result.status in STANDS:
            raise PartStands(result.reason, result.status, result.usage)
        taint = result.trace.finished.origin if result.trace.finished is not None else None
        if result.status != "finished":
            why = f"{result.status}: {result.reason}"
            # What a person ended is not tried again. Else its run goes on where it stopped: what failed its checks in it is tried
            # again there.
            ended = result.trace.finished is not None and result.trace.finished.ended_by is not None
            raise PartFailed(
                why,
                status=result.status,
                usage=result.usage,
                origin=taint,
                then=_told(result),
                again=not ended,
                phi=result.final_phi,
                refused=result.refused,
            )
        changed: dict[str, Json] = {
            name: value for name, value in result.state.items() if name not in first or first[name] != value
        }
        given = changed if self.writes is None else {self.writes: result.answer}
        update = turn.shape.update(given, f"Node {turn.node!r}")
        return Handed(
            update, result.usage, taint, _told(result), success=result.success, phi=result.final_phi, refused=result.refused
        )

    async def _result(self, first: Mapping[str, Json], turn: Turn) -> WorkflowResult:
        trace = turn.keeps.load(turn.run_id) if turn.keeps is not None else None
        if trace is None:
            run = begun(
                self.plan,
                first,
                run_id=turn.run_id,
                parent=turn.parent,
                taint=turn.taint,
                listeners=turn.listeners,
                keeps=turn.keeps,
                shares=turn.shares,
                task=None if turn.task is None else replace(turn.task, goal=_goal(self.plan, first), checks=(), inputs={}),
            )
        elif trace.finished is not None and trace.finished.status == "finished":
            self.plan.belongs(trace)
            return WorkflowResult(trace)
        else:
            run = gone_on_with(self.plan, trace, listeners=turn.listeners, keeps=turn.keeps, shares=turn.shares)
        return await run.to_the_end()

    def _first(self, turn: Turn) -> dict[str, Json]:
        if self.task is not None:
            return self.plan.shape.first(made_by(self.task, turn))
        merged = turn.shape.reducers
        return self.plan.shape.first(
            {name: value for name, value in turn.values.items() if name not in merged and self.plan.shape.has(name)}
        )


def _told(result: WorkflowResult) -> Then | None:
    """Its agents' lessons, told where the flow around it ends."""

    async def told() -> WorkflowResult:
        return result

    return told if result.lessons else None
