"""What a run is given of what was learned: recalled, less what a coin withholds, and more what is on trial.

In:  who runs, a task, the id of the run.
Out: the notes of its prompt and the values it may use; in runs that are there to learn, which coin fell how.

From a run that is there to learn, each promoted memory is withheld with a small probability, so that what it is worth is
always known; and memories that are tried in live traffic are shown in half of the runs. Each has a coin of its own, drawn
from the ids of run and memory: nobody who writes tasks or memories can foresee it, and with given ids it falls the same
again. A coin is thrown only for what the run would really have had: whether there is room for it in the prompt is decided
before. What people taught is never withheld. Nor is a memory in its first `SHOWN_FIRST` judged runs, those of a trial in live
traffic included; so one whose runs nobody judges is never withheld for nothing, and nothing that is on trial is shown to them.
"""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, TypeAlias

from purpose_agent.core.exposure import Exposure
from purpose_agent.core.memory import POLICY, Memory, Recalled
from purpose_agent.core.model import Capabilities
from purpose_agent.core.origin import TEACHERS
from purpose_agent.core.task import Task
from purpose_agent.engine.context import notes_for
from purpose_agent.engine.run import Setup
from purpose_agent.protocols.skill_md import skill_name
from purpose_agent.runtime.events import MemoryRecalled, RecalledMemory, RunMode, SkillUsed

OnTrial: TypeAlias = Callable[[Task, str, Collection[str]], Sequence[Recalled]]
"""(task, agent, its tools) → the quarantined memories that are tried in live traffic and bear on it."""
Explores: TypeAlias = Callable[[Task, str], bool]
"""(task, agent) → whether values that nothing vouches for may steer the runs it learns from without a model."""


class Recall(Protocol):
    """Finds what bears on a task, best first."""

    def __call__(
        self,
        task: Task,
        agent: str,
        on_trial: Memory | None,
        *,
        tools: Collection[str] = (),
        draws: random.Random | None = None,
    ) -> Sequence[Recalled]:
        """For `agent`, which has `tools`; with the memory on trial.

        Args:
            draws: In runs that are there to learn: what was little tried gets its chance by it. None: nothing is left to
                chance, and nothing is written.
        """
        ...


SHOWN_FIRST = 10
LIVE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Given:
    """What a run is given.

    Attributes:
        notes: Memories for its prompt; they fit.
        policies: Learned values, as memories, that it uses.
        values: Options are ranked by what earlier runs got from them.
        left_out: How many more bear on the task, and had no room.
        exposures: What was shown and withheld, of those that are not a person's; () in runs that are not there to learn.
    """

    notes: tuple[Recalled, ...] = ()
    policies: tuple[Recalled, ...] = ()
    values: bool = False
    left_out: int = 0
    exposures: tuple[Exposure, ...] = ()

    @property
    def shown(self) -> tuple[Recalled, ...]:
        """All that was learned and is used."""
        return (*self.notes, *self.policies)

    @property
    def event(self) -> MemoryRecalled:
        """The same for the record."""
        return MemoryRecalled(
            tuple(RecalledMemory(found.memory.id, found.memory.version, found.score, found.why) for found in self.shown),
            self.left_out,
            tuple(each.memory_id for each in self.exposures if not each.shown),
            {each.memory_id: each.share for each in self.exposures},
            self.values,
        )


@dataclass(frozen=True, slots=True)
class Recalling:
    """Gives runs what they may see.

    Attributes:
        recall: Finds memories for a task; None: there are none.
        explores: Asked about agents without a model; None: they explore by their values.
        holdout: The probability with which a promoted memory is withheld, 0 and above, below 1.
        on_trial: Finds those that are tried in live traffic; None: none are.
    """

    recall: Recall | None
    explores: Explores | None = None
    holdout: float = 0.0
    on_trial: OnTrial | None = None

    def given(
        self,
        setup: Setup,
        task: Task,
        run_id: str,
        *,
        mode: RunMode,
        on_trial: Memory | None = None,
        without_memory: str | None = None,
        values: bool | None = None,
    ) -> Given:
        """What a run has. Coins are thrown where it is there to learn, and is no half of a trial.

        Args:
            on_trial: A memory that it has whatever its status.
            without_memory: The id of one that it has not.
            values: Whether values are used; None: if they are promoted or on trial, or to explore.
        """
        is_free = mode == "learning" and on_trial is None and without_memory is None
        draws = random.Random(f"recall/{run_id}") if is_free else None
        notes, policies = self._found(setup, task, on_trial, without_memory, draws)
        if is_free:
            return self._after_the_coins(setup, task, run_id, notes, policies, values)
        if on_trial is not None:
            # First, so that no others leave it without room: a trial of what is not in the prompt tells nothing.
            notes.sort(key=lambda each: each.memory.id != on_trial.id)
        fit = notes_for(task, _capabilities(setup), notes)
        if values is None:
            values = bool(policies) or (mode == "learning" and self._may_explore(setup, task))
        return Given(fit.shown, tuple(policies) if values else (), values, fit.left_out)

    def _after_the_coins(
        self,
        setup: Setup,
        task: Task,
        run_id: str,
        notes: Sequence[Recalled],
        policies: Sequence[Recalled],
        values: bool | None,
    ) -> Given:
        waiting = self._waiting(setup, task, {each.memory.id for each in (*notes, *policies)})
        fitting = notes_for(task, _capabilities(setup), [each for each in waiting if not _is_policy(each)]).shown
        coins = [self._coin(run_id, each.memory) for each in fitting]
        tried = [each for each, coin in zip(fitting, coins, strict=True) if coin.shown]
        # What one on trial revises makes way for it, as it would if that were promoted.
        revised = {each.memory.supersedes for each in tried}
        fit = notes_for(task, _capabilities(setup), [*tried, *(each for each in notes if each.memory.id not in revised)])
        settled = [each.memory for each in fit.shown if each not in tried and not _is_taught(each.memory)]
        coins += [self._coin(run_id, memory) for memory in settled]
        if values is None:
            policies = [*policies, *filter(_is_policy, waiting)]
            coins_of_values = [self._coin(run_id, each.memory) for each in policies]
            coins += coins_of_values
            values = any(coin.shown for coin in coins_of_values) or (not policies and self._may_explore(setup, task))
        withheld = {coin.memory_id for coin in coins if not coin.shown}
        return Given(
            tuple(each for each in fit.shown if each.memory.id not in withheld),
            tuple(each for each in policies if values and each.memory.id not in withheld),
            values,
            fit.left_out,
            tuple(coins),
        )

    def _waiting(self, setup: Setup, task: Task, known: Collection[str]) -> list[Recalled]:
        """What is tried in live traffic and not recalled anyway."""
        # Without a model nobody reads notes, and values that wait are used anyway: such runs are one half of their trial.
        if self.on_trial is None or setup.model is None:
            return []
        # Who runs it would see what is unproven, and nobody would learn from it.
        if not task.checks and setup.environment is None:
            return []
        found = self.on_trial(task, setup.agent, tuple(setup.tools.tools))
        return [each for each in found if each.memory.id not in known]

    def _may_explore(self, setup: Setup, task: Task) -> bool:
        return setup.model is None and (self.explores is None or self.explores(task, setup.agent))

    def _found(
        self, setup: Setup, task: Task, on_trial: Memory | None, without: str | None, draws: random.Random | None
    ) -> tuple[list[Recalled], list[Recalled]]:
        """Notes, and policies. Who has no model reads no notes."""
        found: Sequence[Recalled] = ()
        if self.recall is not None:
            found = self.recall(task, setup.agent, on_trial, tools=tuple(setup.tools.tools), draws=draws)
        found = [each for each in found if each.memory.id != without]
        notes = [each for each in found if not _is_policy(each)] if setup.model is not None else []
        return notes, [each for each in found if _is_policy(each)]

    def _coin(self, run_id: str, memory: Memory) -> Exposure:
        in_use = 1 - self.holdout if memory.used >= SHOWN_FIRST else 1.0
        share = LIVE_SHARE if memory.status == "quarantined" else in_use
        return Exposure(memory.id, memory.version, _draw(run_id, memory.id) < share, share, run_id)


def skills_used(shown: Sequence[Recalled]) -> tuple[SkillUsed, ...]:
    """The skills among what a run is given, for the record."""
    memories = [found.memory for found in shown if found.memory.lesson.kind == "skill_card"]
    return tuple(SkillUsed(memory.id, skill_name(memory), memory.version) for memory in memories)


def _draw(run_id: str, memory_id: str) -> float:
    """Between 0 and 1."""
    return int.from_bytes(sha256(f"coin/{run_id}/{memory_id}".encode()).digest()[:6]) / 2**48


def _is_policy(found: Recalled) -> bool:
    return found.memory.lesson.kind == POLICY


def _is_taught(memory: Memory) -> bool:
    return memory.lesson.provenance.origin in TEACHERS


def _capabilities(setup: Setup) -> Capabilities:
    return setup.model.capabilities if setup.model is not None else Capabilities()
