"""generate(): a use case → a system of agents that runs, is tried, and can be saved as a project.

In:  a description; a model, if its names, responsibilities and steps are wanted; tools that are there already.
Out: a `GeneratedSystem`: agents, a graph, tools (missing ones named), eval cases, a memory budget, a routing policy.

Without a model all of it follows from the words of the description. Not here: shapes (`templates.py`), which tools words ask
for (`tools.py`), what a model adds (`asking.py`), what a system can do (`system.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.generated.asking import NAME, Said, asked_for_agents, asked_for_shape
from purpose_agent.agents.generated.cases import EXAMPLES, asked_for_cases
from purpose_agent.agents.generated.plan import (
    MOST_DESCRIPTION,
    AgentPlan,
    AskNode,
    Case,
    Graph,
    RoutingPolicy,
    SystemPlan,
    ToolPlan,
    identifier,
    one_line,
)
from purpose_agent.agents.generated.shape import Shape, Slot
from purpose_agent.agents.generated.system import GeneratedSystem
from purpose_agent.agents.generated.templates import SHAPES, chosen_by_words, shapes_for
from purpose_agent.agents.generated.texts import GENERAL
from purpose_agent.agents.generated.tools import Work, tools_for
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import Model
from purpose_agent.core.tool import Tool
from purpose_agent.memory.budget import MemoryBudget
from purpose_agent.runtime.sync import run_sync

_WITHOUT_TOOL: Mapping[Work, str] = {
    "gather": "What no tool of yours tells you, take from the input alone; make nothing up.",
    "compute": "If a tool fails, work without it, and say so.",
    "deliver": "Whatever your tools say, your last reply is the text itself.",
}
MEMORIES_OF_AN_AGENT = 100
"""In use; room for as many as an agent can be told apart from in prompts of ten."""


def generate(
    description: str,
    *,
    model: str | Model | None = None,
    tools: Sequence[Tool | Callable[..., Any]] = (),
    models: Sequence[str] = (),
    usd: float | None = None,
    template: str | None = None,
    workspace: Workspace | str | Path | None = None,
) -> GeneratedSystem:
    """Blocking form of `generate_async`."""
    return run_sync(
        generate_async(description, model=model, tools=tools, models=models, usd=usd, template=template, workspace=workspace)
    )


async def generate_async(
    description: str,
    *,
    model: str | Model | None = None,
    tools: Sequence[Tool | Callable[..., Any]] = (),
    models: Sequence[str] = (),
    usd: float | None = None,
    template: str | None = None,
    workspace: Workspace | str | Path | None = None,
) -> GeneratedSystem:
    """A system for a use case. Nothing is run, except the given model's questions.

    Args:
        description: The use case, in words; they choose the shape and the tools. `system.status()` says which, and why.
        model: Fits names, responsibilities and steps of the agents to the use case, and drafts eval cases; what can't be read of its
            answers stays as the template has it, and `system.notes` say so. None: the template alone.
        tools: That are there already. One that has the name of a tool which the words ask for takes its place; others are for those
            agents that gather.
        models: Specs for the routing policy, the smallest first; (): whatever `to_flow` is given, or the best on this machine.
        usd: That a run may be expected to cost, for the routing policy.
        template: Which shape it is: "monitor", "research", "data", "support", "content" or "general"; None: the words, or the model, say.
        workspace: Where the questions to `model` are recorded, and where the system works if it is not told otherwise.

    Raises:
        UsageError: The description is empty, there is no such template, or a tool has a name that can't be used.
        InvalidTool: A function can't be offered as a tool.
        NoModelFound: The model that was named is not here.
    """
    words = one_line(description, MOST_DESCRIPTION)
    if not words:
        raise UsageError(
            "generate(''): say in words what the system is for, such as 'Monitor GitHub repos for CVEs and alert the team'."
        )
    if isinstance(models, str):
        raise UsageError(f"generate(models={models!r}): give a list of models, the smallest first.")
    found = tools_for(words, tools)
    agent = Agent(NAME, model=model, critic=None, workspace=workspace) if model is not None else None
    shape, notes = await _shape(words, agent) if template is None else _named(template, words)
    said: Mapping[str, Said] = {}
    if agent is not None:
        said, more = await asked_for_agents(agent, words, shape)
        drafted, about = await asked_for_cases(agent, words)
        notes = (*notes, *more, *about)
    else:
        drafted, notes = (), (*notes, EXAMPLES)
    agents = tuple(
        _agent(slot, said.get(slot.name, Said()), found[slot.work] if slot.work is not None else (), shape)
        for slot in shape.slots
    )
    named = {agent.slot: agent.name for agent in agents}
    used = {name for each in agents for name in each.tools}
    plan = SystemPlan(
        _name(words, shape),
        words,
        shape.name,
        agents,
        _graph(shape, named),
        tuple(tool for tools_of_work in found.values() for tool in tools_of_work if tool.name in used),
        tuple(replace(case, agent=named.get(case.agent, "")) for case in _cases(shape, drafted)),
        _memory(len(agents)),
        RoutingPolicy({each.name: each.keywords for each in agents}, named[shape.fallback], tuple(models), usd),
        notes,
    )
    return GeneratedSystem(plan, model=model, workspace=workspace)


async def _shape(words: str, agent: Agent | None) -> tuple[Shape, tuple[str, ...]]:
    """The shape, and a note about why it is that."""
    best, said = chosen_by_words(words)
    if len(best) == 1:
        return best[0], (f"template {best[0].name!r}, for the words {', '.join(said)}",)
    open_to = best or (*SHAPES, GENERAL)
    names = ", ".join(shape.name for shape in open_to)
    if agent is not None:
        chosen = await asked_for_shape(agent, words, open_to)
        if chosen is not None:
            return chosen, (f"template {chosen.name!r}, chosen by the model among {names}: the words didn't decide",)
    asked = "no model was asked" if agent is None else "the model that was asked chose none"
    taken = best[0] if best else GENERAL
    why = f", since {said[0]!r} comes first" if best else ""
    return taken, (
        f"template {taken.name!r}{why}: the words didn't decide among {names}, and {asked}; generate(template=...) takes another",
    )


def _named(template: str, words: str) -> tuple[Shape, tuple[str, ...]]:
    shape = next((shape for shape in (*shapes_for(words), GENERAL) if shape.name == template), None)
    if shape is None:
        known = ", ".join(shape.name for shape in (*SHAPES, GENERAL))
        raise UsageError(f"generate(template={template!r}): there is no such template. There are: {known}.")
    return shape, (f"template {template!r}, as was asked for",)


def _agent(slot: Slot, said: Said, tools: Sequence[ToolPlan], shape: Shape) -> AgentPlan:
    name = said.name or slot.name
    steps = " ".join(f"{place}. {step.rstrip('.')}." for place, step in enumerate(said.steps, 1))
    parts = (
        f"You are the {name.replace('_', ' ')}.",
        # A small model likes to give back the duty that it was shown.
        f"{said.about.rstrip('.')}." if said.about and said.about.rstrip(".") not in slot.duty else "",
        slot.duty,
        f"Steps: {steps}" if steps else "",
        _WITHOUT_TOOL[slot.work] if tools and slot.work is not None else "",
        # Last, since edges go by it: whatever stands before it, this holds.
        slot.form,
    )
    keywords = tuple(dict.fromkeys((*slot.keywords, *said.keywords)))
    is_last = any(
        isinstance(node, AskNode) and node.agent == slot.name and node.writes == "answer" for node in shape.graph.nodes
    )
    role = " ".join(part for part in parts if part)
    return AgentPlan(slot.name, name, role, keywords, tuple(tool.name for tool in tools), is_last=is_last)


def _cases(shape: Shape, drafted: Sequence[Case]) -> tuple[Case, ...]:
    """Drafted ones stand for the template's of the whole flow, but for fixed answers."""
    if not drafted:
        return shape.cases
    kept = (case for case in shape.cases if case.agent or any(check.kind == "equals" for check in case.checks))
    return (*kept, *drafted)


def _graph(shape: Shape, named: Mapping[str, str]) -> Graph:
    nodes = tuple(replace(node, agent=named[node.agent]) if isinstance(node, AskNode) else node for node in shape.graph.nodes)
    return replace(shape.graph, nodes=nodes)


def _name(words: str, shape: Shape) -> str:
    name = identifier(" ".join(words.split()[:5]), shape.name)
    return f"{name}_flow" if name in {node.name for node in shape.graph.nodes} else name


def _memory(agents: int) -> MemoryBudget:
    most = MEMORIES_OF_AN_AGENT * agents
    return MemoryBudget(promoted=most, family=max(20, most // 10), quarantined=most // 2, values=most // 2)
