"""The world as a run knows it, and what changed in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from purpose_agent.core.messages import Json


@dataclass(frozen=True, slots=True)
class State:
    """Facts at one moment: JSON values by name."""

    values: Mapping[str, Json] = field(default_factory=dict[str, Json])

    def with_values(self, **changes: Json) -> "State":
        """This state with some values added or replaced."""
        return State({**self.values, **changes})

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the content; equal states have equal fingerprints."""
        return sha256(json.dumps(self.values, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def render(self) -> str:
        """The facts as text, one a line, as a critic reads them."""
        return "\n".join(
            f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)}"
            for name, value in self.values.items()
        )


@dataclass(frozen=True, slots=True)
class StateDelta:
    """What is different between two states."""

    added: Mapping[str, Json]
    removed: Mapping[str, Json]
    changed: Mapping[str, tuple[Json, Json]]

    @property
    def empty(self) -> bool:
        """Nothing changed."""
        return not (self.added or self.removed or self.changed)


def diff(before: State, after: State) -> StateDelta:
    """What was added, removed or changed from `before` to `after`."""
    old, new = before.values, after.values
    return StateDelta(
        added={name: new[name] for name in new if name not in old},
        removed={name: old[name] for name in old if name not in new},
        changed={name: (old[name], new[name]) for name in new if name in old and old[name] != new[name]},
    )
