"""A workspace full of memories in use.

In:  a folder, how many.
Out: the parts that work on it.
"""

from dataclasses import replace
from itertools import islice
from pathlib import Path

from benchmarks.gate.corpus import lessons
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.core.ids import new_id
from purpose_agent.core.memory import Lesson, Memory, ScanReport
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.database import Database

MOST = 101_000
AT_ONCE = 500


class Filled:
    """A store, its gate, and the lessons that are still to be written."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self.db = Database(folder / DATABASE)
        self.clock = SystemClock()
        self.store = MemoryStore(self.db, self.clock)
        self.gate = Gate(self.store, self.clock)
        self.lessons = lessons(MOST, seed)
        self.kept = 0

    def next(self, count: int) -> list[Lesson]:
        """Lessons that were not written yet."""
        return list(islice(self.lessons, count))

    @property
    def bytes(self) -> int:
        """Of the file, when the log is folded back into it."""
        self.db.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.db.path.stat().st_size

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()


def fill(filled: Filled, size: int) -> None:
    """Write lessons until there are `size`; all in use, as if a person had taught them."""
    while filled.kept < size:
        chosen = filled.next(min(AT_ONCE, size - filled.kept))
        with filled.store.transaction():
            for lesson in chosen:
                take(filled, lesson)
        filled.kept += len(chosen)


def take(filled: Filled, lesson: Lesson) -> Memory:
    """Write one, past the scanners and with its lines in the journal."""
    taught = replace(lesson, provenance=replace(lesson.provenance, origin="user"))
    memory = Memory(new_id("mem"), taught, "candidate", filled.clock.now())
    memory = filled.store.insert(memory, actor="person", why="taught")
    return filled.store.change(memory, "promoted", actor="person", why="taught", evidence=ScanReport())
