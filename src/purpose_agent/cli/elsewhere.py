"""Runs that an engine keeps, shown beside those of the workspace; or where they are, if that is all that is known.

In:  an engine's address: as an option, by the variable, or as the workspace has it noted.
Out: rows, or a copy of a run to be shown; a sentence that says where runs are kept.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from purpose_agent.core.errors import NotFound

if TYPE_CHECKING:
    from purpose_agent.agents.workspace import Workspace
    from purpose_agent.durable.postgres import PostgresCheckpointer

PATIENCE_SECONDS = 3.0
"""So long somebody at a terminal waits for a database that is away."""

EngineSpec: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="Also what this engine keeps: dbos:postgresql://user:password@host/name; else what PURPOSE_AGENT_ENGINE says.",
    ),
]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where an engine keeps runs.

    Attributes:
        spec: The engine, without its password.
    """

    spec: str
    runs: "PostgresCheckpointer"


@contextmanager
def kept_by(engine: str | None) -> "Generator[Kept | None]":
    """What the engine keeps, as long as one looks; None if there is none but this process.

    Raises:
        UsageError: There is no such engine.
        MissingExtra: It needs the extra `dbos`.
    """
    from purpose_agent.durable.resolve import address_of

    url = address_of(engine)
    if url is None:
        yield None
        return
    from purpose_agent.durable.agreed import without_password
    from purpose_agent.durable.postgres import PostgresCheckpointer

    runs = PostgresCheckpointer(url, patience=PATIENCE_SECONDS)
    try:
        yield Kept(f"dbos:{without_password(url)}", runs)
    finally:
        runs.close()


def where_else(place: "Workspace") -> str:
    """Where runs of this workspace are kept that are not here, as far as it has that noted; "" if nothing is noted."""
    from purpose_agent.durable.noted import noted_engine

    spec = noted_engine(place.path)
    if spec is None:
        return ""
    return f"What an engine does for this workspace is kept at {spec}: name it, with its password, by --engine or PURPOSE_AGENT_ENGINE."


@contextmanager
def place_of(place: "Workspace", run_id: str, engine: str | None) -> "Generator[tuple[Workspace, str]]":
    """Where the run can be looked at, and who keeps it; "" for the workspace itself.

    Raises:
        NotFound: It is neither here nor there; the message says where else it may be.
    """
    from purpose_agent.agents.continuing import find_trace
    from purpose_agent.agents.elsewhere import copied, found_elsewhere

    if find_trace(place, run_id) is not None:
        yield place, ""
        return
    with kept_by(engine) as kept:
        traces = found_elsewhere(kept.runs, run_id) if kept is not None else []
    if kept is not None and traces:
        with copied(traces) as copy:
            yield copy, kept.spec
        return
    try:
        place.run(run_id)
    except NotFound as error:
        more = f"{kept.spec} has none either." if kept is not None else where_else(place)
        raise NotFound("\n".join(filter(None, (str(error), more)))) from error
