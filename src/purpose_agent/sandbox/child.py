"""The process that the code runs in, from its fork on: give up what it doesn't need, run the code, say how it went.

In:  a job, a policy, the descriptors it keeps.
Out: reports on descriptor 3, each a line of the run's key and JSON: what is in force (`start`) or why nothing was run (`refused`),
     what was tried in spite of it (`tried`), what was handed back (`value`), how it ended (`end`). Tracebacks go to stderr, without the
     frames of this file.

A step of the lockdown that fails ends the process: the code does not run. Standard library only: it runs where this package can't be
imported.
"""

import array
import atexit
import builtins
import fcntl
import gc
import json
import linecache
import os
import random
import resource
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType, TracebackType
from typing import Any

from purpose_agent.sandbox import guard, tree

REPORT, FIRST_FREE = 3, 7
"""From 4 to 6: the line to another process of the same run, where there is one (`wire.py`)."""
NAME = "<code>"


def begin(
    policy: Mapping[str, Any],
    job: dict[str, Any],
    key: str,
    fds: Sequence[int],
    gate: "socket.socket | None",
    readable: tuple[Sequence[int], Sequence[int]],
) -> None:
    """Be locked down, then run the job. Does not return.

    Args:
        fds: What becomes 0, 1, 2, 3 … here.
        gate: Where to hand over the descriptor by which our threads are counted.
        readable: Descriptors of folders and of files that may be read, of high numbers.
    """
    supervisor = os.getppid()
    os.setsid()
    tree.prctl(tree.SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(1)
    # Out of the way first: a descriptor may have been given one of the numbers wanted below.
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64) for fd in fds]
    gate_fd = fcntl.fcntl(gate.fileno(), fcntl.F_DUPFD_CLOEXEC, 64) if gate is not None else -1
    for number, fd in enumerate(moved):
        os.dup2(fd, number, inheritable=number < REPORT)
    for number in _open_among(range(len(moved), FIRST_FREE)):
        os.close(number)

    def report(**words: object) -> None:
        line = f"{key} {json.dumps(words)}\n".encode()
        while line:
            line = line[os.write(REPORT, line) :]

    try:
        measures = _lock_down(policy, job, gate_fd, readable)
    # BLE001: whatever goes wrong here, the code must not run, and the reason must be told.
    except BaseException as error:  # noqa: BLE001
        report(refused=f"{type(error).__name__}: {error}")
        os._exit(3)
    report(start=[*measures, *in_force(job)])
    gc.enable()
    if policy["level"] == "process-only":
        guard.install(job["folder"], lambda tried: report(tried=tried))
    end = run(job, report)
    # What the interpreter does at its end: wait for threads, and call what was to be called.
    vars(threading)["_shutdown"]()
    vars(atexit)["_run_exitfuncs"]()
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    report(end=end)
    os._exit(0)


def _lock_down(
    policy: Mapping[str, Any], job: Mapping[str, Any], gate_fd: int, readable: tuple[Sequence[int], Sequence[int]]
) -> list[str]:
    """Everything that is given up, in an order in which each step is still allowed to be taken; what is in force then."""
    os.environ.clear()
    os.environ.update(job["environment"])
    os.umask(0o077)
    os.chdir(job["folder"])
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # every execution is a copy of one process; its numbers must not be
    found: list[str] = []
    if policy["level"] == "process-only":
        if job["alone"]:
            tree.drop_capabilities(for_good=True)
        _limit(job)
        return found
    from purpose_agent.sandbox import landlock, seccomp

    _trust_what_was_listed()
    listener = seccomp.install_thread_gate()
    with socket.socket(fileno=gate_fd) as line:
        line.sendmsg([b"t"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])
    os.close(listener)
    folder = os.open(job["folder"], os.O_PATH | os.O_DIRECTORY)
    found += landlock.restrict(
        readable[0], [folder], files=[landlock.Rule(fd, landlock.READ_FILE) for fd in readable[1]], abi=policy["abi"]
    )
    tree.drop_capabilities(for_good=False)  # no program can be started any more
    strong = policy["level"] == "strong"
    main = seccomp.program(os.uname().machine, os.getpid(), own_tree=strong)
    _limit(job)
    seccomp.install(main)
    found += ["seccomp", "thread-count", "no-capabilities", *policy["namespaces"], *(["scratch-size"] if strong else [])]
    return found


def _trust_what_was_listed() -> None:
    """Keep Python's lists of modules as they are: a folder that changes could not be listed anew, and all in it would be lost."""
    for finder in sys.path_importer_cache.values():
        if "_path_mtime" in getattr(finder, "__dict__", {}):
            vars(finder)["_fill_cache"] = _stay


def _stay() -> None:
    """In place of a method that lists a folder."""


def _limit(job: Mapping[str, Any]) -> None:
    """Close what isn't ours, and set the limits; last, since what comes before needs descriptors."""
    os.closerange(FIRST_FREE, 4096)
    for _, kind, wanted in job["rlimits"]:
        there = resource.getrlimit(kind)[1]
        hard = wanted if there == resource.RLIM_INFINITY else min(wanted, there)
        resource.setrlimit(kind, (hard - 1 if kind == resource.RLIMIT_CPU else hard, hard))


def in_force(job: Mapping[str, Any]) -> list[str]:
    """The measures that hold in this process, looked up rather than taken for granted."""
    found: list[str] = []
    for name, kind, wanted in job["rlimits"]:
        if 0 <= resource.getrlimit(kind)[1] <= wanted:
            found.append(name)
    if set(os.environ) == set(job["environment"]):
        found.append("clean-environment")
    if os.path.realpath(os.getcwd()) == os.path.realpath(job["folder"]):
        found.append("own-folder")
    if os.getsid(0) == os.getpid():
        found.append("own-session")
    if tree.prctl(tree.GET_NO_NEW_PRIVS, 0, 1):
        found.append("no-new-privileges")
    if not any(_open_among(range(FIRST_FREE, 256))):
        found.append("closed-descriptors")
    return found


def _open_among(fds: Iterable[int]) -> list[int]:
    """Those that are open, by one question of the kernel."""
    poll = select.poll()
    wanted = list(fds)
    for fd in wanted:
        poll.register(fd, 0)
    closed = {fd for fd, happened in poll.poll(0) if happened & select.POLLNVAL}
    return [fd for fd in wanted if fd not in closed]


def _flush(stream: Any) -> None:
    try:
        stream.flush()
    # BLE001: the code may have put anything in its place, or closed it.
    except Exception:  # noqa: BLE001
        return


def hidden(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that belongs to the code."""
    while frames is not None and (
        frames.tb_frame.f_code.co_filename == __file__ or "__hide_from_traceback__" in frames.tb_frame.f_globals
    ):
        frames = frames.tb_next
    return frames


def run(job: dict[str, Any], report: Callable[..., None]) -> str:
    """Run the code as `__main__`; "ok", "error" or "memory"."""
    dumps, stderr = json.dumps, sys.stderr

    def result(value: object) -> None:
        """Hand back `value`, which must be JSON. The last call counts."""
        try:
            text = dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(f"result() takes JSON values (text, numbers, lists, dictionaries, None): {error}") from None
        report(value=text)

    def leave(code: object = None) -> None:
        raise SystemExit(code)

    # `site` is off, and it is `site` that would have given these two.
    for name, function in (("result", result), ("exit", leave), ("quit", leave)):
        setattr(builtins, name, function)
    for name in [name for name in sys.modules if name.partition(".")[0] == "purpose_agent"]:
        del sys.modules[name]
    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = sys.orig_argv = [""]
    sys.path.insert(0, job["folder"])
    code: str = job["code"]
    linecache.cache[NAME] = (len(code), None, code.splitlines(keepends=True), NAME)
    try:
        exec(compile(code, NAME, "exec", dont_inherit=True), vars(module))
    except MemoryError as error:
        report(memory=True)
        error.__traceback__ = None
        stderr.write("MemoryError: the code asked for more memory than it may use\n")
        return "memory"
    except SystemExit as error:
        stderr.write(f"SystemExit: the code left before its end, with {error.code!r}\n")
        return "error"
    # BLE001: a door. Whatever the code raises is its outcome, KeyboardInterrupt included.
    except BaseException as error:  # noqa: BLE001
        error.__traceback__ = hidden(error.__traceback__)
        stderr.write("".join(traceback.format_exception(error)))
        return "error"
    return "ok"
