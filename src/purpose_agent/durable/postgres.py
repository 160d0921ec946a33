"""A run's events as rows of PostgreSQL, for machines that share no disk.

In:  events, each through `event_to_json`: secrets are marked out before they leave the process.
Out: traces.

A batch is one statement, and one transaction: all or none. Two things keep a second writer out. The key (run, number)
admits one event of each number. And what a worker writes is written only while it holds the job's lease: the row that DBOS
keeps of the job has its token, and is locked while the statement runs. A worker that slept through the taking over of its job
can't put in a single event, not even one whose number is free.

While the database is away, whoever writes or reads waits, for a minute at most (`patience.py`).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString, TypeVar

from purpose_agent.core.errors import RunTaken
from purpose_agent.durable.database import AlreadyThere, Away, Gone, Parameters, PostgresDatabase, Row
from purpose_agent.durable.patience import LONGEST_SECONDS, Patience, never, patiently
from purpose_agent.runtime.events import Event
from purpose_agent.runtime.order import check_order, run_of
from purpose_agent.runtime.trace import Trace, event_to_json

T = TypeVar("T")

_APPEND: Final[LiteralString] = """
    INSERT INTO purpose_agent.events (run_id, seq, event)
    SELECT %(run)s, given.seq, given.event
    FROM unnest(%(seqs)s::integer[], %(events)s::text[]) AS given (seq, event)
    WHERE %(first)s = (SELECT coalesce(max(seq), 0) + 1 FROM purpose_agent.events WHERE run_id = %(run)s)
"""
# FOR SHARE: parallel branches write beside each other, and DBOS can't hand the job on before the statement has ended.
_HELD: Final[LiteralString] = """
    WITH held AS MATERIALIZED (
        SELECT FROM purpose_agent_dbos.workflow_status
        WHERE workflow_uuid = %(job)s AND owner_xid = %(token)s AND status = 'PENDING'
        FOR SHARE
    )
"""
_APPEND_HELD: Final[LiteralString] = f"{_HELD}{_APPEND} AND EXISTS (SELECT FROM held)"


@dataclass(frozen=True, slots=True)
class Lease:
    """That a worker may write to the runs of a job.

    Attributes:
        job: As DBOS calls it.
        token: What DBOS wrote into the job's row when it gave it to this worker; another one, once it gave it to another.
        is_given_back: Whether this worker has stopped and let go of its jobs.
    """

    job: str
    token: str
    is_given_back: Callable[[], bool]


class PostgresCheckpointer:
    """`runtime.checkpoint.Checkpointer` on a table of PostgreSQL.

    Args:
        url: `postgresql://user:password@host/name`. The tables are made when they are first needed, in a schema `purpose_agent`.
        lease: Write only while it is held; None: whoever has the address may write.
        patience: So many seconds the database may be away.

    Raises:
        MissingExtra: The extra `dbos` is not installed.
        UsageError: `url` is no address of a PostgreSQL database.
    """

    def __init__(self, url: str | PostgresDatabase, *, lease: Lease | None = None, patience: float = LONGEST_SECONDS) -> None:
        self._db = url if isinstance(url, PostgresDatabase) else PostgresDatabase(url)
        self._lease = lease
        self._patience = patience
        self._missed = False

    @property
    def missed(self) -> bool:
        """The database was away for longer than anybody waits, so that something was not saved, or not read."""
        return self._missed

    def append(self, events: Sequence[Event]) -> None:
        if not events:
            return
        run_id, first = run_of(events), events[0].seq
        check_order(events, last=first - 1)
        self._check_lease()
        texts = [event_to_json(event) for event in events]
        in_doubt = False

        def add() -> int:
            """After a try whose answer was lost, the rows say whether it was carried out: no two events have the same id."""
            nonlocal in_doubt
            if in_doubt and self._has(run_id, first, texts):
                return len(texts)
            try:
                added = self._add(run_id, first, texts)
            except Gone:
                in_doubt = True
                raise
            # The server may have ended the first try only now.
            return len(texts) if in_doubt and not added and self._has(run_id, first, texts) else added

        if self._patiently(add) != len(texts):
            raise RunTaken(self._patiently(lambda: self._why_not(run_id, first)))

    def load(self, run_id: str) -> Trace | None:
        rows = self._rows("SELECT event FROM purpose_agent.events WHERE run_id = %(run)s ORDER BY seq", {"run": _key(run_id)})
        return Trace.from_jsonl("".join(f"{text}\n" for (text,) in rows)) if rows else None

    def runs(self) -> Sequence[str]:
        rows = self._rows("SELECT run_id FROM purpose_agent.events WHERE seq = 1 ORDER BY added DESC")
        return tuple(_run_id(key) for (key,) in rows)

    def close(self) -> None:
        """Let the connection go; the next call makes another one."""
        self._db.close()

    def _check_lease(self) -> None:
        if self._lease is None:
            return
        if self._lease.is_given_back():
            raise RunTaken(f"This worker has given {self._lease.job} back; another one goes on with it. Nothing was saved.")
        if self._missed:
            raise Away(
                f"{self._db.shown} was away for too long: {self._lease.job} goes back to the queue, and on from its last saved event."
            )

    def _patiently(self, act: Callable[[], T]) -> T:
        try:
            return patiently(act, Patience(self._patience), stop=self._lease.is_given_back if self._lease else never)
        except Away:
            self._missed = True
            raise

    def _rows(self, sql: LiteralString, parameters: Parameters | None = None) -> list[Row]:
        return self._patiently(lambda: self._db.rows(sql, parameters))

    def _add(self, run_id: str, first: int, texts: Sequence[str]) -> int:
        """How many rows were added: all, or 0 where the run or the lease is another's."""
        given: dict[str, object] = {
            "run": _key(run_id),
            "first": first,
            "seqs": list(range(first, first + len(texts))),
            "events": list(texts),
        }
        try:
            if self._lease is None:
                return self._db.once(_APPEND, given)[1]
            return self._db.once(_APPEND_HELD, {**given, "job": self._lease.job, "token": self._lease.token})[1]
        except AlreadyThere:
            return 0

    def _has(self, run_id: str, first: int, texts: Sequence[str]) -> bool:
        rows = self._db.rows(
            "SELECT event FROM purpose_agent.events WHERE run_id = %(run)s AND seq BETWEEN %(first)s AND %(last)s ORDER BY seq",
            {"run": _key(run_id), "first": first, "last": first + len(texts) - 1},
        )
        return [text for (text,) in rows] == list(texts)

    def _why_not(self, run_id: str, first: int) -> str:
        last = self._db.rows(
            "SELECT coalesce(max(seq), 0) FROM purpose_agent.events WHERE run_id = %(run)s", {"run": _key(run_id)}
        )
        if last[0][0] + 1 == first and self._lease is not None:
            return f"{self._lease.job} was given to another worker, which goes on with it. Nothing was saved."
        return f"The last event of {run_id} has number {last[0][0]}, so {first} can't be the next: another process goes on with it."


def _key(run_id: str) -> str:
    """An id as PostgreSQL can hold it: most as they are, what its texts can't have as JSON escapes it."""
    return json.dumps(run_id)[1:-1]


def _run_id(key: str) -> str:
    """The inverse of `_key`."""
    return str(json.loads(f'"{key}"'))
