"""What an execution of `result(1)` takes from the call to its answer, beside others' ways to run code.

In:  every level and peer that this machine has.
Out: milliseconds of one at a time, warm and cold; how many a second with eight at once, and how many failed.

All ways are run in turn, round after round, so that noise hits all alike. Warm: the process to fork from is there. Cold: it has to be
started first. Ways that start a process for every execution are always cold.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, sqrt
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Figures, spread, unmeasured
from benchmarks.sandbox.options import Options
from benchmarks.sandbox.peers import BARE, BUBBLEWRAP, MONTY, MONTY_ALONE, OURS, MontyAlone, Way, ways
from purpose_agent.runtime.sync import run_sync
from purpose_agent.sandbox import pool

AT_ONCE = 8
SLOW_EVERY = 5
"""The ways that start a process each time have a turn in every fifth round only: they take the most of the time."""
DOCKER = (
    "Docker is not measured here, for want of a daemon. Published: 195 ms to start a container of python:3.14-alpine, in the README of"
    " pydantic/monty (github.com/pydantic/monty, commit 0045b5b), by its scripts/startup_performance.py, on a machine of theirs."
)
WANTED = {
    "cold_ms": 'milliseconds of an execution at "strong" that starts the process to fork from, median',
    "warm_p50_ms": 'milliseconds of an execution at "strong", median, with the 10th and 90th percentile',
    "warm_p95_ms": 'milliseconds of an execution at "strong", 95th percentile, with its 95 % interval',
    "good_p50_ms": 'the same at "good", median',
    "process_only_p50_ms": 'the same at "process-only", median',
    "bare_p50_ms": "milliseconds of `python -I -c`, which holds nothing, median",
    "bubblewrap_p50_ms": "milliseconds of our runner on bwrap, median",
    "monty_p50_ms": "milliseconds of our runner on Monty, a process and a worker each time, median",
    "monty_pool_p50_ms": "milliseconds of Monty's own pool of workers that stay, median",
    "at_once_per_second": f'executions a second at "strong", {AT_ONCE} at once',
    "at_once_failed": f"of those executions, over all ways, {AT_ONCE} at once: how many failed",
}
FIGURE_OF = {
    "strong": "warm_p50_ms",
    "good": "good_p50_ms",
    "process-only": "process_only_p50_ms",
    BARE: "bare_p50_ms",
    BUBBLEWRAP: "bubblewrap_p50_ms",
    MONTY: "monty_p50_ms",
    MONTY_ALONE: "monty_pool_p50_ms",
}


@dataclass
class Times:
    """Milliseconds of each execution, and how many failed."""

    warm: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    cold: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    per_second: dict[str, float] = field(default_factory=dict[str, float])
    at_once: Counter[str] = field(default_factory=Counter[str])
    failed: Counter[str] = field(default_factory=Counter[str])


def measure(options: Options) -> Figures:
    """500 warm rounds, 20 cold ones, 400 executions eight at once; with `--quick` a few of each."""
    rounds, cold, at_once = (10, 3, 16) if options.quick else (500, 20, 400)
    found, missing = ways()
    times = Times()
    with contextlib.ExitStack() as stack:
        if MONTY in found:
            alone = MontyAlone()
            stack.callback(alone.close)
            found[MONTY_ALONE] = alone.run
        run_sync(_one_by_one(found, rounds, times))
        run_sync(_cold(found, cold, times))
        run_sync(_at_once({name: way for name, way in found.items() if name != MONTY_ALONE}, at_once, times))
    show(times, missing)
    return figures(times, missing)


async def timed(name: str, way: Way, times: Times) -> float:
    """Milliseconds of one execution."""
    began = perf_counter()
    ok = await way()
    if not ok:
        times.failed[name] += 1
    return (perf_counter() - began) * 1000


async def _one_by_one(found: Mapping[str, Way], rounds: int, times: Times) -> None:
    for way in found.values():
        await way()
    names = list(found)
    for number in range(rounds):
        start = number % len(names)  # nobody is always the first after the slowest
        for name in (*names[start:], *names[:start]):
            if name in (*OURS, MONTY_ALONE) or number % SLOW_EVERY == 0:
                times.warm.setdefault(name, []).append(await timed(name, found[name], times))


async def _cold(found: Mapping[str, Way], rounds: int, times: Times) -> None:
    for _ in range(rounds):
        for name in OURS:
            if name in found:
                pool.forget_all()
                times.cold.setdefault(name, []).append(await timed(name, found[name], times))


async def _at_once(found: Mapping[str, Way], most: int, times: Times) -> None:
    """The same number of executions of each way, by eight callers that each have one at a time."""
    import anyio

    for name, way in found.items():
        await way()
        left = most if name in OURS else max(AT_ONCE, most // SLOW_EVERY)
        times.at_once[name] = left
        turns = iter(range(left))
        began = perf_counter()
        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE):
                tasks.start_soon(_caller, f"{name}, {AT_ONCE} at once", way, turns, times)
        times.per_second[name] = left / (perf_counter() - began)


async def _caller(name: str, way: Way, turns: Iterator[int], times: Times) -> None:
    for _ in turns:
        if not await way():
            times.failed[name] += 1


def percentile_95(values: Sequence[float]) -> tuple[float, float, float]:
    """The 95th percentile with a 95 % interval that assumes nothing of how the values are spread (order statistics)."""
    ordered, n = sorted(values), len(values)
    wide = 1.96 * sqrt(n * 0.95 * 0.05)

    def at(rank: float) -> float:
        return ordered[max(0, min(n - 1, int(rank)))]

    return at(ceil(0.95 * n) - 1), at(floor(0.95 * n - wide) - 1), at(ceil(0.95 * n + wide) - 1)


def figures(times: Times, missing: Sequence[str]) -> Figures:
    """Those of the levels and peers that were there; the others are null."""
    found: Figures = unmeasured("; ".join(missing) or "not tried", **WANTED)
    for name, figure in FIGURE_OF.items():
        if times.warm.get(name):
            found[figure] = spread(WANTED[figure], times.warm[name])
    if strong := times.warm.get("strong"):
        found["warm_p95_ms"] = Figure(WANTED["warm_p95_ms"], *percentile_95(strong), len(strong))
    if times.cold.get("strong"):
        found["cold_ms"] = spread(WANTED["cold_ms"], times.cold["strong"])
    if "strong" in times.per_second:
        n = times.at_once["strong"]
        found["at_once_per_second"] = Figure(WANTED["at_once_per_second"], times.per_second["strong"], n=n)
    failed = sum(count for name, count in times.failed.items() if name.endswith("at once"))
    found["at_once_failed"] = Figure(WANTED["at_once_failed"], failed, n=times.at_once.total())
    return found


def show(times: Times, missing: Sequence[str]) -> None:
    """Print a row for each way, with how it compares to a bare child and to Monty."""
    bare = _median(times.warm.get(BARE))
    monty = _median(times.warm.get(MONTY_ALONE))
    columns = ("way", "n", "p50", "p95", "cold", "× bare", "× monty", f"/s, {AT_ONCE} at once", "failed")
    title = "milliseconds of result(1), from the call to the answer; × bare child, × Monty's pool"
    table = Table(*columns, title=title, title_justify="left")
    for name, warm in times.warm.items():
        p50 = _median(warm)
        table.add_row(
            name,
            str(len(warm)),
            _short(p50),
            _short(percentile_95(warm)[0]),
            _short(_median(times.cold.get(name))),
            _ratio(p50, bare),
            _ratio(p50, monty),
            _short(times.per_second.get(name)),
            str(times.failed[name] + times.failed[f"{name}, {AT_ONCE} at once"]),
        )
    console = Console()
    console.print(table)
    for line in (*(f"Missing: {reason}" for reason in missing), DOCKER):
        console.print(line, markup=False)


def _median(values: Sequence[float] | None) -> float | None:
    return median(values) if values else None


def _ratio(value: float | None, other: float | None) -> str:
    return "–" if value is None or not other else f"{value / other:.2f}"


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}" if value < 100 else f"{value:.0f}"
