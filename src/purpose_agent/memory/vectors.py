"""Memories as vectors: those whose words differ from a task's and that mean the same are found too.

In:  a task in words, who asks; the embedder of this workspace.
Out: rows of memories near the task, with their cosines, by what this audience may see.

The vectors in the database are the truth, each with the fingerprint of its embedder; those of another one are left alone
until they are replaced. What is in memory here follows the journal: whatever was promoted since is embedded, a few at a
search, and the rest at the next one. It is written to the file only when the caller says so: an evaluation writes nothing.
"""

import threading
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from purpose_agent.core.memory import POLICY, Lesson, Scope
from purpose_agent.core.ports import Embedder
from purpose_agent.memory.index import Audience
from purpose_agent.memory.rows import lesson_of
from purpose_agent.runtime.database import Database

if TYPE_CHECKING:
    from purpose_agent.retrieval.nearest import Nearest

AT_ONCE = 16
"""So many memories are embedded at a search, if some have no vector yet."""
NEAREST = 256
_FOUND_BY_MEANING = f"m.status = 'promoted' AND m.family = '' AND m.kind != '{POLICY}' AND r.always = 0"
_PAGE = 10_000


class MemoryVectors:
    """The vectors of one workspace, by one embedder. Nothing is read or loaded before the first search."""

    def __init__(self, db: Database, embedder: Embedder) -> None:
        self._db = db
        self._embedder = embedder
        self._lock = threading.RLock()
        self._near: Nearest | None = None
        self._groups = _Groups()
        self._waiting: dict[int, str] = {}
        self._unsaved: dict[int, tuple[str, bytes]] = {}
        self._seen = 0
        self._embedded = lru_cache(maxsize=256)(self._embed)

    def search(self, text: str, audience: Audience, *, keep: bool) -> "Near":
        """What is near `text`, among what `audience` may see.

        Args:
            keep: Vectors that were made for it are written to the file.

        Raises:
            MissingExtra: The embedder's packages are not installed.
        """
        with self._lock:
            self.make(AT_ONCE)
            if keep:
                self.save()
            near = self._catch_up()
            if not len(near):
                return Near(b"", (), near)
            vector = self._embedded(text)
            found = near.to(vector, self._groups.open_to(audience), most=NEAREST, floor=self._embedder.floor)
            return Near(vector, tuple(found), near)

    def make(self, most: int) -> int:
        """Embed up to `most` memories that have no vector yet; how many are left."""
        with self._lock:
            near = self._catch_up()
            for row, text in list(islice(self._waiting.items(), most)):
                vector = self._embed(text_of(lesson_of(text)))
                near.put([row], [self._groups.of(lesson_of(text).scope)], [vector])
                self._unsaved[row] = (text, vector)
                del self._waiting[row]
            return len(self._waiting)

    def save(self) -> None:
        """Write the vectors made so far to the file; not of lessons that changed meanwhile."""
        with self._lock:
            if not self._unsaved:
                return
            self._write()

    def _write(self) -> None:
        with self._db.write(learns=True) as cursor:
            cursor.executemany(
                "INSERT OR REPLACE INTO memory_vectors (row, embedder, vector)"
                " SELECT rowid, ?, ? FROM memories WHERE rowid = ? AND lesson = ?",
                [(self._embedder.fingerprint, vector, row, text) for row, (text, vector) in self._unsaved.items()],
            )
        self._unsaved.clear()

    def _embed(self, text: str) -> bytes:
        from purpose_agent.retrieval.nearest import packed

        (vector,) = self._embedder.embed([text])
        return packed(vector)

    def _catch_up(self) -> "Nearest":
        """The vectors in memory, as the file and its journal have it now."""
        ((newest,),) = self._db.rows("SELECT coalesce(max(id), 0) FROM journal") or [(0,)]
        if self._near is None or newest < self._seen:  # never read, or another file is in its place
            return self._load(newest)
        if newest > self._seen:
            rows = self._db.rows(
                "SELECT DISTINCT m.rowid FROM journal j JOIN memories m ON m.id = j.memory_id WHERE j.id > ?", (self._seen,)
            )
            for (row,) in rows:
                self._look_again(self._near, int(row))
            self._seen = newest
        return self._near

    def _load(self, newest: int) -> "Nearest":
        from purpose_agent.retrieval.nearest import Nearest

        self._near, self._groups, self._seen = Nearest(), _Groups(), newest
        self._waiting.clear()
        self._unsaved.clear()
        last = 0
        while page := self._db.rows(
            f"SELECT {_REACH}, v.row, v.vector FROM memory_vectors v JOIN memory_reach r ON r.row = v.row"
            " WHERE v.row > ? AND v.embedder = ? ORDER BY v.row LIMIT ?",
            (last, self._embedder.fingerprint, _PAGE),
        ):
            self._near.put(
                [row[-2] for row in page], [self._groups.of_columns(row[:-2]) for row in page], [row[-1] for row in page]
            )
            last = int(page[-1][-2])
        wanting = self._db.rows(
            f"SELECT m.rowid, m.lesson FROM memories m JOIN memory_reach r ON r.row = m.rowid WHERE {_FOUND_BY_MEANING}"
            " AND NOT EXISTS (SELECT 1 FROM memory_vectors v WHERE v.row = m.rowid AND v.embedder = ?)",
            (self._embedder.fingerprint,),
        )
        self._waiting.update((int(row), str(text)) for row, text in wanting)
        return self._near

    def _look_again(self, near: "Nearest", row: int) -> None:
        """Something happened to the memory in that row: its vector may be wanted now, or another one."""
        found = self._db.rows(
            f"SELECT m.lesson, {_FOUND_BY_MEANING} FROM memories m JOIN memory_reach r ON r.row = m.rowid WHERE m.rowid = ?",
            (row,),
        )
        text, wanted = found[0] if found else ("", 0)
        kept = self._db.rows(
            "SELECT vector FROM memory_vectors WHERE row = ? AND embedder = ?", (row, self._embedder.fingerprint)
        )
        unsaved = self._unsaved.get(row)
        self._waiting.pop(row, None)
        if kept:
            near.put([row], [self._groups.of(lesson_of(text).scope)], [kept[0][0]])
        elif wanted and not (row in near and unsaved is not None and unsaved[0] == text):
            near.drop(row)
            self._unsaved.pop(row, None)
            self._waiting[row] = text


@dataclass(frozen=True, slots=True)
class Near:
    """What a search found: rows with their cosines, nearest first; and how near any other row is."""

    vector: bytes
    rows: tuple[tuple[int, float], ...]
    among: "Nearest"

    def cosine(self, row: int) -> float:
        """Of the text with the memory in that row; 0 where it has no vector."""
        found = self.among.cosine(self.vector, row) if self.vector else None
        return max(0.0, found) if found is not None else 0.0


@dataclass(slots=True)
class _Groups:
    """Numbers for the scopes that there are: a few hundred, where there are a hundred thousand memories."""

    numbers: dict[Scope, int] = field(default_factory=dict[Scope, int])
    columns: dict[tuple[str, ...], int] = field(default_factory=dict[tuple[str, ...], int])

    def of(self, scope: Scope) -> int:
        return self.numbers.setdefault(scope, len(self.numbers))

    def of_columns(self, names: tuple[str, ...]) -> int:
        """As `of`, of the JSON lists of a row."""
        known = self.columns.get(names)
        if known is None:
            import json

            families, agents, users, tools, teams = (tuple[str, ...](json.loads(each)) for each in names)
            known = self.columns[names] = self.of(Scope(agents, families, users, tools, teams))
        return known

    def open_to(self, audience: Audience) -> list[int]:
        return [number for scope, number in self.numbers.items() if audience.admits(scope)]


_REACH = "r.families, r.agents, r.users, r.tools, r.teams"


def text_of(lesson: Lesson) -> str:
    """What stands for a lesson among vectors: where it applies; else what it says, or what its cases look like.

    A task is compared with it, and tells where it is, not what to do: with the advice added fewer are found.
    """
    return lesson.when.strip() or lesson.then.strip() or "\n".join(case.situation for case in lesson.cases)
