"""The host's eyes: what the processes of an attack are, have and hold, some forty times a second."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

PAUSE = 0.025
PAGE = os.sysconf("SC_PAGE_SIZE")


class Watcher:
    """Looks for processes that carry `mark` as their name.

    Processes that lived before, and are not below us, are not looked at.
    """

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.most_processes = self.most_threads = self.most_memory = self.most_shared = 0
        self.largest = self.total = self.names = 0
        self.gained: set[str] = set()
        """Descriptors that a process of the attack had later and not when it was first seen."""
        self._held: dict[int, set[str]] = {}
        self.program = self.blind = False
        self.privilege = ""
        self._places: dict[tuple[int, str], set[str]] = {}
        self._others = _pids() - _below(os.getpid())
        self._shared = _shared_memory()
        self._nice = os.getpriority(os.PRIO_PROCESS, 0)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def alive(self) -> list[int]:
        """The processes of the attack that live, zombies not counted."""
        return [pid for pid in self._candidates() if self._is_marked(pid)]

    def moved(self, kind: str) -> bool:
        """Whether one process was seen in two places of this kind: "user", "net", "mnt", "uts", "root"."""
        return any(len(places) > 1 for (_, name), places in self._places.items() if name == kind)

    def end_all(self) -> None:
        """End what is left of the attack."""
        for _ in range(20):
            pids = [pid for pid in self._candidates() if self._is_marked(pid) or self._is_program(pid)]
            if not pids:
                return
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    def _watch(self) -> None:
        rounds = 0
        while not self._end.wait(PAUSE):
            rounds += 1
            self._look(deep=rounds % 3 == 0)

    def _look(self, deep: bool) -> None:
        count = tasks = memory = 0
        for pid in self._candidates():
            self.program = self.program or self._is_program(pid)
            if not self._is_marked(pid):
                continue
            count += 1
            with contextlib.suppress(OSError, ValueError, IndexError):
                memory += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
                tasks += len(os.listdir(f"/proc/{pid}/task"))
            self._look_inside(pid)
            if deep:
                self._look_at_folder(pid)
        self.most_processes, self.most_threads = max(self.most_processes, count), max(self.most_threads, tasks)
        self.most_memory = max(self.most_memory, memory)
        if count:
            self.most_shared = max(self.most_shared, _shared_memory() - self._shared)

    def _look_inside(self, pid: int) -> None:
        found: set[str] = set()
        try:
            for kind in ("user", "net", "mnt", "uts", "ipc"):
                self._places.setdefault((pid, kind), set()).add(os.readlink(f"/proc/{pid}/ns/{kind}"))
            self._places.setdefault((pid, "root"), set()).add(os.readlink(f"/proc/{pid}/root"))
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(FileNotFoundError):
                    found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
            if len(os.listdir(f"/proc/{pid}/fd")) > 4_000:
                found.add("thousands")
            self.gained |= found - self._held.setdefault(pid, found)
            nice, policy = os.getpriority(os.PRIO_PROCESS, pid), os.sched_getscheduler(pid)
            if nice < self._nice or policy in (os.SCHED_FIFO, os.SCHED_RR):
                self.privilege = f"nice {nice}, policy {policy}"
        except PermissionError:
            self.blind = True
        except OSError:  # gone meanwhile
            return

    def _look_at_folder(self, pid: int) -> None:
        largest = total = names = 0
        try:
            with os.scandir(f"/proc/{pid}/cwd/") as entries:
                for entry in entries:
                    about = entry.stat(follow_symlinks=False)
                    largest, total, names = max(largest, about.st_size), total + about.st_blocks * 512, names + 1
        except PermissionError:
            self.blind = True
        except OSError:  # gone meanwhile
            pass
        self.largest, self.total, self.names = max(self.largest, largest), max(self.total, total), max(self.names, names)

    def _candidates(self) -> set[int]:
        return _pids() - self._others

    def _is_marked(self, pid: int) -> bool:
        try:
            name, rest = Path(f"/proc/{pid}/stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except (OSError, IndexError, UnicodeDecodeError):
            return False
        return name == self.mark and rest.split()[0] not in "ZX"

    def _is_program(self, pid: int) -> bool:
        """A program started by the attack has the mark in its arguments, backwards."""
        try:
            return self.mark[::-1].encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False


def _pids() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def _below(pid: int) -> set[int]:
    """`pid` and all it started, and they."""
    parents: dict[int, int] = {}
    for one in _pids():
        with contextlib.suppress(OSError, IndexError, UnicodeDecodeError):
            parents[one] = int(Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()[1])
    found = {pid}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _shared_memory() -> int:
    """Bytes in all of the host's shared memory and memory-backed files."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Shmem:"):
            return int(line.split()[1]) * 1024
    return 0
