"""How the journal of memories holds together: what is hashed, and in which form.

In:  a card as its row has it; a line of the journal, and the chain before it.
Out: hashes in hexadecimal. The form is fixed: chains of today are verified by every later version.

Here, below the memory, because the step that gives an old file its chain needs it too.
"""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

from purpose_agent.runtime.connection import Connection, Value

LINE: Final = (
    "memory_id",
    "at",
    "from_status",
    "to_status",
    "actor",
    "why",
    "evidence",
    "run_id",
    "lesson",
    "supersedes",
    "card",
)
"""The columns of a line that its chain covers, in this order."""


def card_hash(memory_id: str, lesson: str, status: str, version: int, supersedes: str | None) -> str:
    """Of a memory's card. What use adds to (used, helped) is not in it: runs change that without a line.

    Args:
        lesson: The text of its row, as it is.
    """
    return _hashed([memory_id, lesson, status, version, supersedes])


def chain_hash(before: str, line: Sequence[Value]) -> str:
    """Of a line and, through `before`, of all lines that came before it.

    Args:
        before: The chain of the line before; "" for the first.
        line: The values of the columns `LINE`.
    """
    return _hashed([before, *line])


def _hashed(values: Sequence[Value]) -> str:
    return sha256(json.dumps(values).encode()).hexdigest()


def link_old_lines(db: Connection) -> None:
    """Give the lines of a journal from before there was a chain their cards, lessons and links.

    Until then a lesson never changed, so each line's card can be told from the row. The last line of each memory gets
    the card as the row has it now: what an old file holds is believed once.
    """
    rows = {
        row[0]: (str(row[1]), row[2], int(row[3]), row[4])
        for row in db.execute("SELECT id, lesson, status, version, supersedes FROM memories").fetchall()
    }
    last = {row[0]: row[1] for row in db.execute("SELECT memory_id, max(id) FROM journal GROUP BY memory_id").fetchall()}
    moves: dict[str, int] = {}
    before = ""
    for number, *line in _old_lines(db):
        memory_id, came_from, became = str(line[0]), line[2], line[3]
        is_first = memory_id not in moves
        moves[memory_id] = moves.get(memory_id, 0) + (came_from != became)
        lesson, supersedes, card = None, None, ""
        if memory_id in rows:
            text, status, version, supersedes = rows[memory_id]
            if last[memory_id] != number:
                status, version = str(became), moves[memory_id]
            card = card_hash(memory_id, text, status, version, supersedes)
            lesson, supersedes = (text, supersedes) if is_first else (None, None)
        before = chain_hash(before, (*line, lesson, supersedes, card))
        db.execute(
            "UPDATE journal SET lesson = ?, supersedes = ?, card = ?, chain = ? WHERE id = ?",
            (lesson, supersedes, card, before, number),
        )


def _old_lines(db: Connection) -> Iterator[list[Value]]:
    """Number and the first eight columns of `LINE`, a thousand lines at a time: evidence can be long."""
    number: Value = 0
    while True:
        page = db.execute(
            f"SELECT id, {', '.join(LINE[:8])} FROM journal WHERE id > ? ORDER BY id LIMIT 1000", (number,)
        ).fetchall()
        yield from (list(row) for row in page)
        if not page:
            return
        number = page[-1][0]
