"""Which workers live, and which of the dead ones this worker looks after.

In:  a beat every few seconds.
Out: names of workers that have been silent for too long, each to one living worker at a time.

Time is the database's: clocks of machines differ. No lock is held between two statements; who claims a dead worker and dies
before its jobs are queued again has it claimed from him after the same while.
"""

from purpose_agent.core.errors import UsageError
from purpose_agent.durable.database import PostgresDatabase


class Heartbeats:
    """The rows of `purpose_agent.workers`, as one worker uses them.

    Args:
        name: Of this worker.
        incarnation: Of this process: a worker that is started again has its name, and another incarnation.
        silence: So many seconds without a beat, and a worker counts as dead.
    """

    def __init__(self, db: PostgresDatabase, name: str, incarnation: str, *, silence: float) -> None:
        self._db = db
        self._given = {"name": name, "incarnation": incarnation, "silence": silence}
        self._name = name
        self._silence = silence

    def join(self) -> None:
        """Be counted among the living.

        Raises:
            UsageError: A living worker has that name.
        """
        joined = self._db.rows(
            """INSERT INTO purpose_agent.workers AS w (name, incarnation, seen)
               VALUES (%(name)s, %(incarnation)s, clock_timestamp())
               ON CONFLICT (name) DO UPDATE
               SET incarnation = excluded.incarnation, seen = excluded.seen, claimed_by = NULL, claimed_at = NULL
               WHERE w.incarnation = excluded.incarnation OR w.seen < clock_timestamp() - make_interval(secs => %(silence)s)
               RETURNING name""",
            self._given,
        )
        if not joined:
            raise UsageError(
                f"A worker called {self._name!r} has been seen within the last {self._silence:g} seconds. "
                "Give this one another name, or wait so long if that one is dead."
            )

    def beat(self) -> bool:
        """Say that this worker lives. False: it was silent for too long, and another one has taken its jobs."""
        return bool(
            self._db.rows(
                """UPDATE purpose_agent.workers SET seen = clock_timestamp()
                   WHERE name = %(name)s AND incarnation = %(incarnation)s AND claimed_by IS NULL
                   RETURNING name""",
                self._given,
            )
        )

    def claim_dead(self) -> list[str]:
        """The names of dead workers that are now this one's to look after."""
        rows = self._db.rows(
            """UPDATE purpose_agent.workers SET claimed_by = %(incarnation)s, claimed_at = clock_timestamp()
               WHERE seen < clock_timestamp() - make_interval(secs => %(silence)s)
               AND (claimed_at IS NULL OR claimed_at < clock_timestamp() - make_interval(secs => %(silence)s))
               RETURNING name""",
            self._given,
        )
        return [name for (name,) in rows]

    def bury(self, dead: str) -> None:
        """Nothing of `dead` is left to do; if it wakes up, it joins anew."""
        self._db.rows(
            "DELETE FROM purpose_agent.workers WHERE name = %(dead)s AND claimed_by = %(incarnation)s",
            {**self._given, "dead": dead},
        )

    def leave(self) -> None:
        """Be dead at once: what this worker has not finished, another one may take."""
        self._db.rows(
            """UPDATE purpose_agent.workers SET seen = '-infinity'
               WHERE name = %(name)s AND incarnation = %(incarnation)s""",
            self._given,
        )
