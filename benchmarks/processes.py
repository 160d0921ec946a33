"""Several processes run tasks in one workspace at the same time, all with one taught memory in their prompts."""

import asyncio
import json
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.children import READY, at_once
from benchmarks.doors import door, porter
from benchmarks.figures import Figure, Figures
from purpose_agent.agents.workspace import Workspace

PROCESSES = 4
RUNS = 50
"""In each process."""


def measure(processes: int = PROCESSES, runs: int = RUNS) -> Figures:
    """Runs that are missing, there twice or with gaps, and memory uses that were not counted."""
    with TemporaryDirectory() as folder:
        workspace = Workspace(folder)
        taught = workspace.teach("look at the door twice")
        said = at_once(work, [(Path(folder), number, runs) for number in range(processes)])
        told: list[tuple[str, bool]] = [tuple(json.loads(line)) for lines in said for line in lines]
        missing = sum(_is_wrong(workspace, id) for id, _ in told) + processes * runs - len(told)
        kept = Counter(run.id for run in workspace.runs(limit=10 * processes * runs))
        twice = sum(kept.values()) - len(kept) + len(told) - len({id for id, _ in told})
        strangers = len(kept.keys() - {id for id, _ in told})
        memory = workspace.memory(taught.id)
    miscounted = abs(memory.used - len(told)) + abs(memory.helped - sum(success for _, success in told))
    about = f"runs lost or doubled, and uses of a memory miscounted, with {processes} processes at once"
    return {"processes_lost": Figure(about, missing + twice + strangers + miscounted, n=processes * runs)}


def work(folder: Path, number: int, runs: int, there: Connection) -> None:
    """What one process does. All share a family, so that they draw the same rules at the same time."""
    agent = porter(Workspace(folder))
    there.send_bytes(READY)
    there.recv_bytes()

    async def run() -> None:
        for each in range(runs):
            result = await agent.run_async(door("doors", number * runs + each))
            there.send_bytes(json.dumps([result.id, result.success]).encode())

    asyncio.run(run())


def _is_wrong(workspace: Workspace, run_id: str) -> bool:
    """The run is not there with all its events."""
    seqs = [event.seq for event in workspace.trace(run_id).events]
    return workspace.run(run_id).status != "finished" or seqs != list(range(1, len(seqs) + 1))
