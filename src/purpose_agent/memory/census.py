"""Which memories there are: counted by sort, the longest unused, those that came lately, those with given words.

In:  a sort, a line of the journal, words.
Out: counts, standings, memories. What is done about them is for `learning/homeostasis.py` to say, and for the gate to do.

Each question takes bounded time, however many memories there are: rows are counted in the database, and only so many of
them are read.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from purpose_agent.core.memory import POLICY, Memory, MemoryStatus
from purpose_agent.core.origin import TEACHERS
from purpose_agent.memory.budget import Sort, Standing
from purpose_agent.memory.index import SEVERAL, Audience, MemoryIndex, family_of
from purpose_agent.memory.rows import COLUMNS, marks, memory_of, readable
from purpose_agent.memory.words import words_in
from purpose_agent.runtime.connection import Cursor, Value
from purpose_agent.runtime.database import Database

MOST_READ = 5_000
"""Rows of one sort that are looked at for those worth the least: the longest unused."""
MOST_IDLE = 100
NEIGHBOURS = 200
"""Memories of one family that one is compared with: the newest."""
LIKELY = 20
"""Memories without a family that one is compared with: those that share its rarest words."""
MOST_WORDS = 12
_ALIVE: tuple[MemoryStatus, ...] = ("quarantined", "promoted")
_TAUGHT = f"m.origin IN ({', '.join(repr(origin) for origin in sorted(TEACHERS))})"
_ENTERED = "(SELECT at FROM journal WHERE memory_id = m.id AND from_status != to_status ORDER BY id DESC LIMIT 1)"
_SAME = "same"
"""What the line in `upkeep` is about."""


class Census:
    """Looks at the memories of one workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._index = MemoryIndex(db)

    def counts(self) -> Mapping[Sort, int]:
        """How many are in use or on trial, by sort. Those of several families count for none of them."""
        rows = self._db.rows(
            f"SELECT status, kind, family, {_TAUGHT}, count(*) FROM memories m WHERE status IN ({marks(_ALIVE)}) GROUP BY 1, 2, 3, 4",
            _ALIVE,
        )
        return {
            Sort(status, kind, "" if family == SEVERAL else family, bool(taught)): int(count)
            for status, kind, family, taught, count in rows
        }

    def standings(self, sort: Sort) -> tuple[Standing, ...]:
        """Of those of that sort, the `MOST_READ` longest unused."""
        where, values = _condition(sort)
        rows = self._db.rows(
            f"SELECT m.id, m.origin, m.used, m.helped, {_ENTERED}, r.started_at FROM"
            f" (SELECT * FROM memories m WHERE {where} ORDER BY m.last_run, m.rowid LIMIT {MOST_READ}) m"
            " LEFT JOIN runs r ON r.id = m.last_run",
            values,
        )
        return tuple(
            Standing(memory_id, origin, used, helped, max(datetime.fromisoformat(at) for at in (entered, ran) if at))
            for memory_id, origin, used, helped, entered, ran in rows
            if entered  # else it has no journal, and was not made here
        )

    def idle(self, runs: int) -> tuple[Memory, ...]:
        """Learned memories in use that none of the last `runs` learning runs had which their families and agents allow for.

        At most `MOST_IDLE`, the longest unused first.
        """
        horizon = self._db.rows(
            "SELECT id, started_at FROM runs WHERE mode = 'learning' ORDER BY id DESC LIMIT 1 OFFSET ?", (runs - 1,)
        )
        if not horizon:
            return ()
        rows = self._db.rows(
            f"SELECT {COLUMNS}, m.last_run, {_ENTERED} AS entered FROM (SELECT * FROM memories m WHERE m.status = 'promoted'"
            f" AND NOT {_TAUGHT} AND m.last_run < ? ORDER BY m.last_run, m.rowid LIMIT {MOST_READ}) m"
            f" WHERE entered < ? ORDER BY m.last_run, m.rowid LIMIT {MOST_IDLE}",
            horizon[0],
        )
        return tuple(memory for row in readable(rows) if self._had_chances((memory := memory_of(row)), row[-2], row[-1], runs))

    def _had_chances(self, memory: Memory, last_run: str, entered: str, runs: int) -> bool:
        scope = memory.lesson.scope
        conditions, values = ["mode = 'learning'", "id > ?"], [last_run]
        for column, names in (("family", scope.families), ("agent", scope.agents)):
            if names:
                conditions.append(f"{column} IN (SELECT value FROM json_each(?))")
                values.append(json.dumps(names))
        ((count,),) = self._db.rows(
            "SELECT count(*) FROM (SELECT started_at FROM runs WHERE"
            f" {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?) WHERE started_at > ?",
            (*values, runs, entered),
        )
        return int(count) >= runs

    def newcomers(self, limit: int) -> tuple[tuple[tuple[int, Memory], ...], int]:
        """Memories that came into quarantine or into use since the last look and are there still, each with the line that tells.

        At most `limit`, the first first; and the line up to which they are all.
        """
        ((last,),) = self._db.rows("SELECT coalesce(max(id), 0) FROM journal") or [(0,)]
        rows = self._db.rows(
            f"SELECT {COLUMNS}, j.id FROM journal j JOIN memories m ON m.id = j.memory_id"
            " WHERE j.id > coalesce((SELECT line FROM upkeep WHERE what = ?), 0) AND j.id <= ? AND j.from_status != j.to_status"
            f" AND j.to_status IN ({marks(_ALIVE)}) AND m.status IN ({marks(_ALIVE)}) ORDER BY j.id LIMIT ?",
            (_SAME, last, *_ALIVE, *_ALIVE, limit),
        )
        found = tuple((int(row[-1]), memory_of(row)) for row in readable(rows))
        return found, found[-1][0] if len(found) == limit else int(last)

    def looked_up_to(self, line: int) -> None:
        """The next look at newcomers begins after that line."""
        if self._db.rows("SELECT 1 FROM upkeep WHERE what = ? AND line >= ?", (_SAME, line)):
            return
        with self._db.write(learns=True) as cursor:
            cursor.execute(
                "INSERT INTO upkeep VALUES (?, ?) ON CONFLICT (what) DO UPDATE SET line = max(line, excluded.line)",
                (_SAME, line),
            )

    def neighbours(self, memory: Memory) -> tuple[Memory, ...]:
        """Those in use or on trial that could say the same, or the opposite: of its kind, with a scope like its own."""
        lesson, scope = memory.lesson, memory.lesson.scope
        if scope.families:
            rows = self._db.rows(
                f"SELECT {COLUMNS} FROM memories m WHERE m.family = ? AND m.kind = ? AND m.id != ? AND m.status IN ({marks(_ALIVE)})"
                " ORDER BY m.rowid DESC LIMIT ?",
                (family_of(lesson), lesson.kind, memory.id, *_ALIVE, NEIGHBOURS),
            )
            found = tuple(map(memory_of, readable(rows)))
        else:
            text = " ".join([lesson.when, lesson.then, *(case.situation for case in lesson.cases)])
            # Of what is for several agents, say, one sees all that the scope admits; it is compared as a whole below.
            audience = Audience("".join(scope.agents[:1]), "", "".join(scope.users[:1]), scope.tools, scope.teams)
            matches = self._index.by_words(words_in(text)[:MOST_WORDS], audience, statuses=_ALIVE, limit=LIKELY)
            found = tuple(each for _, each in matches.memories)
        return tuple(
            other
            for other in found
            if other.id != memory.id and other.lesson.kind == lesson.kind and other.lesson.scope == scope
        )

    def pool(self, kept: Memory, other: Memory) -> tuple[int, int]:
        """Add to the uses of `kept` those of `other`; how many were added, and how many of them had helped.

        A run that had both is counted once: only runs are added that are known to have had `other` and not `kept`. Where
        runs are not known one by one, as for what people taught, nothing is added. Trials are not pooled: a trial is of
        one text.
        """
        with self._db.write(learns=True) as cursor:
            used, helped = _other_runs(cursor, kept, other)
            cursor.execute("UPDATE memories SET used = used + ?, helped = helped + ? WHERE id = ?", (used, helped, kept.id))
        return used, helped

    def search(self, words: str, statuses: Collection[MemoryStatus], limit: int) -> tuple[Memory, ...]:
        """Memories of any scope with one of the words, best first (BM25); for people, never for a prompt."""
        wanted = words_in(words)
        if not wanted or not statuses:
            return ()
        rows = self._db.rows(
            f"SELECT {COLUMNS} FROM memory_index i JOIN memories m ON m.rowid = i.rowid"
            f" WHERE memory_index MATCH ? AND m.status IN ({marks(statuses)}) ORDER BY i.rank, m.rowid DESC LIMIT ?",
            (" OR ".join(f'"{word}"' for word in wanted), *statuses, limit),
        )
        return tuple(map(memory_of, readable(rows)))


def sort_of(memory: Memory) -> Sort:
    """As which it is counted."""
    lesson, families = memory.lesson, memory.lesson.scope.families
    family = families[0] if len(families) == 1 else ""
    return Sort(memory.status, lesson.kind, family, lesson.provenance.origin in TEACHERS)


def _condition(sort: Sort) -> tuple[str, Sequence[Value]]:
    """The sort as SQL about `memories m`."""
    statuses = _ALIVE if sort.status is None else (sort.status,)
    parts = [f"m.status IN ({marks(statuses)})", _TAUGHT if sort.taught else f"NOT {_TAUGHT}"]
    values: list[Value] = [*statuses]
    parts.append("m.kind != ?" if sort.kind is None else "m.kind = ?")
    values.append(POLICY if sort.kind is None else sort.kind)
    if sort.family is not None:
        parts.append("m.family = ?")
        values.append(sort.family)
    return " AND ".join(parts), values


def _other_runs(cursor: Cursor, kept: Memory, other: Memory) -> tuple[int, int]:
    """Judged runs that had `other` since it last came into quarantine, and not `kept`."""
    if kept.lesson.provenance.origin in TEACHERS:
        return 0, 0
    since = other.version - 1 if other.status == "promoted" else other.version
    row = cursor.execute(
        "SELECT count(*), coalesce(sum(e.success), 0) FROM exposures e WHERE e.memory_id = ?1 AND e.shown = 1 AND e.version >= ?2"
        " AND NOT EXISTS (SELECT 1 FROM exposures k WHERE k.memory_id = ?3 AND k.run_id = e.run_id AND k.shown = 1)",
        (other.id, since, kept.id),
    ).fetchone()
    return (int(row[0]), int(row[1])) if row is not None else (0, 0)
