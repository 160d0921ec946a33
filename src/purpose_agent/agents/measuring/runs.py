"""The runs behind a measurement of lift, and what they cost.

In:  an agent, a workspace to learn in, training and held-out tasks, a budget.
Out: a `LiftReport`.

First the held-out tasks without memory, then learning, then the held-out tasks with it. A budget is divided beforehand:
a half that is measured is worth nothing without the other. Not here: which tasks are held out.
"""

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.budget import Budget, Purse
from purpose_agent.agents.measuring.report import Cost, LiftPair, LiftReport, MemoryShare, counted
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import ModelError
from purpose_agent.core.memory import Memory
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import ValuesConsulted

SETTLE_EVERY = 20
"""Training tasks between two rounds of trials."""
TRIAL_RUNS = 64
"""What is set aside for trials where the budget is in runs: two memories."""
DEARER = 1.5
"""A run with memory is taken to cost so much more than one without, when tokens are set aside for it."""


class Measurement:
    """The pairs to be run and what has been spent; used once."""

    def __init__(
        self,
        agent: Agent,
        place: Workspace,
        held_out: Sequence[Task],
        seeds: int,
        budget: Budget,
        watch: Listener | None,
        notes: list[str],
    ) -> None:
        self.place = place
        self.learner = agent.moved(place, "learning")
        self.subject = agent.moved(place, "evaluation")
        place.register(self.learner)
        # Every task once before any twice: a budget that ends early leaves out seeds first.
        self.wanted = [(task, seed) for seed in range(seeds) for task in held_out if not (task.choices and seed)]
        self.held_out = held_out
        self.budget = budget
        self.watch = watch
        self.notes = notes
        self.measuring = Purse(budget)
        self.learning = Purse()
        self.trials = Purse()
        self.seconds = {"measurement": 0.0, "learning": 0.0, "trials": 0.0}
        self.curve: list[bool | None] = []

    async def run(self, training: Sequence[Task], *, ablate: bool, kept: bool) -> LiftReport:
        """Without memory, learn, with memory."""
        plan = self._planned(len(training))
        share = self.budget.part(0.25)
        without = await self._runs(plan, Purse(Budget(tokens=share.tokens)), memory=False)
        plan = plan[: len(without)]
        if len(plan) < len(self.wanted):
            self.notes.append(
                f"the budget of {self.budget} is for {len(plan)} of {len(self.wanted)} held-out runs on each side"
            )
        await self._learn(training, reserve=self.measuring)
        with_memory = await self._runs(plan, Purse(self._left()))
        if len(with_memory) < len(plan):
            self.notes.append(
                f"the budget of {self.budget} was spent before {counted(len(plan) - len(with_memory), 'run')} with memory"
            )
        done = list(zip(plan, without, with_memory, strict=False))
        pairs = tuple(
            LiftPair(
                task.key,
                task.goal,
                seed,
                one.success,
                other.success,
                tuple(each.memory.id for each in other.recalled),
                bool(other.trace.of(ValuesConsulted)),
            )
            for (task, seed), one, other in done
        )
        memories = [self._share(memory, pairs) for memory in self.place.memories("promoted")]
        memories.sort(key=lambda memory: (-memory.wins, memory.id))
        if ablate:
            memories = await self._ablated(memories, [(step, other) for step, _, other in done])
        return LiftReport(
            training=len(self.curve),
            held_out=len({pair.task for pair in pairs}),
            pairs=pairs,
            memories=tuple(memories),
            measurement=Cost(self.measuring.runs, self.measuring.usage, self.seconds["measurement"]),
            learning=Cost(self.learning.runs, self.learning.usage, self.seconds["learning"]),
            trials=Cost(self.trials.runs, self.trials.usage, self.seconds["trials"]),
            curve=tuple(self.curve),
            notes=tuple(self.notes),
            workspace=str(self.place.path) if kept else "",
        )

    def _planned(self, training: int) -> list[tuple[Task, int]]:
        """As many pairs as a budget in runs can pay both sides of: a quarter of it each, more if learning needs less."""
        if self.budget.runs is None:
            return self.wanted
        spare = self.budget.runs - training - (TRIAL_RUNS if training else 0)
        return self.wanted[: max(self.budget.runs // (4 if training else 2), spare // 2)]

    def _left(self) -> Budget:
        runs = self.measuring.runs + self.learning.runs + self.trials.runs
        tokens = self.measuring.usage.tokens + self.learning.usage.tokens + self.trials.usage.tokens
        return self.budget.less(runs, tokens)

    async def _runs(
        self, plan: Sequence[tuple[Task, int]], purse: Purse, *, memory: bool = True, without_memory: str | None = None
    ) -> list[TaskResult]:
        """The held-out runs in order, as far as `purse` goes."""
        began, results = monotonic(), list[TaskResult]()
        for task, seed in plan:
            if not purse.has_room(runs=1):
                break
            result = await self.subject.attempt(
                task, seed=seed, memory=memory, without_memory=without_memory, listeners=self._listeners()
            )
            for each in (purse, self.measuring):
                each.pay(result.usage, runs=1)
            results.append(_unless_failed(result, task))
        self.seconds["measurement"] += monotonic() - began
        return results

    async def _learn(self, training: Sequence[Task], *, reserve: Purse) -> None:
        """Do the training tasks and try what was learned, with what is left after setting the other side apart."""
        usable = self._left().less(reserve.runs, int(reserve.usage.tokens * DEARER))
        self.learning.budget, self.trials.budget = usable.part(2 / 3), usable.part(1 / 3)
        for number, task in enumerate(training, start=1):
            if not self.learning.has_room(runs=1):
                self.notes.append(f"the budget of {self.budget} is for {number - 1} of {len(training)} training tasks")
                break
            began = monotonic()
            # Its own listener, since reflection is part of it and of no run's usage.
            result = await self.learner.run_async(task, seed=0, watch=self._paying(self.learning))
            self.learning.pay(Usage(), runs=1)
            self.seconds["learning"] += monotonic() - began
            self.curve.append(_unless_failed(result, task).success)
            if number % SETTLE_EVERY == 0 and number < len(training):
                await self._settle()
        if training:
            self.trials.budget = usable.less(self.learning.runs, self.learning.usage.tokens)
            await self._settle(last=True)

    async def _settle(self, *, last: bool = False) -> None:
        began = monotonic()
        settled = await self.place.settle_async(watch=self.watch, budget=self.trials.left)
        self.learning.pay(settled.reflection)
        self.trials.pay(settled.trials, runs=settled.runs)
        self.trials.pay(settled.calibration, runs=settled.judged)
        self.seconds["trials"] += monotonic() - began
        if not last:
            return
        if settled.stopped and self.place.memories("quarantined"):
            self.notes.append(f"the budget of {self.budget} was spent before all trials were over: some memories stay untried")
        undecided = [(tried.memory, tried.why) for tried in settled.trialled if tried.memory.status == "quarantined"]
        self.notes += [
            f"{memory.id} stays in quarantine, and was not used: {why}" for memory, why in (*undecided, *settled.skipped)
        ]

    def _share(self, memory: Memory, pairs: Sequence[LiftPair]) -> MemoryShare:
        shown = [pair for pair in pairs if memory.id in pair.memories]
        wins, losses = (sum(pair.difference == each for pair in shown) for each in (1, -1))
        lesson = memory.lesson
        return MemoryShare(memory.id, memory.status, lesson.text, lesson.provenance.run_id, len(shown), wins, losses)

    async def _ablated(
        self, memories: Sequence[MemoryShare], full: Sequence[tuple[tuple[Task, int], TaskResult]]
    ) -> list[MemoryShare]:
        """Each memory's share, by the same runs without it alone. Runs that did not have it would come out the same."""
        used = [memory for memory in memories if memory.shown]
        found = {memory.id: memory for memory in memories}
        for memory in used if len(used) > 1 else ():
            touched = [(step, one) for step, one in full if any(each.memory.id == memory.id for each in one.recalled)]
            results = await self._runs([step for step, _ in touched], Purse(self._left()), without_memory=memory.id)
            if len(results) < len(touched):
                self.notes.append(f"the budget of {self.budget} was spent before {memory.id} was left out of all its runs")
                continue
            gains = [bool(one.success) - bool(other.success) for (_, one), other in zip(touched, results, strict=True)]
            found[memory.id] = replace(memory, contribution=sum(gains) / len(full))
        return list(found.values())

    def _listeners(self) -> list[Listener]:
        return [self.watch] if self.watch is not None else []

    def _paying(self, purse: Purse) -> Listener:
        watch = self.watch
        if watch is None:
            return purse.listen
        return lambda event: (purse.listen(event), watch(event))[1]


def _unless_failed(result: TaskResult, task: Task) -> TaskResult:
    if result.status == "failed":
        raise ModelError(f"The measurement stopped at {task.goal[:60]!r}: {result.reason}")
    return result
