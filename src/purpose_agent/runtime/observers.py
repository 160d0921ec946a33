"""Who is told of every event of this process, whichever run it belongs to.

In:  listeners.
Out: the same, for each `EventBus` that is made from then on: of runs, teams, flows, reflections and the gate.

An observer is treated like any listener of a run: it should return at once, and what it raises stops no run and is raised when
the run is over. A run that began before is not observed; one that goes on is no longer, once its observer is taken away.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from purpose_agent.runtime.events import Event


class _Observer:
    """A listener that can be taken away while buses hold it."""

    def __init__(self, listener: Callable[[Event], None]) -> None:
        self.listener: Callable[[Event], None] | None = listener

    def __call__(self, event: Event) -> None:
        if self.listener is not None:
            self.listener(event)


_observers: Final[list[_Observer]] = []


def observers() -> list[Callable[[Event], None]]:
    """Those of now, in the order they came."""
    return [*_observers]


def add_observer(listener: Callable[[Event], None]) -> Callable[[], None]:
    """Call `listener` with every event of runs that begin from now on, from whatever thread they run in.

    Returns:
        Takes it away again; calling that twice does no harm.
    """
    observer = _Observer(listener)
    _observers.append(observer)

    def remove() -> None:
        observer.listener = None
        if observer in _observers:
            _observers.remove(observer)

    return remove


@contextmanager
def observing(listener: Callable[[Event], None]) -> Generator[None]:
    """Within it, `listener` is called with every event of this process."""
    remove = add_observer(listener)
    try:
        yield
    finally:
        remove()
