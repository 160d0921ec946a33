"""What every runner that talks to a supervisor needs: the job as words, the talk, and the answer as a `CodeResult`.

In:  what the caller asked for; a line to a supervisor.
Out: what became of it. Whoever cancels waits until nothing of the execution is left.
"""

import base64
import contextlib
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from purpose_agent.core.errors import UsageError
from purpose_agent.core.ports import CodeLimits, CodeResult
from purpose_agent.sandbox import pool

if TYPE_CHECKING:
    from anyio import CapacityLimiter
    from anyio.lowlevel import RunVar

T = TypeVar("T")
LONGEST_NAME = 255
AT_ONCE = 64
"""Executions at once in one event loop; more wait for their turn."""
PATIENCE = 30.0
"""Seconds that a cancelled execution may take to be over."""


def job_of(
    code: str, limits: CodeLimits, files: Mapping[str, bytes] | None, results: Sequence[str], folder: str = ""
) -> dict[str, Any]:
    """The job of a supervisor.

    Args:
        folder: Where the code is to work; a new name in the folder for temporary files if none is given.

    Raises:
        UsageError: A name in `files` leads out of the folder.
    """
    if isinstance(results, str) or any(_leads_out(pattern) for pattern in results):
        raise UsageError(
            f"results: give a list of patterns of names inside the code's folder, such as ['*.csv']; not {results!r}."
        )
    contents: Mapping[str, object] = files or {}  # not every caller has a type checker
    if wrong := next((name for name, data in contents.items() if not isinstance(data, bytes)), None):
        raise UsageError(f"files: the content of {wrong!r} must be bytes.")
    named = {_inside(name): data for name, data in (files or {}).items()}
    _fit(named, files or {}, limits)
    return {
        "limits": asdict(limits),
        "folder": folder or _new_name(),
        "code": code,
        "files": {name: base64.b64encode(data).decode("ascii") for name, data in named.items()},
        "results": list(results),
    }


def _leads_out(pattern: str) -> bool:
    path = PurePosixPath(pattern)
    return path.is_absolute() or ".." in path.parts


def _fit(named: Mapping[str, bytes], files: Mapping[str, bytes], limits: CodeLimits) -> None:
    """Raises UsageError if they can't all lie in the folder."""
    if len(named) < len(files):
        raise UsageError(f"files: two of the names mean the same file: {', '.join(sorted(files))}.")
    for name in named:
        if above := next((path for path in map(str, PurePosixPath(name).parents) if path in named), None):
            raise UsageError(f"files: {above!r} can't be a file and the folder of {name!r}.")
    size = sum(map(len, named.values()))
    if size > limits.scratch_mb * 2**20:
        raise UsageError(f"files: {size} bytes, more than the {limits.scratch_mb} MiB of CodeLimits(scratch_mb=…).")


def _new_name() -> str:
    return os.path.join(os.path.realpath(tempfile.gettempdir()), f"purpose-agent-{os.urandom(8).hex()}")


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    too_long = any(len(os.fsencode(part)) > LONGEST_NAME for part in path.parts)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name or too_long:
        raise UsageError(f"files: {name!r} is not a name inside the code's folder; write for example 'data/input.csv'.")
    return str(path)


@cache
def _variable(what: str) -> "RunVar[CapacityLimiter]":
    from anyio.lowlevel import RunVar

    return RunVar(f"purpose_agent.sandbox.{what}")


def limiter(what: str) -> "CapacityLimiter":
    """Threads of our own, of this event loop: those of the user's program are left to it, and who talks keeps nobody from beginning."""
    import anyio

    found = _variable(what).get(None)
    if found is None:
        found = anyio.CapacityLimiter(AT_ONCE)
        _variable(what).set(found)
    return found


async def shielded(work: Callable[[], T], undo: Callable[[T], None]) -> T:
    """What `work` makes, in a thread.

    Args:
        undo: Told of what was made for nobody. A shield does not hold off `asyncio`'s own cancellation, as of `asyncio.timeout`.
    """
    import anyio
    import anyio.to_thread

    turn, made, gone = threading.Lock(), list[T](), False

    def make() -> T:
        found = work()
        with turn:
            made.append(found)
            unwanted = gone
        if unwanted:
            undo(found)
        return found

    try:
        with anyio.CancelScope(shield=True):
            return await anyio.to_thread.run_sync(make, limiter=limiter("begin"))
    except BaseException:
        with turn:
            gone = True
            found = made[:]
        for each in found:
            undo(each)
        raise
    raise AssertionError("unreachable")


async def exchange(
    line: socket.socket, second: Mapping[str, Any] | None, job: Mapping[str, Any], over: Callable[[], None]
) -> dict[str, Any]:
    """The answer; {} if the supervisor was ended.

    Args:
        over: Called in a thread when nothing of the execution is left.
    """
    import anyio
    import anyio.to_thread

    ended, turn, begun = threading.Event(), threading.Lock(), False

    def begin() -> bool:
        nonlocal begun
        with turn:
            was, begun = begun, True
        return not was

    def converse() -> dict[str, Any]:
        if not begin():  # it was cancelled before this thread came to it
            return {}
        try:
            return pool.converse(line, second, job)
        finally:
            over()
            ended.set()

    try:
        return await anyio.to_thread.run_sync(converse, abandon_on_cancel=True, limiter=limiter("talk"))
    except BaseException:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_WR)
        never_began = begin()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(over if never_began else lambda: ended.wait(PATIENCE))
        raise
    finally:
        line.close()


def result_of(answer: Mapping[str, Any], level: str) -> CodeResult:
    """The supervisor's answer, as the caller gets it.

    Raises:
        RuntimeError: The supervisor failed.
    """
    if not answer:
        gone = "The process that watches the code was ended from outside.\n"
        return CodeResult(status="killed", stdout="", stderr=gone, level=level, enforced=(), seconds=0.0)
    if "failed" in answer:
        raise RuntimeError(f"The sandbox's supervisor failed; this is a bug of ours:\n{answer['failed']}")
    notes = [answer["note"], *(f"not handed back: {reason}" for reason in answer["left_out"])]
    notes = [note for note in notes if note]
    stderr = answer["stderr"]
    if notes:
        stderr = "\n".join([*([stderr.rstrip()] if stderr.strip() else []), *notes]) + "\n"
    return CodeResult(
        status=answer["status"],
        stdout=answer["stdout"],
        stderr=stderr,
        level=level,
        enforced=tuple(sorted(answer["enforced"])),
        seconds=answer["seconds"],
        value=answer["value"],
        files={name: base64.b64decode(data) for name, data in answer["files"].items()},
        truncated=answer["truncated"],
        attempts=tuple(answer["tried"]),
    )
