"""The processes of an execution that may start others: who they are, and the end of all of them.

A *subreaper* (prctl(2), PR_SET_CHILD_SUBREAPER) gets every orphan below it as its child, however often it forked and whatever session it
moved to; so "no children left" means that nothing is left. Linux; elsewhere only the child's group is known. Standard library only: it
runs where this package can't be imported.
"""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Iterator

SET_PDEATHSIG, SET_DUMPABLE, DROP_CAPABILITY, SET_CHILD_SUBREAPER, GET_NO_NEW_PRIVS = 1, 4, 24, 36, 39
BURIAL = 5.0
"""Seconds given to killed processes to vanish."""
COUNTS = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
"""Whether this kernel tells who is whose child."""


def prctl(option: int, value: int, wanted: int = 0) -> bool:
    """Whether the kernel answered what is wanted; False where there is no prctl."""
    try:
        return ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) == wanted
    except (AttributeError, OSError):
        return False


def drop_capabilities(*, for_good: bool) -> None:
    """Give up what passes by the kernel's rules; root then is a user like any other.

    Args:
        for_good: Also for programs that are started later, which would have them anew.
    """
    try:
        libc = ctypes.CDLL(None)
        for capability in range(64) if for_good else ():
            libc.prctl(DROP_CAPABILITY, capability, 0, 0, 0)
        libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
    except (AttributeError, OSError):  # no Linux
        return


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


def children() -> list[int]:
    """The direct children of this process, where Linux tells."""
    found: list[int] = []
    with contextlib.suppress(OSError), open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        found += map(int, file.read().split())
    return found


def kill(pid: int) -> None:
    """End a process, if it is still there."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def end_all(groups: tuple[int, ...]) -> bool:
    """Kill what is below this process until nothing is; False if something would not die in time.

    Args:
        groups: The process groups of the children it started.
    """
    until = time.monotonic() + BURIAL
    while True:
        below = [pid for pid, _ in descendants(os.getpid())]
        # A group dies at one stroke, faster than it can fork. Only while it has a member, or where nobody can tell:
        # the number of an empty group may belong to a stranger by now.
        alive = {group_of(pid) for pid in below}
        for group in groups:
            if not COUNTS or group in alive:
                with contextlib.suppress(OSError):
                    os.killpg(group, signal.SIGKILL)
        for pid in below:
            kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.001)
