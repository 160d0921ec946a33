"""Who runs, and what changes while a run goes on. Plain data: what is done with it is the runner's."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from purpose_agent.core.action import Observation
from purpose_agent.core.approval import Approvals, Approver, Policy, Rule
from purpose_agent.core.exposure import Exposure
from purpose_agent.core.memory import Recalled
from purpose_agent.core.messages import Message
from purpose_agent.core.model import NO_MODEL, Model
from purpose_agent.core.origin import Origin, Taint
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.score import PhiMode, Score
from purpose_agent.core.state import State
from purpose_agent.core.task import Limits, Task, task_to_json
from purpose_agent.core.values import Experienced
from purpose_agent.critics.phi import PhiCritic
from purpose_agent.engine.context import Context
from purpose_agent.engine.environment import Surroundings
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.events import (
    MemoryRecalled,
    ModelCalled,
    Payload,
    RouteChosen,
    RouteOption,
    RunMode,
    RunStarted,
    RunStatus,
)
from purpose_agent.runtime.limits import Meter
from purpose_agent.tools.executor import ToolExecutor

Worlds: TypeAlias = Callable[[Task], ChoiceEnvironment | Surroundings]
"""Makes the world a task plays in."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A model that may go on, and what a run of it is expected to take; None where that is unknown."""

    model: Model
    usd: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """How a run came by its model, and which may go on where that one fails.

    Attributes:
        chosen: Told when the run begins or goes on; None: it keeps the one it had.
        ladder: In this order; () if none may.
        usd: What the run may cost with the next one, as far as one expects; None: anything.
        seconds: How long it may take with it.
        considered: What was expected of each.
    """

    chosen: RouteChosen | None
    ladder: tuple[Rung, ...] = ()
    usd: float | None = None
    seconds: float | None = None
    considered: tuple[RouteOption, ...] = ()
    difficulty: float = 0.0


@dataclass(frozen=True, slots=True)
class Setup:
    """Who runs.

    Attributes:
        role: The sentence that opens the instructions.
        model: None: it chooses among options by what was learned, and at random where nothing was.
        critic: The model that scores tasks without checks; None: nobody does.
        temperature: Of its answers; a choice among given answers is always the likeliest.
        environment: The world its tasks play in. One that lists its actions judges them; tools, checks and choices are not looked at.
        approve: Asked about calls that need a person: by `approvals`, or because of what the run has read; None: nobody is there.
        phi: How Φ is found.
        approvals: Which calls are carried out, asked about or refused; those of tools that are not named are carried out.
        route: Of an agent with several models; None: it has one.
        replans: Of an agent that plans its calls: so many plans may fail and be followed by another. None: it decides call by call.
    """

    agent: str
    role: str
    model: Model | None
    tools: ToolExecutor
    critic: Model | None
    limits: Limits
    temperature: float | None = None
    environment: Worlds | None = None
    approve: Approver | None = None
    phi: PhiMode = "auto"
    approvals: Approvals = field(default_factory=dict[str, Policy | Rule])
    route: Route | None = None
    replans: int | None = None


def _nothing() -> None:
    """Nobody keeps a record."""


class Suspended(Exception):
    """The run stands still from here until it is resumed; the runner ends its segment with `RunSuspended`.

    Args:
        status: "waiting" for a person, or "paused".
        reason: What it waits for, in words.
    """

    def __init__(self, reason: str, *, status: RunStatus = "waiting") -> None:
        super().__init__(reason)
        self.reason = reason
        self.status: RunStatus = status


@dataclass(slots=True)
class Run:
    """What changes while a run goes on. One owner: the runner.

    Attributes:
        draws: For what is left to chance in it; the same for the same seed and task.
        uses_values: What earlier runs got from options may be asked.
        surroundings: The world that its tool calls act in, if it has one that does not list its actions.
        past: What was decided among options, oldest first.
        done: The commands carried out in its world, and what came back, oldest first.
        wrong: Answers that failed the checks.
        taint: The lowest origin of all that has been in its context, and what had it.
        critic: Judges its steps; None before the first.
        save: Saves what was published since the last time; does nothing in an evaluation.
        hear: Hears what people said to it from outside since the last time; does nothing where nobody keeps a record.
        returned: Calls of the present step that were carried out before the run was resumed, by their ids.
        uncut: Whole results of calls, by their ids, where the record has only a part; those of this process alone.
        in_flight: Ids of its calls that had begun then, and of which nobody knows whether they were carried out.
        recalled: What it was given of what was learned, as its event tells.
        exposures: Which coin fell how for what it was given.
        asked: The messages that its model was shown last.
        streams: Its answers are told piece by piece while the model writes them.
        part: The id of the event that what is told now follows from; None: as the bus has it.
        ended_by: The person who ended it; None: nobody did.
    """

    setup: Setup
    task: Task
    mode: RunMode
    bus: EventBus
    meter: Meter
    context: Context
    state: State
    draws: random.Random
    uses_values: bool
    world: ChoiceEnvironment | None = None
    surroundings: Surroundings | None = None
    phi: float | None = 0.0  # the first state is no progress yet, by definition
    seed: int | None = None
    step: int = 0
    answer: str | None = None
    score: Score | None = None
    last_problem: str = ""
    call_ids: set[str] = field(default_factory=set[str])
    past: list[Experienced] = field(default_factory=list[Experienced])
    done: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    wrong: list[str] = field(default_factory=list[str])
    taint: Taint = field(default_factory=Taint)
    critic: PhiCritic | None = None
    save: Callable[[], None] = _nothing
    hear: Callable[[], None] = _nothing
    returned: dict[str, Observation] = field(default_factory=dict[str, Observation])
    uncut: dict[str, str] = field(default_factory=dict[str, str])
    in_flight: set[str] = field(default_factory=set[str])
    recalled: MemoryRecalled = field(default_factory=lambda: MemoryRecalled(()))
    exposures: tuple[Exposure, ...] = ()
    asked: tuple[Message, ...] = ()
    streams: bool = False
    part: str | None = None
    ended_by: str | None = None

    def publish(self, payload: Payload) -> None:
        """Tell of an event of the present step; a model call is charged as it is told."""
        self.bus.publish(payload, lane=self.setup.agent, step=self.step, parent=self.part)
        if isinstance(payload, ModelCalled):
            self.meter.charge(payload.usage)

    def unread(self, problem: str) -> None:
        """A reply could not be read."""
        self.last_problem = f"The last reply could not be used: {problem}"

    def has_read(self, origin: Origin, source: str) -> None:
        """Something of that origin is in the context from now on."""
        self.taint = self.taint.mixed(Taint(origin, source, self.step))

    @property
    def plans(self) -> bool:
        """Its decisions are plans of calls."""
        return self.setup.replans is not None and self.context.plans

    @property
    def is_fork(self) -> bool:
        """It has taken over the first steps of another run."""
        first = self.bus.events[0].payload if self.bus.events else None
        return isinstance(first, RunStarted) and first.forked_from is not None

    @property
    def step_seed(self) -> int | None:
        """For the model's draws in this step."""
        # A decision may take several tries, each with a seed of its own: leave room between steps.
        return None if self.seed is None else self.seed * 1000 + self.step * 10


def taint_of(recalled: Iterable[Recalled]) -> Taint:
    """What memories in a prompt make of a run: what one of them came from, it has read."""
    taint = Taint()
    for found in recalled:
        provenance = found.memory.lesson.provenance
        taint = taint.mixed(Taint(provenance.origin, provenance.source or f"memory {found.memory.id}"))
    return taint


def draws_of(task: Task, seed: int | None) -> random.Random:
    """Chance for one run: repeatable with a seed, else of the operating system's making."""
    return random.Random() if seed is None else random.Random(f"{seed}/{task.key}")


def tell_route(run: Run) -> None:
    """Say which of several models it was given, if it was."""
    route = run.setup.route
    if route is not None and route.chosen is not None:
        run.publish(route.chosen)


def started(run: Run, parent: str | None) -> RunStarted:
    """With all that another process needs to make an agent like this one, unless it has tools."""
    setup, first = run.setup, dict(run.state.values)
    return RunStarted(
        task_to_json(run.task),
        setup.agent,
        setup.model.name if setup.model is not None else NO_MODEL,
        run.mode,
        first,
        parent,
        run.seed,
        role=setup.role,
        tools=tuple(setup.tools.tools),
        temperature=setup.temperature,
        limits=setup.limits,
        origin=run.taint.origin,
        source=run.taint.source,
        of="agent",
    )
