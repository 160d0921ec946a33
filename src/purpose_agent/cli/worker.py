"""`purpose-agent worker`: a process that does jobs of others until it is stopped.

In:  the program that makes the agents, flows and teams; the engine's address.
Out: results in the queue; a line when it starts and when it ends. Exit code 0 after SIGTERM or Ctrl-C.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.programs import load_program
from purpose_agent.cli.render import counted, say
from purpose_agent.core.errors import UsageError

if TYPE_CHECKING:
    from purpose_agent.agents.workspace import Workspace
    from purpose_agent.runtime.checkpoint import Checkpointer
    from purpose_agent.runtime.jobs import Job, JobResult


def worker(
    app: Annotated[
        str,
        typer.Option(
            "--app",
            help="The program that makes the agents, flows and teams: mypackage.agents, or a file; "
            "with :NAME the workspace in it that they are on, if it is not the usual one.",
        ),
    ],
    engine: Annotated[
        str | None,
        typer.Option(help="dbos:postgresql://user:password@host/name; else what PURPOSE_AGENT_ENGINE says."),
    ] = None,
    queue: Annotated[str | None, typer.Option(help="Take jobs of this queue; else of the usual one.")] = None,
    name: Annotated[str | None, typer.Option(help="Of this worker, also after a new start; else a new one.")] = None,
    at_once: Annotated[
        int | None, typer.Option(min=1, help="Jobs at a time, for every worker of the queue; else as it is, 4 at first.")
    ] = None,
    silence: Annotated[
        float | None,
        typer.Option(
            min=0.1, help="Seconds without a sign of life after which a worker counts as dead; else 30. Say the same to all."
        ),
    ] = None,
    grace: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds to end what has begun, when told to stop; else 20. The rest is given back."),
    ] = None,
    workspace: Folder = None,
) -> None:
    """Do the jobs that flows, swarms and teams of other processes put into the queue, until SIGTERM or Ctrl-C."""
    from purpose_agent.agents.jobs import perform
    from purpose_agent.durable.agreed import QUEUE
    from purpose_agent.durable.resolve import VARIABLE, address_of, work_here
    from purpose_agent.durable.worker import GRACE_SECONDS, SILENCE_SECONDS, Worker

    url = address_of(engine)
    if url is None:
        raise UsageError(f"A worker needs a queue: give --engine dbos:postgresql://user:password@host/name, or set {VARIABLE}.")
    work_here()
    place = _workspace(app, workspace)

    async def do(job: "Job", checkpointer: "Checkpointer") -> "JobResult":
        return await perform(job, place, checkpointer)

    one = Worker(
        url,
        do,
        queue=queue or QUEUE,
        name=name,
        at_once=at_once,
        silence=SILENCE_SECONDS if silence is None else silence,
        grace=GRACE_SECONDS if grace is None else grace,
    )
    say(
        f"{one.name} works on {place.path} with {counted(len(place.agents), 'agent', 'agents')}. Stop it with Ctrl-C or SIGTERM."
    )
    one.run()
    say(f"{one.name} has stopped.")


def _workspace(app: str, folder: Folder) -> "Workspace":
    """Import the program; the workspace whose agents, flows and teams do the jobs."""
    from purpose_agent.agents.workspace import Workspace, open_workspace

    program, mark, attribute = app.rpartition(":")
    if not mark:
        load_program(app, folder)
        return open_workspace(folder)
    place = getattr(load_program(program, folder), attribute, None)
    if not isinstance(place, Workspace):
        raise UsageError(
            f"--app {app}: {attribute!r} is {type(place).__name__} there. Name a Workspace, or leave ':{attribute}' out."
        )
    return place
