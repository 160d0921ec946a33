"""What a model adds to a shape: which one it is where words don't decide; names, responsibilities, steps and keywords of its agents.

In:  a description, a shape, a model.
Out: what could be read of its answer, and notes about what could not; that stays as the template has it.

The graph and the form of answers that its edges go by are never the model's to change. Its runs are recorded like any other.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.councils.form import Formed, object_of
from purpose_agent.agents.generated.plan import identifier, one_line
from purpose_agent.agents.generated.shape import Shape
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Model
from purpose_agent.core.task import Limits, Task

NAME = "generator"
MOST_ABOUT = 200
MOST_STEP = 120
STEPS = 4
KEYWORDS = 5
TOKENS_OF_AN_AGENT = 220


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said of one agent; what could not be read is empty."""

    name: str = ""
    about: str = ""
    steps: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


async def asked_for_shape(agent: Agent, description: str, shapes: Sequence[Shape]) -> Shape | None:
    """The shape that the model chooses among several; None if it chose none."""
    from purpose_agent.prompts.loader import load

    listed = "\n".join(f"{shape.name}: {shape.about}" for shape in shapes)
    goal = load("generate_shape").fill(description=description, shapes=listed)
    result = await agent.run_async(Task(goal, choices=[shape.name for shape in shapes], limits=Limits(steps=2)))
    return next((shape for shape in shapes if shape.name == result.answer), None)


async def asked_for_agents(agent: Agent, description: str, shape: Shape) -> tuple[Mapping[str, Said], tuple[str, ...]]:
    """What the model said, by slot, and notes about what could not be read."""
    from purpose_agent.models.decode import extract_json_object
    from purpose_agent.prompts.loader import load

    listed = "\n".join(f"{slot.name}: {slot.duty}" for slot in shape.slots)
    tokens = TOKENS_OF_AN_AGENT * len(shape.slots)

    def form(model: Model) -> Model:
        return Formed(model, _schema(shape), tokens)

    goal = load("generate_agents").fill(description=description, agents=listed)
    result = await agent.formed(form).run_async(Task(goal, limits=Limits(steps=2)))
    said = extract_json_object(result.answer) if result.answer is not None else None
    if said is None:
        why = result.reason or "its answer was not in the form that was asked for"
        return {}, (
            f"nothing of what the model said of the agents could be used ({one_line(why, 200)}): they are the template's",
        )
    return _read(said, shape)


def _schema(shape: Shape) -> dict[str, Json]:
    def texts(most: int, length: int, least: int) -> dict[str, Json]:
        return {"type": "array", "items": {"type": "string", "maxLength": length}, "minItems": least, "maxItems": most}

    one = object_of(
        {
            "name": {"type": "string", "maxLength": 24},
            "responsibility": {"type": "string", "maxLength": MOST_ABOUT},
            "steps": texts(STEPS, MOST_STEP, 2),
            "keywords": texts(KEYWORDS, 24, 2),
        }
    )
    return object_of({slot.name: one for slot in shape.slots})


def _read(said: Mapping[str, Json], shape: Shape) -> tuple[dict[str, Said], tuple[str, ...]]:
    read: dict[str, Said] = {}
    notes: list[str] = []
    names = {slot.name for slot in shape.slots}
    for slot in shape.slots:
        row = said.get(slot.name)
        row = row if isinstance(row, dict) else {}
        given, about = row.get("name"), row.get("responsibility")
        name = identifier(given, "") if isinstance(given, str) else ""
        if name in names and name != slot.name:
            name = ""  # two agents of one name would be one
        names.add(name)
        told = one_line(about, MOST_ABOUT) if isinstance(about, str) else ""
        one = Said(name, told, _texts(row.get("steps"), STEPS, MOST_STEP), _keywords(row.get("keywords")))
        read[slot.name] = one
        parts = {"name": one.name, "responsibility": one.about, "steps": one.steps, "keywords": one.keywords}
        lost = [part for part, value in parts.items() if not value]
        if lost:
            notes.append(f"{slot.name}: what the model said of {', '.join(lost)} could not be used; that is the template's")
    return read, tuple(notes)


def _texts(said: Json, most: int, length: int) -> tuple[str, ...]:
    found = [one_line(each, length) for each in said if isinstance(each, str)] if isinstance(said, list) else []
    return tuple(dict.fromkeys(each for each in found if each))[:most]


def _keywords(said: Json) -> tuple[str, ...]:
    found = (" ".join(re.findall(r"[^\W_]+", each.casefold())) for each in _texts(said, KEYWORDS, 24))
    return tuple(dict.fromkeys(each for each in found if len(each) > 2))
