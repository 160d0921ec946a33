"""Runs that an engine keeps and this workspace has not: found, and copied to where they can be looked at like any others.

In:  a workspace; the engine's checkpointer.
Out: a copy in a folder that is gone afterwards. The workspace itself is left as it is.

Of a run that is under way on a worker nobody here can tell whether that worker lives: it counts as running.
"""

import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from purpose_agent.agents.continuing import find_trace
from purpose_agent.agents.workspace import Workspace
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.events import AgentFinished, AgentStarted, HandedOver, RunStarted
from purpose_agent.runtime.trace import Trace


@contextmanager
def copied(traces: Sequence[Trace]) -> Generator[Workspace]:
    """A workspace that has these runs, as long as one looks."""
    with tempfile.TemporaryDirectory(prefix="purpose-agent-") as folder:
        place = Workspace(folder)
        try:
            for trace in traces:
                place.checkpointer.append(trace.events)
            yield place
        finally:
            place.close()


def newest_elsewhere(place: Workspace, keeps: Checkpointer, *, limit: int, top: bool) -> list[Trace]:
    """The newest runs that are kept there and not here.

    Args:
        top: Leave out those of members and parts.
    """
    kept = (keeps.load(id) for id in keeps.runs() if find_trace(place, id) is None)
    wanted = (trace for trace in kept if trace is not None and not (top and trace.of(RunStarted)[0].parent_run))
    return list(islice(wanted, limit))


def found_elsewhere(keeps: Checkpointer, run_id: str) -> list[Trace]:
    """The run as it is kept there, and all runs below it; [] if it is not."""
    return list(_with_parts(keeps, run_id, set()))


def _with_parts(keeps: Checkpointer, run_id: str, seen: set[str]) -> Iterator[Trace]:
    seen.add(run_id)
    trace = keeps.load(run_id)
    if trace is None:
        return
    yield trace
    for part in (*trace.of(AgentStarted), *trace.of(AgentFinished), *trace.of(HandedOver)):
        if part.run_id and part.run_id not in seen:
            yield from _with_parts(keeps, part.run_id, seen)
