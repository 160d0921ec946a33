"""A value as a sum of feature weights, each known only so well: Bayesian linear regression, one observation at a time.

In:  features, returns.
Out: the mean and the deviation of what such features are worth.

Each weight has a mean and a variance of its own (a diagonal Kalman filter: exact only if features are independent,
which they are not; in return an update costs as much as there are features, whatever the size of the store). The ridge
of the least-squares view is noise over prior variance. Features are kept by 32 bits of their hash. An option that was
not tried yet in a situation starts with a small bonus, like any other weight to be unlearned where it does not pay.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from math import sqrt

from purpose_agent.memory.options import UNTRIED

PRIOR = 0.05
"""Variance of a weight that nothing is known of."""
NOISE = 0.05
"""Variance of a return around what its features say."""
HOPE = 0.05
"""What an untried option is worth more than others, before anything is known."""
LEAST_VARIANCE = 1e-6


@lru_cache(maxsize=200_000)
def hashed(feature: str) -> int:
    """32 bits of a feature's name."""
    return int.from_bytes(blake2b(feature.encode(errors="replace"), digest_size=4).digest(), "big")


_HOPE_KEY = hashed(UNTRIED)


@dataclass(slots=True)
class Weight:
    """One feature's worth.

    Attributes:
        run_id: The run that moved it most; "" if none moved it.
        moved: How far that run moved it at once.
    """

    mean: float
    variance: float
    run_id: str
    moved: float = 0.0


def first_weight(key: int) -> Weight:
    """What is believed of a feature before anything is known."""
    return Weight(HOPE if key == _HOPE_KEY else 0.0, PRIOR, "")


class Weights:
    """The weights of one kind of task. Those that were changed are remembered until they are saved."""

    def __init__(self, weights: Mapping[int, Weight] | None = None) -> None:
        self.all: dict[int, Weight] = dict(weights or {})
        self.changed: set[int] = set()

    def predict(self, features: Iterable[str], common: int = 0) -> tuple[float, float, tuple[str, ...]]:
        """Mean, deviation, and the runs that taught the weights that matter most, at most three.

        Args:
            common: So many of the first features are the same for all options: between these, their doubts cancel, and
                they tell nothing of this one's runs.
        """
        mean = variance = 0.0
        strongest: list[tuple[float, str]] = []
        for number, feature in enumerate(features):
            key = hashed(feature)
            weight = self.all.get(key)
            if weight is None:
                mean += HOPE if key == _HOPE_KEY else 0.0
                variance += PRIOR if number >= common else 0.0
                continue
            mean += weight.mean
            if number < common:
                continue
            variance += weight.variance
            if weight.run_id:
                strongest.append((abs(weight.mean), weight.run_id))
        strongest.sort(reverse=True)
        return mean, sqrt(variance), tuple(dict.fromkeys(run_id for _, run_id in strongest[:3]))

    def knows(self, feature: str) -> bool:
        """Something was learned with it."""
        return hashed(feature) in self.all

    def learn(self, features: Sequence[str], value: float, run_id: str) -> None:
        """One observation: such features were worth `value`."""
        keys = [hashed(feature) for feature in features]
        weights = [self.all.get(key) or first_weight(key) for key in keys]
        error = value - sum(weight.mean for weight in weights)
        total = sum(weight.variance for weight in weights) + NOISE
        for key, weight in zip(keys, weights, strict=True):
            gain = weight.variance / total
            move = gain * error
            weight.mean += move
            weight.variance = max(weight.variance - gain * weight.variance, LEAST_VARIANCE)
            if abs(move) > weight.moved:
                weight.run_id, weight.moved = run_id, abs(move)
            self.all[key] = weight
        self.changed.update(keys)
