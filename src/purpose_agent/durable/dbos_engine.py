"""The engine of more than one machine: jobs go into a queue on PostgreSQL, and workers do them.

In:  jobs.
Out: what became of each.

A job's id is its id in the queue: one that is submitted twice, by whomever, is one job, and the second submitter waits for
the first one's result. One that has ended, but not well (it waits for a person, was interrupted, failed), is taken up again by
submitting it again: it goes on where its log is. Not here: doing a job (`worker.py`).
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from purpose_agent.core.errors import WorkspaceError
from purpose_agent.core.given import check_number, check_whole
from purpose_agent.durable.agreed import (
    APPLICATION,
    AT_ONCE,
    DBOS_SCHEMA,
    POLLING_SECONDS,
    QUEUE,
    VERSION,
    WORKFLOW,
    attempt_id,
    is_over,
    job_to_text,
    result_from_text,
)
from purpose_agent.durable.database import Away, PostgresDatabase
from purpose_agent.durable.patience import LONGEST_SECONDS, Patience, patiently_async
from purpose_agent.durable.postgres import PostgresCheckpointer
from purpose_agent.durable.unheard import PATIENT_SECONDS, Unheard
from purpose_agent.runtime.jobs import Job, JobResult

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions, WorkflowStatus

T = TypeVar("T")

_UNDER_WAY = frozenset({"ENQUEUED", "PENDING", "DELAYED"})


@dataclass(frozen=True, slots=True)
class _Asked:
    """A job, and which time it is in the queue."""

    job: Job
    attempt: int = 1

    @property
    def id(self) -> str:
        return attempt_id(self.job.id, self.attempt)


class DbosEngine:
    """`runtime.jobs.Engine` on DBOS and PostgreSQL. Nothing is connected before the first job.

    Args:
        url: `postgresql://user:password@host/name`: where the workers look, too.
        queue: Workers of another queue don't see these jobs.
        patience: So many seconds the database may be away.
        warns_after: So many seconds a job waits without any worker being alive, until that is said in the log, once.

    Raises:
        MissingExtra: The extra `dbos` is not installed.
        UsageError: `url` is no address of a PostgreSQL database, or a number is out of its range.
    """

    def __init__(
        self, url: str, *, queue: str = QUEUE, patience: float = LONGEST_SECONDS, warns_after: float = PATIENT_SECONDS
    ) -> None:
        check_number(f"DbosEngine(patience={patience!r})", patience, least=0)
        check_number(f"DbosEngine(warns_after={warns_after!r})", warns_after, least=0)
        self._warns_after = warns_after
        self._db = PostgresDatabase(url)
        self._queue = queue
        self._patience = patience
        self._checkpointer = PostgresCheckpointer(self._db, patience=patience)
        self._opening = threading.Lock()
        self._client: DBOSClient | None = None

    @property
    def spec(self) -> str:
        """What names it, without the password."""
        return f"dbos:{self._db.shown}"

    @property
    def checkpointer(self) -> PostgresCheckpointer:
        return self._checkpointer

    async def perform(self, jobs: Sequence[Job], *, at_once: int | None = None) -> tuple[JobResult, ...]:
        """See `runtime.jobs.Engine`.

        Raises:
            UsageError: `at_once` is below 1, or a job holds a secret: nothing was queued.
            WorkspaceError: The database can't be used, or is away for longer than a minute. What is queued is done all the
                same; submitted again, it gives its result.
        """
        from anyio import sleep

        check_whole(f"perform(at_once={at_once!r})", at_once, least=1, none="as many as the workers take")
        by_id = {job.id: job for job in jobs}
        for job in by_id.values():
            job_to_text(job)  # all can be sent, or none is
        waiting = deque(_Asked(job) for job in by_id.values())
        under_way: dict[str, _Asked] = {}
        results: dict[str, JobResult] = {}
        fresh: set[str] = set()
        unheard = Unheard(self._db, self._queue, after=self._warns_after)
        while waiting or under_way:
            room = len(waiting) if at_once is None else max(0, at_once - len(under_way))
            taken = [waiting.popleft() for _ in range(min(room, len(waiting)))]
            under_way.update((asked.id, asked) for asked in taken)
            fresh.update(await self._patiently(partial(self._submit, taken)))
            ended, queued = await self._patiently(partial(self._looked_at, under_way))
            for id, result in ended.items():
                asked = under_way.pop(id)
                if not is_over(result) and id not in fresh:
                    waiting.appendleft(_Asked(asked.job, asked.attempt + 1))
                else:
                    results[asked.job.id] = result
            if not ended and under_way:
                await self._patiently(partial(unheard.look, queued))
                await sleep(POLLING_SECONDS)
        return tuple(results[job.id] for job in jobs)

    def close(self) -> None:
        """Let the connections go; the next job makes new ones."""
        with self._opening:
            if self._client is not None:
                self._client.destroy()
                self._client = None
        self._db.close()

    async def _patiently(self, act: Callable[[], T]) -> T:
        """`act` at the queue, in our own errors; it may be done twice."""

        def told() -> T:
            with told_as_ours(self._db):
                return act()

        return await patiently_async(told, Patience(self._patience))

    def _submit(self, asked: Sequence[_Asked]) -> list[str]:
        """Queue those that are not in the queue yet. The ids of all that are not over."""
        if not asked:
            return []
        known = self._statuses([each.id for each in asked], load_output=False)
        for each in asked:
            if each.id not in known:
                self._opened().enqueue(self._options(each), job_to_text(each.job))
        return [each.id for each in asked if each.id not in known or known[each.id].status in _UNDER_WAY]

    def _options(self, asked: _Asked) -> "EnqueueOptions":
        from dbos import WorkflowSerializationFormat

        return {
            "workflow_name": WORKFLOW,
            "queue_name": self._queue,
            "workflow_id": asked.id,
            "app_version": VERSION,
            "serialization_type": WorkflowSerializationFormat.PORTABLE,
        }

    def _looked_at(self, under_way: Mapping[str, _Asked]) -> tuple[dict[str, JobResult], int]:
        """The results of those that are over; how many no worker has taken."""
        statuses = self._statuses(list(under_way), load_output=True)
        over = {id: _result(under_way[id].job, each) for id, each in statuses.items() if each.status not in _UNDER_WAY}
        return over, sum(each.status == "ENQUEUED" for each in statuses.values())

    def _statuses(self, ids: list[str], *, load_output: bool) -> "dict[str, WorkflowStatus]":
        if not ids:
            return {}
        listed = self._opened().list_workflows(workflow_ids=ids, load_input=False, load_output=load_output)
        return {status.workflow_id: status for status in listed}

    def _opened(self) -> "DBOSClient":
        with self._opening:
            if self._client is None:
                self._client = open_client(self._db, self._queue)
            return self._client


def open_client(db: PostgresDatabase, queue: str, *, at_once: int | None = None) -> "DBOSClient":
    """Make DBOS's tables where they are missing, and the queue; whoever comes first does it.

    Args:
        at_once: Jobs that every worker of the queue does at a time; None: as it is, and `AT_ONCE` for a new queue.

    Raises:
        WorkspaceError: The database can't be reached, or not be written to.
    """
    from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

    quiet()
    db.rows("SELECT 1")  # the address is right, and our own tables are there
    with told_as_ours(db):
        DBOS.migrate(db.url, schema=DBOS_SCHEMA)
        client = DBOSClient(
            system_database_url=db.url,
            dbos_system_schema=DBOS_SCHEMA,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            retry_connection_errors=False,  # it would do so for ever; `patience.py` does it for a minute
        )
        register = partial(client.register_queue, queue, polling_interval_sec=POLLING_SECONDS)
        try:
            if at_once is None:
                register(worker_concurrency=AT_ONCE, on_conflict="never_update")
            else:
                register(worker_concurrency=at_once, on_conflict="always_update")
        except BaseException:
            client.destroy()
            raise
    return client


@contextmanager
def told_as_ours(db: PostgresDatabase) -> Generator[None]:
    """What DBOS raises of its database, within it.

    Raises:
        Away: The database can't be reached now.
        WorkspaceError: Anything else is wrong with it.
    """
    import psycopg
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        is_away = isinstance(cause, psycopg.OperationalError) or (
            isinstance(error, DBAPIError) and error.connection_invalidated
        )
        kind = Away if is_away else WorkspaceError
        raise kind(f"{db.shown} can't be used as a queue: {cause}") from error


def quiet() -> None:
    """DBOS tells its own story on stderr at every start; what goes wrong is still told."""
    import logging

    logging.getLogger("dbos").setLevel(logging.WARNING)


def _result(job: Job, status: "WorkflowStatus") -> JobResult:
    """What DBOS knows of a job that is over."""
    if status.status == "SUCCESS" and isinstance(status.output, str):
        return result_from_text(status.output)
    if status.status == "CANCELLED":
        return JobResult(job.id, "cancelled", error="It was cancelled in the queue.")
    if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return JobResult(job.id, "failed", error="Every worker that took it died of it; it is not given to another one.")
    return JobResult(job.id, "failed", error=f"DBOS ended it as {status.status}: {status.error}")
