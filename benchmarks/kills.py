"""A process is killed (SIGKILL) again and again while it runs tasks, draws rules, tries them and is taught.

Each thing that it acknowledges, a run or a memory, must be in the workspace afterwards as it was acknowledged. After
each kill the same workspace is opened, checked, and used for one more run. The moments are drawn with a seed; what the
process was doing then depends on the machine.
"""

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.children import READY, killed
from benchmarks.doors import door, porter
from benchmarks.figures import Figure, Figures
from purpose_agent.agents.workspace import DATABASE, Workspace
from purpose_agent.core.memory import Memory
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.connection import Connection, Row

KILLS = 200
LONGEST_SECONDS = 0.25
"""A process is killed between 0 and so many seconds after it begins to open the workspace."""
LATER = {"quarantined": {"promoted", "rejected", "archived"}}
"""What a memory of that status may have become without having been acknowledged."""


@dataclass(slots=True)
class Acknowledged:
    """What processes said they had done.

    Attributes:
        runs: Id → status, success, number of events.
        memories: Id → the last status that was told.
    """

    runs: dict[str, tuple[str, bool | None, int]] = field(default_factory=dict[str, tuple[str, bool | None, int]])
    memories: dict[str, str] = field(default_factory=dict[str, str])

    def hear(self, line: bytes) -> None:
        """Take down one acknowledgement."""
        kind, id, *facts = json.loads(line)
        if kind == "run":
            status, success, events = facts
            self.runs[id] = (status, success, events)
        else:
            self.memories[id] = facts[0]


def measure(kills: int = KILLS, seed: int = 1) -> Figures:
    """Kill, look, go on."""
    draw = random.Random(seed)
    told = Acknowledged()
    gone: set[str] = set()
    with TemporaryDirectory() as folder:
        for number in range(kills):
            for line in killed(live, (Path(folder), number), seconds=draw.uniform(0, LONGEST_SECONDS)):
                told.hear(line)
            gone |= set(lost(Path(folder), told))
            asyncio.run(_one_more(Path(folder), number, told))
        runs, memories = len(told.runs), len(told.memories)
    return {
        "kills": Figure(f"times a process was killed ({runs} runs and {memories} memories were acknowledged)", kills),
        "kill_lost": Figure("acknowledged runs and memories that were lost or changed", len(gone), n=runs + memories),
    }


def live(folder: Path, number: int, mouth: Pipe) -> None:
    """What the process does until it is killed."""
    # A process's first run takes as long as twenty others. It is made elsewhere, so that kills hit all kinds of moments.
    asyncio.run(porter(Workspace(folder / "elsewhere" / str(number))).run_async(door("", 0)))
    mouth.send_bytes(READY)
    asyncio.run(_live(folder, f"doors {number}", mouth))


async def _live(folder: Path, family: str, mouth: Pipe) -> None:
    workspace = Workspace(folder)
    agent = porter(workspace)
    for number in count():
        result = await agent.run_async(door(family, number))
        mouth.send_bytes(_run_line(result))
        for memory in result.lessons:
            mouth.send_bytes(_memory_line(memory))
        if number % 3 == 0:
            taught = workspace.teach(f"ask the keeper of {family} number {number}", when="a key is missing")
            mouth.send_bytes(_memory_line(taught))
        if number % 12 == 11:
            for tried in (await workspace.settle_async()).trialled:
                mouth.send_bytes(_memory_line(tried.memory))


async def _one_more(folder: Path, number: int, told: Acknowledged) -> None:
    """The next run works."""
    result = await porter(Workspace(folder)).run_async(door(f"afterwards {number % 5}", number))
    if result.status != "finished":
        raise AssertionError(f"After kill {number}, a run ended as {result.status}: {result.reason}")
    told.hear(_run_line(result))
    for memory in result.lessons:
        told.hear(_memory_line(memory))


def lost(folder: Path, told: Acknowledged) -> Iterator[str]:
    """The ids of what is not there as it was told; "integrity" for a damaged file."""
    if any(run.status == "running" for run in Workspace(folder).runs()):
        yield "a dead process's run is taken for a running one"
    if not (folder / DATABASE).exists():
        yield from (*told.runs, *told.memories)
        return
    rows = _Rows(folder / DATABASE)
    if rows.of("PRAGMA integrity_check") != [("ok",)]:
        yield "integrity"
    events = {id: (first, last, n) for id, first, last, n in rows.of(
        "SELECT run_id, min(seq), max(seq), count(*) FROM events GROUP BY run_id"
    )}  # fmt: skip
    runs = {id: facts for id, *facts in rows.of("SELECT id, status, success, reflected FROM runs")}
    for id, (status, success, least) in told.runs.items():
        first, last, n = events.get(id, (0, 0, 0))
        whole = first == 1 and last == n and n > least  # reflection adds its own
        if not whole or runs.get(id) != [status, success, 1]:
            yield id
    memories = dict(rows.of("SELECT id, status FROM memories"))
    for id, status in told.memories.items():
        if memories.get(id) not in {status, *LATER.get(status, ())}:
            yield id
    rows.close()


class _Rows:
    """Reads the file itself: thousands of rows after each kill, and the check that SQLite has for its files."""

    def __init__(self, path: Path) -> None:
        import apsw

        # The library that the package uses: a second one in one process would break the locks of the first.
        self._connection: Connection = apsw.Connection(str(path))

    def of(self, sql: str) -> list[Row]:
        return self._connection.execute(sql).fetchall()

    def close(self) -> None:
        self._connection.close()


def _run_line(result: TaskResult) -> bytes:
    return json.dumps(["run", result.id, result.status, result.success, len(result.trace.events)]).encode()


def _memory_line(memory: Memory) -> bytes:
    return json.dumps(["memory", memory.id, memory.status]).encode()
