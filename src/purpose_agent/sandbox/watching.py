"""Watching one execution of code to its end, whoever started it: its output, its reports, its time.

In:  a child that was started, limits, what else to listen to.
Out: how it ended, as the answer that goes to the user's process.

Standard library only: it runs where this package can't be imported. Not here: how the child is started and what it may do.
"""

import codecs
import contextlib
import json
import math
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

FLOOD = 10
"""How many times the wanted output a stream may carry before the run is ended."""
REPORT_BYTES = 4 * 2**20
BEFORE = {"start", "refused"}
"""The words that are said before the code begins, one of the two."""
TICK = 0.02
"""Seconds between two looks at what can only be looked at."""


class Child(NamedTuple):
    """A child, and where its stdout, stderr and reports come out."""

    pid: int
    out: int
    err: int
    reports: int


class Kept:
    """A stream's text: its first and last characters, and how many there were."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.head = ""
        self.tail = ""
        self.count = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, data: bytes) -> None:
        """Take in more; b"" ends the stream."""
        text = self._decoder.decode(data, final=not data)
        self.count += len(text)
        room = (self.limit + 1) // 2 - len(self.head)
        self.head += text[:room]
        self.tail = (self.tail + text[room:])[-(self.limit // 2) :] if self.limit > 1 else ""

    @property
    def truncated(self) -> int:
        """Characters left out."""
        return self.count - len(self.head) - len(self.tail)

    @property
    def text(self) -> str:
        """What was kept, with a mark where something is missing."""
        gap = f"\n[… {self.truncated} characters left out …]\n" if self.truncated else ""
        return self.head + gap + self.tail


class Reports:
    """The lines the child reports; only those that begin with the run's key."""

    def __init__(self, key: str) -> None:
        self.key = key.encode()
        self.count = 0
        self.words: dict[str, Any] = {}
        self._rest = b""

    def add(self, data: bytes) -> None:
        """Take in more; later words replace earlier ones of the same name."""
        self.count += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            key, _, text = line.partition(b" ")
            if key != self.key:
                continue
            with contextlib.suppress(ValueError, TypeError, RecursionError):
                self._take(json.loads(text))

    def _take(self, words: object) -> None:
        """What was said before the code began stands: what is said later may be the code's own word."""
        if not isinstance(words, dict):
            return
        begun = BEFORE & self.words.keys()
        self.words.update(
            {name: word for name, word in cast("dict[str, Any]", words).items() if not (begun and name in BEFORE)}
        )


def rlimits(limits: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Name, resource and hard limit of each."""
    mib = 2**20
    return [
        ("address-space", resource.RLIMIT_AS, limits["memory_mb"] * mib),
        ("cpu-seconds", resource.RLIMIT_CPU, math.ceil(limits["seconds"]) + 2),
        ("file-size", resource.RLIMIT_FSIZE, limits["file_mb"] * mib),
        ("open-files", resource.RLIMIT_NOFILE, limits["open_files"]),
        ("no-core-dumps", resource.RLIMIT_CORE, 0),
    ]


def reap() -> dict[int, int]:
    """Take leave of every child that has ended, orphans handed to us included: process id and exit code."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            ended[pid] = os.waitstatus_to_exitcode(status)
    return ended


def verdict(code: int, words: dict[str, Any]) -> tuple[str, str]:
    """Status and a note, from how the child ended by itself."""
    if code < 0:
        if words.get("memory"):
            return "memory", ""
        if -code == signal.SIGXCPU:
            return "timeout", "Ended: it used up its CPU seconds, or says so."
        names = {sign.value: sign.name for sign in signal.Signals}
        return "killed", f"Ended by signal {names.get(-code, -code)}."
    end = words.get("end")
    if end == "memory" or (end is None and words.get("memory")):
        return "memory", ""
    if end is None:
        began = "before the code reached its end" if "start" in words else "before the code began"
        return "error", f"The process ended {began}, with exit code {code}."
    if end == "ok" and code == 0:
        return "ok", ""
    return "error", "" if end == "error" else f"The process ended with exit code {code} after the code's end."


def watch(
    child: Child,
    limits: Mapping[str, Any],
    key: str,
    lifeline: int,
    *,
    hear: Mapping[int, Callable[[], None]],
    tick: Callable[[], str],
    ended: Callable[[int, int], None],
    end: Callable[[], bool],
) -> dict[str, Any]:
    """Watch a child to whichever end comes first.

    Args:
        key: What its reports begin with.
        lifeline: A descriptor; when it closes, nobody wants the outcome any more.
        hear: What to do when there is something to read on other descriptors.
        tick: Looks at what has no descriptor; says why the run must end, or "".
        ended: Told of every child that ended, and its exit code; its number may be a stranger's from then on.
        end: Ends what is left of the run; False if something would not die.
    """
    began = time.monotonic()
    kept = {child.out: Kept(limits["output_chars"]), child.err: Kept(limits["output_chars"])}
    reports = Reports(key)
    poll = select.poll()
    open_pipes = {child.out, child.err, child.reports}
    for fd in (lifeline, *open_pipes, *hear):
        poll.register(fd, select.POLLIN)
    end_of_child = -1
    with contextlib.suppress(AttributeError, OSError):
        end_of_child = os.pidfd_open(child.pid)
        poll.register(end_of_child, select.POLLIN)

    def take(fd: int) -> None:
        data = os.read(fd, 65536)
        (reports if fd == child.reports else kept[fd]).add(data)
        if not data:
            poll.unregister(fd)
            open_pipes.discard(fd)

    def flooded() -> bool:
        most = FLOOD * max(limits["output_chars"], 1000)
        return reports.count > REPORT_BYTES or any(stream.count > most for stream in kept.values())

    status, note, code = "", "", None
    next_look = began + TICK
    while not status:
        left = began + limits["seconds"] - time.monotonic()
        if left <= 0:
            status, note = "timeout", f"Ended: it took longer than {limits['seconds']:g} s."
            break
        for fd, happened in poll.poll(max(1.0, min(left, TICK) * 1000)):
            if fd == lifeline:
                if not os.read(lifeline, 65536):
                    status, note = "killed", "Ended: it was no longer wanted."
            elif fd in open_pipes:
                take(fd)
            elif fd in hear:
                if happened & select.POLLIN:
                    hear[fd]()
                else:  # whoever spoke there is gone
                    poll.unregister(fd)
        if flooded():
            status, note = "output", "Ended: it wrote far more than it may."
        codes = reap()
        code = codes.get(child.pid)
        for pid, its in codes.items():
            ended(pid, its)
        if code is not None:
            break
        if time.monotonic() >= next_look:
            next_look = time.monotonic() + TICK
            if trouble := tick():
                status, note = "killed", trouble
    seconds = time.monotonic() - began
    gone = end()
    until = time.monotonic() + 1
    while open_pipes and time.monotonic() < until and not flooded():
        for fd, _ in poll.poll(10):
            if fd in open_pipes:
                take(fd)
            else:
                poll.unregister(fd)
    if not status:
        status, note = verdict(code if code is not None else 0, reports.words)
    if not gone:
        note += " Some of its processes could not be ended."
    measures, value, tried = (reports.words.get(name) for name in ("start", "value", "tried"))
    out, err = kept.values()
    return {
        "status": status,
        "note": note.strip(),
        "stdout": out.text,
        "stderr": err.text,
        "truncated": out.truncated + err.truncated,
        "value": value if isinstance(value, str) and value.isascii() else None,
        "enforced": [*_texts(measures), "wall-time", "output"],
        "tried": _texts(tried),
        "refused": reports.words.get("refused", ""),
        "gone": gone,
        "seconds": seconds,
    }


def _texts(value: object) -> list[str]:
    return [*map(str, cast("list[object]", value))] if isinstance(value, list) else []
