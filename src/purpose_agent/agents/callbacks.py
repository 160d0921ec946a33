"""What a caller's own functions raise while a run of several parts goes on: kept, and raised once when all of it is over.

In:  listeners and other callbacks of the outermost run.
Out: the same, in a form that raises nothing; at the end, what they raised, as one group.

A listener is no part of the work: that it fails ends no part's run, and no results are lost by it (`runtime/event_bus.py` says the
same of one run). It is not called again.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ParamSpec

from purpose_agent.core.given import check_function
from purpose_agent.runtime.event_bus import Listener

P = ParamSpec("P")


@dataclass(slots=True)
class Callbacks:
    """Those of one run, and what they raised."""

    errors: list[Exception] = field(default_factory=list[Exception])

    def quiet(self, call: Callable[P, object]) -> Callable[P, None]:
        """The same function; what it raises is kept here, and from then on it is not called.

        Raises:
            UsageError: It is no function.
        """
        check_function(f"watch={call!r:.80}", call, "an event")
        broken = False

        def called(*args: P.args, **kwargs: P.kwargs) -> None:
            nonlocal broken
            if broken:
                return
            try:
                call(*args, **kwargs)
            # A door: it is the user's code, and may raise anything. `quietly` raises it again.
            except Exception as error:  # noqa: BLE001
                broken = True
                self.errors.append(error)

        return called

    def listeners(self, watch: Listener | None) -> list[Listener]:
        """The caller's listener, if there is one, as a run takes it."""
        return [self.quiet(watch)] if watch is not None else []


@contextmanager
def quietly() -> Generator[Callbacks]:
    """Around the outermost run. Where that raises itself, what callbacks raised is noted on it.

    Raises:
        ExceptionGroup: What callbacks raised; the run is over and saved.
    """
    callbacks = Callbacks()
    try:
        yield callbacks
    except BaseException as error:
        for each in callbacks.errors:
            error.add_note(f"A callback failed too: {type(each).__name__}: {each}")
        raise
    if callbacks.errors:
        raise ExceptionGroup("Callbacks failed; the run itself is complete and saved", callbacks.errors)
