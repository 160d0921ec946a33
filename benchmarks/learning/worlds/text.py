"""TextWorldExpress: households in text, to tidy, cook and search.

In:  the name of a game, and how many tasks.
Out: tasks from the package's own folds, each with an environment of listed actions.

    twc           put things where they usually belong: which place for which thing can be learned. One room and three
                  things, the medium level of the paper about it (https://arxiv.org/abs/2010.03790)
    twc-hard      the same with the package's default: three rooms, four things
    cookingworld  cook after a recipe: which tool for which preparation can be learned
    coin          find a coin in rooms that differ each time: a way of searching can be learned
    mapreader     fetch a coin from a named room with the help of a map: a way of reading it can be learned

The folds are the package's (https://arxiv.org/abs/2208.01174); the README says how they differ. Every other game has
its default parameters. The reward of a step is the gain in the game's score (a whole game is worth 1); a step that
loses the game gives -1 instead. A seed shows in a task's inputs, never in a situation.
"""

import random
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from benchmarks.learning.worlds.java import POOL, Lent
from benchmarks.learning.worlds.retrace import Retraceable, Scene, strings, text
from purpose_agent.core.errors import UsageError
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.state import State
from purpose_agent.core.task import Limits, Task

GAMES: Mapping[str, tuple[str, str]] = {
    "twc": ("twc", "numLocations=1,numItemsToPutAway=3"),
    "twc-hard": ("twc", ""),
    "cookingworld": ("cookingworld", ""),
    "coin": ("coin", ""),
    "mapreader": ("mapreader", ""),
}
"""Our name of a world: the package's name of the game, and its parameters, "" for the default."""
STEPS = 50
LOST = -1.0
SOLUTIONS = 5


class TextGame(Retraceable):
    """One game of TextWorldExpress. It borrows a Java process while it is played."""

    def __init__(self, game: str, fold: str, seed: int, steps: int = STEPS, params: str | None = None) -> None:
        super().__init__(steps)
        self._game, self._fold, self._seed = _loaded(game, params), fold, seed
        self._lent: Lent | None = None
        self._release: weakref.finalize[..., Any] | None = None
        self._score = 0.0
        self._read: dict[str, str] = {}

    def start(self) -> Scene:
        if self._lent is None:
            self._lent = POOL.borrow(*self._game)
            self._release = weakref.finalize(self, POOL.give_back, self._lent)
            self._release.atexit = False
        self._score, self._read = 0.0, {}
        return self._scene(self._lent.start(self._seed, self._fold))

    def act(self, command: str) -> Scene:
        if self._lent is None:
            raise UsageError("TextGame.act() before start(): nothing is being played.")
        shown = self._lent.server.step(command)[3]
        # Kept, for the game shows it once and a player may have no memory of its steps.
        if command.startswith("read "):
            self._read = {**self._read, command.removeprefix("read "): _line(shown["observation"])}
        return self._scene(shown)

    def close(self) -> None:
        super().close()
        if self._release is not None:
            self._release()
        self._lent = self._release = None

    def situation(self, state: State) -> str:
        """The task, the room, what is carried, and what was read. The same whichever way one came here."""
        parts = [text(state, "task"), text(state, "look"), text(state, "carried"), *strings(state, "read")]
        return "\n".join(part for part in parts if part)

    def _scene(self, shown: Mapping[str, Any]) -> Scene:
        gained, self._score = shown["score"] - self._score, shown["score"]
        won, lost = bool(shown["tasksuccess"]), bool(shown["taskfailure"])
        return Scene(
            told=_line(shown["observation"]),
            facts={
                "task": _line(shown["taskDescription"]),
                "look": _line(shown["look"]),
                "carried": _carried(shown["inventory"]),
                "read": [known for _, known in sorted(self._read.items())],
                "score": shown["score"],
            },
            actions=shown["validActions"],
            reward=LOST if lost else gained,
            won=won,
            lost=lost,
        )


@dataclass(frozen=True, slots=True)
class TextWorld:
    """One game, as a source of tasks.

    Attributes:
        name: The game, one of `GAMES`.
        control: Whether it is taken as one: a way of searching helps in each of them, what was seen elsewhere need not.
        steps: After as many the game is over.
        params: Of the game, as the package writes them: "numLocations=1"; None for those of `GAMES`.
    """

    name: str
    control: bool = False
    steps: int = STEPS
    params: str | None = None

    def training(self, n: int, seed: int) -> Sequence[Task]:
        """`n` different games of the train fold, drawn by `seed`.

        Raises:
            UsageError: The fold has fewer.
        """
        return self._tasks("train", n, drawn_by=seed)

    def held_out(self, n: int, fold: str) -> Sequence[Task]:
        """The first `n` games of the fold "dev" or "test".

        Raises:
            UsageError: The fold is another, or has fewer.
        """
        if fold not in ("dev", "test"):
            raise UsageError(f"held_out(fold={fold!r}): what is held out is the fold 'dev' or 'test'.")
        return self._tasks(fold, n)

    def environment(self, task: Task) -> ChoiceEnvironment:
        return TextGame(self.name, *_address(task), self.steps, self.params)

    def oracle(self, task: Task) -> str:
        """A solution, an action a line: the shortest of some by the package's own player, which explores first.

        That player draws by chance without a seed, so another call may answer with another solution. Of cookingworld
        some are longer than the budget of steps.
        """
        with POOL.lending(*_loaded(self.name, self.params)) as lent:
            return min(("\n".join(_solved(lent, task)) for _ in range(SOLUTIONS)), key=lambda lines: (lines.count("\n"), lines))

    def _tasks(self, fold: str, n: int, drawn_by: int | None = None) -> list[Task]:
        with POOL.lending(*_loaded(self.name, self.params)) as lent:
            seeds = lent.seeds(fold)
            if n > len(seeds):
                raise UsageError(f"{self.name} has {len(seeds)} games in the fold {fold!r}, not {n}.")
            chosen = seeds[:n] if drawn_by is None else random.Random(f"{self.name}/{drawn_by}").sample(seeds, n)
            return [self._task(fold, seed, _line(lent.start(seed, fold)["taskDescription"])) for seed in chosen]

    def _task(self, fold: str, seed: int, goal: str) -> Task:
        return Task(
            goal,
            limits=Limits(steps=self.steps),
            inputs={"game": self.name, "seed": seed, "fold": fold},
            labels={"family": self.name},
            id=f"{self.name}/{fold}/{seed}",
        )


def text_worlds() -> tuple[TextWorld, ...]:
    """One for each game."""
    return tuple(TextWorld(game) for game in GAMES)


def _loaded(name: str, params: str | None = None) -> tuple[str, str]:
    """What the package calls the game, and its parameters. A name that is not ours is taken as the package's."""
    game, usual = GAMES.get(name, (name, ""))
    return game, usual if params is None else params


def _address(task: Task) -> tuple[str, int]:
    inputs = cast("dict[str, Any]", task.inputs)
    return inputs["fold"], inputs["seed"]


def _solved(lent: Lent, task: Task) -> list[str]:
    """What the package's player does, up to the action that wins."""
    fold, seed = _address(task)
    lent.start(seed, fold, gold=True)
    done: list[str] = []
    for action in lent.server.getGoldActionSequence():
        done.append(action)
        if lent.server.step(action)[3]["tasksuccess"]:
            break
    return done


def _line(said: str) -> str:
    return " ".join(said.split())


def _carried(inventory: str) -> str:
    """The game's inventory as a sentence."""
    head, *things = [line.strip() for line in inventory.strip().splitlines()]
    most = f" ({head.partition('(')[2].partition(')')[0]})" if "(" in head else ""
    if any("currently empty" in thing for thing in things):
        return f"You carry nothing{most}."
    return f"You carry{most}: {', '.join(things)}."
