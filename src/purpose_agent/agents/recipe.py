"""How `purpose()` made a team, as plain data: what the record of its runs keeps, so that another process can make it again.

In:  what it was given and what it chose.
Out: the same as JSON, and back.

A team that was given functions (tools, `approve=`, `approvals=`) has no recipe: they are in no record, and a team without them
would do other things, or do them unasked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from purpose_agent.core.messages import Json


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes a team again.

    Attributes:
        purpose: In words.
        template: Its name.
        model: A spec that leads to it.
        knowledge: Where its documents are; "" for none.
        interactive: Whoever sits at the terminal is asked before calls with effects.
    """

    purpose: str
    template: str
    model: str
    knowledge: str = ""
    interactive: bool = False


def recipe_to_json(recipe: Recipe | None) -> Mapping[str, Json]:
    """For the record; {} where there is none."""
    if recipe is None:
        return {}
    return {
        "purpose": recipe.purpose,
        "template": recipe.template,
        "model": recipe.model,
        "knowledge": recipe.knowledge,
        "interactive": recipe.interactive,
    }


def recipe_of(kept: Mapping[str, Json]) -> Recipe | None:
    """From the record; None if it has none."""
    if not kept:
        return None
    purpose, template, model, knowledge = (str(kept.get(name, "")) for name in ("purpose", "template", "model", "knowledge"))
    return Recipe(purpose, template, model, knowledge, kept.get("interactive") is True)
