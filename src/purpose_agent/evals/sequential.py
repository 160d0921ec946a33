"""Evidence that may be looked at after every pair.

In:  paired outcomes, with and without, one pair after the other: two verdicts, or a difference in degrees, −1 to 1.
Out: e-values for "it helps" and "it harms"; a range for the mean gain that holds at every look.

Testing by betting: under "it doesn't help", the expected difference of the next pair is at most zero, whatever was seen
before. A gambler who stakes a fixed share of his wealth on "with" each time can't be expected to grow rich; the chance that
his wealth ever reaches 1/α is at most α (Ville's inequality), however often one looks and whenever one stops. Gamblers with
different shares are averaged, since the size of the effect is not known beforehand.

Their shares and weights were chosen by calculation: for memories worth 20, 40 and 70 points over 30 %, the median number of
pairs stays near that of a gambler who knows both rates, for all α from 0.05 to 0.002 (`benchmarks.gate errors` prints the
ratio at 0.05), and five wins without a loss decide at 0.05. Who stakes all he has is ruined by one loss, and finds the
strongest rules first.

After Waudby-Smith and Ramdas, arXiv 2010.09686; Howard et al., arXiv 1810.08240; the use as an acceptance gate after PACE,
arXiv 2606.08106. Not here: error control over many memories (`memory/discoveries.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, log1p
from types import MappingProxyType

STAKES: Mapping[float, float] = MappingProxyType({0.5: 0.35, 0.7: 0.17, 1.0: 0.48})
"""Share of his wealth that a gambler stakes: the part of the money he began with."""
CAUTIOUS: Mapping[float, float] = MappingProxyType({0.1: 0.15, 0.25: 0.15})
"""Further gamblers behind the range alone: without small stakes it would stop to narrow. The others keep 0.7 of the money, so
that the range never reaches zero where the e-value is 58 or more."""
CONFIDENCE = 0.95
_LARGEST = 700.0
"""Of a logarithm whose exponential is still a float."""


@dataclass(frozen=True, slots=True)
class PairedEvidence:
    """What has been seen so far.

    Attributes:
        wins: Pairs where only the run with it succeeded.
        losses: Pairs where only the run without it did.
        both: Pairs where both succeeded.
        neither: Pairs where none did.
        gains: Differences, −1 to 1, of pairs that are judged by degrees.
    """

    wins: int = 0
    losses: int = 0
    both: int = 0
    neither: int = 0
    gains: tuple[float, ...] = ()

    def seen(self, with_it: bool, without: bool) -> "PairedEvidence":
        """The evidence after one more pair."""
        if with_it and without:
            return replace(self, both=self.both + 1)
        if not with_it and not without:
            return replace(self, neither=self.neither + 1)
        return replace(self, wins=self.wins + 1) if with_it else replace(self, losses=self.losses + 1)

    def gained(self, gain: float) -> "PairedEvidence":
        """The evidence after one more pair that is judged by degrees.

        Raises:
            ValueError: The gain lies outside −1 to 1.
        """
        if not -1 <= gain <= 1:
            raise ValueError(f"A gain is the difference of two scores from 0 to 1, so −1 to 1; got {gain}.")
        return replace(self, gains=(*self.gains, gain))

    @property
    def better(self) -> int:
        """Pairs in which the run with it came out better."""
        return self.wins + sum(gain > 0 for gain in self.gains)

    @property
    def worse(self) -> int:
        """Pairs in which it came out worse."""
        return self.losses + sum(gain < 0 for gain in self.gains)

    @property
    def pairs(self) -> int:
        """How many pairs were judged."""
        return self.wins + self.losses + self.both + self.neither + len(self.gains)

    @property
    def e_help(self) -> float:
        """Evidence against "it doesn't help", 0 and above; 1 is none."""
        return _wealth(self._counts, STAKES)

    @property
    def e_harm(self) -> float:
        """Evidence against "it doesn't harm", 0 and above; 1 is none."""
        return _wealth({-gain: times for gain, times in self._counts.items()}, STAKES)

    @property
    def mean_gain(self) -> float | None:
        """Mean difference of success, −1 to 1; None without a pair."""
        return (self.wins - self.losses + sum(self.gains)) / self.pairs if self.pairs else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % range of the mean gain, valid at every look; None for fewer than two pairs."""
        return _interval(self._counts)

    @property
    def _counts(self) -> dict[float, int]:
        """How often each gain came. The order makes no difference to a gambler whose stake is fixed."""
        counts = {1.0: self.wins, -1.0: self.losses, 0.0: self.both + self.neither}
        for gain in self.gains:
            counts[gain] = counts.get(gain, 0) + 1
        return counts


def wins_needed(evidence: PairedEvidence, alpha: float) -> int:
    """How many wins in a row would bring `e_help` to 1/α; 0 if it is there."""
    needed = 0
    while replace(evidence, wins=evidence.wins + needed).e_help < 1 / alpha:
        needed += 1
    return needed


def _wealth(counts: Mapping[float, int], stakes: Mapping[float, float], mean: float = 0.0) -> float:
    """What the gamblers hold together who bet that the mean is above `mean`, which is above −1."""
    # At the worst gain, −1, a bet of (1 + mean) loses no more than all that was staked.
    total = 0.0
    for stake, part in stakes.items():
        grown = 0.0
        for gain, times in counts.items():
            if not times:
                continue
            change = stake * (gain - mean) / (1 + mean)
            if change <= -1:
                break
            grown += times * log1p(change)
        else:
            total += part * exp(min(grown, _LARGEST))
    return total


def _interval(counts: Mapping[float, int]) -> tuple[float, float] | None:
    if sum(counts.values()) < 2:
        return None
    turned = {-gain: times for gain, times in counts.items()}
    return (_lowest(counts), -_lowest(turned))


def _lowest(counts: Mapping[float, int]) -> float:
    """The lowest mean that can't be ruled out at half the error. The wealth falls as the mean it is bet against rises."""
    stakes = {**{stake: 0.7 * part for stake, part in STAKES.items()}, **CAUTIOUS}
    low, high = -1.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if _wealth(counts, stakes, middle) >= 2 / (1 - CONFIDENCE):
            low = middle
        else:
            high = middle
    return low
