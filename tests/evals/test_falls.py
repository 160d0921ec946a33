"""Falls are found soon, and seldom where there are none."""

import random
from statistics import median

import pytest

from purpose_agent.evals.falls import THRESHOLD, find_fall, least_rate


def drawn(rate: float, n: int, seed: str) -> list[bool]:
    draws = random.Random(seed)
    return [draws.random() < rate for _ in range(n)]


def test_ten_failures_after_a_clean_record_are_a_fall() -> None:
    fall = find_fall(14, 14, [False] * 10)

    assert fall is not None
    assert fall.e_value >= THRESHOLD
    assert (fall.before, fall.successes_before, fall.successes_since) == (14, 14, 0)
    assert fall.since <= 10


def test_the_longer_the_record_the_sooner_it_is_found() -> None:
    found = [find_fall(n, n, [False] * 40) for n in (5, 10, 20, 40, 100)]
    runs = [fall.since for fall in found if fall is not None]

    assert len(runs) == 5
    assert runs == sorted(runs, reverse=True)
    assert runs[-1] <= 4


def test_a_single_failure_is_none() -> None:
    assert find_fall(1000, 1000, [False]) is None
    assert find_fall(10, 10, [False, True, True] * 3) is None


def test_where_nothing_succeeded_nothing_can_fall() -> None:
    assert find_fall(0, 12, [False] * 500) is None
    assert find_fall(0, 0, [False] * 500) is None


def test_without_a_record_the_first_runs_make_one() -> None:
    fall = find_fall(0, 0, [True] * 30 + [False] * 10)

    assert fall is not None
    assert (fall.before, fall.successes_since) == (30, 0)


@pytest.mark.parametrize("rate", [0.3, 0.6, 0.9, 0.98])
def test_while_nothing_changes_false_alarms_are_a_thousand_runs_apart(rate: float) -> None:
    runs = alarms = 0
    for seed in range(30):
        record = drawn(rate, 12, f"record {seed}")
        outcomes = drawn(rate, 2000, f"{rate} {seed}")
        fall = find_fall(sum(record), len(record), outcomes)
        runs += len(outcomes) if fall is None else fall.before + fall.since - len(record)
        alarms += fall is not None

    assert runs >= 1000 * alarms


@pytest.mark.parametrize(("before", "after", "most"), [(0.95, 0.05, 8), (0.95, 0.3, 14), (0.8, 0.05, 12), (0.8, 0.3, 32)])
def test_a_fall_shows_within_the_runs_that_the_docs_state(before: float, after: float, most: int) -> None:
    """After a trial of 12 runs and 40 in use; the median of 100."""
    waits: list[int] = []
    for seed in range(100):
        record = drawn(before, 12, f"record {seed}")
        outcomes = drawn(before, 40, f"before {seed}") + drawn(after, 400, f"after {seed}")
        fall = find_fall(sum(record), len(record), outcomes)
        assert fall is not None
        waits.append(fall.before + fall.since - len(record) - 40)

    assert median(waits) <= most


def test_the_smallest_rate_is_below_the_share_and_grows_with_the_record() -> None:
    assert [round(least_rate(n, n), 2) for n in (0, 1, 10, 100)] == [0.0, 0.02, 0.58, 0.93]
    assert least_rate(5, 10) < least_rate(50, 100) < 0.5


def test_the_smallest_rate_is_seldom_above_the_true_one_at_any_time() -> None:
    wrong = 0
    for seed in range(300):
        outcomes = drawn(0.7, 200, f"bound {seed}")
        wrong += any(least_rate(sum(outcomes[:n]), n) > 0.7 for n in range(1, 200))

    assert wrong <= 0.05 * 300
