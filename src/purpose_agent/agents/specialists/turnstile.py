"""One at a time, whichever thread or event loop they come from, in the order in which they came."""

import asyncio
import threading
from collections import deque


class Turnstile:
    """`async with turnstile:` waits without holding up its loop. Not re-entrant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            turn = loop.create_future()
            self._waiting.append((loop, turn))
        try:
            await turn
        except asyncio.CancelledError:
            with self._lock:
                left = [each for each in self._waiting if each[1] is not turn]
                had_its_turn = len(left) == len(self._waiting)
                self._waiting = deque(left)
            if had_its_turn:
                self._next()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._next()

    def _next(self) -> None:
        with self._lock:
            while self._waiting:
                loop, turn = self._waiting.popleft()
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_give, turn)
                    return
            self._taken = False


def _give(turn: "asyncio.Future[None]") -> None:
    # One that was cancelled meanwhile finds itself no longer among those that wait, and lets the next one go.
    if not turn.done():
        turn.set_result(None)
