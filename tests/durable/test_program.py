"""A user's flows and swarms on `purpose-agent worker`: the same program, here and there."""

import importlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import anyio
import pytest
from anyio import to_thread

from purpose_agent.agents.flows.result import WorkflowResult
from purpose_agent.agents.swarms.parallel import run_parallel_async
from purpose_agent.core.errors import UsageError
from purpose_agent.core.task import Check, Task
from purpose_agent.durable.dbos_engine import DbosEngine
from purpose_agent.durable.resolve import engine_of
from purpose_agent.runtime.events import HandedOver
from purpose_agent.runtime.jobs import Job
from tests.durable.given import Workers

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class Machines:
    """Worker processes with workspaces of their own, and the same program."""

    def __init__(self, url: str, folder: Path) -> None:
        self.processes = Workers(url, folder)
        self._url = url
        self._folder = folder
        self._count = 0

    def start(self) -> int:
        """One more; its process id."""
        self._count += 1
        place = self._folder / f"machine_{self._count}"
        return self.processes.start_command(
            "purpose_agent",
            "worker",
            "--app",
            "tests/durable/program.py",
            "--workspace",
            str(place),
            "--silence",
            "3",
            PURPOSE_AGENT_ENGINE=f"dbos:{self._url}",
            PROGRAM_FOLDER=str(self._folder),
        )

    def lines(self) -> list[str]:
        """What the functions left."""
        return sorted((self._folder / "effects").read_text().split())


@pytest.fixture
def machines(url: str, tmp_path: Path) -> Iterator[Machines]:
    machines = Machines(url, tmp_path)
    with machines.processes:
        yield machines


@pytest.fixture
def program(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The program here, with the engine chosen by the environment."""
    monkeypatch.setenv("PROGRAM_FOLDER", str(tmp_path))
    monkeypatch.setenv("PURPOSE_AGENT_HOME", str(tmp_path / "here"))
    monkeypatch.setenv("PURPOSE_AGENT_ENGINE", f"dbos:{url}")
    program = importlib.import_module("tests.durable.program")
    yield importlib.reload(program)
    engine = engine_of()
    assert isinstance(engine, DbosEngine)
    engine.close()


async def test_a_flow_whose_worker_is_killed_is_finished_by_another_one(program: ModuleType, machines: Machines) -> None:
    results: list[WorkflowResult] = []
    victim = heir = 0
    for _ in range(3):
        machines.start()

    async def run() -> None:
        results.append(await program.errand.run_async({"gate": True}))

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        victim = int(await to_thread.run_sync(machines.processes.heard))
        os.kill(victim, signal.SIGKILL)
        heir = int(await to_thread.run_sync(machines.processes.heard))
        await to_thread.run_sync(machines.processes.open_gate, heir)

    assert heir != victim
    (result,) = results
    assert (result.status, result.state["report"]) == ("finished", "red, 10")
    assert [line for line in machines.lines() if line in ("fetch", "write")] == ["fetch", "write"]
    assert machines.lines().count("shorten") == 2  # it was under way when the worker died
    assert (await program.errand.resume_async(result.id)).state == result.state


async def test_a_swarm_is_done_by_workers_and_its_runs_can_be_read_here(program: ModuleType, machines: Machines) -> None:
    for _ in range(2):
        machines.start()

    result = await run_parallel_async([f"Which carrier for parcel {number}?" for number in range(6)], [program.clerk])

    assert (result.status, result.answers) == ("finished", ("tracking",) * 6)
    engine = engine_of()
    assert engine is not None
    assert engine.checkpointer is not None
    assert set(engine.checkpointer.runs()) == {result.id, *(outcome.id for outcome in result)}


async def test_a_team_is_done_by_a_worker_that_knows_it(program: ModuleType, machines: Machines) -> None:
    machines.start()

    result = await program.desk.run_async("Which desk?")

    assert (result.status, result.answer) == ("finished", "the desk is tracking")
    assert [hop.receiver for hop in result.trace.of(HandedOver)] == ["clerk", "speaker"]
    with pytest.raises(UsageError, match="can't be sent to a worker"):
        await program.desk.run_async(Task("Which desk?", checks=[Check.call(bool)]))


async def test_a_job_that_no_worker_knows_is_told_what_to_do(program: ModuleType, machines: Machines) -> None:
    machines.start()
    engine = engine_of()
    assert engine is not None

    (result,) = await engine.perform([Job("run_1", "flow", "erand", {})])

    assert result.status == "failed"
    assert "No flow called 'erand'" in result.error


async def test_a_function_in_doubt_whose_worker_is_killed_fails_its_run_and_a_persons_word_goes_on_with_it(
    program: ModuleType, machines: Machines
) -> None:
    results: list[WorkflowResult] = []
    for _ in range(2):
        machines.start()

    async def run() -> None:
        results.append(await program.letter.run_async({"to": "Ann"}))

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        os.kill(int(await to_thread.run_sync(machines.processes.heard)), signal.SIGKILL)
    (failed,) = results
    result = await program.letter.resume_async(failed.id, done={"post": {"posted": "by hand"}})

    assert failed.status == "failed"
    assert "Node 'post'" in failed.reason
    assert (result.id, result.status, result.state) == (failed.id, "finished", {"to": "Ann", "posted": "by hand"})
    assert machines.lines() == ["post"]
