"""Shaping by Φ tells progress at once and changes nothing else: the best policy stays, and no detour earns anything."""

import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpose_agent.memory.returns import discounted, returns, shaped

seeds = st.integers(0, 10**9)
gammas = st.floats(0.5, 0.99)
levels_from_0_to_10 = st.floats(0, 10)
small = st.floats(-1, 1)
LOW, HIGH = 2.0, 9.0


@dataclass(frozen=True)
class World:
    """A small MDP. From each state and action: (probability, the next state or None for the end, reward)."""

    moves: dict[tuple[int, int], list[tuple[float, int | None, float]]]
    phi: dict[int, float]
    gamma: float

    @property
    def states(self) -> list[int]:
        return sorted(self.phi)

    def actions(self, state: int) -> list[int]:
        return [action for at, action in self.moves if at == state]

    def shape(self, reward: float, state: int, after: int | None) -> float:
        """By the library: one step of an episode that ends here, or goes on."""
        if after is None:
            return shaped([reward], [self.phi[state], 7.0], self.gamma)[0]
        return shaped([reward, 0.0], [self.phi[state], self.phi[after], 7.0], self.gamma)[0]

    def values(self, *, shaping: bool) -> dict[tuple[int, int], float]:
        """Q of the best policy, by value iteration, to 1e-8 or better."""
        moves = {
            key: [(share, after, self.shape(reward, key[0], after) if shaping else reward) for share, after, reward in branches]
            for key, branches in self.moves.items()
        }
        values, moved = dict.fromkeys(moves, 0.0), 1.0
        while moved > 1e-10:
            best = {state: max(values[state, action] for action in self.actions(state)) for state in self.states}
            new = {
                key: sum(
                    share * (reward + (0.0 if after is None else self.gamma * best[after])) for share, after, reward in branches
                )
                for key, branches in moves.items()
            }
            moved = max(abs(new[key] - values[key]) for key in new)
            values = new
        return values


def world(seed: int) -> World:
    draws = random.Random(seed)
    states, actions = draws.randint(2, 6), draws.randint(2, 3)

    def branches() -> list[tuple[float, int | None, float]]:
        weights = [draws.random() for _ in range(draws.randint(1, 3))]
        places: list[int | None] = [None, *range(states)]
        return [(weight / sum(weights), draws.choice(places), draws.uniform(-1, 1)) for weight in weights]

    moves = {(state, action): branches() for state in range(states) for action in range(actions)}
    return World(moves, {state: draws.uniform(-10, 10) for state in range(states)}, draws.uniform(0.5, 0.99))


@settings(max_examples=60)
@given(seeds)
def test_the_best_policy_stays_and_values_differ_by_phi_alone(seed: int) -> None:
    place = world(seed)
    plain, other = place.values(shaping=False), place.values(shaping=True)

    for state in place.states:
        actions = place.actions(state)
        for action in actions:
            assert other[state, action] == pytest.approx(plain[state, action] - place.phi[state], abs=1e-6)
        ranked = sorted(actions, key=lambda action: plain[state, action])
        if plain[state, ranked[-1]] - plain[state, ranked[-2]] > 1e-5:
            assert max(actions, key=lambda action: other[state, action]) == ranked[-1]


def test_phi_of_the_state_in_which_it_ends_lures_nobody() -> None:
    """Two ends, as in Grześ 2017, figure 1: the worse one has the higher Φ."""
    gamma = 0.9
    worse, better = shaped([0.0], [5.0, 1000.0], gamma)[0], shaped([100.0], [5.0, 10.0], gamma)[0]

    assert better - worse == 100.0
    assert 0.0 + gamma * 1000 > 100.0 + gamma * 10  # what would be preferred if the last Φ counted


def test_stopping_where_phi_is_high_earns_no_more_than_stopping_where_it_is_low() -> None:
    """Ended by a limit: nobody knows what would have come, so nothing is counted for it, and neither is Φ."""
    high = returns(shaped([0.0, 0.0], [0.0, 5.0, 10.0]), [0.0, 0.0])
    low = returns(shaped([0.0, 0.0], [0.0, 5.0, 0.0]), [0.0, 0.0])

    assert high == low
    assert high[0] == pytest.approx(0.0)


steps = st.lists(st.tuples(small, levels_from_0_to_10), min_size=1, max_size=12)


@given(steps, gammas)
def test_an_episode_that_ended_returns_what_it_did_less_the_phi_it_began_with(
    taken: list[tuple[float, float]], gamma: float
) -> None:
    rewards, levels = [reward for reward, _ in taken], [level for _, level in taken]
    plain = returns(rewards, [0.0] * len(rewards), gamma)
    with_shaping = returns(shaped(rewards, [*levels, 10.0], gamma), [0.0] * len(rewards), gamma)

    assert with_shaping == pytest.approx([value - level for value, level in zip(plain, levels, strict=True)], abs=1e-9)


@given(steps, gammas, st.integers(1, 6))
def test_it_is_so_too_where_a_belief_stands_for_the_rest(taken: list[tuple[float, float]], gamma: float, most: int) -> None:
    """A belief learned from shaped rewards lacks Φ of its state already, and the step that leads there counts it."""
    rewards, levels = [reward for reward, _ in taken], [level for _, level in taken]
    believed = [3.0] * len(rewards)
    without = [belief - level for belief, level in zip(believed, levels, strict=True)]
    plain = returns(rewards, believed, gamma, most)
    with_shaping = returns(shaped(rewards, [*levels, 10.0], gamma), without, gamma, most)

    assert with_shaping == pytest.approx([value - level for value, level in zip(plain, levels, strict=True)], abs=1e-9)


def gained(levels: list[float], gamma: float) -> float:
    """By shaping alone, from the first of `levels` to the last, in an episode that goes on after it."""
    way = shaped([0.0] * len(levels), [*levels, 0.0], gamma)[:-1]
    return returns(way, [0.0] * len(way), gamma)[0] if way else 0.0


@given(st.lists(levels_from_0_to_10, min_size=2, max_size=12), gammas)
def test_what_shaping_adds_depends_on_where_a_way_begins_and_ends(levels: list[float], gamma: float) -> None:
    assert gained(levels, gamma) == pytest.approx(gamma ** (len(levels) - 1) * levels[-1] - levels[0], abs=1e-9)
    assert gained(levels, 1.0) == pytest.approx(levels[-1] - levels[0], abs=1e-9)


@given(st.lists(levels_from_0_to_10, min_size=1, max_size=12), gammas)
def test_no_round_earns_anything(way: list[float], gamma: float) -> None:
    """Undiscounted it is nothing; discounted it is (γⁿ − 1)Φ, no gain as Φ is never below 0."""
    assert gained([*way, way[0]], 1.0) == pytest.approx(0.0, abs=1e-9)
    assert gained([*way, way[0]], gamma) <= 1e-9


@pytest.mark.parametrize("times", [1, 2, 7, 40])
@pytest.mark.parametrize("gamma", [0.5, 0.8, 0.99, 1.0])
def test_oscillation_gains_no_more_than_going_there_once(times: int, gamma: float) -> None:
    to_and_fro, once = [LOW, HIGH] * times, [LOW, HIGH]

    assert gained(to_and_fro, gamma) <= gained(once, gamma) + 1e-9

    def ended(levels: list[float]) -> float:
        return returns(shaped([0.0] * len(levels), [*levels, HIGH], gamma), [0.0] * len(levels), gamma, len(levels))[0]

    assert ended(to_and_fro) == pytest.approx(ended(once))
    assert ended(once) == pytest.approx(-LOW)


def test_progress_that_is_hidden_before_it_is_undone_is_paid_back_nevertheless() -> None:
    """Climb in the open, look away, climb down: left unshaped, each such round would earn Φ(high) − Φ(low)."""
    rounds: list[float | None] = [LOW, HIGH, None] * 10
    found = returns(shaped([0.0] * len(rounds), [*rounds, None], 1.0), [0.0] * len(rounds), 1.0)

    assert found[0] == pytest.approx(-LOW)


def test_not_to_be_judged_for_a_moment_is_no_fall_and_no_rise() -> None:
    """Taken for 0, the one unknown Φ would cost what was reached, and give it again."""
    assert shaped([0.0] * 4, [4.0, 8.0, None, 9.0, 9.0], 1.0) == [4.0, 0.0, 1.0, -9.0]


def test_an_end_that_nobody_can_judge_is_an_end() -> None:
    assert shaped([0.0, 1.0], [0.2, 0.6, None], gamma=0.5) == [pytest.approx(0.5 * 0.6 - 0.2), pytest.approx(1.0 - 0.6)]


def test_where_phi_is_never_known_nothing_is_shaped() -> None:
    assert shaped([0.1, 0.2], [None, None, None]) == [0.1, 0.2]
    assert shaped([], []) == shaped([], [3.0]) == []


@given(st.lists(st.tuples(levels_from_0_to_10, st.floats(0, 1)), min_size=1, max_size=12), gammas)
def test_phi_shrunk_by_confidence_is_a_potential_still(judged: list[tuple[float, float]], gamma: float) -> None:
    levels = [level for phi, confidence in judged if (level := discounted(phi, confidence, 4.0)) is not None]

    assert gained([*levels, levels[0]], gamma) <= 1e-9
    assert gained([*levels, levels[0]], 1.0) == pytest.approx(0.0, abs=1e-9)


def test_a_round_judged_surely_upwards_and_unsurely_downwards_earns_nothing() -> None:
    """What weighting each step's gain by its confidence would have paid: 7 × 1.0 − 7 × 0.1 a round."""
    rounds = [discounted(phi, confidence) for _ in range(10) for phi, confidence in ((LOW, 0.1), (HIGH, 1.0))]
    levels = [level for level in rounds if level is not None]

    assert gained([*levels, levels[0]], 1.0) == pytest.approx(0.0)


def test_the_less_sure_the_critic_the_nearer_to_what_is_believed_of_any_state() -> None:
    assert [discounted(8.0, confidence, 2.0) for confidence in (1.0, 0.5, 0.0)] == [8.0, 5.0, 2.0]
    assert discounted(8.0, 0.5) == 4.0


@pytest.mark.parametrize("confidence", [float("nan"), float("inf"), -0.1, 1.1])
def test_what_is_no_confidence_makes_phi_unknown(confidence: float) -> None:
    assert discounted(8.0, confidence) is None
    assert discounted(None, 0.5) is None
