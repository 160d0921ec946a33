"""The same task and seed with the memory and without it, until the evidence suffices."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from purpose_agent.core.memory import Lesson, Memory, Pair, Provenance, TrialReport
from purpose_agent.core.task import Check, Task
from purpose_agent.evals.sequential import PairedEvidence, wins_needed
from purpose_agent.learning.trial import (
    MOST_PAIRS,
    PAIRS,
    PATIENCE,
    Outcome,
    evidence_of,
    is_held_out,
    is_spent,
    report_on,
    try_memory,
)

pytestmark = pytest.mark.anyio

ENOUGH = wins_needed(PairedEvidence(), 0.05)
"""So many wins without a loss decide."""
TASKS = [Task(f"Task number {number}") for number in range(3)]


def memory(id: str = "mem_1", version: int = 2) -> Memory:
    lesson = Lesson("failure_pattern", "doing tasks", "do them well", Provenance("self_verified"))
    return Memory(id, lesson, "quarantined", datetime(2026, 1, 1, tzinfo=UTC), version=version)


class Runs:
    """Runs whose success is given by whether the memory is there, and by how many pairs there were."""

    def __init__(self, success: Callable[[bool, int], bool | None]) -> None:
        self.made: list[tuple[str, int, bool]] = []
        self._success = success

    async def __call__(self, task: Task, seed: int, with_it: bool) -> Outcome:
        success = self._success(with_it, len(self.made) // 2)
        self.made.append((task.goal, seed, with_it))
        return Outcome(f"run_{len(self.made)}", success, tokens=10)


async def tried(success: Callable[[bool, int], bool | None], before: TrialReport | None = None) -> tuple[TrialReport, Runs]:
    runs = Runs(success)
    return await try_memory(memory(), TASKS, runs, before=before), runs


def helps(with_it: bool, pair: int) -> bool:
    return with_it


def fails(with_it: bool, pair: int) -> bool:
    return False


def tie(with_it: bool, pair: int) -> bool:
    return with_it == (pair % 2 == 0)


async def test_it_stops_as_soon_as_it_is_decided() -> None:
    report, runs = await tried(helps)

    assert (report.helps, report.wins, report.losses, len(report.pairs)) == (True, ENOUGH, 0, ENOUGH)
    assert len(runs.made) == 2 * ENOUGH
    assert report.tokens == 20 * ENOUGH
    assert report.mean_gain == 1.0


async def test_harm_is_decided_too() -> None:
    report, _ = await tried(lambda with_it, pair: not with_it)

    assert (report.harms, report.helps, report.losses) == (True, False, ENOUGH)


async def test_a_tie_ends_with_the_budget_and_decides_nothing() -> None:
    report, _ = await tried(tie)

    assert (report.helps, report.harms, len(report.pairs)) == (False, False, PAIRS)
    assert (report.wins, report.losses) == (PAIRS // 2, PAIRS // 2)


async def test_where_all_goes_well_without_it_there_is_nothing_to_win() -> None:
    report, _ = await tried(lambda with_it, pair: True)

    assert (len(report.pairs), report.helps, report.harms) == (PATIENCE, False, False)


async def test_runs_that_nobody_can_judge_are_given_up_on() -> None:
    report, _ = await tried(lambda with_it, pair: None)

    assert (len(report.pairs), report.wins, report.losses, report.mean_gain) == (PATIENCE, 0, 0, None)


async def test_where_all_fails_the_budget_is_spent_since_there_is_something_to_win() -> None:
    report, _ = await tried(lambda with_it, pair: False)

    assert len(report.pairs) == PAIRS


async def test_both_runs_of_a_pair_have_one_task_and_one_seed_and_no_two_pairs_share_it() -> None:
    report, runs = await tried(tie)

    pairs = list(zip(runs.made[::2], runs.made[1::2], strict=True))
    assert all(one[:2] == other[:2] and {one[2], other[2]} == {True, False} for one, other in pairs)
    assert len({one[1] for one, _ in pairs}) == PAIRS
    assert [pair.seed for pair in report.pairs] == [one[1] for one, _ in pairs]


async def test_tasks_are_taken_in_turn() -> None:
    report, runs = await tried(tie)

    assert [made[0] for made in runs.made[::2]][:4] == ["Task number 0", "Task number 1", "Task number 2", "Task number 0"]
    assert report.tasks == 3


async def test_which_run_of_a_pair_comes_first_is_drawn() -> None:
    orders: list[bool] = []
    for number in range(20):
        runs = Runs(tie)
        await try_memory(memory(f"mem_{number}"), TASKS, runs)
        orders += [made[2] for made in runs.made[::2]]

    assert 0.4 < sum(orders) / len(orders) < 0.6


async def test_it_goes_on_where_the_last_trial_stopped_with_new_seeds() -> None:
    first, earlier = await tried(fails)
    second, later = await tried(fails, before=first)

    assert second.pairs[:PAIRS] == first.pairs
    assert len(second.pairs) == 2 * PAIRS
    assert not {made[1] for made in earlier.made} & {made[1] for made in later.made}
    assert second.tokens == 2 * first.tokens


async def test_all_trials_of_a_memory_together_have_an_end() -> None:
    report: TrialReport | None = None
    for _ in range(5):
        report, _ = await tried(fails, before=report)

    assert report is not None
    assert len(report.pairs) == MOST_PAIRS - ENOUGH + 1


async def test_it_ends_where_winning_all_pairs_that_are_left_would_not_be_enough() -> None:
    report: TrialReport | None = None
    for _ in range(5):
        report, _ = await tried(tie, before=report)

    assert report is not None
    left = MOST_PAIRS - len(report.pairs)
    assert 0 < left < wins_needed(PairedEvidence(report.wins, report.losses), report.alpha)
    assert is_spent(report.pairs, report.alpha)
    # Had one pair less been run, it could still have been won.
    assert wins_needed(evidence_of(report.pairs[:-1]), report.alpha) <= left + 1


async def test_a_stricter_error_rate_takes_more_wins_and_harm_no_more_losses() -> None:
    strict = 1 / 60
    report = await try_memory(memory(), TASKS, Runs(helps), alpha=strict)
    harming = await try_memory(memory(), TASKS, Runs(lambda with_it, pair: not with_it), alpha=strict)

    assert (report.helps, report.wins, report.alpha) == (True, 7, strict)
    assert (harming.harms, harming.losses, harming.alpha_harm) == (True, ENOUGH, 0.05)


async def test_the_range_behind_a_promotion_does_not_reach_zero() -> None:
    report = await try_memory(memory(), TASKS, Runs(helps), alpha=1 / 60)

    assert report.helps
    assert report.interval is not None
    assert report.interval[0] > 0


async def test_a_memory_that_comes_back_to_quarantine_meets_new_seeds() -> None:
    once, again = Runs(helps), Runs(helps)
    await try_memory(memory(version=2), TASKS, once)
    await try_memory(memory(version=4), TASKS, again)

    assert not {made[1] for made in once.made} & {made[1] for made in again.made}


async def test_a_pair_with_an_unjudged_run_counts_for_nothing() -> None:
    report, _ = await tried(lambda with_it, pair: with_it if pair % 2 else None)

    assert (report.wins, len(report.pairs)) == (ENOUGH, 2 * ENOUGH)
    assert report.mean_gain == 1.0


def test_a_report_without_pairs_knows_nothing() -> None:
    report = report_on("mem_1", [], alpha=0.05, tokens=0)

    assert (report.e_help, report.e_harm, report.mean_gain, report.interval, report.helps) == (1.0, 1.0, None, None, False)


def test_a_third_of_all_tasks_is_held_out_and_always_the_same() -> None:
    tasks = [Task(f"Task {number}") for number in range(600)]
    held = [is_held_out(task) for task in tasks]

    assert 160 < sum(held) < 240
    assert held == [is_held_out(Task(task.goal, checks=())) for task in tasks]


async def test_a_task_with_choices_is_tried_once_whatever_the_budget() -> None:
    """Its answer doesn't depend on the seed: the same pair twice would count one piece of evidence twice."""
    tasks = [Task(f"Door {number}?", choices=["left", "right"], checks=[Check.equals("left")]) for number in range(3)]
    asked: list[str] = []

    async def rerun(task: Task, seed: int, with_it: bool) -> Outcome:
        asked.append(task.key)
        return Outcome(f"run_{len(asked)}", with_it, 1)

    report = await try_memory(memory(), tasks, rerun)

    assert sorted(asked) == sorted(task.key for task in tasks for _ in range(2))
    assert not report.helps
    assert (await try_memory(memory(), tasks, rerun, before=report)).pairs == report.pairs


async def test_the_same_answers_again_are_no_second_piece_of_evidence() -> None:
    asked: list[str] = []

    async def rerun(task: Task, seed: int, with_it: bool) -> Outcome:
        asked.append(task.goal)
        return Outcome(f"run_{len(asked)}", with_it, 1, "right" if with_it else "wrong")

    report = await try_memory(memory(), TASKS, rerun)

    # Each task is asked twice: the second pair shows that its answers don't depend on the draw.
    assert len(report.pairs) == 2 * len(TASKS)
    assert (report.wins, report.helps) == (len(TASKS), False)


async def test_what_the_record_tells_goes_on_from_the_last_report() -> None:
    told = tuple(Pair(f"task {number}", 0, True, False, f"run_{number}", f"run_{number}") for number in range(8))
    first = await try_memory(memory(), (), Runs(helps), told=told[:3])
    second = await try_memory(memory(), (), Runs(helps), before=first, told=told[2:])

    assert (first.wins, second.wins) == (3, 8)
    assert second.pairs == told


async def test_a_trial_that_is_broken_off_has_kept_its_pairs() -> None:
    done: list[Pair] = []

    def breaks(with_it: bool, pair: int) -> bool:
        if pair == 3:
            raise RuntimeError("the model is gone")
        return with_it

    with pytest.raises(RuntimeError):
        await try_memory(memory(), TASKS, Runs(breaks), done=done)
    assert len(done) == 3


async def test_where_one_task_is_all_there_is_its_pairs_speak_for_that_task() -> None:
    async def rerun(task: Task, seed: int, with_it: bool) -> Outcome:
        return Outcome(f"run_{seed}", with_it, 1, "right" if with_it else "wrong")

    report = await try_memory(memory(), TASKS[:1], rerun)

    assert (report.helps, report.wins, report.tasks) == (True, ENOUGH, 1)


def test_pairs_judged_by_degrees_decide_as_verdicts_do() -> None:
    def pairs(gain: float | None) -> list[Pair]:
        return [Pair(f"task {n}", n, None, None, "", "", gain=gain) for n in range(12)]

    assert report_on("mem_1", pairs(0.9), alpha=0.05, tokens=0).helps
    assert report_on("mem_1", pairs(-0.9), alpha=0.05, tokens=0).harms
    undecided = report_on("mem_1", pairs(0.05), alpha=0.05, tokens=0)
    assert (undecided.helps, undecided.harms, undecided.wins, undecided.losses) == (False, False, 12, 0)
    assert report_on("mem_1", pairs(None), alpha=0.05, tokens=0).mean_gain is None
