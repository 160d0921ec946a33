"""Intervals, p-values and areas for people. The known values were computed by hand, from the definitions."""

import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.evals.stats import area_under_curve, cluster_interval, holm, mcnemar_exact, wilson

COUNTS = st.integers(0, 60)
SHARES = st.floats(0, 1)
CLUSTERS = st.dictionaries(st.text(max_size=3), st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=5), max_size=12)
P_VALUES = st.dictionaries(st.text(max_size=3), SHARES, max_size=12)
POINTS = st.dictionaries(st.integers(0, 500), SHARES, min_size=1, max_size=12)


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


@given(CLUSTERS)
def test_the_interval_over_clusters_lies_within_the_values_and_needs_two_clusters(clusters: dict[str, list[float]]) -> None:
    filled = {name: values for name, values in clusters.items() if values}
    interval = cluster_interval(clusters, draws=200)

    assert (interval is None) == (len(filled) < 2)
    if interval is not None:
        values = [value for each in filled.values() for value in each]
        assert min(values) <= interval[0] <= interval[1] <= max(values)


def test_values_of_one_cluster_count_as_one_observation() -> None:
    rng = random.Random(3)
    outcomes = {f"task {number}": float(rng.random() < 0.5) for number in range(30)}
    once = cluster_interval({task: [value] for task, value in outcomes.items()})
    often = cluster_interval({task: [value] * 20 for task, value in outcomes.items()})
    naive = cluster_interval({f"{task} {number}": [value] for task, value in outcomes.items() for number in range(20)})

    assert once is not None
    assert naive is not None
    assert often == pytest.approx(once)
    assert naive[1] - naive[0] < (once[1] - once[0]) / 3


def test_the_interval_over_clusters_is_the_same_every_time_and_holds_the_mean() -> None:
    rng = random.Random(1)
    differences = {str(task): [rng.choice((-1.0, 0.0, 1.0, 1.0)) for _ in range(5)] for task in range(40)}
    interval = cluster_interval(differences)

    assert interval == cluster_interval(differences)
    assert interval is not None
    assert interval[0] < sum(sum(values) for values in differences.values()) / 200 < interval[1]


def test_an_interval_over_clusters_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = random.Random(11)
    held = 0
    for _ in range(200):
        hardness = [rng.random() for _ in range(30)]
        drawn = {str(task): [float(rng.random() < hard) for _ in range(4)] for task, hard in enumerate(hardness)}
        interval = cluster_interval(drawn, draws=300)
        held += interval is not None and interval[0] <= 0.5 <= interval[1]

    assert 0.90 <= held / 200 <= 0.99


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [(0, 0, 1.0), (5, 0, 2 / 32), (0, 6, 2 / 64), (8, 1, 2 * 10 / 512), (9, 3, 2 * 299 / 4096), (4, 4, 1.0), (3, 2, 1.0)],
)
def test_mcnemar_gives_the_binomial_value(wins: int, losses: int, p: float) -> None:
    assert mcnemar_exact(wins, losses) == pytest.approx(p)


@given(wins=COUNTS, losses=COUNTS)
def test_mcnemar_doesnt_care_which_side_is_called_the_winner(wins: int, losses: int) -> None:
    assert mcnemar_exact(wins, losses) == mcnemar_exact(losses, wins)
    assert 0 < mcnemar_exact(wins, losses) <= 1


@given(wins=COUNTS, losses=COUNTS)
def test_another_win_for_the_leader_is_never_weaker_evidence(wins: int, losses: int) -> None:
    ahead, behind = max(wins, losses), min(wins, losses)

    assert mcnemar_exact(ahead + 1, behind) <= mcnemar_exact(ahead, behind)


@pytest.mark.parametrize("pairs", [7, 12, 30])
def test_mcnemar_errs_no_more_often_than_it_says(pairs: int) -> None:
    errs = sum(comb(pairs, wins) for wins in range(pairs + 1) if mcnemar_exact(wins, pairs - wins) <= 0.05)

    assert errs / 2**pairs <= 0.05


def test_many_pairs_are_no_problem() -> None:
    assert 0 < mcnemar_exact(3000, 2500) < 1e-10


def test_holm_gives_the_values_computed_by_hand() -> None:
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})

    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(adjusted) == ["a", "b", "c", "d"]
    assert holm({}) == {}


@given(P_VALUES)
def test_holm_keeps_the_order_and_lies_between_the_value_and_bonferroni(p_values: dict[str, float]) -> None:
    adjusted = holm(p_values)

    assert adjusted.keys() == p_values.keys()
    for name, p in p_values.items():
        assert p <= adjusted[name] <= min(1.0, len(p_values) * p) + 1e-12
        assert all(adjusted[name] <= adjusted[other] for other in p_values if p <= p_values[other])


def test_the_area_under_a_curve_is_that_of_its_trapezoids() -> None:
    assert area_under_curve([(0, 0.0), (50, 1.0), (100, 1.0)]) == pytest.approx(0.75)
    assert area_under_curve([(100, 0.6), (0, 0.2), (25, 0.6)]) == pytest.approx(0.55)
    assert area_under_curve([(40, 0.3)]) == 0.3


@given(POINTS)
def test_the_area_lies_between_the_lowest_and_the_highest_point(points: dict[int, float]) -> None:
    area = area_under_curve(list(points.items()))

    assert min(points.values()) - 1e-9 <= area <= max(points.values()) + 1e-9


@given(POINTS, SHARES)
def test_the_area_is_linear_so_that_the_area_of_a_mean_is_the_mean_of_the_areas(points: dict[int, float], other: float) -> None:
    area = area_under_curve(list(points.items()))
    mean = area_under_curve([(x, (y + other) / 2) for x, y in points.items()])

    assert mean == pytest.approx((area + other) / 2)


@pytest.mark.parametrize("points", [[], [(3, 0.1), (3, 0.2)]])
def test_a_curve_without_different_places_has_no_area(points: list[tuple[int, float]]) -> None:
    with pytest.raises(ValueError, match="different places"):
        area_under_curve(points)
