"""Intervals, for people. Decisions rest on `sequential.py`."""

import random
from collections.abc import Sequence
from math import sqrt

Z95 = 1.959963984540054


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a share, 0 to 1; (0, 1) where nothing was seen. Wilson 1927."""
    if n == 0:
        return (0.0, 1.0)
    share, z2 = successes / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return (max(0.0, middle - half), min(1.0, middle + half))


def mean_interval(values: Sequence[float], *, draws: int = 2000, seed: int = 0) -> tuple[float, float] | None:
    """95 % percentile bootstrap interval of a mean; None for fewer than two values. Narrow for few values."""
    if len(values) < 2:
        return None
    rng = random.Random(seed)
    means = sorted(sum(rng.choices(values, k=len(values))) / len(values) for _ in range(draws))
    return (means[int(0.025 * draws)], means[int(0.975 * draws) - 1])
