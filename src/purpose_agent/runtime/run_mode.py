"""What a run may write, by its mode: said as it begins, asked by `Database.write`.

In:  the mode of a run and the file of its workspace.
Out: a refusal of what that mode doesn't allow, whoever tries it: the runner, a tool, a callback.

    learning    everything
    validation  the record of runs; nothing that was learned is changed
    evaluation  nothing

It holds for the run's own task, and for the tasks and threads that are started from it by asyncio or anyio: tools that
are plain functions run in one of those. Other runs of the same process, in other tasks, go on as they are.

Does not hold for: threads that a tool starts by `threading` or in an executor of its own, and child processes: they know
nothing of the run. Nor for another workspace: whoever writes there is not asked.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType

from purpose_agent.core.errors import NotInThisMode
from purpose_agent.runtime.events import RunMode

_STRICTNESS: Mapping[RunMode, int] = {"learning": 0, "validation": 1, "evaluation": 2}
_modes: ContextVar[Mapping[Path, RunMode]] = ContextVar("modes", default=MappingProxyType({}))
"""By file, of the run that is under way here."""


@contextmanager
def in_mode(file: Path, mode: RunMode) -> Generator[None]:
    """Within it, `file` is written to as far as `mode` allows.

    Raises:
        NotInThisMode: A run of a stricter mode is under way here; one that may write more can't be begun inside it.
    """
    around = mode_of(file)
    if _STRICTNESS[mode] < _STRICTNESS[around]:
        raise NotInThisMode(
            f"A run in {mode} mode was begun inside a run in {around} mode, on the same workspace ({file.parent}). Give the inner "
            f"one another workspace, or mode={around!r} too."
        )
    token = _modes.set({**_modes.get(), file: mode})
    try:
        yield
    finally:
        _modes.reset(token)


def mode_of(file: Path) -> RunMode:
    """The mode of the run that is under way here; "learning" if there is none."""
    return _modes.get().get(file, "learning")


def check_write(file: Path, *, learns: bool) -> None:
    """Pass silently if the run under way may write to `file`.

    Args:
        learns: What was learned is changed, not only the record of runs.

    Raises:
        NotInThisMode: It may not.
    """
    mode = mode_of(file)
    if mode == "evaluation":
        raise NotInThisMode(
            f"Something would be written to {file} during a run in evaluation mode, which writes nothing. Leave that tool out, let it "
            "use another workspace, or run in learning mode."
        )
    if mode == "validation" and learns:
        raise NotInThisMode(
            f"Something would be learned in {file} during a run in validation mode, which is recorded and teaches nothing. Leave that "
            "tool out, let it use another workspace, or run in learning mode."
        )
