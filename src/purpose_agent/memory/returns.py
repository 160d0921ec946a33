"""What a decision was worth in the end: discounted returns over n steps, on shaped rewards.

In:  the rewards of a run in order; Φ of its states, where it is known; what was believed of its later decisions.
Out: one return for each decision.

A reward is shaped as r + γΦ(s′) − Φ(s) (Ng, Harada and Russell 1999). All that lies between cancels out: over n steps
shaping adds γⁿΦ(last) − Φ(first), whatever was done, and so nothing is earned by going to and fro. The best policy
stays what it was as long as the Φ of the state in which an episode stops counts as 0 (Grześ 2017,
https://www.ifaamas.org/Proceedings/aamas2017/pdfs/p565.pdf), also where it was stopped by a limit: `returns` takes
nothing for what would have come after. This holds for any Φ that is one number for each moment of a run, even if it
depends on what came before (Devlin and Kudenko, AAMAS 2012, "Dynamic potential-based reward shaping"). It does not
hold for differences of Φ that are weighted step by step; whoever trusts some Φ less shrinks the Φ itself, with
`discounted`.
"""

from collections.abc import Sequence

GAMMA = 0.8
"""What a reward one step later is worth, 0 to 1."""
STEPS = 50
"""After so many steps, what was believed of the decision there stands for the rest."""


def discounted(phi: float | None, confidence: float, prior: float = 0.0) -> float | None:
    """Φ of a state as far as its critic is sure of it; the rest is `prior`. Still a potential, fit for `shaped`.

    Args:
        phi: In any unit; None if it could not be judged, and then so is the outcome.
        confidence: Of this judgement of this state, 0 to 1. Any other number is no confidence, and the outcome None.
        prior: What such a state is taken for when nothing is known of it, in the unit of `phi`; one number for a whole run.
    """
    return None if phi is None or not 0.0 <= confidence <= 1.0 else confidence * phi + (1.0 - confidence) * prior


def shaped(rewards: Sequence[float], potentials: Sequence[float | None], gamma: float = GAMMA) -> list[float]:
    """Rewards with their shaping.

    Args:
        potentials: Of the states before each decision and after the last, one more than rewards. An unknown one is
            taken for the last that was known, or for 0: left out, what was gained before it would never be given
            back. The last one is taken for 0.
    """
    levels: list[float] = []
    for potential in potentials[: len(rewards)]:
        known = levels[-1] if levels else 0.0
        levels.append(known if potential is None else potential)
    return [reward + gamma * after - before for reward, before, after in zip(rewards, levels, [*levels, 0.0][1:], strict=True)]


def returns(rewards: Sequence[float], believed: Sequence[float], gamma: float = GAMMA, steps: int = STEPS) -> list[float]:
    """The n-step return of each decision (n-step Sarsa: Sutton and Barto, 2nd edition, 7.2).

    Args:
        believed: The value of each decision before this run, as far as it was known; as long as `rewards`.
    """
    found: list[float] = []
    for start in range(len(rewards)):
        value, weight = 0.0, 1.0
        for reward in rewards[start : start + steps]:
            value += weight * reward
            weight *= gamma
        if start + steps < len(rewards):
            value += weight * believed[start + steps]
        found.append(value)
    return found
