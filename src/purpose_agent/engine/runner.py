"""One run: recall, then decide, act, observe, score and record, until it ends.

In:  who runs (`Setup`), a task.
Out: a `TaskResult`, every fact of which is an event.

Each step is saved before the next one begins, and a run that was interrupted goes on after its last one. A run that is
cancelled, or whose model fails, is closed in the record before the caller hears of it. Not here: what a step is
(`step.py`), learning from the run (`learning/`), and who the agent is (`agents/`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from copy import copy
from types import MappingProxyType
from typing import assert_never

from purpose_agent.core.action import Finish, GiveUp, ToolUse
from purpose_agent.core.errors import LimitReached, ModelError, PoolSpent, RunTaken, UsageError
from purpose_agent.core.ids import IdSource, new_id
from purpose_agent.core.memory import Memory, Recalled
from purpose_agent.core.model import Capabilities
from purpose_agent.core.origin import UNTAINTED, Taint
from purpose_agent.core.ports import Clock
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.core.values import Values
from purpose_agent.engine.attempts import tries_again
from purpose_agent.engine.closing import close, suspend
from purpose_agent.engine.context import open_context
from purpose_agent.engine.escalating import answers_again, escalates
from purpose_agent.engine.heeding import Stopped, heed
from purpose_agent.engine.recalling import Explores, Given, OnTrial, Recall, Recalling, skills_used
from purpose_agent.engine.result import TaskResult
from purpose_agent.engine.resuming import Recorded, restored
from purpose_agent.engine.run import Run, Setup, Suspended, draws_of, started, taint_of, tell_route
from purpose_agent.engine.scoring import Scoring
from purpose_agent.engine.step import Decided, Stepper, complete
from purpose_agent.engine.world import entered
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import RunMode, RunResumed, RunStatus
from purpose_agent.runtime.limits import Meter
from purpose_agent.runtime.pool import current_share
from purpose_agent.runtime.record import NOT_WANTED, PENDING, RunRecord, this_process
from purpose_agent.runtime.sync import how_stopped
from purpose_agent.runtime.trace import Trace


class Runner:
    """Runs tasks. It holds no run: one serves any number, at the same time.

    Args:
        scoring: Judges steps.
        recall: Finds memories for a task; None: runs have none.
        holdout: The probability with which a promoted memory is withheld from a run that is there to learn.
        on_trial: Finds the memories that are tried in live traffic; None: none are.
        record: Where runs are kept; runs in evaluation mode are not.
        values: Ranks options by what earlier runs got from them; None: nobody does.
        explores: Asked about agents without a model; None: they explore by their values.
    """

    def __init__(
        self,
        *,
        scoring: Scoring,
        clock: Clock,
        recall: Recall | None,
        record: RunRecord | None,
        ids: IdSource = new_id,
        values: Values | None = None,
        explores: Explores | None = None,
        holdout: float = 0.0,
        on_trial: OnTrial | None = None,
    ) -> None:
        self._stepper = Stepper(scoring, values, ids=ids, clock=clock)
        self._clock = clock
        self._recalling = Recalling(recall, explores, holdout, on_trial)
        self._record = record
        self._ids = ids

    def recording(self, record: RunRecord) -> "Runner":
        """The same runner, whose runs are kept there."""
        other = copy(self)
        other._record = record
        return other

    async def run(
        self,
        setup: Setup,
        task: Task,
        *,
        mode: RunMode = "learning",
        seed: int | None = None,
        parent: str | None = None,
        on_trial: Memory | None = None,
        without_memory: str | None = None,
        memory: bool = True,
        values: bool | None = None,
        taint: Taint = UNTAINTED,
        listeners: Sequence[Listener] = (),
        run_id: str | None = None,
        stream: bool = False,
    ) -> TaskResult:
        """Run `task` to its end. A failing model ends it as "failed"; a bug of ours is recorded, then raised.

        Args:
            mode: "learning" records and credits; "validation" records only; "evaluation" writes nothing.
            seed: Of the model's draws and of what is left to chance here; None for any.
            parent: The run or trial it belongs to.
            on_trial: A memory that is put into the prompt whatever its status.
            without_memory: The id of a memory that is left out: the other half of a trial.
            memory: False: nothing that was learned is used.
            values: Whether options are ranked by what earlier runs got from them. None: if such values are promoted or
                on trial, or if there is no model and the run is there to learn, and so to explore. True asks no gate:
                it is for measurements of what the gate is good for.
            taint: Of what the task's words were made from, where a person did not write them.
            listeners: Called with every event.
            run_id: For a run that was promised under that id; None: a new one.
            stream: The agent's answers are told piece by piece while its model writes them.

        Raises:
            UsageError: There is no model, and the task has neither choices nor a world to choose actions in.
            NotInThisMode: It was begun inside a run of a stricter mode, on the same workspace.
        """
        if setup.model is None and setup.environment is None and not task.choices:
            raise UsageError(
                f"Agent {setup.agent!r} has no model, and the task {task.goal[:60]!r} has no options to choose among. Give the"
                " agent a model or an environment, or the task choices."
            )
        # Asked of the file itself, so that it holds for what tools, worlds and listeners try, too.
        with self._record.in_mode(mode) if self._record is not None else nullcontext():
            record = self._record if mode != "evaluation" else None
            run_id = run_id or self._ids("run")
            given = Given()
            if memory:
                given = self._recalling.given(
                    setup, task, run_id, mode=mode, on_trial=on_trial, without_memory=without_memory, values=values
                )
            run = self._open(setup, task, run_id, given, mode, seed, listeners)
            run.taint = taint.mixed(taint_of(given.shown))
            run.streams = stream
            run.recalled, run.exposures = given.event, given.exposures
            run.publish(started(run, parent))
            tell_route(run)
            run.publish(run.recalled)
            for used in skills_used(given.shown):
                run.publish(used)
            if record is not None:
                first, *rest = run.bus.unsaved()
                wanted = PENDING if mode == "learning" else NOT_WANTED
                record.open(first, task, family=task.family, task_key=task.key, reflected=wanted, events=rest)
                _connect(run, record)
            return await self._to_the_end(run, record, given.shown)

    async def resume(
        self,
        setup: Setup,
        trace: Trace,
        *,
        task: Task | None = None,
        mode: RunMode = "learning",
        recalled: Sequence[Recalled] = (),
        withheld: Mapping[str, int] = MappingProxyType({}),
        stream: bool = False,
        listeners: Sequence[Listener] = (),
    ) -> TaskResult:
        """Go on with a run after its last complete step, or within the step that was under way, to its end.

        Args:
            trace: Of the run, from the record: whether it may go on is the caller's to know.
            task: If it has checks that are functions, or None for the one in the record.
            recalled: The memories in its prompt, as they are now.
            withheld: By id: the version of memories that a coin kept from it.

        Raises:
            CantResume: The record lacks what it needs.
            RunTaken: Another process goes on with it.
        """
        record = self._record
        assert record is not None, "what was recorded is resumed where it was"
        recorded = Recorded.of(trace)
        with record.in_mode(mode):
            bus = EventBus(trace.run_id, self._clock, self._ids, before=trace.events)
            for listener in listeners:
                bus.listen(listener)
            run, decided = await restored(
                recorded,
                setup,
                recorded.task(task),
                mode=mode,
                bus=bus,
                clock=self._clock,
                recalled=recalled,
                withheld=withheld,
            )
            run.streams = stream
            _connect(run, record, resuming=True)
            run.publish(RunResumed(this_process(), recorded.step, trace.stopped_as))
            tell_route(run)
            run.save()
            return await self._to_the_end(run, record, tuple(recalled), decided)

    async def _to_the_end(
        self, run: Run, record: RunRecord | None, shown: tuple[Recalled, ...], decided: Decided | None = None
    ) -> TaskResult:
        learns = run.mode == "learning"
        try:
            status, reason = await self._until_the_end(run, decided)
        except Suspended as suspended:
            suspend(run, suspended)
            run.bus.close()
            return TaskResult(Trace(tuple(run.bus.events)), shown)
        except RunTaken:
            raise  # what more there is to say of the run is the other process's to say
        except asyncio.CancelledError as error:
            close(run, record, how_stopped(error), "stopped from outside")
            raise
        except BaseException as error:
            counts = learns and isinstance(error, Exception)
            close(run, record, "failed", f"{type(error).__name__}: {error}", counts=counts)
            raise
        close(run, record, status, reason, counts=learns)
        run.bus.close()
        return TaskResult(Trace(tuple(run.bus.events)), shown)

    def _open(
        self,
        setup: Setup,
        task: Task,
        run_id: str,
        given: Given,
        mode: RunMode,
        seed: int | None,
        listeners: Sequence[Listener],
    ) -> Run:
        bus = EventBus(run_id, self._clock, self._ids)
        for listener in listeners:
            bus.listen(listener)
        setup, task, world, surroundings = entered(setup, task)
        capabilities = setup.model.capabilities if setup.model is not None else Capabilities()
        return Run(
            setup=setup,
            task=task,
            mode=mode,
            bus=bus,
            meter=Meter(task.limits or setup.limits, self._clock, shared=current_share()),
            context=open_context(
                setup.role, task, setup.tools.specs, capabilities, given.notes, plans=setup.replans is not None
            ),
            state=world.reset() if world is not None else State(dict(task.inputs)),
            draws=draws_of(task, seed),
            uses_values=given.values,
            world=world,
            surroundings=surroundings,
            seed=seed,
        )

    async def _until_the_end(self, run: Run, decided: Decided | None) -> tuple[RunStatus, str]:
        own, shared = run.meter.remaining_seconds, run.meter.shared
        theirs = shared.remaining_seconds if shared is not None else None
        try:
            if own is None and theirs is None:
                return await self._loop(run, decided)
            import anyio

            with anyio.move_on_after(min(each for each in (own, theirs) if each is not None)):
                return await self._loop(run, decided)
            if shared is not None and theirs is not None and (own is None or theirs < own):
                raise shared.out_of_time()
            return "exhausted", f"The run has taken {run.meter.limits.seconds:g} seconds, all it was given."
        except Stopped as stopped:
            run.ended_by = stopped.by
            return "cancelled", stopped.reason
        except PoolSpent as spent:
            # It could go on: others have spent what it has not.
            raise Suspended(str(spent), status="paused") from spent
        except LimitReached as limit:
            return "exhausted", f"{limit} {run.last_problem}".strip()
        except ModelError as error:
            return "failed", f"{type(error).__name__}: {error}"

    async def _loop(self, run: Run, decided: Decided | None) -> tuple[RunStatus, str]:
        """Until the agent stops, or its world does."""
        while not _is_over(run):
            run.hear()
            run.meter.check()
            action = await self._stepper.take(run, decided)
            decided = None
            match action:
                case GiveUp(reason=reason) if not escalates(run, "gave up"):
                    return "gave_up", reason
                case Finish(answer=answer) if not tries_again(run, answer) and not answers_again(run, answer):
                    return "finished", ""
                case Finish() | GiveUp() | ToolUse():
                    complete(run)
                case _:
                    assert_never(action)
        return "finished", ""


def _is_over(run: Run) -> bool:
    if run.surroundings is not None:
        return run.surroundings.is_terminal()
    return run.world is not None and run.world.is_terminal(run.state)


def _connect(run: Run, record: RunRecord, *, resuming: bool = False) -> None:
    """From now on the run is saved in `record`, and hears what people say there."""

    def save() -> None:
        with run.bus.saving() as events:
            record.append(events)

    def hear() -> None:
        nonlocal resuming
        said, resumes, resuming = record.said(run.bus.run_id), resuming, False
        if not said and not resumes:
            return
        try:
            heed(run, said, resuming=resumes)
        finally:
            # Together with that it was heard, also if it ends the run.
            with run.bus.saving() as events:
                record.append(events, said)

    run.save, run.hear = save, hear
