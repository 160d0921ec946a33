"""Why a run stands still: what it and the runs below it ask people, and what was in flight when its process died.

In:  the id of a run of any kind.
Out: open questions, each with the run that asks; the run that is to be gone on with; parts whose end nobody knows.

A flow, a swarm or a team that waits asks nothing itself: one of its parts does, in a run of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from purpose_agent.agents.continuing import OVER, find_trace
from purpose_agent.agents.workspace import Workspace
from purpose_agent.runtime.events import AgentFinished, AgentStarted, PersonAsked, ToolReturned, ToolStarted
from purpose_agent.runtime.trace import Trace


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that nobody has answered.

    Attributes:
        run_id: The run that asks, which is the one to answer.
        agent: Whose run that is.
    """

    run_id: str
    agent: str
    question: PersonAsked


def asked_in(place: Workspace, run_id: str) -> tuple[Asked, ...]:
    """What a run and all runs below it ask, its own questions first.

    Raises:
        NotFound: There is no such run.
    """
    row = place.run(run_id)
    own = [Asked(run_id, row.agent, question) for question in place.control(run_id).questions()]
    return (*own, *(each for part in open_parts(place.trace(run_id)) for each in _below(place, part)))


def open_parts(trace: Trace) -> tuple[str, ...]:
    """The runs of its parts that have begun and did not come to their end by themselves, as far as the run itself knows."""
    over = {part.run_id for part in trace.of(AgentFinished) if part.status in OVER}
    return tuple(dict.fromkeys(part.run_id for part in trace.of(AgentStarted) if part.run_id and part.run_id not in over))


def top_of(place: Workspace, run_id: str) -> str:
    """The run that a run is a part of, from the outermost one; itself if it is no part.

    Raises:
        NotFound: There is no such run.
    """
    row = place.run(run_id)
    while row.parent is not None and find_trace(place, row.parent) is not None:
        row = place.run(row.parent)
    return row.id


def nodes_in_doubt(trace: Trace) -> tuple[str, ...]:
    """The nodes of a flow that had begun, must not be run twice unasked, and of which nobody knows how far they came."""
    begun = {part.key: part for part in trace.of(AgentStarted) if not part.run_id}
    ended = {part.key: part for part in trace.of(AgentFinished)}
    return tuple(
        part.name
        for key, part in begun.items()
        if key not in ended or ended[key].attempt < part.attempt or ended[key].status not in ("finished", "failed")
    )


def calls_in_flight(place: Workspace, run_id: str) -> tuple[str, ...]:
    """The calls that had begun and never came back, in a run and in all runs below it; not those that are made again anyhow."""
    trace = find_trace(place, run_id)
    if trace is None:
        return ()
    back = {each.observation.call_id for each in trace.of(ToolReturned)}
    own = [each.call_id for each in trace.of(ToolStarted) if each.call_id not in back and not each.idempotent]
    return (*dict.fromkeys(own), *(call for part in open_parts(trace) for call in calls_in_flight(place, part)))


def _below(place: Workspace, run_id: str) -> Iterator[Asked]:
    # One that was promised and has not begun asks nothing.
    if find_trace(place, run_id) is not None:
        yield from asked_in(place, run_id)
