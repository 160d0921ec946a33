"""One run: recall, then decide, act, observe, score and record, until it ends.

In:  who runs (`Setup`), a task.
Out: a `TaskResult`, every fact of which is an event.

Each step is saved before the next one begins. A run that is cancelled, or whose model fails, is closed in the record
before the caller hears of it. Not here: learning from the run (`learning/`), and who the agent is (`agents/`).
"""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import assert_never

from purpose_agent.core.action import Action, Finish, GiveUp, Observation, ToolUse
from purpose_agent.core.errors import LimitReached, ModelError, UsageError
from purpose_agent.core.ids import IdSource, new_id
from purpose_agent.core.memory import Memory
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.core.model import Capabilities, Model, ModelRequest, ModelResponse
from purpose_agent.core.origin import UNTAINTED, Taint
from purpose_agent.core.ports import Clock
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.core.values import Values
from purpose_agent.engine.actor import decide, turn_of, with_own_ids
from purpose_agent.engine.attempts import tries_again
from purpose_agent.engine.capability import carried_out
from purpose_agent.engine.choosing import answer_among
from purpose_agent.engine.context import open_context
from purpose_agent.engine.recalling import Explores, Given, OnTrial, Recall, Recalling
from purpose_agent.engine.result import TaskResult
from purpose_agent.engine.run import Run, Setup, draws_of, started, taint_of
from purpose_agent.engine.scoring import Scoring
from purpose_agent.engine.world import judged, step_in_world
from purpose_agent.memory.credit import credit
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import (
    ActionDecided,
    RunFinished,
    RunMode,
    RunStatus,
    StateChanged,
    ToolReturned,
)
from purpose_agent.runtime.limits import Meter
from purpose_agent.runtime.model_call import call_model
from purpose_agent.runtime.record import NOT_WANTED, PENDING, RunRecord
from purpose_agent.runtime.sync import INTERRUPTED
from purpose_agent.runtime.trace import Trace

MOST_REASON_CHARS = 500


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
        self._scoring = scoring
        self._clock = clock
        self._recalling = Recalling(recall, explores, holdout, on_trial)
        self._record = record
        self._ids = ids
        self._values = values

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
            run_id = self._ids("run")
            given = Given()
            if memory:
                given = self._recalling.given(
                    setup, task, run_id, mode=mode, on_trial=on_trial, without_memory=without_memory, values=values
                )
            run = self._open(setup, task, run_id, given, mode, seed, listeners)
            run.taint = taint.mixed(taint_of(given.shown))
            run.publish(started(run, parent))
            run.publish(given.event)
            if record is not None:
                first, *rest = run.bus.unsaved()
                wanted = PENDING if mode == "learning" else NOT_WANTED
                record.open(first, task, family=task.family, task_key=task.key, reflected=wanted, events=rest)
            try:
                status, reason = await self._until_the_end(run, record)
            except asyncio.CancelledError as error:
                self._close(run, record, "interrupted" if INTERRUPTED in error.args else "cancelled", "stopped from outside")
                raise
            except BaseException as error:
                counts = mode == "learning" and isinstance(error, Exception)
                self._close(run, record, "failed", f"{type(error).__name__}: {error}", given if counts else None)
                raise
            self._close(run, record, status, reason, given if mode == "learning" else None)
            run.bus.close()
            return TaskResult(Trace(tuple(run.bus.events)), given.shown)

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
        world = setup.environment(task) if setup.environment is not None else None
        capabilities = setup.model.capabilities if setup.model is not None else Capabilities()
        return Run(
            setup=setup,
            task=task,
            mode=mode,
            bus=bus,
            meter=Meter(task.limits or setup.limits, self._clock),
            context=open_context(setup.role, task, setup.tools.specs, capabilities, given.notes),
            state=world.reset() if world is not None else State(dict(task.inputs)),
            draws=draws_of(task, seed),
            uses_values=given.values,
            world=world,
            seed=seed,
        )

    async def _until_the_end(self, run: Run, record: RunRecord | None) -> tuple[RunStatus, str]:
        seconds = run.meter.limits.seconds
        try:
            if seconds is None:
                return await self._loop(run, record)
            import anyio

            with anyio.move_on_after(seconds):
                return await self._loop(run, record)
            return "exhausted", f"The run has taken {seconds:g} seconds, all it was given."
        except LimitReached as limit:
            return "exhausted", f"{limit} {run.last_problem}".strip()
        except ModelError as error:
            return "failed", f"{type(error).__name__}: {error}"

    async def _loop(self, run: Run, record: RunRecord | None) -> tuple[RunStatus, str]:
        """Until the agent stops, or its world does."""
        while run.world is None or not run.world.is_terminal(run.state):
            run.meter.check()
            action = await self._step(run)
            match action:
                case GiveUp(reason=reason):
                    return "gave_up", reason
                case Finish(answer=answer) if not tries_again(run, answer):
                    return "finished", ""
                case Finish() | ToolUse():
                    if record is not None:
                        record.append(run.bus.unsaved())
                case _:
                    assert_never(action)
        return "finished", ""

    async def _step(self, run: Run) -> Action:
        """Decide, act, observe, score."""
        run.meter.step()
        run.step += 1
        setup, before = run.setup, run.state

        async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
            assert setup.model is not None, "whoever has no model chooses by value"
            return await self._ask(run, setup.model, request, prompt)

        def unread(problem: str) -> None:
            run.last_problem = f"The last reply could not be used: {problem}"

        if run.world is not None:
            await asyncio.sleep(0)  # without a model nothing else would let others run, or this run be cancelled
            return await step_in_world(ask, run, run.world, self._values, unread, ids=self._ids, clock=self._clock)
        if run.task.choices:
            decision = await answer_among(ask, run, self._values, unread)
        else:
            decision = await decide(ask, run.context, (), temperature=setup.temperature, seed=run.step_seed, unread=unread)
        action = with_own_ids(decision.action, run.call_ids, self._ids)
        run.publish(ActionDecided(action))
        said, calls = turn_of(action, decision.message)
        observations = await carried_out(run, calls)
        self._observe(run, action, calls, observations)
        run.context.add_turn(said, observations)
        await self._scoring.score(run, before, action, self._ask)
        return action

    def _observe(self, run: Run, action: Action, calls: Sequence[ToolCall], observations: Sequence[Observation]) -> None:
        """Fold what came back into the state."""
        changes: dict[str, Json] = {}
        for number, (call, seen) in enumerate(zip(calls, observations, strict=True), start=1):
            run.publish(ToolReturned(seen))
            run.has_read(seen.origin, seen.source)
            name = f"{run.step}.{number} {call.name}" + ("" if seen.ok else " (failed)")
            changes[name] = seen.content
            if not seen.ok:
                run.last_problem = f"The last tool call failed: {seen.content[:200]}"
        if isinstance(action, Finish):
            run.answer = action.answer
            changes["answer"] = action.answer
        if changes:
            run.state = run.state.with_values(**changes)
            run.publish(StateChanged(changes))

    async def _ask(self, run: Run, model: Model, request: ModelRequest, prompt: str) -> ModelResponse:
        """One model call on the run's account."""
        run.meter.check_spending()
        left = run.meter.remaining_tokens
        if left is not None and request.max_tokens is not None:
            request = replace(request, max_tokens=max(1, min(request.max_tokens, left)))
        response = await call_model(model, request, prompt, clock=self._clock, publish=run.publish)
        run.meter.charge(response.usage)
        return response

    def _close(self, run: Run, record: RunRecord | None, status: RunStatus, reason: str, given: Given | None = None) -> None:
        """Say how it ended, and save that together with the credit of what was recalled."""
        success = _success(run, status)
        phi = run.phi if run.score is not None and run.score.after is not None else None
        end = RunFinished(
            status,
            run.answer,
            success,
            phi,
            run.meter.usage,
            reason[:MOST_REASON_CHARS],
            run.taint.origin,
            run.taint.source,
            run.taint.step,
        )
        run.publish(end)
        if record is not None:
            record.finish(
                run.bus.unsaved(),
                steps=run.meter.steps,
                seconds=run.meter.seconds,
                reflected=None if status in ("finished", "gave_up", "exhausted") else NOT_WANTED,
                also=(lambda cursor: _credit(cursor, run, status, success, given)) if given is not None else None,
            )


def _credit(cursor: Cursor, run: Run, status: RunStatus, success: bool | None, given: Given) -> None:
    could_be_judged = run.world is not None or bool(run.task.checks)
    credit(
        cursor,
        [found.memory.id for found in given.shown],
        success,
        given.exposures,
        run_id=run.bus.run_id,
        versions={found.memory.id: found.memory.version for found in given.shown},
        broke=could_be_judged and status in ("failed", "exhausted", "gave_up"),
    )


def _success(run: Run, status: RunStatus) -> bool | None:
    """What the world or the checks say. No answer to a task with checks is a failure, unless the run was stopped or broken."""
    if status in ("failed", "cancelled", "interrupted"):
        return None
    if run.world is not None:
        return judged(run.world, run.state, status)
    if not run.task.checks:
        return None
    if run.score is None:
        return False if run.answer is None else None  # an answer, and no time left to judge it
    return run.score.passed
