"""Memories and their index on disk; each change has its line in the journal, in the same transaction.

In:  changes from the gate, uses from `credit.py`.
Out: memories by id, by status; what happened to each, told to the run that taught it too (`telling.py`). Those that bear on a
     task are found by `index.py`.

Nothing here decides. But a change of status without its warrant is refused here too, so that a caller who
passes by the gate doesn't pass by the table in `lifecycle.py`. A memory that was edited in the file is not changed
either: it would be vouched for by the new line. `retake` lets it begin anew.
"""

from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Literal, cast

from purpose_agent.core.codec import to_json
from purpose_agent.core.errors import GateError
from purpose_agent.core.ids import IdSource, new_id
from purpose_agent.core.memory import Evidence, JournalEntry, Lesson, Memory, MemoryKind, MemoryStatus, Restoration, Scope
from purpose_agent.core.ports import Clock
from purpose_agent.memory.exposures import Exposures
from purpose_agent.memory.fingerprint import fingerprint
from purpose_agent.memory.index import MemoryIndex, family_of, keep
from purpose_agent.memory.journal import Card, Past, entries, last_card, past, write_change, write_line
from purpose_agent.memory.lifecycle import check_transition
from purpose_agent.memory.retaking import ALIVE, Retaking, check_alone, check_restorable, retake
from purpose_agent.memory.rows import COLUMNS, card_of, marks, memory_of, not_found
from purpose_agent.memory.telling import Change, tell
from purpose_agent.memory.trials import TrialAccounts
from purpose_agent.memory.verification import altered
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.database import Database


class MemoryStore:
    """The memories of one workspace. Making one touches nothing; reading creates nothing."""

    def __init__(self, db: Database, clock: Clock, ids: IdSource = new_id) -> None:
        self._db = db
        self._clock = clock
        self._ids = ids
        self._moment: tuple[int, datetime] | None = None
        self.index = MemoryIndex(db)
        self.trials = TrialAccounts(db)
        self.exposures = Exposures(db)

    @property
    def exists(self) -> bool:
        """There is a file to look into."""
        return self._db.exists

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Everything inside happens entirely or not at all."""
        with self._db.write(learns=True):
            yield

    def insert(self, memory: Memory, *, actor: str, why: str, run_id: str = "") -> Memory:
        """Keep a new candidate; or, if one with the same words and scope is alive, return that one instead.

        Raises:
            GateError: `memory` is no candidate.
        """
        if memory.status != "candidate":
            raise GateError(f"Memory {memory.id} is {memory.status}; a memory begins as a candidate.")
        print_ = fingerprint(memory.lesson)
        with self._db.write(learns=True) as cursor:
            alive = cursor.execute(
                f"SELECT {COLUMNS} FROM memories m WHERE m.fingerprint = ? AND m.status IN {ALIVE}", (print_,)
            ).fetchone()
            if alive is not None:
                return memory_of(alive)
            lesson, text = memory.lesson, to_json(Lesson, memory.lesson)
            cursor.execute(
                "INSERT INTO memories (id, status, kind, lesson, origin, family, created_at, used, helped, version, supersedes,"
                " fingerprint)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    memory.id,
                    memory.status,
                    lesson.kind,
                    text,
                    lesson.provenance.origin,
                    family_of(lesson),
                    memory.created_at.isoformat(),
                    memory.used,
                    memory.helped,
                    memory.version,
                    memory.supersedes,
                    print_,
                ),
            )
            ((row,),) = cursor.execute("SELECT last_insert_rowid()").fetchall()
            keep(cursor, int(row), lesson)
            card = Card(memory.id, text, memory.status, memory.version, memory.supersedes)
            self._wrote(cursor, card, "", actor, why, run_id=run_id, brings=True)
            return memory

    def change(
        self, memory: Memory, status: MemoryStatus, *, actor: str, why: str, evidence: Evidence = None, run_id: str = ""
    ) -> Memory:
        """Give `memory` another status and write down why.

        Raises:
            GateError: The table in `lifecycle.py` refuses, somebody else changed the memory since it was read, it was
                edited past the gate, another one with the same words is alive, or a restoration names a line that does
                not show what it says.
            NotFound: There is no such memory.
        """
        with self._db.write(learns=True) as cursor:
            current, text = self._current(cursor, memory)
            if isinstance(evidence, Restoration):
                check_restorable(cursor, evidence, status, text)
            check_transition(current, status, evidence, why)
            if status in ("quarantined", "promoted"):
                check_alone(cursor, memory.id, fingerprint(current.lesson))
            changed = replace(current, status=status, version=current.version + 1)
            if status == "quarantined":
                # Its record begins anew: else a memory that proves itself again after it was sent back would be sent
                # back at once. Why it was is in the journal.
                changed = replace(changed, used=0, helped=0)
            cursor.execute(
                "UPDATE memories SET status = ?, version = ?, used = ?, helped = ? WHERE id = ?",
                (status, changed.version, changed.used, changed.helped, memory.id),
            )
            card = Card(memory.id, text, status, changed.version, changed.supersedes)
            self._wrote(cursor, card, current.status, actor, why, evidence, run_id)
            return changed

    def retake(self, memory_id: str, wanted: Retaking) -> Memory:
        """Let a memory begin anew with another lesson, whatever its row says now: see `retaking.py`.

        Raises:
            GateError: What is wanted has no ground, the table refuses, or a memory that says the same is alive.
            NotFound: There is no such memory.
        """
        with self._db.write(learns=True) as cursor:
            return retake(cursor, memory_id, wanted, self._wrote)

    def altered(self) -> tuple[Card, ...]:
        """Memories that are not as their last line in the journal left them, or have no line."""
        return altered(self._db)

    def journaled(self, memory_id: str) -> Past | None:
        """A memory as its journal has it, whatever its row says; None if it has no line."""
        found = past(self._db, memory_id=memory_id)
        return found[0] if found else None

    def intact(self, memory_ids: Collection[str]) -> frozenset[str]:
        """Those of `memory_ids` that are as their last line in the journal left them."""
        return frozenset(memory_ids) - {card.memory_id for card in altered(self._db, memory_ids)}

    def remark(self, memory: Memory, *, actor: str, why: str, evidence: Evidence = None, run_id: str = "") -> None:
        """Write something down about `memory` without changing it.

        Raises:
            NotFound: There is no such memory.
        """
        with self._db.write(learns=True) as cursor:
            row = cursor.execute("SELECT status FROM memories WHERE id = ?", (memory.id,)).fetchone()
            if row is None:
                raise not_found(memory.id)
            entry = JournalEntry(memory.id, self._now(), row[0], row[0], actor, why, evidence, run_id)
            # Not the card as it is now: what was edited meanwhile would be vouched for.
            write_line(cursor, entry, last_card(cursor, memory.id))

    def find(self, memory_id: str) -> Memory | None:
        """The memory with that id, or None."""
        rows = self._db.rows(f"SELECT {COLUMNS} FROM memories m WHERE m.id = ?", (memory_id,))
        return memory_of(rows[0]) if rows else None

    def get(self, memory_id: str) -> Memory:
        """The memory with that id.

        Raises:
            NotFound: There is none.
        """
        found = self.find(memory_id)
        if found is None:
            raise not_found(memory_id)
        return found

    def find_same(self, lesson: Lesson, statuses: Collection[MemoryStatus], *, besides: str = "") -> Memory | None:
        """The newest memory with the same words, cases and scope in one of `statuses`, other than `besides`, or None."""
        rows = self._db.rows(
            f"SELECT {COLUMNS} FROM memories m WHERE m.fingerprint = ? AND m.id != ? AND m.status IN ({marks(statuses)})"
            " ORDER BY m.rowid DESC LIMIT 1",
            (fingerprint(lesson), besides, *statuses),
        )
        return memory_of(rows[0]) if rows else None

    def list(self, status: MemoryStatus | None = None, kind: MemoryKind | None = None) -> tuple[Memory, ...]:
        """All memories, or those of one status or kind, oldest first."""
        wanted = {name: value for name, value in (("status", status), ("kind", kind)) if value is not None}
        where = " AND ".join(f"m.{name} = ?" for name in wanted) or "1"  # only what is asked for: so that an index serves
        rows = self._db.rows(f"SELECT {COLUMNS} FROM memories m WHERE {where} ORDER BY m.rowid", tuple(wanted.values()))
        return tuple(map(memory_of, rows))

    def alike(self, lesson: Lesson, statuses: Collection[MemoryStatus]) -> Iterable[Memory]:
        """Memories of the same kind and scope that share many words with `lesson`, the most alike first."""
        return self.index.alike(lesson, statuses)

    def of_scope(self, scope: Scope, statuses: Collection[MemoryStatus], kinds: Collection[MemoryKind]) -> tuple[Memory, ...]:
        """Memories of exactly that scope, of some kinds; oldest first."""
        return self.index.of_scope(scope, statuses, kinds)

    def journal(self, memory_id: str) -> tuple[JournalEntry, ...]:
        """What happened to a memory, oldest first; empty if there is none with that id."""
        return entries(self._db, memory_id=memory_id)

    def _current(self, cursor: Cursor, memory: Memory) -> tuple[Memory, str]:
        """`memory` and the text of its lesson as they are now, if it is still what the caller holds."""
        row = cursor.execute(f"SELECT {COLUMNS} FROM memories m WHERE m.id = ?", (memory.id,)).fetchone()
        if row is None:
            raise not_found(memory.id)
        current = memory_of(row)
        if (current.version, current.status) != (memory.version, memory.status):
            raise GateError(
                f"Memory {memory.id} was changed by somebody else: it is {current.status} (version {current.version}), "
                f"you hold it as {memory.status} (version {memory.version}). Read it again and decide anew."
            )
        card = card_of(row)
        if card.hash != last_card(cursor, memory.id):
            raise GateError(
                f"Memory {memory.id} was edited in the file, past the gate; nothing is done with it until `settle` "
                "(or `purpose-agent learn`) has taken it in again, as an import."
            )
        return current, card.lesson

    def _wrote(
        self,
        cursor: Cursor,
        card: Card,
        before: MemoryStatus | Literal[""],
        actor: str,
        why: str,
        evidence: Evidence = None,
        run_id: str = "",
        *,
        brings: bool = False,
    ) -> None:
        """Write down that a memory became what `card` is: into the journal, and into the record of the run that taught it."""
        write_change(cursor, card, before, self._now(), actor, why, evidence, run_id, brings=brings)
        change = Change(card.memory_id, card.lesson, cast("MemoryStatus", card.status), why, evidence)
        tell(cursor, change, clock=self._clock, ids=self._ids)

    def _now(self) -> datetime:
        """The same for all lines of a transaction: no moment lies between them, and no past state is half of a change."""
        if self._moment is None or self._moment[0] != self._db.transaction:
            self._moment = (self._db.transaction, self._clock.now())
        return self._moment[1]


def count_use(cursor: Cursor, memory_ids: Iterable[str], *, helped: bool, versions: Mapping[str, int]) -> None:
    """One more use of each memory, in the caller's transaction. Ids that are not there are passed over.

    Args:
        versions: Those named count only if they are still of that version.
    """
    cursor.executemany(
        "UPDATE memories SET used = used + 1, helped = helped + ?1 WHERE id = ?2 AND version = coalesce(?3, version)",
        [(int(helped), memory_id, versions.get(memory_id)) for memory_id in memory_ids],
    )


def note_use(cursor: Cursor, memory_ids: Iterable[str], run_id: str) -> None:
    """That run had each memory in its prompt, judged or not; in the caller's transaction."""
    cursor.executemany(
        "UPDATE memories SET last_run = ?1 WHERE id = ?2 AND last_run < ?1", [(run_id, memory_id) for memory_id in memory_ids]
    )
