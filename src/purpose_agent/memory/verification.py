"""Whether journal and memories are as they were written.

In:  the journal's chain, the memories' rows.
Out: memories that are not as their last line left them; the first line that does not follow from the one before.

An edited card is seen when it is compared with its last line (`altered`), and an edited, moved or missing line when the
chain is walked (`verify`). How often a memory was used and helped is in no hash: runs change that without a line.

Does not hold against: somebody who rewrites the whole file, chain and all. There is no key in it. Who keeps the head
of the chain elsewhere (`purpose-agent memories verify` prints it) can see whether the history up to that line is still
the same. Nor is an edited card kept out of prompts that comes with the right hash in its line: `verify` sees that. A last
line that is taken away together with what it did is not seen without a head.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from purpose_agent.memory.journal import LAST_LINE, Card
from purpose_agent.runtime.chain import LINE, chain_hash
from purpose_agent.runtime.connection import Row
from purpose_agent.runtime.database import Database

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk along the chain found.

    Attributes:
        lines: How many there are.
        head: The chain at the last line; "" if there is none. Kept elsewhere, it shows later whether history changed.
        broken: The first line that does not follow from the one before it; None if all do.
        altered: Memories that are not as their last line left them, or have no line.
        lost: Memories that have lines and are gone.
        has_head: Whether the head that was asked for is in the chain; None if none was.
    """

    lines: int
    head: str
    broken: int | None = None
    altered: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    has_head: bool | None = None

    @property
    def ok(self) -> bool:
        """Everything is as it was written."""
        return self.broken is None and not self.altered and not self.lost and self.has_head is not False


def altered(db: Database, memory_ids: Collection[str] | None = None) -> tuple[Card, ...]:
    """Of those memories, or of all, the ones that are not as their last line left them; one without a line is neither.

    One query; a few microseconds for each memory.
    """
    chosen = "" if memory_ids is None else f" WHERE m.id IN ({', '.join('?' * len(memory_ids))})"
    rows = db.rows(
        "SELECT m.id, m.lesson, m.status, m.version, m.supersedes, j.card FROM memories m"
        f" LEFT JOIN journal j ON j.id = {LAST_LINE}{chosen} ORDER BY m.rowid",
        tuple(memory_ids or ()),
    )
    cards = ((Card(*row[:5]), row[5]) for row in rows)
    return tuple(card for card, kept in cards if card.hash != kept)


def verify(db: Database, head: str = "") -> Verification:
    """Walk along the whole chain, and compare every memory with its last line.

    Costs some ten microseconds a line.

    Args:
        head: One that was kept elsewhere: whether it is in the chain still.
    """
    lines, chain, broken, seen = 0, "", None, False
    for number, stored, line in _lines(db):
        lines += 1
        if broken is None and chain_hash(chain, line) != stored:
            broken = number
        chain = stored
        seen = seen or (broken is None and stored == head)
    lost = db.rows("SELECT DISTINCT memory_id FROM journal WHERE memory_id NOT IN (SELECT id FROM memories) ORDER BY 1")
    return Verification(
        lines,
        chain,
        broken,
        tuple(card.memory_id for card in altered(db)),
        tuple(str(row[0]) for row in lost),
        seen if head else None,
    )


def _lines(db: Database) -> Iterator[tuple[int, str, Row]]:
    """Number, stored chain and what it covers, a page at a time: evidence can be long."""
    number = 0
    while page := db.rows(
        f"SELECT id, chain, {', '.join(LINE)} FROM journal WHERE id > ? ORDER BY id LIMIT {_PAGE}", (number,)
    ):
        yield from ((row[0], row[1], row[2:]) for row in page)
        number = page[-1][0]
