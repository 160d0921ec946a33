"""Whether others' episodes agree with one's own: judged all together, by what one's own taught and nothing else.

In:  own episodes; others', of one origin.
Out: which of the others' to learn from.

The returns they tell of must go with those one's own experience makes one expect. A single episode is too short to
say; and whoever judged one, learned from it and judged the next would be led away step by step. It is no proof: who
knows what is believed here, or tells the truth often and lies seldom in short episodes, gets in.
"""

from collections.abc import Sequence
from math import atanh, sqrt, tanh

from purpose_agent.core.values import Episode
from purpose_agent.memory.episodes import features_in, returns_in, taught_by
from purpose_agent.memory.linear import Weights

AGREEMENT = 0.3
"""The lower end of the interval of Pearson's r, between returns told and returns expected, must be above it."""
FEWEST_DECISIONS = 30
"""Of fewer nothing is said."""
FEWEST_ALONE = 5
"""Of so many decisions an episode is left out of a batch that agrees, if it says the opposite by itself."""
Z_95 = 1.96


def agreeing(own: Sequence[Episode], others: Sequence[Episode]) -> list[bool] | None:
    """Of each of the others' episodes, whether to learn from it; None if they are too few to tell.

    A return far beyond all that one experienced counts as no more than that, and its episode is not learned from.
    """
    weights = Weights()
    for episode in own:
        taught_by(episode, weights)
    least, most = _credible([value for episode in own for value in returns_in(episode)])
    pairs = [_pair(episode, weights) for episode in others]
    believed = [value for values, _ in pairs for value in values]
    told = [min(max(value, least), most) for _, values in pairs for value in values]
    if len(told) < FEWEST_DECISIONS:
        return None
    # Of all: whoever left out first what contradicts would find that the rest agrees.
    if least_correlation(believed, told) <= AGREEMENT:
        return [False] * len(others)
    return [
        all(least <= value <= most for value in values) and (len(values) < FEWEST_ALONE or correlation(beliefs, values) >= 0.0)
        for beliefs, values in pairs
    ]


def _credible(returns: Sequence[float]) -> tuple[float, float]:
    """The range of what was experienced, and half of it more to each side."""
    least, most = min(returns, default=0.0), max(returns, default=0.0)
    return least - (most - least) / 2, most + (most - least) / 2


def _pair(episode: Episode, weights: Weights) -> tuple[list[float], list[float]]:
    """What its decisions are believed to be worth, and what it says."""
    return [weights.predict(features)[0] for features in features_in(episode)], returns_in(episode)


def least_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """The lower end of the 95 % interval of Pearson's r (Fisher's z); as if decisions were independent of each other."""
    if len(one) <= 3:
        return -1.0
    r = min(max(correlation(one, other), -1 + 1e-12), 1 - 1e-12)
    return tanh(atanh(r) - Z_95 / sqrt(len(one) - 3))


def correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson's r; 0 where either does not vary."""
    n = len(one)
    if n < 2:
        return 0.0
    mean_one, mean_other = sum(one) / n, sum(other) / n
    spread_one = sum((value - mean_one) ** 2 for value in one)
    spread_other = sum((value - mean_other) ** 2 for value in other)
    if spread_one <= 0 or spread_other <= 0:
        return 0.0
    both = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    return float(both / (spread_one * spread_other) ** 0.5)
