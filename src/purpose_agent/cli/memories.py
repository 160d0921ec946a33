"""`purpose-agent memories`: what was learned, in which state it is, and why.

In:  the workspace's memories and their journal.
Out: tables, and the journal's evidence in words. Nothing here changes a memory.
"""

from typing import Annotated, cast, get_args

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import counted, say, table, when
from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import JournalEntry, Memory, MemoryKind, MemoryStatus, ScanReport, TrialReport

app = typer.Typer(help="What was learned: list, show, why.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="As `memories list` shows it.")]


@app.command("list")
def list_memories(
    status: Annotated[str, typer.Option(help=f"Only these: {', '.join(get_args(MemoryStatus))}.")] = "",
    kind: Annotated[str, typer.Option(help=f"Only these: {', '.join(get_args(MemoryKind))}.")] = "",
    workspace: Folder = None,
) -> None:
    """List memories."""
    from purpose_agent.agents.workspace import Workspace

    _one_of("--status", status, get_args(MemoryStatus))
    _one_of("--kind", kind, get_args(MemoryKind))
    opened = Workspace(workspace)
    found = opened.memories(status=cast("MemoryStatus | None", status or None), kind=cast("MemoryKind | None", kind or None))
    if not found:
        say(f"No such memories in {opened.path}." if status or kind else f"No memories yet in {opened.path}.")
        return
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


@app.command()
def show(id: Id, workspace: Folder = None) -> None:
    """Show one memory in full."""
    from purpose_agent.agents.workspace import Workspace

    say(_described(Workspace(workspace).memory(id)))


@app.command()
def why(id: Id, workspace: Folder = None) -> None:
    """Tell how a memory came to its status, and on what evidence."""
    from purpose_agent.agents.workspace import Workspace

    opened = Workspace(workspace)
    memory = opened.memory(id)
    say(f"{memory.lesson.text}\n")
    for entry in opened.journal(memory.id):
        say(_told(entry))


def _one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value and value not in known:
        raise UsageError(f"{option} {value!r} is none of: {', '.join(known)}.")


def _described(memory: Memory) -> str:
    lesson = memory.lesson
    scope = "; ".join(
        f"{name} {', '.join(values)}"
        for name, values in (("agents", lesson.scope.agents), ("families", lesson.scope.families))
        if values
    )
    origin = lesson.provenance
    source = f", from run {origin.run_id}" if origin.run_id else ""
    source += f" beside run {origin.beside}" if origin.beside else ""
    lines = [
        f"{memory.id}: {memory.status} {lesson.kind}, of {when(memory.created_at)}",
        f"when:     {lesson.when or 'always'}",
        f"then:     {lesson.then}",
        *(f"case:     {case.situation} → {case.answer}" for case in lesson.cases),
        f"applies:  {scope or 'everywhere'}",
        f"tier:     {lesson.tier}",
        f"origin:   {origin.origin}{source}; trust {memory.trust:.2f}",
        f"use:      helped in {memory.helped} of {counted(memory.used, 'judged run', 'judged runs')}; utility {memory.utility:.2f}",
    ]
    if origin.parents:
        lines.append(f"made of:  {', '.join(origin.parents)}")
    if memory.supersedes:
        lines.append(f"replaces: {memory.supersedes}")
    return "\n".join(lines)


def _told(entry: "JournalEntry") -> str:
    change = f"{entry.from_status} → {entry.to_status}" if entry.from_status != entry.to_status else f"still {entry.to_status}"
    run = f" (run {entry.run_id})" if entry.run_id else ""
    first = f"{when(entry.at)}  {change.removeprefix(' → ')}, by {entry.actor}: {entry.why}{run}"
    return "\n".join([first, *(f"    {line}" for line in _evidence(entry.evidence))])


def _evidence(report: ScanReport | TrialReport | None) -> list[str]:
    match report:
        case None:
            return []
        case ScanReport(findings=()):
            return ["the scan found nothing"]
        case ScanReport(findings=findings):
            return [f"scan: {found.threat} ({found.rule}, {found.severity}): “{found.excerpt}”" for found in findings]
        case TrialReport():
            return _trial(report)


def _trial(report: TrialReport) -> list[str]:
    result = "it helps" if report.helps else "it harms" if report.harms else "not enough evidence either way"
    gain = "unknown" if report.mean_gain is None else f"{report.mean_gain:+.2f}"
    if report.interval is not None:
        gain += f" (95 % interval {report.interval[0]:+.2f} to {report.interval[1]:+.2f})"
    pairs = f"{counted(len(report.pairs), 'pair', 'pairs')} of runs on {counted(report.tasks, 'task', 'tasks')}"
    return [
        f"trial: {result}",
        f"{pairs}: better with it {report.wins}, better without it {report.losses}, mean gain {gain}",
        f"evidence that it helps {report.e_help:.1f}, that it harms {report.e_harm:.1f}; {1 / report.alpha:.0f} decides",
        f"cost: {report.tokens:,} tokens",
    ]
