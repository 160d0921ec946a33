"""A step in a world: what is to be seen, what a command does, what it is worth.

In:  a run with a world, a command.
Out: the state after it, and the events that tell so.

The world judges: its reward is the step's, and its word on success the run's. A call to a world that is no coroutine
function blocks the event loop for as long as it takes; worlds are expected to answer at once.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

from purpose_agent.core.action import COMMAND, Action, GiveUp, Observation, ToolUse, command
from purpose_agent.core.errors import UsageError
from purpose_agent.core.ids import IdSource
from purpose_agent.core.ports import ChoiceEnvironment, Clock, Environment, MeasuredEnvironment
from purpose_agent.core.score import MAX_PHI, Score
from purpose_agent.core.state import State, diff
from purpose_agent.core.task import Task
from purpose_agent.core.values import Experienced, Values
from purpose_agent.engine.actor import Ask, Note
from purpose_agent.engine.checked import checked, world_name
from purpose_agent.engine.choosing import action_among
from purpose_agent.engine.environment import NEEDED as PLAIN
from purpose_agent.engine.environment import Surroundings
from purpose_agent.engine.run import Run, Setup, Worlds
from purpose_agent.runtime.events import ActionDecided, OptionsListed, RunStatus, StateChanged, StepScored, ToolReturned
from purpose_agent.tools.executor import shortened

MOST_CHARS = 8_000
"""Of a situation, as it is recorded."""
NEEDED = ("reset", "execute", "is_terminal", "situation", "admissible", "reward", "succeeded", "achieved")


def worlds_of(environment: object) -> Worlds:
    """A world, or what makes one for a task, as what makes one. What it makes gives no answers that a world may not give.

    Raises:
        UsageError: It is neither; the message names what is missing.
    """
    make = _maker(environment)

    def made(task: Task) -> ChoiceEnvironment | Surroundings:
        world: object = make(task)
        if inspect.isawaitable(world):
            if inspect.iscoroutine(world):
                world.close()
            raise UsageError(f"{_name(environment)} is async. Make the world for a task in a plain function.")
        if not isinstance(world, ChoiceEnvironment):
            if _is_plain(world):
                return Surroundings(cast(Environment, world))
            raise UsageError(_missing(world, environment))
        if task.checks:
            raise UsageError(
                f"The task {task.goal[:60]!r} has checks, and {type(world).__name__} judges what is done in it: "
                "nobody would run them. Leave the checks out, or give the task to an agent without an environment."
            )
        return checked(world)

    return made


def lists_actions(environment: object) -> bool | None:
    """Whether a world, or a class of worlds, lists its actions; None for a function, of which nobody knows what it makes."""
    if not isinstance(environment, type) and not hasattr(environment, "reset"):
        return None
    return all(callable(getattr(environment, name, None)) for name in NEEDED)


def judges(environment: object) -> bool:
    """Whether it may say how a run in it went."""
    return lists_actions(environment) is None or callable(getattr(environment, "succeeded", None))


def entered(setup: Setup, task: Task) -> tuple[Setup, Task, ChoiceEnvironment | None, Surroundings | None]:
    """Who runs, and the task, in the world it plays in, which begins anew; of the two kinds of worlds at most one.

    Raises:
        UsageError: There is a world that lists its own actions, and tools beside it; or the world gives what it may not give.
    """
    made = setup.environment(task) if setup.environment is not None else None
    if isinstance(made, Surroundings):
        if setup.model is None and not task.choices:
            raise UsageError(
                f"{setup.agent!r} has no model, and {made.name} lists no actions to choose among. Give it a model."
            )
        task = made.begin(task)
        return replace(setup, tools=made.tools(setup.tools)), task, None, made
    if made is not None and setup.tools.tools:
        raise UsageError(f"{world_name(made)} lists its own actions; leave the tools of {setup.agent!r} out.")
    return setup, task, made, None


def _is_plain(world: object) -> bool:
    """It can be acted in by tools: it has the three methods, and none of those that list actions and judge."""
    listing = ("situation", "admissible", "reward", "achieved")
    is_choice = any(hasattr(world, name) for name in listing)
    return not is_choice and all(callable(getattr(world, name, None)) for name in PLAIN)


def _maker(environment: object) -> Callable[[Task], object]:
    # A class has its methods too; it makes worlds, and is none.
    if not isinstance(environment, type):
        if isinstance(environment, ChoiceEnvironment) or _is_plain(environment):
            return lambda task: environment
        if hasattr(environment, "reset") or not callable(environment):
            raise UsageError(_missing(environment, environment))
    make = cast("Callable[..., object]", environment)
    try:
        signature = inspect.signature(make)
    except (TypeError, ValueError):  # not written in Python: nobody can tell what it takes
        return make
    alone = isinstance(environment, type) and not _is_for_task(signature)
    try:
        signature.bind(*(() if alone else (None,)))
    except TypeError as error:
        how = "be made without arguments" if alone else "be called with the task alone"
        raise UsageError(
            f"{_name(environment)}{signature} makes no worlds: it can't {how} ({error}). Give a function of one task, such as "
            "lambda task: World(...)."
        ) from error
    return (lambda task: make()) if alone else make


def _is_for_task(signature: inspect.Signature) -> bool:
    """Whether a class is made from a task: its first argument has to be given, or says so by its name."""
    places = [each for each in signature.parameters.values() if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return bool(places) and (places[0].default is places[0].empty or places[0].name == "task")


def _name(environment: object) -> str:
    return str(getattr(environment, "__name__", type(environment).__name__))


def _missing(world: object, environment: object) -> str:
    missing = ", ".join(name for name in NEEDED if not callable(getattr(world, name, None)))
    maker = "" if world is environment else f", which {_name(environment)} made"
    return (
        f"An agent can't act in {type(world).__name__}: it has no {missing}{maker}. Give a pa.ChoiceEnvironment, which lists"
        " its actions and judges itself, a pa.Environment, in which tools act, or a function that makes one from a task."
    )


def _looked_at(run: Run, world: ChoiceEnvironment) -> tuple[str, tuple[str, ...]]:
    """The situation and what can be done in it, told in an event."""
    situation = world.situation(run.state)
    run.has_read("tool", world_name(world))
    options = tuple(dict.fromkeys(world.admissible(run.state)))
    run.publish(OptionsListed(shortened(situation, MOST_CHARS)[0], options))
    return situation, options


async def step_in_world(
    ask: Ask, run: Run, world: ChoiceEnvironment, values: Values | None, unread: Note, *, ids: IdSource, clock: Clock
) -> ToolUse | GiveUp:
    """Look, choose, act."""
    situation, options = _looked_at(run, world)
    chosen: str | GiveUp = GiveUp("Nothing can be done here, and the world has not come to its end.")
    if options:
        chosen = await action_among(ask, run, values, situation, options, unread)
    if isinstance(chosen, GiveUp):
        run.publish(ActionDecided(chosen))
        return chosen
    action = command(chosen, ids("call"))
    run.publish(ActionDecided(action))
    run.done.append((chosen, await _carried_out(run, world, action, clock)))
    run.past.append(Experienced(situation, chosen, _reward(run), options))
    return action


def _phi(world: ChoiceEnvironment, state: State) -> float | None:
    """Success is all of the purpose; what less than that is worth in Φ, not every world can say."""
    if world.succeeded(state):
        return MAX_PHI
    return world.progress(state) if isinstance(world, MeasuredEnvironment) else None


def _reward(run: Run) -> float:
    return (run.score.reward if run.score is not None else None) or 0.0


async def _carried_out(run: Run, world: ChoiceEnvironment, action: ToolUse, clock: Clock) -> str:
    """Do it in the world: the new state, its reward, and what is to be seen then."""
    began = clock.monotonic()
    after = await executed(world, action, run.state)
    (call,) = action.calls
    situation = world.situation(after)
    content, left_out = shortened(situation, MOST_CHARS)
    seen = Observation(call.id, COMMAND, content, True, clock.monotonic() - began, left_out, "tool", world_name(world))
    run.publish(ToolReturned(seen))
    delta = diff(run.state, after)
    if not delta.empty:
        changed = {name: new for name, (_, new) in delta.changed.items()}
        run.publish(StateChanged({**delta.added, **changed}, tuple(delta.removed)))
    run.state = after
    after_phi = _phi(world, after)
    run.score = Score(
        run.phi,
        after_phi,
        0.0 if after_phi is None else 1.0,
        "environment",
        reward=float(world.reward(after)),
        goals=tuple(world.achieved(after)),
    )
    run.phi = run.phi if after_phi is None else after_phi
    run.publish(StepScored(run.score))
    return situation


def judged(world: ChoiceEnvironment, state: State, status: RunStatus) -> bool | None:
    """What the world says of the end. Whoever stops before the world does has succeeded only if it says so."""
    said = world.succeeded(state)
    return said if status == "finished" else bool(said)


def replayable(world: ChoiceEnvironment) -> bool:
    """Whether what was done in it may be done again, to lead it to where a run was. A world that acts outside of itself says no."""
    return bool(getattr(world, "replayable", True))


async def executed(world: ChoiceEnvironment, action: Action, state: State) -> State:
    """The state after the action."""
    after: object = world.execute(action, state)
    return cast(State, await cast("Awaitable[object]", after) if inspect.isawaitable(after) else after)
