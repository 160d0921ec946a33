"""How one condition is measured in one world: train a little, freeze, look at the held-out tasks, train on.

In:  a world, a condition, a seed, a budget.
Out: a learning curve with all that it cost.

Every condition meets the same training tasks in the same order, the same held-out tasks, the same seeds and the same
budget. No task is on both sides. At each checkpoint what waits is settled first, then memory is frozen. After the last
one the player is closed and opened again on its folder: what it knew must still be there. Not here: what the numbers
mean (`analysis.py`), and whether a player really keeps its memory frozen: that is a property of the player.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Protocol
from zlib import crc32

from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.task import Task


@dataclass(frozen=True, slots=True)
class Outcome:
    """One task done.

    Attributes:
        success: None where nobody could tell.
        score: What the world gave, on its own scale; None where it gives none.
        steps: Decisions made, retries included.
        tokens: Of the model, input and output.
        memory_tokens: Tokens of the prompts that were memory; 0 without a model.
        memory_seconds: Spent on finding and ranking what is known.
        seconds: Wall time of the task.
    """

    success: bool | None
    score: float | None
    steps: int
    tokens: int
    memory_tokens: int
    memory_seconds: float
    seconds: float


class World(Protocol):
    """A source of tasks; it keeps no state but caches."""

    @property
    def name(self) -> str:
        """Such as "rules/doors" or "twc"."""
        ...

    @property
    def control(self) -> bool:
        """Whether memory should neither help nor harm here."""
        ...

    @property
    def steps(self) -> int:
        """Decisions that a task may take; 1 where a task is one choice."""
        ...

    def training(self, n: int, seed: int) -> Sequence[Task]:
        """`n` tasks to learn from; another seed gives another order or other instances."""
        ...

    def held_out(self, n: int, fold: str) -> Sequence[Task]:
        """Up to `n` tasks to be measured on, never one to learn from; the same for every seed and condition."""
        ...

    def environment(self, task: Task) -> ChoiceEnvironment | None:
        """A fresh one for `task`; None where the task has its choices and checks itself."""
        ...

    def oracle(self, task: Task) -> str:
        """The rule in words, or the way to the goal line by line; "" where there is none."""
        ...


class Player(Protocol):
    """One learner in one world with one seed; it owns its folder."""

    @property
    def spent_steps(self) -> int:
        """Decisions that settling has taken so far, such as those of trials."""
        ...

    def learn(self, task: Task) -> Outcome:
        """Do `task` with feedback; memory may be written."""
        ...

    def settle(self) -> int:
        """Do what waits: reflection, trials. Returns the tokens of the model that it took."""
        ...

    def perform(self, task: Task, seed: int) -> Outcome:
        """Do `task` with memory as it is; nothing is written."""
        ...

    def close(self) -> None:
        """Give back the folder."""
        ...


class Condition(Protocol):
    """A way to learn, or not to."""

    @property
    def name(self) -> str:
        """Such as "none", "placebo", "oracle", "reflexion", "episodes", "ungated", "full", "full-minus-gate"."""
        ...

    def open(self, world: World, folder: Path, model: str, seed: int) -> Player:
        """A player; in a folder that was used before it knows what was known there."""
        ...


@dataclass(frozen=True, slots=True)
class Budget:
    """What training may cost in all, settling included; None for no limit. The task that passes it is finished."""

    steps: int | None = None
    tokens: int | None = None

    def allows(self, steps: int, tokens: int) -> bool:
        """Whether another task may be trained on after that much."""
        return (self.steps is None or steps < self.steps) and (self.tokens is None or tokens < self.tokens)


@dataclass(frozen=True, slots=True)
class Curve:
    """What one condition reached in one world with one seed.

    Attributes:
        held_out: Keys of the held-out tasks.
        points: Tasks trained on, and the outcomes then, in the order of `held_out`.
        training: Fewer than were asked for if the budget ended first; later points then repeat the one reached.
        settle_tokens: Of the model, for reflection and trials; like `settle_steps` not part of `training`.
        restarted: The held-out tasks once more, after a restart; None if not tried.
        retries: It was measured on the tasks that it trained on. Shown apart: such curves reward memorising.
    """

    condition: str
    world: str
    control: bool
    seed: int
    held_out: tuple[str, ...]
    points: tuple[tuple[int, tuple[Outcome, ...]], ...]
    training: tuple[Outcome, ...]
    settle_tokens: int = 0
    settle_steps: int = 0
    settle_seconds: float = 0.0
    restarted: tuple[Outcome, ...] | None = None
    retries: bool = False

    @property
    def learn_tokens(self) -> int:
        """Tokens of the model that learning took."""
        return sum(outcome.tokens for outcome in self.training) + self.settle_tokens

    @property
    def learn_steps(self) -> int:
        """Decisions that learning took."""
        return sum(outcome.steps for outcome in self.training) + self.settle_steps

    @property
    def final(self) -> tuple[Outcome, ...]:
        """The outcomes after all training."""
        return self.points[-1][1]


def measure(
    world: World,
    condition: Condition,
    *,
    model: str,
    seed: int,
    train: int,
    at: Sequence[int],
    held_out: Sequence[Task],
    folder: Path,
    budget: Budget | None = None,
    retries: bool = False,
    restart: bool = True,
) -> Curve:
    """One learning curve.

    Args:
        model: As `Agent` takes it; "none" for none.
        train: Tasks to train on.
        at: After how many of them to look at the held-out tasks; 0 and `train` are always added.
        folder: The player's own; made if it isn't there.
        budget: For training in all, the same for every condition; None for no limit.
        retries: Train on the held-out tasks themselves, round after round, instead of the world's training tasks.
        restart: Look once more after a restart. It costs as much as one checkpoint.

    Raises:
        ValueError: A checkpoint lies outside of the training; no or too few tasks; a held-out task is trained on.
    """
    tasks = _repeated(held_out, train) if retries else world.training(train, seed)
    _check(world.name, tasks, train, at, held_out, retries)
    folder.mkdir(parents=True, exist_ok=True)
    session = _Session(condition.open(world, folder, model, seed), seed, budget or Budget())
    points: list[tuple[int, tuple[Outcome, ...]]] = []
    try:
        for checkpoint in sorted({0, train, *at}):
            changed = session.train(tasks, checkpoint) or not points
            points.append((checkpoint, session.look(held_out) if changed else points[-1][1]))
    finally:
        session.player.close()
    return Curve(
        condition=condition.name,
        world=world.name,
        control=world.control,
        seed=seed,
        held_out=tuple(task.key for task in held_out),
        points=tuple(points),
        training=tuple(session.training),
        settle_tokens=session.settle_tokens,
        settle_steps=session.settle_steps,
        settle_seconds=session.settle_seconds,
        restarted=_after_restart(world, condition, folder, model, seed, held_out) if restart else None,
        retries=retries,
    )


class _Session:
    """A player at work, and what its learning has cost."""

    def __init__(self, player: Player, seed: int, budget: Budget) -> None:
        self.player = player
        self.seed = seed
        self.budget = budget
        self.training: list[Outcome] = []
        self.settle_tokens = 0
        self.settle_steps = 0
        self.settle_seconds = 0.0

    def train(self, tasks: Sequence[Task], upto: int) -> bool:
        """Train on until `upto` tasks are done or the budget is; whether anything was trained on."""
        before = len(self.training)
        while len(self.training) < upto and self.budget.allows(*self._spent()):
            self.training.append(self.player.learn(tasks[len(self.training)]))
        if len(self.training) == before:
            return False
        started = perf_counter()
        self.settle_tokens += self.player.settle()
        self.settle_seconds += perf_counter() - started
        self.settle_steps = self.player.spent_steps
        return True

    def look(self, held_out: Sequence[Task]) -> tuple[Outcome, ...]:
        return tuple(self.player.perform(task, draw(self.seed, task)) for task in held_out)

    def _spent(self) -> tuple[int, int]:
        steps = sum(outcome.steps for outcome in self.training) + self.settle_steps
        return steps, sum(outcome.tokens for outcome in self.training) + self.settle_tokens


def draw(seed: int, task: Task) -> int:
    """The seed of one attempt: the same for every condition and checkpoint, another for every task."""
    return crc32(f"{seed} {task.key}".encode())


def _after_restart(
    world: World, condition: Condition, folder: Path, model: str, seed: int, held_out: Sequence[Task]
) -> tuple[Outcome, ...]:
    session = _Session(condition.open(world, folder, model, seed), seed, Budget())
    try:
        return session.look(held_out)
    finally:
        session.player.close()


def _repeated(tasks: Sequence[Task], n: int) -> list[Task]:
    return [tasks[number % len(tasks)] for number in range(n)] if tasks else []


def _check(world: str, tasks: Sequence[Task], train: int, at: Sequence[int], held_out: Sequence[Task], retries: bool) -> None:
    if not held_out:
        raise ValueError(f"{world} has no held-out tasks: there is nothing to measure.")
    if len(tasks) != train:
        raise ValueError(f"{world} gave {len(tasks)} tasks to train on, {train} were asked for.")
    if any(not 0 <= checkpoint <= train for checkpoint in at):
        raise ValueError(f"Checkpoints {list(at)} don't all lie within 0 … {train}.")
    if len({task.key for task in held_out}) < len(held_out):
        raise ValueError(f"{world} holds a task out twice; give each task an id of its own.")
    both = sorted({task.key for task in tasks} & {task.key for task in held_out})
    if both and not retries:
        raise ValueError(f"{world} trains on held-out tasks: {', '.join(both[:3])}.")
