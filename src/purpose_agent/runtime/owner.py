"""Which process runs a run, and whether it still lives.

In:  nothing, or a name that was written down.
Out: this process's name; whether the one of that name is there, and still at it.
"""

import os
from functools import cache
from pathlib import Path


def this_process() -> str:
    """This process's name for the `owner` column: "pid:starttime", since pids are used again."""
    return _process_name(os.getpid())


def is_alive(owner: str) -> bool:
    """The process of that name is still running, on this machine and in this pid namespace.

    Where there is no /proc, a process that got the same pid later is taken for it.
    """
    pid, _, started = owner.partition(":")
    if started:
        stat = _stat(int(pid))
        return stat is not None and stat[0] != "Z" and stat[19] == started
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_running(run_id: str, owner: str) -> bool:
    """That process still lives, and has not let go of the run."""
    return is_alive(owner) and not (run_id in _let_go and owner == this_process())


def let_go(run_id: str) -> None:
    """This process could not save what became of the run, and doesn't go on with it: anybody may."""
    _let_go.add(run_id)


def hold(run_id: str) -> None:
    """This process goes on with the run, and could save that."""
    _let_go.discard(run_id)


_let_go: set[str] = set()


@cache
def _process_name(pid: int) -> str:
    stat = _stat(pid)
    return f"{pid}:{stat[19] if stat else ''}"


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the state on, or None if there is no such process or no /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name before it is in parentheses, and may hold anything.
    return text.rpartition(")")[2].split()
