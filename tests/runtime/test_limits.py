"""The meter says which limit was reached, and that a price is unknown."""

import pytest

from purpose_agent.core.errors import LimitReached
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Limits
from purpose_agent.runtime.limits import Meter
from tests.runtime.given import StandingClock


def _reached(meter: Meter) -> tuple[str, str]:
    with pytest.raises(LimitReached) as raised:
        meter.check()
    return raised.value.limit, str(raised.value)


def test_a_fresh_meter_lets_the_run_begin() -> None:
    Meter(Limits(steps=1, seconds=1, tokens=1, usd=0.01), StandingClock()).check()


def test_the_last_step_may_be_taken_and_no_further_one() -> None:
    meter = Meter(Limits(steps=2), StandingClock())

    meter.step()
    meter.check()
    meter.step()

    assert _reached(meter) == ("steps", "The run has taken 2 of 2 steps.")


def test_input_and_output_tokens_count_together() -> None:
    meter = Meter(Limits(tokens=100), StandingClock())

    meter.charge(Usage(input_tokens=60, output_tokens=30))
    meter.check()
    assert meter.remaining_tokens == 10
    meter.charge(Usage(output_tokens=30))

    assert _reached(meter) == ("tokens", "The run has used 120 of 100 tokens.")
    assert meter.remaining_tokens == 0


def test_time_counts_from_the_moment_the_meter_is_made() -> None:
    clock = StandingClock()
    clock.advance(1000)
    meter = Meter(Limits(seconds=10), clock)

    clock.advance(7.5)
    meter.check()
    assert (meter.seconds, meter.remaining_seconds) == (7.5, 2.5)
    clock.advance(2.5)

    assert _reached(meter) == ("seconds", "The run has taken 10.0 of 10 seconds.")
    assert meter.remaining_seconds == 0.0


def test_money_is_counted_where_prices_are_known() -> None:
    meter = Meter(Limits(usd=0.10), StandingClock())

    meter.charge(Usage(usd=0.06))
    meter.check()
    meter.charge(Usage(usd=0.06))

    assert _reached(meter) == ("usd", "The run has spent $0.1200 of $0.1.")


def test_an_unknown_price_ends_a_run_that_is_limited_in_money() -> None:
    meter = Meter(Limits(usd=0.10), StandingClock())

    meter.charge(Usage(usd=None))
    meter.charge(Usage(usd=0.01))

    limit, message = _reached(meter)
    assert limit == "usd"
    assert "price of a model call is unknown" in message


def test_an_unknown_price_is_no_matter_without_a_limit_in_money() -> None:
    meter = Meter(Limits(tokens=100), StandingClock())

    meter.charge(Usage(input_tokens=10, usd=None))

    meter.check()
    assert meter.usage.usd is None


def test_without_limits_nothing_is_remaining_to_be_bounded() -> None:
    meter = Meter(Limits(), StandingClock())

    assert (meter.remaining_tokens, meter.remaining_seconds) == (None, None)


class PricedModel:
    """Tells what it costs: a dollar for a thousand tokens read, ten for a thousand written."""

    tells_usd = False

    def usd_of(self, usage: Usage) -> float | None:
        return usage.input_tokens / 1000 + usage.output_tokens / 100


class UnpricedModel:
    """Knows that it doesn't know, and perhaps that the answer will tell."""

    def __init__(self, *, tells_usd: bool) -> None:
        self.tells_usd = tells_usd

    def usd_of(self, usage: Usage) -> float | None:
        return None


def test_an_answer_may_be_as_long_as_the_question_leaves_tokens_for() -> None:
    meter = Meter(Limits(tokens=1000), StandingClock())
    meter.charge(Usage(input_tokens=500, output_tokens=100))

    assert meter.longest_answer(150, object()) == 250


def test_an_answer_may_be_as_long_as_the_question_leaves_dollars_for() -> None:
    meter = Meter(Limits(usd=1.0), StandingClock())
    meter.charge(Usage(usd=0.5))

    assert meter.longest_answer(100, PricedModel()) == 40  # $0.50 less $0.10 for the question


def test_the_tighter_of_two_budgets_bounds_the_answer() -> None:
    meter = Meter(Limits(usd=1.0, tokens=150), StandingClock())

    assert meter.longest_answer(100, PricedModel()) == 50


@pytest.mark.parametrize(("limits", "limit"), [(Limits(tokens=100), "tokens"), (Limits(usd=0.1), "usd")])
def test_a_question_that_is_more_than_what_is_left_is_not_asked(limits: Limits, limit: str) -> None:
    meter = Meter(limits, StandingClock())

    with pytest.raises(LimitReached, match="the next question") as raised:
        meter.longest_answer(100, PricedModel())

    assert raised.value.limit == limit


def test_a_model_whose_price_will_never_be_known_is_not_asked() -> None:
    with pytest.raises(LimitReached, match="price of the model is unknown"):
        Meter(Limits(usd=0.01), StandingClock()).longest_answer(100, UnpricedModel(tells_usd=False))

    assert Meter(Limits(tokens=500), StandingClock()).longest_answer(100, UnpricedModel(tells_usd=False)) == 400


@pytest.mark.parametrize("model", [UnpricedModel(tells_usd=True), object()])
def test_a_price_that_comes_with_the_answer_bounds_nothing_beforehand(model: object) -> None:
    assert Meter(Limits(usd=0.01), StandingClock()).longest_answer(100, model) is None


def test_what_is_left_are_limits_for_somebody_else() -> None:
    clock = StandingClock()
    meter = Meter(Limits(steps=10, seconds=60, tokens=1000, usd=2.0, retries=3), clock)
    clock.advance(20)
    meter.charge(Usage(input_tokens=300, usd=0.5), steps=4)

    assert meter.left() == Limits(steps=6, seconds=40, tokens=700, usd=1.5, retries=3)


def test_nothing_is_left_of_a_limit_that_is_spent() -> None:
    meter = Meter(Limits(steps=4), StandingClock())
    meter.charge(Usage(), steps=4)

    with pytest.raises(LimitReached, match="4 of 4 steps"):
        meter.left()
