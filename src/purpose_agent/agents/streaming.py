"""A run to read while it goes on.

In:  what runs, given a listener for its events.
Out: its events one by one, in `async for` or in a plain `for`; then its result.

The run begins with the first reader: on the loop of an `async for`, on the background loop of a plain `for`, which works beside a
running loop too. Whoever leaves the loop early ends the run, unless it is detached. Other readers take `stream.feed.read()`.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from types import TracebackType
from typing import Self, TypeAlias

from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_whole
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import Event, Visibility
from purpose_agent.runtime.feed import LEVEL, Feed, Lagged
from purpose_agent.runtime.sync import INTERRUPTED, run_sync

Streamed: TypeAlias = Callable[[Listener], Awaitable[TaskResult]]
"""A run that is yet to begin, and tells the listener what happens."""


class RunStream:
    """The events of a run, as they happen: `for event in agent.stream(task)`, or `async for`.

    What the run raises is raised in the reader too, after its last event. A run that was cancelled just ends: its last event says so.

    Attributes:
        feed: All events so far, for further readers, on any loop or thread; they never end the run.
    """

    def __init__(self, run: Streamed, *, visibility: Visibility, capacity: int | None, detached: bool) -> None:
        if visibility not in LEVEL:
            raise UsageError(f"stream(visibility={visibility!r}): it is one of {', '.join(map(repr, LEVEL))}.")
        check_whole(f"stream(capacity={capacity!r})", capacity, least=1, none="any number")
        self.feed = Feed()
        self._run = run
        self._visibility: Visibility = visibility
        self._capacity = capacity
        self._detached = detached
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._outcome: TaskResult | BaseException | None = None

    @property
    def result(self) -> TaskResult:
        """What the run came to.

        Raises:
            UsageError: It has not begun, is still going on, or was cancelled.
            BaseException: What the run raised.
        """
        self._raise()
        if isinstance(self._outcome, TaskResult):
            return self._outcome
        if self._outcome is not None:
            raise UsageError("The run was cancelled, so it has no result; `resume` goes on with it from where it stopped.")
        told = "has not begun" if self._task is None else "is still going on"
        raise UsageError(f"The run {told}, so it has no result yet. Read its events to the end, or await `result_async()`.")

    async def result_async(self) -> TaskResult:
        """Wait for the end of the run, which begins now if it has not, and say what it came to.

        Raises:
            UsageError: It was cancelled.
            BaseException: What the run raised.
        """
        self._begin()
        await self._ended()
        return self.result

    def __aiter__(self) -> AsyncGenerator[Event | Lagged]:
        return self._read_async()

    def __iter__(self) -> Generator[Event | Lagged]:
        return self._read()

    async def aclose(self) -> None:
        """End the run if it is still going on, and wait until that is recorded."""
        self._cancel()
        await self._ended()

    def close(self) -> None:
        """Blocking form of `aclose`. On the loop of the run itself it can't wait, and only asks."""
        self._cancel()
        if self._is_alive() and not self._is_here():
            for _ in self.feed.read(after=len(self.feed), kinds=()):
                pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def _read_async(self) -> AsyncGenerator[Event | Lagged]:
        self._begin()
        try:
            async for item in self.feed.read(visibility=self._visibility, capacity=self._capacity):
                yield item
        except asyncio.CancelledError as error:
            if not self._detached:
                self._cancel(error.args[0] if error.args else None)
            raise
        finally:
            if not self._detached:
                await self.aclose()
        self._raise()

    def _read(self) -> Generator[Event | Lagged]:
        if self._is_here():
            raise UsageError(
                "A plain `for` on the run's own loop would wait for itself. Use `async for event in stream` there."
            )
        try:
            if self._task is None:
                run_sync(self._begin_here())
            yield from self.feed.read(visibility=self._visibility, capacity=self._capacity)
        except KeyboardInterrupt:
            if not self._detached:
                self._cancel(INTERRUPTED)
            raise
        finally:
            if not self._detached:
                self.close()
        self._raise()

    async def _begin_here(self) -> None:
        self._begin()

    def _begin(self) -> None:
        """Once, on the running loop."""
        if self._task is None:
            self._loop = asyncio.get_running_loop()
            self._task = self._loop.create_task(self._running())
            # A task that is cancelled before its first step never comes to its own last lines.
            self._task.add_done_callback(lambda _: self._end(asyncio.CancelledError()))

    async def _running(self) -> None:
        try:
            self._end(await self._run(self.feed.put))
        except asyncio.CancelledError as error:
            self._end(error)
            raise
        # A door: whatever it is, it is the readers'. Left here, SystemExit would end the loop for everybody.
        except BaseException as error:  # noqa: BLE001
            self._end(error)

    def _end(self, outcome: TaskResult | BaseException) -> None:
        if self._outcome is None:
            self._outcome = outcome
        self.feed.end()

    async def _ended(self) -> None:
        if self._is_alive():
            async for _ in self.feed.read(after=len(self.feed), kinds=()):
                pass

    def _cancel(self, why: str | None = None) -> None:
        if self._task is None or self._loop is None or not self._is_alive():
            return
        if self._is_here():
            self._task.cancel(why)
        else:
            self._loop.call_soon_threadsafe(self._task.cancel, why)

    def _is_alive(self) -> bool:
        return self._loop is not None and not self._loop.is_closed() and not self.feed.ended

    def _is_here(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def _raise(self) -> None:
        if isinstance(self._outcome, BaseException) and not isinstance(self._outcome, asyncio.CancelledError):
            raise self._outcome
