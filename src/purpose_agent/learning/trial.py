"""Does the memory help? The same task and seed, with it and without it.

In:  a memory, tasks that would recall it, a way to run one.
Out: a `TrialReport`; the gate decides on it.

Pairs are run until the evidence suffices, until the budget is spent or too small for what is missing, or until nothing can
be won: the first pairs all succeed without it. A trial goes on where the last one stopped, with new seeds: the test may be
looked at any time.
Tasks the lesson was drawn from are used only where there are no others; the report says for how many tasks it speaks.
"""

import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
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
    """One of the two runs of a pair.

    Attributes:
        worth: The probability of its success, 0 to 1, where only a calibrated critic judged it.
    """

    run_id: str
    success: bool | None
    tokens: int
    answer: str = ""
    worth: float | None = None


Rerun: TypeAlias = Callable[[Task, int, bool], Awaitable[Outcome]]
"""(task, seed, with the memory) → what came of it."""


def is_held_out(task: Task) -> bool:
    """A fixed third of all tasks. Of the first ones no rule is drawn, nor values of an agent with a model of any: they are for trials."""
    return int(sha256(task.key.encode()).hexdigest()[:8], 16) % 3 == 0


async def try_memory(
    memory: Memory,
    tasks: Sequence[Task],
    rerun: Rerun,
    *,
    before: TrialReport | None = None,
    told: Sequence[Pair] = (),
    done: list[Pair] | None = None,
    pairs: int = PAIRS,
    alpha: float = ALPHA,
    at_best: float | None = None,
    once: bool = False,
    may_go_on: Callable[[], bool] = lambda: True,
) -> TrialReport:
    """Run pairs until it is decided whether `memory` helps or harms.

    Args:
        tasks: Taken in turn, those that had fewest pairs first; again with another seed when all have had theirs, until the
            answers are those of an earlier seed. A task with choices is tried once: where a model ranks them, or nobody but
            values does, its answer is the same whatever the seed. A model that writes its answer draws it, and could tell more of the task:
            its trials are shorter than they might be.
        before: The last undecided report of this memory; its pairs count.
        told: Pairs of which the record holds both halves, oldest first; nothing is run then. Those that `before` has not
            come after its own.
        done: Filled with the pairs as they come, those of `before` first: a trial that is broken off has lost none.
        pairs: At most so many new ones.
        alpha: Chance of promoting a memory that doesn't help, 0 to 1: the gate's allowance. Rejecting one that doesn't harm
            has `ALPHA`.
        at_best: What `alpha` may still become, if others are promoted with it; None: it stays. A trial is given up only where
            that would not help.
        once: No task is met twice.
        may_go_on: Asked before each pair; a trial that is stopped goes on from there another time.
    """
    done = [] if done is None else done
    done += before.pairs if before is not None else ()
    if told:
        known = {pair.run_with for pair in done}
        done += [pair for pair in told if pair.run_with not in known][: MOST_PAIRS - len(done)]
        return report_on(memory.id, done, alpha=alpha, tokens=0)
    tokens = before.tokens if before is not None else 0
    first = len(done)
    for number in range(first, min(first + pairs, MOST_PAIRS)):
        task = _next_task(tasks, done, once)
        if (
            task is None
            or _is_decided(done, alpha)
            or is_spent(done, at_best or alpha)
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
        draw = _draw_of(with_it.answer, without.answer)
        gain = with_it.worth - without.worth if with_it.worth is not None and without.worth is not None else None
        done.append(Pair(task.key, seed, with_it.success, without.success, with_it.run_id, without.run_id, draw, gain))
    return report_on(memory.id, done, alpha=alpha, tokens=tokens)


def _next_task(tasks: Sequence[Task], done: Sequence[Pair], once: bool) -> Task | None:
    """The task with fewest pairs so far, the first of several; None if all have had what they can tell."""
    tried = Counter(pair.task for pair in done)
    fixed = {pair.task for pair, new in _news(done) if not new} if len(tasks) > 1 else set[str]()
    left = [task for task in tasks if task.key not in fixed and not ((once or task.choices) and tried[task.key])]
    return min(left, key=lambda task: tried[task.key], default=None)


def report_on(memory_id: str, pairs: Sequence[Pair], *, alpha: float, tokens: int) -> TrialReport:
    """What `pairs` say. A pair in which a run was not judged says nothing."""
    evidence = evidence_of(pairs)
    return TrialReport(
        memory_id=memory_id,
        pairs=tuple(pairs),
        wins=evidence.better,
        losses=evidence.worse,
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
    """What the judged ones among `pairs` say together.

    A pair with the same answers as an earlier one of its task says the same once more, and that is no second piece of evidence.
    Where there is one task only, its pairs speak for that task alone, and show that it goes so each time: all count.
    """
    evidence = PairedEvidence()
    for pair, new in _news(pairs):
        if new and pair.gain is not None:
            evidence = evidence.gained(pair.gain)
        elif new and pair.with_memory is not None and pair.without is not None:
            evidence = evidence.seen(pair.with_memory, pair.without)
    return evidence


def _news(pairs: Sequence[Pair]) -> Iterator[tuple[Pair, bool]]:
    """Each pair, and whether it tells anything that an earlier one of its task did not."""
    seen: set[tuple[str, str]] = set()
    alone = len({pair.task for pair in pairs}) < 2
    for pair in pairs:
        yield pair, alone or not pair.draw or (pair.task, pair.draw) not in seen
        seen.add((pair.task, pair.draw))


def _draw_of(with_it: str, without: str) -> str:
    return sha256(json.dumps([with_it, without]).encode()).hexdigest()[:12] if with_it and without else ""


def is_spent(pairs: Sequence[Pair], alpha: float) -> bool:
    """Undecided, and were all pairs that are left won, it would stay so."""
    return not _is_decided(pairs, alpha) and wins_needed(evidence_of(pairs), alpha) > MOST_PAIRS - len(pairs)


def _is_decided(pairs: Sequence[Pair], alpha: float) -> bool:
    evidence = evidence_of(pairs)
    return evidence.e_help >= 1 / alpha or evidence.e_harm >= 1 / ALPHA


def _nothing_to_win(pairs: Sequence[Pair]) -> bool:
    """The first pairs all succeeded both ways, or could not be judged."""
    opening = pairs[:PATIENCE]
    unjudged = all(pair.gain is None and (pair.with_memory is None or pair.without is None) for pair in opening)
    return len(opening) == PATIENCE and (
        unjudged or all(pair.without and pair.with_memory and not pair.gain for pair in opening)
    )
