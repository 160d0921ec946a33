"""Which engine a word stands for.

In:  "dbos:postgresql://…", or nothing; then the variable PURPOSE_AGENT_ENGINE.
Out: an engine, or None: this process does its jobs itself.
"""

import os
from functools import cache
from typing import Final

from purpose_agent.core.errors import UsageError
from purpose_agent.durable.agreed import without_password
from purpose_agent.durable.dbos_engine import DbosEngine
from purpose_agent.runtime.jobs import Engine

VARIABLE: Final = "PURPOSE_AGENT_ENGINE"
_here = False


def work_here() -> None:
    """From now on this process is a worker: what a job starts is done here, and not queued again.

    A job that waited in a worker for jobs in the same queue would wait for ever once all workers did so.
    """
    global _here
    _here = True


def engine_of(spec: str | Engine | None = None) -> Engine | None:
    """The engine that `spec` names; None for the process itself.

    Args:
        spec: "local", "dbos:" and an address of a PostgreSQL database, or an engine; None: what `PURPOSE_AGENT_ENGINE` says.

    Raises:
        MissingExtra: It needs the extra `dbos`, which is not installed.
        UsageError: There is no such engine.
    """
    if isinstance(spec, DbosEngine):
        return None if _here else spec
    if spec is not None and not isinstance(spec, str):
        return spec
    url = address_of(spec)
    if url is None:
        return None
    engine = _dbos(url)
    return None if _here else engine


def address_of(spec: str | None = None) -> str | None:
    """Where the engine's database is; None if the process does its jobs itself.

    Raises:
        UsageError: There is no such engine.
    """
    said = os.environ.get(VARIABLE, "") if spec is None else spec
    kind, _, url = said.partition(":")
    match kind:
        case "" | "local" if not url:
            return None
        case "dbos":
            return url
        case _:
            where = f" (from {VARIABLE})" if spec is None else ""
            raise UsageError(
                f"There is no engine {without_password(said)!r}{where}. Say 'local', or 'dbos:' and the address of a "
                "PostgreSQL database: 'dbos:postgresql://user:password@host:5432/name'."
            )


@cache
def _dbos(url: str) -> DbosEngine:
    """One for each address: workspaces share its connections."""
    return DbosEngine(url)
