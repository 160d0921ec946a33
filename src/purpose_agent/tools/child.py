"""A tool's call in a process of its own, so that it can be stopped: a thread can't be.

In:  a function tool that was made with `process=True`, arguments.
Out: what it returns, as text. However the call ends, by an answer, an error, its time or a cancellation, its process is gone, and
     with it whatever it has forked or started.

The child is a fresh interpreter that imports the function by its name; it has our `sys.path`, folder and environment. Arguments go
there as JSON and are read again in their types; text comes back. What the function prints goes to our stderr. If our process dies,
the child ends itself.

Does not hold code in: the function may do whatever we may (`sandbox` is for code that we did not write). A process that it puts into
a session of its own is out of reach. What runs know of themselves (`runtime/run_mode.py`) doesn't reach the child.
"""

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from purpose_agent.core.errors import ToolError
from purpose_agent.core.tool import FunctionTool, make_tool, render_result
from purpose_agent.runtime.controls import within_a_call

if TYPE_CHECKING:
    from anyio.abc import ByteReceiveStream

START = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from purpose_agent.tools.child import main; main()"
LENGTH_BYTES = 8


async def call_in_child(tool: FunctionTool, arguments: Mapping[str, Any]) -> str:
    """What the tool returns.

    Raises:
        ToolError: It failed, its arguments or its function can't be had in another process, or its process ended by itself.
    """
    import subprocess

    import anyio
    from pydantic_core import to_json

    name = tool.spec.name
    function = tool.function
    try:
        job = to_json((name, function.__module__, function.__qualname__, dict(arguments)))
    except ValueError as error:
        raise ToolError(f"{name} runs in a process of its own, and its arguments can't be sent there: {error}") from error
    command = [sys.executable, "-c", START, json.dumps([str(place) for place in sys.path])]
    process = await anyio.open_process(command, stdin=subprocess.PIPE, stderr=None, start_new_session=True)
    assert process.stdin is not None, "it was asked for"
    assert process.stdout is not None, "it was asked for"
    try:
        with contextlib.suppress(anyio.BrokenResourceError):  # it is gone already: then there is no answer either
            await process.stdin.send(len(job).to_bytes(LENGTH_BYTES, "big") + job)
        answer = await _answer(process.stdout)
    finally:
        _end_group(process.pid)
        with anyio.CancelScope(shield=True):
            await process.aclose()
    if answer is None:
        raise ToolError(f"The process of {name} ended without an answer ({_how(process.returncode)}).")
    kind, text = cast("tuple[str, str]", json.loads(answer))
    if kind == "failed":
        raise ToolError(f"{name} failed: {text}")
    if kind != "returned":
        raise ToolError(text)
    return text


async def _answer(stream: "ByteReceiveStream") -> bytes | None:
    """What the child says; None if it ends before it has said all. Its end is not waited for: a forked process holds the pipe too."""
    import anyio

    collected = b""
    while len(collected) < LENGTH_BYTES or len(collected) < LENGTH_BYTES + int.from_bytes(collected[:LENGTH_BYTES], "big"):
        try:
            collected += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return None
    return collected[LENGTH_BYTES:]


def _end_group(pid: int) -> None:
    """Kill the child and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _how(code: int | None) -> str:
    return f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"


# The child's side


def main() -> None:
    """Do one job, say what came of it, and wait to be ended."""
    # What the function prints or reads is nothing of ours.
    answers, jobs = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    job = jobs.read(int.from_bytes(jobs.read(LENGTH_BYTES), "big"))
    watching = threading.Thread(target=_end_with_parent, args=(jobs,), daemon=True)
    watching.start()
    told = json.dumps(_done(job)).encode()
    answers.write(len(told).to_bytes(LENGTH_BYTES, "big") + told)
    answers.flush()
    # Ended from outside with all it started; if it left by itself, its number could be a stranger's by then.
    watching.join()


def _end_with_parent(jobs: BinaryIO) -> None:
    """Wait until the parent lets go, which it does only by its death, then end the whole group."""
    jobs.read()
    os.killpg(0, signal.SIGKILL)


def _done(job: bytes) -> tuple[str, str]:
    """How the call went, and the words for it."""
    try:
        name, module, path, given = cast("tuple[str, str, str, dict[str, Any]]", json.loads(job))
        tool = _found(name, module, path)
        arguments = tool.validate(given)
    except Exception as error:  # noqa: BLE001 - a door: whatever a user's module raises when imported, the model should see
        return "unknown", f"It can't be called in a process of its own: {type(error).__name__}: {error}"
    try:
        with within_a_call(name):
            return "returned", render_result(_returned(tool.function, arguments))
    except ToolError as error:
        return "told", str(error)
    except BaseException as error:  # noqa: BLE001 - a door, as above; sys.exit() in a tool is a failure of the tool
        return "failed", f"{type(error).__name__}: {error}"


def _found(name: str, module: str, path: str) -> FunctionTool:
    """The function of that name in that module, as a tool."""
    from importlib import import_module

    found: Any = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found if isinstance(found, FunctionTool) else make_tool(found, name)


def _returned(function: Callable[..., Any], arguments: Mapping[str, Any]) -> object:
    import asyncio
    import inspect

    result = function(**arguments)
    if inspect.iscoroutine(result):
        return asyncio.run(result)
    return result
