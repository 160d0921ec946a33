"""A process that does jobs from the queue until it is told to stop.

In:  the queue, and a callable that does a job: which agents, flows and teams there are is the layer's above.
Out: results in the queue, events in the runs' logs.

DBOS does not move a dead worker's jobs to a living one. Here each worker beats, and each looks after those that have fallen
silent: it queues their jobs again, and whoever takes one goes on after the last step in its log. A worker that was only
asleep finds its jobs' leases gone when it wants to write (`postgres.Lease`): those jobs end here without a trace. So do those
whose log could not be written since the database was away for too long; once it is back, they are queued again (`requeue.py`).

The body of the one workflow is no step of DBOS's: the log is the record of steps, and a second one would have to agree with it.
"""

import logging
import signal
import threading
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Final, TypeAlias

from purpose_agent.core.errors import UsageError, WorkspaceError
from purpose_agent.core.given import check_number, check_whole
from purpose_agent.core.ids import new_id
from purpose_agent.durable.agreed import (
    APPLICATION,
    DBOS_SCHEMA,
    MOST_ATTEMPTS,
    QUEUE,
    VERSION,
    WORKFLOW,
    job_from_text,
    result_to_text,
)
from purpose_agent.durable.database import PostgresDatabase
from purpose_agent.durable.dbos_engine import open_client, quiet
from purpose_agent.durable.heartbeats import Heartbeats
from purpose_agent.durable.patience import LONGEST_SECONDS
from purpose_agent.durable.postgres import Lease, PostgresCheckpointer
from purpose_agent.durable.requeue import Requeue
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.jobs import Job, JobResult

if TYPE_CHECKING:
    from dbos import DBOS

Perform: TypeAlias = Callable[[Job, Checkpointer], Awaitable[JobResult]]
"""Does a job, or goes on with it where the checkpointer says it is."""

SILENCE_SECONDS: Final = 30.0
"""A worker that has not been heard for so long counts as dead. Shorter, and a machine that is busy or sleeps loses its jobs."""
GRACE_SECONDS: Final = 20.0
"""So long a worker that is told to stop goes on with what it has begun; then it gives it back."""
_WRITTEN_SECONDS: Final = 2
_log = logging.getLogger(__name__)


def own_name() -> str:
    """A name that no other worker has."""
    import os
    import socket

    return f"{socket.gethostname()}-{os.getpid()}-{new_id('worker')[-6:]}"


class Worker:
    """Takes jobs from a queue and does them. One in a process: DBOS has one registry for all of it.

    Args:
        url: `postgresql://user:password@host/name`, as the engine has it.
        perform: What it raises is the job's result: "failed".
        name: Stays with the worker when it is started again; no two living ones may share one. None: a new one.
        at_once: Jobs at a time, of every worker of the queue: the last worker that started says it.
        silence: After so many seconds without a sign of life its jobs are given to others; all workers should say the same.
        grace: Seconds for what has begun, when it is told to stop.
        patience: So many seconds the database may be away before jobs under way are given back.

    Raises:
        MissingExtra: The extra `dbos` is not installed.
        UsageError: `url` is no address of a PostgreSQL database, or a number is out of its range.
    """

    def __init__(
        self,
        url: str,
        perform: Perform,
        *,
        queue: str = QUEUE,
        name: str | None = None,
        at_once: int | None = None,
        silence: float = SILENCE_SECONDS,
        grace: float = GRACE_SECONDS,
        patience: float = LONGEST_SECONDS,
    ) -> None:
        check_whole(f"Worker(at_once={at_once!r})", at_once, least=1, none="as it is")
        check_number(f"Worker(silence={silence!r})", silence)
        check_number(f"Worker(grace={grace!r})", grace, least=0)
        check_number(f"Worker(patience={patience!r})", patience, least=0)
        self.name = name or own_name()
        self._db = PostgresDatabase(url)
        self._perform = perform
        self._queue = queue
        self._at_once = at_once
        self._silence = silence
        self._grace = grace
        self._patience = patience
        # A connection of its own: a beat waits for nobody's log.
        self._pulse = PostgresDatabase(url)
        incarnation = new_id("worker")
        self._heartbeats = Heartbeats(self._pulse, self.name, incarnation, silence=silence)
        self._requeue = Requeue(self._pulse, self.name, incarnation)
        self._stop = threading.Event()
        self._given_back = threading.Event()
        self._left = threading.Event()
        self._under_way = 0
        self._changed = threading.Condition()

    def stop(self) -> None:
        """Take nothing more, end what has begun or give it back, and return from `run`. From any thread or signal."""
        self._stop.set()

    def run(self) -> None:
        """Work until `stop`, SIGTERM or SIGINT (of a worker in the main thread; a second one of them ends it at once).

        Raises:
            WorkspaceError: The database can't be reached or used.
            UsageError: A living worker has this one's name, or the process uses DBOS for something else.
        """
        from dbos import DBOS, DBOSPortableJSONSerializer

        open_client(self._db, self._queue, at_once=self._at_once).destroy()
        dbos = DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": self._db.url,
                "dbos_system_schema": DBOS_SCHEMA,
                "application_version": VERSION,
                "executor_id": self.name,
                "serializer": DBOSPortableJSONSerializer(),
                "run_migrations": False,
                "log_level": "WARNING",
            }
        )
        if DBOS.executor_id != self.name:
            raise UsageError(
                "This process has a DBOS of its own already, and there can be one only: a worker can't import a program that makes one."
            )
        quiet()
        self._heartbeats.join()
        self._register()
        DBOS.listen_queues([self._queue])
        beating = threading.Thread(target=self._beat, args=(dbos,), name="purpose-agent-heartbeat", daemon=True)
        undo = self._listen_to_signals()
        try:
            DBOS.launch()
            beating.start()
            self._stop.wait()
            for event in dbos.background_thread_stop_events:
                event.set()  # nothing more is taken from the queue
            self._end_or_give_back()
        finally:
            undo()
            seconds = _WRITTEN_SECONDS if self._under_way == 0 else 0
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=seconds)
            self._left.set()
            if beating.is_alive():
                beating.join()
            self._heartbeats.leave()
            self._pulse.close()
            self._db.close()

    def _register(self) -> None:
        from dbos import DBOS, WorkflowSerializationFormat

        @DBOS.workflow(
            name=WORKFLOW, max_recovery_attempts=MOST_ATTEMPTS, serialization_type=WorkflowSerializationFormat.PORTABLE
        )
        async def job(text: str) -> str:  # pyright: ignore[reportUnusedFunction]  # DBOS keeps it
            return await self._do(text)

    async def _do(self, text: str) -> str:
        """One job, from its text to its result's."""
        from dbos import DBOS

        # DBOS names its token nowhere else. tests/durable holds that it is there and means what we take it for.
        from dbos._context import current_owner_xid  # pyright: ignore[reportPrivateImportUsage]

        id = DBOS.workflow_id or ""
        lease = Lease(id, current_owner_xid(id) or "", self._given_back.is_set)
        job = job_from_text(text)
        self._count(1)
        log = PostgresCheckpointer(self._db, lease=lease, patience=self._patience)
        try:
            result = await self._perform(job, log)
        # A door: what a job raises is its result. Of one that was taken over, nobody hears it: DBOS keeps the owner's result.
        except Exception as error:  # noqa: BLE001
            result = JobResult(job.id, "failed", error=f"{type(error).__name__}: {error}")
        finally:
            self._count(-1)
        if log.missed:
            _log.warning("%s goes back to the queue: the database was away for more than %g s.", id, self._patience)
        if self._given_back.is_set() or log.missed:
            raise CancelledError  # whatever it became here: the job is another worker's now, and DBOS is to keep nothing
        return result_to_text(result)

    def _count(self, change: int) -> None:
        with self._changed:
            self._under_way += change
            self._changed.notify_all()

    def _end_or_give_back(self) -> None:
        """Wait for what has begun; then let nothing more be written, so that another worker finds the log as it is."""
        until = monotonic() + self._grace
        with self._changed:
            self._changed.wait_for(lambda: self._under_way == 0, timeout=max(0.0, until - monotonic()))
        if self._under_way:
            _log.warning("%d jobs are given back to the queue: they did not end within %g s.", self._under_way, self._grace)
        self._given_back.set()

    def _beat(self, dbos: "DBOS") -> None:
        """The heart, in a thread of its own: a job that keeps the loop busy does not make the worker look dead."""
        is_over = False
        blind_until = 0.0
        while not is_over:
            try:
                if not self._heartbeats.beat():
                    _log.warning("%s was silent for more than %g s: its jobs went to others.", self.name, self._silence)
                    self._heartbeats.join()
                # While the database was away nobody could be heard: silence is no sign of death until all have had time to beat.
                if monotonic() >= blind_until:
                    self._look_after_the_dead()
                self._look_for_the_lost(dbos)
            except UsageError as error:
                _log.error("%s Stopping.", error)
                self._stop.set()
                return
            except WorkspaceError as error:
                blind_until = monotonic() + self._silence
                _log.warning("No heartbeat: %s", error)
            is_over = self._left.wait(self._silence / 4)

    def _look_after_the_dead(self) -> None:
        for dead in self._heartbeats.claim_dead():
            jobs = self._requeue.of_dead(dead)
            self._heartbeats.bury(dead)
            _log.warning("%s is gone: its jobs are in the queue again (%d).", dead, len(jobs))

    def _look_for_the_lost(self, dbos: "DBOS") -> None:
        # Also those that have ended, and whose end DBOS still tries to store.
        doing = dbos._active_workflows_set.activeList()  # pyright: ignore[reportPrivateUsage]
        for job in self._requeue.lost(doing):
            _log.warning("%s was not being done by anybody: it is in the queue again.", job)

    def _listen_to_signals(self) -> Callable[[], None]:
        """Stop on SIGTERM and SIGINT; what undoes it."""
        if threading.current_thread() is not threading.main_thread():
            return lambda: None
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def undo() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        def stop(_number: int, _frame: FrameType | None) -> None:
            undo()
            self.stop()

        for number in before:
            signal.signal(number, stop)
        return undo
