"""Feature weights, each known only so well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.memory.linear import HOPE, NOISE, PRIOR, Weights, hashed
from purpose_agent.memory.options import UNTRIED

observations = st.lists(st.tuples(st.sampled_from(["red", "blue", "green"]), st.floats(-1, 1)), min_size=1, max_size=20)


def test_of_nothing_known_the_mean_is_0_and_the_deviation_the_prior_s() -> None:
    mean, deviation, sources = Weights().predict(["red", "door"])

    assert (mean, sources) == (0.0, ())
    assert deviation == pytest.approx((2 * PRIOR) ** 0.5)


@given(observations)
def test_on_features_that_never_meet_it_is_ridge_regression(seen: list[tuple[str, float]]) -> None:
    weights = Weights()
    for feature, value in seen:
        weights.learn([feature], value, "run")

    for feature in {feature for feature, _ in seen}:
        values = [value for each, value in seen if each == feature]
        assert weights.predict([feature])[0] == pytest.approx(sum(values) / (len(values) + NOISE / PRIOR), abs=1e-6)


@given(observations)
def test_on_features_that_never_meet_the_order_does_not_matter(seen: list[tuple[str, float]]) -> None:
    one, other = Weights(), Weights()
    for feature, value in seen:
        one.learn([feature], value, "run")
    for feature, value in sorted(seen):
        other.learn([feature], value, "run")

    for feature, _ in seen:
        assert one.predict([feature])[:2] == pytest.approx(other.predict([feature])[:2], abs=1e-9)


@given(st.lists(st.tuples(st.sets(st.sampled_from("abcdef"), min_size=1), st.floats(-1, 1)), max_size=30))
def test_what_is_learned_makes_nothing_less_certain(seen: list[tuple[set[str], float]]) -> None:
    weights = Weights()
    before = weights.predict("abcdef")[1]
    for features, value in seen:
        weights.learn(sorted(features), value, "run")
        after = weights.predict("abcdef")[1]
        assert after <= before
        before = after


def test_an_observation_moves_the_prediction_towards_it_and_not_beyond() -> None:
    weights = Weights()
    weights.learn(["red", "door"], 1.0, "run_1")

    assert 0.0 < weights.predict(["red", "door"])[0] < 1.0


def test_what_always_goes_with_success_gets_the_weight_and_what_is_common_does_not() -> None:
    weights = Weights()
    for _ in range(50):
        weights.learn(["door", "red"], 1.0, "run")
        weights.learn(["door", "blue"], 0.0, "run")

    assert weights.predict(["door", "red"])[0] == pytest.approx(1.0, abs=0.1)
    assert weights.predict(["door", "blue"])[0] == pytest.approx(0.0, abs=0.1)


def test_the_untried_has_a_bonus_that_is_unlearned_where_it_does_not_pay() -> None:
    weights = Weights()
    assert weights.predict([UNTRIED])[0] == HOPE

    for number in range(30):
        weights.learn([UNTRIED, f"door {number}"], 0.0, "run")
    assert weights.predict([UNTRIED])[0] < HOPE / 2


def test_the_runs_that_taught_the_strongest_weights_are_named() -> None:
    weights = Weights()
    weights.learn(["weak"], 0.1, "run_1")
    weights.learn(["strong"], 1.0, "run_2")

    assert weights.predict(["weak", "strong", "unknown"])[2] == ("run_2", "run_1")


def test_what_was_changed_is_known_until_it_is_saved() -> None:
    weights = Weights()
    weights.learn(["red"], 1.0, "run_1")

    assert weights.changed == {hashed("red")}
    assert 0 <= hashed("red") < 2**32


def test_a_weight_names_the_run_that_moved_it_most_and_not_the_last_one() -> None:
    weights = Weights()
    weights.learn(["door"], 1.0, "run_1")
    for number in range(2, 6):
        weights.learn(["door"], 0.9, f"run_{number}")
    assert weights.predict(["door"])[2] == ("run_1",)

    weights.learn(["door"], -50.0, "run_6")
    assert weights.predict(["door"])[2] == ("run_6",)


def test_doubts_that_all_options_share_are_no_doubt_between_them() -> None:
    weights = Weights()
    weights.learn(["bias", "red"], 1.0, "run")

    assert weights.predict(["bias", "never met", "red"], common=2)[1] == weights.predict(["red"])[1]
    assert weights.predict(["bias", "red"], common=1)[0] == weights.predict(["bias", "red"])[0]
