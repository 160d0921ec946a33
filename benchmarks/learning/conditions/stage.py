"""One task as a peer sees it: a state, what can be done, whether it is over.

In:  a task of a world, and the actions a peer takes, named as its model named them.
Out: views as plain JSON; how it ended.

The world never leaves this process. In training ("told") a view also says what the judge said: the reward of a step, or
what was expected of an answer, as our own agents are told.
"""

import re
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Protocol, cast

from benchmarks.learning.protocol import World
from purpose_agent.core.action import command
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.score import Score
from purpose_agent.core.task import Task
from purpose_agent.critics.checks import CheckCritic, failures
from purpose_agent.runtime.sync import run_sync
from purpose_agent.sandbox.sandbox import Sandbox

IMPOSSIBLE = "That is not one of the available actions; nothing happened."


class Stage(Protocol):
    """A task under way.

    Attributes:
        success: As it stands now.
        steps: Actions so far, impossible ones included.
        seconds: Spent in the world or its judge.
    """

    steps: int
    seconds: float

    @property
    def success(self) -> bool | None: ...

    @property
    def score(self) -> float | None: ...

    def view(self) -> dict[str, object]: ...

    def act(self, name: str, arguments: object) -> dict[str, object]: ...


def stage_for(world: World, task: Task, *, told: bool) -> Stage:
    """The stage of `task`."""
    environment = world.environment(task)
    return Question(task, told=told) if environment is None else Episode(environment, told=told)


class Question:
    """A task that is one answer, of `choices` or in words."""

    def __init__(self, task: Task, *, told: bool) -> None:
        self.steps = 0
        self.seconds = 0.0
        self._task = task
        self._told = told
        self._answer: str | None = None
        self._verdict: Score | None = None

    @property
    def success(self) -> bool | None:
        """False as long as nothing that can be judged was answered."""
        if not self._task.checks:
            return None
        return self._verdict is not None and all(check.passed is True for check in self._verdict.checks)

    @property
    def score(self) -> float | None:
        return None

    def view(self) -> dict[str, object]:
        actions = dict.fromkeys(self._task.choices, "give this answer") or {"answer": "give the answer: params.text is it"}
        state: dict[str, object] = {**self._task.inputs, "your_answer": self._answer or "(none yet)"}
        if self._told and self._verdict is not None:
            state["feedback"] = "correct" if self.success else f"wrong: {failures(self._verdict)}"
        return {"state": state, "actions": actions, "over": self._answer is not None}

    def act(self, name: str, arguments: object) -> dict[str, object]:
        self.steps += 1
        answer = _meant(name, arguments, self._task.choices) if self._task.choices else _written(name, arguments)
        if answer is None:
            view = self.view()
            return view | {"state": {**cast("dict[str, object]", view["state"]), "note": IMPOSSIBLE}}
        self._answer = answer
        if self._task.checks:
            started = perf_counter()
            self._verdict = judge(self._task, answer)
            self.seconds += perf_counter() - started
        return self.view()


class Episode:
    """A task in an environment that lists its actions."""

    def __init__(self, environment: ChoiceEnvironment, *, told: bool) -> None:
        self.steps = 0
        started = perf_counter()
        self._environment = environment
        self._state = environment.reset()
        self._told = told
        self._reward: float | None = None
        self._total = 0.0
        self.seconds = perf_counter() - started

    @property
    def success(self) -> bool | None:
        return self._environment.succeeded(self._state)

    @property
    def score(self) -> float | None:
        """The rewards so far, summed."""
        return self._total

    def view(self) -> dict[str, object]:
        over = self._environment.is_terminal(self._state)
        state: dict[str, object] = {"situation": self._environment.situation(self._state)}
        if self._told and self._reward is not None:
            state["reward_of_last_action"] = self._reward
            state |= {"goal_reached": self.success} if over else {}
        actions = {} if over else dict.fromkeys(self._environment.admissible(self._state), "possible now")
        return {"state": state, "actions": actions, "over": over}

    def act(self, name: str, arguments: object) -> dict[str, object]:
        started = perf_counter()
        self.steps += 1
        meant = _meant(name, arguments, self._environment.admissible(self._state))
        if meant is not None:
            self._state = self._environment.execute(command(meant, f"peer-{self.steps}"), self._state)
            self._reward = self._environment.reward(self._state)
            self._total += self._reward
        view = self.view()
        self.seconds += perf_counter() - started
        return view if meant is not None else view | {"state": {**cast("dict[str, object]", view["state"]), "note": IMPOSSIBLE}}


def judge(task: Task, answer: str) -> Score:
    """What the checks of `task` say to `answer`."""
    return run_sync(CheckCritic(Sandbox()).judge(task, answer, None))


def _meant(name: str, arguments: object, options: Iterable[str]) -> str | None:
    """The option that a peer's action means: by its name, by an argument, or by both together. Case and signs are free."""
    plain = {_plain(option): option for option in options}
    values = _values(arguments)
    said = (name, *values, " ".join([name, *values]))
    return next((plain[_plain(text)] for text in said if _plain(text) in plain), None)


def _written(name: str, arguments: object) -> str:
    return next(iter(_values(arguments)), name)


def _values(arguments: object) -> list[str]:
    return [str(value) for value in cast("Mapping[str, object]", arguments).values()] if isinstance(arguments, Mapping) else []


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()
