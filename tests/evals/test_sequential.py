"""Evidence that may be looked at after every pair, and still errs no more often than it says."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.evals.sequential import PairedEvidence, wins_needed

COUNTS = st.integers(0, 40)


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
