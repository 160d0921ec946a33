"""A failure becomes a lesson, in a model's words; so do several lessons that say much the same.

In:  an answer that failed, and perhaps one that passed; or lessons.
Out: when, then and tier, or None where nothing usable was said. One model call each.

After Reflexion (arXiv 2303.11366), with the structure of Retroformer (2308.02151) and the tiers of MUSE (2510.08002).
What is said here is a draft: it is scanned and tried before any prompt sees it. Not here: which two answers are
compared (`contrast.py`), which lessons belong together (`evolve.py`).
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast, get_args

from purpose_agent.core.memory import Tier
from purpose_agent.core.messages import Json, user
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.prompts.loader import load

Ask: TypeAlias = Callable[[ModelRequest, str], Awaitable[ModelResponse]]

MOST_ANSWER_CHARS = 3000
MOST_LESSON_CHARS = 300
MOST_LESSON_TOKENS = 180
FEWEST_WORDS = 2
TIERS = get_args(Tier)
_WHEN = re.compile(r"^when\s+", re.IGNORECASE)
SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {
        "when": {"type": "string", "maxLength": MOST_LESSON_CHARS},
        "then": {"type": "string", "maxLength": MOST_LESSON_CHARS},
        "tier": {"type": "string", "enum": [*TIERS]},
    },
    "required": ["when", "then", "tier"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Contrast:
    """An answer that failed, and one that passed.

    Attributes:
        goal: The task of the answer that failed.
        failed: What was wrong with it, in words.
        passed: An answer that passed, or "" if there is none.
        passed_goal: Its task, if it is another one; else "".
        beside: The other run, if the two answers are not of one run; else "".
    """

    goal: str
    answer: str
    failed: str
    passed: str = ""
    passed_goal: str = ""
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A lesson in a model's words, each on one line."""

    when: str
    then: str
    tier: Tier = "procedural"


async def reflect_on(contrast: Contrast, ask: Ask) -> Said | None:
    """What is to be learned from the difference, or from the failure alone. One model call.

    Raises:
        ModelError: The model could not answer.
    """
    goal, failed = contrast.goal, contrast.failed
    answer, passed = contrast.answer[:MOST_ANSWER_CHARS], contrast.passed[:MOST_ANSWER_CHARS]
    if passed and contrast.passed_goal:
        prompt = load("reflect_pair")
        text = prompt.fill(goal=goal, answer=answer, failed=failed, passed_goal=contrast.passed_goal, passed=passed)
    elif passed:
        prompt = load("reflect_recovered")
        text = prompt.fill(goal=goal, answer=answer, failed=failed, passed=passed)
    else:
        prompt = load("reflect")
        text = prompt.fill(goal=goal, answer=answer, failed=failed)
    return await _said(text, prompt.version, "reflect", ask)


async def general_lesson(lessons: Sequence[str], ask: Ask) -> Said | None:
    """The one lesson behind several. One model call.

    Raises:
        ModelError: The model could not answer.
    """
    prompt = load("generalise")
    text = prompt.fill(lessons="\n".join(f"- {_one_line(lesson)}" for lesson in lessons))
    return await _said(text, prompt.version, "generalise", ask)


async def _said(text: str, version: str, purpose: str, ask: Ask) -> Said | None:
    from purpose_agent.models.decode import extract_json_object

    request = ModelRequest(
        messages=(user(text),), schema=SCHEMA, temperature=0.0, max_tokens=MOST_LESSON_TOKENS, purpose=purpose
    )
    said = extract_json_object((await ask(request, version)).text) or {}
    when, then, tier = said.get("when"), said.get("then"), said.get("tier")
    if not isinstance(when, str) or not isinstance(then, str):
        return None
    # A single word names no kind of task, and tells nobody what to do.
    if min(len(when.split()), len(then.split())) < FEWEST_WORDS:
        return None
    # "When" is said by whoever shows the lesson.
    return Said(_WHEN.sub("", _one_line(when)), _one_line(then), cast(Tier, tier) if tier in TIERS else "procedural")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:MOST_LESSON_CHARS]
