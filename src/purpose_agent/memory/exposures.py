"""Which runs had which memories, and which would have had them but for a coin: the only SQL on `exposures`.

In:  the exposures of a judged run, as it ends.
Out: the exposures of a memory, in the order in which the outcomes came.

Runs that nobody judged are not kept here: they tell nothing of what a memory is worth. Those that broke before they could
be are, as no success, where a coin fell. What a coin withheld from them is
in their events. Nor are memories that people taught: those are always shown.
"""

from collections.abc import Iterable

from purpose_agent.core.exposure import Exposure
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.database import Database


class Exposures:
    """What was shown and withheld in one workspace. Making one touches nothing; reading creates nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, memory_id: str, version: int | None = None) -> tuple[Exposure, ...]:
        """Those of a memory, in the order in which the outcomes came: what was there at one look stays the beginning of the next.

        Args:
            version: Only those of this version, that is since its status last changed; None: all.
        """
        rows = self._db.rows(
            "SELECT memory_id, version, shown, share, run_id, success FROM exposures"
            " WHERE memory_id = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY number",
            (memory_id, version),
        )
        return tuple(Exposure(row[0], row[1], bool(row[2]), row[3], row[4], bool(row[5])) for row in rows)

    def count(self, memory_id: str, version: int) -> int:
        """How many there are of that version."""
        ((count,),) = self._db.rows(
            "SELECT count(*) FROM exposures WHERE memory_id = ? AND version = ?", (memory_id, version)
        ) or [(0,)]
        return int(count)


def keep(cursor: Cursor, exposures: Iterable[Exposure], *, success: bool) -> None:
    """Keep what a run had and what a coin kept from it, in the caller's transaction.

    A run that broke and was resumed counts as it ended first: a test that has been looked at is not told another past.

    Args:
        success: How the run ended.
    """
    cursor.executemany(
        "INSERT INTO exposures (run_id, memory_id, version, shown, share, success) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (memory_id, run_id) DO NOTHING",
        [(each.run_id, each.memory_id, each.version, int(each.shown), each.share, int(success)) for each in exposures],
    )
