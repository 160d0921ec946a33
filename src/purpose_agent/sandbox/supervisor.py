"""The process between us and the code, one for each execution: starts it, watches it, ends all of it.

In:  frames of JSON on a socket: the job of a second process or null, then the job. Then the socket is a lifeline: when it closes,
     everything ends.
Out: one frame: status, output, reports, files, what was in force. The socket closes when nothing of the execution is left.

It runs no code of others. The second process gets its code before the first one's is read here: what the first knows, such as what is
expected of the other's answers, never was in a memory that the second one's is a copy of. Standard library only: it runs where this
package can't be imported.
"""

import contextlib
import os
import signal
import socket
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from purpose_agent.sandbox import child, folders, namespaces, tree
from purpose_agent.sandbox.frames import receive, send
from purpose_agent.sandbox.watching import Child, rlimits, watch

LOOK = 5
"""Every so many ticks the folder's size is looked at."""


def supervise(line: socket.socket, policy: Mapping[str, Any], readable: tuple[Sequence[int], Sequence[int]]) -> None:
    """Do what comes over `line`, to its end.

    Args:
        policy: Level, Landlock's version.
        readable: Descriptors of folders and of files that code may read.
    """
    parent = os.getppid()
    tree.prctl(tree.SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    execution = Execution(line, policy, readable)
    try:
        execution.open()
        second = receive(line)
        if second is not None:
            execution.start_second(second)
        job = receive(line)
        answer = execution.run(job)
        answer["files"], answer["left_out"] = folders.take(
            execution.folder, job["results"], job["limits"]["results_mb"] * 2**20
        )
        send(line, answer)
    except (EOFError, BrokenPipeError, ConnectionResetError):  # nobody wants it any more
        execution.end()
    # BLE001: a door. A bug of ours must not look like something the code did.
    except Exception:  # noqa: BLE001
        execution.end()
        send(line, {"failed": traceback.format_exc()})
    finally:
        execution.clear()


class Execution:
    """One execution: its processes and its folder."""

    def __init__(self, line: socket.socket, policy: Mapping[str, Any], readable: tuple[Sequence[int], Sequence[int]]) -> None:
        self.line, self.policy, self.readable = line, policy, readable
        self.walls = policy["level"] != "process-only"
        self.folder, self.made = "", False
        self.pids: list[int] = []
        self.gates: dict[int, Callable[[], None]] = {}
        self.out = self.out_end = self.err = self.err_end = self.reports = self.reports_end = -1
        self.second = 0
        self.line_ends: list[int] = []
        self.tell_end = -1
        self.looks = 0
        self.is_reaper = False

    def open(self) -> None:
        """Take what every execution needs of this process."""
        self.out, self.out_end = os.pipe()
        self.err, self.err_end = os.pipe()
        self.reports, self.reports_end = os.pipe()
        if not self.walls:
            self.is_reaper = tree.prctl(tree.SET_CHILD_SUBREAPER, 1)

    def start_second(self, job: dict[str, Any]) -> None:
        """The process that the first one asks."""
        questions, questions_end = os.pipe()
        answers, answers_end = os.pipe()
        told, self.tell_end = os.pipe()
        self._make_folder(job)
        job["alone"] = True
        self.second = self._start(job, os.urandom(16).hex(), (questions, answers_end))
        for fd in (questions, answers_end):
            os.close(fd)
        self.line_ends = [answers, questions_end, told]

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """The first process, to its end; then the end of all others."""
        self._make_folder(job)
        folders.put(self.folder, job.pop("files"))
        job["alone"] = bool(self.second)
        key = os.urandom(16).hex()
        pid = self._start(job, key, self.line_ends)
        for fd in (self.out_end, self.err_end, self.reports_end, *self.line_ends):
            os.close(fd)
        self.limits = job["limits"]
        answer = watch(
            Child(pid, self.out, self.err, self.reports),
            self.limits,
            key,
            self.line.fileno(),
            hear=self.gates,
            tick=self._trouble,
            ended=self._ended,
            end=self.end,
        )
        if not self.walls:
            answer["enforced"] += ["process-count"] if tree.COUNTS else []
            answer["enforced"] += ["process-tree"] if tree.COUNTS and self.is_reaper and answer["gone"] else []
        return answer

    def _make_folder(self, job: Mapping[str, Any]) -> None:
        if self.made:
            return
        if self.policy["level"] == "strong":
            self.folder = namespaces.SCRATCH
            namespaces.scratch(job["limits"]["scratch_mb"], job["limits"]["scratch_files"])
        else:
            self.folder = job["folder"]
            os.mkdir(self.folder, 0o700)
        self.made = True

    def _start(self, job: dict[str, Any], key: str, line: Sequence[int]) -> int:
        job["rlimits"] = rlimits(job["limits"])
        job["folder"] = self.folder
        job["environment"] = {"PATH": os.defpath, "HOME": self.folder, "TMPDIR": self.folder, "LANG": "C.UTF-8"}
        ours, theirs = socket.socketpair() if self.walls else (None, None)
        nothing = os.open(os.devnull, os.O_RDONLY)
        pid = os.fork()
        if pid == 0:
            try:
                self.line.close()
                fds = (nothing, self.out_end, self.err_end, self.reports_end, *line)
                child.begin(self.policy, job, key, fds, theirs, self.readable)
            finally:
                os._exit(127)
        os.close(nothing)
        self.pids.append(pid)
        if ours is not None and theirs is not None:
            theirs.close()
            self._count_threads(ours, job["limits"]["processes"])
        return pid

    def _count_threads(self, line: socket.socket, most: int) -> None:
        from purpose_agent.sandbox.seccomp import ThreadGate

        _, fds, _, _ = socket.recv_fds(line, 1, 1)
        line.close()
        if fds:  # else it refused to run, and says why
            gate = ThreadGate(fds[0], most)
            self.gates[fds[0]] = gate.answer

    def _ended(self, pid: int, code: int) -> None:
        """Forget a process, and tell the first one how the second went."""
        if pid in self.pids:
            self.pids.remove(pid)
        if pid == self.second and self.tell_end >= 0:
            with contextlib.suppress(BrokenPipeError):  # it has ended as well
                os.write(self.tell_end, f"{code}\n".encode())

    def _trouble(self) -> str:
        """What is too much by now, and is seen by nothing but looking."""
        most = self.limits["processes"]
        if not self.walls:
            total = 0
            for _, threads in tree.descendants(os.getpid()) if tree.COUNTS else ():
                total += threads
                if total > most:
                    return f"Ended: more than {most} processes and threads at once."
        self.looks += 1
        if self.policy["level"] == "strong" or self.looks % LOOK:
            return ""
        limits = self.limits
        try:
            size, count = folders.used(self.folder, limits["scratch_files"])
        except OSError as error:
            return f"Ended: there is something in its folder that can't be looked at ({os.strerror(error.errno or 0)})."
        if size > limits["scratch_mb"] * 2**20 or count > limits["scratch_files"]:
            return "Ended: it wrote more into its folder than it may."
        return ""

    def end(self) -> bool:
        """Nothing of the execution is left; False if something would not die."""
        if not self.walls:
            return tree.end_all(tuple(self.pids))
        for pid in self.pids:
            tree.kill(pid)
        for pid in self.pids:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:  # taken leave of already
                continue
        return True

    def clear(self) -> None:
        """Remove the folder. One in memory goes by itself."""
        if self.made and self.policy["level"] != "strong":
            folders.remove_folder(self.folder)
