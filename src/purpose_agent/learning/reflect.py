"""A failure becomes a lesson, in a model's words.

In:  a task, an answer that failed, what failed; perhaps a later answer that passed.
Out: when and then, or None where nothing usable was said.

After Reflexion (arXiv 2303.11366), with the structure of Retroformer (2308.02151). What is said here is a draft: it
is scanned and tried before any prompt sees it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from purpose_agent.core.messages import Json, user
from purpose_agent.core.model import ModelRequest, ModelResponse

Ask: TypeAlias = Callable[[ModelRequest, str], Awaitable[ModelResponse]]

MOST_ANSWER_CHARS = 3000
MOST_LESSON_CHARS = 300
FEWEST_WORDS = 2
SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {
        "when": {"type": "string", "maxLength": MOST_LESSON_CHARS},
        "then": {"type": "string", "maxLength": MOST_LESSON_CHARS},
    },
    "required": ["when", "then"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong. `passed` is a later answer to the same task that was right, or ""."""

    goal: str
    answer: str
    failed: str
    passed: str = ""


async def reflect_on(failure: Failure, ask: Ask) -> tuple[str, str] | None:
    """When and then. One model call.

    Raises:
        ModelError: The model could not answer.
    """
    from purpose_agent.models.decode import extract_json_object
    from purpose_agent.prompts.loader import load

    answer = failure.answer[:MOST_ANSWER_CHARS]
    if failure.passed:
        prompt = load("reflect_recovered")
        passed = failure.passed[:MOST_ANSWER_CHARS]
        text = prompt.fill(goal=failure.goal, answer=answer, failed=failure.failed, passed=passed)
    else:
        prompt = load("reflect")
        text = prompt.fill(goal=failure.goal, answer=answer, failed=failure.failed)
    request = ModelRequest(messages=(user(text),), schema=SCHEMA, temperature=0.0, max_tokens=160, purpose="reflect")
    said = extract_json_object((await ask(request, prompt.version)).text) or {}
    when, then = said.get("when"), said.get("then")
    if not isinstance(when, str) or not isinstance(then, str):
        return None
    # A single word names no kind of task, and tells nobody what to do.
    if min(len(when.split()), len(then.split())) < FEWEST_WORDS:
        return None
    return _one_line(when), _one_line(then)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:MOST_LESSON_CHARS]
