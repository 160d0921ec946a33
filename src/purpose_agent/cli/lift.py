"""`purpose-agent lift`: does memory help on my tasks, and how sure is that?

In:  a file of tasks with checks.
Out: the report, for people or as JSON, and a picture if one is wanted. Exit code 0 for a measurement, whatever it
     found; 1 if nothing could be measured.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import say, screen, watching
from purpose_agent.core.errors import UsageError

if TYPE_CHECKING:
    from purpose_agent.evals.curve import Series


def lift(
    tasks: Annotated[Path, typer.Option("--tasks", "-t", help="Tasks with checks: .jsonl or .yaml; see docs/lift.md.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", envvar="PURPOSE_AGENT_MODEL", help="Such as ollama:qwen3:1.7b; else the best on this machine."
        ),
    ] = None,
    budget: Annotated[str, typer.Option(help="For all runs together: '200 runs' (or a bare number), or '500k tokens'.")] = "",
    agent: Annotated[str, typer.Option(help="The agent's name: memories are kept, and found, under it.")] = "solver",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each held-out task, with memory and without.")] = 3,
    learn: Annotated[bool, typer.Option(help="Learn on about half of the tasks; or measure what --workspace knows.")] = True,
    ablate: Annotated[bool, typer.Option("--ablate", help="Measure without each memory alone, too.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Draw success over the training tasks into this file.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="A line for each event, as it happens.")] = False,
    workspace: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout; what is watched goes to stderr.")] = False,
) -> None:
    """Measure on your own tasks: success with memory minus success without, on tasks nothing was learned from."""
    from purpose_agent.agents.budget import Budget
    from purpose_agent.agents.measuring.lift import lift as measured
    from purpose_agent.agents.task_file import load_tasks

    cap = Budget.parse(budget, unit="runs") if budget else None
    loaded = load_tasks(tasks)
    with watching(every=watch, stderr=as_json) as show_event:
        report = measured(
            loaded,
            model=model or None,
            name=agent,
            workspace=workspace,
            seeds=seeds,
            learn=learn,
            ablate=ablate,
            budget=cap,
            watch=show_event,
        )
    curve = report.training_curve()
    if svg is not None:
        _draw(svg, curve, len(report.curve))
    if as_json:
        screen().out(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        say(report.summary())
        if curve is not None:
            from purpose_agent.evals.curve import as_text

            say()
            say(as_text("success in the last 10 training tasks, by tasks done", [curve]))
        if report.workspace:
            say(f"What was learned is in {report.workspace}: purpose-agent memories list -w {report.workspace}")
        elif report.memories:
            say("It was learned in a temporary folder, which is gone; --workspace FOLDER keeps it.")
    if report.verdict == "unknown":
        raise typer.Exit(1)


def _draw(file: Path, curve: "Series | None", done: int) -> None:
    from purpose_agent.evals.curve import as_svg

    if curve is None:
        say(f"--svg: {done} training tasks are too few for a curve; nothing was drawn.", stderr=True)
        return
    picture = as_svg("Success in the last 10 training tasks", "training tasks done", [curve])
    try:
        file.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--svg {file} can't be written: {error}") from error
