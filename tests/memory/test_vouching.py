"""Other people's episodes: judged all together, by what one's own experience taught."""

import random
from collections.abc import Sequence
from dataclasses import replace
from math import tanh

import pytest

from purpose_agent.core.origin import Origin
from purpose_agent.core.values import Episode, Experienced
from purpose_agent.memory.replay import JUDGE_FEWEST, Replay
from purpose_agent.memory.vouching import FEWEST_DECISIONS, agreeing, correlation, least_correlation
from purpose_agent.runtime.database import Database
from tests.memory.test_replay import all_ranked, choice, peers, taught, walk

GOAL = "Which bin does the parcel go to?"
BINS = ("alpha", "beta", "gamma", "delta")
MATERIALS = ("paper", "glass", "steel", "wood")
SIZES = ("small", "big")
COLOURS = ("red", "blue", "grey", "pink", "black")
SEEDS = range(6)


def parcels(seed: int, many: int, *, rotated: int = 0, both: bool = False, who: str = "own") -> list[Episode]:
    """The material decides on the bin, or material and size `both`, which is hard to learn; the colour says nothing.

    Of a rotated rule the next bin is the right one.
    """
    draws = random.Random(f"rule {seed}")
    rule = {(material, size): draws.randrange(len(BINS)) for material in MATERIALS for size in SIZES}
    draws = random.Random(f"parcels {seed} {who}")
    episodes: list[Episode] = []
    for number in range(many):
        material, size, colour = draws.choice(MATERIALS), draws.choice(SIZES), draws.choice(COLOURS)
        right = BINS[(rule[material, size if both else "big"] + rotated) % len(BINS)]
        situation = f"{GOAL}\ncolour: {colour}\nmaterial: {material}\nsize: {size}"
        steps = tuple(Experienced(situation, name, float(name == right), BINS) for name in BINS)
        episodes.append(Episode(f"{who}_{number}", GOAL, "parcels", steps, True, apart=True))
    return episodes


def handed(replay: Replay, episodes: Sequence[Episode], origin: Origin = "peer_agent") -> None:
    for episode in episodes:
        replay.learn("porter", episode, origin=origin)


def inverted(episode: Episode) -> Episode:
    return replace(episode, steps=tuple(replace(step, reward=1.0 - step.reward) for step in episode.steps))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("own", [30, 45, 60])
def test_of_a_peer_with_another_rule_nothing_gets_in(own: int, both: bool, seed: int, db: Database) -> None:
    replay = taught(db, parcels(seed, own, both=both))
    handed(replay, parcels(seed, 40, both=both, rotated=1, who="peer"))

    assert [replay.vouch() for _ in range(5)] == [0] * 5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("own", [40, 60])
def test_an_honest_peer_gets_in_once_there_is_enough_to_judge_by(own: int, seed: int, db: Database) -> None:
    replay = taught(db, parcels(seed, own))
    handed(replay, parcels(seed, 40, who="peer"))

    assert replay.vouch() == 40
    assert (len(replay.episodes("porter")), replay.count("porter", "parcels")) == (own + 40, own)
    assert replay.vouch() == 0


def test_an_agent_of_little_experience_judges_nobody(db: Database) -> None:
    replay = taught(db, [choice(number) for number in range(JUDGE_FEWEST - 1)])
    before = all_ranked(replay)
    handed(replay, [peers(choice(number)) for number in range(20)])

    assert (replay.vouch(), all_ranked(replay)) == (0, before)
    assert len(replay.episodes("porter")) == JUDGE_FEWEST - 1

    replay.learn("porter", choice(JUDGE_FEWEST))
    assert replay.vouch() == 20
    assert all_ranked(replay) != before


def test_too_few_decisions_wait_for_more(db: Database) -> None:
    replay = taught(db, [choice(number) for number in range(40)])
    handed(replay, [peers(choice(number)) for number in range(FEWEST_DECISIONS // 3 - 1)])
    assert replay.vouch() == 0

    handed(replay, [peers(choice(number)) for number in range(FEWEST_DECISIONS // 3)])
    assert replay.vouch() == FEWEST_DECISIONS // 3


@pytest.mark.parametrize("opposite", [[inverted(choice(n)) for n in range(40)], [walk(n, inverted=True) for n in range(40)]])
def test_episodes_that_say_the_opposite_never_get_in(opposite: list[Episode], db: Database) -> None:
    replay = taught(db, [*(choice(number) for number in range(40)), *(walk(number) for number in range(40))])
    before = all_ranked(replay)
    handed(replay, [peers(episode) for episode in opposite])

    assert [replay.vouch() for _ in range(3)] == [0, 0, 0]
    assert all_ranked(replay) == before


def test_who_was_refused_is_judged_again_only_by_twice_the_experience(db: Database) -> None:
    replay = taught(db, [choice(number) for number in range(20)])
    handed(replay, [peers(inverted(choice(number))) for number in range(20)])
    assert replay.vouch() == 0

    handed(replay, [peers(choice(number)) for number in range(20, 400)])  # by now the batch as a whole agrees
    for number in range(20, 40):
        assert replay.vouch() == 0
        replay.learn("porter", choice(number))
    assert replay.vouch() > 0


def test_each_origin_is_judged_by_itself(db: Database) -> None:
    replay = taught(db, [choice(number) for number in range(40)])
    handed(replay, [replace(inverted(choice(n)), run_id=f"web_{n}") for n in range(40)], "web")
    handed(replay, [peers(choice(number)) for number in range(20)])

    assert replay.vouch() == 20


def test_what_others_taught_is_no_measure_for_others(db: Database) -> None:
    own = [choice(number) for number in range(40)]
    others = [peers(choice(number)) for number in range(20)]
    replay = taught(db, own)
    handed(replay, others)
    replay.vouch()
    told = [peers(walk(number)) for number in range(20)]
    handed(replay, [replace(episode, family="doors") for episode in told])

    assert replay.vouch() == sum(agreeing(own, told) or [])


def test_two_processes_that_vouch_at_once_teach_an_episode_once(db: Database) -> None:
    class Overtaken(Database):
        """Another process vouches between the judging and the learning."""

        other: Replay | None = None

        def write(self, *, learns: bool = False):  # type: ignore[no-untyped-def] # pyright: ignore
            if self.other is not None:
                other, self.other = self.other, None
                assert other.vouch() == 20
            return super().write(learns=learns)

    alone = taught(db, [choice(number) for number in range(40)])
    handed(alone, [peers(choice(number)) for number in range(20)])
    slow = Overtaken(db.path)
    overtaken = Replay(slow)
    slow.other = alone

    assert overtaken.vouch() == 0
    assert all_ranked(overtaken) == all_ranked(alone)


def test_episodes_that_agree_but_boast_do_not_get_in(db: Database) -> None:
    replay = taught(db, [choice(number) for number in range(40)])
    honest = [peers(choice(number)) for number in range(20)]
    boast = replace(honest[0], steps=tuple(replace(step, reward=step.reward * 1e6) for step in honest[0].steps))
    handed(replay, [boast, *honest[1:]])

    assert replay.vouch() == 19


def test_a_batch_of_boasts_is_judged_and_refused(db: Database) -> None:
    replay = taught(db, [choice(number) for number in range(40)])
    steps = {number: choice(number).steps for number in range(20)}
    boasts = [tuple(replace(step, reward=step.reward * 9) for step in each) for each in steps.values()]
    handed(replay, [replace(peers(choice(number)), steps=boast) for number, boast in enumerate(boasts)])

    assert replay.vouch() == 0
    assert db.rows("SELECT own FROM judgements") == [(40,)]


def test_of_a_batch_that_agrees_a_long_episode_that_says_the_opposite_is_left_out() -> None:
    steps = [choice(number).steps for number in range(6)]
    long = Episode("long", "Which way at the door?", "doors", tuple(step for each in steps for step in each), apart=True)
    verdict = agreeing([choice(number) for number in range(40)], [*(peers(choice(n)) for n in range(30)), inverted(long)])

    assert verdict == [True] * 30 + [False]


def test_the_interval_of_r_is_narrow_only_with_many_decisions() -> None:
    few, many = [0.0, 1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0, 1.0] * 20
    other = [0.1, 0.9, 0.8, 0.7, 0.6]

    assert correlation(few, other) == pytest.approx(correlation(many, other * 20))
    assert least_correlation(few, other) < least_correlation(many, other * 20) < correlation(few, other)
    assert least_correlation([0.0, 1.0] * 4, [0.0, 1.0, 1.0, 0.0] * 2) == pytest.approx(tanh(-1.96 / 5**0.5))
