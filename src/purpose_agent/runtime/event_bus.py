"""Where the events of one run are made, numbered and handed to whoever listens.

In:  payloads, from whatever happens in the run.
Out: events, to listeners at once and to the record when it saves.

Used from one thread, the run's. Listeners are called in the order they came, and each sees the events in the
order of their numbers, even if a listener publishes one itself.
"""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from purpose_agent.core.ids import IdSource
from purpose_agent.core.ports import Clock
from purpose_agent.runtime.events import Event, Payload, Visibility

Listener: TypeAlias = Callable[[Event], None]


class EventBus:
    """The events of one run.

    A listener that raises doesn't stop the run, and is not called again; what it raised is kept in `errors` and
    raised by `close`, when the run is over and saved.

    Args:
        after: For a run that goes on (a reflection on it): the number of its last saved event.
    """

    def __init__(self, run_id: str, clock: Clock, ids: IdSource, *, after: int = 0) -> None:
        self.run_id = run_id
        self.events: list[Event] = []
        self.errors: list[Exception] = []
        self._clock = clock
        self._ids = ids
        self._last = after
        self._saved = 0
        self._listeners: list[Listener] = []
        self._undelivered: deque[Event] = deque()
        self._delivering = False

    def publish(
        self, payload: Payload, *, lane: str, step: int = 0, visibility: Visibility = "public", parent: str | None = None
    ) -> Event:
        """Make an event of `payload` and deliver it.

        Args:
            lane: The agent's name.
            step: The step it belongs to, from 1; 0 before the first.
            parent: The id of the event it follows from, or None.
        """
        self._last += 1
        event = Event(
            id=self._ids("evt"),
            run_id=self.run_id,
            seq=self._last,
            at=self._clock.now(),
            lane=lane,
            step=step,
            payload=payload,
            visibility=visibility,
            parent=parent,
        )
        self.events.append(event)
        self._undelivered.append(event)
        if not self._delivering:
            self._deliver()
        return event

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every event from now on. It should return at once: the run waits for it."""
        self._listeners.append(listener)

    def unsaved(self) -> tuple[Event, ...]:
        """The events published since the last call."""
        fresh = tuple(self.events[self._saved :])
        self._saved = len(self.events)
        return fresh

    def close(self) -> None:
        """Let the listeners go.

        Raises:
            ExceptionGroup: What listeners raised.
        """
        self._listeners.clear()
        if self.errors:
            errors, self.errors = self.errors, []
            raise ExceptionGroup(f"Listeners of {self.run_id} failed; the run itself is complete and saved", errors)

    def _deliver(self) -> None:
        self._delivering = True
        try:
            while self._undelivered:
                event = self._undelivered.popleft()
                for listener in tuple(self._listeners):
                    try:
                        listener(event)
                    # A door: a listener is the user's code, and may raise anything. `close` raises it again.
                    except Exception as error:  # noqa: BLE001
                        self.errors.append(error)
                        self._listeners = [other for other in self._listeners if other is not listener]
        finally:
            self._delivering = False
