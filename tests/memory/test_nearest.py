"""The mean of the most similar decisions."""

import pytest

from purpose_agent.memory.nearest import DOUBT, NEIGHBOURS, Neighbours


def test_nothing_alike_is_worth_0_and_doubtful() -> None:
    assert Neighbours().predict("a room", "open door") == (0.0, DOUBT, ())


def test_the_same_decision_is_worth_what_it_got() -> None:
    known = Neighbours()
    known.add("a red room", "open door", 0.7, "run_1")

    mean, deviation, sources = known.predict("a red room", "open door")
    assert (mean, sources) == (pytest.approx(0.7), ("run_1",))
    assert deviation < DOUBT


def test_what_is_more_alike_weighs_more() -> None:
    known = Neighbours()
    known.add("a red room", "open door", 1.0, "run_1")
    known.add("a blue cellar", "open door", 0.0, "run_2")

    assert known.predict("a red room", "open door")[0] > 0.5 > known.predict("a blue cellar", "open door")[0]


def test_words_nobody_met_tell_nothing() -> None:
    known = Neighbours()
    known.add("a red room", "open door", 1.0, "run_1")

    assert known.predict("a red room", "eat apple") == (0.0, DOUBT, ())


def test_only_so_many_neighbours_count() -> None:
    known = Neighbours()
    for number in range(NEIGHBOURS):
        known.add("a red room", "open door", 1.0, f"run_{number}")
    for number in range(50):
        known.add(f"place number {number}", "open door", 0.0, "far")

    assert known.predict("a red room", "open door")[0] == pytest.approx(1.0)
