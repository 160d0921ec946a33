"""Runs kept in two places: where every machine sees them, and in the workspace of the one that works on them.

In:  a run's events, as a workspace's record gets them.
Out: the same in a checkpointer, first; then in the workspace, where they are listed, shown and learned from.

The first place is the fence: a run that another process goes on with is refused there, and then nothing is saved here. What is
there and not here, since the process died in between, is brought here before the run goes on. What is there and could not be
saved here, because the disk is full, say, comes again with the next events, and is not sent there a second time.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

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
        self._ahead: dict[str, frozenset[str]] = {}
        """By run: the ids of events that are there, and not here."""

    def open(
        self, event: Event, task: Task, *, family: str, task_key: str, reflected: int, events: Sequence[Event] = ()
    ) -> None:
        with self._there_first((event, *events)):
            super().open(event, task, family=family, task_key=task_key, reflected=reflected, events=events)

    def append(self, events: Sequence[Event], heard: Sequence[Control] = ()) -> None:
        with self._there_first(events):
            super().append(events, heard)

    def finish(
        self, events: Sequence[Event], *, steps: int, seconds: float, reflected: int | None = None, also: Also | None = None
    ) -> None:
        with self._there_first(events):
            super().finish(events, steps=steps, seconds=seconds, reflected=reflected, also=also)

    @contextmanager
    def _there_first(self, events: Sequence[Event]) -> Generator[None]:
        """Save them there; within the block, here."""
        if not events:
            yield
            return
        run_id = events[0].run_id
        ahead = self._ahead.get(run_id, frozenset())
        self._first.append([event for event in events if event.id not in ahead])
        self._ahead[run_id] = ahead | {event.id for event in events}
        yield
        del self._ahead[run_id]
