"""Whoever waits within a call tells it, to whoever listens around the call.

In:  a wait: which attempt comes after it, how long it takes, why.
Out: a call of the listener that was set last in this task, or in the one that started it; nothing where nobody listens.

A model's client doesn't know whose run it works for, and a run doesn't know how often its client tries: this is the line between
them. It holds for one task and the tasks and threads started from it by asyncio or anyio; other runs of the process hear nothing.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Noticed: TypeAlias = Callable[[int, float, str | None], object]
"""Takes the attempt that is waited for, from 1; the seconds; what the attempt before ended in, None where one's turn is waited for."""

_listener: ContextVar[Noticed | None] = ContextVar("waits_are_told_to", default=None)


@contextmanager
def noticing(listener: Noticed) -> Generator[None]:
    """Within it, `listener` is told of every wait before it begins."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell_of_wait(attempt: int, seconds: float, error: str | None = None) -> None:
    """Say that a wait begins; see `Noticed`."""
    listener = _listener.get()
    if listener is not None:
        listener(attempt, seconds, error)
