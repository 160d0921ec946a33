"""Environments whose states tell everything, so that any of them can be gone back to.

In:  a game that can start again and take one command (a subclass).
Out: a `ChoiceEnvironment`; its states are plain JSON with the moves that led to them.

Given a state other than the last one (a run resumed in another process, a branch), the game starts again and repeats
the moves of that state; the games here follow from their seed alone. The moves are the player's own, never a solution.
Not here: what a game is about.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from purpose_agent.core.action import Action, command_of
from purpose_agent.core.messages import Json
from purpose_agent.core.state import State


@dataclass(frozen=True, slots=True)
class Scene:
    """What a game shows after a command.

    Attributes:
        told: What the last command led to.
        facts: What holds now, by name, for `situation`.
        actions: What can be done now.
        reward: Of the last command.
        won: The goal is reached.
        lost: It can't be reached any more.
        reached: Goals, in words, that hold now.
    """

    told: str
    facts: dict[str, Json]
    actions: Sequence[str]
    reward: float = 0.0
    won: bool = False
    lost: bool = False
    reached: Sequence[str] = field(default=())


class Retraceable(ABC):
    """The part of a `ChoiceEnvironment` that is the same for every game."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._moves: list[str] | None = None

    @abstractmethod
    def start(self) -> Scene:
        """The game from its beginning, the same each time."""

    @abstractmethod
    def act(self, command: str) -> Scene:
        """The scene after one of the actions listed."""

    @abstractmethod
    def situation(self, state: State) -> str:
        """What there is to see, in words."""

    def close(self) -> None:
        """Give back what the game holds; it starts again if asked to go on."""
        self._moves = None

    def reset(self) -> State:
        self._moves = []
        return self._state(self.start())

    def execute(self, action: Action, current_state: State) -> State:
        command = command_of(action)
        if command is None or self.is_terminal(current_state) or command not in self.admissible(current_state):
            return current_state.with_values(told=f"{command or 'That'!r} can't be done now.", reward=0.0)
        moves = self._return_to(strings(current_state, "moves"))
        scene = self.act(command)
        moves.append(command)
        state = self._state(scene)
        if self.is_terminal(state):
            self.close()
        return state

    def is_terminal(self, state: State) -> bool:
        return bool(state.values.get("won") or state.values.get("lost")) or len(strings(state, "moves")) >= self._steps

    def admissible(self, state: State) -> Sequence[str]:
        return strings(state, "actions")

    def reward(self, state: State) -> float:
        return float(cast("float", state.values.get("reward", 0.0)))

    def succeeded(self, state: State) -> bool | None:
        return bool(state.values.get("won"))

    def achieved(self, state: State) -> Sequence[str]:
        return strings(state, "reached")

    def _return_to(self, moves: list[str]) -> list[str]:
        if self._moves is not None and self._moves == moves:
            return self._moves
        self.start()
        for move in moves:
            self.act(move)
        self._moves = moves
        return moves

    def _state(self, scene: Scene) -> State:
        return State(
            {
                "told": scene.told,
                **scene.facts,
                "actions": [*sorted(set(scene.actions))],
                "reward": scene.reward,
                "won": scene.won,
                "lost": scene.lost,
                "reached": [*scene.reached],
                "moves": [*(self._moves or ())],
            }
        )


def text(state: State, name: str) -> str:
    """A fact that is text; empty if the state has none of that name."""
    return cast("str", state.values.get(name, ""))


def strings(state: State, name: str) -> list[str]:
    """A fact that is a list of texts, as a new list; empty if the state has none of that name."""
    return list(cast("list[str]", state.values.get(name, ())))
