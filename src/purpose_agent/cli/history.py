"""`purpose-agent memories log|diff|revert|restore|forget|archive|verify`: what happened to memory, and the ways back.

In:  a moment, a memory's id, or where something came from.
Out: tables; changes, each a line in the journal. What changes more than one memory is shown first, and asked for.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import counted, say, table, when
from purpose_agent.cli.told import first_line, told_change
from purpose_agent.core.errors import UsageError
from purpose_agent.core.origin import Origin

if TYPE_CHECKING:
    from purpose_agent.memory.undo import Undone

MOMENT = "A date or a time in ISO form, such as 2026-11-24 (its first moment) or 2026-11-24T15:30."
NEWEST = 100

Id = Annotated[str, typer.Argument(metavar="ID", help="As `memories list` shows it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def log(
    id: Annotated[str | None, typer.Argument(metavar="ID", help="Of this memory only.")] = None,
    since: Annotated[str, typer.Option(help=MOMENT)] = "",
    until: Annotated[str, typer.Option(help="The same.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="So many of the newest lines; 0: all.")] = NEWEST,
    workspace: Folder = None,
) -> None:
    """List what happened to memories: when, to which, by whom, why."""
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    if id is not None:
        opened.memory(id)
    found = opened.history(
        id,
        since=_moment("--since", since) if since else None,
        until=_moment("--until", until) if until else None,
    )
    shown = found[-limit:] if limit else found
    if not found:
        say("Nothing happened." if not (since or until) else "Nothing happened in that time.")
        return
    if len(shown) < len(found):
        say(f"{len(found) - len(shown)} earlier lines are left out; --limit 0 shows all.")
    table(("line", "memory", "what"), [(str(entry.line), entry.memory_id, told_change(entry)) for entry in shown])


def diff(
    start: Annotated[str, typer.Argument(metavar="FROM", help=MOMENT)],
    end: Annotated[str, typer.Argument(metavar="TO", help="The same; else now.")] = "",
    workspace: Folder = None,
) -> None:
    """Tell what came, and what changed its status or its words, between two moments."""
    from purpose_agent.agents.workspace import Workspace

    first, last = _moment("FROM", start), _moment("TO", end) if end else datetime.now().astimezone()
    differences = Workspace(workspace).diff(first, last)
    if not differences:
        say(f"Nothing changed from {when(first)} to {when(last)}.")
        return
    rows = [
        (
            each.memory.id,
            f"{each.before or 'not there'} → {each.after or 'not there'}" + (", reworded" if each.reworded else ""),
            first_line(each.memory),
        )
        for each in differences
    ]
    table(("memory", "change", "lesson"), rows)


def revert(id: Id, workspace: Folder = None) -> None:
    """Undo the last change of one memory."""
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    before = opened.memory(id)
    after = opened.revert(id)
    say(f"{id}: {before.status} → {after.status}: {first_line(after)}")
    if after.status == "quarantined":
        say(f"Its trial may promote it again at the next settle. To keep it out: purpose-agent memories archive {id}")


def restore(
    moment: Annotated[str, typer.Argument(metavar="MOMENT", help=MOMENT)], yes: Yes = False, workspace: Folder = None
) -> None:
    """Bring memory back to what it was at a moment. What came since is archived; nothing is deleted."""
    from purpose_agent.agents.workspace import Workspace

    opened, then = Workspace(workspace), _moment("MOMENT", moment)
    _shown_then_done(lambda preview: opened.restore(then, preview=preview), yes)


def forget(
    origin: Annotated[str, typer.Option(help=f"What has this origin: {', '.join(get_args(Origin))}.")] = "",
    source: Annotated[str, typer.Option(help="What came from a tool, page, document or peer whose name begins so.")] = "",
    run: Annotated[str, typer.Option(metavar="ID", help="What came from this run.")] = "",
    since: Annotated[str, typer.Option(help=f"What arrived since. {MOMENT}")] = "",
    yes: Yes = False,
    workspace: Folder = None,
) -> None:
    """Archive what came from somewhere, and all that was made of it. All conditions that are given must hold."""
    from purpose_agent.agents.workspace import Workspace

    opened, arrived = Workspace(workspace), _moment("--since", since) if since else None
    kind = cast("Origin | None", origin or None)
    _shown_then_done(
        lambda preview: opened.forget(origin=kind, source=source or None, run=run or None, since=arrived, preview=preview),
        yes,
    )


def archive(id: Id, why: Annotated[str, typer.Option(help="The reason, for the journal.")], workspace: Folder = None) -> None:
    """Take a memory out of use, a taught one too. It stays in the workspace; `memories revert` brings it back."""
    from purpose_agent.agents.workspace import Workspace

    say(f"{id} is {Workspace(workspace).archive(id, why).status}.")


def verify(
    head: Annotated[str, typer.Option(help="A head that was kept elsewhere: is it in the chain still?")] = "",
    workspace: Folder = None,
) -> None:
    """Walk along the journal's chain, and compare every memory with its last line. Exit code 1: something was edited."""
    from purpose_agent.agents.workspace import Workspace

    seen = Workspace(workspace).verify(head)
    say(f"{counted(seen.lines, 'line', 'lines')} in the journal.")
    if seen.head:
        say(
            f"head: {seen.head}\nKept elsewhere, it shows later whether the history up to here was rewritten: verify --head HEAD"
        )
    if seen.broken is not None:
        say(
            f"The chain is broken at line {seen.broken}: that line or the one before it was edited, moved or taken away.",
            stderr=True,
        )
    for memory_id in seen.altered:
        say(
            f"{memory_id} was edited in the file. No prompt has it; `purpose-agent learn` takes it in again, as an import.",
            stderr=True,
        )
    for memory_id in seen.lost:
        say(f"{memory_id} is in the journal, and gone from the file.", stderr=True)
    if seen.has_head is False:
        say(f"The head {head} is not in the chain: the history before it is another one now.", stderr=True)
    if not seen.ok:
        raise typer.Exit(1)
    say("Everything is as it was written.")


def _shown_then_done(work: "Callable[[bool], Undone]", yes: bool) -> None:
    """Show what would be done; ask; do it."""
    planned = work(True)
    if not planned.done and not planned.episodes:
        _show_left(planned)
        say("There is nothing to do.")
        return
    if not yes:
        _show(planned, "would")
        if not typer.confirm("Do that?"):
            say("Nothing was changed.")
            raise typer.Exit(1)
    _show(work(False), "was")


def _show(undone: "Undone", tense: str) -> None:
    rows = [(memory.id, f"{before} → {memory.status}", why, first_line(memory)) for memory, before, why in undone.done]
    if rows:
        table(("memory", f"what {tense} change" if tense == "would" else "changed", "because", "lesson"), rows)
    if undone.episodes:
        verb = "would teach" if tense == "would" else "teach"
        say(f"{counted(undone.episodes, 'episode', 'episodes')} {verb} no more; values are learned anew without them.")
    _show_left(undone)


def _show_left(undone: "Undone") -> None:
    for memory, why in undone.left:
        say(f"{memory.id}: left, {why}")


def _moment(option: str, text: str) -> datetime:
    """Local time, where no zone is given."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} {text!r} is no moment. {MOMENT}") from error
