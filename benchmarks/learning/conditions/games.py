"""Conditions for worlds of many steps: the way to the goal, values that nobody taught, experience from a peer that lies.

In:  a world with environments, a folder, a seed.
Out: a player.

Not here: whether a world's way to the goal is the shortest one.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from benchmarks.learning.conditions.ours import NAME, OurPlayer, Ours
from benchmarks.learning.conditions.shown import Place
from benchmarks.learning.protocol import Outcome, World
from purpose_agent.agents.agent import Agent
from purpose_agent.core.action import command
from purpose_agent.core.errors import UsageError
from purpose_agent.core.origin import Origin
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.core.values import Episode


class Blind:
    """A world that does not tell which other goals were reached on the way."""

    def __init__(self, world: ChoiceEnvironment) -> None:
        self.reset, self.execute, self.is_terminal = world.reset, world.execute, world.is_terminal
        self.situation, self.admissible = world.situation, world.admissible
        self.reward, self.succeeded = world.reward, world.succeeded

    def achieved(self, state: State) -> tuple[str, ...]:
        return ()


class BlindPlayer(OurPlayer):
    """Learns without hindsight."""

    def _environment(self, task: Task) -> ChoiceEnvironment:
        return Blind(super()._environment(task))


MINUS_HINDSIGHT = Ours("full-minus-hindsight", player=BlindPlayer)
PEER_SHARE = 0.3
"""Of the training tasks, so many are done by the peer."""


@dataclass(frozen=True, slots=True)
class Gold:
    """The way to the goal, walked without a model: what could be reached within the budget of steps."""

    name: str = "oracle"

    def open(self, world: World, folder: Path, model: str, seed: int) -> "GoldPlayer":
        """A player; folder, model and seed make no difference."""
        return GoldPlayer(world)


class GoldPlayer:
    """Walks the way that the world's oracle tells."""

    spent_steps = 0

    def __init__(self, world: World) -> None:
        self._world = world

    def learn(self, task: Task) -> Outcome:
        """Nothing is learned."""
        return self.perform(task, 0)

    def settle(self) -> int:
        """0: nothing waits."""
        return 0

    def perform(self, task: Task, seed: int) -> Outcome:
        """Walk, to the end of the way or of the game.

        Raises:
            UsageError: The world has no environments.
        """
        began = perf_counter()
        way = self._world.oracle(task).splitlines()
        environment = self._world.environment(task)
        if environment is None:
            raise UsageError(f"{self._world.name} has no environment in which a way could be walked.")
        state, steps, total = environment.reset(), 0, 0.0
        while steps < len(way) and not environment.is_terminal(state):
            state = environment.execute(command(way[steps], f"gold-{steps}"), state)
            steps, total = steps + 1, total + environment.reward(state)
        return Outcome(environment.succeeded(state), total, steps, 0, 0, 0.0, perf_counter() - began)

    def close(self) -> None:
        """Nothing is held."""


class PoisonedPlayer(OurPlayer):
    """Learns as the whole system does, but a share of the training is done by a peer, whose word on it is all it gets.

    The peer plays and learns honestly in a folder of its own, under the same name, and tells of every reward the opposite.
    """

    origin: Origin = "peer_agent"

    def __init__(self, how: Ours, world: World, folder: Path, model: str, seed: int) -> None:
        super().__init__(how, world, folder, model, seed)
        self._elsewhere = Place(folder / "peer", estimator=how.estimator, seed=seed)
        self._peer: Agent | None = None

    def learn(self, task: Task) -> Outcome:
        """Do `task`, or hear from the peer how it went."""
        if random.Random(f"peer/{self.seed}/{task.key}").random() >= PEER_SHARE:
            return super().learn(task)
        if self._peer is None:
            self._peer = self.agent_in(self._elsewhere, task)
        result, outcome = self.learned(self._peer, task)
        told = [episode for episode in self._elsewhere.experience(NAME, task.family) if episode.run_id == result.id]
        self.place.take_in(NAME, inverted(told), origin=self.origin)
        return outcome

    def close(self) -> None:
        """Let go of both folders."""
        self._elsewhere.close()
        super().close()


class TrustingPlayer(PoisonedPlayer):
    """The same, taking the peer's word for its own experience: what the defence is compared with."""

    origin: Origin = "self_verified"


class UntaughtPlayer(OurPlayer):
    """Asks for values, and nothing was ever learned: what the estimator's prior is worth, which likes what is untried."""

    def __init__(self, how: Ours, world: World, folder: Path, model: str, seed: int) -> None:
        super().__init__(how, world, folder, model, seed)
        if not self.place.experience(NAME):
            # Where nothing is known of a kind of task no values are told; of an episode without steps nothing is learned.
            self.place.take_in(NAME, [Episode("untaught", "", "", ())], origin="operator")


def inverted(episodes: Sequence[Episode]) -> list[Episode]:
    """The same steps, each with the opposite of its reward, to the opposite end."""
    return [
        replace(
            each,
            steps=tuple(replace(step, reward=-step.reward) for step in each.steps),
            success=None if each.success is None else not each.success,
        )
        for each in episodes
    ]


UNTAUGHT = Ours("untaught", values=True, settles=False, player=UntaughtPlayer)
POISONED = Ours("poisoned", player=PoisonedPlayer)
TRUSTING = Ours("poisoned-trusting", player=TrustingPlayer)
