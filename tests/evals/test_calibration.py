"""Φ becomes a probability that rises with it, and is no worse a forecast than Φ was."""

import random
from collections.abc import Callable
from itertools import pairwise
from math import exp, log

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from purpose_agent.evals.calibration import FEW, MANY, Sample, auc, brier, fit, held_out, reliability
from purpose_agent.evals.sigmoid import fitted, sigmoid

samples = st.lists(
    st.builds(Sample, st.integers(0, 10).map(float) | st.floats(0, 10, allow_nan=False), st.booleans()), max_size=150
)
shares = st.none() | st.floats(0, 1)
GRID = [step / 8 for step in range(81)]


def drawn(curve: Callable[[float], float], n: int, seed: int) -> list[Sample]:
    rng = random.Random(seed)
    phis = [float(rng.randint(0, 10)) for _ in range(n)]
    return [Sample(phi, rng.random() < curve(phi)) for phi in phis]


def lenient(phi: float) -> float:
    """A critic that gives 9 where half of the answers are right."""
    return 1 / (1 + exp(-1.2 * (phi - 9)))


def honest(phi: float) -> float:
    """Φ as it is meant."""
    return phi / 10


def stepped(phi: float) -> float:
    """No sigmoid: nothing below 8 tells anything."""
    return 0.1 if phi < 8 else 0.9


def away(given: list[Sample], curve: Callable[[float], float]) -> float:
    """How far what is fitted is from `curve`, on average. The margins below are a third wider than the worst of 30 seeds."""
    found = fit(given)
    return sum(abs(found.probability(float(phi)) - curve(phi)) for phi in range(11)) / 11


@given(samples, shares)
def test_the_curve_never_falls_and_stays_between_0_and_1(given: list[Sample], share: float | None) -> None:
    curve = fit(given, share)
    told = [curve.probability(phi) for phi in GRID]

    assert all(low <= high for low, high in pairwise(told))
    assert all(0 <= p <= 1 for p in told)
    assert curve.n == len(given)


@given(samples)
def test_what_is_fitted_is_never_certain(given: list[Sample]) -> None:
    curve = fit(given)
    if curve.kind != "beta":
        assert all(0 < curve.probability(phi) < 1 for phi in GRID)


def test_the_kind_follows_from_how_much_there_is() -> None:
    kinds = {n: fit(drawn(lenient, n, seed=1)).kind for n in (0, FEW - 1, FEW + 10, MANY - 1, MANY)}

    assert kinds == {0: "beta", FEW - 1: "beta", FEW + 10: "platt", MANY - 1: "platt", MANY: "isotonic"}
    assert fit([Sample(9.0, True)] * 200).kind == "beta"
    assert fit([Sample(9.0, n % 2 == 0) for n in range(200)]).kind == "beta"


def test_without_samples_it_is_phi_and_few_move_it_towards_what_was_seen() -> None:
    assert [fit([]).probability(phi) for phi in (0, 4, 10)] == pytest.approx([0, 0.4, 1])
    failed = fit([Sample(9.0, False)] * 5)
    assert failed.probability(9.0) == pytest.approx(9 / 15)
    assert fit([Sample(9.0, False)] * 500).probability(9.0) < 0.02


@pytest.mark.parametrize("curve", [lenient, honest])
@pytest.mark.parametrize(("n", "margin"), [(40, 0.2), (400, 0.08), (4000, 0.03)])
def test_a_known_curve_is_found_again(curve: Callable[[float], float], n: int, margin: float) -> None:
    for seed in range(3):
        assert away(drawn(curve, n, seed), curve) < margin


@pytest.mark.parametrize(("n", "margin"), [(400, 0.08), (4000, 0.03)])
def test_many_samples_show_a_curve_that_is_no_sigmoid(n: int, margin: float) -> None:
    for seed in range(3):
        assert away(drawn(stepped, n, seed), stepped) < margin


@pytest.mark.parametrize("n", [5, 30, 100, 600])
def test_where_phi_is_right_already_little_is_lost(n: int) -> None:
    """Measured by the true probabilities, so that no luck of the outcomes is in it."""
    worse = [
        sum((fit(drawn(honest, n, seed)).probability(phi) - phi / 10) ** 2 for phi in range(11)) / 11 for seed in range(20)
    ]
    assert sum(worse) / len(worse) < 0.04


def test_where_phi_is_too_kind_calibration_makes_the_forecasts_better_on_tasks_it_has_not_seen() -> None:
    for n in (30, 100, 400):
        given = drawn(lenient, n, seed=7)
        plain = brier([(sample.phi / 10, sample.success) for sample in given])
        forecasts = held_out(given, [f"task {number}" for number in range(n)])
        assert forecasts is not None
        after = brier([(forecast, sample.success) for forecast, sample in zip(forecasts, given, strict=True)])
        assert plain is not None
        assert after is not None
        assert after < plain - 0.05


def test_a_critic_that_is_the_wrong_way_round_tells_nothing() -> None:
    turned = fit(drawn(lambda phi: 1 - phi / 10, 50, seed=3))

    assert turned.kind == "platt"
    assert turned.slope == 0
    assert turned.probability(0) == turned.probability(10) == pytest.approx(0.5, abs=0.15)


def test_perfectly_separated_samples_give_a_bounded_slope() -> None:
    parted = fit([Sample(float(phi), phi > 5) for phi in (0, 1, 2, 3, 4, 6, 7, 8, 9, 10)])

    assert parted.kind == "platt"
    assert 0 < parted.probability(0) < 0.25
    assert 0.75 < parted.probability(10) < 1


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans(), st.sampled_from((0.5, 1.0, 3.0))), min_size=4, max_size=60))
def test_no_sigmoid_nearby_fits_better(given: list[tuple[int, bool, float]]) -> None:
    assume(len({x for x, _, _ in given}) > 1)
    assume(len({success for _, success, _ in given}) == 2)
    xs, outcomes, weights = [x / 10 for x, _, _ in given], [each[1] for each in given], [each[2] for each in given]
    won = sum(weight for weight, success in zip(weights, outcomes, strict=True) if success)
    aims = {True: (won + 1) / (won + 2), False: 1 / (sum(weights) - won + 2)}

    def loss(slope: float, intercept: float) -> float:
        told = [sigmoid(slope * x + intercept) for x in xs]
        return -sum(
            weight * (aims[success] * log(p) + (1 - aims[success]) * log(1 - p))
            for p, success, weight in zip(told, outcomes, weights, strict=True)
        )

    slope, intercept = fitted(xs, outcomes, weights, steepest=15.0)

    assert 0 <= slope <= 15
    for more, up in ((0.1, 0.0), (-0.1, 0.0), (0.0, 0.1), (0.0, -0.1), (0.1, -0.05), (-0.1, 0.05)):
        if 0 <= slope + more <= 15:
            assert loss(slope, intercept) <= loss(slope + more, intercept + up) + 1e-9


@pytest.mark.parametrize("n", [50, 2000])
def test_samples_chosen_by_their_outcome_are_counted_as_often_as_they_come(n: int) -> None:
    """As many failures as successes were judged, of runs of which a tenth succeeds."""
    half = n // 2
    chosen = [*([Sample(8.0, True)] * half), *([Sample(8.0, False)] * half), Sample(2.0, False), Sample(3.0, False)]

    assert fit(chosen).probability(8.0) == pytest.approx(0.5, abs=0.05)
    assert fit(chosen, share=0.1).probability(8.0) == pytest.approx(0.1, abs=0.05)


def test_auc_counts_pairs_and_equal_ones_half() -> None:
    assert auc([1, 2, 3, 4], [False, False, True, True]) == 1
    assert auc([4, 3, 2, 1], [False, False, True, True]) == 0
    assert auc([5, 5, 5], [False, True, True]) == 0.5
    assert auc([1, 1, 2], [False, True, True]) == 0.75
    assert auc([1, 2], [True, True]) is None
    assert auc([], []) is None


@given(st.lists(st.tuples(st.integers(0, 5).map(float), st.booleans()), max_size=40))
def test_auc_is_what_comparing_every_pair_gives(given: list[tuple[float, bool]]) -> None:
    won = [score for score, success in given if success]
    lost = [score for score, success in given if not success]
    compared = [(a > b) + (a == b) / 2 for a in won for b in lost]
    expected = sum(compared) / len(compared) if compared else None

    assert auc([score for score, _ in given], [success for _, success in given]) == pytest.approx(expected)


def test_brier_is_the_mean_squared_error() -> None:
    assert brier([]) is None
    assert brier([(1.0, True), (0.5, False)]) == 0.125


def test_reliability_puts_each_forecast_in_one_range() -> None:
    told = reliability([(0.0, False), (0.05, False), (0.95, True), (1.0, True), (1.0, False)])

    assert [(each.low, each.high, each.n) for each in told] == [(0.0, 0.1, 2), (0.9, 1.0, 3)]
    assert told[1].forecast == pytest.approx(2.95 / 3)
    assert told[1].share == pytest.approx(2 / 3)
    assert told[1].interval[0] < 2 / 3 < told[1].interval[1]


def test_a_held_out_forecast_knows_nothing_of_its_own_task() -> None:
    """Each task has outcomes of its own that Φ does not tell: seen again they would be foretold."""
    given = [Sample(5.0, task % 2 == 0) for task in range(2) for _ in range(30)]
    groups = [f"task {task}" for task in range(2) for _ in range(30)]
    told = held_out(given, groups)

    assert told is not None
    assert max(told[:30]) < 0.2  # the other task failed each time
    assert min(told[30:]) > 0.8
    assert held_out(given, ["one"] * 60) is None
    assert held_out(given, groups) == told


@pytest.mark.parametrize("phi", [-0.1, 10.1, float("nan"), float("inf")])
def test_what_is_no_phi_is_refused(phi: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 10"):
        fit([Sample(phi, True)])
    with pytest.raises(ValueError, match="from 0 to 10"):
        fit([]).probability(phi)
    with pytest.raises(ValueError, match="share"):
        fit([], share=phi)
