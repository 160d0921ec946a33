"""What these tests start from: jobs of steps whose effects are lines in a file, and workers as processes.

A job may stop at a gate in a step, after its effect and before it is recorded: the process says where it is on the pipe
`said` and waits until the test opens its gate. Nothing is timed.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from purpose_agent.core.ids import new_id
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task, task_to_json
from purpose_agent.durable.postgres import PostgresCheckpointer
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.events import AgentFinished, AgentStarted, Event, RunFinished, RunStarted
from purpose_agent.runtime.jobs import Job, JobResult

ROOT = Path(__file__).parents[2]
KNOWN = ("steps", "fails", "waits", "sleeps")
SILENCE = 3.0
"""Seconds after which a worker of these tests counts as dead; a busy machine must not seem to be."""


def in_database(address: str, name: str) -> str:
    """The same server, another database."""
    before, mark, host = address.partition("?")
    return f"{before.rpartition('/')[0]}/{name}{mark}{host}"


@contextmanager
def away(postgres: str, url: str) -> Generator[None]:
    """Within it the database of `url` can't be reached: its connections are cut, and it takes no new ones."""
    import psycopg

    given = {"name": url.partition("?")[0].rpartition("/")[2]}
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute("UPDATE pg_database SET datallowconn = false WHERE datname = %(name)s", given)
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %(name)s", given)
        try:
            yield
        finally:
            server.execute("UPDATE pg_database SET datallowconn = true WHERE datname = %(name)s", given)


def a_job(id: str = "run_1", *, steps: int = 3, gate: int | None = None, name: str = "steps") -> Job:
    return Job(id, "flow", name, {"steps": steps, "gate": gate})


def started() -> RunStarted:
    return RunStarted(task_to_json(Task("append lines")), "steps", "none", "learning")


def say(folder: Path, word: str) -> None:
    """Tell the test."""
    with (folder / "said").open("a") as pipe:
        pipe.write(f"{word}\n")


def wait_at_the_gate(folder: Path) -> None:
    """Say which process is here, and wait until the test opens its gate."""
    gate = folder / f"gate_{os.getpid()}"
    os.mkfifo(gate)
    say(folder, str(os.getpid()))
    gate.read_text()
    gate.unlink()


class Steps:
    """Does jobs of steps; goes on where their logs are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def perform(self, job: Job, checkpointer: Checkpointer) -> JobResult:
        """Do what is not done yet."""
        from anyio import to_thread

        if job.name == "fails":
            raise ValueError("the third digit is missing")
        if job.name == "waits":
            return self._waits(job, checkpointer)
        if job.name == "sleeps":
            return await self._sleeps(job, checkpointer)
        if job.name not in KNOWN:
            raise LookupError(f"no flow is called {job.name!r}; known: {', '.join(KNOWN)}")
        return await to_thread.run_sync(self._steps, job, checkpointer)

    def _steps(self, job: Job, checkpointer: Checkpointer) -> JobResult:
        asked = job.input
        assert isinstance(asked, Mapping)
        trace = checkpointer.load(job.id)
        done = {part.key for part in trace.of(AgentFinished)} if trace else set[str]()
        bus = EventBus(job.id, SystemClock(), new_id, after=trace.events[-1].seq if trace else 0)
        if trace is None:
            bus.publish(started(), lane=job.name)
        for number in range(1, int(str(asked["steps"])) + 1):
            key = str(number)
            if key in done:
                continue
            bus.publish(AgentStarted(key, "append"), lane=key)
            checkpointer.append(bus.unsaved())
            with (self._folder / "effects").open("a") as file:
                file.write(f"{job.id} {key}\n")
            if number == asked["gate"]:
                self._wait_at_the_gate()
            bus.publish(AgentFinished(key, "append", "finished"), lane=key)
            try:
                checkpointer.append(bus.unsaved())
            except Exception as error:
                self._say(type(error).__name__)
                raise
        if trace is None or trace.finished is None:
            bus.publish(RunFinished("finished", "done", True, None, Usage()), lane=job.name)
            checkpointer.append(bus.unsaved())
        return JobResult(job.id, "finished", {"steps": asked["steps"]}, success=True)

    def _waits(self, job: Job, checkpointer: Checkpointer) -> JobResult:
        """Waits for a person the first time, and is done the second time."""
        if checkpointer.load(job.id) is None:
            bus = EventBus(job.id, SystemClock(), new_id)
            bus.publish(started(), lane=job.name)
            checkpointer.append(bus.unsaved())
            return JobResult(job.id, "waiting")
        return JobResult(job.id, "finished", "answered")

    async def _sleeps(self, job: Job, checkpointer: Checkpointer) -> JobResult:
        """Sleeps until it is cancelled, which it wants to have in its log; is done the second time."""
        from anyio import sleep_forever

        bus = EventBus(job.id, SystemClock(), new_id)
        if checkpointer.load(job.id) is None:
            bus.publish(started(), lane=job.name)
            checkpointer.append(bus.unsaved())
            self._say(str(os.getpid()))
            try:
                await sleep_forever()
            finally:
                bus.publish(RunFinished("cancelled", None, None, None, Usage()), lane=job.name)
                checkpointer.append(bus.unsaved())
        return JobResult(job.id, "finished")

    def _wait_at_the_gate(self) -> None:
        wait_at_the_gate(self._folder)

    def _say(self, word: str) -> None:
        say(self._folder, word)


class Workers:
    """Worker processes, killed at the latest when the test is over."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        os.mkfifo(folder / "said")
        # Open for reading and writing: who writes never waits for a reader, and reading never ends.
        self._said = os.fdopen(os.open(folder / "said", os.O_RDWR), "rb", buffering=0)

    def start(self, name: str, **options: float) -> int:
        """Start a worker of `Steps`; its process id."""
        told = json.dumps({"silence": SILENCE, **options})
        return self.start_command("tests.durable.worker_process", self._url, str(self._folder), name, told)

    def start_command(self, module: str, *arguments: str, **environment: str) -> int:
        """Start `python -m module`; its process id."""
        command = [sys.executable, "-m", module, *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})
        self._processes[process.pid] = process
        return process.pid

    def heard(self) -> str:
        """The next word that a worker says; blocks."""
        line = b""
        while not line.endswith(b"\n"):
            line += self._said.read(1)
        return line.decode().strip()

    def open_gate(self, pid: int) -> None:
        """Let that worker go on; blocks until it is at the gate."""
        (self._folder / f"gate_{pid}").write_text("open")

    def ended(self, pid: int) -> int:
        """How that worker ended; blocks until it has."""
        return self._processes[pid].wait()

    def effects(self) -> "Counter[tuple[str, str]]":
        """How often each step of each job was done."""
        lines = (self._folder / "effects").read_text().splitlines()
        return Counter((job, key) for job, _, key in (line.partition(" ") for line in lines))

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
        self._said.close()


def events_of(url: str, run_id: str) -> Sequence[Event]:
    """What the log has."""
    checkpointer = PostgresCheckpointer(url)
    trace = checkpointer.load(run_id)
    checkpointer.close()
    assert trace is not None
    return trace.events


def times_done(events: Sequence[Event], kind: type[AgentStarted] | type[AgentFinished]) -> "Counter[str]":
    """By step: how often it began, or ended."""
    payloads = (event.payload for event in events)
    return Counter(payload.key for payload in payloads if isinstance(payload, kind))
