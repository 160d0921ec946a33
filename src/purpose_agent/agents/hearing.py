"""A flow, a swarm or a team hears what people say to it: between its parts, from whatever process that was said.

In:  the run's id; what waits for it in the workspace (`runtime/controls.py`).
Out: how it shall end, if it shall; of a team, what its members shall learn.

What ends it counts as heard when its end is saved, and a lesson when its event is, in the same transaction: a process that dies in
between has heard nothing. All else that people say is for runs of agents, and is put aside here. Looking costs a query, so where parts
may be quick it is done at most so often.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from purpose_agent.core.ports import Clock
from purpose_agent.runtime.controls import Abort, Control, Pause
from purpose_agent.runtime.events import Event, LessonInjected, RunFinished, RunStatus, RunSuspended
from purpose_agent.runtime.record import RunRecord

PACE_SECONDS: Final = 0.05
"""A person's word waits no longer than this between two parts that are quicker."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run shall end, "cancelled" or "paused", and why; `ended_by` as its `RunFinished` says it."""

    status: RunStatus
    reason: str
    ended_by: str | None = None


class Hearing:
    """Listens for one run.

    Args:
        resuming: It goes on just now: pauses from before are over.
        learns: Its parts can be told lessons.
        pace: Seconds between two looks.
    """

    def __init__(
        self,
        record: RunRecord,
        run_id: str,
        clock: Clock,
        *,
        resuming: bool = False,
        learns: bool = False,
        pace: float = PACE_SECONDS,
    ) -> None:
        self._record = record
        self._run_id = run_id
        self._clock = clock
        self._resuming = resuming
        self._learns = learns
        self._pace = pace
        self.lessons: tuple[LessonInjected, ...] = ()
        """What was heard last; whoever can be taught publishes it, and saves that."""
        self._looked: float | None = None
        self._heard: Sequence[Control] = ()
        self._end: Ending | None = None

    def heard(self) -> Ending | None:
        """How it shall end; None: it may go on."""
        if self._end is not None:
            return self._end
        now = self._clock.monotonic()
        self.lessons = ()
        if self._looked is not None and now - self._looked < self._pace:
            return None
        self._looked, resuming, self._resuming = now, self._resuming, False
        controls = self._record.said(self._run_id)
        if not controls:
            return None
        said = [control.said for control in controls]
        if self._learns:
            self.lessons = tuple(each for each in said if isinstance(each, LessonInjected))
        ends = [each for each in said if isinstance(each, Abort)]
        pauses = [each for each in said if isinstance(each, Pause)]
        if ends:
            self._heard, self._end = controls, Ending("cancelled", ends[-1].words, ends[-1].who)
        elif pauses and not resuming:
            self._heard, self._end = controls, Ending("paused", pauses[-1].words)
        elif self.lessons:
            self._heard = controls
        else:
            self._record.append((), controls)
        return self._end

    @contextmanager
    def saving(self, events: Sequence[Event]) -> Generator[None]:
        """Around their saving. What was heard is marked with them, if the end that was asked for is among them, or none was."""
        waits = self._end is not None and not any(_is_end(event, self._end) for event in events)
        if waits or not self._heard:
            yield
            return
        with self._record.hearing(self._heard):
            yield
        self._heard, self._end = (), None


def _is_end(event: Event, asked: Ending) -> bool:
    match event.payload:
        case RunFinished() | RunSuspended() as end:
            return (end.status, end.reason) == (asked.status, asked.reason)
        case _:
            return False
