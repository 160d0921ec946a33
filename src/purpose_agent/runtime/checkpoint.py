"""Where the events of runs are kept, so that a run can go on where it was: the port.

In:  events of one run, in their order.
Out: the run's trace, as far as it was saved.

The record is the checkpoint. Whatever resumes folds its trace: what is in it is done, and is not done again. Adapters:
`checkpoints/` (memory, JSONL files, the workspace's SQLite file). All hold to one suite: `testing/checkpoint_suite.py`.
"""

from collections.abc import Sequence
from typing import Protocol

from purpose_agent.core.errors import UsageError
from purpose_agent.runtime.events import Event
from purpose_agent.runtime.trace import Trace


class Checkpointer(Protocol):
    """Keeps events. Calls block, as a rule for well under a millisecond."""

    def append(self, events: Sequence[Event]) -> None:
        """Save events of one run, all or none; they survive the death of the process once this returns.

        The first event of a run is its `RunStarted`. () saves nothing.

        Raises:
            RunTaken: Another process goes on with the run: an event of that number is there already, or one before it is
                missing. Nothing was saved.
            WorkspaceError: They can't be written, and none was.
            UsageError: They are of several runs, or the first one of the run is no `RunStarted`.
        """
        ...

    def load(self, run_id: str) -> Trace | None:
        """The run as far as it was saved; None if there is none of that id.

        Raises:
            WorkspaceError: It can't be read.
        """
        ...

    def runs(self) -> Sequence[str]:
        """The ids of all runs kept, newest first."""
        ...


def check_checkpointer(call: str, value: object) -> None:
    """Pass silently if `value` is None or has the methods of a `Checkpointer`.

    Args:
        call: What was given, and to whom.

    Raises:
        UsageError: It lacks one.
    """
    lacks = [name for name in ("append", "load", "runs") if not callable(getattr(value, name, None))]
    if value is not None and (lacks or isinstance(value, type)):
        said = "it is a class; make one of it" if isinstance(value, type) and not lacks else f"it has no {', '.join(lacks)}"
        raise UsageError(
            f"{call}: {said}. Give a checkpointer, such as JsonlCheckpointer('./runs') or MemoryCheckpointer(), or one of your own with"
            " append, load and runs."
        )
