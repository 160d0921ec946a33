"""`purpose-agent memories`: what was learned, in which state it is, and why.

In:  the workspace's memories and their journal.
Out: tables, and the journal's evidence in words. Nothing here changes a memory; the commands of `history.py` do.
"""

from collections.abc import Sequence
from typing import Annotated, cast, get_args

import typer

from purpose_agent.cli import history, skills
from purpose_agent.cli.history import Id
from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import counted, say, table, when
from purpose_agent.cli.told import told_entry, told_source
from purpose_agent.cli.why import cases_and_runs, told_cases
from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import Memory, MemoryKind, MemoryStatus

app = typer.Typer(help="What was learned, on what evidence, and the ways back.", no_args_is_help=True)


@app.command("list")
def list_memories(
    status: Annotated[str, typer.Option(help=f"Only these: {', '.join(get_args(MemoryStatus))}.")] = "",
    kind: Annotated[str, typer.Option(help=f"Only these: {', '.join(get_args(MemoryKind))}.")] = "",
    workspace: Folder = None,
) -> None:
    """List memories; archived ones only if asked for by --status archived."""
    from purpose_agent.agents.workspace import Workspace

    _one_of("--status", status, get_args(MemoryStatus))
    _one_of("--kind", kind, get_args(MemoryKind))
    opened = Workspace(workspace)
    found = opened.memories(status=cast("MemoryStatus | None", status or None), kind=cast("MemoryKind | None", kind or None))
    if not found:
        say(f"No such memories in {opened.path}." if status or kind else f"No memories yet in {opened.path}.")
        return
    shown = [memory for memory in found if status or memory.status != "archived"]
    if shown:
        _table(shown)
    if left_out := len(found) - len(shown):
        say(f"{counted(left_out, 'archived memory is', 'archived memories are')} not shown: --status archived.")


@app.command()
def search(
    words: Annotated[str, typer.Argument(help="Any of them is enough.")],
    status: Annotated[str, typer.Option(help=f"Only these: {', '.join(get_args(MemoryStatus))}.")] = "",
    workspace: Folder = None,
) -> None:
    """Find memories by their words, archived ones too."""
    from purpose_agent.agents.remembered import STATUSES
    from purpose_agent.agents.workspace import Workspace

    _one_of("--status", status, get_args(MemoryStatus))
    opened = Workspace(workspace)
    found = opened.search_memories(words, (cast(MemoryStatus, status),) if status else STATUSES)
    if not found:
        say(f"No such memories in {opened.path}.")
        return
    _table(found)


@app.command()
def show(id: Id, workspace: Folder = None) -> None:
    """Show one memory in full."""
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    memory = opened.memory(id)
    cases = [f"case:     {case.situation} → {case.answer}  [{run}]" for case, run in cases_and_runs(opened, memory)]
    say("\n".join([*_described(memory), *cases]))
    say(f"worth:    {opened.worth(id).text}")


@app.command()
def why(id: Id, workspace: Folder = None) -> None:
    """Tell where a memory came from, and how it came to its status: who, when, on what evidence."""
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    memory = opened.memory(id)
    say("\n".join([memory.lesson.text, "", *told_source(memory), *told_cases(opened, memory), ""]))
    for entry in opened.journal(memory.id):
        say(told_entry(entry))
    say(f"Worth: {opened.worth(memory.id).text}")


for _command in (history.log, history.diff, history.revert, history.restore, history.forget, history.archive, history.verify):
    app.command()(_command)
app.command("export")(skills.export)
app.command("import")(skills.import_)


def _table(found: Sequence[Memory]) -> None:
    rows = [
        (
            memory.id,
            memory.status,
            memory.lesson.kind,
            memory.lesson.tier,
            memory.lesson.provenance.origin,
            f"{memory.helped}/{memory.used}",
            memory.lesson.text,
        )
        for memory in found
    ]
    table(("id", "status", "kind", "tier", "origin", "helped", "lesson"), rows)


def _one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value and value not in known:
        raise UsageError(f"{option} {value!r} is none of: {', '.join(known)}.")


def _described(memory: Memory) -> list[str]:
    lesson = memory.lesson
    scope = "; ".join(
        f"{name} {', '.join(values)}"
        for name, values in (
            ("agents", lesson.scope.agents),
            ("families", lesson.scope.families),
            ("users", lesson.scope.users),
            ("tools", lesson.scope.tools),
            ("teams", lesson.scope.teams),
        )
        if values
    )
    return [
        f"{memory.id}: {memory.status} {lesson.kind}, of {when(memory.created_at)}",
        f"when:     {lesson.when or 'always'}",
        f"then:     {lesson.then}",
        f"applies:  {scope or 'everywhere'}",
        f"tier:     {lesson.tier}",
        *told_source(memory),
        f"use:      helped in {memory.helped} of {counted(memory.used, 'judged run', 'judged runs')}; utility {memory.utility:.2f}",
    ]
