"""Time that stands still until a test moves it.

In:  a start, and the seconds a test lets pass.
Out: a `Clock` whose wall time and monotonic time move together.
"""

from datetime import UTC, datetime, timedelta

from purpose_agent.core.errors import UsageError

START = datetime(2026, 1, 1, tzinfo=UTC)


class FrozenClock:
    """A `Clock` that moves only by `advance`.

    Args:
        start: The first time of day it tells; it must carry a time zone.

    Raises:
        UsageError: `start` has no time zone.
    """

    def __init__(self, start: datetime = START) -> None:
        if start.tzinfo is None:
            raise UsageError(f"FrozenClock({start!r}): give the time a zone, such as datetime(2026, 1, 1, tzinfo=UTC).")
        self._start = start.astimezone(UTC)
        self._passed = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass.

        Raises:
            UsageError: `seconds` is below 0; time of a `Clock` never runs backwards.
        """
        if seconds < 0:
            raise UsageError(f"FrozenClock.advance({seconds}): time doesn't run backwards.")
        self._passed += seconds
