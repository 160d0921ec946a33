"""A plan made into agents, a flow and a team.

In:  a `SystemPlan`, a model, a workspace.
Out: the same parts as somebody would write them by hand; `source.py` writes that text.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, assert_never

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.flows.workflow import Workflow
from purpose_agent.agents.generated.plan import (
    AskNode,
    BranchPlan,
    CountNode,
    RoutingPolicy,
    SayNode,
    SystemPlan,
    label_in,
)
from purpose_agent.agents.generated.tools import tools_of
from purpose_agent.agents.specialists.spec import AgentSpec
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.approval import Approver
from purpose_agent.core.model import Model
from purpose_agent.core.task import Limits
from purpose_agent.models.routing import Router
from purpose_agent.runtime.events import RunMode


def routed(policy: RoutingPolicy, model: str | Model | Router | None) -> str | Model | Router | None:
    """The model that was named; else a router of the policy's models; None where it has none: the best on this machine."""
    return Router(policy.models, budget=policy.usd) if model is None and policy.models else model


def build_agents(
    plan: SystemPlan,
    model: str | Model | Router | None,
    place: Workspace,
    *,
    mode: RunMode = "learning",
    files: Path,
    limits: Limits | None = None,
    approve: Approver | None = None,
) -> dict[str, Agent]:
    """The agents, by name; they share one workspace and one instance of each tool."""
    chosen = routed(plan.routing, model)
    tools = tools_of(plan.tools, files, place.code_runner)
    return {
        each.name: Agent(
            each.name,
            role=each.role,
            model=chosen,
            tools=[tools[name] for name in each.tools if name in tools],
            critic="self" if each.is_last and mode == "learning" else None,
            limits=limits or Limits(steps=each.max_steps),
            workspace=place,
            mode=mode,
            approve=approve,
        )
        for each in plan.agents
    }


def build_specs(plan: SystemPlan, *, files: Path) -> list[AgentSpec]:
    """The agents as specialists; first the one that is asked where no words decide, as a team of them takes the first."""
    tools = tools_of(plan.tools, files, None)
    first = sorted(plan.agents, key=lambda agent: agent.name != plan.routing.fallback)
    return [
        AgentSpec(
            each.name,
            role=each.role.removeprefix(f"You are the {each.name.replace('_', ' ')}. "),
            tools=[tools[name] for name in each.tools if name in tools],
            expertise_keywords=list(each.keywords),
            max_steps=each.max_steps,
        )
        for each in first
    ]


def build_flow(plan: SystemPlan, agents: Mapping[str, Agent]) -> Workflow:
    """The graph, with those agents in it."""
    flow = Workflow(plan.name)
    for node in plan.graph.nodes:
        match node:
            case AskNode(name, agent, writes):
                flow.add_node(name, agents[agent], writes=writes)
            case SayNode(name, text):
                flow.add_node(name, _says(text))
            case CountNode(name):
                flow.add_node(name, _counts(name))
            case _:
                assert_never(node)
    for edge in plan.graph.edges:
        flow.add_edge(edge.sources, edge.target)
    for branch in plan.graph.branches:
        condition = _after(branch)
        flow.add_conditional_edge(branch.source, condition, {label: target for label, target in branch.ways.items()})
    flow.check()
    return flow


def _says(text: str) -> Callable[[Any], object]:
    return lambda state: {"answer": text}


def _counts(name: str) -> Callable[[Any], object]:
    return lambda state: {name: state.get(name, 0) + 1}


def _after(branch: BranchPlan) -> Callable[[Any], str]:
    def label(state: Mapping[str, Any]) -> str:
        said = label_in(state[branch.reads], list(branch.targets), branch.otherwise)
        if branch.counter and said == branch.otherwise and state[branch.counter] >= branch.most:
            return branch.ends
        return said

    label.__name__ = f"after_{branch.source}"
    return label
