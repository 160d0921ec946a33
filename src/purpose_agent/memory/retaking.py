"""A memory begins anew with another lesson; what a restoration rests on, looked up in the journal.

In:  why it begins anew: its row was altered past the gate, or a person brings back what the journal shows.
Out: the memory in its new status, with two lines in its journal: one makes it a candidate, one says what became of that.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

from purpose_agent.core.codec import to_json
from purpose_agent.core.errors import GateError
from purpose_agent.core.memory import Alteration, Evidence, Lesson, Memory, MemoryStatus, Restoration, ScanReport
from purpose_agent.memory.fingerprint import fingerprint
from purpose_agent.memory.index import family_of, keep
from purpose_agent.memory.journal import Card, find_entry, last_card, lesson_at
from purpose_agent.memory.lifecycle import check_shown, check_transition
from purpose_agent.memory.rows import COLUMNS, card_of, lesson_of, not_found
from purpose_agent.runtime.connection import Cursor

ALIVE = "('candidate', 'quarantined', 'promoted')"
"""No two memories in one of these say the same."""


@dataclass(frozen=True, slots=True)
class Retaking:
    """What a memory shall be, and why.

    Attributes:
        lesson: What it says from now on.
        supersedes: The memory it is a revision of.
        actor: Who does it.
        why: Why it begins anew.
        evidence: That its row was altered, or the line that shows this lesson.
        status: What becomes of it then.
        outcome: Why that.
        report: What the scan said of the lesson.
    """

    lesson: Lesson
    supersedes: str | None
    actor: str
    why: str
    evidence: Alteration | Restoration
    status: MemoryStatus
    outcome: str
    report: ScanReport


class Write(Protocol):
    """Writes down that a memory became what `card` is, in the transaction of `cursor`."""

    def __call__(
        self,
        cursor: Cursor,
        card: Card,
        before: MemoryStatus | Literal[""],
        actor: str,
        why: str,
        evidence: Evidence = None,
        *,
        brings: bool = False,
    ) -> None:
        """`brings`: the lesson is new to the journal."""
        ...


def retake(cursor: Cursor, memory_id: str, wanted: Retaking, write: Write) -> Memory:
    """Let a memory begin anew, whatever its row says now, in the caller's transaction.

    Raises:
        GateError: The table refuses; the memory is as its last line left it, though it shall have been altered; the line
            shows another lesson; or another one with the same words is alive and this one would be too.
        NotFound: There is no such memory.
    """
    row = cursor.execute(f"SELECT {COLUMNS}, m.rowid FROM memories m WHERE m.id = ?", (memory_id,)).fetchone()
    if row is None:
        raise not_found(memory_id)
    lesson, text = wanted.lesson, to_json(Lesson, wanted.lesson)
    before, version = _last_step(cursor, memory_id)
    if isinstance(wanted.evidence, Restoration):
        check_shown(find_entry(cursor, wanted.evidence.line), wanted.evidence)
        # As it was written then, to the letter: later versions may write more fields.
        text = lesson_at(cursor, memory_id, wanted.evidence.line)
        if not text or lesson_of(text) != lesson:
            raise GateError(f"Line {wanted.evidence.line} of the journal shows another lesson of memory {memory_id}.")
    elif card_of(row).hash == last_card(cursor, memory_id):
        raise GateError(f"Memory {memory_id} is as its journal left it; nothing was altered.")
    candidate = Memory(memory_id, lesson, "candidate", datetime.fromisoformat(row[3]), 0, 0, version + 1, wanted.supersedes)
    if before:
        check_transition(replace(candidate, status=before), "candidate", wanted.evidence, wanted.why)
    check_transition(candidate, wanted.status, wanted.report, wanted.outcome)
    if wanted.status in ("quarantined", "promoted"):
        check_alone(cursor, memory_id, fingerprint(lesson))
    begun = replace(candidate, status=wanted.status, version=version + 2)
    cursor.execute(
        "UPDATE memories SET status = ?, kind = ?, lesson = ?, origin = ?, family = ?, used = 0, helped = 0, version = ?,"
        " supersedes = ?, fingerprint = ? WHERE id = ?",
        (
            begun.status,
            lesson.kind,
            text,
            lesson.provenance.origin,
            family_of(lesson),
            begun.version,
            begun.supersedes,
            fingerprint(lesson),
            memory_id,
        ),
    )
    keep(cursor, int(row[-1]), lesson)
    card = Card(memory_id, text, "candidate", candidate.version, candidate.supersedes)
    write(cursor, card, before, wanted.actor, wanted.why, wanted.evidence, brings=True)
    card = replace(card, status=begun.status, version=begun.version)
    write(cursor, card, "candidate", wanted.actor, wanted.outcome, wanted.report)
    return begun


def check_restorable(cursor: Cursor, evidence: Restoration, status: MemoryStatus, lesson: str) -> None:
    """Pass silently if the journal shows what a restoration says, of this lesson (JSON), and nothing since speaks against it.

    Raises:
        GateError: It doesn't.
    """
    check_shown(find_entry(cursor, evidence.line), evidence)
    memory_id = evidence.memory_id
    if lesson_at(cursor, memory_id, evidence.line) != lesson:
        raise GateError(f"Memory {memory_id} had another lesson at line {evidence.line} of the journal; bring that back first.")
    if status == "promoted" and _rejected_since(cursor, evidence, lesson):
        raise GateError(f"Memory {memory_id} was rejected after that; it can come back to quarantine, and be tried.")


def check_alone(cursor: Cursor, memory_id: str, print_: str) -> None:
    """Pass silently if no other memory with that fingerprint is alive.

    Raises:
        GateError: There is one.
    """
    twin = cursor.execute(
        f"SELECT id FROM memories WHERE fingerprint = ? AND id != ? AND status IN {ALIVE}", (print_, memory_id)
    ).fetchone()
    if twin is not None:
        raise GateError(f"Memory {twin[0]} says the same as {memory_id} and is in use; archive it first.")


def _last_step(cursor: Cursor, memory_id: str) -> tuple[MemoryStatus | Literal[""], int]:
    """The status of a memory by its journal, and how often that changed."""
    lines = cursor.execute(
        "SELECT from_status != to_status, to_status FROM journal WHERE memory_id = ? ORDER BY id", (memory_id,)
    ).fetchall()
    return (lines[-1][1], sum(int(moved) for moved, _ in lines)) if lines else ("", 0)


def _rejected_since(cursor: Cursor, shown: Restoration, lesson: str) -> bool:
    """Whether the memory was rejected with this lesson after the line that is shown."""
    lines = cursor.execute(
        "SELECT id FROM journal WHERE memory_id = ? AND id > ? AND to_status = 'rejected' AND from_status != 'rejected'",
        (shown.memory_id, shown.line),
    ).fetchall()
    return any(lesson_at(cursor, shown.memory_id, int(row[0])) == lesson for row in lines)
