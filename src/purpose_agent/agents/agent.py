"""Agent: instructions, a model, tools, limits. It holds no state; what it learns is in its workspace."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from purpose_agent.agents.arguments import check_arguments, check_kinds, check_run_id, check_seed
from purpose_agent.agents.streaming import RunStream
from purpose_agent.agents.workspace import Workspace, open_workspace
from purpose_agent.core.approval import Approvals, Approver, check_approvals
from purpose_agent.core.errors import CantResume, UsageError
from purpose_agent.core.model import NO_MODEL, Model, is_no_model
from purpose_agent.core.origin import UNTAINTED, Taint
from purpose_agent.core.ports import ChoiceEnvironment, Environment
from purpose_agent.core.score import PhiMode
from purpose_agent.core.task import Limits, Task, as_task, task_from_json
from purpose_agent.core.tool import Tool, make_tool
from purpose_agent.engine.context import with_role
from purpose_agent.engine.result import TaskResult
from purpose_agent.engine.run import Setup
from purpose_agent.engine.world import judges, lists_actions, worlds_of
from purpose_agent.models.routing import Router
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import RunMode, RunStarted, Visibility
from purpose_agent.runtime.feed import CAPACITY
from purpose_agent.runtime.forking import OVER
from purpose_agent.runtime.record import RunRow
from purpose_agent.runtime.sync import run_sync
from purpose_agent.runtime.trace import Trace
from purpose_agent.tools.executor import ToolExecutor

TEMPERATURE = 0.3
World: TypeAlias = ChoiceEnvironment | Environment


class Agent:
    """One agent. Two that are given one workspace share what they learn.

    Args:
        name: For the record; what it learns is recalled for agents of this name.
        role: The sentence that opens its instructions; by default "You are the NAME."
        model: A spec such as "ollama:qwen3:1.7b", a model object, or None for the best that is there. "none" is an agent
            without a model: it chooses among options by what it learned, and at random where it learned nothing. With a
            `Router` each run gets the smallest of several models that is good enough.
        tools: Tools, or plain typed functions with docstrings.
        critic: Who scores tasks that have no checks: "self" is its own model, None or "none" nobody;
            a spec or a model object.
        phi: How Φ is found. "auto": by the task's checks; where there are none, code by assertions that a model means to break it with,
            long runs by what changed in a step, all else by the whole state. "checks", "falsification", "delta", "standard" and
            "ensemble" (several critics, up to four calls a step) ask for one way.
        limits: What a run may spend, unless the task says otherwise.
        workspace: A folder, or a Workspace.
        mode: "learning" reads and writes memory; "validation" records runs only; "evaluation" writes nothing.
        temperature: Of its answers.
        environment: The world its tasks play in, or a function that makes one for a task. A `ChoiceEnvironment` lists the actions and
            judges the run, so its tasks have no checks, and the agent no tools. In any other `Environment` the agent's tool calls
            act, or those of the tool `act` if it has none; how that went checks say, or the world's own `succeeded(state)`, or
            nobody. It is called directly, so it should answer at once. A class is given the task if its first argument is required or
            called `task`. One world serves one run at a time.
        approve: Asks a person before a call that needs one: by `approvals`, or, for a tool that sends, pays, deletes, …, since the
            run has read what others wrote. A function of an `ApprovalRequest`, plain or async, that gives True or False, or one of
            `Approve()`, `Edit(arguments)`, `Reject(why)`, `Done(result)` and `Later()`. None: calls that `approvals` ask about wait
            (see `Workspace.control`), all others that need a person are refused.
        approvals: By tool: "auto", "ask", "deny", or a function of a call's arguments that gives one of these; "*" is for all tools
            that are not named, "auto" by default.

    Raises:
        UsageError: The environment can't be acted in; the message says what it lacks. Or `approvals` name a tool that isn't there.
        UnknownModel: The spec can't be read.
        NoModelFound: The local model it names is not here.
        InvalidTool: A function can't be offered as a tool.
    """

    def __init__(
        self,
        name: str,
        *,
        role: str = "",
        model: str | Model | Router | None = None,
        tools: Sequence[Tool | Callable[..., Any]] = (),
        critic: str | Model | Literal["self"] | None = "self",
        phi: PhiMode = "auto",
        limits: Limits | None = None,
        workspace: Workspace | str | Path | None = None,
        mode: RunMode = "learning",
        temperature: float | None = TEMPERATURE,
        environment: World | type[World] | Callable[[Task], World] | None = None,
        approve: Approver | None = None,
        approvals: Approvals | None = None,
    ) -> None:
        check_arguments(name, mode=mode, phi=phi, lists_actions=lists_actions(environment) is True, has_tools=bool(tools))
        check_kinds(limits=limits, temperature=temperature, tools=tools, approve=approve, approvals=approvals)
        self.name = name
        self.role = with_role(name, role)
        self.limits = limits or Limits()
        self.mode: RunMode = mode
        self.temperature = temperature
        self.approve = approve
        self.approvals: Approvals = dict(approvals) if approvals is not None else {}
        self.phi: PhiMode = phi
        self.workspace = open_workspace(workspace)
        self._tools = ToolExecutor([tool if isinstance(tool, Tool) else make_tool(tool) for tool in tools])
        check_approvals(self.approvals, self._tools.tools)
        # A named model is looked up now, so that a wrong name is told at once; "the best there is" when first needed.
        self._has_model = not is_no_model(model)
        self._router = model if isinstance(model, Router) else None
        first = model.models[0] if isinstance(model, Router) else model
        self._model = resolved(first) if first is not None and self._has_model else None
        self._critic = None if is_no_model(critic) else critic
        self._environment = worlds_of(environment) if environment is not None else None
        self._world_judges = environment is not None and judges(environment)
        self.takes_checks = environment is None or lists_actions(environment) is False
        self._form: Callable[[Model], Model] | None = None
        self.workspace.register(self)

    def __repr__(self) -> str:
        model = str(self._router) if self._router is not None else self._model.name if self._model is not None else None
        return f"Agent({self.name!r}, model={model if self._has_model else NO_MODEL!r})"

    @property
    def model(self) -> Model:
        """Its model, found now if none was named; of a router, the one that is tried first.

        Raises:
            NoModelFound: There is none on this machine; the message says how to get one.
            UsageError: It was made to have none.
        """
        if not self._has_model:
            raise UsageError(f"Agent {self.name!r} was made with model='none'; whoever needs a model has to name one.")
        if self._model is None:
            self._model = resolved(None)
        return self._model

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What it can do."""
        return tuple(self._tools.tools.values())

    def setup(self, *, like: str = "") -> Setup:
        """Who runs, as the engine needs it.

        Args:
            like: The id of a run: of a router's models, the one that did it.
        """
        model = self.model if self._has_model else None
        if self._router is not None and like:
            model = self.workspace.model_of_run(self._router, like)
        critic = model
        if self._critic != "self":
            critic = None if self._critic is None else resolved(self._critic)
        return Setup(
            self.name,
            self.role,
            model,
            self._tools,
            critic,
            self.limits,
            self.temperature,
            self._environment,
            self.approve,
            self.phi,
            self.approvals,
        )

    def _setup_for(self, task: Task, before: Trace | None = None) -> Setup:
        """Who runs this task: of a router's models the one whose turn it is, or that a run which goes on had before."""
        setup = self.setup()
        if self._router is not None:
            model, route = self.workspace.routed(self._router, task, self.name, self.limits, before)
            setup = replace(setup, model=model, critic=model if self._critic == "self" else setup.critic, route=route)
        return setup if self._form is None or setup.model is None else replace(setup, model=self._form(setup.model))

    def can_judge(self, task: Task) -> bool:
        """Whether a recorded `task` can be run again and judged: by its world, or by checks that are all data."""
        return task.replayable or (self._world_judges and not task.checks)

    def run(self, task: str | Task, *, seed: int | None = None, watch: Listener | None = None) -> TaskResult:
        """Blocking form of `run_async`."""
        return run_sync(self.run_async(task, seed=seed, watch=watch))

    async def run_async(self, task: str | Task, *, seed: int | None = None, watch: Listener | None = None) -> TaskResult:
        """Run a task to its end, then reflect on it.

        Lessons that were drawn are in quarantine; `workspace.settle()` tries them.

        Args:
            task: In words, or with checks and limits of its own.
            seed: Of the model's draws; None for any.
            watch: Called with every event as it happens; it should return at once.

        Raises:
            NoModelFound: No model was named, and there is none.
            UsageError: The agent was made without a model, and the task has no options to choose among; the task has checks,
                and is done in a world; the world gives what no world may give, and the message says what.
        """
        listeners = [watch] if watch is not None else []
        return await self.reflected(await self.attempt(as_task(task), seed=seed, listeners=listeners), listeners)

    def stream(
        self,
        task: str | Task,
        *,
        seed: int | None = None,
        visibility: Visibility = "public",
        capacity: int | None = CAPACITY,
        detached: bool = False,
    ) -> RunStream:
        """`run_async`, to be read while it goes on: `async for event in agent.stream(task)`, or a plain `for`.

        Events come as they happen, the answer's text piece by piece (`TextStreamed`) where the model streams it. What
        `run_async` would raise is raised after the last event; `stream.result` is what it would return.

        Args:
            visibility: "public", or for those who run the agent "internal", or for those who build it "debug".
            capacity: So many events wait for a reader that is slower than the run; where more were left out it gets a `Lagged`.
                The end of a run always arrives. None: any number.
            detached: The run goes on when its reader leaves the loop early; else it is cancelled.
        """
        wanted = as_task(task)
        check_seed(seed, "stream")

        async def streamed(put: Listener) -> TaskResult:
            result = await self.attempt(wanted, seed=seed, listeners=[put], stream=True)
            return await self.reflected(result, [put])

        return RunStream(streamed, visibility=visibility, capacity=capacity, detached=detached)

    def resume(self, run_id: str, *, task: Task | None = None, watch: Listener | None = None) -> TaskResult:
        """Blocking form of `resume_async`."""
        return run_sync(self.resume_async(run_id, task=task, watch=watch))

    async def resume_async(self, run_id: str, *, task: Task | None = None, watch: Listener | None = None) -> TaskResult:
        """Go on with one of its runs that stood still, failed, was interrupted, or whose process died; then reflect on it.

        What was complete is not done again: the run goes on after its last step, or within one whose calls were partly
        carried out. It does so with this agent as it is now: its model, tools and limits may be others than before. A run that is over
        gives its result again.

        Args:
            task: Needed only if checks of it are functions, which are not in the record.
            watch: Called with every event from now on.

        Raises:
            CantResume: A person ended the run, it is still under way in another process, is another agent's, or lacks what it needs.
            RunTaken: Another process went on with it at the same moment.
            NotFound: There is no such run.
        """
        if self._own(run_id).status in OVER:
            return self.workspace.result(run_id)
        listeners = [watch] if watch is not None else []
        return await self.reflected(await self.go_on(run_id, task=task, listeners=listeners), listeners)

    async def go_on(
        self, run_id: str, *, task: Task | None = None, listeners: Sequence[Listener] = (), stream: bool = False
    ) -> TaskResult:
        """As `resume_async`, without reflection: for teams and flows."""
        self._own(run_id)
        row, trace = self.workspace.resumable(run_id)
        recalled, withheld = self.workspace.recalled_again(trace)
        return await self.workspace.runner.resume(
            self._setup_for(task or task_from_json(trace.of(RunStarted)[0].task), trace),
            trace,
            task=task,
            mode=row.mode,
            recalled=recalled,
            withheld=withheld,
            listeners=listeners,
            stream=stream,
        )

    def _own(self, run_id: str) -> RunRow:
        check_run_id("resume", run_id)
        row = self.workspace.run(run_id)
        if row.agent != self.name:
            raise CantResume(f"{run_id} is a run of {row.agent!r}, not of {self.name!r}; resume it with that agent.")
        return row

    async def reflected(self, result: TaskResult, listeners: Sequence[Listener] = ()) -> TaskResult:
        """The result with the lessons drawn from it, if it is over and there to learn from."""
        if self.mode != "learning" or result.status not in ("finished", "gave_up", "exhausted"):
            return result
        return replace(result, lessons=await self.workspace.reflect(result, self, listeners=listeners))

    async def attempt(
        self,
        task: Task,
        *,
        seed: int | None = None,
        parent: str | None = None,
        memory: bool = True,
        without_memory: str | None = None,
        values: bool | None = None,
        taint: Taint = UNTAINTED,
        listeners: Sequence[Listener] = (),
        run_id: str | None = None,
        stream: bool = False,
    ) -> TaskResult:
        """The run alone, without reflection: for teams, which reflect when they know how it went on.

        Args:
            memory: False: nothing that was learned is used.
            without_memory: The id of one memory that is left out.
            values: Whether options are ranked by what earlier runs got from them; None: as the gate says.
            taint: Of what the task's words were made from, where a person did not write them.
            run_id: For a run that was promised under that id; None: a new one.
            stream: Its answers are told piece by piece while the model writes them.

        Raises:
            UsageError: `seed` is no whole number; or as `run_async`.
        """
        check_seed(seed)
        return await self.workspace.runner.run(
            self._setup_for(task),
            task,
            mode=self.mode,
            seed=seed,
            parent=parent,
            memory=memory,
            without_memory=without_memory,
            values=values,
            taint=taint,
            listeners=listeners,
            run_id=run_id,
            stream=stream,
        )

    def on(self, model: Model) -> "Agent":
        """The same agent on another model. This one stays as it is."""
        other = copy(self)
        other._model, other._has_model, other._router = model, True, None
        return other

    def formed(self, form: Callable[[Model], Model]) -> "Agent":
        """The same agent, whose model's answers take a form: `form` wraps whichever model a run gets. This one stays as it is."""
        other = copy(self)
        other._form = form
        return other

    def moved(self, workspace: Workspace, mode: RunMode) -> "Agent":
        """The same agent in another workspace, or in another mode. This one stays as it is."""
        other = copy(self)
        other.workspace, other.mode = workspace, mode
        return other


def resolved(model: str | Model | None) -> Model:
    """A model from its spec; imported here, since most of what it needs is needed by few."""
    from purpose_agent.models.resolve import resolve_model

    return resolve_model(model)
