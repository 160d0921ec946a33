"""Memories that exist only as two success rates, and tests that look at their pairs.

In:  rates with and without a memory, chance.
Out: pairs until a decision, for our test and for others.

The two runs of a pair are independent here. Pairs of one task and seed are mostly alike, which leaves fewer pairs that differ, and
clearer ones.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import comb
from typing import TypeAlias

from purpose_agent.evals.sequential import PairedEvidence
from purpose_agent.memory.discoveries import allowed, left_over, lent

Evidence: TypeAlias = Callable[[int, int], float]
"""(wins, losses) → the e-value against "it doesn't help"."""
ALPHA = 0.05
BEFORE = (0.6, 0.9, 0.99)
"""The stakes of the mixture that this package had first, and of the trial that the issue quotes in its like."""
EVENLY = tuple(number / 50 for number in range(1, 51))


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A memory, as its success rates."""

    with_it: float
    without: float

    @property
    def win(self) -> float:
        """Chance that only the run with it succeeds."""
        return self.with_it * (1 - self.without)

    @property
    def loss(self) -> float:
        """Chance that only the run without it does."""
        return self.without * (1 - self.with_it)

    def pairs(self, rng: random.Random) -> Iterator[int]:
        """Without end: 1 is a win, −1 a loss, 0 no difference."""
        win, either = self.win, self.win + self.loss
        while True:
            drawn = rng.random()
            yield 1 if drawn < win else -1 if drawn < either else 0


@dataclass(frozen=True, slots=True)
class Ended:
    """How one trial went.

    Attributes:
        e_help: At the end, which may be a decision or the last pair.
    """

    promoted: bool
    pairs: int
    wins: int
    losses: int
    e_help: float


@cache
def ours(wins: int, losses: int) -> float:
    """The test of this package."""
    return PairedEvidence(wins, losses).e_help


def mixed(stakes: Sequence[float]) -> Evidence:
    """The mean wealth of gamblers who each stake a fixed share."""

    @cache
    def wealth(wins: int, losses: int) -> float:
        return sum((1 + stake) ** wins * (1 - stake) ** losses for stake in stakes) / len(stakes)

    return wealth


def knowing(memory: Hypothesis) -> Evidence:
    """The oracle: it knows both rates, and stakes what makes its wealth grow fastest. Wald's test is the same bet."""
    return mixed(((memory.win - memory.loss) / (memory.win + memory.loss),))


def trial(
    pairs: Iterator[int], e: Evidence, *, alpha: float = ALPHA, most: int, harm: float | None = ALPHA, futile: bool = False
) -> Ended:
    """Look after every pair, stop when it is decided.

    Args:
        harm: Error rate of a rejection; None: only a promotion ends it.
        futile: Stop too where all pairs that are left, won, would not be enough.
    """
    wins = losses = 0
    for number in range(1, most + 1):
        outcome = next(pairs)
        wins, losses = wins + (outcome > 0), losses + (outcome < 0)
        if outcome and e(wins, losses) >= 1 / alpha:
            return Ended(True, number, wins, losses, e(wins, losses))
        if harm is not None and outcome < 0 and e(losses, wins) >= 1 / harm:
            return Ended(False, number, wins, losses, e(wins, losses))
        if futile and e(wins + most - number, losses) < 1 / alpha:
            return Ended(False, number, wins, losses, e(wins, losses))
    return Ended(False, most, wins, losses, e(wins, losses))


class Lending:
    """The gate's way to spend error along a row of trials: what is not needed comes back."""

    def __init__(self) -> None:
        self._money, self._begun, self._promotions, self._stake = 1.0, 0, 0, 0.0

    def begin(self) -> float:
        """The error rate of the next trial."""
        self._stake = lent(self._money, self._begun)
        self._begun += 1
        return allowed(self._stake, self._promotions)

    def end(self, trial: Ended) -> None:
        """Settle it before the next one begins."""
        self._promotions += trial.promoted
        rank = self._promotions if trial.promoted else None
        self._money += left_over(self._stake, trial.e_help, rank) - self._stake


class Fixed:
    """e-LOND (arXiv 2311.06412) with shares in proportion to i^-1.5, which add up to one."""

    TOTAL = 2.612375

    def __init__(self) -> None:
        self._begun, self._promotions = 0, 0

    def begin(self) -> float:
        """The error rate of the next trial."""
        self._begun += 1
        return allowed(self._begun**-1.5 / self.TOTAL, self._promotions)

    def end(self, trial: Ended) -> None:
        """Count its promotion."""
        self._promotions += trial.promoted


def row(memories: Sequence[Hypothesis], rng: random.Random, spending: Lending | Fixed, most: int) -> list[Ended]:
    """One trial after the other."""
    ended: list[Ended] = []
    for each in memories:
        outcome = trial(each.pairs(rng), ours, alpha=spending.begin(), most=most, futile=True)
        spending.end(outcome)
        ended.append(outcome)
    return ended


def mcnemar_pairs(memory: Hypothesis, power: float, alpha: float = ALPHA) -> int:
    """How many pairs an exact one-sided McNemar test needs that looks once, at the end.

    Args:
        power: The chance of a promotion that it must reach, 0 to 1.
    """
    n = 1
    while _power(memory, n, alpha) < power:
        n += 1
    return n


def _power(memory: Hypothesis, n: int, alpha: float) -> float:
    """Exact chance that of `n` pairs so many are won, among those that differ, that a fair coin would do it with α at most."""
    either = memory.win + memory.loss
    share = memory.win / either
    return sum(
        comb(n, differ) * either**differ * (1 - either) ** (n - differ) * _tail(differ, _critical(differ, alpha), share)
        for differ in range(n + 1)
    )


@cache
def _critical(differ: int, alpha: float) -> int:
    """The fewest wins that a fair coin reaches with a chance of at most α; one more than there are if none are so few."""
    wins, chance = differ + 1, 0.0
    while wins > 0 and chance + comb(differ, wins - 1) / 2**differ <= alpha:
        wins -= 1
        chance += comb(differ, wins) / 2**differ
    return wins


@cache
def _tail(differ: int, wins: int, share: float) -> float:
    return sum(comb(differ, k) * share**k * (1 - share) ** (differ - k) for k in range(wins, differ + 1))


def e_bh(e_values: Sequence[float], level: float = ALPHA) -> tuple[int, ...]:
    """Which of many hypotheses, tested at once, are discoveries: their places, in order.

    The largest number k of them whose e-values all reach n/(k × level). The expected share of false ones among them is at most
    `level`, however the e-values depend on each other.

    Wang and Ramdas, arXiv 2009.02824.
    """
    order = sorted(range(len(e_values)), key=lambda place: -e_values[place])
    found = 0
    for rank, place in enumerate(order, start=1):
        if rank * level * e_values[place] >= len(e_values):
            found = rank
    return tuple(sorted(order[:found]))
