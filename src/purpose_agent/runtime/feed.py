"""What many readers read the events of a run from, live or afterwards, each at its own pace.

In:  events, of one run or of a run and its members' runs: `bus.listen(feed.put)`.
Out: the same, numbered in the order they came, to any number of readers on any loop or thread.

A reader is a place in the feed, not a queue that somebody fills: the producer appends, wakes those who wait, and goes on. Who is
too far behind leaves out the oldest and is told how many; the end of a run is never left out. The feed knows a reader only while
it waits, so one that is dropped, closed or cancelled leaves nothing behind. Events are those of the bus, not copies of them;
only pieces of text, which no bus keeps, live here alone.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_number, check_whole
from purpose_agent.runtime.events import TERMINAL, Event, Visibility

CAPACITY = 1_000
PACE = 64
"""After so many events in a row an async reader lets others have the loop."""
LEVEL: Mapping[Visibility, int] = {"public": 0, "internal": 1, "debug": 2}


@dataclass(frozen=True, slots=True)
class Lagged:
    """The reader was too slow: so many events that it would have got were left out here."""

    missed: int


class Feed:
    """An append-only list of events. `put` may be called from any thread; each run calls it from its own."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._ended = False
        self._futures: dict[asyncio.AbstractEventLoop, set[asyncio.Future[None]]] = {}
        self._sleepers = 0
        self._condition = threading.Condition()

    def __len__(self) -> int:
        return len(self._events)

    @property
    def ended(self) -> bool:
        """Nothing more will come."""
        return self._ended

    @property
    def waiting(self) -> int:
        """How many readers wait for the next event."""
        return self._sleepers + sum(len(futures) for futures in self._futures.copy().values())

    def put(self, event: Event) -> None:
        """Add an event, and wake who waits for it.

        Raises:
            UsageError: The feed has ended.
        """
        if self._ended:
            raise UsageError(f"Feed.put({event.payload.kind}): this feed was ended; make a new one for what comes after.")
        self._events.append(event)
        self.wake()

    def end(self) -> None:
        """Let all readers end after the last event. Ending twice is ending once."""
        self._ended = True
        self.wake()

    def place(self, run_id: str, seq: int) -> int:
        """The number in this feed after which comes what followed event `seq` of a run: for `read(after=…)`. 0 if it is not here."""
        numbered = enumerate(self._events, start=1)
        return next((number for number, event in numbered if event.run_id == run_id and event.seq == seq), 0)

    def read(
        self,
        *,
        after: int = 0,
        capacity: int | None = CAPACITY,
        visibility: Visibility = "public",
        kinds: Collection[str] | None = None,
        timeout: float | None = None,
    ) -> "Reader":
        """A reader of its own, for `async for` or `for`. It ends when the feed does.

        Args:
            after: The number of the last event that is not wanted; 0: from the first one on, however long ago that was.
            capacity: So many events may wait for the reader, of those it wants. Beyond that the oldest are left out, and a `Lagged` is
                in their place. None: any number.
            visibility: Events for these eyes and for wider ones: "debug" is all there are.
            kinds: Only these; None: all.
            timeout: Seconds that `for` waits for the next event.

        Raises:
            UsageError: `capacity` is below 1, or `after` below 0.
        """
        check_whole(f"read(after={after!r})", after, least=0)
        check_whole(f"read(capacity={capacity!r})", capacity, least=1, none="any number")
        check_number(f"read(timeout={timeout!r})", timeout, least=0, none="no limit")
        if visibility not in LEVEL:
            raise UsageError(f"read(visibility={visibility!r}): it is one of {', '.join(map(repr, LEVEL))}.")
        return Reader(self, after, capacity, LEVEL[visibility], None if kinds is None else frozenset(kinds), timeout)

    def wake(self) -> None:
        """Have everybody who waits look again."""
        while self._futures:
            try:
                loop, futures = self._futures.popitem()
            except KeyError:  # another producer was faster, and wakes them
                break
            try:
                loop.call_soon_threadsafe(_settle, futures)
            except RuntimeError:  # the loop was closed, and its readers with it
                continue
        if self._sleepers:
            with self._condition:
                self._condition.notify_all()

    async def wait_async(self, due: Callable[[], bool]) -> None:
        """Wait until woken, unless `due` holds already."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        # Only this loop's thread touches the set, and it is there that those in it are woken.
        futures = self._futures.setdefault(loop, set())
        futures.add(future)
        try:
            # Asked once more, now that whoever adds an event sees us: else the one in between would be slept through.
            if not due():
                await future
        finally:
            futures.discard(future)
            if not futures and self._futures.get(loop) is futures:
                self._futures.pop(loop, None)

    def wait(self, due: Callable[[], bool], timeout: float | None) -> None:
        """Block this thread until `due` holds.

        Raises:
            TimeoutError: It did not within `timeout` seconds.
        """
        with self._condition:
            self._sleepers += 1
            try:
                if not self._condition.wait_for(due, timeout):
                    raise TimeoutError(f"No event came within {timeout:g} s.")
            finally:
                self._sleepers -= 1

    def at(self, number: int) -> Event:
        """The event with that number, from 1."""
        return self._events[number - 1]


class Reader:
    """One reader's place in a feed. Made by `Feed.read`, for one loop or thread.

    Attributes:
        position: The number of the event that came last; whoever goes on later begins after it.
    """

    def __init__(
        self, feed: Feed, after: int, capacity: int | None, level: int, kinds: frozenset[str] | None, timeout: float | None
    ) -> None:
        self.position = after
        self._feed = feed
        self._capacity = capacity
        self._level = level
        self._kinds = kinds
        self._timeout = timeout
        self._looked = after
        self._missed = 0
        self._next: int | None = None  # what comes after the `Lagged` that was given last
        self._ahead: deque[int] = deque()  # numbers of what it wants, seen and not yet given
        self._ends: deque[int] = deque()  # of ends of runs that would else have been left out
        self._in_a_row = 0
        self._closed = False

    def close(self) -> None:
        """Want no more. Dropping the reader does as well."""
        self._closed = True
        self._feed.wake()

    def take(self) -> Event | Lagged | None:
        """The next one if it is there; None if there is none now."""
        if self._closed:
            return None
        if self._next is not None:
            self.position, self._next = self._next, None
            return self._feed.at(self.position)
        self._look()
        numbers = self._ends or self._ahead
        if self._missed:
            missed, self._missed = self._missed, 0
            # Kept for the next time: one that is always too slow would else hear of nothing but what it missed.
            self._next = numbers.popleft()
            return Lagged(missed)
        if not numbers:
            return None
        self.position = numbers.popleft()
        return self._feed.at(self.position)

    def __aiter__(self) -> "Reader":
        return self

    async def __anext__(self) -> Event | Lagged:
        self._in_a_row += 1
        if self._in_a_row > PACE:
            self._in_a_row = 0
            await asyncio.sleep(0)
        while True:
            ended = self._feed.ended  # asked first: what came before the end is then seen
            item = self.take()
            if item is not None:
                return item
            if ended or self._closed:
                raise StopAsyncIteration
            self._in_a_row = 0
            await self._feed.wait_async(self._due)

    def __iter__(self) -> "Reader":
        return self

    def __next__(self) -> Event | Lagged:
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            ended = self._feed.ended
            item = self.take()
            if item is not None:
                return item
            if ended or self._closed:
                raise StopIteration
            self._feed.wait(self._due, None if deadline is None else max(0.0, deadline - time.monotonic()))

    def _due(self) -> bool:
        return len(self._feed) > self._looked or self._feed.ended or self._closed

    def _look(self) -> None:
        """Look at what came since the last time, and leave out what does not fit."""
        end = len(self._feed)
        for number in range(self._looked + 1, end + 1):
            if self._wants(self._feed.at(number)):
                self._ahead.append(number)
                if self._capacity is not None and len(self._ahead) > self._capacity:
                    self._leave_out(self._ahead.popleft())
        self._looked = max(self._looked, end)

    def _leave_out(self, number: int) -> None:
        if self._feed.at(number).payload.kind in TERMINAL:
            self._ends.append(number)
        else:
            self._missed += 1

    def _wants(self, event: Event) -> bool:
        return LEVEL[event.visibility] <= self._level and (self._kinds is None or event.payload.kind in self._kinds)


def _settle(futures: set[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
