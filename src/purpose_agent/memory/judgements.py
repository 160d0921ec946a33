"""What critics said of runs whose outcome is known: the only SQL on `phi_judgements`.

In:  a critic's Φ of a finished run, beside how that run really ended.
Out: the judgements of a critic and its model, oldest first; which groups there are, and how many in each.

Nothing is changed or deleted: of a run that was judged again with another prompt the newest counts. What a critic says with
calibration memories in its prompt is kept apart by their hash, since it may read the same answer otherwise. A run in
evaluation or validation mode can add nothing: the file refuses.

Not here: what the numbers mean (`evals/calibration.py`), and whom to ask about what (`learning/judging.py`). The table that is
called `judgements` is another one: it is about others' episodes, and belongs to `replay.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from purpose_agent.core.codec import storable
from purpose_agent.runtime.connection import Row
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.trace import time_to_text

_COLUMNS = "run_id, critic, model, family, task_key, phi, confidence, low, high, success, tokens, version, at, notes"  # as in `Judgement`


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one critic said of one finished run.

    Attributes:
        critic: "state", "delta", "falsification" or "ensemble".
        model: The name of the critic's model.
        phi: 0 to 10, or None if the critic could not say.
        confidence: 0 to 1.
        low: Of the critic's own range of Φ, or None where it has none.
        success: What checks or the world said; the critic did not see it.
        tokens: What the judgement cost.
        version: Of the critic's prompt; "" if it has none.
        notes: Hash of the calibration memories in that prompt; "" without.
    """

    run_id: str
    critic: str
    model: str
    family: str
    task_key: str
    phi: float | None
    confidence: float
    low: float | None
    high: float | None
    success: bool
    tokens: int
    version: str
    at: datetime
    notes: str = ""


class Group(NamedTuple):
    """Judgements that one curve may be fitted to, and of how many runs there is a Φ."""

    critic: str
    model: str
    family: str
    notes: str
    runs: int


class Judgements:
    """What critics said in one workspace. Making one touches nothing; reading creates nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, judgement: Judgement) -> bool:
        """Keep a judgement; False if the same critic, model, prompt and notes judged that run before: the first stays.

        Raises:
            NotInThisMode: The run under way may not write what was learned.
        """
        return self.add_all((judgement,)) == 1

    def add_all(self, judgements: Iterable[Judgement]) -> int:
        """Keep several in one transaction, and say how many of them are new.

        Raises:
            NotInThisMode: The run under way may not write what was learned.
        """
        with self._db.write(learns=True) as cursor:
            return sum(
                cursor.execute(
                    f"INSERT INTO phi_judgements ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING RETURNING number",
                    _row(judgement),
                ).fetchone()
                is not None
                for judgement in judgements
            )

    def of(self, critic: str, model: str, *, family: str | None = None, notes: str = "") -> tuple[Judgement, ...]:
        """Of each run the newest, in the order they came.

        Args:
            family: Only of its tasks; None: of all.
            notes: Hash of the calibration memories that the critic had.
        """
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM phi_judgements WHERE number IN (SELECT max(number) FROM phi_judgements"
            " WHERE critic = ?1 AND model = ?2 AND notes = ?3 AND (?4 IS NULL OR family = ?4) GROUP BY run_id) ORDER BY number",
            (critic, model, notes, family),
        )
        return tuple(map(_judgement, rows))

    def judged(self, critic: str, model: str, *, notes: str = "", version: str | None = None) -> frozenset[str]:
        """Ids of the runs that this critic has judged, also of those of which it could not say anything.

        Args:
            version: Only those judged with that prompt; None: with any.
        """
        rows = self._db.rows(
            "SELECT DISTINCT run_id FROM phi_judgements WHERE critic = ?1 AND model = ?2 AND notes = ?3"
            " AND (?4 IS NULL OR version = ?4)",
            (critic, model, notes, version),
        )
        return frozenset(str(run_id) for (run_id,) in rows)

    def newest(self, critic: str, model: str, *, notes: str = "") -> int:
        """The number of the newest; 0 if there is none. It is another one after each addition, and costs one look at an index."""
        ((number,),) = self._db.rows(
            "SELECT max(number) FROM phi_judgements WHERE critic = ? AND model = ? AND notes = ?", (critic, model, notes)
        ) or [(None,)]
        return int(number or 0)

    def groups(self) -> tuple[Group, ...]:
        """All groups with at least one Φ, by name."""
        rows = self._db.rows(
            "SELECT critic, model, family, notes, count(DISTINCT run_id) FROM phi_judgements WHERE phi IS NOT NULL"
            " GROUP BY critic, model, family, notes ORDER BY 1, 2, 3, 4"
        )
        return tuple(Group(*row) for row in rows)


def _row(each: Judgement) -> Row:
    return (
        each.run_id,
        each.critic,
        storable(each.model),
        storable(each.family),
        storable(each.task_key),
        each.phi,
        each.confidence,
        each.low,
        each.high,
        int(each.success),
        each.tokens,
        each.version,
        time_to_text(each.at),
        each.notes,
    )


def _judgement(row: Row) -> Judgement:
    run_id, critic, model, family, task_key, phi, confidence, low, high, success, tokens, version, at, notes = row
    return Judgement(
        run_id,
        critic,
        model,
        family,
        task_key,
        phi,
        confidence,
        low,
        high,
        bool(success),
        tokens,
        version,
        datetime.fromisoformat(at),
        notes,
    )
