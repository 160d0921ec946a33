"""A team's run while it goes on: its members' turns, each a step of the team and a run of its own.

In:  who speaks next, and with what task (`work.py`).
Out: events; the team's result.

Each turn is promised under an id before it begins, and saved when it is over. A run that goes on takes the same turns again, in the
same order: those that are over give their results from the record, and the one that was under way goes on where it was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.continuing import OVER, STANDS, broken, promised, shared
from purpose_agent.agents.hearing import Ending, Hearing
from purpose_agent.agents.recipe import recipe_to_json
from purpose_agent.agents.team_record import TEAM
from purpose_agent.agents.teams.artefacts import Artefact, Makes, Refutation, artefact_to_json, read_artefact
from purpose_agent.agents.teams.past import Way, recorded_task
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.action import Finish, GiveUp
from purpose_agent.core.errors import CantResume, LimitReached, PoolSpent, RunTaken
from purpose_agent.core.memory import Memory, Recalled
from purpose_agent.core.messages import Json
from purpose_agent.core.model import NO_MODEL, Usage
from purpose_agent.core.origin import Taint
from purpose_agent.core.task import Task, task_to_json
from purpose_agent.engine.result import TaskResult
from purpose_agent.retrieval.passages import Passage
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import (
    ActionDecided,
    AgentFinished,
    AgentStarted,
    Event,
    HandedOver,
    LessonInjected,
    ModelCalled,
    Payload,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStatus,
    RunSuspended,
    StateChanged,
    StepScored,
)
from purpose_agent.runtime.forking import check_not_ended
from purpose_agent.runtime.limits import Meter
from purpose_agent.runtime.record import NOT_WANTED, this_process
from purpose_agent.runtime.sync import how_stopped
from purpose_agent.runtime.trace import Trace

Work: TypeAlias = "Callable[[Turns], Awaitable[None]]"
"""What a team does in its turns."""


class Stands(Exception):
    """A member's run waits for a person, or was paused, and so does the team's."""

    def __init__(self, agent: Agent, result: TaskResult) -> None:
        super().__init__(result.reason)
        self.agent = agent
        self.result = result


class _Ends(Exception):
    """A person said so to the team's run."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


@dataclass(slots=True)
class Turns:
    """A team's run.

    Attributes:
        made: What the last turn made; None if it has no answer.
        sources: The passages that were found for the task; a citation is the place in this list, from 1. None: there are no documents.
        said: The team's answer, where it is not the last member's to the letter.
        refuted: What is known against the answer, if the tester found something to the end.
        run_id: That it was promised under; None: a new one.
        parent: The run that it is a part of.
        before: What was recorded of it, if it goes on.
        keeps: Where its members' runs are kept beside the workspace, whose record is `place.record`.
        meter: Of the task's limits, if it has some.
        hearing: What people say to it; None: it only measures, and nobody can.
        catches: Whether a turn that an error ends is a failed turn, and the others go on; else the error ends the team's run.
    """

    members: Sequence[Agent]
    place: Workspace
    task: Task
    listeners: Sequence[Listener]
    seed: int | None
    streams: bool = False
    run_id: str | None = None
    parent: str | None = None
    before: Trace | None = None
    keeps: Checkpointer | None = None
    way: Way = field(default_factory=Way)
    catches: bool = False
    step: int = 0
    made: Artefact | None = None
    sources: tuple[Passage, ...] | None = None
    said: str | None = None
    refuted: Refutation | None = None
    usage: Usage = field(default_factory=Usage)
    last: TaskResult | None = None
    taint: Taint = field(default_factory=Taint)
    recalled: dict[str, Recalled] = field(default_factory=dict[str, Recalled])
    failed: list[tuple[Agent, TaskResult]] = field(default_factory=list[tuple[Agent, TaskResult]])
    judged: list[tuple[Agent, TaskResult]] = field(default_factory=list[tuple[Agent, TaskResult]])
    bus: EventBus = field(init=False)
    meter: Meter | None = field(init=False)
    hearing: Hearing | None = field(init=False)
    _began: float = field(init=False)
    _promises: dict[str, str] = field(default_factory=dict[str, str])
    _over: set[str] = field(default_factory=set[str])
    _lessons: list[LessonInjected] = field(default_factory=list[LessonInjected])
    _handed: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        place, before = self.place, self.before
        run_id = self.run_id or place.ids("run")
        self.bus = EventBus(run_id, place.clock, place.ids, before=before.events if before is not None else ())
        self.meter = Meter(self.task.limits, place.clock) if self.task.limits is not None else None
        self.hearing = (
            Hearing(place.record, run_id, place.clock, resuming=before is not None, learns=True, pace=0)
            if self.is_recorded
            else None
        )
        self._began = place.clock.monotonic()
        for listener in self.listeners:
            self.bus.listen(listener)

    @classmethod
    def after(
        cls,
        trace: Trace,
        members: Sequence[Agent],
        place: Workspace,
        task: Task | None,
        listeners: Sequence[Listener],
        *,
        keeps: Checkpointer | None = None,
        way: Way,
    ) -> "Turns":
        """A run that goes on.

        Raises:
            CantResume: A person ended it, it is not of a team of these members, or has a task that is not in the record.
        """
        check_not_ended(trace)
        started, begun = trace.of(RunStarted)[0], trace.of(AgentStarted)
        wanted = recorded_task(trace, [member.name for member in members], task)
        of, seed = trace.run_id, started.seed
        turns = cls(members, place, wanted, listeners, seed, run_id=of, before=trace, keeps=keeps, way=way)
        turns._promises = {part.key: part.run_id for part in begun}
        turns._lessons = list(trace.of(LessonInjected))
        turns._handed = {hop.run_id for hop in trace.of(HandedOver)}
        turns._over = {part.key for part in trace.of(AgentFinished) if part.status in OVER}
        # Calls of its own, for choices; what its members spent is in their results.
        turns.usage = sum((call.usage for call in trace.of(ModelCalled)), Usage())
        if turns.meter is not None:
            turns.meter.charge(turns.usage)
        return turns

    @property
    def is_recorded(self) -> bool:
        """A team that only measures writes nothing."""
        return self.members[0].mode != "evaluation"

    def member(self, name: str) -> Agent:
        """The member of that name, which the template has."""
        return next(member for member in self.members if member.name == name)

    def keep(self, lane: str, values: Mapping[str, Json]) -> None:
        """Record what came of the turn that is under way, for a run that goes on."""
        self.publish(StateChanged(values), lane)
        self._save()

    def publish(self, payload: Payload, lane: str) -> None:
        """Make an event of it, in the turn that is under way."""
        self.bus.publish(payload, lane=lane, step=self.step)

    def hear(self) -> None:
        """Hear what people said to the team since the last turn. Lessons are for the members who begin after that.

        Raises:
            _Ends: The team shall stand still, or end; `guarded` sees to it.
        """
        if self.hearing is None:
            return
        ending = self.hearing.heard()
        for lesson in self.hearing.lessons:
            self.publish(lesson, TEAM)
            self._lessons.append(lesson)
        if ending is not None:
            raise _Ends(ending)
        self._save()

    async def guarded(self, work: Work) -> None:
        """Open the run, do the work, close it in the record however it ends."""
        self._open()
        try:
            await work(self)
        except Stands as stands:
            still = stands.result
            self.publish(RunSuspended(still.status, still.reason, self.usage + still.usage, self._seconds()), TEAM)
            self._save()
            self.bus.close()
            return
        except _Ends as ends:
            self._end(ends.ending)
            return
        except PoolSpent as spent:
            self._end(Ending("paused", str(spent)))
            return
        except LimitReached as limit:
            self._close("exhausted", str(limit))
            return
        except RunTaken:
            raise  # what becomes of the run is another's to say
        except asyncio.CancelledError as error:
            self._close(how_stopped(error), "stopped from outside")
            raise
        except BaseException as error:
            self._close("failed", f"{type(error).__name__}: {error}")
            raise
        assert self.last is not None, "a team has at least one member, and each work gives it a turn"
        self._close(self.last.status, self.last.reason, ended_by=_ended_by(self.last))

    def _end(self, ending: Ending) -> None:
        if ending.status in STANDS:
            self.publish(RunSuspended(ending.status, ending.reason, self.usage, self._seconds()), TEAM)
            self._save()
        else:
            self._close(ending.status, ending.reason, ended_by=ending.ended_by)
        self.bus.close()

    def _open(self) -> None:
        if self.before is not None:
            why = self.before.stopped_as
            self.publish(RunResumed(this_process(), len(self._over), why), TEAM)
            self._save()  # whoever saves this first has the run
            return
        names = " + ".join(member.name for member in self.members)
        last = self.members[-1].setup().model
        model = f"{names} on {last.name if last is not None else NO_MODEL}"
        task = task_to_json(self.task)
        mode, state = self.members[0].mode, {**self.task.inputs, **self.way.state}
        recipe = recipe_to_json(self.way.recipe)
        self.publish(RunStarted(task, TEAM, model, mode, state, self.parent, self.seed, of="team", recipe=recipe), TEAM)
        if self.is_recorded:
            with self.bus.saving() as (first,):
                self.place.record.open(first, self.task, family=self.task.family, task_key=self.task.key, reflected=NOT_WANTED)

    def _save(self) -> None:
        if self.is_recorded:
            with self._saving() as events:
                self.place.record.append(events)

    @contextmanager
    def _saving(self) -> Generator[tuple[Event, ...]]:
        with self.bus.saving() as events, self.hearing.saving(events) if self.hearing is not None else nullcontext():
            yield events

    def _seconds(self) -> float:
        before = self.before.end if self.before is not None else None
        return (before.seconds or 0.0 if before is not None else 0.0) + self.place.clock.monotonic() - self._began

    def _close(self, status: RunStatus, reason: str, *, ended_by: str | None = None) -> None:
        last = self.last
        answer = self.said or (last.answer if last is not None else None)
        ended_well = status in OVER
        success = last.success if last is not None and ended_well else None
        if ended_well and self.task.checks and answer is None:
            success = False  # a member gave up before the one whose answer is checked
        if ended_well and self.refuted is not None:
            success, reason = (False if self.refuted.is_proof else success), reason or self.refuted.why
        phi = last.final_phi if last is not None else None
        taint, seconds = self.taint, self._seconds()
        end = RunFinished(
            status, answer, success, phi, self.usage, reason, taint.origin, taint.source, taint.step, seconds, ended_by
        )
        self.publish(end, TEAM)
        if self.is_recorded:
            with self._saving() as events:
                self.place.record.finish(events, steps=self.step, seconds=seconds)
        if ended_well:
            self.bus.close()

    async def turn(
        self, agent: Agent, task: Task, *, sender: str = TEAM, why: str = "", makes: Makes | None = None
    ) -> TaskResult:
        """One member's turn.

        Args:
            makes: What its answer is; None: as the team's way says.

        Raises:
            LimitReached: The turns before have spent what the task allows.
        """
        if self.meter is not None and self.step:
            task = replace(task, limits=self.meter.left(), id=task.key)
        key = f"{self.step + 1}/{agent.name}"
        if key not in self._over:
            self.hear()
        self.step += 1
        if key not in self._promises:
            self._promise(key, agent)
        run_id = self._promises[key]
        if run_id not in self._handed:
            # Told once, before it is begun: it is so however often the turn has to go on.
            self._handed.add(run_id)
            self.publish(HandedOver(sender, agent.name, run_id, why), agent.name)
            self._save()
        at_work = shared(agent, run_id, self.keeps) if self.keeps is not None and agent.mode != "evaluation" else agent
        try:
            result = await promised(
                at_work,
                task,
                run_id,
                seed=None if self.seed is None else self.seed + 100 * self.step,
                parent=self.bus.run_id,
                # What a member hands on carries what it had read: its own words for it change nothing.
                taint=replace(self.taint, step=None),
                listeners=self.listeners,
                stream=self.streams,
            )
        except (RunTaken, CantResume, PoolSpent):
            raise  # another has it, and says what becomes of it
        except Exception as error:
            if not self.catches:
                raise
            result = broken(at_work, task, run_id, f"{type(error).__name__}: {error}", parent=self.bus.run_id)
        if result.status in STANDS:
            raise Stands(agent, result)
        self.taint = self.taint.mixed(replace(result.taint, step=self.step))
        self.usage += result.usage
        if self.meter is not None:
            self.meter.charge(result.usage, steps=result.total_steps)
        self.recalled |= {found.memory.id: found for found in result.recalled}
        self.made = self._read(agent.name, result.answer, makes)
        if key not in self._over:
            self._tell(key, agent, result)
        (self.failed if result.success is False else self.judged).append((at_work, result))
        return result

    def _promise(self, key: str, agent: Agent) -> None:
        """A turn begins. Its run hears the lessons that the team has heard, before its first step."""
        run_id = self._promises[key] = self.place.ids("run")
        self.publish(AgentStarted(key, agent.name, run_id), agent.name)
        told = self._lessons and self.is_recorded
        with self.place.record.telling(run_id, self._lessons, at=self.place.clock.now()) if told else nullcontext():
            self._save()

    def _read(self, name: str, answer: str | None, makes: Makes | None) -> Artefact | None:
        if answer is None:
            return None
        makes = makes or self.way.makes.get(name, "draft")
        if makes == "draft" and self.sources is not None:
            makes = "conclusion"
        return read_artefact(makes, answer, len(self.sources or ()))

    def _tell(self, key: str, agent: Agent, result: TaskResult) -> None:
        """A turn is over."""
        action = Finish(result.answer) if result.answer is not None else GiveUp(result.reason)
        self.publish(ActionDecided(action), agent.name)
        if self.made is not None:
            self.publish(StateChanged({agent.name: artefact_to_json(self.made)}), agent.name)
        if result.score is not None:
            self.publish(StepScored(result.score), agent.name)
        part = AgentFinished(
            key,
            agent.name,
            result.status,
            result.answer,
            result.id,
            result.reason,
            seconds=result.seconds,
            usage=result.usage,
            origin=result.taint.origin,
        )
        self.publish(part, agent.name)
        self._save()

    async def result(self) -> TaskResult:
        """What the team came to, with the lessons drawn from its failures."""
        trace = Trace(tuple(self.bus.events))
        last = self.last
        passed = last.answer or "" if last is not None and last.success else ""
        lessons: list[Memory] = []
        if self.members[0].mode == "learning" and trace.finished is not None and trace.finished.status in OVER:
            for number, (agent, result) in enumerate((*self.failed, *self.judged)):
                skip = "the attempt before it was reflected on" if 0 < number < len(self.failed) else ""
                lessons += await self.place.reflect(result, agent, passed=passed, skip=skip, listeners=self.listeners)
        return TaskResult(trace, tuple(self.recalled.values()), tuple(lessons))


def _ended_by(result: TaskResult) -> str | None:
    """The person who ended a member's run, and with it the team's."""
    end = result.trace.finished
    return end.ended_by if end is not None else None
