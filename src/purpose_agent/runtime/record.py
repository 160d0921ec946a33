"""Runs on disk, and back.

In:  a run's events as they happen, its last word when it ends.
Out: rows about runs, traces, and the next run that waits for reflection.

Each `append` and `finish` is one transaction: a run that dies keeps every event up to its last save, and its row
stays "running" under the name of a process that is no more; it then reads as "interrupted". One that waits for a person or
was paused says so whoever is gone: it stands still on purpose. Two processes never go on with one run: the second to save an
event is refused (`RunTaken`).

Secrets are not kept: in a goal, an input, a tool's output, an answer or an event there is a mark in their place. The run
itself goes on with the real values, and so do its listeners, which are the user's own code. A recorded task whose goal
had a secret is tried again with the mark.
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias, cast

from purpose_agent.core.codec import from_json, storable
from purpose_agent.core.errors import NotFound, RunTaken, UsageError, WorkspaceError
from purpose_agent.core.secrets import json_without_secrets
from purpose_agent.core.task import Task, task_from_json, task_to_json
from purpose_agent.runtime.connection import Cursor, Row, Value
from purpose_agent.runtime.controls import Control, Said, pass_on, take, waiting
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.event_rows import count, insert, kept
from purpose_agent.runtime.events import (
    PAYLOADS,
    Event,
    RunFinished,
    RunMode,
    RunStarted,
    RunStatus,
    ValuesWouldChoose,
)
from purpose_agent.runtime.owner import hold, is_alive, is_running, let_go, this_process
from purpose_agent.runtime.trace import Trace, time_to_text

Also: TypeAlias = Callable[[Cursor], None]
"""More to write in the same transaction."""

PENDING: Final = 0
REFLECTED: Final = 1
NOT_WANTED: Final = 2
"""Values of `reflected`. Not wanted: runs of evaluations and trials, and of members of a team."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run at a glance, without its events.

    Attributes:
        task: Functions in its checks are known by name only.
        task_key: Equal for two runs of one task.
        status: "interrupted" also if the process that ran it is gone without having said so; never "waiting" or "paused" by that.
        success: None if nobody judged.
        steps: Steps, tokens and usd are those saved so far while it runs.
        usd: None if the price is unknown.
        seconds: Of work, without the time it stood still; None until it has ended or stands still.
        reason: Also what it waits for.
        owner: The process that runs it, as `this_process` says, or that ran it last; later the one that reflects on it.
        reflected: PENDING, REFLECTED or NOT_WANTED.
        claimed_until: Until when somebody has the right to reflect on it.
        forked_from: The run whose first steps it has taken over, or None.
    """

    id: str
    started_at: datetime
    finished_at: datetime | None
    agent: str
    model: str
    mode: RunMode
    goal: str
    task: Task
    task_key: str
    family: str
    parent: str | None
    status: RunStatus
    success: bool | None
    phi: float | None
    steps: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    usd: float | None
    seconds: float | None
    answer: str | None
    reason: str
    owner: str
    reflected: int
    claimed_until: datetime | None
    forked_from: str | None


class RunRecord:
    """The one writer of runs and their events. It holds nothing: one serves any number of runs."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def open(
        self, event: Event, task: Task, *, family: str, task_key: str, reflected: int, events: Sequence[Event] = ()
    ) -> None:
        """Begin a run.

        Args:
            event: Its first event, a `RunStarted`.
            reflected: PENDING, or NOT_WANTED.
            events: What else has happened already.

        Raises:
            UsageError: `event` is no `RunStarted`, or an event is of another run.
            RunTaken: There is a run of that id.
        """
        started = event.payload
        if not isinstance(started, RunStarted):
            raise UsageError(f"A run begins with RunStarted, not with {started.kind!r}.")
        row: tuple[Value, ...] = (
            event.run_id,
            time_to_text(event.at),
            storable(started.agent),
            storable(started.model),
            started.mode,
            kept(task.goal),
            json_without_secrets(storable(json.dumps(task_to_json(task), ensure_ascii=False, default=str))),
            storable(task_key),
            storable(family),
            started.parent_run,
            this_process(),
            reflected,
            started.forked_from,
        )
        with self._db.write() as cursor:
            insert(cursor, (event, *events))
            cursor.execute(
                "INSERT INTO runs (id, started_at, agent, model, mode, goal, task, task_key, family, parent, owner, reflected,"
                " forked_from, status, usd) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', 0.0)",
                row,
            )
            count(cursor, events)

    def in_mode(self, mode: RunMode) -> AbstractContextManager[None]:
        """A run of that mode: within it, the workspace is written to as far as the mode allows. See `run_mode.py`."""
        return self._db.in_mode(mode)

    def said(self, run_id: str) -> tuple[Control, ...]:
        """What people said to the run and it has not heard yet, oldest first."""
        return waiting(self._db, run_id)

    def append(self, events: Sequence[Event], heard: Sequence[Control] = ()) -> None:
        """Save events of one run, all or none. `RunSuspended` and `RunResumed` among them change what its row says.

        Args:
            heard: What people said that these events come from.

        Raises:
            RunTaken: Another process goes on with the run. Nothing was saved.
            UsageError: They are of several runs.
        """
        if not events and not heard:
            return
        with _holding(events[0].run_id if events else heard[0].run_id), self._db.write() as cursor:
            if events:
                insert(cursor, events)
                count(cursor, events)
            if heard:
                take(cursor, [each.number for each in heard])

    @contextmanager
    def hearing(self, heard: Sequence[Control]) -> Generator[None]:
        """What is saved within it comes from what people said: all of it, and that it was heard, or nothing."""
        with self._db.write() as cursor:
            yield
            take(cursor, [each.number for each in heard])

    @contextmanager
    def telling(self, run_id: str, said: Sequence[Said], *, at: datetime) -> Generator[None]:
        """What is saved within it is saved together with what a part of the run shall hear; or nothing is."""
        with self._db.write() as cursor:
            yield
            pass_on(cursor, run_id, said, at=at)

    def finish(
        self, events: Sequence[Event], *, steps: int, seconds: float, reflected: int | None = None, also: Also | None = None
    ) -> None:
        """End a run: its last events, its outcome, and whatever depends on it, all or nothing.

        Args:
            events: The last ones, a `RunFinished` among them.
            seconds: Wall time of the run.
            reflected: PENDING or NOT_WANTED, if it is different from what was said at the start.
            also: More to write in the same transaction, such as the credit of memories.

        Raises:
            UsageError: There is no `RunFinished` among `events`.
            NotFound: The run was never opened.
            RunTaken: Another process goes on with the run. Nothing was saved.
        """
        ends = [event for event in events if isinstance(event.payload, RunFinished)]
        if not ends:
            raise UsageError("RunRecord.finish needs the RunFinished event among its events.")
        end = ends[-1]
        outcome = cast(RunFinished, end.payload)
        usage = outcome.usage
        row: tuple[Value, ...] = (
            time_to_text(end.at),
            outcome.status,
            outcome.success,
            outcome.phi,
            steps,
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_tokens,
            usage.usd,
            seconds,
            None if outcome.answer is None else kept(outcome.answer),
            kept(outcome.reason),
            reflected,
            end.run_id,
        )
        with _holding(end.run_id), self._db.write() as cursor:
            cursor.execute(
                "UPDATE runs SET finished_at = ?, status = ?, success = ?, phi = ?, steps = ?, input_tokens = ?, output_tokens = ?,"
                " cached_tokens = ?, usd = ?, seconds = ?, answer = ?, reason = ?, reflected = ifnull(?, reflected) WHERE id = ?"
                " RETURNING id",
                row,
            )
            _found(cursor, end.run_id, self._db)
            insert(cursor, events)
            if also:
                also(cursor)


@contextmanager
def _holding(run_id: str) -> Generator[None]:
    """A run whose last words can't be saved, because the disk is full, say, must not read as running: whoever ran it is done."""
    try:
        yield
    except RunTaken:
        raise
    except WorkspaceError:
        let_go(run_id)
        raise
    hold(run_id)


def find_run(db: Database, id: str) -> RunRow | None:
    """The run of that id, if there is one."""
    rows = db.rows(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", (id,))
    return _run(rows[0]) if rows else None


def get_run(db: Database, id: str) -> RunRow:
    """The run of that id.

    Raises:
        NotFound: There is none.
    """
    run = find_run(db, id)
    if run is None:
        raise _not_found(id, db)
    return run


def list_runs(
    db: Database,
    *,
    limit: int = 50,
    family: str | None = None,
    status: RunStatus | None = None,
    parent: str | None = None,
    reflected: int | None = None,
    mode: RunMode | None = None,
    top: bool = False,
) -> list[RunRow]:
    """The newest runs, newest first. None takes them all; `top` leaves out those that a team or a trial started."""
    conditions: dict[str, Value] = {}
    if family is not None:
        conditions["family = ?"] = family
    if parent is not None:
        conditions["parent = ?"] = parent
    if reflected is not None:
        conditions["reflected = ?"] = reflected
    if mode is not None:
        conditions["mode = ?"] = mode
    if status == "interrupted":
        # Those, and the ones that can't say so any more.
        conditions["status IN (?, 'running')"] = status
    elif status is not None:
        conditions["status = ?"] = status
    # Which rows still run is known only after looking at their processes.
    sql_limit = -1 if status in ("running", "interrupted") else limit
    where = " AND ".join([*conditions, *(["parent IS NULL"] if top else [])]) or "TRUE"
    rows = db.rows(
        f"SELECT {_COLUMNS} FROM runs WHERE {where} ORDER BY id DESC LIMIT {sql_limit:d}", tuple(conditions.values())
    )
    runs = (_run(row) for row in rows)
    return [run for run in runs if status is None or run.status == status][:limit]


def first_runs(
    db: Database, agent: str, *, model: str | None = None, since: str = "", judged: bool = True
) -> Mapping[str, str]:
    """By the key of its task: the first run that the agent was to learn from.

    Args:
        model: Of its runs with that one; None: with any.
        since: Of those from this run on.
        judged: Of those that were judged; False: of all.
    """
    rows = db.rows(
        "SELECT task_key, min(id) FROM runs WHERE agent = ?1 AND mode = 'learning' AND (?2 IS NULL OR model = ?2) AND id >= ?3"
        " AND (NOT ?4 OR success IS NOT NULL) GROUP BY task_key",
        (agent, model, since, int(judged)),
    )
    return {str(key): str(run_id) for key, run_id in rows}


def task_keys(db: Database, run_ids: Sequence[str]) -> frozenset[str]:
    """The keys of these runs' tasks; runs that are not there are passed over."""
    marks = ", ".join("?" * len(run_ids))
    return frozenset(str(row[0]) for row in db.rows(f"SELECT task_key FROM runs WHERE id IN ({marks})", tuple(run_ids)))


def load_trace(db: Database, run_id: str) -> Trace:
    """Everything that happened in a run, as far as it was saved. Events of unknown kinds are left out and counted.

    Raises:
        NotFound: There is no such run.
        WorkspaceError: An event can't be read.
    """
    events: list[Event] = []
    left_out = 0
    for id, seq, at, lane, step, kind, visibility, parent, version, text in db.rows(
        "SELECT id, seq, at, lane, step, kind, visibility, parent, version, payload FROM events WHERE run_id = ? ORDER BY seq",
        (run_id,),
    ):
        known = PAYLOADS.get(kind)
        if known is None:
            left_out += 1
            continue
        try:
            payload = from_json(known, text)
        except ValueError as error:
            raise WorkspaceError(f"Event {seq} of {run_id} in {db.path} can't be read as {kind}: {error}") from error
        events.append(Event(id, run_id, seq, datetime.fromisoformat(at), lane, step, payload, visibility, parent, version))
    if not events:
        raise _not_found(run_id, db)
    return Trace(tuple(events), left_out)


def would_have_chosen(db: Database, run_ids: Sequence[str]) -> Mapping[str, str]:
    """By the id of the run: what learned values would have chosen in it, of those in which that was told."""
    marks = ", ".join("?" * len(run_ids))
    rows = db.rows(
        f"SELECT run_id, payload FROM events WHERE run_id IN ({marks}) AND kind = 'values_would_choose'", tuple(run_ids)
    )
    return {str(run_id): from_json(ValuesWouldChoose, str(text)).option for run_id, text in rows}


def last_seq(db: Database, run_id: str) -> int:
    """The number of a run's last saved event; 0 if it has none."""
    rows = db.rows("SELECT seq FROM events WHERE run_id = ? ORDER BY seq DESC LIMIT 1", (run_id,))
    return rows[0][0] if rows else 0


def is_reflected(db: Database, run_id: str) -> bool:
    """Reflection on the run is done."""
    return db.rows("SELECT reflected FROM runs WHERE id = ?", (run_id,)) == [(REFLECTED,)]


def claim_reflection(
    db: Database, *, now: datetime, owner: str, seconds: float = 600.0, run_id: str | None = None
) -> RunRow | None:
    """Take the oldest ended run that waits for reflection, so that nobody else does for `seconds`.

    Two callers never get the same run, unless the first lets its time run out. None if nothing waits.

    Args:
        run_id: Take this one or none.
    """
    if not db.exists:
        return None
    waiting = "reflected = 0 AND finished_at IS NOT NULL AND (claimed_until IS NULL OR claimed_until <= ?)"
    which: tuple[Value, ...] = (time_to_text(now),)
    if run_id is not None:
        waiting, which = f"{waiting} AND id = ?", (*which, run_id)
    # Looked at first without the write lock: mostly nothing waits, except for a run that was named.
    if run_id is None and not db.rows(f"SELECT 1 FROM runs WHERE {waiting} LIMIT 1", which):
        return None
    with db.write() as cursor:
        rows = cursor.execute(
            "UPDATE runs SET claimed_until = ?, owner = ? WHERE id ="
            f" (SELECT id FROM runs WHERE {waiting} ORDER BY finished_at, id LIMIT 1) RETURNING {_COLUMNS}",
            (time_to_text(now + timedelta(seconds=seconds)), owner, *which),
        ).fetchall()
    return _run(rows[0]) if rows else None


def release_reflection(db: Database, run_ids: Sequence[str]) -> None:
    """Give claimed runs back: they could not be reflected on here, and somebody else may at once."""
    if run_ids:
        with db.write() as cursor:
            cursor.executemany("UPDATE runs SET claimed_until = NULL WHERE id = ?", [(run_id,) for run_id in run_ids])


def release_dead_claims(db: Database) -> None:
    """Free the runs that a process took for reflection which is no more."""
    claimed = db.rows("SELECT id, owner FROM runs WHERE reflected = 0 AND claimed_until IS NOT NULL")
    release_reflection(db, [id for id, owner in claimed if not is_alive(owner)])


def mark_reflected(db: Database, run_id: str, *, events: Sequence[Event] = (), also: Also | None = None) -> None:
    """Reflection on a run is done: its events, the mark, and what `also` writes, all or nothing.

    Raises:
        NotFound: There is no such run.
        RunTaken: Something else was saved of it meanwhile.
    """
    with db.write() as cursor:
        insert(cursor, events)
        cursor.execute("UPDATE runs SET reflected = 1, claimed_until = NULL WHERE id = ? RETURNING id", (run_id,))
        _found(cursor, run_id, db)
        if also:
            also(cursor)


_STEPS: Final = "iif(finished_at IS NULL, (SELECT ifnull(max(step), 0) FROM events WHERE run_id = runs.id), steps)"
"""How far it has come is counted when somebody asks, until it has ended: a save writes no row of `runs` for that alone."""
_COLUMNS: Final = (
    f"id, started_at, finished_at, agent, model, mode, goal, task, task_key, family, parent, status, success, phi, {_STEPS},"
    " input_tokens, output_tokens, cached_tokens, usd, seconds, answer, reason, owner, reflected, claimed_until,"
    " forked_from"
)


def _run(row: Row) -> RunRow:
    """A row of `_COLUMNS`, in their order."""
    id, started_at, finished_at, agent, model, mode, goal, task, task_key, family, parent, status, success, *numbers = row
    phi, steps, input_tokens, output_tokens, cached_tokens, usd, seconds, answer, reason, owner, reflected, claimed, forked = (
        numbers
    )
    return RunRow(
        id=id,
        started_at=datetime.fromisoformat(started_at),
        finished_at=None if finished_at is None else datetime.fromisoformat(finished_at),
        agent=agent,
        model=model,
        mode=mode,
        goal=goal,
        task=task_from_json(json.loads(task)),
        task_key=task_key,
        family=family,
        parent=parent,
        status="interrupted" if status == "running" and not is_running(id, owner) else status,
        success=None if success is None else bool(success),
        phi=phi,
        steps=steps,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=cached_tokens,
        usd=usd,
        seconds=seconds,
        answer=answer,
        reason=reason,
        owner=owner,
        reflected=reflected,
        claimed_until=None if claimed is None else datetime.fromisoformat(claimed),
        forked_from=forked,
    )


def _not_found(id: str, db: Database) -> NotFound:
    return NotFound(f"No run is called {id!r} in {db.path}. List them with: purpose-agent runs list")


def _found(cursor: Cursor, id: str, db: Database) -> None:
    """The UPDATE just made changed its row."""
    if cursor.fetchone() is None:
        raise _not_found(id, db)
