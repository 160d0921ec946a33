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
