"""One of several strings, asked of a model: as a schema, or as a grammar whose first token tells the probabilities.

In:  the choices.
Out: a JSON schema, a GBNF grammar; the choice out of an answer, and how likely each was.
"""

import math
from collections.abc import Sequence
from typing import Any

from purpose_agent.models.decode import extract_json_object
from purpose_agent.models.wire import as_object, as_objects

# Of the mass seen, the most that may lie on tokens which more than one choice begins with.
AMBIGUOUS_SHARE = 0.01


def choice_schema(choices: Sequence[str]) -> dict[str, Any]:
    """An object with one field, one of `choices`."""
    return {
        "type": "object",
        "properties": {"choice": {"type": "string", "enum": list(choices)}},
        "required": ["choice"],
        "additionalProperties": False,
    }


def unwrapped(text: str) -> str:
    """The bare choice; the text as it is where the server did not keep to the schema."""
    choice = (extract_json_object(text) or {}).get("choice")
    return choice if isinstance(choice, str) else text.strip()


def grammar_of(choices: Sequence[str]) -> str:
    """A GBNF grammar that accepts exactly `choices`."""
    return "root ::= " + " | ".join(_literal(choice) for choice in choices)


def _literal(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(c) or (f"\\x{ord(c):02X}" if c < " " else c) for c in text) + '"'


def choice_probabilities(choices: Sequence[str], logprobs: object) -> dict[str, float] | None:
    """Choice → probability, from the first token's most likely alternatives.

    A choice that none of the twenty alternatives begins counts as 0.0. None where the engine told nothing, or
    where the choices begin with the same token, so that the first one doesn't tell them apart.
    """
    first = next(iter(as_objects(as_object(logprobs).get("content"))), None)
    if first is None:
        return None
    masses = dict.fromkeys(choices, 0.0)
    ambiguous = 0.0
    for alternative in as_objects(first.get("top_logprobs")):
        token, logprob = alternative.get("token"), alternative.get("logprob")
        if not isinstance(token, str) or not token or not isinstance(logprob, int | float) or math.isnan(logprob):
            continue
        mass = math.exp(min(0.0, logprob))
        begun = [choice for choice in masses if choice.startswith(token)]
        if len(begun) == 1:
            masses[begun[0]] += mass
        elif begun:
            ambiguous += mass
    total = sum(masses.values())
    if total <= 0 or ambiguous > AMBIGUOUS_SHARE * (total + ambiguous):
        return None
    return {choice: mass / total for choice, mass in masses.items()}
