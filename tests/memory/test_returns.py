"""What decisions were worth in the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.memory.returns import GAMMA, returns, shaped

STATES, ACTIONS = 4, 2
END = STATES
small = st.floats(-1, 1, allow_nan=False)


def test_a_return_is_the_discounted_sum_of_what_came() -> None:
    assert returns([0.0, 0.0, 1.0], [0.0] * 3, gamma=0.5) == [0.25, 0.5, 1.0]


def test_after_n_steps_what_was_believed_stands_for_the_rest() -> None:
    found = returns([1.0, 2.0, 4.0, 8.0], [100.0, 100.0, 10.0, 20.0], gamma=0.5, steps=2)

    assert found == [1 + 0.5 * 2 + 0.25 * 10, 2 + 0.5 * 4 + 0.25 * 20, 4 + 0.5 * 8, 8]


def test_no_decisions_no_returns() -> None:
    assert returns([], []) == []
    assert shaped([], []) == []


def test_the_level_of_the_last_state_counts_as_0() -> None:
    assert shaped([0.0, 1.0], [0.2, 0.6, 1.0], gamma=0.5) == [pytest.approx(0.5 * 0.6 - 0.2), pytest.approx(1.0 - 0.6)]


def test_a_step_between_unknown_levels_is_not_shaped() -> None:
    assert shaped([0.1, 0.2, 0.3], [0.5, None, 0.5, 0.7]) == [0.1, 0.2, pytest.approx(0.3 - 0.5)]


@given(st.lists(st.tuples(small, st.floats(0, 1)), min_size=1, max_size=12))
def test_shaping_takes_the_first_level_from_a_return_and_nothing_else(steps: list[tuple[float, float]]) -> None:
    rewards, levels = [reward for reward, _ in steps], [level for _, level in steps]
    plain = returns(rewards, [0.0] * len(rewards))
    with_shaping = returns(shaped(rewards, [*levels, 0.9]), [0.0] * len(rewards))

    assert with_shaping == pytest.approx([value - level for value, level in zip(plain, levels, strict=True)], abs=1e-9)


Dynamics = dict[tuple[int, int], tuple[int, float]]
"""(state, action) → the next state, the reward."""


def values_of(world: Dynamics) -> dict[tuple[int, int], float]:
    """Value iteration."""
    values = dict.fromkeys(world, 0.0)
    for _ in range(120):
        best = [max(values[state, action] for action in range(ACTIONS)) for state in range(STATES)]
        values = {key: reward + (GAMMA * best[after] if after != END else 0.0) for key, (after, reward) in world.items()}
    return values


@given(st.data())
def test_shaping_leaves_the_best_policy_what_it_was(data: st.DataObject) -> None:
    keys = [(state, action) for state in range(STATES) for action in range(ACTIONS)]
    world: Dynamics = {key: (data.draw(st.integers(0, END)), data.draw(small)) for key in keys}
    levels = [data.draw(st.floats(0, 1)) for _ in range(STATES + 1)]

    def with_shaping(state: int, after: int, reward: float) -> float:
        if after == END:
            return shaped([reward], [levels[state], levels[END]])[0]
        return shaped([reward, 0.0], [levels[state], levels[after], 0.0])[0]

    plain = values_of(world)
    other = values_of({key: (after, with_shaping(key[0], after, reward)) for key, (after, reward) in world.items()})

    for state in range(STATES):
        ranked = sorted(range(ACTIONS), key=lambda action: plain[state, action])
        if plain[state, ranked[-1]] - plain[state, ranked[-2]] > 1e-6:
            assert max(range(ACTIONS), key=lambda action: other[state, action]) == ranked[-1]
