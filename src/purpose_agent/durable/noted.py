"""Which engine works for a workspace, noted in its folder: whoever looks there for the runs is told where they are.

In:  a folder, an engine.
Out: the engine's address without its password, in a file; what was noted.
"""

import logging
from pathlib import Path
from typing import Final

from purpose_agent.durable.agreed import without_password
from purpose_agent.durable.dbos_engine import DbosEngine
from purpose_agent.runtime.jobs import Engine

NAME: Final = "engine"
_log = logging.getLogger(__name__)


def note_engine(folder: Path, engine: Engine) -> None:
    """Note it, if it is one that keeps runs elsewhere."""
    if not isinstance(engine, DbosEngine):
        return
    try:
        if noted_engine(folder) == engine.spec:
            return
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NAME).write_text(f"{engine.spec}\n", encoding="utf-8")
    except OSError as error:
        # The engine does its work as well; only people who look here will not be led there.
        _log.warning("Where the runs of %s are kept could not be noted there: %s", folder, error)


def noted_engine(folder: Path) -> str | None:
    """What was noted last, without a password; None if nothing was."""
    try:
        noted = (folder / NAME).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return without_password(noted.strip()) or None
