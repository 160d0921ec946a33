"""How a critic's model is asked for a score, and how much it is shown.

In:  a prompt, a window in tokens, facts.
Out: the request; facts cut to a size, with what matters kept.

Tokens are taken as three characters each, which no tokenizer we met needs more of for English, and code.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from purpose_agent.core.messages import Json, user
from purpose_agent.core.model import ModelRequest, ModelResponse

Ask: TypeAlias = Callable[[ModelRequest, str], Awaitable[ModelResponse]]
"""Ask the critic's model, on the run's account: the request, and the version of the prompt behind it."""

WINDOW = 32_768
CHARS_PER_TOKEN = 3
ANSWER_TOKENS = 260
LEAST_CHARS = 100
MOST_NOTE_CHARS = 600
CUT = " […] "
SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {
        "quotes": {"type": "array", "items": {"type": "string", "maxLength": 200}, "minItems": 1, "maxItems": 3},
        "score": {"type": "integer", "minimum": 0, "maximum": 10},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["quotes", "score", "confidence"],
    "additionalProperties": False,
}


async def asked(ask: Ask, text: str, version: str) -> dict[str, Json] | None:
    """One model call; None if no JSON object could be read in the reply.

    Raises:
        ModelError: The critic's model could not answer.
        LimitReached: The run has nothing left to ask it with.
    """
    from purpose_agent.models.decode import extract_json_object

    request = ModelRequest((user(text),), schema=SCHEMA, temperature=0.0, max_tokens=ANSWER_TOKENS, purpose="score")
    return extract_json_object((await ask(request, version)).text)


def noted(notes: Sequence[str]) -> str:
    """What was learned about judging, as a block of a prompt; "" if nothing was."""
    lines = "\n".join(f"- {' '.join(note.split())[:MOST_NOTE_CHARS]}" for note in notes)
    return f"Examples of judging:\n{lines}\n\n" if lines else ""


def room_in(window: int, *taken: str) -> int:
    """Characters that are left in the window beside those texts and the reply; 0 if none are."""
    return max(0, (window - ANSWER_TOKENS) * CHARS_PER_TOKEN - sum(map(len, taken)))


def fitting(facts: Mapping[str, str], old: Mapping[str, str], goal: str, room: int) -> tuple[dict[str, str], bool]:
    """The facts within `room` characters, and whether something had to go. The long ones are cut, the short ones stay.

    Of more facts than there is room for, what changed and then the latest stay.
    """
    if _size(facts) <= room:
        return dict(facts), False
    kept, most = dict(facts), max(1, room // LEAST_CHARS)
    if len(facts) > most:
        latest = sorted(reversed(list(facts)), key=lambda name: old.get(name) == facts[name])[:most]
        kept = {name: text for name, text in facts.items() if name in latest}
    left, places = room, len(kept)
    cut: dict[str, str] = {}
    for name in sorted(kept, key=lambda name: len(kept[name])):
        allowed = max(40, left // places - len(name) - 2)
        cut[name] = shortened(kept[name], allowed, places_of(kept[name], old.get(name), goal))
        left, places = left - len(cut[name]) - len(name) - 2, places - 1
    return {name: cut[name] for name in kept}, True


def shortened(text: str, most: int, places: Iterable[int] = ()) -> str:
    """`text` in at most about `most` characters: its head, its tail, and what stands around `places`, the first ones first."""
    if len(text) <= most:
        return text
    end = most // 4
    spans = [(0, end), (len(text) - end, len(text))]
    left = most - 2 * end
    around = min(300, max(40, left // 4))
    for place in places:
        start, stop = max(0, place - around // 3), min(len(text), place + around)
        if left < stop - start + len(CUT):
            break
        if not any(first <= place < last for first, last in spans):
            spans.append((start, stop))
            left -= stop - start + len(CUT)
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return CUT.join(text[start:stop] for start, stop in merged)


def places_of(text: str, old: str | None, goal: str) -> list[int]:
    """Where `text` is worth looking at: where it differs from `old`, then where the goal's rarer words stand."""
    places = [] if old is None else [in_common(text, old)]
    lower = text.casefold()
    words = dict.fromkeys(word for word in re.findall(r"\w{4,}", goal.casefold()))
    found = sorted((lower.count(word), lower.find(word), word) for word in words if word in lower)
    for _, place, word in found[:8]:
        places.append(place)
        if (second := lower.find(word, place + 300)) >= 0:
            places.append(second)
    return places


def in_common(one: Sequence[object], other: Sequence[object]) -> int:
    """How many elements both begin with."""
    return next((at for at, (mine, its) in enumerate(zip(one, other, strict=False)) if mine != its), min(len(one), len(other)))


def _size(facts: Mapping[str, str]) -> int:
    return sum(len(name) + len(text) + 3 for name, text in facts.items())
