"""`purpose-agent runs questions|approve|edit|reject|done|pause|abort|score|teach`: what people say to a run, from any process.

In:  the id of a run, and a person's word.
Out: a row that the run hears; a line that says when that is.
"""

import json
import os
from typing import TYPE_CHECKING, Annotated, cast

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import say, table
from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json

if TYPE_CHECKING:
    from purpose_agent.agents.control import RunControl

Id = Annotated[str, typer.Argument(metavar="ID", help="As `runs list` shows it.")]
Call = Annotated[
    str | None, typer.Option(help="The call that is meant, as `runs questions` shows it; needed if several are asked about.")
]
By = Annotated[str, typer.Option(help="Who says so; else the name of the user here.")]


def questions(
    id: Annotated[str | None, typer.Argument(metavar="ID", help="Of this run only; else of all that wait.")] = None,
    workspace: Folder = None,
) -> None:
    """List what runs ask people about: calls that nobody has answered for."""
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    runs = [id] if id is not None else [row.id for row in opened.waiting()]
    rows = [
        (run, asked.call_id, asked.tool, json.dumps(dict(asked.arguments), ensure_ascii=False, default=str), asked.why)
        for run in runs
        for asked in opened.control(run).questions()
    ]
    if not rows:
        say("Nothing is asked.")
        return
    table(("run", "call", "tool", "arguments", "why"), rows)


def approve(id: Id, call: Call = None, by: By = "", workspace: Folder = None) -> None:
    """Let a call be carried out."""
    run = _run(id, workspace)
    run.approve(call, by=_who(by))
    _said(run)


def edit(
    id: Id,
    arguments: Annotated[str, typer.Argument(metavar="JSON", help="""All of them, such as '{"to": "a@b.example"}'.""")],
    call: Call = None,
    by: By = "",
    workspace: Folder = None,
) -> None:
    """Let a call be carried out with other arguments."""
    try:
        given: object = json.loads(arguments)
    except ValueError as error:
        raise UsageError(f"{arguments!r:.100} is no JSON ({error}). Write for example: '{{\"amount\": 10}}'") from error
    if not isinstance(given, dict):
        raise UsageError(f"{arguments!r:.100} is no object: give all arguments by name, such as '{{\"amount\": 10}}'.")
    run = _run(id, workspace)
    run.edit(cast("dict[str, Json]", given), call, by=_who(by))
    _said(run)


def reject(
    id: Id,
    why: Annotated[str, typer.Argument(help="The agent is told.")] = "",
    call: Call = None,
    by: By = "",
    workspace: Folder = None,
) -> None:
    """Keep a call from being carried out, and say why."""
    run = _run(id, workspace)
    run.reject(why, call, by=_who(by))
    _said(run)


def done(
    id: Id,
    result: Annotated[str, typer.Argument(help="What it gave; the agent reads it as the call's result.")],
    call: Call = None,
    by: By = "",
    workspace: Folder = None,
) -> None:
    """Say that a call is done already, and what it gave."""
    run = _run(id, workspace)
    run.done(result, call, by=_who(by))
    _said(run)


def pause(
    id: Id,
    why: Annotated[str, typer.Argument(help="For the record.")] = "",
    by: By = "",
    workspace: Folder = None,
) -> None:
    """Have a running run stand still before its next step."""
    _run(id, workspace).pause(why, by=_who(by))
    say(f"{id} stands still before its next step. To go on: purpose-agent runs resume {id}")


def abort(
    id: Id,
    why: Annotated[str, typer.Argument(help="For the record.")] = "",
    by: By = "",
    workspace: Folder = None,
) -> None:
    """End a run, as cancelled."""
    run = _run(id, workspace)
    run.abort(why, by=_who(by))
    say(f"{id} ends before its next step." if run.row.status == "running" else f"{id} has ended.")


def score(
    id: Id,
    step: Annotated[int, typer.Argument(help="As `runs show` numbers it.")],
    phi: Annotated[float, typer.Argument(metavar="PHI", help="0 to 10.")],
    why: Annotated[str, typer.Option(help="For the record.")] = "",
    by: By = "",
    workspace: Folder = None,
) -> None:
    """Say what Φ really is after a step; its critic learns from that."""
    run = _run(id, workspace)
    if run.override_phi(step, phi, why, by=_who(by)):
        say("Kept, and evidence about the critic. What all of it comes to: purpose-agent critics")
    else:
        say("Kept. No evidence about a critic: none scored that step, checks or a world judge the run, or Φ is exactly 5.")


def teach(
    id: Id,
    text: Annotated[str, typer.Argument(help="What to do, in words.")],
    when: Annotated[str, typer.Option(help="In which kind of task; else always.")] = "",
    by: By = "",
    workspace: Folder = None,
) -> None:
    """Teach while a run goes on; later runs are taught too."""
    run = _run(id, workspace)
    memory = run.teach(text, when=when, by=_who(by))
    say(f"{memory.id}: {memory.status}. {memory.lesson.text}")
    if memory.status != "promoted":
        say(f"The run does not see it. Why: purpose-agent memories why {memory.id}")
        raise typer.Exit(1)
    _said(run)


def _run(id: str, workspace: Folder) -> "RunControl":
    from purpose_agent.agents.workspace import Workspace

    return Workspace(workspace).control(id)


def _who(by: str) -> str:
    return by or os.environ.get("USER", "")


def _said(run: "RunControl") -> None:
    if run.row.status == "running":
        say(f"Said. {run.run_id} hears it before its next step.")
    elif left := run.questions():
        say(f"Said. {run.run_id} still asks about: {', '.join(f'{each.call_id} ({each.tool})' for each in left)}.")
    else:
        say(f"Said. To go on: purpose-agent runs resume {run.run_id}")
