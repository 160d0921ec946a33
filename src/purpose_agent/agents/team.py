"""Team: several agents on one task, with one memory.

In:  a task.
Out: one `TaskResult`: each member's turn is a step of the team's own run, and a run of its own.

A member speaks only when it has something to add: the architect is asked after the coder has failed, the tester is
the tests themselves. Not here: routing by expertise, debate and graphs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from purpose_agent.agents.agent import Agent, resolved
from purpose_agent.agents.streaming import RunStream
from purpose_agent.agents.templates import Member, Template
from purpose_agent.agents.workspace import Workspace, open_workspace
from purpose_agent.core.action import Finish, GiveUp
from purpose_agent.core.approval import Approver
from purpose_agent.core.errors import LimitReached, SandboxUnavailable, UsageError
from purpose_agent.core.memory import Memory, Recalled
from purpose_agent.core.model import Model, Usage
from purpose_agent.core.origin import OWN, TEACHERS, Taint
from purpose_agent.core.task import Task, as_task, task_to_json
from purpose_agent.critics.checks import failures
from purpose_agent.engine.quoting import defused, quoted
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import (
    ActionDecided,
    HandedOver,
    Payload,
    RunFinished,
    RunStarted,
    RunStatus,
    StateChanged,
    StepScored,
    Visibility,
)
from purpose_agent.runtime.feed import CAPACITY
from purpose_agent.runtime.limits import Meter
from purpose_agent.runtime.record import NOT_WANTED
from purpose_agent.runtime.sync import INTERRUPTED, run_sync
from purpose_agent.runtime.trace import Trace

ATTEMPTS = 3
MOST_RUNS = 1000
"""So many of the last runs does `status` count."""


_Work: TypeAlias = "Callable[[_Turns], Awaitable[None]]"
"""What a team does in its turns; see `_code` and `_line`."""


class Team:
    """Agents that share a workspace. Made by `purpose()` or `Team.build()`.

    Args:
        purpose: What it is for, in words.
        members: In the order they speak.
        template: How they work together.
        workspace: Shared by all members.
    """

    def __init__(self, purpose: str, members: Sequence[Agent], template: Template, workspace: Workspace) -> None:
        self.purpose = purpose
        self.members = tuple(members)
        self.template = template
        self.workspace = workspace
        workspace.join(purpose, [member.name for member in self.members])

    @classmethod
    def build(
        cls,
        purpose: str,
        agents: Sequence[str | Agent],
        model: str | Model | None = None,
        workspace: Workspace | str | Path | None = None,
        approve: Approver | None = None,
    ) -> "Team":
        """A team of named agents that work in a line: each goes on from the one before, the last one answers.

        Args:
            approve: For the agents that are made here; see `Agent`.

        Raises:
            UsageError: No agents, two of one name, or agents of different workspaces.
            NoModelFound: No model was named, and there is none.
        """
        names = [agent if isinstance(agent, str) else agent.name for agent in agents]
        if not names or len(set(names)) < len(names):
            raise UsageError(f"Team.build(agents={names!r}): name at least one, and no name twice.")
        own = {agent.workspace.path: agent.workspace for agent in agents if not isinstance(agent, str)}
        place = next(iter(own.values())) if own and workspace is None else open_workspace(workspace)
        if own.keys() - {place.path}:
            raise UsageError(
                f"Team.build: the team is at {place.path}, and agents of it at {', '.join(map(str, own))}. Give all one workspace."
            )
        found = resolved(model) if any(isinstance(agent, str) for agent in agents) else None
        role = "You are the {} of a team. Purpose of the team: {}."
        members = [
            Agent(agent, role=role.format(agent, purpose), model=found, workspace=place, approve=approve)
            if isinstance(agent, str)
            else agent
            for agent in agents
        ]
        template = Template("custom", "line", tuple(Member(member.name, member.role) for member in members))
        return cls(purpose, members, template, place)

    def __repr__(self) -> str:
        return f"Team({self.purpose!r}, members={[member.name for member in self.members]!r})"

    def member(self, name: str) -> Agent:
        """The member of that name.

        Raises:
            UsageError: There is none.
        """
        found = next((member for member in self.members if member.name == name), None)
        if found is None:
            raise UsageError(f"No member is called {name!r}. Members: {', '.join(member.name for member in self.members)}.")
        return found

    def run(self, task: str | Task, *, seed: int | None = None, watch: Listener | None = None) -> TaskResult:
        """Blocking form of `run_async`."""
        return run_sync(self.run_async(task, seed=seed, watch=watch))

    async def run_async(self, task: str | Task, *, seed: int | None = None, watch: Listener | None = None) -> TaskResult:
        """Work on a task together, then reflect on what went wrong on the way.

        Args:
            task: In words, or with checks and limits. Its limits hold for all turns together; without them, each member has its own.
            seed: Of the models' draws; None for any.
            watch: Called with every event, those of the members' runs too.
        """
        return await self._worked(_Turns(self, as_task(task), [watch] if watch is not None else [], seed))

    def stream(
        self,
        task: str | Task,
        *,
        seed: int | None = None,
        visibility: Visibility = "public",
        capacity: int | None = CAPACITY,
        detached: bool = False,
    ) -> RunStream:
        """`run_async`, to be read while it goes on; the members' events are in it too. The arguments are those of `Agent.stream`."""

        async def streamed(put: Listener) -> TaskResult:
            return await self._worked(_Turns(self, as_task(task), [put], seed, streams=True))

        return RunStream(streamed, visibility=visibility, capacity=capacity, detached=detached)

    async def _worked(self, turns: "_Turns") -> TaskResult:
        await turns.guarded(_code if self.template.shape == "code" else _line)
        return await turns.result()

    def ask(self, question: str, *, watch: Listener | None = None) -> TaskResult:
        """Blocking form of `ask_async`."""
        return run_sync(self.ask_async(question, watch=watch))

    async def ask_async(self, question: str, *, watch: Listener | None = None) -> TaskResult:
        """A question to the team's speaker, the last member that has a model, with what the team has learned."""
        return await self.members[-1].run_async(question, watch=watch)

    def teach(self, text: str, *, when: str = "", user: str = "") -> Memory:
        """A lesson from a person, for the tasks of one user or of all: scanned, and in use at once unless the scan blocks it."""
        return self.workspace.teach(text, when=when, user=user)

    def status(self) -> str:
        """Who is in the team, and what it has learned."""
        places = [f"  {place.name}: {place.role}" for place in self.template.members]
        memories = self.workspace.memories()
        counts = {
            status: sum(memory.status == status for memory in memories) for status in ("promoted", "quarantined", "rejected")
        }
        runs = self.workspace.runs(limit=MOST_RUNS, top=True)
        judged = [run for run in runs if run.success is not None]
        lines = [
            f"Team for: {self.purpose}",
            f"Template {self.template.name!r}, on {self.members[-1].model.name}:",
            *places,
            f"Runs: {len(runs)}, of {len(judged)} that were judged {sum(run.success is True for run in judged)} succeeded",
            f"Memories: {counts['promoted']} in use, {counts['quarantined']} in quarantine, {counts['rejected']} rejected",
            *(f"  [{_origin(memory)}] {memory.lesson.text}" for memory in memories if memory.status == "promoted"),
            f"Workspace: {self.workspace.path}",
        ]
        return "\n".join(lines)


def _origin(memory: Memory) -> str:
    return "taught" if memory.lesson.provenance.origin in TEACHERS else f"helped {memory.helped} of {memory.used}"


@dataclass(slots=True)
class _Turns:
    """A team's run while it goes on."""

    team: Team
    task: Task
    listeners: Sequence[Listener]
    seed: int | None
    streams: bool = False
    step: int = 0
    usage: Usage = field(default_factory=Usage)
    last: TaskResult | None = None
    taint: Taint = field(default_factory=Taint)
    recalled: dict[str, Recalled] = field(default_factory=dict[str, Recalled])
    failed: list[tuple[Agent, TaskResult]] = field(default_factory=list[tuple[Agent, TaskResult]])
    judged: list[tuple[Agent, TaskResult]] = field(default_factory=list[tuple[Agent, TaskResult]])
    bus: EventBus = field(init=False)
    meter: Meter | None = field(init=False)
    """Of the task's limits, if it has some."""

    def __post_init__(self) -> None:
        place = self.team.workspace
        self.bus = EventBus(place.ids("run"), place.clock, place.ids)
        self.meter = Meter(self.task.limits, place.clock) if self.task.limits is not None else None
        for listener in self.listeners:
            self.bus.listen(listener)

    def publish(self, payload: Payload, lane: str) -> None:
        self.bus.publish(payload, lane=lane, step=self.step)

    async def guarded(self, work: _Work) -> None:
        """Open the run, do the work, close it in the record however it ends."""
        team, record = self.team, self.team.workspace.record
        names = " + ".join(member.name for member in team.members)
        mode = team.members[0].mode
        started = RunStarted(
            task_to_json(self.task), "team", f"{names} on {team.members[-1].model.name}", mode, dict(self.task.inputs)
        )
        self.publish(started, "team")
        if mode != "evaluation":
            (first,) = self.bus.unsaved()
            record.open(first, self.task, family=self.task.family, task_key=self.task.key, reflected=NOT_WANTED)
        try:
            await work(self)
        except LimitReached as limit:
            self._close("exhausted", str(limit))
            return
        except asyncio.CancelledError as error:
            self._close("interrupted" if INTERRUPTED in error.args else "cancelled", "stopped from outside")
            raise
        except BaseException as error:
            self._close("failed", f"{type(error).__name__}: {error}")
            raise
        assert self.last is not None, "a team has at least one member, and each work gives it a turn"
        self._close(self.last.status, self.last.reason)

    def _close(self, status: RunStatus, reason: str) -> None:
        last = self.last
        answer = last.answer if last is not None else None
        ended_well = status in ("finished", "gave_up", "exhausted")
        success = last.success if last is not None and ended_well else None
        if ended_well and self.task.checks and answer is None:
            success = False  # a member gave up before the one whose answer is checked
        phi = last.final_phi if last is not None else None
        taint = self.taint
        self.publish(
            RunFinished(status, answer, success, phi, self.usage, reason, taint.origin, taint.source, taint.step), "team"
        )
        if self.team.members[0].mode != "evaluation":
            began = self.bus.events[0].at
            seconds = (self.team.workspace.clock.now() - began).total_seconds()
            self.team.workspace.record.finish(self.bus.unsaved(), steps=self.step, seconds=seconds)
        if ended_well:
            self.bus.close()

    async def turn(self, agent: Agent, task: Task, *, sender: str = "team", why: str = "") -> TaskResult:
        """One member's turn.

        Raises:
            LimitReached: The turns before have spent what the task allows.
        """
        if self.meter is not None and self.step:
            task = replace(task, limits=self.meter.left(), id=task.key)
        self.step += 1
        seed = None if self.seed is None else self.seed + 100 * self.step
        # What a member hands on carries what it had read: its own words for it change nothing.
        read = replace(self.taint, step=None)
        result = await agent.attempt(
            task, seed=seed, parent=self.bus.run_id, taint=read, listeners=self.listeners, stream=self.streams
        )
        self.taint = self.taint.mixed(replace(result.taint, step=self.step))
        self.usage += result.usage
        if self.meter is not None:
            self.meter.charge(result.usage, steps=result.total_steps)
        self.recalled |= {found.memory.id: found for found in result.recalled}
        self.publish(HandedOver(sender, agent.name, result.id, why), agent.name)
        action = Finish(result.answer) if result.answer is not None else GiveUp(result.reason)
        self.publish(ActionDecided(action), agent.name)
        if result.answer is not None:
            self.publish(StateChanged({agent.name: result.answer}), agent.name)
        if result.score is not None:
            self.publish(StepScored(result.score), agent.name)
        (self.failed if result.success is False else self.judged).append((agent, result))
        return result

    async def result(self) -> TaskResult:
        """What the team came to, with the lessons drawn from its failures."""
        assert self.last is not None, "guarded ran before"
        passed = self.last.answer or "" if self.last.success else ""
        lessons: list[Memory] = []
        if self.team.members[0].mode == "learning" and self.last.status != "failed":
            for number, (agent, result) in enumerate((*self.failed, *self.judged)):
                skip = "the attempt before it was reflected on" if 0 < number < len(self.failed) else ""
                lessons += await self.team.workspace.reflect(result, agent, passed=passed, skip=skip, listeners=self.listeners)
        return TaskResult(Trace(tuple(self.bus.events)), tuple(self.recalled.values()), tuple(lessons))


async def _code(turns: _Turns) -> None:
    """The coder writes; where its tests fail it is told, and for the last attempt the architect has planned."""
    from purpose_agent.prompts.loader import load

    team, task = turns.team, turns.task
    coder = team.member("coder")
    turns.last = await turns.turn(coder, task)
    for attempt in range(2, ATTEMPTS + 1):
        result = turns.last
        failed = await _what_failed(turns, result)
        if not failed or result.answer is None:
            return
        plan = ""
        if attempt == ATTEMPTS:
            ask = Task(load("plan").fill(goal=task.goal, answer=defused(result.answer), failed=defused(failed)))
            plan = (await turns.turn(team.member("architect"), ask, sender="tester", why=failed)).answer or ""
        told = defused(result.answer), defused(failed), plan and f"Advice:\n{defused(plan)}\n"
        goal = load("retry").fill(goal=task.goal, **dict(zip(("answer", "failed", "plan"), told, strict=True)))
        again = replace(task, goal=goal, id=task.key)
        turns.last = await turns.turn(coder, again, sender="architect" if plan else "tester", why=failed)


async def _what_failed(turns: _Turns, result: TaskResult) -> str:
    """The tester's word: the failed checks, or without checks the error that running the code ends in; "" if all is well."""
    if result.success is False and result.score is not None:
        return failures(result.score)
    if turns.task.checks or result.answer is None:
        return ""
    from purpose_agent.models.decode import extract_code

    code = extract_code(result.answer)
    if code is None:
        return "- there is no readable Python code in the answer"
    try:
        ran = await turns.team.workspace.code_runner.run(code)
    except SandboxUnavailable:  # nobody asked for the code to be run; the score is flagged "no_sandbox"
        return ""
    # A program that waits for input can't be judged by running it alone.
    if ran.status == "ok" or "EOFError" in ran.stderr:
        return ""
    return f"- running it ends with {ran.status}: {ran.stderr.strip()[-500:]}"


def _relayed(turns: _Turns, task: Task, sender: str, work: str) -> str:
    """The task, and what came before; quoted if others' words are in it, whoever wrote them down last."""
    from purpose_agent.prompts.loader import load

    return load("relay").fill(goal=task.goal, sender=sender, work=defused(work) if turns.taint.origin in OWN else quoted(work))


async def _line(turns: _Turns) -> None:
    """Each goes on from the one before; checks and choices are for the last one."""
    task, sender, work = turns.task, "team", ""
    *before, last = turns.team.members
    for member in before:
        goal = _relayed(turns, task, sender, work) if work else task.goal
        part = Task(goal, limits=task.limits, inputs=task.inputs, labels=task.labels, id=f"{task.key}/{member.name}")
        turns.last = await turns.turn(member, part, sender=sender)
        if turns.last.answer is None:
            return
        sender, work = member.name, turns.last.answer
    goal = _relayed(turns, task, sender, work) if work else task.goal
    turns.last = await turns.turn(last, replace(task, goal=goal, id=task.key), sender=sender)
