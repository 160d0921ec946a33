"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Folder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="The folder of runs and memories; else PURPOSE_AGENT_HOME, else .purpose_agent here.",
        file_okay=False,
    ),
]
