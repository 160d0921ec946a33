"""A critic is asked about runs whose outcome is known, and is not told it.

In:  finished runs in the record, a critic to ask.
Out: its judgements, beside how each run really ended.

The critic is shown what the run had: the task without its checks, the last action without the thoughts behind it, the states
before and after that, put together from the events. As many failures as successes are chosen, so that both are seen where one is rare.

Not here: who the critic is, and what is on its prompt; that is given. Nor what its Φ is worth (`calibration.py`).
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import TypeAlias

from purpose_agent.core.action import Action, GiveUp
from purpose_agent.core.ports import Clock
from purpose_agent.core.score import MAX_PHI, Score
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.memory.judgements import Judgement, Judgements
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.record import RunRow, list_runs, load_trace
from purpose_agent.runtime.trace import Trace

MOST_LOOKED_AT = 1000
"""So many of the newest runs are looked through."""
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """What a critic is shown of the end of a run.

    Attributes:
        task: Without its checks.
        action: The last one, without its thoughts.
    """

    task: Task
    before: State
    action: Action
    after: State


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A run whose outcome is known, and what a critic is shown of it."""

    run: RunRow
    shown: Shown


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a critic answered.

    Attributes:
        score: None if it had nothing to say.
        tokens: What that cost.
        version: Of its prompt; "" if it has none.
    """

    score: Score | None
    tokens: int = 0
    version: str = ""


Judge: TypeAlias = Callable[[Shown], Awaitable[Opinion]]
"""Asks a critic. It is given no outcome and no checks, so that none can slip into a prompt."""


def known_outcomes(db: Database, *, family: str | None = None) -> list[RunRow]:
    """The newest runs that came to their end and whose success checks or a world decided, newest first.

    Runs that gave up, ran out of something or broke have no end that a critic could judge. Those of validations teach nothing.
    """
    runs = list_runs(db, limit=MOST_LOOKED_AT, family=family, status="finished", mode="learning")
    return [run for run in runs if run.success is not None]


def runs_to_judge(
    db: Database,
    judgements: Judgements,
    critic: str,
    model: str,
    *,
    family: str | None = None,
    notes: str = "",
    own: Collection[str] = (),
    version: str | None = None,
    limit: int = AT_ONCE,
) -> tuple[ToJudge, ...]:
    """Runs that this critic has not judged yet, newest first; at most `limit`, and at most half of that of either outcome.

    Args:
        family: Only of its tasks; None: of all.
        notes: Hash of the calibration memories that the critic has: what it said without them doesn't count.
        own: Keys of the tasks that those were drawn from: it has been told how they ended, so their runs show nothing.
        version: Of the critic's prompt: runs that it judged with another one are due again. None: they are not.
    """
    judged = judgements.judged(critic, model, notes=notes, version=version)
    waiting = [run for run in known_outcomes(db, family=family) if run.id not in judged and run.task_key not in own]
    most = max(1, limit // 2)
    successes, failures = (_first(db, [run for run in waiting if run.success is success], most) for success in (True, False))
    both = chain.from_iterable(zip_longest(successes, failures))
    return tuple([each for each in both if each is not None][:limit])


def shown_of(run: RunRow, trace: Trace) -> Shown | None:
    """What a critic is shown of a run's end; None if the run has no last action that it could judge."""
    steps = trace.steps()
    last = steps[-1] if steps else None
    if last is None or last.action is None or isinstance(last.action, GiveUp):
        return None
    return Shown(replace(run.task, checks=()), last.before, replace(last.action, thought=""), last.after)


async def judge_outcomes(
    judgements: Judgements,
    waiting: Sequence[ToJudge],
    ask: Judge,
    *,
    critic: str,
    model: str,
    clock: Clock,
    notes: str = "",
    may_go_on: Callable[[], bool] = lambda: True,
) -> tuple[Judgement, ...]:
    """Ask about each run and keep what is said; what came before an error is kept.

    Where another critic answered in its place (falsification without code falls back to the state), its answer is kept under
    its own name, and under that of `critic` that it could not say.

    Args:
        critic: The one that is asked, as in `Score.critic`.
        notes: Hash of the calibration memories in its prompt.
        may_go_on: Asked before each run: a budget may be spent.

    Returns:
        The judgements of `critic`.

    Raises:
        ModelError: The critic's model could not answer.
        NotInThisMode: It was begun inside a run that may not learn.
    """
    said: list[Judgement] = []
    for each in waiting:
        if not may_go_on():
            break
        opinion = await ask(each.shown)
        heard = _judgement(each.run, opinion, critic, model, clock, notes)
        answered = opinion.score.critic if opinion.score is not None else critic
        kept = heard if answered == critic else replace(heard, phi=None, confidence=0.0, low=None, high=None, tokens=0)
        judgements.add_all(dict.fromkeys((replace(heard, critic=answered), kept)))
        said.append(kept)
    return tuple(said)


def _first(db: Database, runs: Sequence[RunRow], most: int) -> list[ToJudge]:
    """Of the first runs that have something to judge, so many."""
    found: list[ToJudge] = []
    for run in runs:
        if len(found) == most:
            break
        shown = shown_of(run, load_trace(db, run.id))
        if shown is not None:
            found.append(ToJudge(run, shown))
    return found


def _judgement(run: RunRow, opinion: Opinion, critic: str, model: str, clock: Clock, notes: str) -> Judgement:
    score = opinion.score
    known = score is not None and score.after is not None and 0 <= score.after <= MAX_PHI
    return Judgement(
        run_id=run.id,
        critic=critic,
        model=model,
        family=run.family,
        task_key=run.task_key,
        phi=score.after if score is not None and known else None,
        confidence=score.confidence if score is not None else 0.0,
        low=score.low if score is not None else None,
        high=score.high if score is not None else None,
        success=bool(run.success),
        tokens=opinion.tokens,
        version=opinion.version,
        at=clock.now(),
        notes=notes,
    )
