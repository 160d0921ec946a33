"""Solved cases: what was right in which situation, as far as it is known after the runs.

In:  runs as the record has them.
Out: cases in the order of their runs; which tasks may share a rule; from which case on another rule holds.

Not here: what the cases have in common (`induce.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from purpose_agent.core.memory import Case, RuleLine
from purpose_agent.learning.trial import is_held_out
from purpose_agent.memory.rules import situation_of, told_by
from purpose_agent.runtime.record import RunRow

HISTORY = 200
"""So many of a family's last runs are looked at."""
MOST_CASES = 8
FEWEST_CASES = 6
"""A rule needs so many."""
FEWEST_MISSES = 3
"""So often must a rule fail lately before anybody asks whether it has changed."""
CHANGE = 1.5
"""How much better two rates must explain the hits of a rule than one, in nats, beside the logarithm of their number."""


@dataclass(frozen=True, slots=True)
class SolvedCase:
    """A case, and the run that is the last word on it."""

    case: Case
    run_id: str


def known_answer(run: RunRow) -> str | None:
    """The right answer, as far as it is known after the run."""
    # The task's spelling before the model's: "YES" and "yes" would be two answers to a rule.
    expected = next((check.spec.strip() for check in run.task.checks if check.kind == "equals"), None)
    if expected is not None:
        return next((choice for choice in run.task.choices if choice.casefold() == expected.casefold()), expected)
    return run.answer if run.success else None


def is_solved(run: RunRow) -> bool:
    """It was judged, the right answer is known, and that is one of a few, or is compared as a whole."""
    if run.success is None or known_answer(run) is None:
        return False
    return bool(run.task.choices) or any(check.kind == "equals" for check in run.task.checks)


def same_kind(one: RunRow, other: RunRow) -> bool:
    """Tasks that may share a rule: of one agent, for one user, and of one family or one set of choices."""
    if one.agent != other.agent or one.task.user != other.task.user:
        return False
    if one.family or other.family:
        return one.family == other.family
    return one.task.choices == other.task.choices if one.task.choices else one.task_key == other.task_key


def solved_cases(runs: Sequence[RunRow]) -> list[SolvedCase]:
    """One a task, of its newest run, oldest first.

    Args:
        runs: Newest first, as the record lists them.
    """
    cases: dict[str, SolvedCase] = {}
    for run in runs:
        answer = known_answer(run)
        if answer is not None and run.task_key not in cases:
            cases[run.task_key] = SolvedCase(Case(situation_of(run.goal, run.task.inputs), answer), run.id)
    return list(reversed(cases.values()))


def kept_for_trials(runs: Sequence[RunRow]) -> frozenset[str]:
    """The keys of tasks that no rule is drawn from: a third of those met before there were cases enough for one.

    Later ones are each a test of what was drawn before them, and a case then.

    Args:
        runs: All that are of one kind, newest first.
    """
    cases, kept = set[str](), set[str]()
    for run in reversed(runs):
        if len(cases) >= FEWEST_CASES:
            break
        if known_answer(run) is not None:
            (kept if is_held_out(run.task) else cases).add(run.task_key)
    return frozenset(kept)


def spread(cases: Sequence[Case]) -> tuple[Case, ...]:
    """At most `MOST_CASES`, every answer once before any twice."""
    seen: dict[str, int] = {}
    ranked: list[tuple[int, int, Case]] = []
    for number, case in enumerate(cases):
        seen[case.answer] = seen.get(case.answer, 0) + 1
        ranked.append((seen[case.answer], number, case))
    return tuple(case for _, _, case in sorted(ranked, key=lambda item: item[:2])[:MOST_CASES])


def changed_at(lines: Sequence[RuleLine], cases: Sequence[Case]) -> int | None:
    """The number of the first case of a time in which the rule fails clearly more often than before; None if there is none.

    One rate of hits is compared with two, before and after (a likelihood ratio, with the usual price of a change point:
    the logarithm of the number of cases). An error now and then is no change.
    """
    told: list[tuple[int, bool]] = []
    for number, case in enumerate(cases):
        answer = told_by(lines, case.situation)
        if answer is not None:
            told.append((number, answer == case.answer))
    hits = [hit for _, hit in told]
    best: int | None = None
    most = log(max(1, len(hits))) + CHANGE
    for split in range(1, len(hits)):
        before, after = hits[:split], hits[split:]
        worse = sum(before) * len(after) > sum(after) * len(before)
        if hits[split] or not worse or after.count(False) < FEWEST_MISSES:
            continue
        gain = _likelihood(before) + _likelihood(after) - _likelihood(hits)
        if gain > most:
            best, most = told[split][0], gain
    return best


def _likelihood(hits: Sequence[bool]) -> float:
    """The greatest log-likelihood of hits and misses at one rate."""
    counts = (sum(hits), len(hits) - sum(hits))
    return sum(count * log(count / len(hits)) for count in counts if count)
