"""`purpose-agent runs export`: a run as lines of JSON, its events or its conversations.

In:  the id of a run.
Out: on stdout, one event a line, or with --messages one conversation a line, as chat models are trained with. Secrets are marked.
"""

from typing import Annotated

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import say, screen


def export(
    id: Annotated[str, typer.Argument(metavar="ID", help="As `runs list` shows it.")],
    messages: Annotated[
        bool, typer.Option("--messages", help="What its model was shown and answered, in OpenAI's chat format.")
    ] = False,
    workspace: Folder = None,
) -> None:
    """Write a run to stdout as JSON lines. With --messages the exit code is 1 if nothing was asked and answered."""
    from purpose_agent.agents.workspace import Workspace
    from purpose_agent.runtime.conversation import chat_json, conversations

    trace = Workspace(workspace).trace(id)
    if not messages:
        screen().out(trace.to_jsonl(), end="")
        return
    found = conversations(trace)
    for conversation in found:
        screen().out(chat_json(conversation))
    if not found:
        say(f"{id} has no conversation of its own: it asked no model, or only its members did (runs list --all).", stderr=True)
        raise typer.Exit(1)
