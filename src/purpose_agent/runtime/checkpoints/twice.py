"""Runs kept in two places: where every machine sees them, and in the workspace of the one that works on them.

In:  a run's events, as a workspace's record gets them.
Out: the same in a checkpointer, first; then in the workspace, where they are listed, shown and learned from.

The first place is the fence: a run that another process goes on with is refused there, and then nothing is saved here. What is
there and not here, since the process died in between, is brought here before the run goes on.
"""

from collections.abc import Sequence

from purpose_agent.core.task import Task
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.controls import Control
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import Event
from purpose_agent.runtime.record import Also, RunRecord


class KeptTwice(RunRecord):
    """A workspace's record, behind a checkpointer."""

    def __init__(self, db: Database, first: Checkpointer) -> None:
        super().__init__(db)
        self._first = first

    def open(
        self, event: Event, task: Task, *, family: str, task_key: str, reflected: int, events: Sequence[Event] = ()
    ) -> None:
        self._first.append((event, *events))
        super().open(event, task, family=family, task_key=task_key, reflected=reflected, events=events)

    def append(self, events: Sequence[Event], heard: Sequence[Control] = ()) -> None:
        self._first.append(events)
        super().append(events, heard)

    def finish(
        self, events: Sequence[Event], *, steps: int, seconds: float, reflected: int | None = None, also: Also | None = None
    ) -> None:
        self._first.append(events)
        super().finish(events, steps=steps, seconds=seconds, reflected=reflected, also=also)
