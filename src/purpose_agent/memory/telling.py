"""What becomes of a memory, told in the record of the run that taught it.

In:  changes of status, within the transaction that writes them into the journal.
Out: events after the end of that run, saved in the same transaction; whoever listens hears them at once.

A memory that no run taught has no run to tell. Nor is one told of that is still under way or stands still: its own bus numbers
its events. What is heard may yet be undone, if the transaction fails; what is in the record happened.
"""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import assert_never

from purpose_agent.core.codec import from_json
from purpose_agent.core.ids import IdSource
from purpose_agent.core.memory import Evidence, Lesson, MemoryStatus, ScanReport
from purpose_agent.core.ports import Clock
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.event_rows import insert
from purpose_agent.runtime.events import (
    MemoryArchived,
    MemoryPromoted,
    MemoryProposed,
    MemoryQuarantined,
    MemoryRejected,
    MemoryScanned,
    Payload,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """What a memory became.

    Attributes:
        lesson: As JSON.
        evidence: What the change rests on.
    """

    memory_id: str
    lesson: str
    status: MemoryStatus
    why: str
    evidence: Evidence


@dataclass(slots=True)
class _Hearing:
    """Who listens, and what that raised."""

    listeners: Sequence[Listener]
    errors: list[Exception] = field(default_factory=list[Exception])


_hearing: ContextVar[_Hearing | None] = ContextVar("hearing", default=None)


@contextmanager
def telling(listeners: Sequence[Listener]) -> Generator[None]:
    """Call `listeners`, and those of a `telling` around this one, with what becomes of memories inside.

    Raises:
        ExceptionGroup: What they raised, when all inside is done: it is never undone by them. One that fails hears no more of
            the same change.
    """
    around = _hearing.get()
    hearing = _Hearing((*(around.listeners if around is not None else ()), *listeners))
    token = _hearing.set(hearing)
    try:
        yield
    finally:
        _hearing.reset(token)
    if hearing.errors:
        raise ExceptionGroup("Listeners failed; what they were told of is done and saved", hearing.errors)


def tell(cursor: Cursor, change: Change, *, clock: Clock, ids: IdSource) -> None:
    """Add a change to the record of the run that taught the memory, in the caller's transaction."""
    lesson = from_json(Lesson, change.lesson)
    run_id = lesson.provenance.run_id
    run = cursor.execute(
        "SELECT agent, (SELECT id FROM events WHERE run_id = r.id ORDER BY seq LIMIT 1),"
        " (SELECT max(seq) FROM events WHERE run_id = r.id) FROM runs r WHERE r.id = ? AND r.finished_at IS NOT NULL",
        (run_id,),
    ).fetchone()
    if run is None:
        return
    agent, first, last = run
    hearing = _hearing.get()
    bus = EventBus(run_id, clock, ids, after=last)
    for listener in hearing.listeners if hearing is not None else ():
        bus.listen(listener)
    for payload in _payloads(change, lesson):
        bus.publish(payload, lane=agent, parent=first)
    insert(cursor, bus.unsaved())
    if hearing is not None:
        hearing.errors += bus.errors
        return
    for error in bus.errors:
        # Only observers are left then, who are told of everything and are no part of this call.
        _log.error("An observer failed when it was told what became of %s", change.memory_id, exc_info=error)


def _payloads(change: Change, lesson: Lesson) -> Sequence[Payload]:
    id, why, evidence = change.memory_id, change.why, change.evidence
    scanned: list[Payload] = []
    if isinstance(evidence, ScanReport):
        blocking = (found.threat for found in evidence.findings if found.severity == "block")
        scanned.append(MemoryScanned(id, tuple(dict.fromkeys(blocking))))
    match change.status:
        case "candidate":
            return (MemoryProposed(id, lesson.text),)
        case "quarantined":
            return (*scanned, MemoryQuarantined(id, why))
        case "promoted":
            return (*scanned, MemoryPromoted(id, why))
        case "rejected":
            return (*scanned, MemoryRejected(id, why))
        case "archived":
            return (*scanned, MemoryArchived(id, why))
        case _:
            assert_never(change.status)
