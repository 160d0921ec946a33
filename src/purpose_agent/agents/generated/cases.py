"""Eval cases of a whole system, drafted by a model from the use case.

In:  a description, a model.
Out: cases, and a note that says how many were kept.

What a model drafted is data: it is scanned as a memory would be, and becomes a literal. A case is kept only if a model that repeats
its input and one that always says "ok" fail it.
"""

import re
from collections.abc import Mapping

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.councils.form import Formed, object_of
from purpose_agent.agents.generated.evals import tells
from purpose_agent.agents.generated.plan import PART, Case, one_line
from purpose_agent.agents.generated.shape import SHORT, own
from purpose_agent.core.memory import Lesson, Provenance
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Model
from purpose_agent.core.task import Check, Limits, Task

MOST_CASES = 3
MOST_INPUT = 500
MOST_NAME = 60
MOST_MENTION = 40
TOKENS = 700


async def asked_for_cases(agent: Agent, description: str) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """The cases that the model drafted and that can be used; a note about them."""
    from purpose_agent.models.decode import extract_json_object
    from purpose_agent.prompts.loader import load

    def form(model: Model) -> Model:
        return Formed(model, _schema(), TOKENS)

    goal = load("generate_cases").fill(description=description)
    result = await agent.formed(form).run_async(Task(goal, limits=Limits(steps=2)))
    said = extract_json_object(result.answer) if result.answer is not None else None
    rows = said.get("cases") if said is not None else None
    drafted = [case for row in rows[:MOST_CASES] if (case := _case(row)) is not None] if isinstance(rows, list) else []
    runner = agent.workspace.code_runner
    kept = [case for case in drafted if await tells(case, {}, f"{PART} {description}", runner)]
    if not kept:
        return (), (f"no case that the model drafted could be used: {EXAMPLES}",)
    return tuple(kept), (
        f"{len(kept)} cases of the whole flow were drafted by the model; those of single agents are the template's",
    )


EXAMPLES = "all eval cases are the template's examples, and none is of this use case; write some of your own"


def _schema() -> dict[str, Json]:
    mentions: dict[str, Json] = {
        "type": "array",
        "items": {"type": "string", "maxLength": MOST_MENTION},
        "minItems": 1,
        "maxItems": 2,
    }
    one = object_of(
        {
            "name": {"type": "string", "maxLength": MOST_NAME},
            "input": {"type": "string", "maxLength": MOST_INPUT},
            "mentions": mentions,
        }
    )
    return object_of({"cases": {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_CASES}})


def _case(row: Json) -> Case | None:
    """What can be read of one; None if that is no case, or if something in it would not be let into a memory."""
    if not isinstance(row, Mapping):
        return None
    name, given, mentions = row.get("name"), row.get("input"), row.get("mentions")
    if not isinstance(given, str) or not isinstance(mentions, list):
        return None
    words = [one_line(each, MOST_MENTION) for each in mentions[:2] if isinstance(each, str) and len(each.strip()) > 1]
    told = one_line(name, MOST_NAME) if isinstance(name, str) and name.strip() else "a drafted input"
    shown = one_line(given, MOST_INPUT)
    if not shown or not words or not _is_clean("\n".join((told, shown, *words))):
        return None
    checks = tuple(Check.matches(f"(?i){' '.join(map(re.escape, word.split()))}") for word in words)
    return Case(told, shown, (*checks, SHORT, *own(shown)))


def _is_clean(text: str) -> bool:
    from purpose_agent.memory.scanners import scan

    return scan(Lesson("episodic_case", "", text, Provenance("tool", source="generate"))).clean
