"""purpose(): a description becomes a team."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from purpose_agent.agents.agent import Agent, resolved
from purpose_agent.agents.team import Team
from purpose_agent.agents.templates import SINGLE, TEMPLATES, Template, choose
from purpose_agent.agents.terminal import check_terminal, terminal
from purpose_agent.agents.workspace import Workspace, open_workspace
from purpose_agent.core.approval import Approvals, Approver, Policy, Rule
from purpose_agent.core.errors import NoModelFound, UsageError
from purpose_agent.core.model import Model
from purpose_agent.core.tool import Tool, effects_of, make_tool


def purpose(
    description: str,
    model: str | Model | None = None,
    knowledge: str | Path | None = None,
    tools: Sequence[Tool | Callable[..., Any]] | None = None,
    local: bool = True,
    interactive: bool = False,
    workspace: Workspace | str | Path | None = None,
    approve: Approver | None = None,
    approvals: Approvals | None = None,
) -> Team:
    """A team for a purpose, on a model that is there.

    Args:
        description: What the team is for; its words choose the template. `team.status()` says which.
        model: A spec such as "ollama:qwen3:1.7b", a model object, or None for the best that is there.
        knowledge: Reserved; documents can't be searched yet.
        tools: For the member that does the work.
        local: With no model named, take one on this machine only; False lets a provider whose key is set serve too.
        interactive: Ask on the terminal: which template to take where the words don't decide, and before each call that needs a
            person, or that has effects on the world, unless `approve` or `approvals` say otherwise.
        workspace: A folder, or a Workspace; `.purpose_agent` in the current folder by default.
        approve: Asks a person about calls that need one; see `Agent`.
        approvals: By tool: "auto", "ask", "deny", or a function of the arguments; see `Agent`.

    Raises:
        NoModelFound: Nothing that could serve is there; the message says what was looked for, and how to get a model.
        UsageError: The description is empty, `knowledge` is given, `approvals` name a tool that isn't there, or `interactive` is asked
            for where there is no terminal.
    """
    if not description.strip():
        raise UsageError("purpose(''): say in words what the team is for, such as 'Help me write Python code'.")
    if knowledge is not None:
        raise UsageError(f"purpose(knowledge={str(knowledge)!r}): searching documents is not built yet. Leave it out.")
    if interactive:
        check_terminal("purpose(interactive=True)")
    found = resolved(model)
    # The variable is a choice as explicit as the argument.
    named = model is not None or bool(os.environ.get("PURPOSE_AGENT_MODEL"))
    if not named and local and not found.capabilities.local:
        raise NoModelFound(
            f"No model was found on this machine; {found.name} could serve, but costs money or sends your words elsewhere. "
            f"Name it, purpose(..., model={found.name!r}), or allow it, purpose(..., local=False). "
            "For a model on this machine: purpose-agent models pull"
        )
    template = choose(description)
    if template is SINGLE and interactive:
        template = _asked(description)
    place = open_workspace(workspace)
    names = [member for member in template.members if member.name != "tester"]
    worker = "coder" if template.shape == "code" else names[-1].name
    offered = _tools(template, found, tools or (), place)
    if interactive:
        approve = approve or terminal()
        asks: dict[str, Policy | Rule] = {tool.spec.name: "ask" for tool in offered if effects_of(tool)}
        approvals = {**asks, **(approvals or {})}
    members = [
        Agent(
            member.name,
            role=member.role,
            model=found,
            tools=offered if member.name == worker else (),
            critic="self" if member.name == worker else None,
            workspace=place,
            approve=approve,
            approvals=approvals if member.name == worker else None,
        )
        for member in names
    ]
    return Team(description, members, template, place)


def _tools(template: Template, model: Model, given: Sequence[Tool | Callable[..., Any]], place: Workspace) -> tuple[Tool, ...]:
    """The given ones, for the member that works; a coder on a large model gets Python beside them.

    A small one writes better code in plain text than inside a tool call, and the tests run it anyway.
    """
    tools = tuple(tool if isinstance(tool, Tool) else make_tool(tool) for tool in given)
    if template.shape == "code" and not model.capabilities.small:
        from purpose_agent.tools.python_exec import PythonExecTool

        return (*tools, PythonExecTool(place.code_runner))
    return tools


def _asked(description: str) -> Template:
    names = [*(template.name for template in TEMPLATES), SINGLE.name]
    said = input(f"Which team suits {description!r}? One of {', '.join(names)} [single]: ").strip()
    return next((template for template in TEMPLATES if template.name == said), SINGLE)
