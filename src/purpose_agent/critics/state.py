"""Φ of the whole state, judged by a model that must quote what it saw.

In:  the goal and the state; never the agent's thoughts.
Out: a `Score` whose evidence was looked up in the state.

A quote that is not in the state earns nothing: Φ can't rise on it. A score that can't be read, or is not a number
from 0 to 10, is None. Not here: success, which only checks decide.
"""

import math
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from purpose_agent.core.messages import Json, user
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.core.score import MAX_PHI, Evidence, Score
from purpose_agent.core.state import State
from purpose_agent.core.task import Task

Ask: TypeAlias = Callable[[ModelRequest, str], Awaitable[ModelResponse]]
"""Ask the critic's model, on the run's account: the request, and the version of the prompt behind it."""

SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {
        "quote": {"type": "string", "maxLength": 200},
        "score": {"type": "integer", "minimum": 0, "maximum": 10},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["quote", "score", "confidence"],
    "additionalProperties": False,
}
MOST_STATE_CHARS = 6000
SHORTEST_QUOTE = 3


async def judge_state(ask: Ask, task: Task, after: State, phi_before: float | None) -> Score:
    """Φ after the step. One model call.

    Raises:
        ModelError: The critic's model could not answer.
    """
    from purpose_agent.models.decode import extract_json_object
    from purpose_agent.prompts.loader import load

    prompt = load("critic_state")
    before = "an unknown point" if phi_before is None else f"{phi_before:.0f}"
    text = prompt.fill(goal=task.goal, before=before, state=_clipped(after.render()))
    request = ModelRequest(messages=(user(text),), schema=SCHEMA, temperature=0.0, max_tokens=160, purpose="score")
    said = extract_json_object((await ask(request, prompt.version)).text)
    return read_score(said, after, phi_before)


def read_score(said: dict[str, Json] | None, after: State, phi_before: float | None) -> Score:
    """A critic's JSON as a score: out of range or unreadable is None, and no evidence is no credit."""
    phi = _number(said, "score", MAX_PHI)
    if said is None or phi is None:
        return Score(phi_before, None, 0.0, "state", flags=("unreadable",))
    confidence = _number(said, "confidence", 1.0)
    flags = () if confidence is not None else ("no_confidence",)
    quote = said.get("quote")
    quote = quote.strip() if isinstance(quote, str) else ""
    verified = len(quote) >= SHORTEST_QUOTE and _plain(quote) in _plain(after.render())
    if not verified:
        flags = (*flags, "no_evidence")
        phi = min(phi, phi_before if phi_before is not None else 0.0)
    evidence = (Evidence(quote, verified),) if quote else ()
    return Score(phi_before, phi, confidence or 0.0, "state", evidence, flags=flags)


def _number(said: dict[str, Json] | None, name: str, most: float) -> float | None:
    value = (said or {}).get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= most else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _clipped(text: str) -> str:
    half = MOST_STATE_CHARS // 2
    return text if len(text) <= MOST_STATE_CHARS else f"{text[:half]}\n[…]\n{text[-half:]}"
