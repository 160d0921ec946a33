"""What this process and the machine hold on its behalf: counted before and after, to see what was left behind.

In:  nothing.
Out: numbers by name. What can't be looked at is missing.
"""

import contextlib
import gc
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from purpose_agent.sandbox import tree

MIB = 1024
ROOM = {"memory of this process, KiB": 8 * MIB, "memory of the processes to fork from, KiB": 8 * MIB}
"""By how much a thing may grow before it counts: allocators keep what they were given. All others: not at all."""

STILL = 0.5
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One thing, before and after."""

    name: str
    before: float
    after: float

    @property
    def grew(self) -> bool:
        """More is there than before, beyond what counts as noise."""
        return self.after > self.before + ROOM.get(self.name, 0)


def count() -> dict[str, float]:
    """All that is counted, at this moment."""
    me = os.getpid()
    below = [pid for pid, _ in tree.descendants(me)]
    found: dict[str, float | None] = {
        "memory of this process, KiB": _memory(me),
        "descriptors of this process": _entries("/proc/self/fd"),
        "threads of this process": float(threading.active_count()),
        "threads the kernel counts": _entries("/proc/self/task"),
        "processes below this one": float(len(below)),
        "memory of the processes to fork from, KiB": _sum(map(_memory, below)),
        "descriptors of the processes to fork from": _sum(_entries(f"/proc/{pid}/fd") for pid in below),
        "files in the temporary folder": float(sum(1 for _ in Path(tempfile.gettempdir()).rglob("*"))),
        "mounts": _lines("/proc/self/mountinfo"),
        "files in /dev/shm": _entries("/dev/shm"),
        "shared memory": _lines("/proc/sysvipc/shm"),
        "semaphores": _lines("/proc/sysvipc/sem"),
        "message queues": _lines("/proc/sysvipc/msg"),
    }
    return {name: value for name, value in found.items() if value is not None}


def settled(patience: float = 10.0) -> dict[str, float]:
    """All that is counted, once it has stood still for a moment: what was cancelled ends a little after its caller has gone."""
    until = time.monotonic() + patience
    gc.collect()
    last = count()
    while True:
        time.sleep(STILL)
        now = count()
        if time.monotonic() > until or all(now.get(name) == value for name, value in last.items() if name not in ROOM):
            return now
        last = now


def compared(before: Mapping[str, float], after: Mapping[str, float]) -> list[Growth]:
    """Everything that could be counted both times."""
    return [Growth(name, value, after[name]) for name, value in before.items() if name in after]


def _memory(pid: int) -> float | None:
    """What it has to itself, in KiB; a fork's shared pages would be counted twice."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1])
    return None


def _entries(folder: str) -> float | None:
    with contextlib.suppress(OSError):
        return float(len(os.listdir(folder)))
    return None


def _lines(file: str) -> float | None:
    with contextlib.suppress(OSError):
        return float(len(Path(file).read_text().splitlines()))
    return None


def _sum(values: Iterable[float | None]) -> float | None:
    """None if one of them is not known: a sum of the others would look like less."""
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total
