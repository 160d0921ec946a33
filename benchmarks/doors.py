"""Which way at which door: tasks that a model gets right once it is told the rule, and the model."""

import re

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.task import Check, Task
from purpose_agent.testing.models import RuleModel

WAYS = {"red": "left", "blue": "right", "green": "right"}
ASKED = "Which way at the"


def door(family: str, number: int) -> Task:
    """The task of that number: its door's colour decides, and a check knows."""
    colour = list(WAYS)[number % len(WAYS)]
    return Task(
        f"{ASKED} {colour} door number {number}?",
        checks=[Check.equals(WAYS[colour])],
        choices=["left", "right"],
        labels={"family": family},
    )


def porter(workspace: Workspace) -> Agent:
    """An agent that goes left, unless a line of its prompt says what this door asks for."""
    return Agent("porter", model=RuleModel(_choose), workspace=workspace, critic=None)


def _choose(request: ModelRequest) -> str:
    notes, _, asked = request.text.rpartition(ASKED)
    lines: list[tuple[str, str]] = re.findall(r"^- (.+) -> the right answer is (left|right)$", notes, re.MULTILINE)
    return next((way for term, way in lines if term in asked), "left")
