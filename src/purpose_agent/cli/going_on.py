"""What a run that stands still needs, in commands that can be copied: who asks what, how to answer, how to go on.

In:  the id of a run; how this command was called.
Out: lines; after Ctrl-C, how to go on with what was under way.
"""

import shlex
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from purpose_agent.cli.elsewhere import where_else
from purpose_agent.cli.render import arguments_line, say
from purpose_agent.core.errors import NotFound
from purpose_agent.runtime.events import Event

if TYPE_CHECKING:
    from purpose_agent.agents.standing import Asked
    from purpose_agent.agents.workspace import Workspace

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells have it."""
_GO_ON: Final = ("waiting", "paused", "interrupted", "cancelled", "failed")


@dataclass(frozen=True, slots=True)
class Called:
    """How this command was called, as far as those that it names have to be called alike."""

    workspace: Path | None = None
    app: str | None = None

    def command(self, words: str) -> str:
        """That command of ours, in the same workspace."""
        place = "" if self.workspace is None else f" -w {shlex.quote(str(self.workspace))}"
        return f"purpose-agent {words}{place}"

    def resume(self, place: "Workspace", run_id: str) -> str:
        """The command that goes on with a run."""
        from purpose_agent.agents.any_run import needs_program

        app = shlex.quote(self.app) if self.app is not None else "FILE" if needs_program(place, run_id) else ""
        return self.command(f"runs resume {run_id}{f' --app {app}' if app else ''}")


def what_now(place: "Workspace", run_id: str, called: Called) -> Iterator[str]:
    """What is asked in a run and how to answer; how to go on with it, or with what it is a part of.

    Nothing, if it is over, or kept elsewhere.
    """
    from purpose_agent.agents.continuing import find_trace
    from purpose_agent.agents.standing import asked_in, nodes_in_doubt, top_of

    if find_trace(place, run_id) is None:
        return
    top = place.run(top_of(place, run_id))
    end = place.trace(top.id).finished
    if top.status not in _GO_ON or (end is not None and end.ended_by is not None):
        return
    asked = asked_in(place, top.id)
    for each in asked:
        yield from _question(each, sum(other.run_id == each.run_id for other in asked) > 1, called)
    resume = called.resume(place, top.id)
    doubtful = nodes_in_doubt(place.trace(top.id))
    for name in doubtful:
        which = f" --call {name}" if len(doubtful) > 1 else ""
        yield f"{name} had begun when its process ended, and nobody knows how far it came. Find out; then"
        yield f"  {'to run it again:':<17}{resume} --again{which}"
        yield f"  {'if it is done:':<17}{resume} --done JSON{which}"
    if not doubtful:
        yield f"{'Then go on' if asked else 'To go on'}: {resume}"


def _question(asked: "Asked", is_one_of_several: bool, called: Called) -> Iterator[str]:
    question, run = asked.question, asked.run_id
    call = f" --call {question.call_id}" if is_one_of_several else ""
    yield f"{asked.agent} asks: {question.tool}({arguments_line(question.arguments)}). {question.why}"
    yield f"  {'to do it again:' if question.in_flight else 'to allow it:':<16}{called.command(f'runs approve {run}{call}')}"
    yield f"  {'if it is done:':<16}{called.command(f'runs done {run} RESULT{call}')}"
    yield f"  {'to refuse it:':<16}{called.command(f'runs reject {run} WHY{call}')}"


@contextmanager
def told_after_ctrl_c(place: "Workspace", called: Called, run_id: str = "") -> Generator[Callable[[Event], None]]:
    """Hears the events of a run; after Ctrl-C it says how to go on with it, and leaves.

    Args:
        run_id: Which run; "": the one that the first event is of.
    """
    begun = [run_id] if run_id else []

    def hear(event: Event) -> None:
        if not begun:
            begun.append(event.run_id)

    try:
        yield hear
    except KeyboardInterrupt as error:
        say("\nStopped.", stderr=True)
        if begun:
            _tell(place, begun[0], called)
        elif told := where_else(place):
            say(f"What workers have begun, they end. {told}", stderr=True)
        raise typer.Exit(INTERRUPTED) from error


def _tell(place: "Workspace", run_id: str, called: Called) -> None:
    try:
        row = place.run(run_id)
    except NotFound:
        say("Nothing of it was saved yet.", stderr=True)
        return
    if lines := list(what_now(place, run_id, called)):
        say(f"{run_id} is kept, up to its last complete step.", stderr=True)
        say("\n".join(lines), stderr=True)
    elif row.status == "running":  # a second Ctrl-C: what ran it ends with this process
        say(f"{run_id} is kept. To go on: {called.resume(place, run_id)}", stderr=True)
    else:
        say(f"{run_id} had come to its end: {called.command(f'runs show {run_id}')}", stderr=True)
