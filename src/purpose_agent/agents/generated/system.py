"""A generated system: looked at, run, tried, saved.

In:  a `SystemPlan`.
Out: agents, a flow or a team on a model; a report of its eval cases; a project on disk; its parts in words.

Not here: how the plan came about (`generator.py`), how its parts are made (`build.py`), what files say (`source.py`).
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.flows.result import WorkflowResult
from purpose_agent.agents.flows.workflow import Workflow
from purpose_agent.agents.generated.plan import (
    INPUT,
    AgentPlan,
    Case,
    Graph,
    RoutingPolicy,
    SystemPlan,
    ToolPlan,
)
from purpose_agent.agents.generated.tools import StubTool
from purpose_agent.agents.specialists.agent_team import AgentTeam
from purpose_agent.agents.specialists.spec import AgentSpec
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.approval import Approver
from purpose_agent.core.model import Model
from purpose_agent.core.task import Limits, Task
from purpose_agent.core.tool import Tool
from purpose_agent.memory.budget import MemoryBudget
from purpose_agent.models.routing import Router
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import RunMode

if TYPE_CHECKING:
    from purpose_agent.agents.generated.evals import CaseResult, EvalReport

FILES = "files"


class MissingTools(UserWarning):
    """Agents are about to work whose tools are not all written: they do without."""


class GeneratedSystem:
    """A system for a use case. Made by `generate()`.

    Args:
        plan: All that it is made of.
        model: Its agents' model where none is named later.
        workspace: Where it works where none is named later.
    """

    def __init__(
        self, plan: SystemPlan, *, model: str | Model | None = None, workspace: Workspace | str | Path | None = None
    ) -> None:
        self.plan = plan
        self._model = model
        self._workspace = workspace

    def __repr__(self) -> str:
        names = [agent.name for agent in self.plan.agents]
        return f"GeneratedSystem({self.plan.name!r}, agents={names!r}, missing={[tool.name for tool in self.missing]!r})"

    @property
    def agents(self) -> tuple[AgentPlan, ...]:
        """Who is in it: name, role, keywords, tools."""
        return self.plan.agents

    @property
    def tools(self) -> tuple[ToolPlan, ...]:
        """All tools, missing ones too."""
        return self.plan.tools

    @property
    def missing(self) -> tuple[ToolPlan, ...]:
        """Tools that have to be written. Until then no agent is offered them."""
        return tuple(tool for tool in self.plan.tools if tool.is_missing)

    @property
    def stubs(self) -> tuple[Tool, ...]:
        """The missing ones, typed; each call of one raises a `ToolError` that says what to write."""
        return tuple(StubTool(tool) for tool in self.missing)

    @property
    def workflow(self) -> Graph:
        """What leads where, as data; `to_flow` makes it run."""
        return self.plan.graph

    @property
    def evals(self) -> tuple[Case, ...]:
        """Its eval cases: of each agent, and of the whole flow."""
        return self.plan.cases

    @property
    def memory(self) -> MemoryBudget:
        """Room for what it learns."""
        return self.plan.memory

    @property
    def routing(self) -> RoutingPolicy:
        """Which agent is asked for what, and which model."""
        return self.plan.routing

    @property
    def notes(self) -> tuple[str, ...]:
        """What was chosen, and what a model said that could not be used."""
        return self.plan.notes

    def task(self, given: Task) -> Task:
        """The same, with the task's inputs, labels, limits and checks: `flow.run(system.task(...))`."""
        return replace(given, goal=self.plan.goal, inputs={INPUT: given.goal, **given.inputs})

    def state(self, given: str) -> dict[str, str]:
        """The first state of a run of its flow, about that input."""
        return {"task": self.plan.goal, INPUT: given}

    def to_agents(
        self,
        model: str | Model | Router | None = None,
        *,
        workspace: Workspace | str | Path | None = None,
        mode: RunMode = "learning",
        files: str | Path = FILES,
        limits: Limits | None = None,
        approve: Approver | None = None,
    ) -> dict[str, Agent]:
        """Its agents, by name.

        Args:
            model: None: that of `generate()`, else the routing policy's, else the best on this machine.
            workspace: None: that of `generate()`. A path is opened with this system's memory budget.
            mode: "evaluation" writes nothing.
            files: The folder that file tools see, if there are any; it is made where it isn't there.
            limits: Of each agent's run; None: its plan's.
            approve: Asks a person about calls that need one, such as those of tools that send; see `Agent`.

        Warns:
            MissingTools: Some tools are not written.
        """
        from purpose_agent.agents.generated.build import build_agents

        self._say_what_is_missing()
        place = self._place(workspace)
        chosen = model if model is not None else self._model
        return build_agents(self.plan, chosen, place, mode=mode, files=Path(files), limits=limits, approve=approve)

    def to_flow(
        self,
        model: str | Model | Router | None = None,
        *,
        workspace: Workspace | str | Path | None = None,
        mode: RunMode = "learning",
        files: str | Path = FILES,
        limits: Limits | None = None,
        approve: Approver | None = None,
    ) -> Workflow:
        """A flow that runs: `flow.run(system.state("..."))`. The arguments are those of `to_agents`.

        Warns:
            MissingTools: Some tools are not written.
        """
        from purpose_agent.agents.generated.build import build_flow

        return build_flow(
            self.plan, self.to_agents(model, workspace=workspace, mode=mode, files=files, limits=limits, approve=approve)
        )

    def to_specs(self, *, files: str | Path = FILES) -> list[AgentSpec]:
        """Its agents as specialists, for an `AgentTeam`, which asks one of them by the words of a task.

        The first one is whoever is asked where no words decide.

        Warns:
            MissingTools: Some tools are not written.
        """
        from purpose_agent.agents.generated.build import build_specs

        self._say_what_is_missing()
        return build_specs(self.plan, files=Path(files))

    def to_team(
        self,
        model: str | Model | Router | None = None,
        *,
        workspace: Workspace | str | Path | None = None,
        files: str | Path = FILES,
        approve: Approver | None = None,
    ) -> AgentTeam:
        """Its agents as a team of specialists: each task goes to one of them, by the routing policy's words. Arguments as in `to_agents`.

        Warns:
            MissingTools: Some tools are not written.
        """
        from purpose_agent.agents.generated.build import routed

        specs = self.to_specs(files=files)
        chosen = routed(self.routing, model if model is not None else self._model)
        place = self._place(workspace)
        return AgentTeam(specs, chosen, shared_memory_capacity=self.memory.promoted, persistence_dir=place, approve=approve)

    def run(
        self,
        given: str | Task,
        model: str | Model | Router | None = None,
        *,
        workspace: Workspace | str | Path | None = None,
        files: str | Path = FILES,
        approve: Approver | None = None,
        watch: Listener | None = None,
    ) -> WorkflowResult:
        """Run its flow once on that input.

        Args:
            approve: As in `to_agents`. None: calls that send are refused once a run has read what others wrote; its `summary()` has a
                line for each.

        Warns:
            MissingTools: Some tools are not written.
        """
        flow = self.to_flow(model, workspace=workspace, files=files, approve=approve)
        return flow.run(self.task(given) if isinstance(given, Task) else self.state(given), watch=watch)

    def evaluate(
        self,
        model: str | Model | Router | None = None,
        *,
        workspace: Workspace | str | Path | None = None,
        mode: RunMode = "evaluation",
        files: str | Path = FILES,
        limits: Limits | None = None,
        watch: "Callable[[CaseResult], object] | None" = None,
    ) -> "EvalReport":
        """Run all its eval cases: passed, failed or unknown, none left out.

        Args:
            mode: "evaluation" writes nothing; in "learning", it learns from its cases.
            watch: Called with each result as it comes.

        Warns:
            MissingTools: Some tools are not written.
        """
        from purpose_agent.agents.generated.build import build_flow
        from purpose_agent.agents.generated.evals import evaluate

        agents = self.to_agents(model, workspace=workspace, mode=mode, files=files, limits=limits)
        return evaluate(self.evals, agents, build_flow(self.plan, agents), self.plan.goal, watch=watch)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write it as a small Python project: agents.py, flow.py, tools.py, evals.py, run.py, README.md.

        Args:
            path: A folder, made where it isn't there.
            overwrite: Files of these names that are there are replaced. False: that is an error, and nothing is written.

        Raises:
            UsageError: A file is there already, or `path` is no folder.
        """
        from purpose_agent.agents.generated.project import write_project

        return write_project(self.plan, Path(path), overwrite=overwrite)

    def status(self) -> str:
        """What it is made of, in words."""
        plan = self.plan
        models = ", ".join(plan.routing.models) or "the best on this machine, or the one that is named"
        lines = [
            f"System {plan.name!r} for: {plan.description}",
            *(f"Note: {note}" for note in plan.notes),
            "Agents:",
            *(f"  {_with_tools(agent)}: {agent.role}" for agent in plan.agents),
            "Tools that are there: " + (", ".join(tool.name for tool in plan.tools if not tool.is_missing) or "none"),
            "Tools to write: " + (", ".join(tool.signature for tool in self.missing) or "none"),
            f"Eval cases: {len(plan.cases)}, {sum(not case.agent for case in plan.cases)} of them of the whole flow",
            f"Memory: room for {plan.memory.promoted} in use, {plan.memory.quarantined} on trial",
            f"Models: {models}",
            "Asked by words: "
            + "; ".join(f"{name} ({', '.join(words)})" for name, words in plan.routing.keywords.items())
            + f"; else {plan.routing.fallback}",
        ]
        return "\n".join(lines)

    def _place(self, workspace: Workspace | str | Path | None) -> Workspace:
        where = workspace if workspace is not None else self._workspace
        return where if isinstance(where, Workspace) else Workspace(where, memory_budget=self.memory)

    def _say_what_is_missing(self) -> None:
        if self.missing:
            told = ", ".join(tool.signature for tool in self.missing)
            warnings.warn(
                f"{len(self.missing)} tool(s) of {self.plan.name!r} are not written, and its agents have to do without: {told}."
                " Write them, and give them to generate(tools=[...]); or save() the project and write them in its tools.py.",
                MissingTools,
                stacklevel=3,
            )


def _with_tools(agent: AgentPlan) -> str:
    return f"{agent.name} [{', '.join(agent.tools)}]" if agent.tools else agent.name
