"""One run of a swarm: each task on its agent, so many at a time, until all are over.

In:  tasks, agents, and what the record says of a swarm that goes on.
Out: events; an outcome for each task.

Each task's run is promised under an id before it begins, and what it came to is saved as soon as it is over. Where an engine does
the work, tasks are jobs under those ids: submitted again, they are the same jobs.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.continuing import OVER, STANDS, find_trace, promised
from purpose_agent.agents.hearing import Ending, Hearing
from purpose_agent.agents.side_by_side import side_by_side
from purpose_agent.agents.swarms.result import FailedTask, Outcome, ParallelResult, failure
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import RunTaken
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task, task_to_json
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import (
    AgentFinished,
    AgentStarted,
    Payload,
    RunFinished,
    RunStatus,
    RunSuspended,
)
from purpose_agent.runtime.jobs import Engine, Job, JobResult
from purpose_agent.runtime.pool import Pool
from purpose_agent.runtime.sync import how_stopped
from purpose_agent.runtime.trace import Trace

SWARM: Final = "swarm"
AT_ONCE: Final = 100
"""Tasks at a time, unless the caller says otherwise: most of them wait for a server."""
OnResult: TypeAlias = Callable[[int, Outcome], object]
"""Called with a task's place, from 0, and what became of it, as soon as it is over."""


@dataclass(slots=True)
class Swarm:
    """A swarm's run while it goes on.

    Attributes:
        spent: By a task's run. One that goes on ends with the usage of its earlier attempts in it.
    """

    bus: EventBus
    tasks: Sequence[Task]
    agents: Sequence[Agent]
    place: Workspace
    keeps: Checkpointer | None
    engine: Engine | None
    at_once: int | None
    seed: int | None
    on_result: OnResult | None
    watch: Listener | None
    outcomes: dict[int, Outcome] = field(default_factory=dict[int, Outcome])
    run_ids: dict[int, str] = field(default_factory=dict[int, str])
    attempts: dict[int, int] = field(default_factory=dict[int, int])
    spent: dict[str, Usage] = field(default_factory=dict[str, Usage])
    seconds: float = 0.0
    hearing: Hearing | None = None
    ends: Ending | None = None
    pool: Pool | None = None
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.watch is not None:
            self.bus.listen(self.watch)

    def publish(self, payload: Payload, place: int | None = None) -> None:
        lane = SWARM if place is None else str(place + 1)
        self.bus.publish(payload, lane=lane, step=0 if place is None else place + 1)

    def save(self) -> None:
        if self.keeps is not None:
            with self.bus.saving() as events, self.hearing.saving(events) if self.hearing is not None else nullcontext():
                self.keeps.append(events)

    def fold(self, trace: Trace) -> None:
        """Take over what the record says."""
        for part in trace.of(AgentStarted):
            self.run_ids[int(part.key) - 1], self.attempts[int(part.key) - 1] = part.run_id, part.attempt
        ends = [*trace.of(RunSuspended), *trace.of(RunFinished)]
        self.seconds = max((end.seconds or 0.0 for end in ends), default=0.0)
        for part in trace.of(AgentFinished):
            self._spend(part.run_id, part.usage)
            if part.status in OVER:
                place = int(part.key) - 1
                found = self._trace(part.run_id)
                self.outcomes[place] = TaskResult(found) if found is not None else self._failed(place, part.error)

    def _spend(self, run_id: str, usage: Usage) -> None:
        if usage != Usage():  # of an attempt that broke, nobody knows more than was known before
            self.spent[run_id] = usage

    def open_places(self) -> list[int]:
        return [place for place in range(len(self.tasks)) if place not in self.outcomes]

    def agent(self, place: int) -> Agent:
        return self.agents[place % len(self.agents)]

    async def to_the_end(self) -> ParallelResult:
        try:
            await (self._here() if self.engine is None else self._elsewhere(self.engine))
        except asyncio.CancelledError as error:
            self._close(how_stopped(error), "stopped from outside")
            raise
        except RunTaken:
            raise  # what becomes of the run is another's to say
        except BaseException as error:
            self._close("failed", f"{type(error).__name__}: {error}")
            raise
        self._end()
        self.bus.close()
        return self.result(Trace(tuple(self.bus.events)))

    def _end(self) -> None:
        if self.ends is None and self.pool is not None and self.pool.refused and self._standing():
            self.ends = Ending("exhausted", self.pool.refused)
        if self.ends is not None and self.ends.status not in STANDS:
            self._close(self.ends.status, self.ends.reason, ended_by=self.ends.ended_by)
            return
        stand = self._standing()
        if stand or self.ends is not None:
            first = self.ends or stand[0]
            self.publish(RunSuspended(first.status, first.reason, self._usage(stand), self._seconds()))
            self.save()
        else:
            failed = sum(failure(outcome) is not None for outcome in self.outcomes.values())
            self._close("finished", f"{failed} of {len(self.tasks)} tasks failed" if failed else "")

    def _standing(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes.values() if outcome.status in STANDS]

    def result(self, trace: Trace) -> ParallelResult:
        why = self.ends.reason if self.ends is not None else "it was not begun"
        outcomes = [self.outcomes.get(place) or self._failed(place, why) for place in range(len(self.tasks))]
        return ParallelResult(trace, tuple(outcomes))

    async def _here(self) -> None:
        """Workers that each take the next task: it begins when one is free."""
        places = iter(self.open_places())

        async def work() -> None:
            while self.ends is None:
                self.ends = self._asked_to_end()
                place = next(places, None) if self.ends is None else None
                if place is None:
                    return
                await self._one(place)

        most = min(self.at_once or AT_ONCE, len(self.open_places()))
        await side_by_side(work() for _ in range(most))

    def _asked_to_end(self) -> Ending | None:
        """By a person, or since all that the tasks may spend together is spent."""
        if self.hearing is not None and (end := self.hearing.heard()) is not None:
            return end
        # Whoever was refused something stands still, and the next ones would be, too.
        spent = (self.pool.refused or self.pool.spent()) if self.pool is not None and self.open_places() else ""
        return Ending("exhausted", spent) if spent else None

    async def _one(self, place: int) -> None:
        agent, task = self.agent(place), self.tasks[place]
        self._begin(place)
        self.save()
        listeners = [self.watch] if self.watch is not None else []
        began = time.monotonic()
        try:
            with self.pool.part(self.run_ids[place]) if self.pool is not None else nullcontext():
                result = await promised(
                    agent,
                    task,
                    self.run_ids[place],
                    seed=None if self.seed is None else self.seed + place,
                    parent=self.bus.run_id,
                    listeners=listeners,
                )
        except RunTaken:
            raise
        # A door: whatever one task ends in, the others go on, and the record says what it was.
        except Exception as error:  # noqa: BLE001
            self._ended(place, self._failed(place, f"{type(error).__name__}: {error}"), began)
            return
        if result.status not in STANDS:
            self._ended(place, result, began, tell=False)
            result = await agent.reflected(result, listeners)
        self.outcomes[place] = result
        self._tell(place)

    async def _elsewhere(self, engine: Engine) -> None:
        """All of them as jobs, under ids that are saved first: submitted again, they are the same jobs."""
        places = self.open_places()
        for place in places:
            self._begin(place)
        self.save()
        began = time.monotonic()
        jobs = [self._job(place) for place in places]
        for place, done in zip(places, await engine.perform(jobs, at_once=self.at_once), strict=True):
            self._ended(place, self._outcome(place, done), began)

    def _job(self, place: int) -> Job:
        seed = None if self.seed is None else self.seed + place
        return Job(self.run_ids[place], "agent", self.agent(place).name, task_to_json(self.tasks[place]), seed, self.bus.run_id)

    def _outcome(self, place: int, done: JobResult) -> Outcome:
        trace = self._trace(done.id)
        if trace is None or trace.end is None:
            return self._failed(place, done.error or f"it ended as {done.status}, and left no record")
        return TaskResult(trace)

    def _begin(self, place: int) -> None:
        run_id = self.run_ids.setdefault(place, self.place.ids("run"))
        self.attempts[place] = self.attempts.get(place, 0) + 1
        self.publish(AgentStarted(str(place + 1), self.agent(place).name, run_id, self.attempts[place]), place)

    def _ended(self, place: int, outcome: Outcome, began: float, *, tell: bool = True) -> None:
        self.outcomes[place] = outcome
        if outcome.status not in STANDS:
            self._spend(self.run_ids[place], outcome.usage)
            failed = isinstance(outcome, FailedTask)
            part = AgentFinished(
                str(place + 1),
                self.agent(place).name,
                outcome.status,
                outcome.answer,
                self.run_ids[place],
                outcome.reason,
                self.attempts[place],
                round(time.monotonic() - began, 6),
                outcome.usage,
                None if failed else outcome.taint.origin,
            )
            self.publish(part, place)
            self.save()
        if tell:
            self._tell(place)

    def _tell(self, place: int) -> None:
        if self.on_result is not None:
            self.on_result(place, self.outcomes[place])

    def _failed(self, place: int, why: str) -> FailedTask:
        return FailedTask(self.tasks[place], self.agent(place).name, why, self.run_ids.get(place, ""))

    def _trace(self, run_id: str) -> Trace | None:
        kept = self.engine.checkpointer if self.engine is not None else None
        return kept.load(run_id) if kept is not None else find_trace(self.place, run_id)

    def _seconds(self) -> float:
        return round(self.seconds + time.monotonic() - self.began, 6)

    def _usage(self, stand: Sequence[Outcome]) -> Usage:
        """Of all runs, each once; those that stand still may have earlier attempts."""
        return sum({**self.spent, **{outcome.id: outcome.usage for outcome in stand}}.values(), Usage())

    def _close(self, status: RunStatus, reason: str, *, ended_by: str | None = None) -> None:
        usage = self._usage(self._standing())
        self.publish(RunFinished(status, None, None, None, usage, reason, seconds=self._seconds(), ended_by=ended_by))
        self.save()
