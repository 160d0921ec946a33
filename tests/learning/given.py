"""A world of doors, and a model that knows nothing of it but what its prompt says."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import purpose_agent as pa
from purpose_agent.core.model import Capabilities, ModelRequest
from purpose_agent.runtime.events import Reflected
from purpose_agent.testing.models import RuleModel

PLACES = ("wall", "garden", "tower", "market", "river", "bridge", "stable", "chapel", "mill", "barn", "quay", "square",
    "orchard", "cellar", "attic", "library", "harbour", "school", "forge", "bakery", "meadow", "quarry", "vineyard", "lighthouse",
    "station", "hospital", "theatre", "museum", "prison", "castle")  # fmt: skip
DOORS = {"red": "left", "blue": "right", "green": "up"}


def door(colour: str, place: str) -> pa.Task:
    """Which way is it? The colour alone decides."""
    return pa.Task(
        f"You stand before a {colour} door near the {place}. Which way?",
        choices=["left", "right", "up", "down"],
        checks=[pa.Check.equals(DOORS[colour])],
        labels={"family": "doors"},
    )


def doors(*colours: str, places: int = len(PLACES)) -> list[pa.Task]:
    return [door(colour, place) for place in PLACES[:places] for colour in colours]


def follower(request: ModelRequest) -> str:
    """Does what a line "word -> answer" of its notes says; else it takes the one way that is never right."""
    opening = request.messages[1].text
    notes, _, goal = opening.rpartition("Task: ")
    for term, answer in re.findall(r"^- (.+) -> (?:the right answer is )?(\w+)$", notes, re.MULTILINE):
        if all(word in goal for word in term.split()):
            return str(answer)
    return "down"


def seeker(workspace: Path | pa.Workspace) -> pa.Agent:
    """An agent that follows the rules it is shown."""
    model = RuleModel(follower, capabilities=Capabilities(choices=True, local=True))
    return pa.Agent("seeker", model=model, critic=None, workspace=steady(workspace))


def steady(workspace: Path | pa.Workspace) -> pa.Workspace:
    """A workspace in which no coin withholds anything."""
    return workspace if isinstance(workspace, pa.Workspace) else pa.Workspace(workspace, holdout=0)


COLOUR = pa.Task("Name the colour of the evening sky", checks=[pa.Check.contains("green")])
HINT = "say green and nothing else"


def as_lesson(then: str = HINT, when: str = "naming the colour of the evening sky") -> str:
    return json.dumps({"when": when, "then": then})


def drawn(rule: Callable[[ModelRequest], str]) -> Callable[[ModelRequest], str]:
    """The same model with another wording for each seed: a pair that repeats the answers of an earlier one is no evidence."""

    def answer(request: ModelRequest) -> str:
        said = rule(request)
        return said if request.purpose == "reflect" or request.choices or request.seed is None else f"{said}\n# {request.seed}"

    return answer


def painter(
    workspace: Path | pa.Workspace, rule: Callable[[ModelRequest], str] | None = None, capabilities: Capabilities | None = None
) -> pa.Agent:
    """An agent that says red unless its prompt says green; or what `rule` says."""

    def answer(request: ModelRequest) -> str:
        if request.purpose == "reflect":
            return as_lesson()
        return "green" if HINT in request.text else "red"

    model = RuleModel(drawn(rule or answer), capabilities=capabilities)
    return pa.Agent("painter", model=model, critic=None, workspace=steady(workspace))


def why_not(place: pa.Workspace, run_id: str) -> str:
    """Why nothing was drawn from a run, as its record says."""
    (reflected,) = place.trace(run_id).of(Reflected)
    assert reflected.lessons == 0
    return reflected.why
