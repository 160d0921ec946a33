"""Jobs that nobody takes, since no worker is alive: said once, since whoever waits for them would wait in silence.

In:  how many jobs lie in the queue, again and again while somebody waits for them.
Out: a warning in the log, with the command that starts a worker.

Which queue a worker takes from is not in the database: one of another queue counts as alive.
"""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

from purpose_agent.durable.agreed import QUEUE
from purpose_agent.durable.database import PostgresDatabase

PATIENT_SECONDS: Final = 5.0
"""So long jobs may lie there before it is said: a worker that is just starting comes in that time."""
ALIVE_SECONDS: Final = 30
"""A worker that has not been heard for so long is not counted on; with a `--silence` above 120 it beats more rarely, and may be missed."""
_log = logging.getLogger(__name__)


class Unheard:
    """What is seen of one call's jobs, and whether it was said.

    Args:
        after: So many seconds of lying there before it is said.
        clock: Seconds that go on steadily.
    """

    def __init__(
        self, db: PostgresDatabase, queue: str, *, after: float = PATIENT_SECONDS, clock: Callable[[], float] = monotonic
    ) -> None:
        self._db = db
        self._queue = queue
        self._after = after
        self._clock = clock
        self._since: float | None = None
        self._is_said = False

    def look(self, queued: int) -> None:
        """Say it, if so many jobs have been lying there for long enough, and no worker is alive.

        Args:
            queued: Jobs that no worker has taken.
        """
        if self._is_said or not queued:
            self._since = None
            return
        now = self._clock()
        since = self._since = now if self._since is None else self._since
        if now - since < self._after:
            return
        self._since = None  # looked at again after as long
        if self._is_anybody_there():
            return
        self._is_said = True
        jobs = "A job waits" if queued == 1 else f"{queued} jobs wait"
        option = "" if self._queue == QUEUE else f" --queue {self._queue}"
        _log.warning(
            "%s in the queue at %s, and no worker is alive to do it. Start one: purpose-agent worker --app YOURPROGRAM --engine dbos:%s%s",
            jobs,
            self._db.shown,
            self._db.shown,
            option,
        )

    def _is_anybody_there(self) -> bool:
        alive = (
            "SELECT 1 FROM purpose_agent.workers WHERE seen > clock_timestamp() - make_interval(secs => %(seconds)s) LIMIT 1"
        )
        return bool(self._db.rows(alive, {"seconds": ALIVE_SECONDS}))
