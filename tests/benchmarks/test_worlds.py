"""Worlds of other packages, told in words: what they promise to whoever learns in them.

The games themselves are played only where their packages are installed; the rest runs everywhere.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.learning.protocol import World
from benchmarks.learning.worlds.babyai import FOLDS, LEVELS, BabyAIWorld, described
from benchmarks.learning.worlds.java import POOL, GamePool
from benchmarks.learning.worlds.retrace import Retraceable, Scene, text
from benchmarks.learning.worlds.text import GAMES, LOST, TextGame, TextWorld
from purpose_agent.core.action import Finish, command
from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.state import State
from purpose_agent.core.task import Task

START_ONE = """
import os, signal
from benchmarks.learning.worlds.java import POOL
POOL.borrow("coin")
print(POOL.processes[0], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Stairs(Retraceable):
    """Three steps up; the player stands on one."""

    def start(self) -> Scene:
        self.height = 0
        return self._scene()

    def act(self, command: str) -> Scene:
        self.height += 1 if command == "up" else -1
        return self._scene()

    def situation(self, state: State) -> str:
        return f"You stand on step {state.values['height']}."

    def _scene(self) -> Scene:
        actions = ["up", "down"] if self.height else ["up"]
        return Scene("", {"height": self.height}, actions, reward=float(self.height), won=self.height == 3)


@pytest.fixture
def minigrid() -> None:
    pytest.importorskip("minigrid")


@pytest.fixture(scope="module")
def java() -> Iterator[None]:
    """The text games, where they can be played; no process of theirs is left behind."""
    pytest.importorskip("textworld_express")
    yield
    POOL.close()


def play(environment: ChoiceEnvironment, actions: list[str]) -> list[State]:
    """The states from the first one on, until the game is over."""
    states = [environment.reset()]
    for action in actions:
        if environment.is_terminal(states[-1]):
            break
        states.append(environment.execute(command(action, "test"), states[-1]))
    return states


def wander(environment: ChoiceEnvironment, seed: int) -> list[State]:
    """The states of a game of random actions."""
    states, chance = [environment.reset()], random.Random(seed)
    while not environment.is_terminal(states[-1]):
        chosen = chance.choice(environment.admissible(states[-1]))
        states.append(environment.execute(command(chosen, "test"), states[-1]))
    return states


def assert_plain(environment: ChoiceEnvironment, states: list[State], task: Task) -> None:
    """What every state owes a learner: plain JSON, its actions in order, and words that don't name the instance."""
    for state in states:
        assert json.loads(json.dumps(state.values)) == state.values
        actions = environment.admissible(state)
        assert list(actions) == sorted(set(actions))
        assert actions
        assert f"{task.inputs['seed']}" not in environment.situation(state)
    assert states[0].values["moves"] == []


def test_a_game_goes_on_from_a_state_that_another_environment_was_in() -> None:
    before = play(Stairs(steps=9), ["up", "up"])[-1]

    after = Stairs(steps=9).execute(command("down", "test"), before)

    assert (after.values["height"], after.values["moves"]) == (1, ["up", "up", "down"])


def test_a_branch_leaves_the_way_that_was_gone_before() -> None:
    stairs = Stairs(steps=9)
    first, second, third = play(stairs, ["up", "up"])

    branch = stairs.execute(command("down", "test"), second)
    onward = stairs.execute(command("up", "test"), third)

    assert (first.values["height"], branch.values["height"], onward.values["height"]) == (0, 0, 3)


@pytest.mark.parametrize("action", [command("down", "test"), command("fly", "test"), Finish("up")])
def test_what_cannot_be_done_leaves_the_world_as_it_was_and_says_so(action: "Finish") -> None:
    stairs = Stairs(steps=9)
    before = stairs.reset()

    after = stairs.execute(action, before)

    assert "can't be done" in text(after, "told")
    assert {**after.values, "told": ""} == before.values


def test_a_game_is_over_when_it_is_won_or_its_steps_are_used_up() -> None:
    won, tired = play(Stairs(steps=9), ["up"] * 5), play(Stairs(steps=2), ["up"] * 5)

    assert [(len(states) - 1, Stairs(1).succeeded(states[-1])) for states in (won, tired)] == [(3, True), (2, False)]


def test_where_java_is_missing_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(MissingExtra, match="no 'java' on the PATH"):
        GamePool().borrow("coin")


def test_where_a_package_is_missing_the_error_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "java").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for package in ("textworld_express", "minigrid"):
        monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(MissingExtra, match=r"pip install textworld-express==1\.1\.0"):
        GamePool().borrow("coin")
    with pytest.raises(MissingExtra, match=r"pip install minigrid==3\.2\.0"):
        BabyAIWorld("babyai/GoToObj").held_out(1, "dev")


@pytest.mark.parametrize("world", [TextWorld("twc"), BabyAIWorld("babyai/GoToObj")])
def test_training_games_cannot_be_held_out(world: World) -> None:
    with pytest.raises(UsageError, match="'dev' or 'test'"):
        world.held_out(1, "train")


@pytest.mark.slow
@pytest.mark.usefixtures("java")
@pytest.mark.parametrize("game", GAMES)
def test_a_text_game_is_won_by_its_oracle_and_gives_one_point_in_all(game: str) -> None:
    world = TextWorld(game, steps=200)
    task = world.training(3, seed=1)[2]
    environment = world.environment(task)

    states = play(environment, world.oracle(task).splitlines())

    assert isinstance(environment, ChoiceEnvironment)
    assert environment.succeeded(states[-1]) is True
    assert sum(environment.reward(state) for state in states) == pytest.approx(1.0)
    assert_plain(environment, states, task)


@pytest.mark.slow
@pytest.mark.usefixtures("java")
@pytest.mark.parametrize("game", GAMES)
def test_the_same_text_task_is_the_same_game_in_another_process_of_java(game: str) -> None:
    world = TextWorld(game)
    task = world.held_out(2, "dev")[1]
    one, two = world.environment(task), world.environment(task)
    two.reset()  # so that each has a process of its own

    assert wander(one, seed=7) == wander(two, seed=7)


@pytest.mark.slow
@pytest.mark.usefixtures("java")
def test_text_tasks_of_training_differ_by_seed_and_are_never_held_out() -> None:
    world = TextWorld("twc")
    first, again, other = world.training(50, seed=1), world.training(50, seed=1), world.training(50, seed=2)
    held_out = world.held_out(20, "dev")

    assert first == again != other
    assert held_out[:5] == world.held_out(5, "dev")
    assert not {task.id for task in (*first, *other)} & {task.id for task in held_out}
    assert (held_out[0].id, held_out[0].family) == ("twc/dev/10000", "twc")


@pytest.mark.slow
@pytest.mark.usefixtures("java")
def test_a_game_that_is_lost_takes_a_point_and_is_over() -> None:
    world = TextWorld("cookingworld")
    games = [wander(world.environment(task), seed=0) for task in world.training(20, seed=0)]

    last = next(states[-1] for states in games if states[-1].values["lost"])

    game = world.environment(world.training(1, seed=0)[0])
    assert (game.reward(last), game.succeeded(last), game.is_terminal(last)) == (LOST, False, True)


@pytest.mark.slow
@pytest.mark.usefixtures("java")
def test_a_recipe_that_was_read_stays_in_sight() -> None:
    world = TextWorld("cookingworld")
    game = world.environment(next(task for task in world.training(20, seed=0) if _recipe_at_hand(world, task)))

    states = play(game, ["read cookbook", "look around", "inventory"])

    assert ["Directions:" in game.situation(state) for state in states] == [False, True, True, True]
    assert game.situation(states[1]).count("Directions:") == 1


@pytest.mark.slow
@pytest.mark.usefixtures("java")
def test_java_processes_are_lent_out_again_after_a_game_and_after_an_environment_is_gone() -> None:
    POOL.close()
    for game in GAMES:
        for task in TextWorld(game).training(2, seed=0):
            wander(TextWorld(game).environment(task), seed=0)
            TextGame(game, "train", 5).reset()  # never finished, and collected at once
    sequential = len(POOL.processes)
    playing = [TextGame("coin", "train", seed) for seed in (1, 2)]
    for each in playing:
        each.reset()

    assert (sequential, len(POOL.processes)) == (1, 2)


@pytest.mark.slow
@pytest.mark.usefixtures("java")
def test_java_ends_with_the_python_that_started_it_even_when_that_is_killed() -> None:
    root = Path(__file__).parents[2]
    started = subprocess.run([sys.executable, "-c", START_ONE], cwd=root, capture_output=True, text=True, timeout=50)
    assert started.returncode == -signal.SIGKILL
    try:
        watched = os.pidfd_open(int(started.stdout))
    except ProcessLookupError:
        return

    gone, _, _ = select.select([watched], [], [], 20)

    os.close(watched)
    assert gone


@pytest.mark.usefixtures("minigrid")
@pytest.mark.parametrize("level", LEVELS)
def test_a_room_is_won_by_its_oracle(level: str) -> None:
    world = BabyAIWorld(f"babyai/{level}")
    task = world.held_out(3, "dev")[2]
    environment = world.environment(task)

    states = play(environment, world.oracle(task).splitlines())

    assert isinstance(environment, ChoiceEnvironment)
    assert (environment.succeeded(states[-1]), environment.is_terminal(states[-1])) == (True, True)
    assert 0 < sum(environment.reward(state) for state in states) < 1
    assert f"Goal: {task.goal}." in environment.situation(states[0])
    assert_plain(environment, states, task)


@pytest.mark.usefixtures("minigrid")
def test_a_room_that_was_won_has_reached_its_mission_in_the_missions_own_words() -> None:
    world = BabyAIWorld("babyai/GoToLocal")

    for task in world.training(20, seed=0):
        environment = world.environment(task)
        states = play(environment, world.oracle(task).splitlines())
        assert [task.goal in environment.achieved(state) for state in states] == [False] * (len(states) - 1) + [True]


@pytest.mark.usefixtures("minigrid")
def test_folds_of_rooms_are_ranges_of_seeds_that_do_not_meet() -> None:
    world = BabyAIWorld("babyai/GoToObj")
    trained = [task.inputs["seed"] for task in (*world.training(50, seed=1), *world.training(50, seed=2))]
    held_out = [task.inputs["seed"] for task in world.held_out(3, "dev")]

    assert world.training(5, seed=1) == world.training(5, seed=1)
    assert all(isinstance(seed, int) and seed < FOLDS["dev"] for seed in trained)
    assert held_out == [FOLDS["dev"], FOLDS["dev"] + 1, FOLDS["dev"] + 2]


@pytest.mark.usefixtures("minigrid")
def test_turning_round_once_shows_the_same_view_and_an_action_without_effect_says_so() -> None:
    world = BabyAIWorld("babyai/PickupLoc")
    task = next(task for task in world.training(20, seed=0) if not _faces_something(world, task))

    states = play(world.environment(task), [*["turn left"] * 4, "drop", "toggle"])

    assert states[0].values["view"] == states[4].values["view"]
    assert [text(state, "told") for state in states[4:]] == ["", *["The last action changed nothing."] * 2]


@pytest.mark.usefixtures("minigrid")
def test_a_view_is_told_from_where_the_player_stands_nearest_first() -> None:
    floor, wall, red_ball, open_blue_door, grey_key = [1, 0, 0], [2, 5, 0], [6, 0, 0], [4, 2, 0], [5, 5, 0]
    image = [[floor] * 7 for _ in range(7)]  # by column, from the left; each from afar
    image[2][4] = red_ball
    image[4][6] = grey_key
    image[3][0] = open_blue_door
    image[1] = [wall] * 7

    assert described(image) == [
        "a grey key 1 step to the right",
        "a wall 2 steps to the left",
        "a red ball 2 steps ahead and 1 to the left",
        "an open blue door 6 steps ahead",
    ]


def _recipe_at_hand(world: TextWorld, task: Task) -> bool:
    environment = world.environment(task)
    return "read cookbook" in environment.admissible(environment.reset())


def _faces_something(world: BabyAIWorld, task: Task) -> bool:
    environment = world.environment(task)
    return bool(environment.achieved(environment.reset()))
