"""The blocking façade: one event loop, in a thread of its own, that runs what blocking callers ask for.

In:  a coroutine, from any thread: a script's, a notebook's (its own loop may be running), one of several.
Out: its result, or its exception.

All blocking calls of a process share the loop, so that what is bound to a loop (an HTTP connection pool) can be
reused from one call to the next. The thread is a daemon: it doesn't keep a process alive. After a fork the child
makes its own.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from typing import Any, Literal, TypeVar

from purpose_agent.core.errors import UsageError

T = TypeVar("T")

INTERRUPTED = "interrupted"
"""The message of the cancellation that Ctrl-C causes; it tells an interrupted run from a cancelled one."""

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def how_stopped(error: BaseException) -> Literal["interrupted", "cancelled"]:
    """Whether what stopped some work from outside was Ctrl-C, or somebody who cancelled it."""
    return "interrupted" if INTERRUPTED in error.args or isinstance(error, KeyboardInterrupt) else "cancelled"


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run `coroutine` to its end on the background loop and return what it returns.

    Ctrl-C cancels it with the message `INTERRUPTED`, waits until it has ended (its last rows are saved then),
    and raises KeyboardInterrupt; a second Ctrl-C stops waiting.

    Raises:
        UsageError: Called from the background loop itself, which would wait for itself for ever.
    """
    loop = _background_loop()
    if _running_loop() is loop:
        coroutine.close()
        raise UsageError(
            "A blocking call was made from inside an async one (a tool or a callback, perhaps). "
            "Use the async form there, such as `await agent.run_async(...)` instead of `agent.run(...)`."
        )
    outcome: Future[T] = Future()
    tasks: set[asyncio.Task[None]] = set()  # the loop itself holds tasks weakly
    begun: list[asyncio.Task[None] | None] = []

    async def run() -> None:
        if outcome.done():
            return
        begun.append(asyncio.current_task())
        try:
            outcome.set_result(await coroutine)
        # Not ours to judge: the caller gets whatever it is. Left here, SystemExit would end the loop for everybody.
        except BaseException as error:  # noqa: BLE001
            outcome.set_exception(error)

    def interrupt() -> None:
        if begun and begun[0]:
            begun[0].cancel(INTERRUPTED)
        elif not outcome.done():
            # A task cancelled before its first step would never reach the lines that settle the outcome.
            coroutine.close()
            outcome.set_exception(KeyboardInterrupt())

    try:
        # Runs in a copy of the caller's context: context variables are seen inside.
        loop.call_soon_threadsafe(lambda: tasks.add(loop.create_task(run())))
        return outcome.result()
    except KeyboardInterrupt:
        if not outcome.done():
            loop.call_soon_threadsafe(interrupt)
            wait([outcome])
        raise


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _background_loop() -> asyncio.AbstractEventLoop:
    """This process's loop, running."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="purpose-agent", daemon=True).start()
        return _loop


def _after_fork_in_child() -> None:
    """The thread that ran the parent's loop doesn't exist here."""
    global _lock, _loop
    _lock = threading.Lock()
    if _loop is not None:
        _of_ancestors.append(_loop)
        _loop = None


_of_ancestors: list[asyncio.AbstractEventLoop] = []
"""Kept, since collecting a loop that was never closed is a warning, and closing it is its owner's act."""

os.register_at_fork(after_in_child=_after_fork_in_child)
