"""`purpose-agent runs costs`: what was spent, by agent, model, kind of task or day.

In:  the runs of a workspace.
Out: a table, or JSON; a price that is unknown is said to be, and the part that is known is said beside it.
"""

import json
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import counted, say, screen, table

if TYPE_CHECKING:
    from purpose_agent.runtime.costs import Cost


class By(StrEnum):
    """What costs are added up by."""

    agent = "agent"
    model = "model"
    family = "family"
    day = "day"


def costs(
    by: Annotated[By, typer.Option(help="What to add up by.")] = By.agent,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array on stdout.")] = False,
    workspace: Folder = None,
) -> None:
    """Show what was spent: calls, tokens, seconds in models, dollars."""
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    rows = opened.costs(by.value)
    if as_json:
        screen().out(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
        return
    if not rows:
        say(f"No model was asked yet in {opened.path}.")
        return
    table(
        ("runs", "calls", "read", "cached", "written", "seconds", "usd", by.value),
        [
            (
                str(row.runs),
                str(row.calls),
                f"{row.input_tokens:,}",
                f"{row.cached_tokens:,}",
                f"{row.output_tokens:,}",
                f"{row.seconds:.1f}",
                _dollars(row),
                row.key or "(none)",
            )
            for row in rows
        ],
    )


def _dollars(row: "Cost") -> str:
    if row.usd is not None:
        return f"{row.usd:.4f}"
    unknown = f"unknown in {counted(row.unpriced_runs, 'run', 'runs')}"
    return f"{row.usd_known:.4f} + {unknown}" if row.usd_known else unknown
