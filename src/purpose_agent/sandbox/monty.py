"""The level "monty": an interpreter of a part of Python that has no way out, in a process of its own for each execution.

In:  code, limits.
Out: a `CodeResult`, as at the other levels.

Monty (https://github.com/pydantic/monty, the extra `monty`) is written in Rust and knows no files, processes, sockets or foreign
modules: there is nothing in it to call. It holds on any system, without a kernel's help, at the price of running only a part of Python.

Runs: functions, closures, classes, dataclasses, comprehensions, exceptions, `match`, f-strings, `async`/`await`; of the standard library
what Monty itself has, such as `math`, `json`, `re`, `datetime`, `random`, `itertools`, `collections`, `decimal`, `asyncio`.
Does not run: `yield`, threads, packages, `exit()`, anything with files; code that needs them ends as "error", and the message names it.
No files go in or out, and there is no second process: asking for them is a `UsageError`.

Not stopped: a bug in Monty's own memory safety. Its worker is an ordinary process of this user, with limits and a clean environment,
and no wall around it. `CodeLimits.processes`, `file_mb`, `open_files` and `scratch_*` have nothing to limit here.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.core.ports import CodeLimits, CodeResult

if TYPE_CHECKING:
    from anyio.abc import Process

LEVEL = "monty"
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "monty_process.py")
START_SECONDS = 20.0
"""Given to the two processes to start and to end, besides the code's own seconds. On an idle machine it takes a tenth of one."""
END_SECONDS = 5.0
MOST_ANSWER = 64 * 2**20


class MontyRunner:
    """Runs code in Monty; implements `core.ports.CodeRunner`. `Sandbox("monty")` hands over to it.

    Args:
        limits: For executions that bring none of their own.

    Raises:
        MissingExtra: The package isn't installed.
    """

    def __init__(self, limits: CodeLimits | None = None) -> None:
        from importlib.util import find_spec

        if find_spec("pydantic_monty") is None:
            raise MissingExtra("The level \"monty\" needs an extra: pip install 'purpose-agent[monty]'.")
        if os.name != "posix":
            raise UsageError(
                'The level "monty" is there on Linux and macOS: elsewhere what it starts could not be ended for certain.'
            )
        self.limits = limits or CodeLimits()

    async def run(
        self,
        code: str,
        *,
        limits: CodeLimits | None = None,
        files: Mapping[str, bytes] | None = None,
        results: Sequence[str] = (),
        second: str | None = None,
    ) -> CodeResult:
        """Run `code`, and end everything that was started for it.

        Raises:
            UsageError: Files or a second process were asked for.
        """
        import anyio

        _refuse(files, results, second)
        limits = limits or self.limits
        process = await anyio.open_process(
            [sys.executable, "-I", "-B", "-X", "utf8", SCRIPT],
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )
        said, broke = bytearray(), bytearray()
        try:
            with anyio.move_on_after(limits.seconds + START_SECONDS):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_hear, process.stderr, broke)
                    tasks.start_soon(_hear_answer, process, said)
                    await _ask(process, {"code": code, "limits": asdict(limits)})
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)
        return _result(bytes(said), bytes(broke))


def _refuse(files: Mapping[str, bytes] | None, results: Sequence[str], second: str | None) -> None:
    for asked, name in ((files, "files"), (results, "results"), (second is not None, "second")):
        if asked:
            raise UsageError(
                f'{name}: at the level "monty" there are no files and no second process; put data into the code, hand it back through'
                ' `result(value)`, or take the level "good".'
            )


async def _ask(process: "Process", job: Mapping[str, Any]) -> None:
    """Send the job, and leave the line open: its end is the end of the execution."""
    import anyio

    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # it has ended, and `_result` tells why
        if process.stdin is not None:
            await process.stdin.send(json.dumps(job).encode() + b"\n")


async def _hear(stream: Any, said: bytearray) -> None:
    """All that comes, to the end: then every process that could write there has gone."""
    async for data in stream:
        said += data
        if len(said) > MOST_ANSWER:
            return


async def _hear_answer(process: "Process", said: bytearray) -> None:
    """As `_hear`; if there is no answer, its process was ended from outside, and left a worker behind."""
    await _hear(process.stdout, said)
    if b"\n" not in said:
        _kill(process)


def _kill(process: "Process") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _end(process: "Process") -> None:
    """Close the line, which ends it, and wait until nothing of it is left."""
    import anyio

    if process.stdin is not None:
        with contextlib.suppress(anyio.BrokenResourceError):
            await process.stdin.aclose()
    with anyio.move_on_after(END_SECONDS):
        await process.wait()
    if process.returncode is None:
        _kill(process)
    await process.aclose()


def _result(said: bytes, broke: bytes) -> CodeResult:
    line, end, _ = said.partition(b"\n")
    if not end:
        told = broke.decode("utf-8", "replace").strip()
        if "Traceback" in told:
            raise RuntimeError(f"The process that runs Monty failed; this is a bug of ours or of Monty's:\n{told}")
        return CodeResult("killed", "", f"{told or 'It was ended from outside.'}\n", LEVEL, (), 0.0)
    answer: dict[str, Any] = json.loads(line)
    notes = [text for text in (answer["stderr"].rstrip("\n"), answer["note"]) if text]
    return CodeResult(
        status=answer["status"],
        stdout=answer["stdout"],
        stderr="\n".join(notes) + "\n" if notes else "",
        level=LEVEL,
        enforced=tuple(sorted([*answer["enforced"], "clean-environment", "own-session"])),
        seconds=answer["seconds"],
        value=answer["value"],
        truncated=answer["truncated"],
    )
