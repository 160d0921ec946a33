"""Measurements side by side: one process for each core, and none of them takes the others down.

In:  a function, and what it is called with, job by job.
Out: the curves of all jobs that came to their end, and what became of the others.

Not here: what a job measures. A job's function and arguments are sent to another process, so they must be picklable.
"""

import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from benchmarks.learning.protocol import Condition, Curve, Outcome, World, measure
from benchmarks.learning.values import success_rate
from benchmarks.parts import NotThere
from purpose_agent.core.task import Task

WORKERS = 2


@dataclass(slots=True)
class Measured:
    """What came of a number of jobs.

    Attributes:
        failed: The name of each job that broke, with its error in one line.
    """

    curves: list[Curve] = field(default_factory=list[Curve])
    failed: dict[str, str] = field(default_factory=dict[str, str])


def run_jobs(
    job: "Callable[..., list[Curve]]",
    calls: Sequence[tuple[str, tuple[object, ...]]],
    only: Sequence[str] = (),
    *,
    workers: int = WORKERS,
) -> Measured:
    """Call `job` with each of the arguments, named for the screen; a job that raises is told, and the others go on.

    The curves are in the order of the calls, whichever ended first.

    Args:
        only: The calls whose names contain one of these; () for all.

    Raises:
        NotThere: One of them is in no name.
    """
    known = [name for name, _ in calls]
    if unknown := [part for part in only if not any(part in name for name in known)]:
        raise NotThere(f"No job's name contains {' or '.join(map(repr, unknown))}. Jobs: {'; '.join(known)}.")
    calls = [(name, arguments) for name, arguments in calls if not only or any(part in name for part in only)]
    began = perf_counter()
    measured, done = Measured(), dict[str, list[Curve]]()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(job, *arguments): name for name, arguments in calls}
        for number, future in enumerate(as_completed(futures), start=1):
            name, error = futures[future], future.exception()
            if error is None:
                done[name] = future.result()
                said = ", ".join(_told(curve) for curve in done[name])
            else:
                measured.failed[name] = said = f"{type(error).__name__}: {error}"
                traceback.print_exception(error)
            print(f"[{perf_counter() - began:5.0f} s, {number}/{len(calls)}] {name}: {said}", flush=True)
    if measured.failed:
        print(f"Not in the tables, for they broke: {', '.join(measured.failed)}", flush=True)
    measured.curves = [curve for name, _ in calls for curve in done.get(name, ())]
    return measured


@dataclass(frozen=True, slots=True)
class Exam:
    """One world with one seed, and the same held-out tasks for every condition.

    Attributes:
        train: Training tasks of a condition that learns.
        folder: In which each condition has its own.
    """

    world: World
    held_out: Sequence[Task]
    seed: int
    model: str
    train: int
    folder: Path

    def trained(self, condition: Condition, at: Sequence[int] = (), *, restart: bool = False) -> Curve:
        """Training, and the held-out tasks at these points and at its end."""
        return self._measured(condition, condition.name, self.train, at, restart)

    def looked(self, condition: Condition, folder: str = "") -> Curve:
        """Without training: in a folder of its own, or in that of a condition that was trained."""
        return self._measured(condition, folder or condition.name, 0, (), restart=False)

    def _measured(self, condition: Condition, folder: str, train: int, at: Sequence[int], restart: bool) -> Curve:
        return measure(
            self.world,
            condition,
            model=self.model,
            seed=self.seed,
            train=train,
            at=at,
            held_out=self.held_out,
            folder=self.folder / folder,
            restart=restart,
        )


def flat(curve: Curve, at: Sequence[int]) -> Curve:
    """The curve of what doesn't learn, measured once: it is as good after any training."""
    return replace(curve, points=tuple((trained, curve.final) for trained in sorted({0, *at})))


def following(trained: Curve, looked: Curve, start: Sequence[Outcome] | None = None) -> Curve:
    """The curve of a condition that had the training of another: what `looked` saw, after what `trained` was trained on.

    Args:
        start: The outcomes before any training; by default those of `trained`.
    """
    upto = trained.points[-1][0]
    first = tuple(start) if start is not None else trained.points[0][1]
    return replace(looked, points=((0, first), (upto, looked.final)), training=trained.training)


def _told(curve: Curve) -> str:
    share = success_rate(curve.final)
    return f"{curve.condition} {'?' if share is None else f'{100 * share:.0f} %'}"
