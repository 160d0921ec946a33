"""What finished runs had read, from the record.

In:  ids of runs; or an origin and a source.
Out: the taint of each: the lowest origin of all that was in its context; or the runs that read something from there.

In records of versions that did not keep it, a run that got anything from a tool or a world counts as "tool".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from purpose_agent.core.codec import from_json
from purpose_agent.core.origin import OWN, Origin, Taint
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import AgentFinished, RunFinished, RunStarted, ToolReturned
from purpose_agent.runtime.trace import Trace

UNTOLD = Taint("tool", "a run of an older version")


def taints_of(db: Database, run_ids: Sequence[str]) -> Mapping[str, Taint]:
    """By the id of the run. Of a run that is not there, or has not ended, nothing is known: it has none."""
    marks = ", ".join("?" * len(run_ids))
    ends = db.rows(f"SELECT run_id, payload FROM events WHERE run_id IN ({marks}) AND kind = 'run_finished'", tuple(run_ids))
    told = {str(run_id): taint_at(from_json(RunFinished, str(text))) for run_id, text in ends}
    untold = tuple(run_id for run_id, taint in told.items() if taint is None)
    marks = ", ".join("?" * len(untold))
    acted = db.rows(f"SELECT DISTINCT run_id FROM events WHERE run_id IN ({marks}) AND kind = 'tool_returned'", untold)
    with_tools = {str(run_id) for (run_id,) in acted}
    return {run_id: taint or (UNTOLD if run_id in with_tools else Taint()) for run_id, taint in told.items()}


def runs_that_read(db: Database, *, origin: Origin | None = None, source: str | None = None) -> frozenset[str]:
    """Runs in which a tool or a world returned somebody else's words of that origin, from there; a taint names only one source.

    Args:
        source: How the name of the page, file or tool begins.
    """
    own = ", ".join(f"'{name}'" for name in sorted(OWN))
    rows = db.rows(
        "SELECT DISTINCT run_id FROM (SELECT run_id, coalesce(payload ->> '$.observation.origin', 'tool') AS origin,"
        " coalesce(payload ->> '$.observation.source', '') AS source FROM events WHERE kind = 'tool_returned')"
        f" WHERE origin NOT IN ({own}) AND (?1 IS NULL OR origin = ?1) AND (?2 IS NULL OR substr(source, 1, length(?2)) = ?2)",
        (origin, source),
    )
    return frozenset(str(run_id) for (run_id,) in rows)


def taint_at(end: RunFinished) -> Taint | None:
    """The taint that a run ended with; None if its version did not keep it."""
    return None if end.origin is None else Taint(end.origin, end.source, end.tainted_at)


def taint_so_far(trace: Trace) -> Taint:
    """Of a run that has not ended by itself: of its task, of all that came back in it, and of what its parts had read."""
    first = trace.events[0]
    seen = [(event.step, event.payload.observation) for event in trace.events if isinstance(event.payload, ToolReturned)]
    if first.version < 2 or not isinstance(first.payload, RunStarted):
        return UNTOLD if seen else Taint()
    taint = Taint(first.payload.origin, first.payload.source)
    for step, observation in seen:
        taint = taint.mixed(Taint(observation.origin, observation.source, step))
    for part in trace.of(AgentFinished):
        if part.origin is not None:
            taint = taint.mixed(Taint(part.origin, part.name))
    return taint


def read_by(run_id: str, taints: Mapping[str, Taint], others: Iterable[str] = ()) -> Taint:
    """What a lesson from the run is made of, and from `others`. A step is named only if it is one of the run itself."""
    read = taints.get(run_id, Taint())
    for other in others:
        read = read.mixed(replace(taints.get(other, Taint()), step=None))
    return read
