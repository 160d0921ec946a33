"""A world whose answers are of the kind that a world's answers must be.

In:  a world that somebody else wrote.
Out: the same world; an answer it may not give becomes a UsageError that names the method and the value.

Without this a wrong answer shows up later, as something else: a string of actions as single letters, a coroutine as a
goal that was reached. Not here: whether a well-formed answer is true.
"""

import inspect
import math
from collections.abc import Awaitable, Iterable
from numbers import Real
from reprlib import repr as short
from typing import NoReturn, cast

from purpose_agent.core.action import Action
from purpose_agent.core.errors import UsageError
from purpose_agent.core.ports import ChoiceEnvironment, MeasuredEnvironment
from purpose_agent.core.state import State


def checked(world: ChoiceEnvironment) -> ChoiceEnvironment:
    """`world`, with its answers looked at."""
    return _Measured(world) if isinstance(world, MeasuredEnvironment) else _Checked(world)


def world_name(world: ChoiceEnvironment) -> str:
    """What its class is called, whether it is checked or not."""
    return world.name if isinstance(world, _Checked) else type(world).__name__


class _Checked:
    def __init__(self, world: ChoiceEnvironment) -> None:
        self._world = world
        self._name = type(world).__name__

    @property
    def name(self) -> str:
        """Of the class of the world."""
        return self._name

    @property
    def replayable(self) -> bool:
        """As the world says."""
        return bool(getattr(self._world, "replayable", True))

    def reset(self) -> State:
        return self._state("reset", self._plain("reset", self._world.reset()))

    def execute(self, action: Action, current_state: State) -> State:
        """The one method that may be a coroutine function: then what it gives has to be awaited here too."""
        after: object = self._world.execute(action, current_state)
        if inspect.isawaitable(after):
            return cast(State, self._later(cast("Awaitable[object]", after)))
        return self._state("execute", after)

    def is_terminal(self, state: State) -> bool:
        said = self._plain("is_terminal", self._world.is_terminal(state))
        return bool(said) if _is_bool(said) else self._refuse("is_terminal", said, "True or False")

    def situation(self, state: State) -> str:
        said = self._plain("situation", self._world.situation(state))
        return said if isinstance(said, str) else self._refuse("situation", said, "a str")

    def admissible(self, state: State) -> tuple[str, ...]:
        return self._strings("admissible", self._world.admissible(state))

    def reward(self, state: State) -> float:
        return self._number("reward", self._world.reward(state))

    def succeeded(self, state: State) -> bool | None:
        said = self._plain("succeeded", self._world.succeeded(state))
        if said is None:
            return None
        return bool(said) if _is_bool(said) else self._refuse("succeeded", said, "True, False or None")

    def achieved(self, state: State) -> tuple[str, ...]:
        return self._strings("achieved", self._world.achieved(state))

    async def _later(self, after: Awaitable[object]) -> State:
        return self._state("execute", await after)

    def _plain(self, method: str, said: object) -> object:
        if inspect.isawaitable(said):
            if inspect.iscoroutine(said):
                said.close()
            raise UsageError(
                f"{self._name}.{method} is async. Make it a plain function; of a world, only execute may be async."
            )
        return said

    def _state(self, method: str, said: object) -> State:
        return said if isinstance(said, State) else self._refuse(method, said, "a State")

    def _strings(self, method: str, said: object) -> tuple[str, ...]:
        said = self._plain(method, said)
        if isinstance(said, str) or not isinstance(said, Iterable):
            self._refuse(method, said, "a list of str")
        found = tuple(cast("Iterable[object]", said))
        wrong = [each for each in found if not isinstance(each, str)]
        return self._refuse(method, wrong[0], "str only") if wrong else cast("tuple[str, ...]", found)

    def _number(self, method: str, said: object) -> float:
        said = self._plain(method, said)
        if not isinstance(said, Real) or not math.isfinite(said):
            self._refuse(method, said, "a finite number")
        return float(said)

    def _refuse(self, method: str, said: object, wanted: str) -> NoReturn:
        raise UsageError(f"{self._name}.{method}() gave {short(said)}, of type {type(said).__name__}; it must give {wanted}.")


class _Measured(_Checked):
    def progress(self, state: State) -> float | None:
        said = cast(MeasuredEnvironment, self._world).progress(state)
        return None if said is None else self._number("progress", said)


def _is_bool(said: object) -> bool:
    """Of Python, or of numpy, which has one of its own."""
    return type(said).__name__ in ("bool", "bool_")
