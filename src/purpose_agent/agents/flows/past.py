"""What the record says of a workflow's run: its state, what is done, and what was under way.

In:  the trace of a run that stands still, failed, or whose process died.
Out: where it goes on.

What a node handed back is in the record from the moment it was over, so it is not done again, also where others of its superstep
were not done. The state is that of the last complete superstep.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from purpose_agent.agents.flows.graph import END, Edge, Graph
from purpose_agent.core.errors import CantResume
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Usage
from purpose_agent.core.origin import UNTAINTED, Taint
from purpose_agent.core.ports import Clock
from purpose_agent.core.task import Limits
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.events import (
    AgentFinished,
    AgentStarted,
    CheckpointSaved,
    HandedOver,
    RunFinished,
    RunStarted,
    RunSuspended,
    StateChanged,
)
from purpose_agent.runtime.forking import OVER
from purpose_agent.runtime.pool import Pool, current_share, spent_by_part
from purpose_agent.runtime.trace import Trace


@dataclass(slots=True)
class Past:
    """A run so far.

    Attributes:
        step: The last complete superstep; 0: none is.
        active: The nodes of the one after it.
        arrivals: Who has come at edges that wait for several.
        done: By node, of the superstep under way: what it handed back.
        judged: By node, of the same: how it ended.
        begun: By node, of the same: how its last attempt began.
        ended: By node, of the same: how its last attempt ended, if it is known and was no success.
        spent: Of all that has ended, by its run. A run that goes on ends with the usage of its earlier attempts in it.
        seconds: Of work, up to the last complete superstep.
        taint: Of all that nodes have handed back.
        last: What the last node that handed anything back wrote.
        success: Of that node's own run; None where nobody judged.
        phi: Of the same.
        written: The names of values that nodes wrote; all others are the caller's.
    """

    state: dict[str, Json] = field(default_factory=dict[str, Json])
    step: int = 0
    active: tuple[str, ...] = ()
    arrivals: dict[Edge, set[str]] = field(default_factory=dict[Edge, set[str]])
    done: dict[str, Mapping[str, Json]] = field(default_factory=dict[str, Mapping[str, Json]])
    begun: dict[str, AgentStarted] = field(default_factory=dict[str, AgentStarted])
    ended: dict[str, AgentFinished] = field(default_factory=dict[str, AgentFinished])
    spent: dict[str, Usage] = field(default_factory=dict[str, Usage])
    seconds: float = 0.0
    taint: Taint = UNTAINTED
    last: Mapping[str, Json] = field(default_factory=dict[str, Json])
    success: bool | None = None
    phi: float | None = None
    judged: dict[str, AgentFinished] = field(default_factory=dict[str, AgentFinished])
    written: set[str] = field(default_factory=set[str])

    @property
    def usage(self) -> Usage:
        """Of all that has ended, each run once."""
        return sum(self.spent.values(), Usage())

    def usage_with(self, standing: Mapping[str, Usage]) -> Usage:
        """The same, with runs that stand still, whose earlier attempts may have ended."""
        return sum({**self.spent, **standing}.values(), Usage())

    def part_finished(self, part: AgentFinished) -> None:
        """An attempt of a node is over."""
        if part.usage != Usage():
            self.spent[part.run_id or f"{part.key}/{part.attempt}"] = part.usage
        if part.origin is not None:
            self.taint = self.taint.mixed(Taint(part.origin, part.name))
        if part.status == "finished":
            self.done[part.name] = part.output if isinstance(part.output, dict) else {}
            self.judged[part.name] = part
            self.ended.pop(part.name, None)
        else:
            self.ended[part.name] = part

    def superstep_ended(self, step: int, order: Iterable[str]) -> None:
        """All of its nodes are done; `order` is that in which they count."""
        self.step = step
        for name in order:
            if self.done.get(name):
                self.last = self.done[name]
                self.success, self.phi = self.judged[name].success, self.judged[name].phi
        self.done, self.begun, self.ended, self.judged = {}, {}, {}, {}


def past_of(trace: Trace, graph: Graph) -> Past:
    """Read it from the trace.

    Args:
        graph: As the program has it now.

    Raises:
        CantResume: Nodes of the run are not in it any more.
    """
    past = Past(state=dict(trace.final_state.values))
    chosen: list[str] = []
    for event in trace.events:
        match event.payload:
            case RunStarted(origin=origin, source=source):
                past.taint = Taint(origin, source)
            case StateChanged(values=values):
                past.written.update(values)
            case HandedOver(receiver=receiver):
                chosen.append(receiver)
            case AgentStarted() as part:
                past.begun[part.name] = part
            case AgentFinished() as part:
                past.part_finished(part)
            case CheckpointSaved(step=step, seconds=seconds):
                past.seconds = seconds
                past.active = graph.following(tuple(past.done), chosen, arrivals=past.arrivals)
                past.superstep_ended(step, graph.names)
                chosen = []
            case _:
                pass
    if past.step == 0:
        past.active = graph.following((), chosen, arrivals=past.arrivals, began=True)
    if gone := {*past.begun, *past.done, *past.ended, *chosen} - {*graph.names, END}:
        raise CantResume(
            f"{trace.run_id} was a run of a flow with the node {min(gone)!r}, which this one lacks. Resume it with the flow it began with."
        )
    return past


def pool_of(name: str, limits: Limits | None, clock: Clock, before: Trace | None, keeps: Checkpointer | None) -> Pool | None:
    """What the parts of a workflow's run share, less what they had before if it goes on; None if it has no limits.

    What it is a part of itself is told what its parts had cost.
    """
    shared = current_share()
    if shared is not None and before is not None:
        # Parts that go on tell what they have cost by themselves.
        shared.charge(sum((part.usage for part in before.of(AgentFinished) if part.status in OVER), Usage()))
    if limits is None:
        return None
    ends = [*before.of(CheckpointSaved), *before.of(RunSuspended), *before.of(RunFinished)] if before is not None else []
    seconds = max((each.seconds or 0.0 for each in ends), default=0.0)
    return Pool(f"The flow {name!r}", limits, clock, spent=spent_by_part(before, keeps), seconds=seconds)
