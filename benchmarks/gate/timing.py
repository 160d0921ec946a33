"""How long the parts of the memory take on a full workspace.

In:  a filled workspace.
Out: seconds of each of many calls.
"""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.gate.corpus import tasks
from benchmarks.gate.fill import Filled
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.core.errors import MissingExtra
from purpose_agent.core.ids import new_id
from purpose_agent.core.memory import Lesson, Memory, Pair, TrialReport
from purpose_agent.core.task import Task
from purpose_agent.memory.recall import recall
from purpose_agent.memory.store import MemoryStore
from purpose_agent.memory.vectors import MemoryVectors
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.database import Database

CALLS = 200
LENGTH = 384


@dataclass(slots=True)
class Timed:
    """Seconds of single calls, and bytes for each memory.

    Attributes:
        insert: Card, index, journal, commit.
        admit: The same with scan, a look for what says the same, and quarantine.
        decide: From the share of error that a trial is lent to its promotion, without the trial.
        vectors: Recall by meaning and words; [] without the extra.
        new: Recalls in a new process, the first one with the opening of the file.
    """

    insert: list[float] = field(default_factory=list[float])
    admit: list[float] = field(default_factory=list[float])
    recall: list[float] = field(default_factory=list[float])
    decide: list[float] = field(default_factory=list[float])
    vectors: list[float] = field(default_factory=list[float])
    new: list[float] = field(default_factory=list[float])
    bytes: float = 0.0
    found: float = 0.0

    def in_words(self, size: int) -> str:
        """One line for people."""
        parts = [
            f"{name} {median(seconds) * 1000:.2f} ms"
            for name, seconds in (
                ("insert", self.insert),
                ("admit", self.admit),
                ("recall", self.recall),
                ("with vectors", self.vectors),
                ("decide", self.decide),
                ("new process: first", self.new[:1]),
                ("then", self.new[1:]),
            )
            if seconds
        ]
        return f"{size:>7,}: {', '.join(parts)}; {self.bytes:.0f} bytes each, {self.found:.1f} recalled"


def measured(filled: Filled, size: int) -> Timed:
    """Everything on top of what is there; leaves a few more memories than before."""
    timed = Timed(bytes=filled.bytes / filled.kept)
    asked = list(tasks(CALLS, filled.seed + size))
    found = [len(recall(filled.store, task, agent)) for task, agent in asked[:50]]
    timed.found = sum(found) / len(found)
    timed.recall = [_seconds(_recalled, filled.store, task, agent, None) for task, agent in asked]
    timed.insert = [_seconds(_insert, filled, lesson) for lesson in filled.next(CALLS)]
    fresh = filled.next(CALLS)
    waiting: list[Memory] = []
    timed.admit = [_seconds(_admit, filled, lesson, waiting) for lesson in fresh]
    timed.decide = [_seconds(_decide, filled, memory) for memory in waiting if memory.status == "quarantined"]
    filled.kept += CALLS + len(fresh)
    try:
        vectors = MemoryVectors(filled.db, Drawn())
        vectors.make(filled.kept)
        vectors.save()
    except MissingExtra:
        return timed
    asked = list(tasks(CALLS, filled.seed + size + 1))
    timed.vectors = [_seconds(_recalled, filled.store, task, agent, vectors) for task, agent in asked]
    return timed


def in_new_process(folder: Path, seed: int) -> list[float]:
    """Seconds of recalls by words in a process that has seen nothing; the first with the opening of the file."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_anew, folder, seed).result()


def _anew(folder: Path, seed: int) -> list[float]:
    asked = list(tasks(CALLS, seed + 7))
    store = MemoryStore(Database(folder / DATABASE), SystemClock())
    return [_seconds(_recalled, store, task, agent, None) for task, agent in asked]


def _recalled(store: MemoryStore, task: Task, agent: str, vectors: MemoryVectors | None) -> None:
    """As a workspace does it: with a look whether what was found is as the journal left it."""
    found = recall(store, task, agent, vectors=vectors, draws=random.Random(0))
    store.intact([each.memory.id for each in found])


def _insert(filled: Filled, lesson: Lesson) -> None:
    filled.store.insert(Memory(new_id("mem"), lesson, "candidate", filled.clock.now()), actor="gate", why="drawn from a run")


def _admit(filled: Filled, lesson: Lesson, waiting: list[Memory]) -> None:
    waiting.append(filled.gate.admit(lesson))


def _decide(filled: Filled, memory: Memory) -> None:
    rate = filled.gate.allowance(memory)
    pairs = tuple(Pair(f"task {n}", n, True, False, "run", "run") for n in range(32))
    report = TrialReport(memory.id, pairs, 32, 0, 32, 2 / rate, 0.1, 1.0, (0.5, 1.0), rate)
    filled.gate.promote(memory, report)


def _seconds(call: Callable[..., object], *arguments: object) -> float:
    began = perf_counter()
    call(*arguments)
    return perf_counter() - began


class Drawn:
    """An embedder that draws: the time of a search does not depend on what the numbers mean."""

    fingerprint = "drawn/1"
    floor = 0.1

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """The same for the same text."""
        from zlib import crc32

        import numpy

        return [numpy.random.default_rng(crc32(text.encode())).standard_normal(LENGTH).tolist() for text in texts]
