"""Runs that can go on, and runs that begin as another one did.

In:  the id of a run.
Out: its trace, if it may be resumed; or a new run with copies of its first steps.

A fork has events of its own: nothing that happens in it touches the run it came from. What its first steps did to the world
is done; it is not done again, and not undone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from purpose_agent.core.errors import CantResume
from purpose_agent.core.ids import IdSource
from purpose_agent.core.ports import Clock
from purpose_agent.core.task import task_from_json
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import (
    CheckpointSaved,
    Event,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStatus,
    RunSuspended,
)
from purpose_agent.runtime.owner import is_running
from purpose_agent.runtime.record import NOT_WANTED, PENDING, RunRecord, RunRow, find_run, get_run, load_trace
from purpose_agent.runtime.trace import Trace

OVER: frozenset[RunStatus] = frozenset({"finished", "gave_up", "exhausted"})
"""Of an agent's run or a team's: it came to its end by itself, and going on would change nothing."""
RESUMABLE = ("waiting", "paused", "interrupted", "cancelled", "failed")


def resumable(db: Database, run_id: str) -> tuple[RunRow, Trace]:
    """A run that can go on.

    Raises:
        NotFound: There is none of that id.
        CantResume: It is over, or under way; or a person ended it, or what it is a part of.
    """
    row = get_run(db, run_id)
    if row.status == "running":
        raise _under_way(run_id, row.owner)
    trace = load_trace(db, run_id)
    check_not_ended(trace)
    above = row
    while above.parent is not None and (whole := find_run(db, above.parent)) is not None:
        above = whole
        check_not_ended(load_trace(db, whole.id), part=run_id)
    if row.status not in RESUMABLE:
        raise CantResume(
            f"{run_id} is over ({row.status}): there is nothing to go on with. To go on from a step of it: fork it."
        )
    return row, trace


def check_free(trace: Trace) -> None:
    """Pass silently unless a process of this machine is at work on the run, as the run's own events tell it.

    Raises:
        CantResume: One is.
    """
    owner = next((each.owner for each in reversed((*trace.of(RunStarted), *trace.of(RunResumed)))), "")
    if owner and trace.end is None and is_running(trace.run_id, owner):
        raise _under_way(trace.run_id, owner)


def check_not_ended(trace: Trace, *, part: str = "") -> None:
    """Pass silently unless a person ended the run.

    Args:
        part: The id of a run that is a part of it, if that is the one which would go on.

    Raises:
        CantResume: A person did, and that is final: of an agent, a team, a flow or a swarm alike.
    """
    end = trace.finished
    if end is not None and end.ended_by is not None:
        which = f"{part} is a part of {trace.run_id}, which" if part else trace.run_id
        raise CantResume(f"{which} was {end.reason}. That is final: what a person ended does not go on. Run the task again.")


def fork(db: Database, record: RunRecord, run_id: str, *, at: int | None, seed: int | None, ids: IdSource, clock: Clock) -> str:
    """Copy the first steps of a run into a new one, which is "paused"; see `Workspace.fork`."""
    row, trace = get_run(db, run_id), load_trace(db, run_id)
    steps = [each.step for each in trace.of(CheckpointSaved)]
    last = max(steps, default=0) if at is None else at
    if last != 0 and last not in steps:
        known = f"steps 0 to {max(steps)}" if steps else "step 0 only"
        raise CantResume(f"fork({run_id!r}, at={last}): that step was never complete. It can be forked at {known}.")
    events = forked(trace, last, ids("run"), seed=seed, ids=ids)
    still = Event(
        ids("evt"),
        events[0].run_id,
        len(events) + 1,
        clock.now(),
        events[0].lane,
        last,
        RunSuspended("paused", f"forked from {run_id} after step {last}", seconds=_seconds(events)),
        version=events[0].version,
    )
    started = events[0].payload
    assert isinstance(started, RunStarted), "a run begins with its start"
    task = task_from_json(started.task)
    record.open(
        events[0],
        task,
        family=row.family,
        task_key=row.task_key,
        reflected=PENDING if row.mode == "learning" else NOT_WANTED,
        events=(*events[1:], still),
    )
    return events[0].run_id


def forked(trace: Trace, at: int, run_id: str, *, seed: int | None, ids: IdSource) -> tuple[Event, ...]:
    """The events of the first `at` steps, as those of another run."""
    kept = [event for event in _events_under_way(trace.events) if event.step <= at]
    own = {event.id: ids("evt") for event in kept}
    events: list[Event] = []
    for number, event in enumerate(kept, start=1):
        payload = event.payload
        if isinstance(payload, RunStarted):
            payload = replace(
                payload, forked_from=trace.run_id, forked_at=at, seed=payload.seed if seed is None else seed, parent_run=None
            )
        parent = own.get(event.parent) if event.parent is not None else None
        events.append(replace(event, id=own[event.id], run_id=run_id, seq=number, payload=payload, parent=parent))
    return tuple(events)


def _under_way(run_id: str, owner: str) -> CantResume:
    return CantResume(f"{run_id} is under way, in process {owner.partition(':')[0]}. Wait for it, or end that process first.")


def _events_under_way(events: Iterable[Event]) -> Iterator[Event]:
    """Without ends and new beginnings, and without what came after an end: reflection, and what became of its lessons."""
    is_over = False
    for event in events:
        match event.payload:
            case RunFinished() | RunSuspended():
                is_over = isinstance(event.payload, RunFinished)
            case RunResumed():
                is_over = False
            case _ if not is_over:
                yield event
            case _:
                pass


def _seconds(events: tuple[Event, ...]) -> float:
    return max((event.payload.seconds for event in events if isinstance(event.payload, CheckpointSaved)), default=0.0)
