"""The system's clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """`core.ports.Clock`, as the operating system tells it."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
