"""What a memory is worth, from runs in which a coin decided whether they had it.

In:  runs, each with the coin's probability, how it fell, and how the run ended.
Out: e-values for "it helps" and "it harms", a confidence sequence for the effect; all may be looked at after every run.

Let Y be the outcome, Z the coin, p its probability, and m any guess of Y made before the run. Then
D = (Y − m) (Z/p − (1−Z)/(1−p)) is on average what the memory adds to the chance of success, whatever m is, whatever else
happens, and however many other coins fall in the same run: so several memories are tried at once (a factorial design).
A good guess makes D vary less. This one, p × the success so far without it + (1−p) × that with it, is the same as
augmented inverse-probability weighting (Robins, Rotnitzky and Zhao 1994).

"It doesn't help" says that D is at most 0 on average. A gambler who stakes a share of his wealth on D > 0 each time, less
than he can lose, can't be expected to grow rich; the chance that his wealth ever reaches 1/α is at most α (Ville). Five
gamblers with different stakes are averaged. For the confidence sequence they bet on D > τ, for each τ.

After Waudby-Smith and Ramdas (arXiv 2010.09686) and Waudby-Smith et al. (arXiv 2210.10768). Not here: runs that no coin
decided about; what they tell of the effect is mixed up with why they had the memory.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from purpose_agent.core.exposure import Exposure
from purpose_agent.core.memory import ExposureReport

STAKES = (0.05, 0.1, 0.2, 0.4, 0.7)
"""As shares of what would lose everything at the worst outcome."""
ALPHA = 0.05
"""Of the confidence sequence."""
DOUBT = 2.0
"""So many imagined runs keep the first guesses from going to extremes."""


@dataclass(frozen=True, slots=True)
class _Term:
    """One value of D, and how far down it and its opposite could have gone."""

    value: float
    down: float
    up: float


def e_values(exposures: Iterable[Exposure]) -> tuple[float, float]:
    """Evidence that it helps, and that it harms, each 0 and above; 1 is none.

    Args:
        exposures: Oldest first. Those without an outcome, and those no coin decided about, bet on nothing.
    """
    terms = _terms(exposures)
    return _wealth((term.value, term.down) for term in terms), _wealth((-term.value, term.up) for term in terms)


def report_on(memory_id: str, exposures: Sequence[Exposure], *, alpha: float, alpha_harm: float = ALPHA) -> ExposureReport:
    """What runs with and without a memory say of it; oldest first."""
    seen = [each for each in exposures if _is_random(each)]
    with_it, without = ([bool(each.success) for each in seen if each.shown == shown] for shown in (True, False))
    e_help, e_harm = e_values(exposures)
    return ExposureReport(
        memory_id=memory_id,
        shown=len(with_it),
        successes=sum(with_it),
        withheld=len(without),
        successes_without=sum(without),
        e_help=e_help,
        e_harm=e_harm,
        effect=sum(with_it) / len(with_it) - sum(without) / len(without) if with_it and without else None,
        interval=confidence_sequence(exposures) if with_it and without else None,
        alpha=alpha,
        alpha_harm=alpha_harm,
    )


def confidence_sequence(exposures: Iterable[Exposure], alpha: float = ALPHA) -> tuple[float, float]:
    """Where the effect lies, −1 to 1, with an error of at most `alpha` however often one looks; wide where little was withheld."""
    terms = _terms(exposures)

    def refuted(tau: float, sign: int) -> bool:
        # The gamblers' worst outcome is further away the further τ is.
        bets = ((sign * (term.value - tau), (term.down if sign > 0 else term.up) + sign * tau) for term in terms)
        return _wealth(bets) >= 2 / alpha

    low, high = _edge(lambda tau: refuted(tau, 1), -1.0, 1.0), _edge(lambda tau: refuted(tau, -1), 1.0, -1.0)
    return low, max(low, high)


def _is_random(exposure: Exposure) -> bool:
    return 0 < exposure.share < 1 and exposure.success is not None


def _terms(exposures: Iterable[Exposure]) -> list[_Term]:
    terms: list[_Term] = []
    runs, wins = {True: 0, False: 0}, {True: 0, False: 0}
    for each in exposures:
        if each.success is None:
            continue
        if _is_random(each):
            usual = (sum(wins.values()) + DOUBT / 2) / (sum(runs.values()) + DOUBT)
            with_it, without = ((wins[had] + DOUBT * usual) / (runs[had] + DOUBT) for had in (True, False))
            p = each.share
            guess = p * without + (1 - p) * with_it
            weight = 1 / p if each.shown else -1 / (1 - p)
            down = max(guess / p, (1 - guess) / (1 - p))
            up = max((1 - guess) / p, guess / (1 - p))
            terms.append(_Term((float(each.success) - guess) * weight, down, up))
        runs[each.shown] += 1
        wins[each.shown] += each.success
    return terms


def _wealth(bets: Iterable[tuple[float, float]]) -> float:
    """Mean wealth of the gamblers after bets on values, each given with how far below zero it could have been."""
    wealth = [1.0] * len(STAKES)
    for value, worst in bets:
        if worst <= 0:
            continue  # nothing can be lost: such a bet is no bet
        for number, stake in enumerate(STAKES):
            wealth[number] *= 1 + stake * value / worst
    return sum(wealth) / len(wealth)


def _edge(refuted: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where the refuted end of the line begins, between a point beyond the sequence and one on its other side."""
    if not refuted(outside):
        return outside
    for _ in range(24):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if refuted(middle) else (outside, middle)
    return outside
