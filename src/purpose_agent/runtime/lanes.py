"""One order for what happened side by side.

In:  the trace of a run, and those of its members and parts.
Out: all their events in one order, which depends on what happened on each lane, and not on how the lanes took turns.

Branches that run at the same time save their events in the order in which they happen to come, another one each time. Here they
are told one after the other: by step, then by lane, the run's own lane first, then as they came on the lane. A part's own run
stands where the part began. What closes a step or the run on its own lane (`CheckpointSaved`, `RunFinished`, `RunSuspended`)
comes after all that happened in it on other lanes. So a part that runs beside others needs a lane of its own.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import TypeAlias

from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import TERMINAL, AgentFinished, AgentStarted, Event, HandedOver, RunStarted
from purpose_agent.runtime.record import load_trace
from purpose_agent.runtime.trace import Trace

_Moment: TypeAlias = tuple[int, bool]
"""A step, and whether its own lane has closed it."""


def merged(run: Trace, others: Iterable[Trace] = ()) -> tuple[Event, ...]:
    """The events of a run and of all runs below it, in one order.

    Args:
        others: Of its members and parts, and of theirs. Runs that do not belong to it are left out.
    """
    waiting = {trace.run_id: trace for trace in others if trace.run_id != run.run_id}
    return tuple(_told(run, waiting))


def timeline(db: Database, run_id: str) -> tuple[Event, ...]:
    """`merged`, from the record.

    Raises:
        NotFound: There is no such run.
        WorkspaceError: An event can't be read.
    """
    rows = db.rows(
        "WITH RECURSIVE below(id) AS (VALUES(?1) UNION SELECT runs.id FROM runs JOIN below ON runs.parent = below.id)"
        " SELECT id FROM below WHERE id != ?1 ORDER BY id",
        (run_id,),
    )
    return merged(load_trace(db, run_id), [load_trace(db, str(row[0])) for row in rows])


def _told(run: Trace, waiting: dict[str, Trace]) -> Iterable[Event]:
    """The run's events, each part's where it began; parts leave `waiting`."""
    ordered = _ordered(run)
    # No event of the run names them: the process died before it could. Their place is before the run's end.
    named = {_part(event) for event in ordered}
    unnamed = [id for id in sorted(waiting) if id not in named and _parent(waiting[id]) == run.run_id]
    last = next((place for place in reversed(range(len(ordered))) if _is_end(ordered[place])), len(ordered))
    for place, event in enumerate((*ordered, None)):
        if place == last:
            for run_id in unnamed:
                yield from _part_of(run_id, waiting)
        if event is None:
            return
        after = isinstance(event.payload, AgentFinished)
        if after:
            yield from _part_of(_part(event), waiting)
        yield event
        if not after:
            yield from _part_of(_part(event), waiting)


def _part_of(run_id: str, waiting: dict[str, Trace]) -> Iterable[Event]:
    part = waiting.pop(run_id, None)
    return () if part is None else _told(part, waiting)


def _ordered(run: Trace) -> list[Event]:
    """One run's events. Ends of the run divide them: nothing happens beside an end."""
    own = run.events[0].lane
    ordered: list[Event] = []
    segment: list[Event] = []
    for event in run.events:
        segment.append(event)
        if _is_end(event):
            ordered += [*_segment(segment[:-1], own), event]
            segment = []
    return ordered + _segment(segment, own)


def _segment(events: list[Event], own: str) -> list[Event]:
    moments: dict[str, _Moment] = {}
    keyed: list[tuple[int, bool, bool, list[tuple[bool, int, str]], str, Event]] = []
    for event in events:
        closes = event.lane == own and event.payload.kind == "checkpoint_saved"
        # On a lane time only goes on, whatever step an event says it belongs to.
        step, closed = max(moments.get(event.lane, (0, False)), (event.step, closes))
        moments[event.lane] = step, closed
        keyed.append((step, closed, event.lane != own, _natural(event.lane), event.lane, event))
    keyed.sort(key=lambda each: each[:-1])  # stable: on a lane as they came
    return [each[-1] for each in keyed]


def _natural(lane: str) -> list[tuple[bool, int, str]]:
    """So that lane "10" comes after lane "9"."""
    parts = ("".join(part) for _, part in groupby(lane, lambda letter: letter.isascii() and letter.isdigit()))
    return [(False, int(part), "") if part.isascii() and part.isdigit() else (True, 0, part) for part in parts]


def _is_end(event: Event) -> bool:
    return event.payload.kind in TERMINAL


def _part(event: Event) -> str:
    """The run that an event of another run tells of, or ""."""
    return event.payload.run_id if isinstance(event.payload, AgentStarted | AgentFinished | HandedOver) else ""


def _parent(trace: Trace) -> str | None:
    return next((started.parent_run for started in trace.of(RunStarted)), None)
