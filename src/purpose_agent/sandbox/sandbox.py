"""Where code that we did not write runs.

In:  code, limits, files for its folder.
Out: a `CodeResult`: how the code ended, what it handed back, which level held it and which measures were in force.

The best level of this machine is taken, and nothing below "good" unless it is asked for by name: then `SandboxUnavailable` says why, and
what to do. The README of this room says what each level stops and what it does not, with the tests that show it.
"""

import base64
import contextlib
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any, TypeVar

from purpose_agent.core.errors import UsageError
from purpose_agent.core.ports import CodeLimits, CodeResult
from purpose_agent.sandbox import pool
from purpose_agent.sandbox.folders import remove_folder
from purpose_agent.sandbox.levels import BY_NAME, WALLS, Level, level_wanted, unavailable

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds that a cancelled execution may take to be over."""


class Sandbox:
    """Runs Python code in a fresh copy of a clean process, locked down; implements `core.ports.CodeRunner`.

    The code sees the standard library, the packages, its files, and `result(value)`, which hands back a JSON value. It can start threads
    but no processes, and has no network (unless the level is "process-only").

    Args:
        level: At least this one, and of several the best that this machine has: None takes what `PURPOSE_AGENT_SANDBOX` says, else
            "good". "process-only" and "monty" are taken exactly.
        packages: What the code may import besides the standard library, as it imports them, with all that they need.
        limits: For executions that bring none of their own.
    """

    def __init__(self, level: Level | None = None, *, packages: Sequence[str] = (), limits: CodeLimits | None = None) -> None:
        if level is not None and level not in BY_NAME:
            raise UsageError(f"Sandbox: {level!r} is no level; it is one of {', '.join(BY_NAME)}.")
        self.level: Level = level or level_wanted() or "good"
        self.packages = tuple(packages)
        self.limits = limits or CodeLimits()

    @property
    def candidates(self) -> tuple[Level, ...]:
        """The levels that would do, best first."""
        return WALLS[: WALLS.index(self.level) + 1] if self.level in WALLS else (self.level,)

    async def run(
        self,
        code: str,
        *,
        limits: CodeLimits | None = None,
        files: Mapping[str, bytes] | None = None,
        results: Sequence[str] = (),
        second: str | None = None,
    ) -> CodeResult:
        """Run `code` with `files` in its folder, and end everything it started.

        Args:
            results: Patterns (fnmatch) of files in its folder to hand back; never through links.
            second: Code for a second process, which gets a line to the first one and nothing else (`wire.py`).

        Raises:
            SandboxUnavailable: This machine has no level that would do; the code was not run.
            UsageError: A name in `files` leads out of the folder, or there is no interpreter to start.
        """
        import anyio.to_thread

        names = {_inside(name): base64.b64encode(data).decode("ascii") for name, data in (files or {}).items()}
        asked: dict[str, Any] = {"limits": asdict(limits or self.limits), "folder": _new_name()}
        job = {**asked, "code": code, "files": names, "results": list(results)}
        other = {**asked, "code": second} if second is not None else None
        level, zygote, line = await _shielded(self._line)
        answer = await _exchange(zygote, line, other, job)
        if not answer and level != "strong":
            await anyio.to_thread.run_sync(remove_folder, asked["folder"])
        if "failed" in answer:
            raise RuntimeError(f"The sandbox's supervisor failed; this is a bug of ours:\n{answer['failed']}")
        if answer.get("refused"):
            raise unavailable([(level, str(answer["refused"]))])
        return _result(answer, level)

    def probe(self) -> tuple[Level, tuple[tuple[Level, str], ...]]:
        """The level that code would run at, and why better ones can't be had. Starts the process to fork from.

        Raises:
            SandboxUnavailable: None of the levels that would do can be had here.
        """
        refused: list[tuple[Level, str]] = []
        for level in self.candidates:
            try:
                pool.zygote_for(level, self.packages)
            except pool.Refused as error:
                refused.append((level, str(error)))
                continue
            return level, tuple(refused)
        raise unavailable(refused)

    def _line(self) -> tuple[Level, pool.Zygote, socket.socket]:
        if not sys.executable:
            raise UsageError("There is no Python interpreter to start: sys.executable is empty in this program.")
        for last in (False, True):
            level, _ = self.probe()
            zygote = pool.zygote_for(level, self.packages)
            try:
                return level, zygote, zygote.connect()
            except OSError:
                pool.forget(level, self.packages, zygote)
                if last:
                    raise
        raise AssertionError("unreachable")


async def _shielded(work: Callable[[], T]) -> T:
    """Done in a thread, also if it is cancelled meanwhile: a line that nobody holds could not be closed."""
    import anyio
    import anyio.to_thread

    with anyio.CancelScope(shield=True):
        return await anyio.to_thread.run_sync(work)
    raise AssertionError("unreachable")


def _new_name() -> str:
    return os.path.join(os.path.realpath(tempfile.gettempdir()), f"purpose-agent-{os.urandom(8).hex()}")


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise UsageError(f"files: {name!r} is not a name inside the code's folder; write for example 'data/input.csv'.")
    return str(path)


async def _exchange(
    zygote: pool.Zygote, line: socket.socket, second: Mapping[str, Any] | None, job: Mapping[str, Any]
) -> dict[str, Any]:
    """The answer; {} if the supervisor was ended. Whoever cancels waits until nothing of the execution is left."""
    import anyio
    import anyio.to_thread

    over = threading.Event()

    def converse() -> dict[str, Any]:
        try:
            return pool.converse(line, second, job)
        finally:
            zygote.done()
            over.set()

    try:
        return await anyio.to_thread.run_sync(converse, abandon_on_cancel=True)
    except BaseException:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_WR)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(over.wait, PATIENCE)
        raise
    finally:
        line.close()


def _result(answer: Mapping[str, Any], level: Level) -> CodeResult:
    if not answer:
        gone = "The process that watches the code was ended from outside.\n"
        return CodeResult(status="killed", stdout="", stderr=gone, level=level, enforced=(), seconds=0.0)
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
