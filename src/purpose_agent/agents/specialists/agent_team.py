"""AgentTeam: specialists with models of their own, each task for one of them, one memory for all.

In:  `AgentSpec`s; a task, or a pipeline of tasks.
Out: the result of whoever did it; what the team did and learned.

Who gets a task is told in the record (`HandedOver.why`). Each task is a run of the team with the specialist's run in it: it is recorded,
goes on in any process, and is learned from. What one specialist learned and the gate promoted the others recall too, with the credit
where it belongs. The team holds nothing itself; any number of threads may use it at once. Not here: one run (`work.py`), and
who is chosen (`delegation.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from purpose_agent.agents.agent import Agent, World, resolved
from purpose_agent.agents.callbacks import quietly
from purpose_agent.agents.settled import Settled
from purpose_agent.agents.specialists.arguments import (
    approvals_of,
    check_capacity,
    check_name,
    checked_specs,
    is_one,
    task_again,
    task_with,
    values_of,
)
from purpose_agent.agents.specialists.pipeline import (
    GivenStep,
    OnFailure,
    PipelineResult,
    PipelineStep,
    check_on_failure,
    check_recorded,
    steps_again,
    steps_from_json,
    steps_of,
    steps_to_json,
)
from purpose_agent.agents.specialists.spec import AgentSpec
from purpose_agent.agents.specialists.turnstile import Turnstile
from purpose_agent.agents.specialists.work import TeamWork
from purpose_agent.agents.team_learning import LearningReport, TeamStats, count_shared, report_on
from purpose_agent.agents.team_record import NAME, TEAM
from purpose_agent.agents.teams.past import Way, check_members
from purpose_agent.agents.teams.turns import Turns
from purpose_agent.agents.workspace import Workspace, open_workspace
from purpose_agent.core.approval import Approvals, Approver
from purpose_agent.core.errors import CantResume, NotFound
from purpose_agent.core.memory import Memory
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Model, is_no_model
from purpose_agent.core.state import State
from purpose_agent.core.task import Limits, Task, as_task, task_from_json
from purpose_agent.engine.result import TaskResult
from purpose_agent.models.routing import Router
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import AgentFinished, RunStarted
from purpose_agent.runtime.forking import OVER
from purpose_agent.runtime.sync import run_sync
from purpose_agent.runtime.trace import Trace

CAPACITY = 1000
PIPELINE = "pipeline"
"""The fact of a run's first state that has its tasks, if it is a pipeline."""
ASKED_FOR = "agent asked for"
"""The one that says for whom the caller asked by name, or None, if it is one task."""


class AgentTeam:
    """A team of specialists.

    Args:
        agents: At least one; no name twice.
        default_model: Of all that name none, and of the choice where a task's words don't decide; None: the best that is there.
        environment: The world all of them act in; see `Agent`. One that is an object serves one task at a time, and the others wait;
            a class, or a function that makes one, serves any number.
        critic_model: Who scores tasks that have no checks; None: each one's own model. "none": nobody.
        shared_memory_capacity: So many learned memories are in use, and so many episodes of an agent and a family are kept; what is
            beyond it and worth least is put away. 1 and above. A `Workspace` that has room for fewer is left at that.
        persistence_dir: The folder of a workspace, or a `Workspace`; None: the usual one, `.purpose_agent` in the current folder. A team
            that is made there again has all that it did and learned.
        approve: Asks a person about calls that need one; see `Agent`.
        approvals: Which calls those are; see `Agent`.
        name: Of two teams in one workspace that have an agent in common, `stats` tells the tasks of each only if they have names. What
            is learned belongs to the agent.

    Raises:
        UsageError: No agents, two of one name, or something that they can't be made with.
        UnknownModel: A spec can't be read.
        NoModelFound: A local model that is named is not here.
    """

    def __init__(
        self,
        agents: Sequence[AgentSpec],
        default_model: str | Model | Router | None = None,
        environment: World | type[World] | Callable[[Task], World] | None = None,
        critic_model: str | Model | None = None,
        shared_memory_capacity: int = CAPACITY,
        persistence_dir: Workspace | str | Path | None = None,
        *,
        approve: Approver | None = None,
        approvals: Approvals | None = None,
        name: str = "",
    ) -> None:
        self.name = name.strip()
        self.specs = checked_specs(agents)
        check_capacity(shared_memory_capacity)
        self.workspace = open_workspace(persistence_dir)
        default = (
            resolved(default_model) if isinstance(default_model, str) and not is_no_model(default_model) else default_model
        )
        self.members = tuple(
            Agent(
                spec.name,
                role=spec.instructions,
                model=spec.model if spec.model is not None else default,
                tools=spec.tools,
                critic="self" if critic_model is None else critic_model,
                limits=Limits() if spec.max_steps is None else Limits(steps=spec.max_steps),
                workspace=self.workspace,
                environment=environment,
                approve=approve,
                approvals=approvals_of(approvals, spec),
            )
            for spec in self.specs
        )
        world = Turnstile() if environment is not None and is_one(environment) else None
        self._work = TeamWork(self.members, self.specs, self.workspace, default, environment is not None, world)
        self.workspace.share(self.names)
        self.workspace.make_room(shared_memory_capacity, at_most=isinstance(persistence_dir, Workspace))
        self.workspace.know("team", self.name or "+".join(self.names), self)

    def __repr__(self) -> str:
        return f"AgentTeam({list(self.names)!r})"

    @property
    def names(self) -> tuple[str, ...]:
        """Of its agents, in their order."""
        return tuple(spec.name for spec in self.specs)

    def run_task(
        self,
        purpose: str | Task,
        initial_state: Mapping[str, Json] | State | None = None,
        agent_name: str | None = None,
        max_steps: int | None = None,
        *,
        seed: int | None = None,
        watch: Listener | None = None,
    ) -> TaskResult:
        """Blocking form of `run_task_async`."""
        return run_sync(self.run_task_async(purpose, initial_state, agent_name, max_steps, seed=seed, watch=watch))

    async def run_task_async(
        self,
        purpose: str | Task,
        initial_state: Mapping[str, Json] | State | None = None,
        agent_name: str | None = None,
        max_steps: int | None = None,
        *,
        seed: int | None = None,
        watch: Listener | None = None,
    ) -> TaskResult:
        """Give a task to one of the agents, then reflect on its run.

        Args:
            purpose: In words, or a task with checks and limits.
            initial_state: Facts the task comes with.
            agent_name: Who does it; None: whom its words name, else whom the model says, else the stated fallback.
            max_steps: Decisions in this run; None: as the agent has it.
            seed: Of the models' draws; None for any.
            watch: Called with every event, those of the agent's run too.

        Returns:
            The agent's own result. If the task stands still before the agent's run is over, that of the team's run; `resume` takes either.

        Raises:
            UsageError: There is no such agent, or no such number of steps.
        """
        task = task_with(as_task(purpose), initial_state, max_steps)
        check_name(agent_name, self.names)
        with quietly() as callbacks:
            turns = self._turns(task, seed, callbacks.listeners(watch), {ASKED_FOR: agent_name})
            return await self._work.one(turns, agent_name)

    def run_pipeline(
        self,
        tasks: Sequence[GivenStep],
        initial_state: Mapping[str, Json] | State | None = None,
        *,
        on_failure: OnFailure = "stop",
        seed: int | None = None,
        watch: Listener | None = None,
    ) -> PipelineResult:
        """Blocking form of `run_pipeline_async`."""
        return run_sync(self.run_pipeline_async(tasks, initial_state, on_failure=on_failure, seed=seed, watch=watch))

    async def run_pipeline_async(
        self,
        tasks: Sequence[GivenStep],
        initial_state: Mapping[str, Json] | State | None = None,
        *,
        on_failure: OnFailure = "stop",
        seed: int | None = None,
        watch: Listener | None = None,
    ) -> PipelineResult:
        """One task after the other, each with the state of those before it.

        Args:
            tasks: Each is a `Task`, or has a "purpose", in words or as a `Task`; if wanted an "agent" by name, and "max_steps".
            initial_state: Facts that all of them have.
            on_failure: "stop" after a task that failed, or "continue" with the next one, which then lacks its work. A task that an
                error ends has failed too: the error is its reason.

        Raises:
            UsageError: A task is not of that form, or for an agent that isn't there; the message says which. Nothing was begun then.
        """
        check_on_failure(on_failure)
        steps = steps_of(tasks, self.names)
        state: dict[str, Json] = dict(values_of(initial_state))
        goal = f"{len(steps)} tasks, the first: {steps[0].task.goal}"
        kept: dict[str, Json] = {PIPELINE: steps_to_json(steps), "state": dict(state), "on_failure": on_failure}
        with quietly() as callbacks:
            turns = self._turns(Task(goal, inputs=kept), seed, callbacks.listeners(watch), {})
            return await self._work.pipeline(turns, steps, state, on_failure)

    def resume(
        self,
        run_id: str,
        *,
        task: str | Task | None = None,
        tasks: Sequence[GivenStep] | None = None,
        watch: Listener | None = None,
    ) -> TaskResult | PipelineResult:
        """Blocking form of `resume_async`."""
        return run_sync(self.resume_async(run_id, task=task, tasks=tasks, watch=watch))

    async def resume_async(
        self,
        run_id: str,
        *,
        task: str | Task | None = None,
        tasks: Sequence[GivenStep] | None = None,
        watch: Listener | None = None,
    ) -> TaskResult | PipelineResult:
        """Go on with a task or a pipeline that waits, failed, was interrupted, or whose process died. What is done is not done again.

        One that is over gives its result again.

        Args:
            run_id: Of the team's run, or of the agent's.
            task: Needed only if checks of the task are functions, which are not in the record.
            tasks: The same of a pipeline: all of its tasks again.

        Raises:
            CantResume: A person ended it, it is under way, no run of this team, or lacks checks that are functions.
            RunTaken: Another process went on with it at the same moment.
            NotFound: There is no such run.
            UsageError: Other tasks are given than it is of.
        """
        row = self.workspace.run(run_id)
        whole = row.parent if row.agent != TEAM and row.parent is not None else run_id
        if self.workspace.run(whole).status in OVER:
            trace = self.workspace.trace(whole)
            check_members(trace, self.names)
            return self._again(trace)
        _, trace = self.workspace.resumable(whole)
        started = trace.of(RunStarted)[0]
        again = task_again(task_from_json(started.task), task) if task is not None else None
        with quietly() as callbacks:
            turns = Turns.after(trace, self.members, self.workspace, again, callbacks.listeners(watch), way=Way())
            return await self._worked(turns, trace, tasks)

    async def _worked(self, turns: Turns, trace: Trace, tasks: Sequence[GivenStep] | None) -> TaskResult | PipelineResult:
        inputs = trace.of(RunStarted)[0].state
        if ASKED_FOR in inputs:
            name = inputs[ASKED_FOR]
            return await self._work.one(turns, name if isinstance(name, str) else None)
        if PIPELINE not in inputs:
            raise CantResume(f"{trace.run_id} is the run of another kind of team; resume it with what began it.")
        steps, state = _pipeline_in(trace)
        if tasks is not None:
            steps = steps_again(tasks, steps, self.names)
        check_recorded(steps if tasks is None else (), trace.run_id)
        return await self._work.pipeline(turns, steps, state, "continue" if inputs.get("on_failure") == "continue" else "stop")

    def _again(self, trace: Trace) -> TaskResult | PipelineResult:
        """What a run that is over came to."""
        if PIPELINE in trace.of(RunStarted)[0].state:
            return self._work.again(trace, *_pipeline_in(trace))
        parts = trace.of(AgentFinished)
        return self.workspace.result(parts[-1].run_id if parts else trace.run_id)

    @property
    def stats(self) -> TeamStats:
        """The team at a glance, as the record has it now."""
        record = self.workspace.team_record(self.names, self.name)
        shared = count_shared(self.workspace.memories("promoted"), self.names)
        return TeamStats(self.names, record.episodes, shared, record.last, record.agents)

    def get_learning_report(self) -> LearningReport:
        """Every heuristic of the team with its tier, its value, and the agent and run it came from."""
        return report_on(self.workspace.memories(), self.names, self.workspace.journal, self._agent_of)

    def teach(self, text: str, *, when: str = "", user: str = "") -> Memory:
        """A lesson from a person, for all agents: scanned, and in use at once unless the scan blocks it."""
        return self.workspace.teach(text, when=when, user=user)

    def settle(self, *, watch: Listener | None = None) -> Settled:
        """Try what was learned: see `Workspace.settle`."""
        return self.workspace.settle(watch=watch)

    def _turns(self, task: Task, seed: int | None, listeners: Sequence[Listener], more: Mapping[str, Json]) -> Turns:
        return Turns(self.members, self.workspace, task, listeners, seed, way=Way(state={NAME: self.name, **more}))

    def _agent_of(self, run_id: str) -> str | None:
        try:
            return self.workspace.run(run_id).agent
        except NotFound:
            return None


def _pipeline_in(trace: Trace) -> tuple[tuple[PipelineStep, ...], dict[str, Json]]:
    """The tasks of a pipeline, and the facts it began with."""
    inputs = trace.of(RunStarted)[0].state
    kept = inputs.get("state")
    return steps_from_json(inputs[PIPELINE]), dict(kept) if isinstance(kept, dict) else {}
