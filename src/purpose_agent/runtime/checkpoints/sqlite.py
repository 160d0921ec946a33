"""Runs kept in the workspace's own tables: what is appended here is listed, shown and resumed like any other run.

In:  events.
Out: traces, and the runs' rows as far as their events tell them.
"""

from collections.abc import Sequence

from purpose_agent.core.errors import NotFound, UsageError
from purpose_agent.core.task import task_from_json
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import Event, RunFinished, RunStarted
from purpose_agent.runtime.order import check_order, run_of
from purpose_agent.runtime.record import NOT_WANTED, RunRecord, get_run, last_seq, load_trace
from purpose_agent.runtime.trace import Trace


class SqliteCheckpointer:
    """Keeps runs in a workspace's file. Threads and processes may share it.

    Args:
        reflected: What is said of runs begun here: NOT_WANTED, or PENDING for those that lessons are to be drawn from.
    """

    def __init__(self, db: Database, *, reflected: int = NOT_WANTED) -> None:
        self._db = db
        self._record = RunRecord(db)
        self._reflected = reflected

    @property
    def record(self) -> RunRecord:
        """The file's own: what people say to the runs in it is there too."""
        return self._record

    def append(self, events: Sequence[Event]) -> None:
        if not events:
            return
        run_id, first = run_of(events), events[0].payload
        ends = any(isinstance(event.payload, RunFinished) for event in events)
        if not ends and not isinstance(first, RunStarted):
            self._record.append(events)
            return
        with self._db.write():
            if isinstance(first, RunStarted):
                events = self._opened(first, events)
            if ends:
                self._finish(run_id, events)
            else:
                self._record.append(events)

    def _opened(self, started: RunStarted, events: Sequence[Event]) -> Sequence[Event]:
        """Begin the run; what of its events is still to be saved."""
        try:
            task = task_from_json(started.task)
        except LookupError as error:
            raise UsageError(
                f"A run in a workspace is about a task, and that of {events[0].run_id} has no {error}. Begin it with "
                "RunStarted(task=task_to_json(Task(...)), ...)."
            ) from error
        self._record.open(events[0], task, family=task.family, task_key=task.key, reflected=self._reflected)
        return events[1:]

    def _finish(self, run_id: str, events: Sequence[Event]) -> None:
        check_order(events, last=last_seq(self._db, run_id))
        run = get_run(self._db, run_id)
        end = next(event for event in reversed(events) if isinstance(event.payload, RunFinished))
        assert isinstance(end.payload, RunFinished), "just looked for"
        worked = end.payload.seconds
        by_calendar = max(0.0, (end.at - run.started_at).total_seconds())
        self._record.finish(
            events,
            steps=max(run.steps, *(event.step for event in events)),
            seconds=by_calendar if worked is None else worked,
            # Nothing is learned from a run that broke or was stopped.
            reflected=None if end.payload.status in ("finished", "gave_up", "exhausted") else NOT_WANTED,
        )

    def load(self, run_id: str) -> Trace | None:
        try:
            return load_trace(self._db, run_id)
        except NotFound:
            return None

    def runs(self) -> Sequence[str]:
        return tuple(str(row[0]) for row in self._db.rows("SELECT id FROM runs ORDER BY id DESC"))
