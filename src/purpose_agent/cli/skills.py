"""`purpose-agent memories export` and `import`: skills as folders with a SKILL.md in each.

In:  a workspace and a folder.
Out: files, or memories in quarantine; what was left out or refused, and why; exit code 1 if something was refused.
"""

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import counted, one_line, say
from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import MemoryKind, Scope


def export(
    folder: Annotated[Path, typer.Argument(help="Where to write; each memory gets a folder of its own in it.")],
    kind: Annotated[str, typer.Option(help="Promoted memories of this kind.")] = "skill_card",
    workspace: Folder = None,
) -> None:
    """Write promoted memories as Agent Skills: FOLDER/NAME/SKILL.md."""
    from purpose_agent.agents.workspace import Workspace

    if kind not in get_args(MemoryKind):
        raise UsageError(f"--kind {kind!r} is none of: {', '.join(get_args(MemoryKind))}.")
    opened = Workspace(workspace)
    done = opened.export_skills(folder, kind=cast(MemoryKind, kind))
    for place in done.folders:
        say(str(place))
    for memory, why in done.left_out:
        say(f"{memory.id}: left out, {why}", stderr=True)
    if not done.folders:
        say(f"No promoted {kind} in {opened.path} to export.")


def import_(
    folder: Annotated[Path, typer.Argument(help="One skill, or a folder of skills: folders with a SKILL.md in each.")],
    source: Annotated[str, typer.Option(help="Where it comes from, such as a URL; else the path of each file.")] = "",
    agent: Annotated[str, typer.Option(help="For this agent alone, and tried by it; else for all, and tried by nobody.")] = "",
    family: Annotated[str, typer.Option(help="For this family of tasks alone.")] = "",
    workspace: Folder = None,
) -> None:
    """Take skills in, as imports: scanned, then in quarantine until a trial shows that they help."""
    from purpose_agent.agents.workspace import Workspace

    scope = Scope(agents=(agent,) if agent else (), families=(family,) if family else ())
    done = Workspace(workspace).import_skills(folder, source=source, agent=agent, scope=scope)
    for memory in done.memories:
        say(f"{memory.id}: {memory.status}, {one_line(memory.lesson.text)}")
    for _, why in done.refused:
        say(f"refused: {why}", stderr=True)
    rejected = sum(memory.status == "rejected" for memory in done.memories)
    if rejected:
        say(
            f"{counted(rejected, 'was', 'were')} rejected; `purpose-agent memories why ID` tells what the scan saw.",
            stderr=True,
        )
    if done.refused or rejected:
        raise typer.Exit(1)
