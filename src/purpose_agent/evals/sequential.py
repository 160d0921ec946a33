"""Evidence that may be looked at after every pair.

In:  paired outcomes, with and without, one pair after the other.
Out: e-values for "it helps" and "it harms".

Testing by betting: under "it doesn't help", a pair in which just one of the two runs succeeds is at best a fair coin.
A gambler who stakes a fixed share of his wealth on "with" each time can't be expected to grow rich; the chance that
his wealth ever reaches 1/α is at most α (Ville's inequality), however often one looks and whenever one stops. Three
gamblers with different shares are averaged, since the size of the effect is not known beforehand.

After Waudby-Smith and Ramdas, arXiv 2010.09686; the use as an acceptance gate after PACE, arXiv 2606.08106. Not here:
error control over many memories at once.
"""

from dataclasses import dataclass, replace

STAKES = (0.6, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class PairedEvidence:
    """What has been seen so far.

    Attributes:
        wins: Pairs where only the run with it succeeded.
        losses: Pairs where only the run without it did.
        both: Pairs where both succeeded.
        neither: Pairs where none did.
    """

    wins: int = 0
    losses: int = 0
    both: int = 0
    neither: int = 0

    def seen(self, with_it: bool, without: bool) -> "PairedEvidence":
        """The evidence after one more pair."""
        if with_it and without:
            return replace(self, both=self.both + 1)
        if not with_it and not without:
            return replace(self, neither=self.neither + 1)
        return replace(self, wins=self.wins + 1) if with_it else replace(self, losses=self.losses + 1)

    @property
    def pairs(self) -> int:
        """How many pairs were judged."""
        return self.wins + self.losses + self.both + self.neither

    @property
    def e_help(self) -> float:
        """Evidence against "it doesn't help", 0 and above; 1 is none."""
        return _wealth(self.wins, self.losses)

    @property
    def e_harm(self) -> float:
        """Evidence against "it doesn't harm", 0 and above; 1 is none."""
        return _wealth(self.losses, self.wins)

    @property
    def mean_gain(self) -> float | None:
        """Mean difference of success, −1 to 1; None without a pair."""
        return (self.wins - self.losses) / self.pairs if self.pairs else None


def _wealth(right: int, wrong: int) -> float:
    return sum((1 + stake) ** right * (1 - stake) ** wrong for stake in STAKES) / len(STAKES)


def wins_needed(evidence: PairedEvidence, alpha: float) -> int:
    """How many wins in a row would bring `e_help` to 1/α; 0 if it is there."""
    needed = 0
    while _wealth(evidence.wins + needed, evidence.losses) < 1 / alpha:
        needed += 1
    return needed
