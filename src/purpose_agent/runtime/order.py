"""The numbers of events as a fence: who saves a number first has the run.

In:  events that are to be saved, the number of the last one that was.
Out: a refusal where another process has gone on with the run, or something is missing.
"""

from collections.abc import Sequence

from purpose_agent.core.errors import RunTaken, UsageError
from purpose_agent.runtime.events import Event, RunStarted


def run_of(events: Sequence[Event]) -> str:
    """The run that all of these belong to.

    Raises:
        UsageError: They are of several runs, or the first event of the run is among them and is no `RunStarted`.
    """
    run_id = events[0].run_id
    if any(event.run_id != run_id for event in events):
        runs = ", ".join(sorted({event.run_id for event in events}))
        raise UsageError(f"Events are saved run by run; these are of several: {runs}.")
    first = events[0]
    if first.seq == 1 and not isinstance(first.payload, RunStarted):
        raise UsageError(f"A run begins with RunStarted, not with {first.payload.kind!r}.")
    return run_id


def check_order(events: Sequence[Event], *, last: int) -> None:
    """Pass silently if these go on after the event number `last` of their run, without a gap.

    Raises:
        RunTaken: They don't.
    """
    for expected, event in enumerate(events, start=last + 1):
        if event.seq != expected:
            number, run_id = event.seq, event.run_id
            if number < expected:
                found = f"Event {number} of {run_id} is there already"
            else:
                found = f"The event before number {number} of {run_id} is missing"
            raise RunTaken(
                f"{found} (the last one saved is {last}): another process has gone on with this run. Nothing was saved. Load the run "
                "again and go on after its last event, or leave it to the other process."
            )
