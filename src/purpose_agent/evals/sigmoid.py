"""The sigmoid that fits weighted outcomes best: Platt scaling, without targets of 0 and 1.

In:  numbers from 0 to 1, whether each went well, and what each counts.
Out: slope and intercept in logits; the slope within bounds.

Platt 1999, "Probabilistic Outputs for Support Vector Machines"; Newton's steps with halving as in Lin, Lin and Weng 2007, "A Note
on Platt's Probabilistic Outputs".
"""

from collections.abc import Sequence
from math import exp, log, log1p
from typing import TypeAlias

_STEPS = 100
_Data: TypeAlias = Sequence[tuple[float, float, float]]
"""Number, target, weight."""


def fitted(xs: Sequence[float], outcomes: Sequence[bool], weights: Sequence[float], steepest: float) -> tuple[float, float]:
    """Slope, 0 to `steepest`, and intercept, by maximum likelihood.

    The targets are short of 0 and 1, as if one success and one failure more had been seen. Where the best slope lies outside of
    its bounds it is put on the bound, which is the best there: the loss is convex.

    Args:
        xs: At least two different ones.
        outcomes: At least one of each.
    """
    won = sum(weight for weight, outcome in zip(weights, outcomes, strict=True) if outcome)
    high, low = (won + 1) / (won + 2), 1 / (sum(weights) - won + 2)
    targets = [high if outcome else low for outcome in outcomes]
    data = [*zip(xs, targets, weights, strict=True)]
    slope, intercept = _newton(data, 0.0, free=True)
    if 0 <= slope <= steepest:
        return slope, intercept
    return _newton(data, min(max(slope, 0.0), steepest), free=False)


def sigmoid(z: float) -> float:
    """1 / (1 + e⁻ᶻ), without overflow on either side."""
    return 1 / (1 + exp(-z)) if z >= 0 else exp(z) / (1 + exp(z))


def _newton(data: _Data, slope: float, *, free: bool) -> tuple[float, float]:
    """Slope and intercept with the least loss; `free`: the slope may move."""
    whole = sum(weight for _, _, weight in data)
    mean = sum(target * weight for _, target, weight in data) / whole
    middle = sum(x * weight for x, _, weight in data) / whole
    intercept = log(mean / (1 - mean)) - slope * middle
    loss = _loss(data, slope, intercept)
    for _ in range(_STEPS):
        g1, g2, h11, h12, h22 = _derivatives(data, slope, intercept)
        if not free:
            g1 = h12 = 0.0
        if max(abs(g1), abs(g2)) < 1e-7 * whole:
            break
        det = h11 * h22 - h12 * h12
        d1, d2 = -(h22 * g1 - h12 * g2) / det, -(h11 * g2 - h12 * g1) / det
        step, new = 1.0, _loss(data, slope + d1, intercept + d2)
        while new > loss + 1e-4 * step * (g1 * d1 + g2 * d2) and step > 1e-8:
            step /= 2
            new = _loss(data, slope + step * d1, intercept + step * d2)
        if new >= loss:
            break  # as near as numbers go
        slope, intercept, loss = slope + step * d1, intercept + step * d2, new
    return slope, intercept


def _derivatives(data: _Data, slope: float, intercept: float) -> tuple[float, float, float, float, float]:
    """Both first ones and the three second ones, with a little on the diagonal so that they can be divided by."""
    g1 = g2 = h12 = 0.0
    h11 = h22 = 1e-9
    for x, target, weight in data:
        p = sigmoid(slope * x + intercept)
        pull, bend = weight * (p - target), weight * p * (1 - p)
        g1, g2 = g1 + x * pull, g2 + pull
        h11, h12, h22 = h11 + x * x * bend, h12 + x * bend, h22 + bend
    return g1, g2, h11, h12, h22


def _loss(data: _Data, slope: float, intercept: float) -> float:
    """Cross entropy."""
    total = 0.0
    for x, target, weight in data:
        z = slope * x + intercept
        total += weight * (max(z, 0.0) + log1p(exp(-abs(z))) - target * z)
    return total
