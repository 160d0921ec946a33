"""What a critic's Φ is worth: the probability of success behind it, and how good such forecasts are.

In:  samples: Φ, and whether the run behind it succeeded by checks or by its world.
Out: a monotone curve from Φ to a probability; Brier score, AUC, reliability; forecasts for tasks the curve has not seen.

With few samples the curve is a Beta prior around Φ/10 that moves to the observed rate; with some it is Platt's sigmoid; with
many an isotonic regression, which takes any form that rises. None of them says 0 or 1, but for the prior at its two ends. No
curve ever falls: a critic that is the wrong way round is read as one that tells nothing.

Samples may be chosen by their outcome, as many failures as successes; then say the true `share` of successes, and each counts
as often as it would have come by itself (King and Zeng 2001, "Logistic Regression in Rare Events Data", on weighting).

Not here: where the samples come from (`learning/calibration.py`), and any decision: these are descriptions.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from math import isfinite
from typing import Literal, NamedTuple, TypeAlias

from purpose_agent.core.score import MAX_PHI
from purpose_agent.evals.sigmoid import fitted, sigmoid
from purpose_agent.evals.stats import wilson

Kind: TypeAlias = Literal["beta", "platt", "isotonic"]

FEW = 10
"""Below so many samples, or with one class only: the Beta prior."""
MANY = 60
"""From so many samples on: isotonic regression."""
PSEUDO_RUNS = 10.0
"""What the Beta prior around Φ/10 weighs, in runs."""
PSEUDO_STEP = 2.0
"""What the sigmoid weighs at each step of the isotonic curve, in runs."""
STEEPEST = 15.0
"""Largest slope of the sigmoid, in logits from Φ 0 to Φ 10."""
GRID = 2.0
"""Steps of the isotonic curve for each point of Φ: nearer values are taken together."""
FOLDS = 10


class Sample(NamedTuple):
    """One judged run: Φ, 0 to 10, and whether it succeeded."""

    phi: float
    success: bool


class Bin(NamedTuple):
    """Forecasts that lie near each other, and what came of them.

    Attributes:
        low: The range of the forecasts, 0 to 1.
        forecast: Their mean.
        share: Of successes.
        interval: 95 % interval of the share.
    """

    low: float
    high: float
    n: int
    forecast: float
    share: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A curve from Φ to the probability of success.

    Attributes:
        n: Samples behind it.
        points: Φ and probability, both rising; straight between them, level beyond. Of a sigmoid: none.
        slope: Of the sigmoid, in logits from Φ 0 to Φ 10, 0 and above.
        intercept: Of the sigmoid, in logits at Φ 0.
    """

    kind: Kind
    n: int
    points: tuple[tuple[float, float], ...] = ()
    slope: float = 0.0
    intercept: float = 0.0

    def probability(self, phi: float) -> float:
        """Of success, 0 to 1; it never falls as Φ rises.

        Raises:
            ValueError: `phi` is not a number from 0 to 10.
        """
        x = _checked(phi)
        if not self.points:
            return sigmoid(self.slope * x / MAX_PHI + self.intercept)
        place = bisect_right(self.points, (x, 2.0))
        if place == 0:
            return self.points[0][1]
        if place == len(self.points):
            return self.points[-1][1]
        (left, low), (right, high) = self.points[place - 1 : place + 1]
        return min(high, low + (high - low) * (x - left) / (right - left))


def fit(samples: Sequence[Sample], share: float | None = None) -> Calibration:
    """The curve that `samples` bear.

    Args:
        share: Of successes among all runs, 0 to 1, where the samples were chosen by their outcome; None: they were not.

    Raises:
        ValueError: A Φ is not a number from 0 to 10, or `share` not one from 0 to 1.
    """
    for sample in samples:
        _checked(sample.phi)
    weights = _weights(samples, share)
    if len(samples) < FEW or len({sample.success for sample in samples}) < 2 or len({sample.phi for sample in samples}) < 2:
        return _beta(samples, weights)
    platt = _platt(samples, weights)
    return platt if len(samples) < MANY else _isotonic(samples, weights, platt)


def brier(pairs: Sequence[tuple[float, bool]]) -> float | None:
    """Mean squared error of forecasts, 0 to 1; always ½ gives ¼. None without a pair. Brier 1950."""
    return sum((forecast - came) ** 2 for forecast, came in pairs) / len(pairs) if pairs else None


def auc(scores: Sequence[float], outcomes: Sequence[bool]) -> float | None:
    """How often a success has the higher score of a success and a failure, 0 to 1; equal ones count half.

    None where there are no successes, or no failures. Hanley and McNeil 1982.
    """
    successes = sum(outcomes)
    failures = len(outcomes) - successes
    if not successes or not failures:
        return None
    below = above = 0.0
    by_score: dict[float, tuple[int, int]] = {}
    for score, success in zip(scores, outcomes, strict=True):
        won, lost = by_score.get(score, (0, 0))
        by_score[score] = (won + success, lost + (not success))
    for score in sorted(by_score):
        won, lost = by_score[score]
        above += won * (below + lost / 2)
        below += lost
    return above / (successes * failures)


def reliability(pairs: Sequence[tuple[float, bool]], bins: int = 10) -> tuple[Bin, ...]:
    """Forecasts beside what came of them, in `bins` ranges of one width; ranges without a forecast are left out.

    DeGroot and Fienberg 1983, "The Comparison and Evaluation of Forecasters".
    """
    found: list[Bin] = []
    for place in range(bins):
        inside = [pair for pair in pairs if min(int(pair[0] * bins), bins - 1) == place]
        if inside:
            n, came = len(inside), sum(success for _, success in inside)
            mean = sum(forecast for forecast, _ in inside) / n
            found.append(Bin(place / bins, (place + 1) / bins, n, mean, came / n, wilson(came, n)))
    return tuple(found)


def held_out(samples: Sequence[Sample], groups: Sequence[str]) -> tuple[float, ...] | None:
    """A forecast for each sample, by a curve fitted to other groups only; None for fewer than two groups. Stone 1974.

    Up to `FOLDS` groups, each is left out alone; more are left out in `FOLDS` parts. The parts depend on the names alone.

    Args:
        groups: Of each sample: its task, since runs of one task are alike.
    """
    names = sorted(set(groups), key=lambda name: (sha256(name.encode(errors="replace")).digest(), name))
    if len(names) < 2:
        return None
    folds = {name: number % FOLDS for number, name in enumerate(names)}
    placed = [folds[group] for group in groups]
    curves = {
        fold: fit([sample for sample, place in zip(samples, placed, strict=True) if place != fold]) for fold in set(placed)
    }
    return tuple(curves[place].probability(sample.phi) for sample, place in zip(samples, placed, strict=True))


def _checked(phi: float) -> float:
    if not (isfinite(phi) and 0 <= phi <= MAX_PHI):
        raise ValueError(f"Φ is a number from 0 to {MAX_PHI:g}; got {phi!r}.")
    return float(phi)


def _weights(samples: Sequence[Sample], share: float | None) -> list[float]:
    """What each sample counts; on average 1."""
    if share is not None and not 0 <= share <= 1:
        raise ValueError(f"A share is a number from 0 to 1; got {share!r}.")
    n, successes = len(samples), sum(sample.success for sample in samples)
    if share is None or not 0 < successes < n:
        return [1.0] * n
    # Nobody's runs all end the same way if these do not: the share is held to what so many samples could miss.
    share = min(max(share, 1 / (n + 2)), (n + 1) / (n + 2))
    won, lost = share * n / successes, (1 - share) * n / (n - successes)
    return [won if sample.success else lost for sample in samples]


def _beta(samples: Sequence[Sample], weights: Sequence[float]) -> Calibration:
    """Beta prior with mean Φ/10 that weighs `PSEUDO_RUNS`; every sample moves it, whatever its Φ was. Gelman et al., BDA3, 2.4."""
    seen = sum(weights)
    successes = sum(weight for sample, weight in zip(samples, weights, strict=True) if sample.success)
    ends = ((0.0, successes / (PSEUDO_RUNS + seen)), (MAX_PHI, (PSEUDO_RUNS + successes) / (PSEUDO_RUNS + seen)))
    return Calibration("beta", len(samples), ends)


def _platt(samples: Sequence[Sample], weights: Sequence[float]) -> Calibration:
    """Platt's sigmoid; see `sigmoid.py`."""
    xs = [sample.phi / MAX_PHI for sample in samples]
    slope, intercept = fitted(xs, [sample.success for sample in samples], weights, STEEPEST)
    return Calibration("platt", len(samples), slope=slope, intercept=intercept)


def _isotonic(samples: Sequence[Sample], weights: Sequence[float], prior: Calibration) -> Calibration:
    """The rising curve nearest to the outcomes, by pooling neighbours that fall; each step is drawn a little towards `prior`.

    Ayer et al. 1955; Zadrozny and Elkan 2002, "Transforming Classifier Scores into Accurate Multiclass Probability Estimates".
    The Beta prior of each step is added before pooling: added after, it could bend the curve down again.
    """
    steps: dict[int, tuple[float, float, float]] = {}
    for sample, weight in zip(samples, weights, strict=True):
        n, phi, came = steps.get(round(sample.phi * GRID), (0.0, 0.0, 0.0))
        steps[round(sample.phi * GRID)] = (n + weight, phi + weight * sample.phi, came + weight * sample.success)
    middles = [min(steps[step][1] / steps[step][0], MAX_PHI) for step in sorted(steps)]
    blocks: list[tuple[float, float, int]] = []  # weight, sum of outcomes, steps in it
    for middle, step in zip(middles, sorted(steps), strict=True):
        n, _, came = steps[step]
        block = (n + PSEUDO_STEP, came + PSEUDO_STEP * prior.probability(middle), 1)
        while blocks and blocks[-1][1] / blocks[-1][0] >= block[1] / block[0]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    levels = [came / n for n, came, count in blocks for _ in range(count)]
    return Calibration("isotonic", len(samples), _rising([*zip(middles, levels, strict=True)]))


def _rising(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The same points, each Φ once: means of neighbouring steps may meet, as numbers go."""
    return (*(one for one, other in pairwise(points) if one[0] < other[0]), *points[-1:])
