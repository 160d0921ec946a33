"""`run --stream`: the answer on the screen while the model writes it.

In:  a run to read.
Out: its text piece by piece, each agent's under its name where there are several; then the run's result.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from purpose_agent.cli.render import event_line, plain, say, screen
from purpose_agent.runtime.events import Event, TextStreamed
from purpose_agent.runtime.feed import Lagged

if TYPE_CHECKING:
    from purpose_agent.agents.streaming import RunStream
    from purpose_agent.engine.result import TaskResult


def show_while_written(
    stream: "RunStream", *, every: bool, stderr: bool = False, hear: Callable[[Event], None] = lambda _: None
) -> "tuple[TaskResult, bool]":
    """Read a run to its end. Its result, and whether the answer stands on the screen already.

    Args:
        every: A line for each of the other events, too.
        stderr: Where stdout is for something else.
        hear: Told each event, too.
    """
    console = screen(stderr=stderr)
    writer, written = "", ""
    for item in stream:
        if isinstance(item, Lagged):
            say(f"({item.missed} events were left out: the terminal was too slow)", style="dim", stderr=stderr)
            continue
        hear(item)
        if isinstance(item.payload, TextStreamed):
            if item.lane != writer:
                writer, written = item.lane, ""
                say(f"{writer} writes:", style="dim", stderr=stderr)
            written += item.payload.text
            console.out(plain(item.payload.text), end="", highlight=False)
        else:
            if writer and item.payload.kind in ("model_called", "model_retried", "model_waited", "run_finished"):
                console.out()
                writer = ""
            if every:
                say(event_line(item), style="dim", stderr=stderr)
    result = stream.result
    return result, result.answer is not None and written.strip() == result.answer.strip()
