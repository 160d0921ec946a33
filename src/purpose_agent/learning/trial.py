"""Does the memory help? The same task and seed, with it and without it.

In:  a memory, tasks that would recall it, a way to run one.
Out: a `TrialReport`; the gate decides on it.

Pairs are run until the evidence suffices, until the budget is spent or too small for what is missing, or until nothing can
be won: the first pairs all succeed without it. A trial goes on where the last one stopped, with new seeds: the test may be
looked at any time.
Tasks the lesson was drawn from are used only where there are no others; the report says for how many tasks it speaks.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from purpose_agent.core.memory import Memory, Pair, TrialReport
from purpose_agent.core.task import Task
from purpose_agent.evals.sequential import PairedEvidence, wins_needed

ALPHA = 0.05
"""Of a rejection; and of a promotion where only one memory is ever tried."""
PAIRS = 16
"""Pairs in one trial."""
MOST_PAIRS = 48
"""Pairs in all trials of a memory; after that it stays in quarantine, or, of learned values, is archived."""
PATIENCE = 4
"""So many pairs that all succeed without the memory leave nothing to win."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of the two runs of a pair."""

    run_id: str
    success: bool | None
    tokens: int


Rerun: TypeAlias = Callable[[Task, int, bool], Awaitable[Outcome]]
"""(task, seed, with the memory) → what came of it."""


def is_held_out(task: Task) -> bool:
    """A fixed third of all tasks is kept from the drawing of rules, for trials."""
    return int(sha256(task.key.encode()).hexdigest()[:8], 16) % 3 == 0


async def try_memory(
    memory: Memory,
    tasks: Sequence[Task],
    rerun: Rerun,
    *,
    before: TrialReport | None = None,
    told: Sequence[Pair] = (),
    pairs: int = PAIRS,
    alpha: float = ALPHA,
    once: bool = False,
    may_go_on: Callable[[], bool] = lambda: True,
) -> TrialReport:
    """Run pairs until it is decided whether `memory` helps or harms.

    Args:
        tasks: Taken in turn, those that had fewest pairs first; again with another seed when all have had theirs. A
            task with choices is tried once: where a model ranks them, or nobody but values does, its answer is the same
            whatever the seed, and the same pair twice is no second piece of evidence. A model that writes its answer
            draws it, and could tell more of the task: its trials are shorter than they might be.
        before: The last undecided report of this memory; its pairs count.
        told: All pairs there are, where the record holds both halves; nothing is run then.
        pairs: At most so many new ones.
        alpha: Chance of promoting a memory that doesn't help, 0 to 1: the gate's allowance. Rejecting one that doesn't harm
            has `ALPHA`.
        once: No task is met twice.
        may_go_on: Asked before each pair; a trial that is stopped goes on from there another time.
    """
    if told:
        return report_on(memory.id, told, alpha=alpha, tokens=0)
    done = list(before.pairs) if before is not None else []
    tokens = before.tokens if before is not None else 0
    first = len(done)
    for number in range(first, min(first + pairs, MOST_PAIRS)):
        task = _next_task(tasks, done, once)
        if (
            task is None
            or _is_decided(done, alpha)
            or is_spent(done, alpha)
            or _nothing_to_win(done[first:])
            or not may_go_on()
        ):
            break
        order = [True, False]
        random.Random(f"{memory.id}/{number}").shuffle(order)
        # Each stay in quarantine is a new version: a memory that comes back meets draws it has not seen.
        seed = memory.version * MOST_PAIRS + number
        outcomes = {with_it: await rerun(task, seed, with_it) for with_it in order}
        tokens += sum(outcome.tokens for outcome in outcomes.values())
        with_it, without = outcomes[True], outcomes[False]
        done.append(Pair(task.key, seed, with_it.success, without.success, with_it.run_id, without.run_id))
    return report_on(memory.id, done, alpha=alpha, tokens=tokens)


def _next_task(tasks: Sequence[Task], done: Sequence[Pair], once: bool) -> Task | None:
    """The task with fewest pairs so far, the first of several; None if all have had what they can tell."""
    tried = Counter(pair.task for pair in done)
    left = [task for task in tasks if not ((once or task.choices) and tried[task.key])]
    return min(left, key=lambda task: tried[task.key], default=None)


def report_on(memory_id: str, pairs: Sequence[Pair], *, alpha: float, tokens: int) -> TrialReport:
    """What `pairs` say. A pair in which a run was not judged says nothing."""
    evidence = evidence_of(pairs)
    return TrialReport(
        memory_id=memory_id,
        pairs=tuple(pairs),
        wins=evidence.wins,
        losses=evidence.losses,
        tasks=len({pair.task for pair in pairs}),
        e_help=evidence.e_help,
        e_harm=evidence.e_harm,
        mean_gain=evidence.mean_gain,
        interval=evidence.interval,
        alpha=alpha,
        tokens=tokens,
        alpha_harm=ALPHA,
    )


def evidence_of(pairs: Sequence[Pair]) -> PairedEvidence:
    """What the judged ones among `pairs` say together."""
    evidence = PairedEvidence()
    for pair in pairs:
        if pair.with_memory is not None and pair.without is not None:
            evidence = evidence.seen(pair.with_memory, pair.without)
    return evidence


def is_spent(pairs: Sequence[Pair], alpha: float) -> bool:
    """Undecided, and were all pairs that are left won, it would stay so."""
    return not _is_decided(pairs, alpha) and wins_needed(evidence_of(pairs), alpha) > MOST_PAIRS - len(pairs)


def _is_decided(pairs: Sequence[Pair], alpha: float) -> bool:
    evidence = evidence_of(pairs)
    return evidence.e_help >= 1 / alpha or evidence.e_harm >= 1 / ALPHA


def _nothing_to_win(pairs: Sequence[Pair]) -> bool:
    """The first pairs all succeeded both ways, or could not be judged."""
    opening = pairs[:PATIENCE]
    unjudged = all(pair.with_memory is None or pair.without is None for pair in opening)
    return len(opening) == PATIENCE and (unjudged or all(pair.without and pair.with_memory for pair in opening))
