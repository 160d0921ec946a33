"""Finding memories: by their words, by their scope, by the number of their row. The SQL that recall stands on.

In:  words, or numbers of rows; who asks (`Audience`).
Out: memories that this audience may see, and no others: scope is a part of every query.

A word that few memories have says most about what is wanted, and costs least to look up. So the rare words of a task
find the memories; of words that more than `FREQUENT` memories have, two must come together, and the newest memories
with both are looked at, and the newest with one of them that are for the user or for the agent, so that the memories of others
crowd out nobody's own. That bounds the cost of a search, whatever there is to search in.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from math import log

from purpose_agent.core.memory import POLICY, Lesson, Memory, MemoryKind, MemoryStatus, Scope
from purpose_agent.core.origin import TEACHERS
from purpose_agent.core.task import Task
from purpose_agent.memory.rows import COLUMNS, marks, memory_of, readable
from purpose_agent.memory.words import LONGEST, words_in
from purpose_agent.runtime.connection import Cursor, Value
from purpose_agent.runtime.database import Database

FREQUENT = 100
"""A word that more memories have tells little by itself."""
MOST_PAIRED = 6
"""So many of the frequent words are looked for in pairs."""
CHUNK = 48
"""Rows whose scope is looked at in one query; each further query takes twice as many."""
MERGED_EVERY = 16
SEVERAL = "*"
"""In the place of the family of a memory that has more than one."""

_UTILITY = "(m.helped + 1.0) / (m.used + 2) AS utility"
_DIMENSIONS = ("families", "agents", "users", "tools", "teams")


@dataclass(frozen=True, slots=True)
class Audience:
    """Who would have a memory in its prompt.

    Attributes:
        family: Of the task; "" if it has none.
        user: For whom the task is done; "" for nobody in particular, who sees no user's memories.
        tools: What the agent can use, by name.
        teams: Those it works in, by name.
        mates: Agents that share with it what they learn, by name.
    """

    agent: str
    family: str = ""
    user: str = ""
    tools: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    mates: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, task: Task, agent: str, tools: Iterable[str] = (), teams: Iterable[str] = (), mates: Iterable[str] = ()
    ) -> "Audience":
        """The one that `agent` is while it works on `task`."""
        return cls(agent, task.family, task.user, tuple(tools), tuple(teams), tuple(mates))

    def admits(self, scope: Scope) -> bool:
        """Whether what has that scope is for this audience."""
        return all(not named or any(name in named for name in own) for named, own in zip(_named(scope), self._own, strict=True))

    @property
    def query(self) -> tuple[str, tuple[str, ...]]:
        """The condition on a row `r` of `memory_reach` that what is for this audience fulfils, and its values.

        In each dimension it names nothing, or something that the audience is or has.
        """
        conditions = " AND ".join(
            f"(r.{name} = '[]'{f' OR instr(r.{name}, ?) > 0' * len(own)})"
            for name, own in zip(_DIMENSIONS, self._own, strict=True)
        )
        return conditions, tuple(_json(name) for own in self._own for name in own)

    @property
    def _own(self) -> tuple[tuple[str, ...], ...]:
        family, agent, user = ((name,) if name else () for name in (self.family, self.agent, self.user))
        return (family, (*agent, *self.mates), user, self.tools, self.teams)


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search by words found.

    Attributes:
        memories: With their rows, best first by the words that found them.
        weights: How much each of the words tells, above 0: the fewer memories have it, the more. Words that no memory has
            are not in it.
    """

    memories: tuple[tuple[int, Memory], ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict[str, float])


class MemoryIndex:
    """Finds memories of one workspace; writes nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._frequent: set[str] = set()  # memories are not deleted: once frequent, a word stays so
        self._newest = 0

    def by_words(
        self, words: Sequence[str], audience: Audience, *, statuses: Collection[MemoryStatus] = ("promoted",), limit: int = 40
    ) -> Matches:
        """Memories without a family that have words of `words`, at most `limit`."""
        found, weights = self._rows_with(words, audience)
        ranked = sorted(zip(found.values(), found, strict=True), reverse=True)
        admissible = self.admissible((row for _, row in ranked), audience, statuses=statuses)
        return Matches(tuple(islice(admissible, limit)), weights)

    def by_scope(
        self, audience: Audience, *, statuses: Collection[MemoryStatus] = ("promoted",), limit: int = 200
    ) -> tuple[Memory, ...]:
        """Memories that apply by their scope alone, most useful first.

        They are those of the family; those that a person taught to hold always; and learned values.
        """
        within, names = audience.query
        usable = f"m.status IN ({marks(statuses)}) AND {within}"
        rows = self._db.rows(
            f"SELECT {COLUMNS}, {_UTILITY} FROM memory_reach r CROSS JOIN memories m ON m.rowid = r.row WHERE r.always = 1 AND +{usable}"
            f" UNION ALL SELECT {COLUMNS}, {_UTILITY} FROM memories m JOIN memory_reach r ON r.row = m.rowid"
            f" WHERE m.family IN (?, '{SEVERAL}') AND {usable}"
            " ORDER BY utility DESC, 1 LIMIT ?",
            (*statuses, *names, audience.family or SEVERAL, *statuses, *names, limit),
        )
        return tuple(memory for memory in map(memory_of, readable(rows)) if audience.admits(memory.lesson.scope))

    def admissible(
        self, ranked: Iterable[int], audience: Audience, *, statuses: Collection[MemoryStatus] = ("promoted",)
    ) -> Iterator[tuple[int, Memory]]:
        """Those of the rows `ranked` that hold a memory without a family for that audience, in their order.

        Looks at as many as are taken from it, a chunk at a time.
        """
        within, names = audience.query
        known: dict[Scope, bool] = {}
        for row, memory in self._those(ranked, f"+m.family = '' AND {within}", names, statuses):
            # The row of the index was made from the lesson; who edits the file could change the one without the other.
            scope = memory.lesson.scope
            if scope not in known:
                known[scope] = audience.admits(scope)
            if known[scope]:
                yield row, memory

    def alike(self, lesson: Lesson, statuses: Collection[MemoryStatus], *, limit: int = 50) -> Iterator[Memory]:
        """Memories of the same kind and scope that share its rarest words: among them are those that say the same."""
        found, _ = self._rows_with(words_in(f"{lesson.when} {lesson.then}"[:LONGEST]))
        ranked = (row for _, row in sorted(zip(found.values(), found, strict=True), reverse=True))
        same, values = _same_scope(lesson.scope)
        those = self._those(ranked, f"+m.kind = ? AND +{same}", (lesson.kind, *values), statuses)
        return islice((memory for _, memory in those), limit)

    def of_scope(self, scope: Scope, statuses: Collection[MemoryStatus], kinds: Collection[MemoryKind]) -> tuple[Memory, ...]:
        """Memories of exactly that scope, of some kinds; oldest first."""
        same, values = _same_scope(scope)
        rows = self._db.rows(
            f"SELECT {COLUMNS} FROM memories m JOIN memory_reach r ON r.row = m.rowid"
            f" WHERE m.status IN ({marks(statuses)}) AND m.kind IN ({marks(kinds)}) AND {same} ORDER BY m.rowid",
            (*statuses, *kinds, *values),
        )
        return tuple(map(memory_of, readable(rows)))

    def _those(
        self, ranked: Iterable[int], condition: str, values: Sequence[str], statuses: Collection[MemoryStatus]
    ) -> Iterator[tuple[int, Memory]]:
        """Memories of the rows `ranked` of which `condition` is true, in their order, a chunk at a time."""
        # A plus before a column keeps SQLite from looking up that column's index instead of the few rows.
        rows, size = iter(ranked), CHUNK
        while chunk := list(islice(rows, size)):
            size *= 2
            found = {
                int(row[-1]): memory_of(row)
                for row in readable(
                    self._db.rows(
                        f"SELECT {COLUMNS}, m.rowid FROM memories m JOIN memory_reach r ON r.row = m.rowid"
                        f" WHERE m.rowid IN (SELECT value FROM json_each(?)) AND +m.status IN ({marks(statuses)}) AND {condition}",
                        (json.dumps(chunk), *statuses, *values),
                    )
                )
            }
            yield from ((row, found[row]) for row in chunk if row in found)

    def _rows_with(self, words: Sequence[str], audience: Audience | None = None) -> tuple[dict[int, float], dict[str, float]]:
        """Rows by the weight of the words they have, and the weight of each word that any has."""
        if not self._db.exists:
            return {}, {}
        ((newest,),) = self._db.rows("SELECT coalesce(max(rowid), 0) FROM memories")
        if newest < self._newest:  # another file is in the place of the old one
            self._frequent.clear()
        self._newest = newest
        found: dict[int, float] = {}
        weights: dict[str, float] = {}
        little = _weight(FREQUENT, newest)
        rare = self._newest_with_each([word for word in words if word not in self._frequent])
        for word in words:
            rows = rare.get(word, [])
            if len(rows) > FREQUENT:
                self._frequent.add(word)
            if word in self._frequent:
                weights[word] = little
            elif rows:
                weight = weights[word] = _weight(len(rows), newest)
                for row in rows:
                    found[row] = found.get(row, 0.0) + weight
        frequent = [_quoted(word) for word in words if word in self._frequent][:MOST_PAIRED]
        if len(frequent) > 1:
            pairs = (f"({one} AND ({' OR '.join(frequent[place + 1 :])}))" for place, one in enumerate(frequent[:-1]))
            for row in self._newest_with(" OR ".join(pairs), FREQUENT):
                found[row] = found.get(row, 0.0) + 2 * little
        for row in self._own_with(frequent, audience) if frequent and audience is not None else ():
            found.setdefault(row, little)
        return found, weights

    def _own_with(self, quoted: Sequence[str], audience: Audience) -> Iterator[int]:
        """The newest rows with one of the words that are for that user, or for that agent."""
        for dimension, name in (("user", audience.user), ("agent", audience.agent)):
            if name:
                yield from self._newest_with(f"({' OR '.join(quoted)}) AND {_marker(dimension, name)}", FREQUENT)

    def _newest_with_each(self, words: Sequence[str]) -> dict[str, list[int]]:
        """The newest rows with each of the words, up to one more than makes it a frequent one. One query for all."""
        found: dict[str, list[int]] = {word: [] for word in words}
        if words:
            each = (
                f"SELECT ? AS word, rowid FROM memory_index WHERE memory_index MATCH ? ORDER BY rowid DESC LIMIT {FREQUENT + 1}"
            )
            every = " UNION ALL ".join([f"SELECT * FROM ({each})"] * len(words))
            for word, row in self._db.rows(every, tuple(each for one in words for each in (one, _quoted(one)))):
                found[str(word)].append(row)
        return found

    def _newest_with(self, expression: str, limit: int) -> list[int]:
        rows = self._db.rows(
            "SELECT rowid FROM memory_index WHERE memory_index MATCH ? ORDER BY rowid DESC LIMIT ?", (expression, limit)
        )
        return [row for (row,) in rows]


def keep(cursor: Cursor, row: int, lesson: Lesson) -> None:
    """Find the memory in that row by `lesson` from now on, in the caller's transaction; the vector of another one is dropped."""
    scope = [_json(names) for names in _named(lesson.scope)]
    always = not lesson.when.strip() and (lesson.provenance.origin in TEACHERS or lesson.kind == POLICY)
    values: tuple[Value, ...] = (row, int(always and not lesson.scope.families), *scope)
    cursor.execute(
        f"INSERT OR REPLACE INTO memory_reach (row, always, {', '.join(_DIMENSIONS)}) VALUES (?, ?, ?, ?, ?, ?, ?)", values
    )
    cursor.execute("INSERT OR REPLACE INTO memory_index (rowid, text) VALUES (?, ?)", (row, _indexed(lesson)))
    if row % MERGED_EVERY == 0:
        # Kept in few pieces, which makes a search several times quicker. A little work now and then, not much at once.
        cursor.execute("INSERT INTO memory_index (memory_index, rank) VALUES ('merge', -64)")
    cursor.execute("DELETE FROM memory_vectors WHERE row = ?", (row,))


def family_of(lesson: Lesson) -> str:
    """What the column `family` has of it: its family, "" for none, or that there are several."""
    return _family_of(lesson.scope)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _same_scope(scope: Scope) -> tuple[str, tuple[str, ...]]:
    """The condition on `memories m` and `memory_reach r` that what has exactly that scope fulfils, and its values."""
    return " AND ".join(["m.family = ?", *(f"r.{name} = ?" for name in _DIMENSIONS)]), (
        _family_of(scope),
        *map(_json, _named(scope)),
    )


def _family_of(scope: Scope) -> str:
    return SEVERAL if len(scope.families) > 1 else "".join(scope.families)


def _named(scope: Scope) -> tuple[tuple[str, ...], ...]:
    return (scope.families, scope.agents, scope.users, scope.tools, scope.teams)


def _indexed(lesson: Lesson) -> str:
    """The words a memory is found by, and those whose it is, each as one word more."""
    scope = lesson.scope
    own = [*(_marker("agent", name) for name in scope.agents), *(_marker("user", name) for name in scope.users)]
    return "\n".join([lesson.when, lesson.then, *(case.situation for case in lesson.cases), *own])


def _marker(dimension: str, name: str) -> str:
    """A lesson could contain that word, and would be found by it: who may see it is decided by its scope."""
    return f"scope{dimension}{sha256(name.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _weight(having: int, all_: int) -> float:
    """What a word tells that so many of all memories have, as BM25 has it."""
    return log(1 + (max(all_, having) - having + 0.5) / (having + 0.5))


def _quoted(word: str) -> str:
    """The word in an FTS5 expression: quoted, so that it can't be an operator."""
    return '"' + re.sub(r'["\x00]', " ", word) + '"'
