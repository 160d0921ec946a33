"""A machine whose model learns: it greets as its prompt says, and reflects well."""

import json
from typing import Any

from tests.models.wire import completion

LESSON = "say Salve first"


def greets(body: Any) -> dict[str, Any]:
    """A chat completion for a request's body."""
    text = json.dumps(body["messages"])
    if "Write one lesson" in text:
        return completion(json.dumps({"when": "greeting a guest of the house", "then": LESSON}))
    # Another wording for each draw: the same answers again would be no further evidence.
    return completion(f"{'Salve' if LESSON in text else 'Hello'}, guest {body.get('seed', '')}")


def guests(number: int) -> list[dict[str, Any]]:
    """Tasks, as a file of them has it."""
    return [
        {"goal": f"Greet guest number {each} of the house.", "checks": [{"contains": "Salve"}], "family": "guests"}
        for each in range(number)
    ]
