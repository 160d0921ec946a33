"""Our own package as conditions: the whole system, parts of it, and what it has to be compared with.

In:  a world, a folder, a model or "none", a seed.
Out: a player whose memory is a workspace in that folder.

All of them run on `Agent` and `Workspace` as a user has them, with the same model, seeds and limits; they differ in what
is trained on, what is tried, and what a decision on a held-out task is shown. The README of `benchmarks` has them in a
table. Choices are learned from the right answer, which a check tells whatever was chosen, so conditions that promote
nothing while they train have the same training by construction. What is not measured: memory tokens exactly; they are
the engine's own cautious estimate of what its notes take.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

from benchmarks.learning.conditions.asked import shared
from benchmarks.learning.conditions.shown import (
    Place,
    View,
    episodes,
    kept,
    only_shown,
    promoted,
    shuffled,
    untried,
    without_demonstrations,
    without_rules,
)
from benchmarks.learning.protocol import Outcome, World, draw
from purpose_agent.agents.agent import Agent
from purpose_agent.agents.budget import Budget
from purpose_agent.core.errors import ModelError
from purpose_agent.core.memory import POLICY, Memory
from purpose_agent.core.model import Model
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.task import Limits, Task
from purpose_agent.engine.context import estimated_tokens, render_notes
from purpose_agent.engine.result import TaskResult
from purpose_agent.memory.replay import Estimator
from purpose_agent.memory.rules import situation_of
from purpose_agent.runtime.events import ActionDecided, Event, ModelCalled, StepScored, ValuesConsulted
from purpose_agent.runtime.sync import run_sync

Models: TypeAlias = Callable[[str], str | Model]
"""From the name of a model to what `Agent` takes."""
NAME = "player"
RETRIES = 2
KEPT = "kept.json"


class Counted:
    """A listener that counts tokens and decisions."""

    def __init__(self) -> None:
        self.tokens = 0
        self.steps = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event.payload, ModelCalled):
            self.tokens += event.payload.usage.tokens
        self.steps += isinstance(event.payload, ActionDecided)


class OurPlayer:
    """An agent and its workspace.

    Attributes:
        place: The workspace.
        spent_steps: Decisions of trials so far.
    """

    def __init__(self, how: "Ours", world: World, folder: Path, model: str, seed: int) -> None:
        self.place = Place(folder, estimator=how.estimator, embedder=how.embedder, seed=seed)
        self.spent_steps = 0
        self.how = how
        self.world = world
        self.seed = seed
        self._model = how.models(model)
        self._agent: Agent | None = None

    def agent(self, task: Task) -> Agent:
        """The one that learns; made when the first task tells whether its world has environments."""
        if self._agent is None:
            self._agent = self.agent_in(self.place, task)
        return self._agent

    def agent_in(self, place: Place, task: Task) -> Agent:
        """A new one in a workspace."""
        retries = self.how.retries
        return Agent(
            NAME,
            model=self._model,
            critic=None,
            workspace=place,
            limits=Limits(steps=self.world.steps + retries, retries=retries),
            environment=self._environment if self.world.environment(task) is not None else None,
        )

    def learn(self, task: Task) -> Outcome:
        """Do `task`, and reflect on it. A condition without memory does it only."""
        if not self.how.memory:
            return self.perform(task, draw(self.seed, task))
        return self.learned(self.agent(task), task)[1]

    def learned(self, agent: Agent, task: Task) -> tuple[TaskResult, Outcome]:
        """What became of a training task of `agent`; its tokens include those of reflection."""
        self.place.view = promoted
        counted = Counted()
        result = agent.run(task, seed=draw(self.seed, task), watch=counted)
        return result, replace(outcome_of(result, task), tokens=counted.tokens)

    def settle(self) -> int:
        """Trials of what was learned, where the condition has any. Returns the tokens they took."""
        if not self.how.settles:
            return 0
        self.place.view = promoted
        counted = Counted()
        settled = self.place.settle(watch=counted, budget=self.how.budget)
        self.spent_steps += counted.steps
        return settled.reflection.tokens + settled.trials.tokens

    def perform(self, task: Task, seed: int) -> Outcome:
        """Do `task` in evaluation mode, in which nothing is written."""
        how, place = self.how, self.place
        subject = self.agent(task).moved(place, "evaluation")
        place.view, before = how.view, place.seconds
        result = run_sync(subject.attempt(task, seed=seed, memory=how.memory, values=how.values))
        return outcome_of(result, task, place.seconds - before)

    def close(self) -> None:
        """Let go of the folder."""
        self.place.close()

    def _environment(self, task: Task) -> ChoiceEnvironment:
        environment = self.world.environment(task)
        assert environment is not None, "a world has environments for all of its tasks or for none"
        return environment


class OraclePlayer(OurPlayer):
    """Is told the rule, as a person would tell it."""

    def perform(self, task: Task, seed: int) -> Outcome:
        """Do `task` with the rule taught."""
        rule = self.world.oracle(task)
        if rule and all(memory.lesson.then != rule for memory in self.place.memories("promoted")):
            taught = self.place.teach(rule)
            assert taught.status == "promoted", f"the scanners refuse the rule of {self.world.name}"
        return super().perform(task, seed)


class GreedyPlayer(OurPlayer):
    """Keeps a lesson if one training task, run with it and without it, came out better with it."""

    def __init__(self, how: "Ours", world: World, folder: Path, model: str, seed: int) -> None:
        super().__init__(how, world, folder, model, seed)
        self._file = folder / KEPT
        self._decided: dict[str, bool] = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._done: list[Task] = []
        self._publish()

    def learn(self, task: Task) -> Outcome:
        """Do `task`; its family's next lessons are tried on it."""
        self._done.append(task)
        return super().learn(task)

    def settle(self) -> int:
        """One pair of runs for each lesson that was not decided on. Returns the tokens they took."""
        counted = Counted()
        for memory in self.place.memories("quarantined"):
            if memory.id not in self._decided and (task := self._task_for(memory)) is not None:
                run = self._run(memory, task, counted, with_it=True), self._run(memory, task, counted, with_it=False)
                self._decided[memory.id] = bool(run[0].success) > bool(run[1].success)
        self._publish()
        self.spent_steps += counted.steps
        return counted.tokens

    def _task_for(self, memory: Memory) -> Task | None:
        def is_shown(task: Task) -> bool:
            return any(each.memory.id == memory.id for each in self.place.in_quarantine(task, NAME))

        return next(filter(is_shown, reversed(self._done)), None)

    def _run(self, memory: Memory, task: Task, counted: Counted, *, with_it: bool) -> TaskResult:
        running = self.place.runner.run(
            self.agent(task).setup(),
            task,
            mode="evaluation",
            seed=draw(self.seed, task),
            on_trial=memory if with_it else None,
            without_memory=None if with_it else memory.id,
            listeners=[counted],
        )
        return run_sync(running)

    def _publish(self) -> None:
        self._file.write_text(json.dumps(self._decided))
        self.place.kept = frozenset(id for id, is_kept in self._decided.items() if is_kept)


@dataclass(frozen=True, slots=True)
class Ours:
    """A condition on our own package.

    Attributes:
        view: What the prompts of held-out tasks show.
        memory: False: nothing that was learned is used, and training teaches nothing.
        values: As `Agent.attempt` has it: None: values of options are used as the gate says; True: always; False: never.
        settles: Whether trials are run.
        budget: For each round of trials; None for no limit.
        embedder: Tells what situations mean, for rules by meaning; None: rules are of words alone.
        retries: Further attempts at a held-out task, which is told whether the last one failed.
        models: The model of a name; other ones for tests.
    """

    name: str
    view: View = promoted
    memory: bool = True
    values: bool | None = None
    settles: bool = True
    budget: Budget | None = None
    estimator: Estimator = "linear"
    embedder: Literal["minilm"] | None = "minilm"
    retries: int = 0
    player: Callable[["Ours", World, Path, str, int], OurPlayer] = OurPlayer
    models: Models = shared

    def open(self, world: World, folder: Path, model: str, seed: int) -> OurPlayer:
        """A player in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        return self.player(self, world, folder, model, seed)


NONE = Ours("none", memory=False, settles=False)
PLACEBO = Ours("placebo", view=shuffled, values=False)
ORACLE = Ours("oracle", settles=False, player=OraclePlayer)
REFLEXION = Ours("reflexion", memory=False, settles=False, retries=RETRIES)
EPISODES = Ours("episodes", view=episodes, values=False, settles=False)
UNGATED = Ours("ungated", view=untried, values=True, settles=False)
GREEDY = Ours("greedy", view=kept, values=False, player=GreedyPlayer)
FULL = Ours("full")
MINUS_RULES = Ours("full-minus-rules", view=without_rules)
MINUS_WEIGHING = Ours("full-minus-weighing", view=only_shown)
MINUS_DEMONSTRATIONS = Ours("full-minus-demonstrations", view=without_demonstrations)
MINUS_VALUES = Ours("full-minus-values", values=False)
MINUS_MEANING = Ours("full-minus-meaning", embedder=None)
KNN = Ours("knn", values=True, settles=False, estimator="nearest")


def outcome_of(result: TaskResult, task: Task, recall_seconds: float = 0.0) -> Outcome:
    """What a run came to.

    Raises:
        ModelError: It failed for a reason that has nothing to do with what was learned.
    """
    if result.status == "failed":
        raise ModelError(f"The run of {task.goal[:60]!r} failed: {result.reason}")
    rewards = [scored.score.reward for scored in result.trace.of(StepScored) if scored.score.reward is not None]
    texts = [each for each in result.recalled if each.memory.lesson.kind != POLICY]
    notes = render_notes(texts, 1_000_000, situation_of(task.goal, task.inputs)).text
    decisions = sum(called.purpose == "act" for called in result.trace.of(ModelCalled))
    return Outcome(
        success=result.success,
        score=sum(rewards) if rewards else None,
        steps=len(result.trace.of(ActionDecided)),
        tokens=result.usage.tokens,
        memory_tokens=estimated_tokens(notes) * decisions if notes else 0,
        memory_seconds=recall_seconds + _ranking_seconds(result),
        seconds=result.seconds,
    )


def _ranking_seconds(result: TaskResult) -> float:
    """From the event before options were ranked to the one that tells of it."""
    events = result.trace.events
    ranked = ((before, after) for before, after in pairwise(events) if isinstance(after.payload, ValuesConsulted))
    return sum((after.at - before.at).total_seconds() for before, after in ranked)
