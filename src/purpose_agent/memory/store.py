"""Memories, their index and their journal on disk: the only SQL on those three tables.

In:  changes from the gate, uses from `credit.py`.
Out: memories by id, by status, by words; what happened to each.

Nothing here decides. But a change of status without its warrant is refused here too, so that a caller who
passes by the gate doesn't pass by the table in `lifecycle.py`.
"""

import hashlib
import json
import re
import sys
import unicodedata
from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Literal

from purpose_agent.core.codec import from_json, to_json
from purpose_agent.core.errors import GateError, NotFound
from purpose_agent.core.memory import Evidence, JournalEntry, Lesson, Memory, MemoryKind, MemoryStatus, ScanReport, TrialReport
from purpose_agent.core.ports import Clock
from purpose_agent.memory.lifecycle import check_transition
from purpose_agent.runtime.connection import Cursor, Row
from purpose_agent.runtime.database import Database

_COLUMNS = "m.id, m.status, m.lesson, m.created_at, m.used, m.helped, m.version, m.supersedes"
_ALIVE = "('candidate', 'quarantined', 'promoted')"
_EVERYWHERE = "scopeanyfamily"
_SOMEBODY = "scopesomeagent"
_ALWAYS = "scopealways"


class MemoryStore:
    """The memories of one workspace. Making one touches nothing; reading creates nothing."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    @property
    def exists(self) -> bool:
        """There is a file to look into."""
        return self._db.exists

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Everything inside happens entirely or not at all."""
        with self._db.write():
            yield

    def insert(self, memory: Memory, *, actor: str, why: str, run_id: str = "") -> Memory:
        """Keep a new candidate; or, if one with the same words and scope is alive, return that one instead.

        Raises:
            GateError: `memory` is no candidate.
        """
        if memory.status != "candidate":
            raise GateError(f"Memory {memory.id} is {memory.status}; a memory begins as a candidate.")
        print_ = fingerprint(memory.lesson)
        with self._db.write() as cursor:
            alive = cursor.execute(
                f"SELECT {_COLUMNS} FROM memories m WHERE m.fingerprint = ? AND m.status IN {_ALIVE}", (print_,)
            ).fetchone()
            if alive is not None:
                return _memory(alive)
            lesson = memory.lesson
            cursor.execute(
                "INSERT INTO memories (id, status, kind, lesson, origin, family, created_at, used, helped, version, supersedes,"
                " fingerprint)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    memory.id,
                    memory.status,
                    lesson.kind,
                    to_json(Lesson, lesson),
                    lesson.provenance.origin,
                    lesson.scope.families[0] if lesson.scope.families else "",
                    memory.created_at.isoformat(),
                    memory.used,
                    memory.helped,
                    memory.version,
                    memory.supersedes,
                    print_,
                ),
            )
            cursor.execute("INSERT INTO memory_index (rowid, text) VALUES (last_insert_rowid(), ?)", (_indexed(lesson),))
            # The index is kept in few pieces, which makes a recall from a thousand memories two to four times quicker.
            cursor.execute("INSERT INTO memory_index (memory_index, rank) VALUES ('merge', -16)")
            self._write_down(cursor, memory, "", memory.status, actor, why, None, run_id)
            return memory

    def change(
        self, memory: Memory, status: MemoryStatus, *, actor: str, why: str, evidence: Evidence = None, run_id: str = ""
    ) -> Memory:
        """Give `memory` another status and write down why.

        Raises:
            GateError: The table in `lifecycle.py` refuses, somebody else changed the memory since it was read, or
                another one with the same words is alive.
            NotFound: There is no such memory.
        """
        with self._db.write() as cursor:
            current = self._current(cursor, memory)
            check_transition(current, status, evidence, why)
            if status in ("quarantined", "promoted"):
                twin = cursor.execute(
                    f"SELECT id FROM memories WHERE fingerprint = (SELECT fingerprint FROM memories WHERE id = ?)"
                    f" AND id != ? AND status IN {_ALIVE}",
                    (memory.id, memory.id),
                ).fetchone()
                if twin is not None:
                    raise GateError(f"Memory {twin[0]} says the same as {memory.id} and is in use; archive it first.")
            changed = replace(current, status=status, version=current.version + 1)
            if status == "quarantined":
                # Its record begins anew: else a memory that proves itself again after it was sent back would be sent
                # back at once. Why it was is in the journal.
                changed = replace(changed, used=0, helped=0)
            cursor.execute(
                "UPDATE memories SET status = ?, version = ?, used = ?, helped = ? WHERE id = ?",
                (status, changed.version, changed.used, changed.helped, memory.id),
            )
            self._write_down(cursor, memory, current.status, status, actor, why, evidence, run_id)
            return changed

    def remark(self, memory: Memory, *, actor: str, why: str, evidence: Evidence = None, run_id: str = "") -> None:
        """Write something down about `memory` without changing it.

        Raises:
            NotFound: There is no such memory.
        """
        with self._db.write() as cursor:
            row = cursor.execute("SELECT status FROM memories WHERE id = ?", (memory.id,)).fetchone()
            if row is None:
                raise _not_found(memory.id)
            self._write_down(cursor, memory, row[0], row[0], actor, why, evidence, run_id)

    def find(self, memory_id: str) -> Memory | None:
        """The memory with that id, or None."""
        rows = self._db.rows(f"SELECT {_COLUMNS} FROM memories m WHERE m.id = ?", (memory_id,))
        return _memory(rows[0]) if rows else None

    def get(self, memory_id: str) -> Memory:
        """The memory with that id.

        Raises:
            NotFound: There is none.
        """
        found = self.find(memory_id)
        if found is None:
            raise _not_found(memory_id)
        return found

    def find_same(self, lesson: Lesson, statuses: Collection[MemoryStatus]) -> Memory | None:
        """The newest memory with the same words, cases and scope in one of `statuses`, or None."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM memories m WHERE m.fingerprint = ? AND m.status IN ({_marks(statuses)}) ORDER BY m.rowid DESC LIMIT 1",
            (fingerprint(lesson), *statuses),
        )
        return _memory(rows[0]) if rows else None

    def list(self, status: MemoryStatus | None = None, kind: MemoryKind | None = None) -> tuple[Memory, ...]:
        """All memories, or those of one status or kind, oldest first."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM memories m WHERE (?1 IS NULL OR m.status = ?1) AND (?2 IS NULL OR m.kind = ?2) ORDER BY m.rowid",
            (status, kind),
        )
        return tuple(map(_memory, rows))

    def search(
        self, words: Collection[str], *, agent: str, statuses: Collection[MemoryStatus] = ("promoted",), limit: int = 50
    ) -> tuple[tuple[Memory, float], ...]:
        """Memories of any family that share a word with `words`, best first, with BM25: above 0, larger is better."""
        if not words:
            return ()
        # Ranked by number first: the lessons themselves are read for the best alone.
        rows = self._db.rows(
            f"SELECT {_COLUMNS}, best.rank FROM (SELECT i.rowid AS row, i.rank AS rank"
            " FROM memory_index i JOIN memories m ON m.rowid = i.rowid"
            f" WHERE memory_index MATCH ? AND m.family = '' AND m.status IN ({_marks(statuses)}) ORDER BY 2, 1 LIMIT ?) best"
            " JOIN memories m ON m.rowid = best.row ORDER BY best.rank, best.row",
            (f"({_any(words)}) {_not_for_others(agent)}", *statuses, limit),
        )
        found = ((_memory(row), -float(row[-1])) for row in rows)
        return tuple((memory, score) for memory, score in found if is_in_scope(memory, agent, ""))

    def scoped(
        self, *, agent: str, family: str, statuses: Collection[MemoryStatus] = ("promoted",), limit: int = 200
    ) -> tuple[Memory, ...]:
        """Memories that apply by their scope alone: those of `family`, and those without a situation; most useful first."""
        own = _marker("family", family)
        reach = f"({own} OR ({_ALWAYS} AND {_EVERYWHERE}))" if family else f"({_ALWAYS} AND {_EVERYWHERE})"
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM memory_index i JOIN memories m ON m.rowid = i.rowid"
            f" WHERE memory_index MATCH ? AND m.status IN ({_marks(statuses)})"
            " ORDER BY (m.helped + 1.0) / (m.used + 2) DESC, m.id LIMIT ?",
            (f"{reach} {_not_for_others(agent)}", *statuses, limit),
        )
        # The markers are words of the index, and a lesson could contain them: its own scope decides.
        found = (_memory(row) for row in rows)
        return tuple(
            memory
            for memory in found
            if is_in_scope(memory, agent, family) and (memory.lesson.scope.families or not memory.lesson.when.strip())
        )

    def journal(self, memory_id: str) -> tuple[JournalEntry, ...]:
        """What happened to a memory, oldest first; empty if there is none with that id."""
        rows = self._db.rows(
            "SELECT memory_id, at, from_status, to_status, actor, why, evidence, run_id FROM journal WHERE memory_id = ? ORDER BY id",
            (memory_id,),
        )
        return tuple(
            JournalEntry(
                row[0], datetime.fromisoformat(row[1]), row[2], row[3], row[4], row[5], _read_evidence(row[6]), row[7] or ""
            )
            for row in rows
        )

    def _current(self, cursor: Cursor, memory: Memory) -> Memory:
        """`memory` as it is now, if it is still what the caller holds."""
        row = cursor.execute(f"SELECT {_COLUMNS} FROM memories m WHERE m.id = ?", (memory.id,)).fetchone()
        if row is None:
            raise _not_found(memory.id)
        current = _memory(row)
        if (current.version, current.status) != (memory.version, memory.status):
            raise GateError(
                f"Memory {memory.id} was changed by somebody else: it is {current.status} (version {current.version}), "
                f"you hold it as {memory.status} (version {memory.version}). Read it again and decide anew."
            )
        return current

    def _write_down(
        self,
        cursor: Cursor,
        memory: Memory,
        before: MemoryStatus | Literal[""],
        after: MemoryStatus,
        actor: str,
        why: str,
        evidence: Evidence,
        run_id: str,
    ) -> None:
        cursor.execute(
            "INSERT INTO journal (memory_id, at, from_status, to_status, actor, why, evidence, run_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (memory.id, self._clock.now().isoformat(), before, after, actor, why, _evidence_json(evidence), run_id or None),
        )


def count_use(cursor: Cursor, memory_ids: Iterable[str], *, helped: bool) -> None:
    """One more use of each memory, in the caller's transaction. Ids that are not there are passed over."""
    cursor.executemany(
        "UPDATE memories SET used = used + 1, helped = helped + ? WHERE id = ?",
        [(int(helped), memory_id) for memory_id in memory_ids],
    )


def fingerprint(lesson: Lesson) -> str:
    """Equal for two lessons that say the same to the same: case, white space and the order of scope don't count."""
    parts = [
        _normal(lesson.when),
        _normal(lesson.then),
        sorted([_normal(case.situation), _normal(case.answer)] for case in lesson.cases),
        sorted(lesson.scope.agents),
        sorted(lesson.scope.families),
    ]
    if lesson.lines:
        # Only then: the fingerprints of lessons from before there were lines stay as they are.
        parts.append([_normal(line.text) for line in lesson.lines])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(maxsize=4096)
def _lesson(text: str) -> Lesson:
    """A stored lesson. The text of a row never changes and a lesson is frozen, so runs share what was read."""
    return from_json(Lesson, text)


def _memory(row: Row) -> Memory:
    return Memory(
        id=row[0],
        lesson=_lesson(row[2]),
        status=row[1],
        created_at=datetime.fromisoformat(row[3]),
        used=row[4],
        helped=row[5],
        version=row[6],
        supersedes=row[7],
    )


def is_in_scope(memory: Memory, agent: str, family: str) -> bool:
    """Whether the memory is made for that agent and family, or for any."""
    scope = memory.lesson.scope
    return (not scope.agents or agent in scope.agents) and (not scope.families or family in scope.families)


def _indexed(lesson: Lesson) -> str:
    """The words a memory is found by, and its scope as words, so that one look into the index finds what applies."""
    scope = lesson.scope
    return "\n".join(
        [
            lesson.when,
            lesson.then,
            *(case.situation for case in lesson.cases),
            *([_marker("family", family) for family in scope.families] or [_EVERYWHERE]),
            *([_SOMEBODY, *(_marker("agent", agent) for agent in scope.agents)] if scope.agents else []),
            *([] if lesson.when.strip() else [_ALWAYS]),
        ]
    )


def _marker(kind: str, name: str) -> str:
    return f"scope{kind}{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _not_for_others(agent: str) -> str:
    """The part of an FTS5 expression that leaves out what is made for other agents than `agent`."""
    return f"NOT ({_SOMEBODY} NOT {_marker('agent', agent)})"


def _any(words: Iterable[str]) -> str:
    """An FTS5 expression. Every word is quoted, so none can be an operator."""
    return " OR ".join('"' + re.sub(r'["\x00]', " ", word) + '"' for word in words)


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _evidence_json(evidence: Evidence) -> str | None:
    match evidence:
        case None:
            return None
        case ScanReport():
            return to_json(ScanReport, evidence)
        case TrialReport():
            # JSON has no infinity.
            top = sys.float_info.max
            return to_json(TrialReport, replace(evidence, e_help=min(evidence.e_help, top), e_harm=min(evidence.e_harm, top)))


def _read_evidence(text: str | None) -> Evidence:
    if text is None:
        return None
    return from_json(TrialReport, text) if "memory_id" in json.loads(text) else from_json(ScanReport, text)


def _not_found(memory_id: str) -> NotFound:
    return NotFound(f"No memory has the id {memory_id!r}. `purpose-agent memories list` shows them all.")
