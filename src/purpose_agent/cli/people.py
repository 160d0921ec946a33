"""`purpose-agent runs questions|approve|edit|reject|done|pause|abort|score|teach`: what people say to a run, from any process.

In:  the id of a run, and a person's word.
Out: a row that the run hears; a line that says when that is.
"""

import json
from typing import TYPE_CHECKING, Annotated, cast

import typer

from purpose_agent.cli.going_on import Called, what_now
from purpose_agent.cli.options import By, Folder, who
from purpose_agent.cli.render import say, table
from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json

if TYPE_CHECKING:
    from purpose_agent.agents.control import RunControl

Id = Annotated[str, typer.Argument(metavar="ID", help="As `runs list` shows it.")]
Call = Annotated[
    str | None, typer.Option(help="The call that is meant, as `runs questions` shows it; needed if several are asked about.")
]


def questions(
    id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Of this run and its parts only; else of all that wait.")
    ] = None,
    workspace: Folder = None,
) -> None:
    """List what runs ask people about: calls that nobody has answered for. Parts of flows, swarms and teams ask, too."""
    from purpose_agent.agents.standing import Asked, asked_in, top_of
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    waiting = opened.waiting() if id is None else []
    found: list[Asked] = []
    for run in [id] if id is not None else [row.id for row in waiting]:
        found += [each for each in asked_in(opened, run) if each not in found]
    if not found:
        say("Nothing is asked.")
    else:
        table(
            ("run", "call", "tool", "part of", "arguments", "why"),
            [
                (
                    each.run_id,
                    each.question.call_id,
                    each.question.tool,
                    top if (top := top_of(opened, each.run_id)) != each.run_id else "–",
                    json.dumps(dict(each.question.arguments), ensure_ascii=False, default=str),
                    each.question.why,
                )
                for each in found
            ],
        )
    for run in dict.fromkeys(top_of(opened, run) for run in ([id] if id is not None else [row.id for row in waiting])):
        if lines := list(what_now(opened, run, Called(workspace))):
            say("\n".join(["", *lines]))


def approve(id: Id, call: Call = None, by: By = "", workspace: Folder = None) -> None:
    """Let a call be carried out."""
    run = _asking(id, workspace)
    run.approve(call, by=who(by))
    _said(run, workspace)


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
    run = _asking(id, workspace)
    run.edit(cast("dict[str, Json]", given), call, by=who(by))
    _said(run, workspace)


def reject(
    id: Id,
    why: Annotated[str, typer.Argument(help="The agent is told.")] = "",
    call: Call = None,
    by: By = "",
    workspace: Folder = None,
) -> None:
    """Keep a call from being carried out, and say why."""
    run = _asking(id, workspace)
    run.reject(why, call, by=who(by))
    _said(run, workspace)


def done(
    id: Id,
    result: Annotated[str, typer.Argument(help="What it gave; the agent reads it as the call's result.")],
    call: Call = None,
    by: By = "",
    workspace: Folder = None,
) -> None:
    """Say that a call is done already, and what it gave."""
    run = _asking(id, workspace)
    run.done(result, call, by=who(by))
    _said(run, workspace)


def pause(
    id: Id,
    why: Annotated[str, typer.Argument(help="For the record.")] = "",
    by: By = "",
    workspace: Folder = None,
) -> None:
    """Have a running run stand still before its next step."""
    run = _run(id, workspace)
    run.pause(why, by=who(by))
    say(f"{id} stands still before its next step. To go on then: {Called(workspace).command(f'runs resume {id}')}")


def abort(
    id: Id,
    why: Annotated[str, typer.Argument(help="For the record.")] = "",
    by: By = "",
    workspace: Folder = None,
) -> None:
    """End a run, as cancelled."""
    run = _run(id, workspace)
    run.abort(why, by=who(by))
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
    if run.override_phi(step, phi, why, by=who(by)):
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
    memory = run.teach(text, when=when, by=who(by))
    say(f"{memory.id}: {memory.status}. {memory.lesson.text}")
    if memory.status != "promoted":
        say(f"The run does not see it. Why: purpose-agent memories why {memory.id}")
        raise typer.Exit(1)
    _said(run, workspace)


def _run(id: str, workspace: Folder) -> "RunControl":
    from purpose_agent.agents.workspace import Workspace

    return Workspace(workspace).control(id)


def _asking(id: str, workspace: Folder) -> "RunControl":
    """The run itself; where it asks nothing and one of its parts does, that part's run."""
    from purpose_agent.agents.standing import asked_in
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    asking = tuple(dict.fromkeys(each.run_id for each in asked_in(opened, id)))
    if len(asking) > 1 and id not in asking:
        raise UsageError(f"{len(asking)} parts of {id} ask: {', '.join(asking)}. Say which one is meant, by its id.")
    return opened.control(id if id in asking or not asking else asking[0])


def _said(run: "RunControl", workspace: Folder) -> None:
    from purpose_agent.agents.workspace import Workspace

    if run.row.status == "running":
        say(f"Said. {run.run_id} hears it before its next step.")
    elif left := run.questions():
        say(f"Said. {run.run_id} still asks about: {', '.join(f'{each.call_id} ({each.tool})' for each in left)}.")
    else:
        say("\n".join(["Said.", *what_now(Workspace(workspace), run.run_id, Called(workspace))]))
