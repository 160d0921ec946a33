"""Waiting for a database that is away: one that is started again, or that the network has lost, for a while.

In:  something to be done there, and how long it may be away.
Out: what it gives back, once the database is there; or its error, after that time.

What is tried must be safe to be tried again.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from purpose_agent.durable.database import Away

T = TypeVar("T")

LONGEST_SECONDS: Final = 60.0
"""So long a database may be away; a restart or a failover takes less."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0


class Patience:
    """How long to wait between tries, from the first failure on.

    Args:
        seconds: From then to the last try.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._until: float | None = None
        self._next = _FIRST_PAUSE

    def pause(self) -> float | None:
        """Seconds from a failure to the next try; None: that was the last one."""
        now = self._now()
        if self._until is None:
            self._until = now + self._seconds
        if now >= self._until:
            return None
        pause, self._next = min(self._next, self._until - now), min(2 * self._next, _LONGEST_PAUSE)
        return pause


def never() -> bool:
    """It is waited for until the time is over."""
    return False


def patiently(
    act: Callable[[], T],
    patience: Patience,
    *,
    stop: Callable[[], bool] = never,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Do `act`, again and again while the database is away. Blocks.

    Args:
        stop: Nobody waits for it any more: the next failure is the last.
        sleep: For tests.

    Raises:
        Away: It did not come back in time.
    """
    while True:
        try:
            return act()
        except Away:
            pause = patience.pause()
            if pause is None or stop():
                raise
        sleep(pause)


async def patiently_async(act: Callable[[], T], patience: Patience) -> T:
    """The same with an `act` that blocks, in a thread; who waits can be cancelled.

    Raises:
        Away: It did not come back in time.
    """
    from anyio import sleep, to_thread

    while True:
        try:
            return await to_thread.run_sync(act)
        except Away:
            pause = patience.pause()
            if pause is None:
                raise
        await sleep(pause)
