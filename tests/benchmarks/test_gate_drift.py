"""The part on drift measures what it says."""

from benchmarks.gate.parts.drift import CHANGED, MOST_RUNS, changed_in_mid_life, nothing_changes, wrong_from_the_start


def test_after_a_change_the_old_rule_leaves_use_and_a_new_one_comes() -> None:
    waits = changed_in_mid_life(0, CHANGED)

    assert 0 < waits.demoted <= 30
    assert waits.demoted <= waits.recovered < MOST_RUNS


def test_a_wrong_rule_leaves_use() -> None:
    assert 0 < wrong_from_the_start(0) <= 40


def test_a_rule_that_holds_stays() -> None:
    assert nothing_changes(1, 30) == 0
