"""What a run is compared with: an answer that failed beside one that passed.

In:  a finished run, and those of its task and family in the record.
Out: a `Contrast`, or None where there is nothing to learn from.

A failure is shown beside the nearest success there is: an answer given later, another run of the same task, the run of
the same family whose goal is most like it. Alone, if there is none. A success is shown beside what failed on the way to
it: its own first attempt, or a run since the last success. So each failure is looked at at most twice, once when it
happens and once when something like it succeeds, and a run that goes on succeeding costs nothing.
"""

from collections.abc import Sequence
from itertools import takewhile

from purpose_agent.core.action import Finish, command_of
from purpose_agent.critics.checks import failures
from purpose_agent.learning.cases import HISTORY
from purpose_agent.learning.reflect import Contrast
from purpose_agent.memory.words import likeness
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import MemoryRecalled
from purpose_agent.runtime.record import RunRow, list_runs, load_trace
from purpose_agent.runtime.trace import Step, Trace

LAST_ACTIONS = 20
"""So many of the actions that a run took in a world are shown."""


def contrast_of(db: Database, run: RunRow, passed: str = "") -> Contrast | None:
    """What the judged `run` is compared with; None if it succeeded, and nothing like it failed since the last success.

    Args:
        passed: A later answer to the same task that was right, or "".
    """
    trace = load_trace(db, run.id)
    if not run.success:
        return _beside_a_success(db, run, trace, passed)
    wrong = _failed_attempts(trace)
    if wrong:
        return Contrast(run.goal, *wrong[0], passed=_shown(run, trace))
    if any(recalled.memories for recalled in trace.of(MemoryRecalled)):
        return None  # what it did that the others did not is known already: it had a memory
    failed = _nearest(run, [*takewhile(lambda other: other.success is False, _like(db, run, before=True))])
    if failed is None:
        return None
    before = load_trace(db, failed.id)
    passed_goal = "" if failed.task_key == run.task_key else run.goal
    return Contrast(
        failed.goal, _shown(failed, before), _what_failed(failed, before), _shown(run, trace), passed_goal, failed.id
    )


def _beside_a_success(db: Database, run: RunRow, trace: Trace, passed: str) -> Contrast:
    alone = Contrast(run.goal, _shown(run, trace), _what_failed(run, trace), passed)
    other = None if passed else _nearest(run, [other for other in _like(db, run) if other.success])
    if other is None:
        return alone
    passed_goal = "" if other.task_key == run.task_key else other.goal
    shown = _shown(other, load_trace(db, other.id))
    return Contrast(alone.goal, alone.answer, alone.failed, shown, passed_goal, other.id)


def _like(db: Database, run: RunRow, *, before: bool = False) -> list[RunRow]:
    """Judged runs of the agent with the same task or family, newest first; `before`: those that began before it."""
    return [
        other
        for other in list_runs(db, limit=HISTORY, family=run.family, mode="learning")
        if other.agent == run.agent
        and other.task.user == run.task.user
        and other.id != run.id
        and other.success is not None
        and (other.task_key == run.task_key or run.family)
        and (other.id < run.id or not before)
        # A team's attempts at one task are compared by the team, which knows the answer that passed.
        and (run.parent is None or other.parent != run.parent)
    ]


def _nearest(run: RunRow, others: Sequence[RunRow]) -> RunRow | None:
    """One of the same task, the newest of several; else the one whose goal has most words in common with the run's."""
    same = next((other for other in others if other.task_key == run.task_key), None)
    return same or max(others, key=lambda other: likeness(run.goal, other.goal), default=None)


def _failed_attempts(trace: Trace) -> list[tuple[str, str]]:
    """Answers within the run that failed, and what was wrong with each."""
    return [
        (step.action.answer, failures(step.score))
        for step in trace.steps()
        if isinstance(step.action, Finish) and step.score is not None and step.score.passed is False
    ]


def _shown(run: RunRow, trace: Trace) -> str:
    """What it answered; or the last things that it did in its world."""
    return run.answer or "\n".join(_done(trace.steps())[-LAST_ACTIONS:]) or "(none)"


def _what_failed(run: RunRow, trace: Trace) -> str:
    steps = trace.steps()
    score = next((step.score for step in reversed(steps) if step.score), None)
    if score is not None and score.checks:
        return failures(score)
    return run.reason or ("the goal was not reached" if _done(steps) else "there was no answer")


def _done(steps: Sequence[Step]) -> list[str]:
    return [said for step in steps if step.action is not None and (said := command_of(step.action)) is not None]
