"""A small world for tests, and values that say what the test says."""

import random
from collections.abc import Mapping, Sequence

import purpose_agent as pa
from purpose_agent.core.action import Action, command_of
from purpose_agent.core.state import State
from purpose_agent.core.values import Experienced, Ranked
from purpose_agent.critics.checks import CheckCritic
from purpose_agent.engine.run import Setup
from purpose_agent.engine.runner import Runner
from purpose_agent.engine.scoring import Scoring
from purpose_agent.engine.world import worlds_of
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.sandbox.sandbox import Sandbox
from purpose_agent.tools.executor import ToolExecutor

REACH_THE_END = pa.Task("Reach the end of the corridor", limits=pa.Limits(steps=12))


class Corridor:
    """Rooms in a row, with the goal in the last one; a torch lies in the first until it is left.

    Args:
        doors: Useless further actions in every room.
        stuck: In this room nothing can be done.
    """

    def __init__(self, rooms: int = 3, *, doors: int = 0, stuck: int | None = None) -> None:
        self.rooms = rooms
        self.doors = doors
        self.stuck = stuck

    def reset(self) -> State:
        return State({"room": 0, "torch": "here"})

    def execute(self, action: Action, current_state: State) -> State:
        room = current_state.values["room"]
        assert isinstance(room, int)
        step = {"east": 1, "west": -1}.get(command_of(action) or "", 0)
        after = min(max(room + step, 0), self.rooms - 1)
        return State({"room": after} if after else {"room": 0, "torch": "here"})

    def is_terminal(self, state: State) -> bool:
        return state.values["room"] == self.rooms - 1

    def situation(self, state: State) -> str:
        return f"You are in room {state.values['room']}."

    def admissible(self, state: State) -> Sequence[str]:
        if state.values["room"] == self.stuck:
            return ()
        return ("west", "east", *(f"try door {number}" for number in range(self.doors)))

    def reward(self, state: State) -> float:
        return 1.0 if self.is_terminal(state) else -0.1

    def succeeded(self, state: State) -> bool | None:
        return self.is_terminal(state)

    def achieved(self, state: State) -> Sequence[str]:
        return (f"be in room {state.values['room']}",)


class Taught:
    """Values from a table: option → (value, runs that taught it). What is not in it is worth 0."""

    def __init__(self, table: Mapping[str, tuple[float, tuple[str, ...]]], deviation: float = 0.1) -> None:
        self.table = table
        self.deviation = deviation
        self.asked: list[tuple[str, tuple[Experienced, ...]]] = []

    def rank(
        self,
        task: pa.Task,
        agent: str,
        situation: str,
        options: Sequence[str],
        past: Sequence[Experienced],
        *,
        draws: random.Random,
    ) -> Sequence[Ranked]:
        self.asked.append((situation, tuple(past)))
        return [Ranked(option, *self._known(option)) for option in options]

    def _known(self, option: str) -> tuple[float, float, tuple[str, ...], bool]:
        value, sources = self.table.get(option, (0.0, ()))
        return value, self.deviation, sources, bool(sources)


def runner(values: Taught | None = None) -> Runner:
    """It keeps no record and recalls nothing."""
    return Runner(scoring=Scoring(CheckCritic(Sandbox())), clock=SystemClock(), recall=None, record=None, values=values)


def setup(model: pa.Model | None = None, world: object | None = None) -> Setup:
    environment = worlds_of(world) if world is not None else None
    return Setup("walker", "You are the walker.", model, ToolExecutor(()), None, pa.Limits(), 0.3, environment)
