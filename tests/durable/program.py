"""A user's program, as workers import it: agents, a team, and a flow whose functions leave a line for each call."""

import os
from collections.abc import Mapping
from pathlib import Path

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.flows.workflow import Workflow
from purpose_agent.agents.teams.team import Team
from purpose_agent.testing.models import RuleModel
from tests.durable.given import wait_at_the_gate

FOLDER = Path(os.environ["PROGRAM_FOLDER"])


def left_a_line(word: str) -> None:
    with (FOLDER / "effects").open("a") as file:
        file.write(f"{word}\n")


def fetch(state: Mapping[str, object]) -> dict[str, object]:
    left_a_line("fetch")
    return {"page": "a red door"}


def shorten(state: Mapping[str, object]) -> dict[str, object]:
    left_a_line("shorten")
    if state.get("gate"):
        wait_at_the_gate(FOLDER)
    return {"short": str(state["page"])[2:5]}


def count(state: Mapping[str, object]) -> dict[str, object]:
    left_a_line("count")
    return {"length": len(str(state["page"]))}


def write(state: Mapping[str, object]) -> dict[str, object]:
    left_a_line("write")
    return {"report": f"{state['short']}, {state['length']}"}


def post(state: Mapping[str, object]) -> dict[str, object]:
    left_a_line("post")
    wait_at_the_gate(FOLDER)
    return {"posted": "by machine"}


clerk = Agent("clerk", model=RuleModel(lambda request: "tracking"), critic=None)
speaker = Agent("speaker", model=RuleModel(lambda request: "the desk is tracking"), critic=None)
desk = Team.build("desk", [clerk, speaker])
errand = Workflow("errand", workspace=clerk.workspace)
for name, function in {"fetch": fetch, "shorten": shorten, "count": count, "write": write}.items():
    errand.add_node(name, function)
errand.add_edge("BEGIN", "fetch")
for side in ("shorten", "count"):
    errand.add_edge("fetch", side)
errand.add_edge(["shorten", "count"], "write")
errand.add_edge("write", "DONE")
letter = Workflow("letter")  # in no workspace: whoever has the program can do it
letter.add_node("post", post, in_doubt="fail")
letter.add_edge("BEGIN", "post")
letter.add_edge("post", "DONE")
