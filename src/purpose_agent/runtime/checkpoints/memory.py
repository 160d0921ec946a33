"""Runs kept in this process: for tests, and for those whose loss doesn't matter.

In:  events.
Out: traces. What is kept is the same text as on disk: secrets are not in it, and nobody can change it afterwards.
"""

import threading
from collections.abc import Sequence

from purpose_agent.runtime.events import Event
from purpose_agent.runtime.order import check_order, run_of
from purpose_agent.runtime.trace import Trace, event_to_json


class MemoryCheckpointer:
    """Keeps runs until the process ends; unlike others it does not outlive it. Threads may share one."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def append(self, events: Sequence[Event]) -> None:
        if not events:
            return
        run_id = run_of(events)
        fresh = [event_to_json(event) for event in events]
        with self._lock:
            check_order(events, last=len(self._lines.get(run_id, ())))
            self._lines.setdefault(run_id, []).extend(fresh)

    def load(self, run_id: str) -> Trace | None:
        with self._lock:
            lines = tuple(self._lines.get(run_id, ()))
        return Trace.from_jsonl("".join(f"{line}\n" for line in lines)) if lines else None

    def runs(self) -> Sequence[str]:
        with self._lock:
            return sorted(self._lines, reverse=True)
