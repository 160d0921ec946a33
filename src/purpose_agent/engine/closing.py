"""The end of a run, or of a part of it: what it came to, said and saved together with the credit of what was recalled."""

from collections.abc import Mapping

from purpose_agent.core.exposure import Exposure
from purpose_agent.engine.run import Run, Suspended
from purpose_agent.engine.world import judged
from purpose_agent.memory.credit import credit
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.events import MemoryRecalled, RunFinished, RunStatus, RunSuspended
from purpose_agent.runtime.record import NOT_WANTED, PENDING, RunRecord

MOST_REASON_CHARS = 500


def close(run: Run, record: RunRecord | None, status: RunStatus, reason: str, *, counts: bool = False) -> None:
    """Say how it ended, and save that.

    Args:
        counts: What was recalled is credited with the outcome.
    """
    success = _success(run, status)
    phi = run.phi if run.score is not None and run.score.after is not None else None
    taint = run.taint
    end = RunFinished(
        status,
        run.answer,
        success,
        phi,
        run.meter.usage,
        reason[:MOST_REASON_CHARS],
        taint.origin,
        taint.source,
        taint.step,
        run.meter.seconds,
        run.ended_by,
    )
    run.publish(end)
    if record is not None:
        ended_well = status in ("finished", "gave_up", "exhausted")
        with run.bus.saving() as events:
            record.finish(
                events,
                steps=run.meter.steps,
                seconds=run.meter.seconds,
                reflected=PENDING if ended_well and run.mode == "learning" else NOT_WANTED,
                also=(lambda cursor: _credit(cursor, run, status, success)) if counts else None,
            )


def suspend(run: Run, suspended: Suspended) -> None:
    """Say that it stands still, and why, and save that."""
    run.publish(RunSuspended(suspended.status, suspended.reason[:MOST_REASON_CHARS], run.meter.usage, run.meter.seconds))
    run.save()


def _credit(cursor: Cursor, run: Run, status: RunStatus, success: bool | None) -> None:
    if run.is_fork:
        return  # the run that it came from has been credited, and its coins were thrown for that one
    could_be_judged = run.world is not None or bool(run.task.checks) or _judges(run)
    credit(
        cursor,
        [each.memory_id for each in run.recalled.memories],
        success,
        run.exposures,
        run_id=run.bus.run_id,
        versions={each.memory_id: each.version for each in run.recalled.memories},
        broke=could_be_judged and status in ("failed", "exhausted", "gave_up"),
    )


def exposures_of(recalled: MemoryRecalled, run_id: str, versions: Mapping[str, int]) -> tuple[Exposure, ...]:
    """Which coin fell how when the run began; `versions` are those of memories that were withheld."""
    shown = {each.memory_id: each.version for each in recalled.memories}
    known = {**versions, **shown}
    return tuple(
        Exposure(memory_id, known[memory_id], memory_id in shown, share, run_id)
        for memory_id, share in recalled.shares.items()
        if memory_id in known
    )


def _judges(run: Run) -> bool:
    return run.surroundings is not None and run.surroundings.succeeded() is not None


def _success(run: Run, status: RunStatus) -> bool | None:
    """What the world or the checks say. No answer to a task with checks is a failure, unless the run was stopped or broken."""
    if status in ("failed", "cancelled", "interrupted"):
        return None
    if run.world is not None:
        return judged(run.world, run.state, status)
    if not run.task.checks:
        said = run.surroundings.succeeded() if run.surroundings is not None else None
        # Who stops before the world does has succeeded only if it says so.
        return said if status == "finished" or said is None else bool(said)
    if run.score is None:
        return False if run.answer is None else None  # an answer, and no time left to judge it
    return run.score.passed
