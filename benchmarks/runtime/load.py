"""Many runs at once on one core: what each costs, what all of them hold, and how far waiting for models overlaps.

A run has two steps, a call of an async tool and an answer, is recorded in a workspace, and reflected on; the model costs
nothing. Its process is bound to one core. For the fan-out the model takes 50 ms for each answer, and `swarm` has 100 tasks
of one answer each, ten at a time: ideal is ten times 50 ms. Beside it all hundred at once are told, where nothing hides
what the runs themselves cost.
"""

import asyncio
import os
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeAlias

import purpose_agent as pa
from benchmarks.figures import Figure, Figures, spread
from benchmarks.overhead import ANSWERS, CALLS, add_async
from benchmarks.parts import Amount
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse
from purpose_agent.testing.models import RuleModel

WANTED: Mapping[str, str] = {
    "run_us_1000": "CPU µs of a run among 1,000 at once",
    "rss_mb_1000": "MiB that the process held at most, with 1,000 runs at once",
    "fanout_ratio": "wall over ideal of 100 answers of 50 ms, ten at a time",
}
Work: TypeAlias = Callable[[Path, int], list[float]]
"""Given a folder and how many."""
RUNS = 1000
TASKS, AT_ONCE, SECONDS = 100, 10, 0.05


def measure(options: Amount) -> Figures:
    """Each repetition in a process of its own."""
    repeats = options.of(5, 2)
    many = [_in_a_process(_many, options.of(RUNS, 50)) for _ in range(repeats)]
    bare = median(each[2] for each in many)
    return {
        "run_us_1000": spread(WANTED["run_us_1000"], [each[0] for each in many]),
        "rss_mb_1000": replace(
            spread(f"{WANTED['rss_mb_1000']} ({bare:.0f} before the first)", [each[1] for each in many]), n=repeats
        ),
        "fanout_ratio": fanned_out(options),
    }


def fanned_out(options: Amount) -> Figure:
    """Wall over ideal of a swarm whose tasks wait for a model."""
    ratios = [_in_a_process(_fanned_out, options.of(TASKS, 20)) for _ in range(options.of(5, 2))]
    beside = median(each[1] for each in ratios)
    return spread(f"{WANTED['fanout_ratio']} ({beside:.2f} with all at once)", [each[0] for each in ratios])


def _in_a_process(work: Work, number: int) -> list[float]:
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_bound, args=(work, number, there))
    process.start()
    there.close()
    said: list[float] = here.recv()
    process.join()
    return said


def _bound(work: Work, number: int, mouth: Connection) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with TemporaryDirectory() as folder:
        mouth.send(work(Path(folder), number))


def _many(folder: Path, runs: int) -> list[float]:
    """CPU µs a run, MiB at most, MiB before."""
    agent = pa.Agent("adder", model=_model(0.0), tools=[add_async], critic=None, workspace=folder)

    async def all_at_once() -> list[float]:
        await agent.run_async("Add")  # the first one imports
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        results = await asyncio.gather(*(agent.run_async("Add") for _ in range(runs)))
        spent = time.process_time() - began
        assert all((each.status, each.answer) == ("finished", "3") for each in results)
        return [1e6 * spent / runs, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before / 1024]

    return asyncio.run(all_at_once())


def _fanned_out(folder: Path, tasks: int) -> list[float]:
    """Wall over ideal: ten at a time, and all at once."""
    agent = pa.Agent("answerer", model=_model(SECONDS), critic=None, workspace=folder)
    pa.swarm(["warm up"], agents=[agent])
    ratios: list[float] = []
    for at_once in (AT_ONCE, tasks):
        began = time.perf_counter()
        results = pa.swarm([f"task {number}" for number in range(tasks)], agents=[agent], at_once=at_once)
        wall = time.perf_counter() - began
        assert len(results) == tasks
        ratios.append(wall / (SECONDS * tasks / at_once))
    return ratios


class _Slow(RuleModel):
    """Takes its time for each answer, as a server does."""

    def __init__(self, seconds: float) -> None:
        super().__init__(_rule if not seconds else lambda request: ANSWERS, capabilities=Capabilities(native_tools=True))
        self._seconds = seconds

    async def generate(self, request: ModelRequest) -> ModelResponse:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        return await super().generate(request)


def _rule(request: ModelRequest) -> ModelResponse:
    return ANSWERS if request.messages[-1].role == "tool" else CALLS


def _model(seconds: float) -> RuleModel:
    return _Slow(seconds)
