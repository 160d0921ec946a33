"""A run made again from its events, to go on where it was.

In:  who runs, the trace of a run that stood still or whose process died.
Out: the `Run` as it was after its last complete step, and the decision of the step within which it was interrupted.

The conversation is what the model was shown last, and what came of it; a world is asked to do again what was done in it. What
was left to chance in the rest of the run is drawn anew from its seed. Does not go on by itself: that is the runner's.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from purpose_agent.core.action import Action, Finish, Observation, ToolUse, command_of
from purpose_agent.core.errors import CantResume
from purpose_agent.core.memory import Recalled
from purpose_agent.core.messages import Message, assistant
from purpose_agent.core.model import Capabilities, Usage
from purpose_agent.core.origin import Taint
from purpose_agent.core.ports import ChoiceEnvironment, Clock
from purpose_agent.core.state import State
from purpose_agent.core.task import Task, task_from_json
from purpose_agent.core.values import Experienced
from purpose_agent.engine.actor import turn_of
from purpose_agent.engine.attempts import untold_failures
from purpose_agent.engine.closing import exposures_of
from purpose_agent.engine.context import open_context
from purpose_agent.engine.escalating import begin_anew
from purpose_agent.engine.planning import said_of
from purpose_agent.engine.run import Run, Setup
from purpose_agent.engine.step import Decided
from purpose_agent.engine.world import entered, executed, replayable, world_name
from purpose_agent.memory.rules import situation_of
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.events import (
    ActionDecided,
    CheckpointSaved,
    Event,
    MemoryRecalled,
    ModelAsked,
    ModelCalled,
    OptionsListed,
    RouteChosen,
    RunFinished,
    RunMode,
    RunStarted,
    RunSuspended,
    ScoreOverridden,
    StepScored,
    ToolReturned,
    ToolStarted,
)
from purpose_agent.runtime.limits import Meter
from purpose_agent.runtime.pool import current_share
from purpose_agent.runtime.trace import Trace, by_call, folded


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record says of a run that goes on.

    Attributes:
        done: Events of complete steps, and those before the first step.
        partly: Events of the step after them, as far as it went.
        step: The last complete step; 0: none is.
        seconds: Of work so far, as far as that was saved.
    """

    started: RunStarted
    done: tuple[Event, ...]
    partly: tuple[Event, ...]
    step: int
    seconds: float = 0.0

    @classmethod
    def of(cls, trace: Trace) -> "Recorded":
        """Read it from the trace."""
        step = max((each.step for each in trace.of(CheckpointSaved)), default=0)
        of_run = [event for event in trace.events if not isinstance(event.payload, RunFinished | RunSuspended)]
        done = tuple(event for event in of_run if event.step <= step)
        partly = tuple(event for event in of_run if event.step == step + 1)
        told = [each.seconds or 0.0 for kind in (CheckpointSaved, RunSuspended, RunFinished) for each in trace.of(kind)]
        return cls(trace.of(RunStarted)[0], done, partly, step, max(told, default=0.0))

    def task(self, given: Task | None) -> Task:
        """The task: as it was recorded, or as the caller has it.

        Raises:
            CantResume: It has checks that are functions, which are not in the record, and the caller doesn't give it; or
                what is given is another task.
        """
        recorded = task_from_json(self.started.task)
        if given is not None:
            if given.key != recorded.key and given.goal != recorded.goal:
                raise CantResume(
                    f"The run was about {recorded.goal[:60]!r}, not about {given.goal[:60]!r}. Give the task it began with."
                )
            return given
        if any(check.kind == "callable" for check in recorded.checks):
            raise CantResume(
                f"A check of the task {recorded.goal[:60]!r} is a function, which is not in the record. Give the task again: "
                "resume(run_id, task=...)."
            )
        return recorded


async def restored(
    recorded: Recorded,
    setup: Setup,
    task: Task,
    *,
    mode: RunMode,
    bus: EventBus,
    clock: Clock,
    recalled: Sequence[Recalled],
    withheld: Mapping[str, int],
) -> tuple[Run, Decided | None]:
    """The run after its last complete step, and what it had decided since.

    Args:
        bus: For the events to come.
        recalled: The memories that are in its prompt, as they are now.
        withheld: By id: the version of those that a coin kept from it.

    Raises:
        CantResume: Its world can't be led there again, or came to another state when the same was done in it again.
    """
    started, done = recorded.started, recorded.done
    capabilities = setup.model.capabilities if setup.model is not None else Capabilities()
    first = [event.payload for event in done if isinstance(event.payload, MemoryRecalled)]
    memories = first[0] if first else MemoryRecalled(())
    spent = [event.payload for event in (*done, *recorded.partly) if isinstance(event.payload, ModelCalled)]
    setup, task, world, surroundings = entered(setup, task)
    context = open_context(setup.role, task, setup.tools.specs, capabilities, recalled, plans=setup.replans is not None)
    known = folded(State(), done)
    run = Run(
        setup=setup,
        task=task,
        mode=mode,
        bus=bus,
        meter=Meter(
            task.limits or setup.limits,
            clock,
            usage=sum((call.usage for call in spent), Usage()),
            steps=recorded.step,
            seconds=recorded.seconds,
            shared=current_share(),
        ),
        context=context,
        state=known,
        draws=random.Random() if started.seed is None else random.Random(f"{started.seed}/{task.key}/{recorded.step}"),
        uses_values=memories.values,
        world=world,
        surroundings=surroundings,
        seed=started.seed,
        step=recorded.step,
        taint=Taint(started.origin, started.source),
        recalled=memories,
        exposures=exposures_of(memories, bus.run_id, withheld),
    )
    if world is not None:
        if not replayable(world):
            raise CantResume(
                f"{world_name(world)} says replayable = False: what was done in it can't be done again, so {bus.run_id} is over."
            )
        run.state = world.reset()
    for step in range(1, recorded.step + 1):
        await _redo(run, [event for event in done if event.step == step])
    if world is not None and run.state.values != known.values:
        raise CantResume(
            f"The same {recorded.step} commands led {world_name(world)} to another state than they did before, so {bus.run_id} can't go on"
            " in it. A world that leaves something to chance has to draw it from the task, or keep it in its State."
        )
    if run.surroundings is not None:
        run.surroundings.check_same(known, bus.run_id)
    decided = _decided(run, recorded.partly)
    if run.surroundings is not None and decided is not None:
        await run.surroundings.redo(decided.action, tuple(run.returned.values()))
    return run, decided


async def _redo(run: Run, events: Sequence[Event]) -> None:
    """Fold a complete step into the run: all but its state, which is known."""
    action, message, seen, situation, options = _read(run, events)
    assert action is not None, "a complete step has a decision"
    for observation in seen:
        run.has_read(observation.origin, observation.source)
    for event in events:
        match event.payload:
            case StepScored(score=score):
                run.score = score
                run.phi = score.after if score.after is not None or isinstance(action, Finish) else run.phi
            case ScoreOverridden(step=step, phi=phi) if step == events[0].step:
                run.phi = phi
            case CheckpointSaved(last_problem=problem):
                run.last_problem = problem
            case _:
                pass
    if run.world is not None:
        await _redo_in_world(run, run.world, action, situation, options)
        return
    if run.surroundings is not None:
        await run.surroundings.redo(action, seen)
    said, _ = turn_of(action, message)
    run.context.add_turn(said, seen)
    if isinstance(action, Finish):
        run.answer = action.answer
        if run.task.choices:
            options = tuple(choice for choice in run.task.choices if choice not in run.wrong) or run.task.choices
            run.past.append(Experienced(situation_of(run.task.goal, run.task.inputs), action.answer, 0.0, options))
        # It went on after an answer: that one failed, and the conversation said so.
        run.wrong.append(action.answer)
        if run.score is not None:
            run.context.add_failure(untold_failures(run.score, action.answer))
    if any(isinstance(event.payload, RouteChosen) and event.payload.instead_of for event in events):
        begin_anew(run)


async def _redo_in_world(run: Run, world: ChoiceEnvironment, action: Action, situation: str, options: tuple[str, ...]) -> None:
    """Do it again in the world: what it holds besides its state is nowhere else."""
    chosen = command_of(action)
    assert chosen is not None, "in a world every complete step is a command"
    run.has_read("tool", world_name(world))
    run.state = await executed(world, action, run.state)
    run.done.append((chosen, world.situation(run.state)))
    reward = (run.score.reward if run.score is not None else None) or 0.0
    run.past.append(Experienced(situation, chosen, reward, options))


def _decided(run: Run, events: Sequence[Event]) -> Decided | None:
    """What the step under way had decided, and how far its calls have come; None: nothing, and the model is asked again."""
    action, message, _, _, _ = _read(run, events)
    if run.world is not None:
        return None
    # Also of a plan that was still being written: its first calls may have been made.
    returned = [event.payload.observation for event in events if isinstance(event.payload, ToolReturned)]
    run.returned = {each.call_id: each for each in returned}
    begun = {event.payload.call_id for event in events if isinstance(event.payload, ToolStarted)}
    run.in_flight = begun - run.returned.keys()
    return Decided(action, message) if action is not None else None


def _read(run: Run, events: Sequence[Event]) -> tuple[Action | None, Message, tuple[Observation, ...], str, tuple[str, ...]]:
    """A step's decision with its message, what came back, and what there was to choose from."""
    action: Action | None = None
    message = Message("assistant", ())
    seen: dict[str, Observation] = {}
    situation, options = "", tuple[str, ...]()
    for event in events:
        match event.payload:
            case ModelAsked(messages=messages, kept=kept):
                run.asked = (*run.asked[:kept], *messages)
                opening = len(run.context.prefix)
                run.context.prefix = run.asked[:opening]
                run.context.history = list(run.asked[opening:])
            case ModelCalled(message=answer) if answer is not None:
                message = answer
            case ActionDecided(action=decided):
                action = decided
                run.call_ids |= {call.id for call in decided.calls} if isinstance(decided, ToolUse) else set()
            case ToolReturned(observation=observation):
                seen[observation.call_id] = observation
            case OptionsListed():
                situation, options = event.payload.situation, event.payload.options
            case _:
                pass
    if isinstance(action, Finish) and run.task.choices:
        message = assistant(action.answer)
    if isinstance(action, ToolUse) and run.plans:
        message = said_of(action)
    returned = by_call(action, seen.values()) if isinstance(action, ToolUse) else ()
    return action, message, returned, situation, options
