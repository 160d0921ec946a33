"""A child interpreter for code we didn't write, and nothing of it left afterwards.

In:  code, limits, files for its folder.
Out: a `CodeResult` that says how the code ended and which measures were in force.

This level is called process-only, because it is no boundary against code that means harm: the code runs as the same user.
The README of this room says what it stops and what it does not. Each promise has a test in tests/sandbox or tests/attack.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from purpose_agent.core.errors import UsageError
from purpose_agent.core.ports import CodeLimits, CodeResult
from purpose_agent.sandbox import child, supervisor

if TYPE_CHECKING:
    from anyio.abc import Process

LEVEL = "process-only"
CHILD, SUPERVISOR = os.path.abspath(child.__file__), os.path.abspath(supervisor.__file__)
GRACE = 15.0
"""Seconds the supervisor may take beyond the code's own before it is ended itself."""
ANSWER_BYTES = 64 * 2**20


class ProcessRunner:
    """Runs Python code in a fresh interpreter with limits; implements `core.ports.CodeRunner`.

    The code sees the standard library, its files, and `result(value)`, which hands back a JSON value. What it writes to its
    folder is gone with the folder: `CodeResult.files` is always empty here.
    """

    def __init__(self, limits: CodeLimits | None = None) -> None:
        self.limits = limits or CodeLimits()

    async def run(self, code: str, *, limits: CodeLimits | None = None, files: Mapping[str, bytes] | None = None) -> CodeResult:
        """Run `code` with `files` in its folder, and end everything it started.

        Raises:
            UsageError: A name in `files` leads out of the folder, or there is no interpreter to start.
        """
        import anyio
        import anyio.to_thread

        if not sys.executable:
            raise UsageError("There is no Python interpreter to start: sys.executable is empty in this program.")
        limits = limits or self.limits
        names = {name: _inside(name) for name in files or {}}
        # Not in a thread: a cancellation that arrives meanwhile would lose its name, and nobody could remove it.
        folder = tempfile.mkdtemp(prefix="purpose-agent-")
        clean = False
        try:
            if files:
                await anyio.to_thread.run_sync(_write_files, folder, {names[name]: data for name, data in files.items()})
            answer = await _supervise(_job(code, limits, folder), limits.seconds + GRACE)
            clean = "note" in answer
        finally:
            with anyio.CancelScope(shield=True):
                if not clean:
                    await anyio.to_thread.run_sync(_sweep, folder)
                await anyio.to_thread.run_sync(supervisor.remove_folder, folder)
        return _result(answer)


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise UsageError(f"files: {name!r} is not a name inside the code's folder; write for example 'data/input.csv'.")
    return str(path)


def _write_files(folder: str, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _job(code: str, limits: CodeLimits, folder: str) -> dict[str, Any]:
    environment = {"PATH": os.defpath, "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8"}
    return {
        "code": code,
        "limits": asdict(limits),
        "folder": folder,
        "environment": environment,
        "script": CHILD,
    }


async def _supervise(job: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """The supervisor's answer; without "note" if it was ended before it could give one."""
    import anyio

    process = await anyio.open_process(
        [sys.executable, "-I", "-B", "-S", SUPERVISOR],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "TMPDIR": tempfile.gettempdir()},
        start_new_session=True,
    )
    text, trouble = b"", b""
    try:
        with anyio.move_on_after(seconds) as patience:
            text, trouble = await _converse(process, json.dumps(job).encode() + b"\n")
    finally:
        with anyio.CancelScope(shield=True):
            await _put_away(process)
    if text:
        return json.loads(text)
    if process.returncode and process.returncode > 0 and not patience.cancelled_caught:
        raise RuntimeError(f"The sandbox's supervisor failed; this is a bug of ours:\n{trouble.decode(errors='replace')}")
    status = "timeout" if patience.cancelled_caught else "killed"
    return {"status": status, "stdout": "", "stderr": "The process that watches the code was ended from outside."}


async def _converse(process: "Process", line: bytes) -> tuple[bytes, bytes]:
    import anyio

    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise RuntimeError("open_process gave no pipes")
    text, trouble = bytearray(), bytearray()
    # Broken if it died at once; what it says on stderr tells why.
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        await stdin.send(line)
    async for data in stdout:
        text += data
        if len(text) > ANSWER_BYTES:
            raise RuntimeError("The sandbox's supervisor answered more than it can have to say.")
    if not text:
        async for data in stderr:
            trouble += data[:10_000]
    return bytes(text), bytes(trouble)


async def _put_away(process: "Process") -> None:
    """Cut the lifeline, and wait until the supervisor has ended everything."""
    import anyio

    if process.stdin is not None:
        await process.stdin.aclose()
    with anyio.move_on_after(supervisor.BURIAL + 3):
        await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()


def _sweep(folder: str) -> None:
    """End what outlived its supervisor: processes that still have the run's folder as their HOME or work there."""
    mark = f"HOME={folder}".encode()
    for _ in range(50):
        found = False
        for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
            if not name.isdigit():
                continue
            try:
                environment = Path("/proc", name, "environ").read_bytes().split(b"\0")
                if mark in environment or os.readlink(f"/proc/{name}/cwd").startswith(folder):
                    os.kill(int(name), signal.SIGKILL)
                    found = True
            except OSError:  # gone meanwhile, or another user's
                continue
        if not found:
            return


def _result(answer: Mapping[str, Any]) -> CodeResult:
    note = answer.get("note", "")
    stderr = answer["stderr"]
    if note:
        stderr = f"{stderr.rstrip()}\n{note}".lstrip() + "\n"
    return CodeResult(
        status=answer["status"],
        stdout=answer["stdout"],
        stderr=stderr,
        level=LEVEL,
        enforced=tuple(answer.get("enforced", ())),
        seconds=answer.get("seconds", 0.0),
        value=answer.get("value"),
        truncated=answer.get("truncated", 0),
    )
