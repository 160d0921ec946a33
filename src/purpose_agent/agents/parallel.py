"""run_parallel (swarm): many tasks, several agents, all at once; the results in the order of the tasks.

In:  tasks, agents.
Out: a `ParallelResult`: for each task its result, or what became of it instead.

The agents take turns by the place of a task, so that a swarm that goes on gives each task to the same one. One failure loses
nothing of the others. The whole is recorded as a run, each task's run as a part of it: what is over is not done again.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.continuing import OVER, STANDS, find_trace, promised
from purpose_agent.agents.parallel_result import FailedTask, Outcome, ParallelResult
from purpose_agent.agents.workspace import Workspace, open_workspace
from purpose_agent.core.errors import CantResume, NotFound, RunTaken, UsageError
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task, as_task, task_from_json, task_to_json
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import (
    AgentFinished,
    AgentStarted,
    Payload,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStatus,
    RunSuspended,
)
from purpose_agent.runtime.jobs import Engine, Job, JobResult
from purpose_agent.runtime.record import this_process
from purpose_agent.runtime.sync import INTERRUPTED, run_sync
from purpose_agent.runtime.trace import Trace

AT_ONCE = 100
"""Tasks at a time, unless the caller says otherwise: most of them wait for a server."""
LANE = "swarm"
OnResult: TypeAlias = Callable[[int, Outcome], object]
"""Called with a task's place, from 0, and what became of it, as soon as it is over."""


def run_parallel(
    tasks: Sequence[str | Task],
    agents: Sequence[Agent],
    *,
    at_once: int | None = None,
    workspace: Workspace | str | Path | None = None,
    engine: Engine | str | None = None,
    seed: int | None = None,
    on_result: OnResult | None = None,
    watch: Listener | None = None,
) -> ParallelResult:
    """Blocking form of `run_parallel_async`."""
    return run_sync(
        run_parallel_async(
            tasks,
            agents,
            at_once=at_once,
            workspace=workspace,
            engine=engine,
            seed=seed,
            on_result=on_result,
            watch=watch,
        )
    )


async def run_parallel_async(
    tasks: Sequence[str | Task],
    agents: Sequence[Agent],
    *,
    at_once: int | None = None,
    workspace: Workspace | str | Path | None = None,
    engine: Engine | str | None = None,
    seed: int | None = None,
    on_result: OnResult | None = None,
    watch: Listener | None = None,
) -> ParallelResult:
    """Run all tasks side by side, each on one of the agents, and reflect on each run.

    Cancelled, or stopped by Ctrl-C, it closes the runs under way in the record; `resume_parallel` goes on with them.

    Args:
        agents: They take turns. All are in one workspace, and learn from all runs.
        at_once: How many tasks at a time; None: a hundred, or as many as the engine takes.
        workspace: That of the agents, if it is to be made sure of.
        engine: Who does the work: "local", "dbos:postgresql://…" or an engine; None: what `PURPOSE_AGENT_ENGINE` says, else this process.
        seed: Of the models' draws; each task has another one.
        on_result: Called with each task's place and result, as soon as it is over.
        watch: Called with every event, those of the tasks' runs too. Not where an engine does the work.

    Raises:
        UsageError: No tasks, no agents, or agents of several workspaces.
    """
    place = _place(agents, workspace)
    given = [as_task(task) for task in tasks]
    if not given or not agents or (at_once is not None and at_once < 1):
        raise UsageError(f"swarm({len(given)} tasks, {len(agents)} agents, at_once={at_once}): give at least one of each.")
    chosen = _engine_of(engine)
    bus = EventBus(place.ids("run"), place.clock, place.ids)
    swarm = _Swarm(bus, given, agents, place, _keeps(place, agents, chosen), chosen, at_once, seed, on_result, watch)
    goal = f"{len(given)} tasks, the first: {given[0].goal}"
    names = " + ".join(dict.fromkeys(agent.name for agent in agents))
    state: dict[str, Any] = {
        "tasks": [task_to_json(task) for task in given],
        "agents": [agent.name for agent in agents],
        "at_once": at_once,
    }
    swarm.publish(RunStarted(task_to_json(Task(goal)), LANE, names, agents[0].mode, state, seed=seed))
    swarm.save()
    return await swarm.to_the_end()


def resume_parallel(
    run_id: str,
    agents: Sequence[Agent],
    *,
    tasks: Sequence[str | Task] | None = None,
    at_once: int | None = None,
    workspace: Workspace | str | Path | None = None,
    engine: Engine | str | None = None,
    on_result: OnResult | None = None,
    watch: Listener | None = None,
) -> ParallelResult:
    """Blocking form of `resume_parallel_async`."""
    return run_sync(
        resume_parallel_async(
            run_id,
            agents,
            tasks=tasks,
            at_once=at_once,
            workspace=workspace,
            engine=engine,
            on_result=on_result,
            watch=watch,
        )
    )


async def resume_parallel_async(
    run_id: str,
    agents: Sequence[Agent],
    *,
    tasks: Sequence[str | Task] | None = None,
    at_once: int | None = None,
    workspace: Workspace | str | Path | None = None,
    engine: Engine | str | None = None,
    on_result: OnResult | None = None,
    watch: Listener | None = None,
) -> ParallelResult:
    """Go on with a swarm whose process died, that was stopped, or some of whose tasks failed or wait.

    Tasks that are over are not done again; those that were under way go on after their last complete step.

    Args:
        agents: By the names of those that it had.
        tasks: As they were; needed only if checks of them are functions, which are not in the record.
        at_once: None: as before.

    Raises:
        NotFound: There is no such run.
        CantResume: It is under way, no swarm's, or lacks agents or tasks.
        RunTaken: Another process went on with it at the same moment.
    """
    place = _place(agents, workspace)
    chosen = _engine_of(engine)
    keeps = _keeps(place, agents, chosen)
    trace = keeps.load(run_id) if keeps is not None else None
    if trace is None:
        raise NotFound(f"No run is called {run_id!r}. List them with: purpose-agent runs list")
    started = trace.of(RunStarted)[0]
    if started.agent != LANE:
        raise CantResume(f"{run_id} is a run of {started.agent!r}, and no swarm; resume it with that.")
    if chosen is None and place.run(run_id).status == "running":
        place.resumable(run_id)  # says in which process it is under way
    bus = EventBus(run_id, place.clock, place.ids, before=trace.events)
    swarm = _Swarm(
        bus,
        _tasks_again(trace, tasks),
        _agents_again(trace, agents),
        place,
        keeps,
        chosen,
        at_once or _at_once(started),
        started.seed,
        on_result,
        watch,
    )
    swarm.fold(trace)
    if not swarm.open_places() and trace.finished is not None:
        return swarm.result(trace)
    swarm.publish(RunResumed(this_process(), len(swarm.outcomes), "suspended" if trace.suspended else "died"))
    swarm.save()  # whoever saves this first has the run
    return await swarm.to_the_end()


@dataclass(slots=True)
class _Swarm:
    """A swarm's run while it goes on."""

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
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.watch is not None:
            self.bus.listen(self.watch)

    def publish(self, payload: Payload, place: int | None = None) -> None:
        lane = LANE if place is None else str(place + 1)
        self.bus.publish(payload, lane=lane, step=0 if place is None else place + 1)

    def save(self) -> None:
        if self.keeps is not None:
            with self.bus.saving() as events:
                self.keeps.append(events)

    def fold(self, trace: Trace) -> None:
        """Take over what the record says."""
        for part in trace.of(AgentStarted):
            self.run_ids[int(part.key) - 1], self.attempts[int(part.key) - 1] = part.run_id, part.attempt
        ends = [*trace.of(RunSuspended), *trace.of(RunFinished)]
        self.seconds = max((end.seconds or 0.0 for end in ends), default=0.0)
        for part in trace.of(AgentFinished):
            self.usage += part.usage
            if part.status in OVER:
                place = int(part.key) - 1
                found = self._trace(part.run_id)
                self.outcomes[place] = TaskResult(found) if found is not None else self._failed(place, part.error)

    def open_places(self) -> list[int]:
        return [place for place in range(len(self.tasks)) if place not in self.outcomes]

    def agent(self, place: int) -> Agent:
        return self.agents[place % len(self.agents)]

    async def to_the_end(self) -> ParallelResult:
        try:
            await (self._here() if self.engine is None else self._elsewhere(self.engine))
        except asyncio.CancelledError as error:
            self._close("interrupted" if INTERRUPTED in error.args else "cancelled", "stopped from outside")
            raise
        except RunTaken:
            raise  # what becomes of the run is another's to say
        except BaseException as error:
            self._close("failed", f"{type(error).__name__}: {error}")
            raise
        stand = [outcome for outcome in self.outcomes.values() if outcome.status in STANDS]
        if stand:
            usage = sum((outcome.usage for outcome in stand), self.usage)
            self.publish(RunSuspended(stand[0].status, stand[0].reason, usage, self._seconds()))
            self.save()
        else:
            failed = sum(isinstance(outcome, FailedTask) for outcome in self.outcomes.values())
            self._close("finished", f"{failed} of {len(self.tasks)} tasks failed" if failed else "")
        self.bus.close()
        return self.result(Trace(tuple(self.bus.events)))

    def result(self, trace: Trace) -> ParallelResult:
        return ParallelResult(trace, tuple(self.outcomes[place] for place in range(len(self.tasks))))

    async def _here(self) -> None:
        """Workers that each take the next task: it begins when one is free."""
        places = iter(self.open_places())

        async def work() -> None:
            for place in places:
                await self._one(place)

        most = min(self.at_once or AT_ONCE, len(self.open_places()))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(most):
                    group.create_task(work())
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _one(self, place: int) -> None:
        agent, task = self.agent(place), self.tasks[place]
        self._begin(place)
        self.save()
        listeners = [self.watch] if self.watch is not None else []
        began = time.monotonic()
        try:
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
        if trace is None or (trace.finished is None and trace.suspended is None):
            return self._failed(place, done.error or f"it ended as {done.status}, and left no record")
        return TaskResult(trace)

    def _begin(self, place: int) -> None:
        run_id = self.run_ids.setdefault(place, self.place.ids("run"))
        self.attempts[place] = self.attempts.get(place, 0) + 1
        self.publish(AgentStarted(str(place + 1), self.agent(place).name, run_id, self.attempts[place]), place)

    def _ended(self, place: int, outcome: Outcome, began: float, *, tell: bool = True) -> None:
        self.outcomes[place] = outcome
        if outcome.status not in STANDS:
            self.usage += outcome.usage
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

    def _close(self, status: RunStatus, reason: str) -> None:
        self.publish(RunFinished(status, None, None, None, self.usage, reason, seconds=self._seconds()))
        self.save()


def _place(agents: Sequence[Agent], workspace: Workspace | str | Path | None) -> Workspace:
    if not agents:
        raise UsageError("swarm(agents=[]): name at least one agent.")
    place = open_workspace(workspace) if workspace is not None else agents[0].workspace
    if others := {str(agent.workspace.path) for agent in agents} - {str(place.path)}:
        raise UsageError(
            f"The swarm is at {place.path}, and agents of it at {', '.join(sorted(others))}. Give all one workspace."
        )
    return place


def _keeps(place: Workspace, agents: Sequence[Agent], engine: Engine | None) -> Checkpointer | None:
    if engine is not None and engine.checkpointer is not None:
        return engine.checkpointer
    return None if any(agent.mode == "evaluation" for agent in agents) else place.checkpointer


def _engine_of(engine: Engine | str | None) -> Engine | None:
    from purpose_agent.durable.resolve import engine_of

    return engine_of(engine)


def _at_once(started: RunStarted) -> int | None:
    before = started.state.get("at_once")
    return before if isinstance(before, int) else None


def _tasks_again(trace: Trace, given: Sequence[str | Task] | None) -> list[Task]:
    kept = trace.of(RunStarted)[0].state.get("tasks")
    recorded = [task_from_json(each) for each in kept if isinstance(each, dict)] if isinstance(kept, list) else []
    tasks = recorded if given is None else [as_task(task) for task in given]
    if len(tasks) != len(recorded) or any(mine.key != theirs.key for mine, theirs in zip(tasks, recorded, strict=True)):
        raise CantResume(
            f"{trace.run_id} had {len(recorded)} tasks, and these are others. Give those it began with, or leave them out."
        )
    if given is None and any(check.kind == "callable" for task in recorded for check in task.checks):
        raise CantResume(
            f"Checks of tasks of {trace.run_id} are functions, which are not in the record. Give the tasks again: tasks=[...]."
        )
    return tasks


def _agents_again(trace: Trace, given: Sequence[Agent]) -> list[Agent]:
    kept = trace.of(RunStarted)[0].state.get("agents")
    names = [str(name) for name in kept] if isinstance(kept, list) else []
    by_name = {agent.name: agent for agent in given}
    if missing := [name for name in names if name not in by_name]:
        raise CantResume(f"{trace.run_id} had an agent {missing[0]!r}. Give it again: agents=[...].")
    return [by_name[name] for name in names]
