"""The script of the process between us and the code: starts it, watches it, and ends all of it.

In:  one line of JSON on stdin, the job. Then stdin is a lifeline: when it closes, everything ends.
Out: one JSON object on stdout: status, output, reports, what was in force.

A process of its own, because it must be the *subreaper* (prctl(2), PR_SET_CHILD_SUBREAPER): then every orphan below it,
however often it forked and whatever session it moved to, becomes its child, and "no children left" means that nothing of
the run is left. Setting that in the user's own process would hand it orphans it knows nothing of.

Standard library only: it runs with `-I -S`, where this package can't be imported. What it imports is paid at every run; it
does without `tempfile` and `secrets`, which would take longer than the rest.
"""

import codecs
import contextlib
import ctypes
import fcntl
import json
import math
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, cast

SET_PDEATHSIG, SET_DUMPABLE, SET_NO_NEW_PRIVS, SET_CHILD_SUBREAPER = 1, 4, 38, 36
FLOOD = 10
"""How many times the wanted output a stream may carry before the run is ended."""
REPORT_BYTES = 4 * 2**20
TICK = 0.02
"""Seconds between two counts of the processes."""
BURIAL = 5.0
"""Seconds given to killed processes to vanish."""
COUNTS = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
"""Whether this kernel tells who is whose child."""


def prctl(option: int, value: int) -> bool:
    """Whether the kernel took it; False where there is no prctl."""
    try:
        return ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) == 0
    except (AttributeError, OSError):
        return False


def descendants(pid: int) -> Iterator[tuple[int, int]]:
    """Every process below `pid` with its number of threads, where Linux tells."""
    waiting = [pid]
    seen = {pid}
    while waiting:
        parent = waiting.pop()
        try:
            threads = os.listdir(f"/proc/{parent}/task")
        except OSError:
            continue
        if parent != pid:
            yield parent, len(threads)
        for thread in threads:
            with contextlib.suppress(OSError), open(f"/proc/{parent}/task/{thread}/children", encoding="ascii") as file:
                for child in map(int, file.read().split()):
                    if child not in seen:
                        seen.add(child)
                        waiting.append(child)


def group_of(pid: int) -> int | None:
    """Its process group; None if it is gone."""
    try:
        return os.getpgid(pid)
    except OSError:
        return None


def reap(first: int) -> int | None:
    """Take leave of every child that has ended, orphans handed to us included; the exit code of `first` if it did."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == first:
                code = os.waitstatus_to_exitcode(status)
            if not pid:
                break
    return code


def end_all(first: int) -> bool:
    """Kill what is below this process until nothing is; False if something would not die in time."""
    until = time.monotonic() + BURIAL
    while True:
        below = [pid for pid, _ in descendants(os.getpid())]
        # The group dies at one stroke, faster than it can fork. Only while it has a member, or where nobody can tell:
        # the number of an empty group may belong to a stranger by now.
        if not COUNTS or any(group_of(pid) == first for pid in below):
            with contextlib.suppress(OSError):
                os.killpg(first, signal.SIGKILL)
        for pid in below:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.001)


def remove_folder(folder: str) -> None:
    """Remove `folder` with all that is in it, however deep, as far as this user may.

    Deep trees are flattened instead of walked down: neither recursion nor open descriptors grow with the depth.
    Call it when nothing lives in the folder any more.
    """
    token = os.urandom(8).hex()
    count = 0
    try:
        while entries := list(os.scandir(folder)):
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                    continue
                os.chmod(entry.path, 0o700)
                for below in list(os.scandir(entry.path)):
                    if below.is_dir(follow_symlinks=False):
                        os.chmod(below.path, 0o700)
                        count += 1
                        os.rename(below.path, os.path.join(folder, f"{token}.{count}"))
                    else:
                        os.unlink(below.path)
                os.rmdir(entry.path)
        os.rmdir(folder)
    except OSError:  # already gone, or something only another user may remove
        pass


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
                self.words.update(json.loads(text))


def rlimits(limits: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Name, resource and hard limit of each."""
    mib = 2**20
    return [
        ("address-space", resource.RLIMIT_AS, limits["memory_mb"] * mib),
        ("cpu-seconds", resource.RLIMIT_CPU, math.ceil(limits["seconds"]) + 2),
        ("file-size", resource.RLIMIT_FSIZE, limits["file_mb"] * mib),
        ("open-files", resource.RLIMIT_NOFILE, 256),
        ("no-core-dumps", resource.RLIMIT_CORE, 0),
    ]


def become_the_child(job: dict[str, Any], fds: tuple[int, int, int, int], supervisor: int) -> None:
    """After the fork: give up everything that isn't needed, then start a fresh interpreter. Does not return."""
    os.setsid()
    prctl(SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(1)
    prctl(SET_NO_NEW_PRIVS, 1)
    # Out of the way first: a pipe may have been given one of the numbers wanted below.
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (os.open(os.devnull, os.O_RDONLY), *fds)]
    for number, fd in enumerate(moved):
        os.dup2(fd, number)
    os.chdir(job["folder"])
    for _, kind, hard in job["rlimits"]:
        # A limit that can't be set is missing from what the child reports to be in force.
        with contextlib.suppress(OSError, ValueError):
            soft = hard - 1 if kind == resource.RLIMIT_CPU else hard
            resource.setrlimit(kind, (soft, hard))
    command = [sys.executable, "-I", "-B", "-S", "-X", "utf8", job["script"]]
    os.execve(sys.executable, command, job["environment"])


def start(job: dict[str, Any], key: str) -> tuple[int, int, int, int]:
    """Start the child: its process id, and where its stdout, stderr and reports come out."""
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    reports, reports_end = os.pipe()
    path = os.path.join(job["folder"], os.urandom(8).hex())
    with open(path, "x+b") as file:
        os.unlink(path)
        file.write(json.dumps({**job, "key": key}).encode())
        file.seek(0)
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                become_the_child(job, (out_end, err_end, reports_end, file.fileno()), supervisor)
            finally:
                os._exit(127)
    for fd in (out_end, err_end, reports_end):
        os.close(fd)
    return pid, out, err, reports


def verdict(code: int, words: dict[str, Any]) -> tuple[str, str]:
    """Status and a note, from how the child ended by itself."""
    if code < 0:
        name = signal.Signals(-code).name
        if words.get("memory"):
            return "memory", ""
        if -code == signal.SIGXCPU:
            return "timeout", "Ended: it used up its CPU seconds."
        return "killed", f"Ended by signal {name}."
    end = words.get("end")
    if end == "memory" or (end is None and words.get("memory")):
        return "memory", ""
    if end is None:
        began = "before the code reached its end" if "start" in words else "before the code began"
        return "error", f"The process ended {began}, with exit code {code}."
    if end == "ok" and code == 0:
        return "ok", ""
    return "error", "" if end == "error" else f"The process ended with exit code {code} after the code's end."


def watch(job: dict[str, Any]) -> dict[str, Any]:
    """Run the job to whichever end comes first."""
    limits = job["limits"]
    job["rlimits"] = rlimits(limits)
    key = os.urandom(16).hex()
    began = time.monotonic()
    pid, *pipes = start(job, key)
    kept = {pipes[0]: Kept(limits["output_chars"]), pipes[1]: Kept(limits["output_chars"])}
    reports = Reports(key)
    poll = select.poll()
    open_pipes = set(pipes)
    for fd in (0, *pipes):
        poll.register(fd, select.POLLIN)
    end_of_child = -1
    with contextlib.suppress(AttributeError, OSError):
        end_of_child = os.pidfd_open(pid)
        poll.register(end_of_child, select.POLLIN)

    def take(fd: int) -> None:
        data = os.read(fd, 65536)
        (reports if fd == pipes[2] else kept[fd]).add(data)
        if not data:
            poll.unregister(fd)
            open_pipes.discard(fd)

    def flooded() -> bool:
        most = FLOOD * max(limits["output_chars"], 1000)
        return reports.count > REPORT_BYTES or any(stream.count > most for stream in kept.values())

    status, note, code = "", "", None
    next_count = began + TICK
    while not status:
        now = time.monotonic()
        left = began + limits["seconds"] - now
        if left <= 0:
            status, note = "timeout", f"Ended: it took longer than {limits['seconds']:g} s."
            break
        for fd, _ in poll.poll(max(1.0, min(left, TICK) * 1000)):
            if fd == 0:
                if not os.read(0, 65536):
                    status, note = "killed", "Ended: it was no longer wanted."
            elif fd != end_of_child:
                take(fd)
        if flooded():
            status, note = "output", "Ended: it wrote far more than it may."
        code = reap(pid)
        if code is not None:
            break
        if COUNTS and time.monotonic() >= next_count:
            next_count = time.monotonic() + TICK
            total = 0
            for _, threads in descendants(os.getpid()):
                total += threads
                if total > limits["processes"]:
                    status, note = "killed", f"Ended: more than {limits['processes']} processes and threads at once."
                    break
    seconds = time.monotonic() - began
    gone = end_all(pid)
    until = time.monotonic() + 1
    while open_pipes and time.monotonic() < until and not flooded():
        for fd, _ in poll.poll(10):
            if fd in open_pipes:
                take(fd)
    if not status:
        status, note = verdict(code if code is not None else 0, reports.words)
    if not gone:
        note += " Some of its processes could not be ended."
    measures, value = reports.words.get("start"), reports.words.get("value")
    enforced = [*map(str, cast("list[object]", measures) if isinstance(measures, list) else ()), "wall-time", "output"]
    enforced += ["process-count"] if COUNTS else []
    enforced += ["process-tree"] if COUNTS and job["subreaper"] and gone else []
    out, err = kept.values()
    return {
        "status": status,
        "note": note.strip(),
        "stdout": out.text,
        "stderr": err.text,
        "truncated": out.truncated + err.truncated,
        "value": value if isinstance(value, str) else None,
        "enforced": sorted(enforced),
        "seconds": seconds,
    }


def main() -> None:
    """Read the job, watch it, answer."""
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return
    job: dict[str, Any] = json.loads(line)
    # Not dumpable: another process of the same user can't open our descriptors or our memory. Root can.
    prctl(SET_DUMPABLE, 0)
    job["subreaper"] = prctl(SET_CHILD_SUBREAPER, 1)
    try:
        answer = watch(job)
        # Answered before the folder is removed: that may take long, and nobody needs to wait for it to know the outcome.
        with contextlib.suppress(BrokenPipeError), open(1, "wb") as stdout:
            stdout.write(json.dumps(answer).encode())
    finally:
        remove_folder(job["folder"])


if __name__ == "__main__":
    main()
