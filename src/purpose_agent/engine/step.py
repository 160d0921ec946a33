"""One step of a run: decide, act, observe, score.

In:  a run; or one whose decision was made before it was interrupted.
Out: the action, with all that came of it told in events.

What a step has decided is saved before anything of it is done, and what each call gave as it comes back (`capability.py`), so
that whoever goes on with the run does nothing twice. Not here: how long one goes on (`runner.py`).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from purpose_agent.core.action import Action, Finish, Observation, ToolUse
from purpose_agent.core.ids import IdSource
from purpose_agent.core.messages import Json, Message, ToolCall
from purpose_agent.core.model import Model, ModelRequest, ModelResponse
from purpose_agent.core.ports import Clock
from purpose_agent.core.state import State
from purpose_agent.core.values import Values
from purpose_agent.engine.actor import decide, turn_of, with_own_ids
from purpose_agent.engine.capability import carried_out
from purpose_agent.engine.choosing import answer_among
from purpose_agent.engine.context import estimated_tokens
from purpose_agent.engine.planning import by_plan
from purpose_agent.engine.run import Run
from purpose_agent.engine.scoring import Scoring
from purpose_agent.engine.world import step_in_world
from purpose_agent.runtime.events import (
    ActionDecided,
    CheckpointSaved,
    ModelAsked,
    Payload,
    ReasoningSummarised,
    StateChanged,
    TextStreamed,
)
from purpose_agent.runtime.model_call import call_model


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was saved before the run was interrupted, and the message that carried it."""

    action: Action
    message: Message


class Stepper:
    """Takes the steps of any number of runs."""

    def __init__(self, scoring: Scoring, values: Values | None, *, ids: IdSource, clock: Clock) -> None:
        self._scoring = scoring
        self._values = values
        self._ids = ids
        self._clock = clock

    async def take(self, run: Run, decided: Decided | None = None) -> Action:
        """The next step; of a run that was interrupted within one, the rest of it."""
        run.meter.step()
        run.step += 1
        before = run.state
        if run.world is not None:
            await asyncio.sleep(0)  # without a model nothing else would let others run, or this run be cancelled
            actor = self._actor(run)
            return await step_in_world(actor, run, run.world, self._values, run.unread, ids=self._ids, clock=self._clock)
        if run.plans and (decided is None or isinstance(decided.action, ToolUse)):
            plan = await by_plan(lambda heard: self._actor(run, heard), run, decided.action if decided is not None else None)
            decided = Decided(plan.action, plan.message)
            said, calls = turn_of(decided.action, decided.message)
            observations = plan.observations
        else:
            if decided is None:
                decided = await self._decided(run)
            said, calls = turn_of(decided.action, decided.message)
            observations = await carried_out(run, calls)
        await _observe(run, decided.action, calls, observations)
        run.context.add_turn(said, observations)
        await self._scoring.score(run, before, decided.action, self.ask)
        return decided.action

    async def _decided(self, run: Run) -> Decided:
        actor, setup = self._actor(run), run.setup
        if run.task.choices:
            decision = await answer_among(actor, run, self._values, run.unread)
        else:
            decision = await decide(
                actor, run.context, (), temperature=setup.temperature, seed=run.step_seed, unread=run.unread
            )
        action = with_own_ids(decision.action, run.call_ids, self._ids)
        thought = "" if action.type == "give_up" else action.thought
        if thought:
            run.publish(ReasoningSummarised(thought))
        run.publish(ActionDecided(action))
        return Decided(action, decision.message)

    def _actor(self, run: Run, heard: Callable[[str], object] | None = None):
        async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
            model = run.setup.model
            assert model is not None, "whoever has no model chooses by value"
            kept = _in_common(run.asked, request.messages)
            run.publish(ModelAsked(request.purpose, request.messages[kept:], kept))
            run.asked = request.messages
            return await self.ask(run, model, request, prompt, acts=True, heard=heard)

        return ask

    async def ask(
        self,
        run: Run,
        model: Model,
        request: ModelRequest,
        prompt: str,
        *,
        acts: bool = False,
        heard: Callable[[str], object] | None = None,
    ) -> ModelResponse:
        """One model call on the run's account.

        Args:
            acts: The answer is the agent's own, and is kept; not a critic's.
            heard: Told each piece of the answer as it is written, which then nobody else is.
        """

        def publish(payload: Payload) -> None:
            if heard is not None and isinstance(payload, TextStreamed):
                heard(payload.text)
            else:
                run.publish(payload)

        run.meter.check_spending()
        if run.meter.has_budget:
            question = estimated_tokens(request.text) + sum(estimated_tokens(str(tool)) for tool in request.tools)
            most = await run.meter.room(question, model)
            if most is not None:
                request = replace(request, max_tokens=most if request.max_tokens is None else min(request.max_tokens, most))
        streams = heard is not None or (acts and run.streams)
        return await call_model(model, request, prompt, clock=self._clock, publish=publish, acts=acts, stream=streams)


def complete(run: Run) -> None:
    """Say that the step is complete, and save it."""
    run.publish(CheckpointSaved(run.step, run.last_problem, run.meter.seconds))
    run.save()


async def _observe(run: Run, action: Action, calls: Sequence[ToolCall], observations: Sequence[Observation]) -> None:
    """Fold what came back into the state."""
    changes: dict[str, Json] = {}
    for number, (call, seen) in enumerate(zip(calls, observations, strict=True), start=1):
        run.has_read(seen.origin, seen.source)
        name = f"{run.step}.{number} {call.name}" + ("" if seen.ok else " (failed)")
        changes[name] = seen.content
        if not seen.ok:
            run.last_problem = f"The last tool call failed: {seen.content[:200]}"
    if isinstance(action, Finish):
        run.answer = action.answer
        changes["answer"] = action.answer
    run.state = State({**run.state.values, **changes})
    gone: tuple[str, ...] = ()
    if run.surroundings is not None:
        if isinstance(action, Finish):
            await run.surroundings.execute(action)
        run.state, changed, gone = run.surroundings.fold(run.state)
        changes |= changed
    if changes or gone:
        run.publish(StateChanged(changes, gone))


def _in_common(before: Sequence[Message], now: Sequence[Message]) -> int:
    """How many messages both begin with."""
    kept = 0
    for old, new in zip(before, now, strict=False):
        if old is not new and old != new:
            break
        kept += 1
    return kept
