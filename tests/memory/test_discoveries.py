"""How often promotion may err over all memories together: e-BH, and money that is lent and comes back."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gate.simulated import e_bh
from purpose_agent.evals.sequential import PairedEvidence, wins_needed
from purpose_agent.memory.discoveries import LEVEL, allowed, left_over, lent

E_VALUES = st.lists(st.floats(0, 1000), max_size=8)


def by_definition(e_values: list[float], level: float) -> set[int]:
    """The largest set whose members all have an e-value of n/(size × level): every subset is tried."""
    places = range(len(e_values))
    fitting = [
        chosen
        for size in range(len(e_values) + 1)
        for chosen in combinations(places, size)
        if all(size * level * e_values[place] >= len(e_values) for place in chosen)
    ]
    return set(max(fitting, key=len))


@given(e_values=E_VALUES, level=st.sampled_from([0.05, 0.2]))
def test_e_bh_finds_as_many_as_its_definition_allows(e_values: list[float], level: float) -> None:
    found = e_bh(e_values, level)

    assert len(found) == len(by_definition(e_values, level))
    assert all(len(found) * level * e_values[place] >= len(e_values) for place in found)
    assert list(found) == sorted(set(found))


def test_e_bh_asks_less_of_several_than_of_one() -> None:
    assert e_bh([30.0, 1.0]) == ()
    assert e_bh([30.0, 30.0]) == (0, 1)
    assert e_bh([]) == ()


@given(ends=st.lists(st.tuples(st.floats(0, 1e4), st.booleans()), max_size=40))
def test_never_more_than_one_unit_is_out_and_each_promotion_was_paid_for(ends: list[tuple[float, bool]]) -> None:
    """What the argument in the module rests on, for any history of trials that end one after the other."""
    money, promotions = 1.0, 0
    for number, (e_value, wanted) in enumerate(ends):
        stake = lent(money, number)
        promoted = wanted and e_value >= 1 / allowed(stake, promotions)
        promotions += promoted
        back = left_over(stake, e_value, promotions if promoted else None)

        assert 0 < stake < money <= 1
        assert 0 <= back <= stake
        paid = 1 / promotions if promoted else 0.0
        assert paid <= LEVEL * (stake * e_value - back) * (1 + 1e-9)
        money += back - stake


@given(st.integers(0, 40))
def test_trials_that_run_at_the_same_time_have_one_unit_together(others: int) -> None:
    money = 1.0
    for number in range(others):
        money -= lent(money, number)

    assert money > 0


def test_the_first_strong_rule_takes_six_wins_and_later_ones_about_as_many() -> None:
    assert wins_needed(PairedEvidence(), allowed(lent(1.0, 0), 0)) == 6
    # One that was promoted has given back what it was lent; the next is the second of two.
    assert wins_needed(PairedEvidence(), allowed(lent(1.0, 1), 1)) == 6
    assert wins_needed(PairedEvidence(), allowed(lent(1.0, 20), 3)) == 8


def test_in_rows_of_useless_memories_a_promotion_is_rare() -> None:
    rng = random.Random(11)
    worlds = 400

    assert sum(promoted_in_a_row(rng, memories=20) for _ in range(worlds)) <= LEVEL * worlds


def promoted_in_a_row(rng: random.Random, memories: int) -> bool:
    """Fair coins, looked at after every pair."""
    money = 1.0
    for number in range(memories):
        stake, evidence = lent(money, number), PairedEvidence()
        for _ in range(24):
            won = rng.random() < 0.5
            evidence = evidence.seen(won, not won)
            if evidence.e_help >= 1 / allowed(stake, 0):
                return True
        money += left_over(stake, evidence.e_help, None) - stake
    return False


@pytest.mark.parametrize(("e_value", "back"), [(1.0, 0.25), (0.4, 0.1), (5.0, 0.25), (0.0, 0.0)])
def test_without_a_promotion_what_is_left_comes_back_but_no_gain(e_value: float, back: float) -> None:
    assert left_over(0.25, e_value, None) == pytest.approx(back)
