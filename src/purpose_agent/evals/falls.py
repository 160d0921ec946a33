"""Has a rate of success fallen? Asked after every run, for as long as a memory lives.

In:  a record of successes that is believed, then one outcome after the other.
Out: an alarm, with at least `THRESHOLD` runs on average between two false ones.

An e-detector (Shin, Ramdas and Rinaldo, arXiv 2203.03532) in the form of Shiryaev and Roberts. With every run one more
gambler sits down with a stake of 1 and bets, from then on, that the rate is now a part of what it was: his money is
multiplied by the likelihood ratio. While nothing changes no bet is worth anything, so after n runs all of them together
have n on average, and it takes at least 1,000 runs on average until they have 1,000. After a fall those who sat down
about then grow rich. Three tables, each with another part, are averaged.

What the rate was is not known. They bet against the smallest one that the record has ever allowed (the lower end of a
confidence sequence at 95 %: mixture over a uniform prior, Robbins 1970). That end is below the rate for all times together
with a probability of 95 %, and then the promise holds; it never goes down, so a fall is not forgotten for having lasted.

Not here: rates that rise; why one falls. Tasks that become harder look the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import lgamma, log

THRESHOLD = 1000.0
PARTS = (0.25, 0.5, 0.75)
"""To which part of what it was the rate may have fallen."""
ALPHA = 0.05
FRESH = 1.05
"""The bound is reckoned anew when the record has grown by so much: cheaper, and hardly less sharp."""


@dataclass(frozen=True, slots=True)
class Fall:
    """A rate has fallen.

    Attributes:
        e_value: Of the detector, at the alarm.
        before: Runs of the record until the fall, as far as one can tell when that was.
        successes_before: Those of them that succeeded.
        since: Runs since then, until the alarm.
        successes_since: Those of them that succeeded.
    """

    e_value: float
    before: int
    successes_before: int
    since: int
    successes_since: int


def least_rate(successes: int, n: int, alpha: float = ALPHA) -> float:
    """The smallest rate that `successes` of `n` runs allow, 0 to 1; it may be looked at after every run."""
    if not successes:
        return 0.0
    failures = n - successes
    mixed = lgamma(successes + 1) + lgamma(failures + 1) - lgamma(n + 2)
    low, high = 0.0, successes / n
    for _ in range(30):
        rate = (low + high) / 2
        likelihood = successes * log(rate) + (failures * log(1 - rate) if failures else 0.0)
        low, high = (rate, high) if mixed - likelihood > -log(alpha) else (low, rate)
    return low


def find_fall(successes: int, n: int, outcomes: Iterable[bool], threshold: float = THRESHOLD) -> Fall | None:
    """The first alarm in `outcomes`, oldest first; None if there is none.

    Args:
        successes: Of the record before them.
        n: Its runs; 0: there is none, and the first outcomes have to make one.
    """
    money = [0.0] * len(PARTS)
    # Of each table: the wealth of the one who sat down last when it was best to, and the record at that time.
    best, began = [1.0] * len(PARTS), [(n, successes)] * len(PARTS)
    bound, reckoned = least_rate(successes, n), n
    for success in outcomes:
        if n >= reckoned * FRESH and n > reckoned:
            bound, reckoned = max(bound, least_rate(successes, n)), n
        for number, part in enumerate(PARTS):
            if best[number] <= 1:
                best[number], began[number] = 1.0, (n, successes)
            ratio = part if success else (1 - part * bound) / (1 - bound)
            # Against a rate of 0 nobody can bet: there is nowhere to fall.
            money[number] = (money[number] + 1) * ratio if bound else 0.0
            best[number] *= ratio if bound else 1.0
        n, successes = n + 1, successes + success
        e_value = sum(money) / len(money)
        if e_value >= threshold:
            before, successes_before = began[max(range(len(PARTS)), key=best.__getitem__)]
            return Fall(e_value, before, successes_before, n - before, successes - successes_before)
    return None
