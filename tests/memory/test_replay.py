"""The store of episodes, and the values learned from them."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import UsageError
from purpose_agent.core.values import Episode, Experienced
from purpose_agent.memory import replay as module
from purpose_agent.memory.replay import OWN_FEWEST, Estimator, Replay
from purpose_agent.runtime.connection import Row, Value
from purpose_agent.runtime.database import Database
from tests.runtime.given import python

COLOURS = ("red", "green", "blue")
WAYS = ("left", "right", "up")
RIGHT = dict(zip(COLOURS, WAYS, strict=True))
GOAL = "Which way at the door?"
ESTIMATORS: tuple[Estimator, ...] = ("linear", "nearest")


def choice(number: int, *, inverted: bool = False, family: str = "doors") -> Episode:
    """All ways at a door, and which is the right one."""
    colour = COLOURS[number % 3]
    situation = f"{GOAL}\ncolour: {colour}"
    steps = [Experienced(situation, way, float((way == RIGHT[colour]) != inverted), WAYS) for way in WAYS]
    return Episode(f"{family}_{number}", GOAL, family, tuple(steps), True, apart=True)


def walk(number: int, *, inverted: bool = False) -> Episode:
    """A step that brings nothing, and one that ends it well."""
    gain = -1.0 if inverted else 1.0
    steps = (Experienced("A hall.", "wait", 0.0, ("wait", "go")), Experienced("A hall.", "go", gain, ("wait", "go")))
    return Episode(f"run_{number}", "Leave", "halls", steps, True)


def peers(episode: Episode) -> Episode:
    """The same, as it happened to somebody else."""
    return replace(episode, run_id=f"peer_{episode.run_id}")


def ranked(replay: Replay, colour: str, family: str = "doors", agent: str = "porter") -> dict[str, float]:
    task = pa.Task(GOAL, choices=WAYS, labels={"family": family})
    found = replay.rank(task, agent, f"{GOAL}\ncolour: {colour}", WAYS, (), draws=random.Random(7))
    return {each.option: each.value for each in found}


def best(replay: Replay, colour: str, family: str = "doors") -> str:
    values = ranked(replay, colour, family)
    return max(values, key=lambda way: values[way])


def taught(db: Database, episodes: Sequence[Episode], estimator: Estimator = "linear") -> Replay:
    replay = Replay(db, estimator)
    for episode in episodes:
        replay.learn("porter", episode)
    return replay


def all_ranked(replay: Replay) -> list[dict[str, float]]:
    return [ranked(replay, colour) for colour in COLOURS]


def test_of_nothing_nothing_is_known(db: Database) -> None:
    assert ranked(Replay(db), "red") == {}
    assert ranked(taught(db, [choice(1)]), "red", agent="somebody else") == {}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_right_way_of_each_colour_is_learned(db: Database, estimator: Estimator) -> None:
    replay = taught(db, [choice(number) for number in range(30)], estimator)

    assert {colour: best(replay, colour) for colour in COLOURS} == RIGHT


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_file_opened_again_ranks_the_same(db: Database, estimator: Estimator) -> None:
    before = all_ranked(taught(db, [choice(number) for number in range(12)], estimator))

    assert all_ranked(Replay(Database(db.path), estimator)) == before


def test_two_that_learn_in_turns_lose_nothing(db: Database, tmp_path: Path) -> None:
    episodes = [choice(number) for number in range(24)]
    alone = taught(Database(tmp_path / "alone.db"), episodes)
    one, other = Replay(db), Replay(Database(db.path))
    for number, episode in enumerate(episodes):
        (one, other)[number % 2].learn("porter", episode)

    assert all_ranked(one) == all_ranked(other) == all_ranked(alone)
    assert len(one.episodes("porter")) == one.count("porter", "doors") == 24


def undone(db: Database, replay: Replay, episode: Episode) -> None:
    with suppress(KeyError), db.write():
        replay.learn("porter", episode)
        raise KeyError


def test_what_an_outer_transaction_undoes_was_not_learned(db: Database) -> None:
    replay = taught(db, [choice(number) for number in range(12)])
    before = all_ranked(replay)
    undone(db, replay, choice(100, inverted=True))

    assert all_ranked(replay) == before
    assert len(replay.episodes("porter")) == 12


def test_what_was_undone_is_not_taken_for_what_another_process_learned_meanwhile(db: Database) -> None:
    replay, other = taught(db, [choice(number) for number in range(12)]), Replay(Database(db.path))
    undone(db, replay, choice(100, inverted=True))
    other.learn("porter", choice(101))

    assert all_ranked(replay) == all_ranked(other)


def test_an_episode_that_can_not_be_saved_leaves_no_trace_in_the_values(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    replay = taught(db, [choice(number) for number in range(12)])
    before = all_ranked(replay)

    def broken(*_: object) -> str:
        raise OSError("the disk is full")

    monkeypatch.setattr(module, "to_json", broken)
    with pytest.raises(OSError, match="full"):
        replay.learn("porter", choice(100, inverted=True))

    assert all_ranked(replay) == before


def test_beyond_its_capacity_it_keeps_the_newest_and_what_moved_most_and_what_all_of_it_taught(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    episodes = [choice(number) for number in range(30)]
    roomy = Database(tmp_path / "roomy.db")
    unlimited = taught(roomy, episodes)
    monkeypatch.setattr(module, "CAPACITY", 6)
    replay = taught(db, episodes)

    most_moving = roomy.rows("SELECT run_id FROM episodes WHERE id <= 27 ORDER BY moved DESC, id DESC LIMIT 3")
    newest = roomy.rows("SELECT run_id FROM episodes WHERE id > 27")
    assert set(db.rows("SELECT run_id FROM episodes")) == {*most_moving, *newest}
    assert replay.count("porter", "doors") == 30
    assert all_ranked(replay) == all_ranked(unlimited)


def test_others_episodes_push_out_none_of_its_own(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CAPACITY", 6)
    replay = taught(db, [choice(number) for number in range(5)])
    for number in range(20):
        replay.learn("porter", peers(choice(number)), origin="peer_agent")

    assert [episode.run_id for episode in replay.episodes("porter")] == [f"doors_{number}" for number in range(5)]
    assert db.rows("SELECT run_id FROM episodes WHERE trusted = 0") == [("peer_doors_19",)]


def test_an_episode_that_is_known_changes_nothing(db: Database) -> None:
    replay = taught(db, [choice(number) for number in range(12)])
    before = all_ranked(replay)
    for origin in ("self_verified", "peer_agent"):
        replay.learn("porter", choice(3, inverted=True), origin=origin)

    assert all_ranked(replay) == before
    assert (replay.count("porter", "doors"), len(replay.episodes("porter"))) == (12, 12)


def test_tasks_without_a_family_are_a_kind_of_their_own(db: Database) -> None:
    replay = taught(db, [choice(number) for number in range(60)])
    for number in range(OWN_FEWEST):
        assert replay.count("porter", "") == number
        replay.learn("porter", choice(number, inverted=True, family=""))

    assert best(replay, "red", "") != "left"
    assert best(replay, "red", "doors") == "left"
    assert replay.count("porter", "*") == 60 + OWN_FEWEST


def test_a_new_family_borrows_from_all_the_others_until_it_has_enough_of_its_own(db: Database) -> None:
    replay = taught(db, [choice(number) for number in range(60)])
    gates = [choice(number, inverted=True, family="gates") for number in range(OWN_FEWEST)]
    assert best(replay, "red", "gates") == "left"

    for episode in gates[:-1]:
        replay.learn("porter", episode)
    assert best(replay, "red", "gates") == "left"
    replay.learn("porter", gates[-1])
    assert best(replay, "red", "gates") != "left"
    assert best(replay, "red", "doors") == "left"


@pytest.mark.parametrize("reward", [float("nan"), float("inf")])
def test_a_reward_that_is_no_number_is_refused(db: Database, reward: float) -> None:
    episode = choice(1)
    poisoned = replace(episode, steps=(replace(episode.steps[0], reward=reward), *episode.steps[1:]))

    with pytest.raises(UsageError, match="no finite number"):
        Replay(db).learn("porter", poisoned, origin="peer_agent")


def test_what_was_relabelled_teaches_but_is_not_handed_on(db: Database) -> None:
    replay = Replay(db)
    replay.learn("porter", choice(1), note="relabelled")

    assert replay.episodes("porter") == ()
    assert replay.count("porter", "doors") == 0
    assert ranked(replay, "green") != {}


def test_experience_survives_the_way_to_another_store_as_it_was(db: Database, tmp_path: Path) -> None:
    episodes = [choice(1), walk(2)]

    assert taught(Database(tmp_path / "other.db"), taught(db, episodes).episodes("porter")).episodes("porter") == tuple(
        episodes
    )


def test_a_second_attempt_at_a_choice_is_ranked_as_the_first_was(db: Database) -> None:
    """Choices are learned from one by one: a past that no episode had would only blur what is known."""
    replay = taught(db, [choice(number) for number in range(12)])
    task = pa.Task(GOAL, choices=WAYS, labels={"family": "doors"})
    situation = f"{GOAL}\ncolour: red"
    failed = Experienced(situation, "up", 0.0, WAYS)

    first, second = (replay.rank(task, "porter", situation, WAYS, past, draws=random.Random(1)) for past in ((), (failed,)))
    assert first == second


class Counting(Database):
    """Counts the rows it hands out."""

    read = 0

    def rows(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        found = super().rows(sql, params)
        self.read += len(found)
        return found


def test_a_ranking_reads_as_much_whatever_is_stored(db: Database) -> None:
    counting = Counting(db.path)
    replay = Replay(counting)
    costs: list[int] = []
    for number in range(OWN_FEWEST + 60):
        replay.learn("porter", choice(number))
        if number in (OWN_FEWEST, OWN_FEWEST + 59):
            before = counting.read
            ranked(replay, "red")
            costs.append(counting.read - before)

    assert costs[0] == costs[1] <= 4


def test_the_runs_that_taught_a_value_are_named(db: Database) -> None:
    replay = taught(db, [choice(0)])
    task = pa.Task(GOAL, choices=WAYS, labels={"family": "doors"})

    found = replay.rank(task, "porter", f"{GOAL}\ncolour: red", WAYS, (), draws=random.Random(1))
    assert {each.sources for each in found} == {("doors_0",)}


LEARNS_ON = """
import sys
from pathlib import Path
from purpose_agent.memory.replay import Replay
from purpose_agent.runtime.database import Database
from tests.memory.test_replay import choice
replay = Replay(Database(Path(sys.argv[1])))
for number in range(100_000):
    replay.learn("porter", choice(number))
    print(number, flush=True)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_episodes_and_what_they_taught_in_agreement(db: Database, tmp_path: Path) -> None:
    process = python(LEARNS_ON, str(db.path))
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(20)]
    process.kill()
    process.communicate(timeout=30)

    replay = Replay(db)
    kept = replay.episodes("porter")
    assert len(kept) == replay.count("porter", "doors") == replay.count("porter", "*") > acknowledged[-1]
    assert all_ranked(replay) == all_ranked(taught(Database(tmp_path / "again.db"), kept))
    replay.learn("porter", choice(1_000_000))
