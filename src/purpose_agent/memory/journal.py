"""The journal of what happened to memories: written and read; each line is chained to all before it.

In:  changes of memories, in the transaction that makes them.
Out: entries; past states.

A line has the hash of the memory's card as it left it, and a hash of the line together with the chain before. A line that
brings a lesson has that too, so that a past state can be read whatever the memory's row says now. What the hashes are
good for is in `verification.py`.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

from purpose_agent.core.codec import from_json, to_json
from purpose_agent.core.memory import (
    Alteration,
    Evidence,
    ExposureReport,
    JournalEntry,
    Lesson,
    Memory,
    MemoryStatus,
    Restoration,
    Revision,
    ScanReport,
    TrialReport,
)
from purpose_agent.core.secrets import json_without_secrets, without_secrets
from purpose_agent.runtime.chain import LINE, card_hash, chain_hash
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.database import Database

_ENTRY = "memory_id, at, from_status, to_status, actor, why, evidence, run_id, id"
LAST_LINE = "(SELECT max(id) FROM journal WHERE memory_id = m.id)"
_EVIDENCE: Final[tuple[tuple[str, Any], ...]] = (
    ("pairs", TrialReport),
    ("findings", ScanReport),
    ("shown", ExposureReport),
    ("line", Restoration),
    ("expected", Alteration),
    ("revises", Revision),
)
"""Which field only that one has."""


@dataclass(frozen=True, slots=True)
class Card:
    """A memory's card as its row has it, not yet read; `lesson` is JSON."""

    memory_id: str
    lesson: str
    status: str
    version: int
    supersedes: str | None

    @property
    def hash(self) -> str:
        """What its line in the journal keeps of it."""
        return card_hash(self.memory_id, self.lesson, self.status, self.version, self.supersedes)


@dataclass(frozen=True, slots=True)
class Past:
    """A memory as the journal shows it at a moment; `lesson` is JSON.

    Attributes:
        card: Hash of its card.
        line: Number of the line that gave it its status.
    """

    memory_id: str
    lesson: str
    status: MemoryStatus
    version: int
    supersedes: str | None
    created_at: datetime
    card: str
    line: int

    def read(self) -> Lesson:
        """The lesson."""
        return from_json(Lesson, self.lesson)

    @property
    def memory(self) -> Memory:
        """As a memory. How often it was used and helped is not in the journal: both are 0."""
        return Memory(
            self.memory_id, self.read(), self.status, self.created_at, version=self.version, supersedes=self.supersedes
        )


def write_change(
    cursor: Cursor,
    card: Card,
    before: MemoryStatus | Literal[""],
    at: datetime,
    actor: str,
    why: str,
    evidence: Evidence = None,
    run_id: str = "",
    *,
    brings: bool = False,
) -> None:
    """Write down that a memory became what `card` is, in the caller's transaction.

    Args:
        brings: The lesson is new to the journal: an arrival, or another one in its place.
    """
    after = cast("MemoryStatus", card.status)
    entry = JournalEntry(card.memory_id, at, before, after, actor, why, evidence, run_id)
    write_line(cursor, entry, card.hash, card if brings else None)


def write_line(cursor: Cursor, entry: JournalEntry, card: str, brought: Card | None = None) -> None:
    """Add a line, in the caller's transaction. The entry's `line` is not looked at.

    Args:
        card: Hash of the memory's card as this change leaves it.
        brought: The card, where the line brings a lesson: an arrival, or another lesson in its place.
    """
    values = (
        entry.memory_id,
        entry.at.isoformat(),
        entry.from_status,
        entry.to_status,
        entry.actor,
        without_secrets(entry.why),
        evidence_json(entry.evidence),
        entry.run_id or None,
        brought.lesson if brought is not None else None,
        brought.supersedes if brought is not None else None,
        card,
    )
    last = cursor.execute("SELECT chain FROM journal ORDER BY id DESC LIMIT 1").fetchone()
    cursor.execute(
        f"INSERT INTO journal ({', '.join(LINE)}, chain) VALUES ({', '.join('?' * (len(LINE) + 1))})",
        (*values, chain_hash(last[0] if last is not None else "", values)),
    )


def last_card(cursor: Cursor, memory_id: str) -> str:
    """Hash of the card as the last line of a memory left it; "" if it has none."""
    row = cursor.execute("SELECT card FROM journal WHERE memory_id = ? ORDER BY id DESC LIMIT 1", (memory_id,)).fetchone()
    return str(row[0]) if row is not None else ""


def lesson_at(cursor: Cursor, memory_id: str, line: int) -> str:
    """The lesson, as JSON, that a memory had after the line of that number; "" if none is known."""
    row = cursor.execute(
        "SELECT lesson FROM journal WHERE memory_id = ? AND id <= ? AND lesson IS NOT NULL ORDER BY id DESC LIMIT 1",
        (memory_id, line),
    ).fetchone()
    return str(row[0]) if row is not None else ""


def entries(
    db: Database, *, memory_id: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> tuple[JournalEntry, ...]:
    """What happened, oldest first: to one memory or to all; from `since` on, and not after `until`."""
    whose = "?1 IS NULL" if memory_id is None else "memory_id = ?1"
    rows = db.rows(
        f"SELECT {_ENTRY} FROM journal WHERE {whose} AND (?2 IS NULL OR at >= ?2) AND (?3 IS NULL OR at <= ?3) ORDER BY id",
        (memory_id, _stored(since), _stored(until)),
    )
    return tuple(map(_entry, rows))


def find_entry(cursor: Cursor, line: int) -> JournalEntry | None:
    """The line of that number, or None."""
    row = cursor.execute(f"SELECT {_ENTRY} FROM journal WHERE id = ?", (line,)).fetchone()
    return _entry(row) if row is not None else None


def past(
    db: Database, moment: datetime | None = None, *, line: int | None = None, memory_id: str | None = None
) -> tuple[Past, ...]:
    """All memories as they were at `moment`, or after the line of that number; in the order of their arrival.

    One that was a candidate then is not there yet: nobody but the gate ever saw it.

    Args:
        memory_id: Only this one.
    """
    rows = db.rows(
        "SELECT s.memory_id, k.lesson, l.to_status, s.version, k.supersedes, coalesce(m.created_at, f.at), l.card, s.moved FROM ("
        " SELECT memory_id, min(id) AS first, max(id) AS last, max(CASE WHEN lesson IS NOT NULL THEN id END) AS brought,"
        " sum(from_status != to_status) AS version, max(CASE WHEN from_status != to_status THEN id END) AS moved"
        " FROM journal WHERE (?1 IS NULL OR at <= ?1) AND (?2 IS NULL OR id <= ?2) AND (?3 IS NULL OR memory_id = ?3)"
        " GROUP BY memory_id) s"
        " JOIN journal f ON f.id = s.first JOIN journal l ON l.id = s.last JOIN journal k ON k.id = s.brought"
        " LEFT JOIN memories m ON m.id = s.memory_id WHERE l.to_status != 'candidate' ORDER BY s.first",
        (_stored(moment), line, memory_id),
    )
    return tuple(
        Past(row[0], row[1], row[2], int(row[3]), row[4], datetime.fromisoformat(row[5]), row[6], int(row[7])) for row in rows
    )


def evidence_json(evidence: Evidence) -> str | None:
    """As it is stored: without secrets, whoever wrote them into an excerpt or a goal."""
    if evidence is None:
        return None
    if isinstance(evidence, TrialReport | ExposureReport):
        # JSON has no infinity.
        top = sys.float_info.max
        evidence = replace(evidence, e_help=min(evidence.e_help, top), e_harm=min(evidence.e_harm, top))
    return json_without_secrets(to_json(type(evidence), evidence))


def _read_evidence(text: str | None) -> Evidence:
    if text is None:
        return None
    fields = json.loads(text)
    kind = next(kind for field, kind in _EVIDENCE if field in fields)
    evidence: Evidence = from_json(kind, text)
    return evidence


def _entry(row: Sequence[Any]) -> JournalEntry:
    came_from: MemoryStatus | Literal[""] = row[2]
    return JournalEntry(
        row[0],
        datetime.fromisoformat(row[1]),
        came_from,
        row[3],
        row[4],
        row[5],
        _read_evidence(row[6]),
        row[7] or "",
        int(row[8]),
    )


def _stored(moment: datetime | None) -> str | None:
    """As times are stored, so that they compare as text."""
    return moment.astimezone(UTC).isoformat() if moment is not None else None
