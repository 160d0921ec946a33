"""What is due before anything is tried: reflection on runs that wait, a general memory of particular ones, others' episodes that agree.

In:  a workspace's parts, a purse.
Out: what was done; lessons at the gate.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from purpose_agent.agents.budget import Purse
from purpose_agent.agents.settling import Performer
from purpose_agent.core.memory import POLICY, Memory
from purpose_agent.core.model import Model
from purpose_agent.core.ports import Clock
from purpose_agent.core.values import owner_of
from purpose_agent.learning.evolve import EVOLUTION, generalise
from purpose_agent.learning.learner import Learner
from purpose_agent.learning.trial_tasks import Memories
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.replay import Replay
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.record import (
    REFLECTED,
    claim_reflection,
    get_run,
    release_dead_claims,
    release_reflection,
    this_process,
)

_log = logging.getLogger(__name__)


def tell_of_failure(run_id: str, error: Exception) -> None:
    """Reflection on a run broke off: say so in the log, with all of the error. The run still waits for it."""
    _log.warning(
        "Reflection on %s failed, and is tried again by settle(): %s: %s", run_id, type(error).__name__, error, exc_info=error
    )


@dataclass(frozen=True, slots=True)
class Due:
    """What `settle` does first. `agents` by their names."""

    db: Database
    memories: Memories
    gate: Gate
    learner: Learner
    replay: Replay
    clock: Clock
    agents: Mapping[str, Performer]

    def vouch(self) -> int:
        """Learn from others' episodes that agree with what agents experienced; promoted values have it in their journal."""
        policies = [
            (memory, owner_of(agent, "".join(memory.lesson.scope.users)), "".join(memory.lesson.scope.families))
            for memory in self.memories.list("promoted", POLICY)
            for agent in memory.lesson.scope.agents
        ]
        before = [self.replay.count_vouched(agent, family) for _, agent, family in policies]
        vouched = self.replay.vouch()
        for (memory, agent, family), known in zip(policies, before, strict=True):
            more = self.replay.count_vouched(agent, family) - known
            if more > 0:
                told = f"taught by episodes of others too, which agree with its own; new ones: {more}"
                self.gate.remark(memory, told, actor="learner")
        return vouched

    async def reflect(self, purse: Purse) -> tuple[list[str], list[str]]:
        """Runs whose process ended before they were reflected on: those done now, and those left."""
        done: list[str] = []
        left: list[str] = []
        release_dead_claims(self.db)
        try:
            while purse.has_room() and (run := claim_reflection(self.db, now=self.clock.now(), owner=this_process())):
                left.append(run.id)
                agent = self.agents.get(run.agent)
                try:
                    model = agent.setup(like=run.id).model if agent is not None else None
                    await self.learner.reflect(run, model, listeners=[purse.listen])
                # A door: the other runs still get their turn.
                except Exception as error:  # noqa: BLE001
                    tell_of_failure(run.id, error)
                if get_run(self.db, run.id).reflected == REFLECTED:
                    done.append(left.pop())
        finally:
            release_reflection(self.db, left)
        return done, left

    async def generalise(self, purse: Purse) -> tuple[Memory, ...]:
        """One general memory, where particular ones have something in common; () if there is none to be made."""

        def model_of(name: str) -> Model | None:
            agent = self.agents.get(name)
            return agent.setup().model if agent is not None and purse.has_room() else None

        def was_tried(memory: Memory) -> bool:
            return any(entry.actor == EVOLUTION for entry in self.memories.journal(memory.id))

        made = await generalise(self.memories.list(), self.gate, model_of=model_of, was_tried=was_tried, pay=purse.pay)
        return (made,) if made is not None else ()
