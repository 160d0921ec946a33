"""A memory as its row in the database has it.

In:  the columns `COLUMNS` of a row of `memories m`.
Out: a `Memory`.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from functools import lru_cache

from purpose_agent.core.codec import from_json
from purpose_agent.core.errors import NotFound, WorkspaceError
from purpose_agent.core.memory import Lesson, Memory
from purpose_agent.memory.journal import Card
from purpose_agent.runtime.connection import Row

COLUMNS = "m.id, m.status, m.lesson, m.created_at, m.used, m.helped, m.version, m.supersedes"


@lru_cache(maxsize=4096)
def lesson_of(text: str) -> Lesson:
    """A stored lesson. The same text is the same lesson, and a lesson is frozen, so runs share what was read.

    Raises:
        WorkspaceError: It is no lesson: somebody edited the file.
    """
    try:
        return from_json(Lesson, text)
    except ValueError as error:  # pydantic's
        raise WorkspaceError(
            f"A memory of this workspace can't be read, because its row was edited: {text[:60]!r}. `purpose-agent memories verify` "
            "names it, and `purpose-agent learn` takes it in again."
        ) from error


def memory_of(row: Row) -> Memory:
    """The memory of a row that begins with `COLUMNS`."""
    return Memory(
        id=row[0],
        lesson=lesson_of(row[2]),
        status=row[1],
        created_at=datetime.fromisoformat(row[3]),
        used=row[4],
        helped=row[5],
        version=row[6],
        supersedes=row[7],
    )


def readable(rows: Iterable[Row]) -> Iterator[Row]:
    """Those of the rows that begin with `COLUMNS` whose lesson can be read.

    One row that somebody broke must not stop every run: `memories verify` names it, and `settle` takes it in again.
    """
    return (row for row in rows if _is_readable(row[2]))


def _is_readable(text: str) -> bool:
    try:
        lesson_of(text)
    except WorkspaceError:
        return False
    return True


def card_of(row: Row) -> Card:
    """The card of a row that begins with `COLUMNS`, not yet read."""
    return Card(row[0], row[2], row[1], row[6], row[7])


def not_found(memory_id: str) -> NotFound:
    """What to raise about a memory that is not there."""
    return NotFound(f"No memory has the id {memory_id!r}. `purpose-agent memories list` shows them all.")


def marks(values: Collection[object]) -> str:
    """As many question marks as there are values."""
    return ", ".join("?" * len(values))
