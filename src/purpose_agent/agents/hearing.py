"""A flow or a swarm hears that it shall stand still or end: between its parts, from whatever process that was said.

In:  the run's id; what waits for it in the workspace (`runtime/controls.py`).
Out: how it shall end, if it shall.

All else that people say is for runs of agents, and is put aside here. Looking costs a query, so it is done at most so often.
"""

from typing import Final

from purpose_agent.core.ports import Clock
from purpose_agent.runtime.controls import Abort, Pause
from purpose_agent.runtime.events import RunStatus
from purpose_agent.runtime.record import RunRecord

PACE_SECONDS: Final = 0.05
"""A person's word waits no longer than this between two parts that are quicker."""


class Hearing:
    """Listens for one run.

    Args:
        resuming: It goes on just now: pauses from before are over.
    """

    def __init__(self, record: RunRecord, run_id: str, clock: Clock, *, resuming: bool = False) -> None:
        self._record = record
        self._run_id = run_id
        self._clock = clock
        self._resuming = resuming
        self._looked: float | None = None

    def heard(self) -> tuple[RunStatus, str] | None:
        """How it shall end, "cancelled" or "paused", and why; None: it may go on."""
        now = self._clock.monotonic()
        if self._looked is not None and now - self._looked < PACE_SECONDS:
            return None
        self._looked, resuming, self._resuming = now, self._resuming, False
        controls = self._record.said(self._run_id)
        if not controls:
            return None
        self._record.append((), controls)
        said = [control.said for control in controls]
        ends = [each for each in said if isinstance(each, Abort)]
        pauses = [each for each in said if isinstance(each, Pause)]
        if ends:
            return "cancelled", ends[-1].words
        if pauses and not resuming:
            return "paused", pauses[-1].words
        return None
