"""Events as rows, inside a transaction of `record.py`: numbered without gaps, each number once.

In:  events of one run.
Out: rows of `events`, and the run's own row as far as they change it: its cost so far, whether it stands still.
"""

from collections.abc import Sequence

from purpose_agent.core.codec import storable
from purpose_agent.core.model import Usage
from purpose_agent.core.secrets import without_secrets
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.events import Event, ModelCalled, RunResumed, RunSuspended
from purpose_agent.runtime.order import check_order, run_of
from purpose_agent.runtime.owner import this_process
from purpose_agent.runtime.trace import payload_to_json, time_to_text


def insert(cursor: Cursor, events: Sequence[Event]) -> None:
    """Save events after the last one of their run.

    Raises:
        UsageError: They are of several runs, or the first one of the run is no `RunStarted`.
        RunTaken: Others were saved in their place, or one before them is missing.
    """
    if not events:
        return
    cursor.execute("SELECT seq FROM events WHERE run_id = ? ORDER BY seq DESC LIMIT 1", (run_of(events),))
    last = cursor.fetchone()
    check_order(events, last=last[0] if last else 0)
    cursor.executemany(
        "INSERT INTO events (run_id, seq, id, at, lane, step, kind, visibility, parent, version, payload)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                event.run_id,
                event.seq,
                event.id,
                time_to_text(event.at),
                storable(event.lane),
                event.step,
                event.payload.kind,
                event.visibility,
                event.parent,
                event.version,
                payload_to_json(event.payload),
            )
            for event in events
        ],
    )


def count(cursor: Cursor, events: Sequence[Event]) -> None:
    """Keep the row of a run that has not ended up to date: what it has cost, so that one that dies still tells it; where it stands."""
    if not events:
        return
    run_id = events[0].run_id
    standing = [event.payload for event in events if isinstance(event.payload, RunSuspended | RunResumed)]
    if any(isinstance(payload, RunResumed) for payload in standing):
        # Also of one that had ended, interrupted or with its limits spent: what was said of its end no longer holds.
        cursor.execute(
            "UPDATE runs SET status = 'running', owner = ?, reason = '', finished_at = NULL, success = NULL, phi = NULL,"
            " answer = NULL, seconds = NULL WHERE id = ?",
            (this_process(), run_id),
        )
    called = [each.payload for each in events if isinstance(each.payload, ModelCalled)]
    if called:
        usage = sum((each.usage for each in called), Usage())
        cursor.execute(
            "UPDATE runs SET input_tokens = input_tokens + ?, output_tokens = output_tokens + ?,"
            " cached_tokens = cached_tokens + ?, usd = usd + ? WHERE id = ? AND status = 'running'",
            (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.usd, run_id),
        )
    if standing and isinstance(standing[-1], RunSuspended):
        _stand_still(cursor, run_id, standing[-1])


def _stand_still(cursor: Cursor, run_id: str, suspended: RunSuspended) -> None:
    """The run waits, for as long as it may be; what it cost is what it says, its members' calls included."""
    usage = suspended.usage
    cursor.execute(
        "UPDATE runs SET status = ?, reason = ?, input_tokens = ?, output_tokens = ?, cached_tokens = ?, usd = ?, seconds = ?"
        " WHERE id = ? AND finished_at IS NULL",
        (
            suspended.status,
            kept(suspended.reason),
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_tokens,
            usage.usd,
            suspended.seconds,
            run_id,
        ),
    )


def kept(text: str) -> str:
    """`text` as it may be stored."""
    return without_secrets(storable(text))
