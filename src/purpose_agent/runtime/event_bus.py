"""Where the events of one run are made, numbered and handed to whoever listens.

In:  payloads, from whatever happens in the run.
Out: events, to listeners at once and to the record when it saves.

Used from one thread, the run's. Listeners are called in the order they came, and each sees the events in the
order of their numbers, even if a listener publishes one itself.
"""

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from purpose_agent.core.given import check_function
from purpose_agent.core.ids import IdSource
from purpose_agent.core.ports import Clock
from purpose_agent.runtime.events import VERSION, VISIBILITY, Event, Payload, Visibility
from purpose_agent.runtime.observers import observers

Listener: TypeAlias = Callable[[Event], None]

_OPENS: Mapping[str, str] = {
    "run_started": "part",
    "run_resumed": "part",
    "agent_started": "part",
    "model_asked": "question",
    "action_decided": "decision",
}
_OF_QUESTIONS = frozenset(
    {"model_retried", "model_waited", "text_streamed", "model_called", "reasoning_summarised", "call_planned"}
)
_OF_DECISIONS = frozenset(
    {
        "tool_started",
        "tool_returned",
        "person_asked",
        "person_answered",
        "call_refused",
        "call_approved",
        "state_changed",
        "step_scored",
        "checkpoint_saved",
        "handed_over",
    }
)

_PASSING = frozenset({"text_streamed"})
"""Told and not kept: what they tell is in an event that follows."""


class EventBus:
    """The events of one run.

    A listener that raises doesn't stop the run, and is not called again; what it raised is kept in `errors` and
    raised by `close`, when the run is over and saved.

    Args:
        after: For a reflection on a run: the number of its last saved event.
        before: For a run that goes on: all its events so far. They are saved, and not delivered.
    """

    def __init__(self, run_id: str, clock: Clock, ids: IdSource, *, after: int = 0, before: Sequence[Event] = ()) -> None:
        self.run_id = run_id
        self.events: list[Event] = list(before)
        self.errors: list[Exception] = []
        self._clock = clock
        self._ids = ids
        self._last = before[-1].seq if before else after
        self._saved = len(before)
        self._listeners: list[Listener] = observers()
        self._undelivered: deque[Event] = deque()
        self._delivering = False
        self._opened: dict[tuple[str, str], str] = {}
        self._first: str | None = before[0].id if before else None
        for event in before:
            if event.payload.kind in _OPENS:
                self._opened[event.lane, _OPENS[event.payload.kind]] = event.id

    def publish(
        self,
        payload: Payload,
        *,
        lane: str,
        step: int = 0,
        visibility: Visibility | None = None,
        parent: str | None = None,
        recorded: bool | None = None,
    ) -> Event:
        """Make an event of `payload` and deliver it.

        Args:
            lane: The agent's, node's or branch's name.
            step: The step it belongs to, from 1; 0 before the first.
            visibility: None: as `VISIBILITY` has it for its kind.
            parent: The id of the event it follows from; None: what opened its part of the lane, see `_parent`.
            recorded: False: it is for those who listen now, has no number of its own, and is not kept. None: False for a
                piece of text, True for all else.
        """
        if recorded is None:
            recorded = payload.kind not in _PASSING
        self._last += recorded
        event = Event(
            id=self._ids("evt"),
            run_id=self.run_id,
            seq=self._last,
            at=self._clock.now(),
            lane=lane,
            step=step,
            payload=payload,
            visibility=visibility or VISIBILITY.get(payload.kind, "public"),
            parent=parent or self._parent(payload.kind, lane),
            version=VERSION,
        )
        if payload.kind in _OPENS:
            self._opened[lane, _OPENS[payload.kind]] = event.id
            if payload.kind == "action_decided":
                self._opened.pop((lane, "question"), None)
            self._first = self._first or event.id
        if recorded:
            self.events.append(event)
        if self._listeners:
            self._undelivered.append(event)
            if not self._delivering:
                self._deliver()
        return event

    def _parent(self, kind: str, lane: str) -> str | None:
        """The last event on the lane that opened what this one is a part of: a question, a decision, a part of a flow, the run."""
        if kind in _OF_QUESTIONS and (lane, "question") in self._opened:
            return self._opened[lane, "question"]
        if kind in _OF_DECISIONS and (lane, "decision") in self._opened:
            return self._opened[lane, "decision"]
        return self._opened.get((lane, "part"), self._first)

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every event from now on. It should return at once: the run waits for it.

        Raises:
            UsageError: It is no function.
        """
        check_function(f"watch={listener!r:.80}", listener, "an event")
        self._listeners.append(listener)

    @property
    def is_heard(self) -> bool:
        """Somebody listens."""
        return bool(self._listeners)

    def unsaved(self) -> tuple[Event, ...]:
        """The events published since the last call."""
        fresh = tuple(self.events[self._saved :])
        self._saved = len(self.events)
        return fresh

    @contextmanager
    def saving(self) -> Generator[tuple[Event, ...]]:
        """The events that are not saved yet, to be saved within the block; where that fails they go with the next ones."""
        fresh = tuple(self.events[self._saved :])
        yield fresh
        self._saved += len(fresh)

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
