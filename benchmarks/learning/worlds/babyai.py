"""BabyAI: a room seen from within, told in words.

In:  the name of a level of the package minigrid, and how many tasks.
Out: tasks, each with an environment of six actions.

    GoToObj    one thing in the room: go to it
    GoToLocal  eight things: go to the one the goal names
    PickupLoc  eight things: pick up the one the goal names, by where it lies too ("the key on your left")

The player sees seven by seven squares ahead of it, told thing by thing: "a red ball 2 steps ahead and 1 to the left".
Levels are of BabyAI (https://arxiv.org/abs/1810.08272), telling them in words after BabyAI-Text
(https://arxiv.org/abs/2302.02662); its wording is not used. The reward is the level's own: 0, and on success
1 - 0.9 * steps / budget. Folds are ranges of seeds of one generator: held-out rooms are other rooms of the same kind, and
the rare one may look like one of training.
"""

import io
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from benchmarks.learning.worlds.retrace import Retraceable, Scene, strings, text
from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.state import State
from purpose_agent.core.task import Limits, Task

LEVELS = ("GoToObj", "GoToLocal", "PickupLoc")
STEPS = 50
FOLDS = {"train": 0, "dev": 1_000_000, "test": 2_000_000}
"""The first seed of each; a fold has a million."""

ACTIONS = ("turn left", "turn right", "go forward", "pick up", "drop", "toggle")
"""By the number the package gives them."""

REQUIREMENT = "minigrid==3.2.0"
_DOORS = ("open ", "closed ", "locked ")


class Thing(Protocol):
    """A thing of the package: its kind, such as "key", and its colour."""

    type: str
    color: str


class Grid(Protocol):
    """What is used here of the package's grid."""

    grid: list[Thing | None]

    def get(self, i: int, j: int) -> Thing | None: ...


class Level(Protocol):
    """What is used here of the package's levels."""

    grid: Grid
    carrying: Thing | None
    front_pos: Sequence[int]

    def reset(self, *, seed: int) -> tuple[dict[str, Any], dict[str, Any]]: ...
    def step(self, action: int) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]: ...


class BabyAIGame(Retraceable):
    """One room of a level."""

    def __init__(self, level: str, seed: int, steps: int = STEPS) -> None:
        super().__init__(steps)
        self._level = _opened(level, steps)
        self._seed = seed
        self._before: tuple[list[str], str] = ([], "")

    def start(self) -> Scene:
        self._before = ([], "")
        return self._scene(_restarted(self._level, self._seed), 0.0, ended=False)

    def act(self, command: str) -> Scene:
        seen, reward, ended, _, _ = self._level.step(ACTIONS.index(command))
        return self._scene(seen, float(reward), ended)

    def situation(self, state: State) -> str:
        """The goal, what is where, and what is carried."""
        view, told = strings(state, "view"), text(state, "told")
        sight = f"You see {', '.join(view)}." if view else "You see nothing but floor."
        return "\n".join(part for part in (f"Goal: {text(state, 'goal')}.", sight, text(state, "carried"), told) if part)

    def _scene(self, seen: dict[str, Any], reward: float, ended: bool) -> Scene:
        level = self._level
        view = described(seen["image"])
        carried = f"You carry a {_named(level.carrying)}." if level.carrying else "You carry nothing."
        told = "The last action changed nothing." if self._before == (view, carried) else ""
        self._before = (view, carried)
        return Scene(
            told=told,
            facts={"goal": cast("str", seen["mission"]), "view": list(view), "carried": carried},
            actions=ACTIONS,
            reward=reward,
            won=reward > 0,
            lost=ended and reward <= 0,
            reached=self._reached(),
        )

    def _reached(self) -> list[str]:
        """Missions that hold now, with the article they would be given with."""
        level = self._level
        faced, held = level.grid.get(*level.front_pos), level.carrying
        things = [_named(thing) for thing in (*level.grid.grid, held) if thing is not None]
        missions = [("go to", faced)] if faced is not None and faced.type in ("box", "ball", "key", "door") else []
        missions += [("pick up", held)] if held is not None else []
        return [f"{verb} {'a' if things.count(_named(thing)) > 1 else 'the'} {_named(thing)}" for verb, thing in missions]


@dataclass(frozen=True, slots=True)
class BabyAIWorld:
    """One level, as a source of tasks.

    Attributes:
        name: "babyai/" and the level.
        control: False: these are worlds where something can be learned.
        steps: After as many the game is over.
    """

    name: str
    control: bool = False
    steps: int = STEPS

    def training(self, n: int, seed: int) -> Sequence[Task]:
        """`n` different rooms of the train fold, drawn by `seed`."""
        return self._tasks("train", random.Random(f"{self.name}/{seed}").sample(range(FOLDS["dev"]), n))

    def held_out(self, n: int, fold: str) -> Sequence[Task]:
        """The first `n` rooms of the fold "dev" or "test".

        Raises:
            UsageError: The fold is another.
        """
        if fold not in ("dev", "test"):
            raise UsageError(f"held_out(fold={fold!r}): what is held out is the fold 'dev' or 'test'.")
        return self._tasks(fold, range(FOLDS[fold], FOLDS[fold] + n))

    def environment(self, task: Task) -> ChoiceEnvironment:
        return BabyAIGame(self._level, cast("int", task.inputs["seed"]), self.steps)

    def oracle(self, task: Task) -> str:
        """The way of the package's own bot, which sees what a player sees; an action a line. Empty if it fails."""
        seed, level = cast("int", task.inputs["seed"]), _opened(self._level, self.steps)
        _restarted(level, seed)
        bot_of = cast("Callable[[Level], Any]", import_module("minigrid.utils.baby_ai_bot").BabyAIBot)
        bot, last, lines = bot_of(level), None, list[str]()
        while True:
            last = bot.replan(last)
            lines.append(ACTIONS[int(last)])
            _, reward, ended, out_of_time, _ = level.step(int(last))
            if ended or out_of_time:
                return "\n".join(lines) if reward > 0 else ""

    @property
    def _level(self) -> str:
        return self.name.removeprefix("babyai/")

    def _tasks(self, fold: str, seeds: Iterable[int]) -> list[Task]:
        level = _opened(self._level, self.steps)
        return [
            Task(
                cast("str", _restarted(level, seed)["mission"]),
                limits=Limits(steps=self.steps),
                inputs={"game": self.name, "seed": seed, "fold": fold},
                labels={"family": self.name},
                id=f"{self.name}/{fold}/{seed}",
            )
            for seed in seeds
        ]


def babyai_worlds() -> tuple[BabyAIWorld, ...]:
    """One for each level."""
    return tuple(BabyAIWorld(f"babyai/{level}") for level in LEVELS)


def described(image: Any) -> list[str]:
    """A partial view in words, the nearest first: each thing, and the walls straight ahead and to both sides.

    Args:
        image: As the package gives it, a square of (kind, colour, state), the player at the middle of the last row,
            looking to the first.
    """
    kinds, colours = _names()
    size = len(image)
    middle = size // 2
    cells = {
        (ahead, side): (kinds[int(kind)], f"{_DOORS[int(state)] if kinds[int(kind)] == 'door' else ''}{colours[int(colour)]}")
        for side in range(-middle, size - middle)
        for ahead in range(size)
        for kind, colour, state in [image[middle + side][size - 1 - ahead]]
    }
    straight = (
        [(n, 0) for n in range(1, size)],
        [(0, -n) for n in range(1, middle + 1)],
        [(0, n) for n in range(1, middle + 1)],
    )
    walls = [next((place for place in line if cells[place][0] == "wall"), None) for line in straight]
    found = [(place, "a wall") for place in walls if place is not None]
    for place, (kind, look) in cells.items():
        # At the player's own place the package shows what it carries.
        if kind in ("door", "key", "ball", "box") and place != (0, 0):
            found.append((place, f"{'an' if look[0] == 'o' else 'a'} {look} {kind}"))
    found.sort(key=lambda seen: (seen[0][0] + abs(seen[0][1]), seen[0], seen[1]))
    return [f"{name} {_where(*place)}" for place, name in found]


def _where(ahead: int, side: int) -> str:
    way = f"to the {'left' if side < 0 else 'right'}"
    steps = f"{ahead or abs(side)} step{'' if (ahead or abs(side)) == 1 else 's'}"
    if not ahead:
        return f"{steps} {way}"
    return f"{steps} ahead and {abs(side)} {way}" if side else f"{steps} ahead"


def _named(thing: Thing) -> str:
    return f"{thing.color} {thing.type}"


def _opened(level: str, steps: int) -> Level:
    """A level of its own, not yet started.

    Raises:
        MissingExtra: The package is not installed.
    """
    try:
        gymnasium = import_module("gymnasium")
        import_module("minigrid")
    except ImportError as error:
        raise MissingExtra(f"The BabyAI levels need a package: pip install {REQUIREMENT}") from error
    return cast("Level", gymnasium.make(f"BabyAI-{level}-v0", disable_env_checker=True, max_steps=steps).unwrapped)


def _restarted(level: Level, seed: int) -> dict[str, Any]:
    """What is seen first. The package prints each layout it throws away; that is not for us."""
    with redirect_stdout(io.StringIO()):
        return level.reset(seed=seed)[0]


@cache
def _names() -> tuple[dict[int, str], dict[int, str]]:
    constants = import_module("minigrid.core.constants")
    return constants.IDX_TO_OBJECT, constants.IDX_TO_COLOR
