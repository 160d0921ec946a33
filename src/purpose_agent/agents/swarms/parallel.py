"""run_parallel (swarm): many tasks, several agents, all at once; the results in the order of the tasks.

In:  tasks, agents.
Out: a `ParallelResult`: for each task its result, or what became of it instead.

The agents take turns by the place of a task, so that a swarm that goes on gives each task to the same one. One failure loses
nothing of the others. The whole is recorded as a run, each task's run as a part of it: what is over is not done again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.arguments import check_engine, check_run_id, check_seed
from purpose_agent.agents.callbacks import Callbacks, quietly
from purpose_agent.agents.hearing import Hearing
from purpose_agent.agents.run_kind import kind_of
from purpose_agent.agents.swarms.result import ParallelResult
from purpose_agent.agents.swarms.run import SWARM, OnResult, Swarm
from purpose_agent.agents.workspace import Workspace, open_workspace
from purpose_agent.core.errors import CantResume, NotFound, UsageError
from purpose_agent.core.given import check_function, check_list, check_whole
from purpose_agent.core.task import Limits, Task, as_tasks, task_from_json, task_to_json
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import (
    RunResumed,
    RunStarted,
)
from purpose_agent.runtime.forking import check_not_ended
from purpose_agent.runtime.jobs import Engine
from purpose_agent.runtime.pool import Pool, check_shared, spent_by_part
from purpose_agent.runtime.record import this_process
from purpose_agent.runtime.sync import run_sync
from purpose_agent.runtime.trace import Trace

SAY_AGENTS = (
    "give a list of agents, at least one; of a team or a flow, begin a run for each task yourself, with run_async side by side"
)


def run_parallel(
    tasks: Sequence[str | Task],
    agents: Sequence[Agent],
    *,
    at_once: int | None = None,
    workspace: Workspace | str | Path | None = None,
    engine: Engine | str | None = None,
    seed: int | None = None,
    limits: Limits | None = None,
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
            limits=limits,
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
    limits: Limits | None = None,
    on_result: OnResult | None = None,
    watch: Listener | None = None,
) -> ParallelResult:
    """Run all tasks side by side, each on one of the agents, and reflect on each run.

    Cancelled, or stopped by Ctrl-C, it closes the runs under way in the record; `resume_parallel` goes on with them.

    Args:
        agents: They take turns. All are in one workspace, and learn from all runs.
        at_once: How many tasks at a time; None: a hundred, or as many as the engine takes.
        workspace: That of the agents, if it is to be made sure of.
        engine: Who does the work: "local", "dbos:postgresql://…" or an engine; None: as the workspace has it.
        seed: Of the models' draws; each task has another one.
        limits: What all tasks may spend together, in tokens, dollars and seconds; held before each model call. Then the swarm ends as
            "exhausted", keeps what is done, and goes on where it was if it is resumed with more. Not where an engine does the work.
        on_result: Called with each task's place and result, as soon as it is over.
        watch: Called with every event, those of the tasks' runs too. Not where an engine does the work.

    Raises:
        UsageError: No tasks, no agents, or agents of several workspaces; limits that nobody can hold.
        ExceptionGroup: `watch` or `on_result` raised; the swarm went on without it, and is over and saved.
    """
    given = as_tasks(tasks, "swarm")
    _check("swarm", agents, at_once, engine, on_result, watch)
    check_seed(seed, "swarm")
    place = _place(agents, workspace)
    chosen = place.engine(engine)
    _check_limits(limits, chosen)
    bus = EventBus(place.ids("run"), place.clock, place.ids)
    keeps = _keeps(place, agents, chosen)
    goal = f"{len(given)} tasks, the first: {given[0].goal}"
    names = " + ".join(dict.fromkeys(agent.name for agent in agents))
    state: dict[str, Any] = {
        "tasks": [task_to_json(task) for task in given],
        "agents": [agent.name for agent in agents],
        "at_once": at_once,
    }
    with quietly() as callbacks:
        swarm = Swarm(bus, given, agents, place, keeps, chosen, at_once, seed, *_quiet(callbacks, on_result, watch))
        swarm.publish(
            RunStarted(task_to_json(Task(goal)), SWARM, names, agents[0].mode, state, seed=seed, limits=limits, of="swarm")
        )
        swarm.save()
        swarm.hearing = _hearing(swarm)
        swarm.pool = _pool(swarm, limits, None)
        return await swarm.to_the_end()


def resume_parallel(
    run_id: str,
    agents: Sequence[Agent],
    *,
    tasks: Sequence[str | Task] | None = None,
    at_once: int | None = None,
    workspace: Workspace | str | Path | None = None,
    engine: Engine | str | None = None,
    limits: Limits | None = None,
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
            limits=limits,
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
    limits: Limits | None = None,
    on_result: OnResult | None = None,
    watch: Listener | None = None,
) -> ParallelResult:
    """Go on with a swarm whose process died, that was stopped, or some of whose tasks failed or wait.

    Tasks that are over are not done again; those that were under way go on after their last complete step.

    Args:
        agents: By the names of those that it had.
        tasks: As they were; needed only if checks of them are functions, which are not in the record.
        at_once: None: as before.
        limits: On all tasks together, what was spent before included. None: as before.

    Raises:
        NotFound: There is no such run.
        CantResume: It is under way, no swarm's, lacks agents or tasks, or a person ended it.
        RunTaken: Another process went on with it at the same moment.
    """
    check_run_id("resume_swarm", run_id)
    _check("resume_swarm", agents, at_once, engine, on_result, watch)
    place = _place(agents, workspace)
    chosen = place.engine(engine)
    _check_limits(limits, chosen)
    keeps = _keeps(place, agents, chosen)
    trace = keeps.load(run_id) if keeps is not None else None
    if trace is None:
        raise NotFound(f"No run is called {run_id!r}. List them with: purpose-agent runs list")
    started = trace.of(RunStarted)[0]
    if kind_of(started) != "swarm":
        raise CantResume(f"{run_id} is a run of {started.agent!r}, and no swarm; resume it with that.")
    check_not_ended(trace)
    if chosen is None and place.run(run_id).status == "running":
        place.resumable(run_id)  # says in which process it is under way
    bus = EventBus(run_id, place.clock, place.ids, before=trace.events)
    wanted, had, most = _tasks_again(trace, tasks), _agents_again(trace, agents), at_once or _at_once(started)
    with quietly() as callbacks:
        swarm = Swarm(bus, wanted, had, place, keeps, chosen, most, started.seed, *_quiet(callbacks, on_result, watch))
        swarm.fold(trace)
        if not swarm.open_places() and trace.finished is not None:
            return swarm.result(trace)
        swarm.publish(RunResumed(this_process(), len(swarm.outcomes), trace.stopped_as))
        swarm.save()  # whoever saves this first has the run
        swarm.hearing = _hearing(swarm, resuming=True)
        swarm.pool = _pool(swarm, limits or started.limits, trace)
        return await swarm.to_the_end()


def _check(
    called: str,
    agents: Sequence[Agent],
    at_once: int | None,
    engine: Engine | str | None,
    on_result: OnResult | None,
    watch: Listener | None,
) -> None:
    check_list(f"{called}(agents={agents!r:.80})", agents, Agent, SAY_AGENTS, least=1)
    check_whole(f"{called}(at_once={at_once!r})", at_once, least=1, none="as many as there is room for")
    check_engine(called, engine)
    check_function(f"{called}(on_result={on_result!r:.80})", on_result, "a task's place and what became of it", none="nobody")
    check_function(f"{called}(watch={watch!r:.80})", watch, "an event", none="nobody")


def _quiet(callbacks: Callbacks, on_result: OnResult | None, watch: Listener | None) -> tuple[OnResult | None, Listener | None]:
    return (
        callbacks.quiet(on_result) if on_result is not None else None,
        callbacks.quiet(watch) if watch is not None else None,
    )


def _place(agents: Sequence[Agent], workspace: Workspace | str | Path | None) -> Workspace:
    place = open_workspace(workspace) if workspace is not None else agents[0].workspace
    if others := {str(agent.workspace.path) for agent in agents} - {str(place.path)}:
        raise UsageError(
            f"The swarm is at {place.path}, and agents of it at {', '.join(sorted(others))}. Give all one workspace."
        )
    named = {agent.name: agent for agent in agents}
    if twice := [agent.name for agent in agents if named[agent.name] is not agent]:
        raise UsageError(
            f"swarm(agents=...): two agents are called {twice[0]!r}. Their tasks are found again by their names: give each its own."
        )
    return place


def _keeps(place: Workspace, agents: Sequence[Agent], engine: Engine | None) -> Checkpointer | None:
    if any(agent.mode == "evaluation" for agent in agents):
        return None
    return engine.checkpointer if engine is not None and engine.checkpointer is not None else place.checkpointer


def _hearing(swarm: Swarm, *, resuming: bool = False) -> Hearing | None:
    place = swarm.place
    if swarm.keeps is None or swarm.engine is not None:
        return None
    return Hearing(place.record, swarm.bus.run_id, place.clock, resuming=resuming)


def _check_limits(limits: Limits | None, engine: Engine | None) -> None:
    check_shared(limits, "swarm")
    if limits is not None and engine is not None:
        raise UsageError(
            f"swarm(limits={limits}, engine=...): the workers of an engine don't know of each other's spending. Give the tasks limits of"
            " their own, or do it in this process: engine='local'."
        )


def _pool(swarm: Swarm, limits: Limits | None, before: Trace | None) -> Pool | None:
    if limits is None:
        return None
    spent = spent_by_part(before, swarm.keeps)
    return Pool("The swarm", limits, swarm.place.clock, spent=spent, seconds=swarm.seconds)


def _at_once(started: RunStarted) -> int | None:
    before = started.state.get("at_once")
    return before if isinstance(before, int) else None


def _tasks_again(trace: Trace, given: Sequence[str | Task] | None) -> list[Task]:
    kept = trace.of(RunStarted)[0].state.get("tasks")
    recorded = [task_from_json(each) for each in kept if isinstance(each, dict)] if isinstance(kept, list) else []
    tasks = recorded if given is None else as_tasks(given, "resume_swarm")
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
