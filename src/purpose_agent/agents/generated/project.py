"""A plan written to disk as a project.

In:  a plan, a folder.
Out: its files. What is there already is not touched, unless that was asked for; no symbolic link is followed out of the folder.
"""

import contextlib
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from purpose_agent.agents.flows.graph import Branch, Graph
from purpose_agent.agents.generated.plan import SystemPlan
from purpose_agent.agents.generated.source import agents_py, readme_md, tools_py
from purpose_agent.agents.generated.source_runs import RUN_PY, evals_py, flow_py
from purpose_agent.core.errors import UsageError


def write_project(plan: SystemPlan, folder: Path, *, overwrite: bool) -> Path:
    """Write all files, or none where one can't be.

    Raises:
        UsageError: A file is there already, or `folder` is no folder.
    """
    files = project_files(plan)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"save({str(folder)!r}): that is no folder.")
    there = [name for name in files if os.path.lexists(folder / name)]
    if there and not overwrite:
        raise UsageError(
            f"save({str(folder)!r}): {', '.join(there)} is there already. Take another folder, or say overwrite=True."
        )
    if folders := [name for name in there if (folder / name).is_dir() and not (folder / name).is_symlink()]:
        raise UsageError(f"save({str(folder)!r}): {', '.join(folders)} is a folder there; move it away.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        _put(folder / name, text, overwrite=overwrite)
    return folder


def project_files(plan: SystemPlan) -> dict[str, str]:
    """The text of each file."""
    return {
        "agents.py": agents_py(plan),
        "flow.py": flow_py(plan),
        "tools.py": tools_py(plan),
        "evals.py": evals_py(plan),
        "run.py": RUN_PY,
        "README.md": readme_md(plan, _drawn(plan)),
    }


def _put(path: Path, text: str, *, overwrite: bool) -> None:
    if not overwrite:
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:  # fails where anything has come there meanwhile
                file.write(text)
        except FileExistsError as error:
            raise UsageError(f"save: {str(path)!r} has come there meanwhile; it was left as it is.") from error
        return
    # Written beside it and renamed over it: a rename replaces a link and never follows one.
    with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="\n") as beside:
        beside.write(text)
    try:
        Path(beside.name).chmod(0o644)
        Path(beside.name).replace(path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            Path(beside.name).unlink()
        raise


def _drawn(plan: SystemPlan) -> str:
    from purpose_agent.agents.flows.drawing import mermaid

    graph = Graph()
    for node in plan.graph.nodes:
        graph.add_node(node.name)
    for edge in plan.graph.edges:
        graph.add_edge(edge.sources, edge.target)
    for branch in plan.graph.branches:
        graph.add_branch(Branch(branch.source, _never, {**branch.ways}))
    return mermaid(graph)


def _never(state: object) -> str:
    raise AssertionError(f"drawn, not run: {state!r}")
