"""`purpose-agent runs resume`, `fork` and `diff`: go on with a run, begin one as another did, see where two part.

In:  ids of runs; the program that has the agents, where they have tools or a world; what became of what was in flight.
Out: what became of it, for people, and what it waits for; exit code as of `purpose-agent run`.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from purpose_agent.cli.going_on import Called, told_after_ctrl_c, what_now
from purpose_agent.cli.options import By, Folder, who
from purpose_agent.cli.programs import load_program
from purpose_agent.cli.render import action_line, counted, one_line, phi, say, table, watching
from purpose_agent.core.errors import UsageError

if TYPE_CHECKING:
    from purpose_agent.runtime.difference import StepDifference
    from purpose_agent.runtime.trace import Step

SEEN = 60

App = Annotated[
    str | None,
    typer.Option("--app", help="The program that makes its agents: mypackage.agents, or a file. Needed where they have tools."),
]


def resume(
    id: Annotated[str, typer.Argument(metavar="ID", help="A run that waits, is paused, failed, or whose process died.")],
    app: App = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Instead of the model that it had.")] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="What was in flight when its process died shall be done again: a call, or a flow's node."),
    ] = False,
    done: Annotated[
        str | None,
        typer.Option(metavar="RESULT", help="What was in flight is done, and gave this; of a flow's node, its values as JSON."),
    ] = None,
    call: Annotated[str | None, typer.Option(help="The call or the node that is meant, if several were in flight.")] = None,
    by: By = "",
    watch: Annotated[bool, typer.Option("--watch", help="A line for each event, as it happens.")] = False,
    workspace: Folder = None,
) -> None:
    """Go on with a run after its last complete step."""
    from purpose_agent.agents.any_run import Found, resume_any
    from purpose_agent.agents.workspace import open_workspace
    from purpose_agent.cli.outcome import show_result
    from purpose_agent.engine.result import TaskResult

    if (again and done is not None) or (call is not None and not again and done is None):
        raise UsageError("Say of what was in flight either --again or --done RESULT; --call says which of several is meant.")
    found = Found(done, call, who(by)) if again or done is not None else None
    if app is not None:
        load_program(app, workspace)
    place, called = open_workspace(workspace), Called(workspace, app)
    with told_after_ctrl_c(place, called, id), watching(every=watch) as show_event:
        result = resume_any(place, id, model=model or None, found=found, watch=show_event)
    if isinstance(result, TaskResult):
        show_result(result)
    else:
        say(str(result))
        say(f"{result.id}: {result.status}, {result.usage.tokens:,} tokens", style="bold")
    if lines := list(what_now(place, result.id, called)):
        say("\n".join(lines))
    if result.status != "finished" or (isinstance(result, TaskResult) and result.success is False):
        raise typer.Exit(1)


def fork(
    id: Annotated[str, typer.Argument(metavar="ID")],
    at: Annotated[int | None, typer.Option(min=0, help="The last step that is taken over; else the last complete one.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the steps to come; else as before.")] = None,
    workspace: Folder = None,
) -> None:
    """Begin a new run with the first steps of another one; `runs resume` goes on with it."""
    from purpose_agent.agents.workspace import open_workspace

    place = open_workspace(workspace)
    new = place.fork(id, at=at, seed=seed)
    say(f"{new}: paused. Go on with: {Called(workspace).resume(place, new)}")


def diff(
    first: Annotated[str, typer.Argument(metavar="FIRST")],
    second: Annotated[str, typer.Argument(metavar="SECOND")],
    workspace: Folder = None,
) -> None:
    """Show where two runs part, and how each ended. Exit code 1 if they differ."""
    from purpose_agent.agents.workspace import open_workspace

    found = open_workspace(workspace).compare(first, second)
    for name, one, other in found.settings:
        say(f"{name}: {one_line(str(one), SEEN)} | {one_line(str(other), SEEN)}")
    rows = [
        (str(step.index), ", ".join(step.differs) or "same", _told(step.first), _told(step.second), one_line(_left(step), SEEN))
        for step in found.steps
    ]
    table(("step", "differs", first, second, "state"), rows)
    for id, (status, answer), usage in zip((first, second), found.ends, found.usage, strict=True):
        spent = f"{counted(usage.calls, 'call', 'calls')}, {usage.tokens:,} tokens"
        say(f"{id}: {status or 'has not ended'}, {spent}; {one_line(answer or 'no answer', SEEN)}")
    parted = f"They part at step {found.parts_at}." if found.parts_at else "They ended differently."
    say("They did the same." if found.same else parted)
    if not found.same:
        raise typer.Exit(1)


def _told(step: "Step | None") -> str:
    if step is None:
        return "–"
    score = "" if step.score is None else f" (Φ {phi(step.score.after)})"
    return one_line(action_line(step.action) + score, SEEN)


def _left(step: "StepDifference") -> str:
    return ", ".join(step.state)
