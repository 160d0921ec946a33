"""Intervals for people."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.evals.stats import mean_interval, wilson


@given(n=st.integers(1, 200), data=st.data())
def test_the_interval_of_a_share_holds_the_share_and_stays_between_zero_and_one(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    low, high = wilson(successes, n)

    assert 0 <= low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= high <= 1


def test_nothing_seen_means_anything_is_possible() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilson_gives_the_textbook_value() -> None:
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_one_value_has_no_interval() -> None:
    assert mean_interval([1.0]) is None
    assert mean_interval([]) is None


def test_the_interval_of_a_mean_is_the_same_every_time_and_holds_it() -> None:
    rng = random.Random(1)
    values = [rng.choice((-1.0, 0.0, 1.0, 1.0)) for _ in range(40)]
    interval = mean_interval(values)

    assert interval == mean_interval(values)
    assert interval is not None
    assert interval[0] < sum(values) / len(values) < interval[1]


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert mean_interval([1.0] * 6) == (1.0, 1.0)
