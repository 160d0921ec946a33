"""What each trial was lent, and what came back: the only SQL on the table `trials`.

In:  memories whose trial begins, e-values as trials go on, promotions.
Out: the error rate that a promotion may have now.

Each stay of a memory in quarantine has one account: a memory that was sent back and is tried again opens another. An account is
opened before the first pair, so that a stake never depends on the outcome it is staked on. When the memory has left
quarantine, what is left comes back; when nothing differed in any pair so far, it comes back at once, and is lent anew when the
trial goes on. The rules are in `discoveries.py`.
"""

from collections.abc import Iterable, Sequence

from purpose_agent.core.errors import NotQuarantined, TrialInconclusive
from purpose_agent.core.memory import ExposureReport, JournalEntry, Memory, TrialReport
from purpose_agent.core.origin import AUTHORITY
from purpose_agent.memory.discoveries import LEVEL, PATIENCE, allowed, left_over, lent, together
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.database import Database

_PROMOTIONS = "SELECT count(*) FROM trials WHERE promotion IS NOT NULL"
_WAITS = "SELECT 1 FROM memories WHERE id = ? AND version = ? AND status = 'quarantined'"
_OPEN = "SELECT stake FROM trials WHERE memory_id = ? AND version = ? AND returned IS NULL"


def last_report(journal: Iterable[JournalEntry]) -> TrialReport | None:
    """The newest report of the present stay in quarantine, from which a trial goes on.

    Args:
        journal: Of one memory, oldest first.
    """
    reports = [entry.evidence for entry in present_stay(journal) if isinstance(entry.evidence, TrialReport)]
    return reports[-1] if reports else None


def present_stay(journal: Iterable[JournalEntry]) -> Sequence[JournalEntry]:
    """What happened since the memory came into quarantine last, that line first; all if it never did.

    Args:
        journal: Of one memory, oldest first.
    """
    stay: list[JournalEntry] = []
    for entry in journal:
        if entry.to_status == "quarantined" != entry.from_status:
            stay.clear()
        stay.append(entry)
    return stay


class TrialAccounts:
    """The money of one workspace. Making one touches nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def allowance(self, memory: Memory, *, patient: bool = False) -> float:
        """The error rate that the promotion of `memory` may have now, 0 to 1; its account is opened if there is none.

        It never shrinks while the trial goes on, and grows with every promotion of another memory.

        Args:
            patient: Its pairs come with runs that are made anyway: it is lent little.

        Raises:
            NotQuarantined: It is not in quarantine, or no longer in that stay.
        """
        with self._db.write() as cursor:
            if cursor.execute(_WAITS, (memory.id, memory.version)).fetchone() is None:
                raise NotQuarantined(
                    f"Memory {memory.id} (version {memory.version}) is not in quarantine, so there is nothing to try. Read it again."
                )
            stake = _stake(cursor, memory)
            if stake is None:
                stake = _lent(cursor, memory, patient)
                cursor.execute(
                    "INSERT INTO trials (memory_id, version, stake) VALUES (?, ?, ?)"
                    " ON CONFLICT (memory_id, version) DO UPDATE SET stake = excluded.stake, returned = NULL",
                    (memory.id, memory.version, stake),
                )
            return allowed(stake, _promotions(cursor))

    def prospect(self, memory: Memory) -> float:
        """The error rate that its promotion may have at best, if all that wait are promoted with it; 0 without an account."""
        stake, promotions = self._db.rows(_OPEN, (memory.id, memory.version)), self._db.rows(_PROMOTIONS)
        ((waiting,),) = self._db.rows("SELECT count(*) FROM trials WHERE returned IS NULL")
        return allowed(float(stake[0][0]), int(promotions[0][0]) + int(waiting) - 1) if stake else 0.0

    def together(self, memories: Sequence[Memory]) -> Sequence[tuple[Memory, float]]:
        """Those of `memories` that may be promoted with one stroke, and the error rate of each promotion.

        Their evidence is what was noted last; each needs 1/LEVEL by itself, too.
        """
        found: list[tuple[float, float, Memory]] = []
        for memory in memories:
            rows = self._db.rows(
                "SELECT stake * e_help, stake FROM trials WHERE memory_id = ? AND version = ? AND returned IS NULL AND e_help >= ?",
                (memory.id, memory.version, 1 / LEVEL),
            )
            found += [(float(staked), float(stake), memory) for staked, stake in rows]
        found.sort(key=lambda each: -each[0])
        ((promotions,),) = self._db.rows(_PROMOTIONS)
        k = together([staked for staked, _, _ in found], int(promotions))
        return [(memory, allowed(stake, int(promotions) + k - 1)) for _, stake, memory in found[:k]]

    def handed_on(self, old: Memory, new: Memory) -> None:
        """The account of `old` is that of `new` from now on: both are one hypothesis, in other words.

        Args:
            old: As it was in quarantine.
        """
        with self._db.write() as cursor:
            cursor.execute(
                "UPDATE trials SET memory_id = ?, version = ? WHERE memory_id = ? AND version = ?",
                (new.id, new.version, old.id, old.version),
            )

    def note(self, memory: Memory, report: TrialReport | ExposureReport) -> None:
        """Keep how far its trial has come. One in which nothing differed so far has cost nothing."""
        with self._db.write() as cursor:
            cursor.execute(
                "UPDATE trials SET e_help = ?, returned = iif(?, stake, NULL)"
                " WHERE memory_id = ? AND version = ? AND returned IS NULL",
                (min(report.e_help, 1e300), int(report.e_help == 1), memory.id, memory.version),
            )

    def promoted(self, memory: Memory, report: TrialReport | ExposureReport, *, following: int = 0) -> None:
        """Close the account of a memory that `report` promotes, in the transaction of its promotion.

        Args:
            following: How many more are promoted with the same stroke.

        Raises:
            TrialInconclusive: It has no open account, or the report allows itself a larger error rate than it has.
        """
        with self._db.write() as cursor:
            stake, promotion = _stake(cursor, memory), _promotions(cursor) + 1 + following
            if stake is None:
                raise TrialInconclusive(
                    f"No trial of memory {memory.id} (version {memory.version}) was begun, so its promotion may not err at all. "
                    "Ask the gate for its allowance before the first pair."
                )
            rate = allowed(stake, promotion - 1)
            if report.alpha > rate:
                raise TrialInconclusive(
                    f"The report on memory {memory.id} allows itself an error rate of {report.alpha:.3g}; after all trials before it "
                    f"there are {rate:.3g} left, which takes an e-value of {1 / rate:.0f}."
                )
            cursor.execute(
                "UPDATE trials SET e_help = ?, returned = ?, promotion = ? WHERE memory_id = ? AND version = ?",
                (
                    min(report.e_help, 1e300),
                    left_over(stake, report.e_help, promotion),
                    promotion,
                    memory.id,
                    memory.version,
                ),
            )


def _stake(cursor: Cursor, memory: Memory) -> float | None:
    row = cursor.execute(_OPEN, (memory.id, memory.version)).fetchone()
    return float(row[0]) if row is not None else None


def _lent(cursor: Cursor, memory: Memory, patient: bool) -> float:
    """The stake of a trial that begins. Memories on less authority don't count: a crowd of them must not starve the agents' own."""
    _collect(cursor)
    ((others, money),) = cursor.execute(
        "SELECT coalesce(sum(memory_id != ? OR version != ?), 0), 1.0 - coalesce(sum(stake - coalesce(returned, 0)), 0) FROM trials",
        (memory.id, memory.version),
    ).fetchall()
    origins = AUTHORITY[: AUTHORITY.index(memory.lesson.provenance.origin) + 1]
    ((waiting,),) = cursor.execute(
        f"SELECT count(*) FROM memories m WHERE status = 'quarantined' AND origin IN ({', '.join('?' * len(origins))}) AND NOT EXISTS"
        " (SELECT 1 FROM trials t WHERE t.memory_id = m.id AND t.version = m.version AND t.returned IS NULL)",
        origins,
    ).fetchall()
    share = lent(float(money), int(others), max(1, int(waiting)))
    return min(PATIENCE * float(money), share) if patient else share


def _promotions(cursor: Cursor) -> int:
    ((promotions,),) = cursor.execute(_PROMOTIONS).fetchall()
    return int(promotions)


def _collect(cursor: Cursor) -> None:
    """Take back what is left of trials whose memory is no longer in that stay in quarantine."""
    ended = cursor.execute(
        "SELECT number, stake, e_help FROM trials t WHERE returned IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM memories m WHERE m.id = t.memory_id AND m.version = t.version AND m.status = 'quarantined')"
    ).fetchall()
    for number, stake, e_help in ended:
        cursor.execute("UPDATE trials SET returned = ? WHERE number = ?", (left_over(stake, e_help, None), number))
