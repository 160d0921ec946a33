"""A state as a critic may read it.

In:  a state.
Out: its facts as text by name, without bare labels and without sentences about scoring.

What is left out is marked. Numbers and true or false under other names than those of verdicts are shown.
"""

import json
from collections.abc import Iterator
from typing import cast

from purpose_agent.core.messages import Json
from purpose_agent.core.state import State
from purpose_agent.critics.speech import (
    LABEL_LEFT_OUT,
    STATUSES,
    folded,
    is_verdict,
    names_verdict,
    speaks,
    tokens,
    without_speech,
)

FLAT = 200
"""Characters of a tree or list that is shown on one line."""


def facts_of(state: State) -> dict[str, str]:
    """The state by name as a critic may read it: without bare labels and without sentences about scoring."""
    facts: dict[str, str] = {}
    for name, value in state.values.items():
        shown = _cleaned(value, name)
        text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False, default=str)
        if not isinstance(shown, str) and len(text) > FLAT:
            text = json.dumps(shown, ensure_ascii=False, default=str, indent=0)
        facts[name] = text
    return facts


def words_of(state: State) -> dict[str, str]:
    """The texts and numbers of the state by name, without the names inside them; one a line."""
    return {name: "\n".join(_leaves(_cleaned(value, name))) for name, value in state.values.items()}


def _leaves(value: Json) -> Iterator[str]:
    """The texts and numbers inside a value; true, false and null say nothing by themselves."""
    if isinstance(value, dict | list):
        inside = cast("dict[str, Json]", value).values() if isinstance(value, dict) else cast("list[Json]", value)
        for inner in inside:
            yield from _leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def shown_name(name: str) -> str:
    """A fact's name as a critic may read it."""
    judges = speaks(name) or (is_verdict(name) and len(tokens(name)) > 1)
    return "[a name]" if judges else " ".join(name.split())


def _cleaned(value: Json, name: str) -> Json:
    if isinstance(value, dict):
        return {shown_name(key): _cleaned(inner, key) for key, inner in cast("dict[str, Json]", value).items()}
    if isinstance(value, list):
        return [_cleaned(inner, name) for inner in cast("list[Json]", value)]
    # "result" holds what a calculator found as often as a verdict.
    if isinstance(value, int | float) and names_verdict(name):
        is_result = tokens(name)[-1:] == ["result"] and not isinstance(value, bool)
        return value if is_result else LABEL_LEFT_OUT
    if isinstance(value, str) and names_verdict(name) and (is_verdict(value) or folded(value) in STATUSES):
        return LABEL_LEFT_OUT
    return without_speech(value) if isinstance(value, str) else value
