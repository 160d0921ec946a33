"""Whose run it is that shall be done or gone on with.

In:  the trace of a run, or the first state of one that a worker was handed; the council or the quorum that shall do it.
Out: nothing where it is that one's; else why not.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from purpose_agent.agents.run_kind import kind_of
from purpose_agent.core.errors import CantResume
from purpose_agent.core.messages import Json
from purpose_agent.runtime.events import RunStarted
from purpose_agent.runtime.trace import Trace

What: TypeAlias = Literal["council", "quorum"]
ROUNDS: Final = "rounds"
"""In the first state of a council; a quorum has none."""


@dataclass(frozen=True, slots=True)
class Whose:
    """The one that runs are held to: what it is, its name, and those of its members."""

    what: What
    name: str
    members: Collection[str]

    def check(self, trace: Trace) -> None:
        """Pass silently if it is a run of this one.

        Raises:
            CantResume: It is another one's, of other members, or none at all.
        """
        started = trace.of(RunStarted)[0]
        if kind_of(started) != "flow" or not self._is_like(started.state):
            raise CantResume(
                f"{trace.run_id} is a run of {started.agent!r}, and no {self.what}'s; resume it with what began it."
            )
        if started.agent != self.name:
            raise CantResume(
                f"{trace.run_id} is a run of {started.agent!r}, not of {self.name!r}; resume it with that {self.what}."
            )
        self.check_first(trace.run_id, started.state)

    def check_first(self, run_id: str, state: Mapping[str, Json]) -> None:
        """Pass silently if a run with that first state is for the members of this one.

        Raises:
            CantResume: It is for others.
        """
        kept = state.get("members")
        had = {str(each) for each in kept} if isinstance(kept, list) else {*self.members}  # early versions kept no names
        if not self._is_like(state) or had != {*self.members}:
            raise CantResume(
                f"{run_id} is of {', '.join(sorted(had))}, and this {self.what} is of {', '.join(sorted(self.members))}. Make it with the"
                " members it began with; two in one program need two names."
            )

    def _is_like(self, state: Mapping[str, Json]) -> bool:
        return isinstance(state.get("question"), dict) and (ROUNDS in state) == (self.what == "council")
