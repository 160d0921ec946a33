"""Trials of what waits in quarantine, each on the agent that it came from.

In:  quarantined memories, the agents of this process, a purse.
Out: what became of each, by the word of the gate. Which tasks a memory is tried on is for `learning/trial_tasks.py` to say.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from purpose_agent.agents.budget import Purse
from purpose_agent.core.errors import ModelError
from purpose_agent.core.memory import CALIBRATION, POLICY, Memory
from purpose_agent.core.origin import AUTHORITY, OWN, Taint
from purpose_agent.core.task import Task
from purpose_agent.critics.state import CRITIC
from purpose_agent.engine.run import Setup
from purpose_agent.engine.runner import Runner
from purpose_agent.learning.learner import Learner, Trialled
from purpose_agent.learning.trial import Outcome
from purpose_agent.learning.trial_tasks import Memories, TrialTasks
from purpose_agent.runtime.event_bus import Listener


class Performer(Protocol):
    """What a workspace needs to know of an agent."""

    @property
    def name(self) -> str:
        """What it learns is kept under it."""
        ...

    def setup(self, *, like: str = "") -> Setup:
        """Who runs, as the engine needs it; its model is asked for reflection.

        Args:
            like: The id of a run: of several models, the one that did it.
        """
        ...

    def can_judge(self, task: Task) -> bool:
        """Whether a recorded task can be run again and judged."""
        ...


@dataclass(slots=True)
class Tried:
    """What came of the memories: tried, skipped with the reason, or left for want of budget."""

    trialled: list[Trialled] = field(default_factory=list[Trialled])
    skipped: list[tuple[Memory, str]] = field(default_factory=list[tuple[Memory, str]])
    left: list[Memory] = field(default_factory=list[Memory])


@dataclass(frozen=True, slots=True)
class Trials:
    """Tries memories on `agents`, by name, and pays from `purse`.

    Attributes:
        is_live: Whether a memory is on trial in live traffic, and so not here.
        may_judge: Whether the critic of an agent, by the name of its model, is known to tell successes from failures on tasks of a
            family; it judges where a task has no checks.
    """

    memories: Memories
    learner: Learner
    runner: Runner
    agents: Mapping[str, Performer]
    purse: Purse
    listeners: Sequence[Listener] = ()
    is_live: Callable[[Memory], bool] = lambda memory: False
    may_judge: Callable[[str, str, str], bool] = lambda agent, model, family: False

    async def of_all(self) -> Tried:
        """One trial of each quarantined memory, as far as the purse reaches.

        Those of the highest origin first, of one origin the oldest: what others said spends neither the budget nor the share
        of error that the agents' own lessons need.
        """
        tried = Tried()
        for memory in sorted(
            self.memories.list("quarantined"), key=lambda each: AUTHORITY.index(each.lesson.provenance.origin)
        ):
            if self.memories.get(memory.id).status != "quarantined":
                continue  # another hypothesis about the same tasks was promoted meanwhile
            if memory.lesson.kind == CALIBRATION or self.is_live(memory):
                continue  # the one is tried on its critic, the other in live traffic
            if not self.purse.has_room(runs=2):
                tried.left.append(memory)
                continue
            try:
                came_of_it = await self._try(memory)
            except ModelError as error:
                # The other memories still get their turn; this one is tried again at the next call.
                came_of_it = str(error)
            if isinstance(came_of_it, str):
                tried.skipped.append((memory, came_of_it))
            else:
                tried.trialled.append(came_of_it)
        tried.trialled += self.learner.promote_together()
        return tried

    async def _try(self, memory: Memory) -> Trialled | str:
        name = memory.lesson.provenance.agent
        agent = self.agents.get(name)
        if agent is None:
            return f"no agent called {name!r} was made in this process"
        has_model = agent.setup().model is not None
        if not has_model and memory.lesson.kind != POLICY:
            return f"the agent {name!r} has no model that could read it"
        chosen = self.learner.trial_tasks(
            memory, lambda task: agent.can_judge(task) or self._by_critic(agent, memory, task), has_model=has_model
        )
        if not chosen.tasks and not chosen.told:
            return "no recorded task that is a test of it could be run and judged again"
        return await self.learner.try_out(
            memory,
            chosen.tasks,
            partial(self._rerun, agent, memory, chosen),
            told=chosen.told,
            once=bool(chosen.played),
            may_go_on=lambda: self.purse.has_room(runs=2),
        )

    def _by_critic(self, agent: Performer, memory: Memory, task: Task) -> bool:
        """A critic may judge it: nothing else can, and outcomes have shown that this one is right often enough.

        Never of what others said: their words could be meant for the critic.
        """
        setup = agent.setup(like=memory.lesson.provenance.run_id)
        if task.checks or setup.environment is not None or setup.critic is None or memory.lesson.provenance.origin not in OWN:
            return False
        return self.may_judge(agent.name, setup.critic.name, task.family)

    async def _rerun(
        self, agent: Performer, memory: Memory, chosen: TrialTasks, task: Task, seed: int, with_it: bool
    ) -> Outcome:
        """One half of a pair. What the memory revises is left out of the run that has it, and only there."""
        played = chosen.played.get(task.key) if with_it else None
        if played is not None:
            return Outcome(played.id, played.success, 0)
        by_critic = self._by_critic(agent, memory, task)
        setup = agent.setup(like=memory.lesson.provenance.run_id)  # one model, whatever a router would choose
        result = await self.runner.run(
            setup if by_critic else replace(setup, critic=None),  # where checks judge, a model's score would only cost
            task,
            mode="validation",
            seed=seed,
            parent=memory.id,
            on_trial=chosen.with_older.get(task.key, memory) if with_it else None,
            without_memory=memory.supersedes if with_it else memory.id,
            # Nobody asked for this run: what has effects on the world needs a person, in both halves alike.
            taint=Taint("self_inferred", f"the trial of {memory.id}"),
            listeners=self.listeners,
        )
        self.purse.pay(result.usage, runs=1)
        if result.status == "failed":
            raise ModelError(f"The trial of {memory.id} stopped: its run {result.id} failed. {result.reason}")
        success = result.success
        if by_critic:
            worth = result.probability if result.judged_by == CRITIC else None
            if result.status != "finished":
                worth = 0.0
            return Outcome(result.id, None, result.usage.tokens, result.answer or "", worth)
        if success is None and result.status in ("exhausted", "gave_up") and agent.can_judge(task):
            success = False  # else a memory would look well with which hard runs come to no end
        return Outcome(result.id, success, result.usage.tokens, result.answer or "")
