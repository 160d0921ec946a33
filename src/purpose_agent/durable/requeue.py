"""Jobs that nobody does, back into the queue: those of dead workers, and those that a living one has lost.

In:  whom to look after; what is being done here.
Out: their jobs in the queue again, under no token: who had one can't write to its log any more.

DBOS stores a job's end once, and forgets it where the database is away at that moment: the job then counts as under way for ever,
with a worker that lives and does not do it.
"""

from collections.abc import Collection
from typing import Final, LiteralString, TypeAlias

from purpose_agent.durable.agreed import VERSION
from purpose_agent.durable.database import PostgresDatabase

_Held: TypeAlias = tuple[str, str | None]
"""A job, and the token under which somebody has it."""

_QUEUED: Final[LiteralString] = """
    UPDATE purpose_agent_dbos.workflow_status
    SET status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL,
        updated_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    WHERE status = 'PENDING' AND application_version = %(version)s
"""
# The row of the dead worker is locked while the statement runs: it can't come back, and take jobs that would be taken for its old ones.
_OF_DEAD: Final[LiteralString] = f"""
    WITH claim AS MATERIALIZED (
        SELECT FROM purpose_agent.workers WHERE name = %(dead)s AND claimed_by = %(incarnation)s FOR UPDATE
    )
    {_QUEUED} AND executor_id = %(dead)s AND EXISTS (SELECT FROM claim)
    RETURNING workflow_uuid
"""
_LOST: Final[LiteralString] = """
    SELECT workflow_uuid, owner_xid FROM purpose_agent_dbos.workflow_status
    WHERE status = 'PENDING' AND application_version = %(version)s AND NOT workflow_uuid = ANY(%(doing)s)
    AND (executor_id = %(name)s OR NOT EXISTS (SELECT FROM purpose_agent.workers AS w WHERE w.name = executor_id))
"""
_ONE: Final[LiteralString] = f"""
    {_QUEUED} AND workflow_uuid = %(job)s AND owner_xid IS NOT DISTINCT FROM %(token)s
    RETURNING workflow_uuid
"""


class Requeue:
    """What one worker gives back for others.

    Args:
        name: Of this worker.
        incarnation: Of this process, as its heartbeats have it.
    """

    def __init__(self, db: PostgresDatabase, name: str, incarnation: str) -> None:
        self._db = db
        self._given: dict[str, object] = {"name": name, "incarnation": incarnation, "version": VERSION}
        self._seen: frozenset[_Held] = frozenset()

    def of_dead(self, dead: str) -> list[str]:
        """The jobs of a worker that this one has claimed. None if it has come back meanwhile: it has other ones then."""
        return [job for (job,) in self._db.rows(_OF_DEAD, {**self._given, "dead": dead})]

    def lost(self, doing: Collection[str]) -> list[str]:
        """The jobs that are this worker's by name and are not done here, and those of workers that nobody knows.

        They must have been so at the last look, too: one that was taken from the queue just now is about to begin.

        Args:
            doing: The jobs that are under way here.
        """
        rows = self._db.rows(_LOST, {**self._given, "doing": list(doing)})
        held = frozenset((str(job), token) for job, token in rows)
        again, self._seen = held & self._seen, held - self._seen
        return [job for job, token in sorted(again, key=str) if self._requeued(job, token)]

    def _requeued(self, job: str, token: str | None) -> bool:
        return bool(self._db.rows(_ONE, {**self._given, "job": job, "token": token}))
