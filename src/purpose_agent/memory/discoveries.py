"""How often promotion may err, over all memories together: which e-value each of them needs.

In:  e-values of memories, what trials before them have spent.
Out: how large an e-value the next one needs.

A workspace has one unit of money. Each trial that begins is lent a
part of what is left, its stake; its e-value says how much became of one unit. A memory is promoted when

    stake × e-value ≥ 1 / (LEVEL × (promotions so far + 1)), and the e-value itself at least 1 / LEVEL,

and what its trial has left over then, or when it ends without promotion, comes back, up to the stake.

Why the expected share of useless memories among all promoted ones stays below LEVEL, at any time, even at the worst one:
1. Where a useless memory was the k-th promotion, it makes up at most 1/k of the promoted ones, then and ever after. So
   their share is at most the sum of 1/k over the useless ones promoted.
2. Of each useless memory: 1/k ≤ LEVEL × (stake × e-value − what comes back), and 0 if it isn't promoted. The stake was fixed
   before the trial began, and whenever it ends its e-value is expected to be at most 1, given all that was seen before.
   So this is expected to be at most LEVEL × (stake − what comes back).
3. Stake minus what comes back is never negative, and over all trials, of useful and useless memories, it adds up to at most one
   unit. That leaves LEVEL.

Without what comes back this is e-LOND (Xu and Ramdas, arXiv 2311.06412); that an e-value beyond what was needed may be given
back is from SCORE (Kuang, Gang and Xia, arXiv 2601.20386); that a memory may wait and be promoted later, from the online e-BH
procedure (Fischer, Xu and Ramdas, arXiv 2407.20683). Several may also be promoted with one stroke, each as the last of them: in step 1
they make up at most 1/k then, in step 2 nothing changes (e-BH: Wang and Ramdas, arXiv 2009.02824). What matters of a stake is only
that it is fixed before the trial begins, so it may depend on how many memories wait: many that wait together
share more evenly, one alone gets what a row that comes one after the other leaves room for.

A useless memory is one whose next pair, given everything before it in this and all other trials, is at most a fair coin. That is
not quite so where several memories are tried on the same tasks and the runs without them are the same runs: `benchmarks.gate errors`
measures that case. Nor does it speak of success where a calibrated critic judges the pairs: there a useless memory is one that the critic
does not like better.
It speaks of rows of revisions: a rule that goes on learning with its trial is one, and a revision that takes the place of a
proved one is no promotion here (decision 44); of two that help it may be the worse one.
Not here: what is spent, which `trials.py` keeps; rejections, each of which errs with 5 %.
"""

from collections.abc import Sequence

LEVEL = 0.05
"""Expected share of useless memories among the promoted ones, at most."""
EAGER = 0.9
"""The n-th of a row of trials is lent 1/(n + EAGER) of what is left. Just so much that the first strong rule passes with six wins, which
are an e-value of 38.8. Of the shapes tried on simulated rows of memories, none found more in rows of two, and none much more in longer
ones."""
CROWD = 5
"""Of n memories that wait together, (n − 1)/(n − 1 + CROWD) of the stake is a fair share; the rest is that of a row. On simulated crowds of
5 to 500 memories this finds about as much as any mixture tried, and more than either alone."""
PATIENCE = 0.1
"""What a trial is lent at most, of what is left, whose pairs come with runs that are made anyway: it can wait for more of them."""


def lent(money: float, trials: int, waiting: int = 1) -> float:
    """The stake of a trial that begins.

    Args:
        money: What is left, above 0 and at most 1.
        trials: How many were begun before it.
        waiting: How many memories wait for their first pair, this one included.
    """
    crowd = (waiting - 1) / (waiting - 1 + CROWD)
    return money * ((1 - crowd) / (trials + 1 + EAGER) + crowd / (waiting + EAGER))


def allowed(stake: float, promotions: int) -> float:
    """The error rate of the next promotion: its e-value must reach one over this.

    Args:
        promotions: How many memories were promoted on trial before, in all stays in quarantine.
    """
    return min(LEVEL, LEVEL * stake * (promotions + 1))


def together(staked: Sequence[float], promotions: int) -> int:
    """How many memories may be promoted with one stroke: the most, such that each has evidence enough to be the last of them.

    Args:
        staked: Stake × e-value of each, largest first.
        promotions: How many were promoted before.
    """
    enough = [k for k, each in enumerate(staked, start=1) if LEVEL * each * (promotions + k) >= 1]
    return max(enough, default=0)


def left_over(stake: float, e_value: float, promotion: int | None) -> float:
    """What comes back from a trial that has ended: at most its stake.

    Args:
        promotion: The how-manieth promotion it led to, from 1; None if it led to none.
    """
    paid = 1 / (LEVEL * promotion) if promotion is not None else 0.0
    return max(0.0, min(stake, stake * e_value - paid))
