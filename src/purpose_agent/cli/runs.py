"""`purpose-agent run` and `purpose-agent runs`: have a task done; look at what was done.

In:  a task and its tests; ids of runs.
Out: the answer and what was learned, for people or as JSON; exit code 0 for an answer that no check refutes.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from purpose_agent.cli import costs as spending
from purpose_agent.cli import export as exporting
from purpose_agent.cli import people
from purpose_agent.cli import resume as resuming
from purpose_agent.cli.elsewhere import EngineSpec, kept_by, place_of, where_else
from purpose_agent.cli.going_on import Called, told_after_ctrl_c, what_now
from purpose_agent.cli.options import Folder
from purpose_agent.cli.outcome import show_result
from purpose_agent.cli.render import one_line, phi, say, screen, table, verdict, watching, when
from purpose_agent.cli.shown import afterwards, header, not_heard_yet, told_steps
from purpose_agent.core.errors import PurposeAgentError, UsageError
from purpose_agent.core.task import Check, Task
from purpose_agent.runtime.events import Event
from purpose_agent.runtime.trace import event_to_json

if TYPE_CHECKING:
    from purpose_agent.agents.workspace import Workspace
    from purpose_agent.engine.result import TaskResult
    from purpose_agent.runtime.record import RunRow

app = typer.Typer(help="Runs: list, show, resume, fork, diff; what they cost; what people say to them.", no_args_is_help=True)
app.command("resume")(resuming.resume)
app.command("fork")(resuming.fork)
app.command("diff")(resuming.diff)
app.command("export")(exporting.export)
app.command("costs")(spending.costs)
for _command in (
    people.questions,
    people.approve,
    people.edit,
    people.reject,
    people.done,
    people.pause,
    people.abort,
    people.score,
    people.teach,
):
    app.command()(_command)

GOAL = 60


def run(
    task: Annotated[str, typer.Argument(help="What is wanted, in words.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", envvar="PURPOSE_AGENT_MODEL", help="Such as ollama:qwen3:1.7b; else the best on this machine."
        ),
    ] = None,
    tests: Annotated[
        Path | None,
        typer.Option(help="A file of Python assertions that the answer's code must pass.", exists=True, dir_okay=False),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="A line for each event, as it happens.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="The answer as the model writes it.")] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Ask here: which team to take, and before calls that need a person.")
    ] = False,
    workspace: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout; what is watched goes to stderr.")] = False,
    settle: Annotated[bool, typer.Option(help="Try what was learned, with runs of its own.")] = True,
) -> None:
    """Have a task done, and learn from it."""
    from purpose_agent.agents.teams.purpose import purpose

    wanted = Task(task, checks=_checks(tests))
    # Assertions can judge nothing but code, whatever the words of the task say.
    words = f"Write Python code. {task}" if tests else task
    team = purpose(words, model=model or None, workspace=workspace, interactive=interactive)
    called = Called(workspace)
    shown = False
    with told_after_ctrl_c(team.workspace, called) as hear:
        if stream:
            from purpose_agent.cli.writing import show_while_written

            # Internal events, too: where an answer of a model ends is one of them.
            reading = team.stream(wanted, visibility="debug" if watch else "internal", capacity=None)
            result, shown = show_while_written(reading, every=watch, stderr=as_json, hear=hear)
        else:
            with watching(every=watch, stderr=as_json, also=hear) as show_event:
                result = team.run(wanted, watch=show_event)
    if not as_json:
        show_result(result, answer=not shown)
    if lines := list(what_now(team.workspace, result.id, called)):
        say("\n".join(lines), stderr=as_json)
    settled = ""
    if settle:
        with watching(every=watch, stderr=as_json) as show_event:
            settled = settled_words(team.workspace, show_event)
    if as_json:
        screen().out(json.dumps(_as_data(result, settled), ensure_ascii=False))
    elif settled:
        say(settled)
    if result.status != "finished" or result.success is False:
        raise typer.Exit(1)


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    every: Annotated[bool, typer.Option("--all", help="Those of team members and of trials too.")] = False,
    engine: EngineSpec = None,
    workspace: Folder = None,
) -> None:
    """List the newest runs, newest first; then those that an engine keeps."""
    from purpose_agent.agents.elsewhere import copied, newest_elsewhere
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    rows = opened.runs(limit=limit, top=not every)
    if rows:
        _list(rows)
    else:
        say(f"No runs yet in {opened.path}.")
    with kept_by(engine) as kept:
        traces = newest_elsewhere(opened, kept.runs, limit=limit, top=not every) if kept is not None else []
    if kept is None:
        if told := where_else(opened):
            say(told)
        return
    if not traces:
        say(f"{kept.spec} keeps no others.")
        return
    say(f"\nkept by {kept.spec}:")
    with copied(traces) as copy:
        _list(copy.runs(limit=limit))


def _list(rows: "Sequence[RunRow]") -> None:
    table(
        ("id", "began", "agent", "status", "checks", "Φ", "steps", "task"),
        [
            (
                row.id,
                when(row.started_at),
                row.agent,
                row.status,
                verdict(row.success),
                phi(row.phi),
                str(row.steps),
                one_line(row.goal, GOAL),
            )
            for row in rows
        ],
    )


@app.command()
def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="As `runs list` shows it.")],
    events: Annotated[bool, typer.Option("--events", help="Every event, as a line of JSON.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="With --events: those of its members' and parts' runs too, each where it began.")
    ] = False,
    why: Annotated[bool, typer.Option("--why", help="What it had learned, traced to the runs that taught it.")] = False,
    engine: EngineSpec = None,
    workspace: Folder = None,
) -> None:
    """Show a run: its steps with action, observation and score, or its parts; its lessons; what it waits for."""
    from purpose_agent.agents.workspace import Workspace

    if every and not events:
        raise UsageError("`runs show --all` goes with --events: it is the events of members' runs that are shown too.")
    opened = Workspace(workspace)
    with place_of(opened, id, engine) as (place, keeper):
        row, trace = place.run(id), place.trace(id)
        if events:
            lines = place.timeline(row.id) if every else trace.events
            screen().out("".join(f"{event_to_json(event)}\n" for event in lines), end="")
            return
        if why:
            from purpose_agent.cli.why import told_why

            say(f"{header(row)}\n")
            say(told_why(opened, trace))
            return
        say(header(row))
        for told in told_steps(place, trace):
            say(told)
        say(afterwards(trace, row))
        if keeper:
            told = " What it asks is answered in the workspace of the worker that did it." if row.status == "waiting" else ""
            say(f"\nkept by {keeper}.{told}")
        elif rest := [*not_heard_yet(place, row.id), *what_now(place, row.id, Called(workspace))]:
            say("\n".join(["", *rest]))


def settled_words(workspace: "Workspace", watch: Callable[[Event], None]) -> str:
    """Try what was learned; what became of it in words, "" if nothing was waiting.

    Trouble on the way is said on stderr, and is no trouble of the run that went before.
    """
    from purpose_agent.agents.settled import Settled

    try:
        settled = workspace.settle(watch=watch)
    except PurposeAgentError as error:
        say(f"Not all that was learned could be tried: {error}", stderr=True)
        return ""
    return "" if settled == Settled() else settled.summary()


def _checks(tests: Path | None) -> list[Check]:
    if tests is None:
        return []
    try:
        text = tests.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--tests {tests} can't be read as text: {error}") from error
    if not text.strip():
        raise UsageError(f"--tests {tests} is empty; write for example: assert fib(10) == 55")
    return [Check.python(text)]


def _as_data(result: "TaskResult", settled: str) -> dict[str, Any]:
    return {
        "id": result.id,
        "status": result.status,
        "success": result.success,
        "answer": result.answer,
        "reason": result.reason,
        "phi": result.final_phi,
        "steps": result.total_steps,
        "input_tokens": result.usage.input_tokens,
        "output_tokens": result.usage.output_tokens,
        "usd": result.usage.usd,
        "recalled": [{"id": found.memory.id, "text": found.memory.lesson.text, "why": found.why} for found in result.recalled],
        "lessons": [{"id": memory.id, "status": memory.status, "text": memory.lesson.text} for memory in result.lessons],
        "settled": settled,
    }
