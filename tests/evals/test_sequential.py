"""Evidence that may be looked at after every pair, and still errs no more often than it says."""

import random
from collections.abc import Iterable
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.evals.sequential import CAUTIOUS, STAKES, PairedEvidence, wins_needed

COUNTS = st.integers(0, 40)
GAINS = st.lists(st.floats(-1, 1), max_size=12)


def by_degrees(gains: Iterable[float]) -> PairedEvidence:
    """The evidence after these gains."""
    return reduce(PairedEvidence.gained, gains, PairedEvidence())


def peak(rng: random.Random, pairs: int, helping: float = 0.5) -> tuple[float, float]:
    """The highest e-values of one sequence of pairs in which one of the two runs succeeds."""
    evidence, help, harm = PairedEvidence(), 0.0, 0.0
    for _ in range(pairs):
        won = rng.random() < helping
        evidence = evidence.seen(won, not won)
        help, harm = max(help, evidence.e_help), max(harm, evidence.e_harm)
    return help, harm


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_looking_after_every_pair_promotes_a_useless_memory_no_more_often_than_alpha(alpha: float) -> None:
    rng = random.Random(7)
    trials = [peak(rng, pairs=48) for _ in range(2000)]

    assert sum(help >= 1 / alpha for help, _ in trials) <= alpha * len(trials)
    assert sum(harm >= 1 / alpha for _, harm in trials) <= alpha * len(trials)


def test_a_memory_that_wins_four_of_five_decided_pairs_is_mostly_found() -> None:
    rng = random.Random(7)

    assert sum(peak(rng, pairs=48, helping=0.8)[0] >= 20 for _ in range(500)) > 450


def test_five_wins_in_a_row_suffice_at_five_percent() -> None:
    assert PairedEvidence(wins=4).e_help < 20 <= PairedEvidence(wins=5).e_help


@given(wins=COUNTS, losses=COUNTS, both=COUNTS, neither=COUNTS)
def test_pairs_in_which_nothing_differs_are_no_evidence(wins: int, losses: int, both: int, neither: int) -> None:
    plain, padded = PairedEvidence(wins, losses), PairedEvidence(wins, losses, both, neither)

    assert (plain.e_help, plain.e_harm) == (padded.e_help, padded.e_harm)
    assert padded.pairs == wins + losses + both + neither


@given(wins=COUNTS, losses=COUNTS)
def test_harm_is_help_seen_from_the_other_side(wins: int, losses: int) -> None:
    assert PairedEvidence(wins, losses).e_harm == PairedEvidence(losses, wins).e_help


@given(wins=COUNTS, losses=COUNTS)
def test_a_fair_coin_is_not_expected_to_add_evidence(wins: int, losses: int) -> None:
    evidence = PairedEvidence(wins, losses)
    after = (evidence.seen(True, False).e_help + evidence.seen(False, True).e_help) / 2

    assert after == pytest.approx(evidence.e_help)


@given(wins=COUNTS, losses=st.integers(0, 12))
def test_the_wins_still_needed_are_just_enough(wins: int, losses: int) -> None:
    needed = wins_needed(PairedEvidence(wins, losses), 0.05)

    assert PairedEvidence(wins + needed, losses).e_help >= 20
    assert needed == 0 or PairedEvidence(wins + needed - 1, losses).e_help < 20


def test_the_mean_gain_counts_every_pair_and_is_unknown_without_one() -> None:
    assert PairedEvidence().mean_gain is None
    assert PairedEvidence(wins=3, losses=1, both=2, neither=2).mean_gain == 0.25


def test_the_gamblers_have_one_unit_together() -> None:
    assert sum(STAKES.values()) == pytest.approx(1)
    assert 0.7 * sum(STAKES.values()) + sum(CAUTIOUS.values()) == pytest.approx(1)
    assert all(0 < stake <= 1 for stake in (*STAKES, *CAUTIOUS))


@given(before=GAINS, up=st.floats(0.01, 1), down=st.floats(0.01, 1), worse=st.floats(0, 1))
def test_a_gain_of_zero_on_average_is_not_expected_to_add_evidence(
    before: list[float], up: float, down: float, worse: float
) -> None:
    """Two outcomes, as likely as makes their mean zero; or with less of a chance to win. All other cases are mixtures of such."""
    chance = down / (up + down) * (1 - worse)
    after = chance * by_degrees([*before, up]).e_help + (1 - chance) * by_degrees([*before, -down]).e_help

    assert after <= by_degrees(before).e_help * (1 + 1e-9)


@given(wins=st.integers(0, 12), losses=st.integers(0, 12), ties=st.integers(0, 5))
def test_verdicts_are_gains_of_one_and_minus_one(wins: int, losses: int, ties: int) -> None:
    gains = [1.0] * wins + [-1.0] * losses + [0.0] * ties
    evidence = PairedEvidence(wins, losses, both=ties)

    assert by_degrees(gains).e_help == pytest.approx(evidence.e_help)
    assert by_degrees(gains).e_harm == pytest.approx(evidence.e_harm)
    assert by_degrees(gains).interval == evidence.interval


def test_half_a_point_is_less_evidence_than_a_whole_one() -> None:
    assert 1 < by_degrees([0.5] * 6).e_help < by_degrees([1.0] * 6).e_help


def test_a_gain_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="−1 to 1; got 2"):
        by_degrees([0.5, 2.0])


def test_thousands_of_wins_are_a_number_still() -> None:
    assert 1e300 < PairedEvidence(wins=5000).e_help < float("inf")


@pytest.mark.parametrize("rates", [(0.35, 0.15), (0.5, 0.5), (0.05, 0.3), (0.9, 0.0)])
def test_a_range_that_ever_misses_the_mean_is_rare(rates: tuple[float, float]) -> None:
    win, loss = rates
    rng, missed, known = random.Random(3), 0, dict[PairedEvidence, tuple[float, float] | None]()
    for _ in range(200):
        evidence, held = PairedEvidence(), True
        for _ in range(48):
            drawn = rng.random()
            evidence = evidence.seen(drawn < win, win <= drawn < win + loss)
            interval = known[evidence] if evidence in known else known.setdefault(evidence, evidence.interval)
            held = held and (interval is None or interval[0] <= win - loss <= interval[1])
        missed += not held

    # One in twenty of 200, and three standard deviations for chance.
    assert missed <= 19


@given(wins=st.integers(0, 30), losses=st.integers(0, 30), ties=st.integers(0, 30))
def test_the_range_holds_what_was_seen_and_narrows_with_more_of_the_same(wins: int, losses: int, ties: int) -> None:
    evidence = PairedEvidence(wins, losses, ties)
    interval, gain = evidence.interval, evidence.mean_gain
    if evidence.pairs < 2:
        assert interval is None
        return
    assert interval is not None
    assert gain is not None
    more = PairedEvidence(8 * wins, 8 * losses, 8 * ties).interval
    assert more is not None

    assert -1 <= interval[0] <= gain + 1e-9
    assert gain - 1e-9 <= interval[1] <= 1
    assert more[1] - more[0] <= interval[1] - interval[0] + 1e-9


@given(wins=st.integers(0, 48), losses=st.integers(0, 48), ties=st.integers(0, 48))
def test_a_range_behind_a_promotion_does_not_reach_zero(wins: int, losses: int, ties: int) -> None:
    evidence = PairedEvidence(wins, losses, neither=ties)
    if evidence.e_help >= 60:
        assert evidence.interval is not None
        assert evidence.interval[0] > 0
