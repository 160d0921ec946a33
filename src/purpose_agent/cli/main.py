"""`purpose-agent`: one command for each noun, and the door where errors become words.

In:  a command line.
Out: an exit code: 0 for what went well, 1 for what did not, 2 for a call that can't work, 130 after Ctrl-C.
"""

import io
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from purpose_agent.cli import critics, doctor, harden, learn, lift, memories, models, routes, runs, worker
from purpose_agent.cli.going_on import INTERRUPTED
from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import say
from purpose_agent.core.errors import PurposeAgentError, UsageError
from purpose_agent.protocols.otel import traced_as_the_environment_says


class Door(TyperGroup):
    """Turns this package's own errors into a line on stderr. Faults of ours keep their traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            # A terminal that can't show Φ shows "?"; a stray byte in an answer is no crash.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except PurposeAgentError as error:
            say(str(error), stderr=True)
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
        except KeyboardInterrupt as error:
            say("\nStopped. What was saved until now is kept.", stderr=True)
            raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(
    cls=Door, add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)
app.add_typer(runs.app, name="runs")
app.add_typer(memories.app, name="memories")
app.add_typer(models.app, name="models")
app.command("run")(runs.run)
app.command("learn")(learn.learn)
app.command("lift")(lift.lift)
app.command("critics")(critics.critics)
app.command("harden")(harden.harden)
app.command("routes")(routes.routes)
app.command("doctor")(doctor.doctor)
app.command("worker")(worker.worker)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"purpose-agent {version('purpose-agent')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    workspace: Folder = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Agents that measurably learn. Without a command: the first five minutes, step by step."""
    context.with_resource(traced_as_the_environment_says())
    if context.invoked_subcommand is None:
        from purpose_agent.cli.wizard import first_minutes

        first_minutes(workspace)
