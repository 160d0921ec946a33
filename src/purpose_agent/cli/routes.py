"""`purpose-agent routes`: which models routers chose, why, and how each model does.

In:  the runs of a workspace.
Out: two tables, or JSON: success by family and model, as far as outcomes are known; the newest choices.
"""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import one_line, say, screen, table, verdict, when

if TYPE_CHECKING:
    from purpose_agent.agents.routing import RouteRow


def routes(
    user: Annotated[str | None, typer.Option(help="As that user's tasks see it; left out: all runs.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="So many of the newest runs.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on stdout.")] = False,
    workspace: Folder = None,
) -> None:
    """Show which of several models runs were given, and how each model does."""
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    found = opened.routes(limit=limit, user=user)
    if as_json:
        screen().out(json.dumps(asdict(found), ensure_ascii=False, default=str))
        return
    if found.measured:
        table(
            ("succeeded", "seconds", "usd", "family", "model"),
            [
                (
                    f"{row.successes} of {row.runs}",
                    "–" if row.seconds is None else f"{row.seconds:.1f}",
                    "unknown" if row.usd is None else f"{row.usd:.4f}",
                    row.family or "(none)",
                    row.model,
                )
                for row in found.measured
            ],
        )
    else:
        say(f"No outcome of a model is known yet in {opened.path}.")
    say()
    if not found.chosen:
        say("No run had several models to choose from.")
        return
    table(
        ("at", "run", "outcome", "model", "why"),
        [
            (when(row.started_at), row.run_id, _outcome(row, number), choice.model, one_line(_why(row, number)))
            for row in found.chosen
            for number, choice in enumerate(row.chosen)
        ],
    )


def _outcome(row: "RouteRow", number: int) -> str:
    """Of the model's part in the run."""
    return verdict(row.success) if number == len(row.chosen) - 1 else "went on"


def _why(row: "RouteRow", number: int) -> str:
    choice = row.chosen[number]
    refused = [f"{option.model}: {option.refused}" for option in choice.considered if option.refused]
    told = "; ".join([choice.why, *(refused if number == 0 else [])])
    return f"{told} | {row.goal}" if number == 0 else told
