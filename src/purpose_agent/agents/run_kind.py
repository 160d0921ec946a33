"""What kind of run a run is.

In:  its first event.
Out: "agent", "flow", "swarm" or "team".
"""

from collections.abc import Mapping
from typing import Final

from purpose_agent.core.model import NO_MODEL
from purpose_agent.runtime.events import RunKind, RunStarted

_BY_NAME: Final[Mapping[str, RunKind]] = {"team": "team", "swarm": "swarm"}


def kind_of(started: RunStarted) -> RunKind:
    """As the record says it; in records of versions that did not, as far as its name, its model and its role tell."""
    if started.of is not None:
        return started.of
    has_nothing = started.model == NO_MODEL and not started.role
    return _BY_NAME.get(started.agent) or ("flow" if has_nothing else "agent")
