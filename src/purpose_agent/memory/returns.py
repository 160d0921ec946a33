"""What a decision was worth in the end: discounted returns over n steps, on shaped rewards.

In:  the rewards of a run in order; Φ of its states, where it is known; what was believed of its later decisions.
Out: one return for each decision.

A reward is shaped as r + γΦ(s′) − Φ(s) (Ng, Harada and Russell 1999), which leaves the best policy what it was, as
long as the last state's Φ counts as 0. Where Φ is not known a step is not shaped.
"""

from collections.abc import Sequence

GAMMA = 0.8
"""What a reward one step later is worth, 0 to 1."""
STEPS = 50
"""After so many steps, what was believed of the decision there stands for the rest."""


def shaped(rewards: Sequence[float], potentials: Sequence[float | None], gamma: float = GAMMA) -> list[float]:
    """Rewards with their shaping.

    Args:
        potentials: Of the states before each decision and after the last, one more than rewards. The last one is
            taken for 0.
    """
    levels: list[float | None] = [*potentials[:-1], 0.0 if potentials and potentials[-1] is not None else None]
    return [
        reward if before is None or after is None else reward + gamma * after - before
        for reward, before, after in zip(rewards, levels, levels[1:], strict=False)
    ]


def returns(rewards: Sequence[float], believed: Sequence[float], gamma: float = GAMMA, steps: int = STEPS) -> list[float]:
    """The n-step return of each decision (n-step Sarsa: Sutton and Barto, 2nd edition, 7.2).

    Args:
        believed: The value of each decision before this run, as far as it was known; as long as `rewards`.
    """
    found: list[float] = []
    for start in range(len(rewards)):
        value, weight = 0.0, 1.0
        for reward in rewards[start : start + steps]:
            value += weight * reward
            weight *= gamma
        if start + steps < len(rewards):
            value += weight * believed[start + steps]
        found.append(value)
    return found
