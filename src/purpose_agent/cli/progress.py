"""How far a download is: a bar, or lines where nobody watches.

In:  what the catalogue reports while it fetches.
Out: on stderr, bytes, speed and the time that is left.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from purpose_agent.cli.render import say, screen, size

if TYPE_CHECKING:
    from purpose_agent.models.catalogue import Progress, Report


@contextmanager
def bytes_progress() -> "Generator[Report]":
    """A bar with bytes, speed and time left; where nobody watches, a line at every tenth."""
    console = screen(stderr=True)
    if not console.is_terminal:
        yield _Lines().report
        return
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def report(progress: "Progress") -> None:
            if progress.phase == "done":
                return
            if progress.phase not in tasks:
                tasks[progress.phase] = bars.add_task(_phase(progress), total=progress.total_bytes)
            bars.update(tasks[progress.phase], completed=progress.done_bytes, total=progress.total_bytes)

        yield report


class _Lines:
    """Remembers what was said last."""

    def __init__(self) -> None:
        self._said: tuple[str, int] | None = None

    def report(self, progress: "Progress") -> None:
        """Say it, if a tenth has passed or something new began."""
        now = (progress.phase, 10 * progress.done_bytes // max(1, progress.total_bytes))
        if progress.phase == "done" or now == self._said:
            return
        self._said = now
        left = "" if not progress.seconds_left else f", {progress.seconds_left:.0f} s left"
        say(f"{_phase(progress)}: {size(progress.done_bytes)} of {size(progress.total_bytes)}{left}", stderr=True)


def _phase(progress: "Progress") -> str:
    words = {"download": "fetching", "join": "joining", "verify": "checking the sha256 of", "done": "has"}
    source = f" from the {progress.source}" if progress.phase == "download" and progress.source else ""
    return f"{words[progress.phase]} {progress.name}{source}"
