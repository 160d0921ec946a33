"""How long a database that is away is waited for."""

import pytest

from purpose_agent.durable.database import Away
from purpose_agent.durable.patience import Patience, patiently


class Clock:
    """Time passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Database:
    """Is away for so many calls."""

    def __init__(self, misses: int) -> None:
        self.misses = misses

    def ask(self) -> str:
        if self.misses:
            self.misses -= 1
            raise Away("it is started again")
        return "here"


def test_it_is_tried_at_growing_intervals_until_it_is_back() -> None:
    clock = Clock()

    assert patiently(Database(7).ask, Patience(60, clock), sleep=clock.sleep) == "here"
    assert clock.slept == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0])


def test_the_last_try_is_at_the_end_of_the_time() -> None:
    clock, database = Clock(), Database(99)

    with pytest.raises(Away, match="started again"):
        patiently(database.ask, Patience(1.0, clock), sleep=clock.sleep)

    assert clock.now == pytest.approx(101.0)
    assert database.misses == 99 - len(clock.slept) - 1


def test_who_has_to_stop_does_not_wait() -> None:
    clock = Clock()

    with pytest.raises(Away):
        patiently(Database(1).ask, Patience(60, clock), stop=lambda: True, sleep=clock.sleep)

    assert clock.slept == []
