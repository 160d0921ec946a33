"""Several processes run tasks in one workspace at the same time, all with one taught memory in their prompts."""

import asyncio
import json
from collections import Counter
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.doors import door, porter
from benchmarks.figures import Figure, Figures
from benchmarks.kills import MODULES
from purpose_agent.agents.workspace import Workspace

PROCESSES = 4
RUNS = 50
"""In each process."""


def measure(processes: int = PROCESSES, runs: int = RUNS) -> Figures:
    """Runs that are missing, there twice or with gaps, and memory uses that were not counted."""
    with TemporaryDirectory() as folder:
        workspace = Workspace(folder)
        taught = workspace.teach("look at the door twice")
        told = _work(Path(folder), processes, runs)
        missing = sum(_is_wrong(workspace, id) for id, _ in told) + processes * runs - len(told)
        kept = Counter(run.id for run in workspace.runs(limit=10 * processes * runs))
        twice = sum(kept.values()) - len(kept) + len(told) - len({id for id, _ in told})
        strangers = len(kept.keys() - {id for id, _ in told})
        memory = workspace.memory(taught.id)
    miscounted = abs(memory.used - len(told)) + abs(memory.helped - sum(success for _, success in told))
    about = f"runs lost or doubled, and uses of a memory miscounted, with {processes} processes at once"
    return {"processes_lost": Figure(about, missing + twice + strangers + miscounted, n=processes * runs)}


def _work(folder: Path, processes: int, runs: int) -> list[tuple[str, bool]]:
    """Let the processes run, and collect the runs they acknowledge: id and success."""
    context = get_context("forkserver")
    context.set_forkserver_preload(MODULES)
    pipes = [context.Pipe() for _ in range(processes)]
    workers = [
        context.Process(target=work, args=(folder, number, runs, there), daemon=True) for number, (_, there) in enumerate(pipes)
    ]
    for worker in workers:
        worker.start()
    for here, there in pipes:
        there.close()
        here.recv_bytes()  # it is ready
    for here, _ in pipes:
        here.send_bytes(b"go")
    told: list[tuple[str, bool]] = []
    for here, _ in pipes:
        try:
            told.extend(tuple(json.loads(here.recv_bytes())) for _ in range(runs))
        except EOFError:  # it died: what it did not tell is missing
            continue
    for worker in workers:
        worker.join()
    return told


def work(folder: Path, number: int, runs: int, there: Connection) -> None:
    """What one process does. All share a family, so that they draw the same rules at the same time."""
    agent = porter(Workspace(folder))
    there.send_bytes(b"ready")
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
