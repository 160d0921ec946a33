"""Intervals and p-values, for people. What decides about a memory rests on `sequential.py`.

In:  counts and measured values.
Out: ranges, p-values, the area under a learning curve.

Not here: normal approximations, and anything that may be looked at again and again while the numbers come in.
"""

import random
from collections.abc import Mapping, Sequence
from itertools import pairwise
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


def cluster_interval(
    differences: Mapping[str, Sequence[float]], draws: int = 2000, seed: int = 0
) -> tuple[float, float] | None:
    """95 % percentile bootstrap interval of the mean of all values, for values that come in clusters.

    Whole clusters are drawn, since values of one cluster are alike. It says how the mean would move with other
    clusters, not with other values inside them; narrow for few clusters.

    Args:
        differences: By cluster, such as the task: its values, such as one for each seed. Empty ones are left out.

    Returns:
        None for fewer than two clusters.

    Field and Welsh 2007, "Bootstrapping clustered data".
    """
    clusters = [(sum(values), len(values)) for values in differences.values() if values]
    if len(clusters) < 2:
        return None
    totals, sizes = zip(*clusters, strict=True)
    rng = random.Random(seed)
    means: list[float] = []
    for _ in range(draws):
        drawn = rng.choices(range(len(clusters)), k=len(clusters))
        means.append(sum(map(totals.__getitem__, drawn)) / sum(map(sizes.__getitem__, drawn)))
    means.sort()
    return (means[int(0.025 * draws)], means[int(0.975 * draws) - 1])


def mcnemar_exact(wins: int, losses: int) -> float:
    """Two-sided p-value of "wins and losses are equally likely"; pairs in which nothing differs don't count.

    McNemar 1947, with the exact binomial distribution instead of χ². The pairs must not depend on each other: of one
    task run with several seeds, count one.
    """
    n, fewer = wins + losses, min(wins, losses)
    ways = total = 1
    for k in range(fewer):
        ways = ways * (n - k) // (k + 1)  # n over k + 1
        total += ways
    return min(1.0, 2 * total / 2**n)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Each p-value adjusted for there being several: below α, all such claims together err at most with α. Holm 1979."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def area_under_curve(points: Sequence[tuple[int, float]]) -> float:
    """Mean height of a learning curve: its area by the trapezoid rule, over its width.

    Args:
        points: Tasks trained on, and the share of held-out tasks solved then, 0 to 1; in any order.

    Returns:
        0 to 1; of a single point its height.

    Raises:
        ValueError: There is no point, or two at one place.

    Guyon et al. 2011, "Results of the Active Learning Challenge", on an axis that is not logarithmic.
    """
    ordered = sorted(points)
    if not ordered or len({x for x, _ in ordered}) < len(ordered):
        raise ValueError(f"A curve needs points at different places, got {ordered}.")
    if len(ordered) == 1:
        return ordered[0][1]
    area = sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairwise(ordered))
    return area / (ordered[-1][0] - ordered[0][0])
