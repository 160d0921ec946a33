"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer


def _or_before(context: typer.Context, value: Path | None) -> Path | None:
    """What stands after the command counts, else what stands before it."""
    return value if value is not None else context.find_root().params.get("workspace")


Folder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="The folder of runs and memories; else PURPOSE_AGENT_HOME, else .purpose_agent here.",
        file_okay=False,
        callback=_or_before,
    ),
]
"""Before the command or after it."""
By: TypeAlias = Annotated[str, typer.Option(help="Who says so; else the name of the user here.")]


def who(by: str) -> str:
    """Who speaks, as far as that is known."""
    return by or os.environ.get("USER", "")
