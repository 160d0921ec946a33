"""purpose(): a description becomes a team, now, or again in another process.

In:  a description; or the recipe that the record of a run has.
Out: a team.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from purpose_agent.agents.agent import Agent, resolved
from purpose_agent.agents.recipe import Recipe
from purpose_agent.agents.teams.choosing import Choice, asked_model, asked_person, choose
from purpose_agent.agents.teams.team import Team
from purpose_agent.agents.teams.templates import SINGLE, TEMPLATES, Template
from purpose_agent.agents.terminal import check_terminal, terminal
from purpose_agent.agents.workspace import Workspace, open_workspace
from purpose_agent.core.approval import Answer, ApprovalRequest, Approvals, Approver, Later, Policy, Rule
from purpose_agent.core.errors import CantResume, NoModelFound, UsageError
from purpose_agent.core.model import Model
from purpose_agent.core.tool import Tool, effects_of, make_tool
from purpose_agent.retrieval.passages import Passages


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
        description: What the team is for; its words choose the template. Where several are asked for alike, or none is, the model
            chooses, in one short call. `team.status()` says which it is, and why.
        model: A spec such as "ollama:qwen3:1.7b", a model object, or None for the best that is there.
        knowledge: A folder of documents, or one, as plain text (.md, .rst, .txt). Passages that share words with the task are quoted
            to the member that does the work, with numbers, and the answer cites these.
        tools: For the member that does the work: the coder, or the first one of a line.
        local: With no model named, take one on this machine only; False lets a provider whose key is set serve too.
        interactive: Ask on the terminal: which template to take where the words don't decide, and before each call that needs a
            person, or that has effects on the world, unless `approve` or `approvals` say otherwise.
        workspace: A folder, or a Workspace; `.purpose_agent` in the current folder by default.
        approve: Asks a person about calls that need one; see `Agent`.
        approvals: By tool: "auto", "ask", "deny", or a function of the arguments; see `Agent`.

    Raises:
        NoModelFound: Nothing that could serve is there; the message says what was looked for, and how to get a model.
        UsageError: The description is empty, there are no documents at `knowledge`, `approvals` name a tool that isn't there, or
            `interactive` is asked for where there is no terminal.
    """
    if not description.strip():
        raise UsageError("purpose(''): say in words what the team is for, such as 'Help me write Python code'.")
    documents = Passages(knowledge) if knowledge is not None else None
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
    place = open_workspace(workspace)
    choice = choose(description, asked_person(description) if interactive else asked_model(description, found, place))
    recipe = None
    if not (tools or approve or approvals):
        at = str(documents.path.resolve()) if documents is not None else ""
        recipe = Recipe(description, choice.template.name, found.name, at, interactive)
    if interactive:
        approve = approve or terminal()
    made = _Made(description, found, place, choice, documents, approve, approvals, interactive, recipe)
    return made.team(tools or ())


def team_again(recipe: Recipe, place: Workspace, model: str | Model | None = None) -> Team:
    """The team that `purpose()` made, in another process.

    Where nobody sits at a terminal, calls that a person is asked about make the run wait.

    Args:
        model: Instead of the one that it had.

    Raises:
        CantResume: This version has no such template, or its model can't be had.
        UsageError: Its documents are gone.
    """
    template = next((each for each in (*TEMPLATES, SINGLE) if each.name == recipe.template), None)
    if template is None:
        raise CantResume(f"It was made of the template {recipe.template!r}, which this version does not have.")
    found = resolved(model or recipe.model)
    if model is None and found.name != recipe.model:
        raise CantResume(f"its model {recipe.model!r} can't be had: by that name {found.name!r} would be taken.")
    documents = Passages(recipe.knowledge) if recipe.knowledge else None
    asks = recipe.interactive
    approve = (terminal() if sys.stdin.isatty() else _later) if asks else None
    choice = Choice(template, "default", "as in the run that goes on")
    return _Made(recipe.purpose, found, place, choice, documents, approve, None, asks, recipe).team(())


def _later(request: ApprovalRequest) -> Answer:
    return Later()


@dataclass(frozen=True, slots=True)
class _Made:
    """All that a team is made of, but its tools.

    Attributes:
        asks: A person is asked about each call with effects, unless `approvals` say otherwise.
    """

    description: str
    model: Model
    place: Workspace
    choice: Choice
    documents: Passages | None
    approve: Approver | None
    approvals: Approvals | None
    asks: bool
    recipe: Recipe | None

    def team(self, tools: Sequence[Tool | Callable[..., Any]]) -> Team:
        """The team."""
        template = self.choice.template
        offered = _tools(template, self.model, tools, self.place)
        approvals: Approvals | None = self.approvals
        if self.asks:
            asks: dict[str, Policy | Rule] = {tool.spec.name: "ask" for tool in offered if effects_of(tool)}
            approvals = {**asks, **(self.approvals or {})}
        purpose = f"Purpose of the team: {self.description.strip()}."
        members = [
            Agent(
                member.name,
                # A coder is told its tasks; to a small one the purpose would be a second task.
                role=member.role if template.shape == "code" else f"{member.role} {purpose}",
                model=self.model,
                tools=offered if member.name == template.worker else (),
                critic="self" if member.name == template.speaker else None,
                workspace=self.place,
                approve=self.approve,
                approvals=approvals if member.name == template.worker else None,
            )
            for member in template.members
            if member.name != "tester"
        ]
        return Team(
            self.description,
            members,
            template,
            self.place,
            choice=self.choice,
            knowledge=self.documents,
            recipe=self.recipe,
        )


def _tools(template: Template, model: Model, given: Sequence[Tool | Callable[..., Any]], place: Workspace) -> tuple[Tool, ...]:
    """The given ones, for the member that works; a coder on a large model gets Python beside them.

    A small one writes better code in plain text than inside a tool call, and the tests run it anyway.
    """
    tools = tuple(tool if isinstance(tool, Tool) else make_tool(tool) for tool in given)
    if template.shape == "code" and not model.capabilities.small:
        from purpose_agent.tools.python_exec import PythonExecTool

        return (*tools, PythonExecTool(place.code_runner))
    return tools
