"""Coins tell what a memory is worth, whatever else happens in the runs."""

import random

import pytest

from purpose_agent.core.exposure import Exposure
from purpose_agent.evals.randomised import confidence_sequence, e_values, report_on


def seen(with_it: float, without: float, n: int, seed: int, share: float = 0.5, others: float = 0.0) -> list[Exposure]:
    """Runs of a memory that takes the rate of success from `without` to `with_it`; in half of them, another memory adds to it."""
    draws = random.Random(f"{with_it} {without} {share} {seed}")
    exposures: list[Exposure] = []
    for number in range(n):
        shown = draws.random() < share
        rate = (with_it if shown else without) + (others if draws.random() < 0.5 else 0.0)
        exposures.append(Exposure("mem_1", 2, shown, share, f"run_{number:04d}", draws.random() < rate))
    return exposures


def test_a_memory_that_helps_is_told_from_one_that_does_nothing() -> None:
    help_, harm = e_values(seen(0.8, 0.3, 80, 1))
    assert help_ > 100
    assert harm < 1

    help_, harm = e_values(seen(0.3, 0.8, 80, 1))
    assert help_ < 1
    assert harm > 100


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("rate", [0.3, 0.7])
def test_one_that_does_nothing_seldom_seems_to_help_or_to_harm_at_any_time(rate: float, share: float) -> None:
    wrong = [0, 0]
    for seed in range(100):
        exposures = seen(rate, rate, 200, seed, share)
        looks = [e_values(exposures[:n]) for n in range(10, 201, 10)]
        for side in (0, 1):
            wrong[side] += any(look[side] >= 20 for look in looks)

    assert max(wrong) <= 10  # 5 % of 100, and what chance adds to that


def test_what_another_memory_does_in_the_same_runs_is_not_credited() -> None:
    wrong = sum(e_values(seen(0.3, 0.3, 300, seed, others=0.6))[0] >= 20 for seed in range(60))
    assert wrong <= 6


def test_a_holdout_of_five_percent_shows_great_harm() -> None:
    found = [e_values(seen(0.1, 0.9, 200, seed, share=0.95))[1] >= 20 for seed in range(20)]
    assert sum(found) >= 19


def test_a_rate_that_changes_under_way_is_no_effect() -> None:
    wrong = 0
    for seed in range(60):
        exposures = [*seen(0.9, 0.9, 100, seed), *seen(0.1, 0.1, 100, seed + 1000)]
        wrong += max(e_values(exposures)) >= 20
    assert wrong <= 9


def test_runs_no_coin_decided_about_bet_on_nothing() -> None:
    certain = [Exposure("mem_1", 2, True, 1.0, f"run_{n}", True) for n in range(50)]
    assert e_values(certain) == (1.0, 1.0)
    assert e_values([Exposure("mem_1", 2, True, 0.5, "run_1")]) == (1.0, 1.0)

    report = report_on("mem_1", certain, alpha=0.05)
    assert (report.shown, report.withheld, report.effect, report.interval) == (0, 0, None, None)
    assert not report.helps


def test_the_report_counts_what_coins_decided() -> None:
    report = report_on("mem_1", seen(1.0, 0.0, 40, 3), alpha=0.01)

    assert report.shown + report.withheld == 40
    assert (report.successes, report.successes_without) == (report.shown, 0)
    assert (report.effect, report.helps, report.harms) == (1.0, True, False)
    assert report.interval is not None
    assert 0 < report.interval[0] < report.interval[1] == 1.0


@pytest.mark.parametrize(("with_it", "without", "share"), [(0.7, 0.4, 0.5), (0.5, 0.5, 0.5), (0.6, 0.3, 0.95)])
def test_the_confidence_sequence_holds_at_all_looks(with_it: float, without: float, share: float) -> None:
    wrong = 0
    for seed in range(60):
        exposures = seen(with_it, without, 240, seed, share)
        sequences = [confidence_sequence(exposures[:n]) for n in (20, 60, 120, 240)]
        wrong += any(not low <= with_it - without <= high for low, high in sequences)
        assert sequences[-1][0] < sequences[-1][1]
    assert wrong <= 6


def test_it_narrows() -> None:
    exposures = seen(0.7, 0.4, 1000, 0)
    widths = [high - low for low, high in (confidence_sequence(exposures[:n]) for n in (30, 100, 1000))]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.3
