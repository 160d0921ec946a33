"""A tool in a process of its own: what it returns comes back, and when it is over nothing of it is left."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from purpose_agent.core.action import Observation
from purpose_agent.core.errors import InvalidTool, UsageError
from purpose_agent.core.messages import ToolCall
from purpose_agent.core.tool import tool
from purpose_agent.tools.executor import ToolExecutor
from tests.house.source import ROOT
from tests.tools import hanging

pytestmark = pytest.mark.anyio

EXECUTOR = ToolExecutor(
    [
        hanging.whoami,
        hanging.slowly,
        hanging.refuse,
        hanging.break_down,
        hanging.leave,
        hanging.drop,
        hanging.crash,
        hanging.hang,
        hanging.hang_shortly,
        hanging.leave_behind,
        hanging.day_after,
    ]
)


async def call(name: str, **arguments: str | int) -> Observation:
    (seen,) = await EXECUTOR.execute((ToolCall("c1", name, arguments),))
    return seen


@pytest.fixture
def pipe(tmp_path: Path) -> str:
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    return path


async def read_all(file: int) -> bytes:
    """All that is written, once nobody is left who could write more."""

    def read() -> bytes:
        with os.fdopen(file, "rb") as opened:
            return opened.read()

    return await anyio.to_thread.run_sync(read)


async def opened(pipe: str) -> int:
    """The reading end, once the tool has opened its own."""
    return await anyio.to_thread.run_sync(os.open, pipe, os.O_RDONLY)


async def test_what_it_returns_comes_back_as_text_from_another_process() -> None:
    seen = await call("whoami", greeting="hé", times=2)

    told = json.loads(seen.content)
    assert (seen.ok, told["said"]) == (True, "héhé")
    assert told["pid"] != os.getpid()


async def test_arguments_arrive_in_their_types() -> None:
    assert (await call("day_after", day="2026-11-30")).content == '"2026-12-01"'


async def test_an_async_function_runs_there_too() -> None:
    assert (await call("slowly", n=21)).content == "42"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("refuse", "Not today."),
        ("break_down", "break_down failed: KeyError: 'lost'"),
        ("leave", "leave failed: SystemExit: 3"),
        ("drop", "The process of drop ended without an answer (exit code 3)."),
        ("crash", "The process of crash ended without an answer (killed by signal 9)."),
        ("hang_shortly", "hang_shortly timed out after 0.05 s."),
    ],
)
async def test_a_call_that_does_not_work_says_why(name: str, content: str) -> None:
    seen = await call(name)

    assert (seen.ok, seen.content) == (False, content)


async def test_a_call_that_is_cancelled_is_killed_with_all_it_forked(pipe: str) -> None:
    file = -1
    async with anyio.create_task_group() as group:
        group.start_soon(EXECUTOR.execute, (ToolCall("c1", "hang", {"path": pipe}),))
        file = await opened(pipe)
        assert await anyio.to_thread.run_sync(os.read, file, 1) == b"f"
        group.cancel_scope.cancel()

    assert await read_all(file) == b"", "the pipe ends when the last process that holds it is gone"


async def test_what_a_call_leaves_behind_is_killed_when_it_has_answered(pipe: str) -> None:
    contents: list[str] = []
    file = -1
    async with anyio.create_task_group() as group:

        async def observe() -> None:
            contents.append((await call("leave_behind", path=pipe)).content)

        group.start_soon(observe)
        file = await opened(pipe)

    assert contents == ["done"]
    assert await read_all(file) in (b"", b"f"), "it may have been killed before it wrote"


def test_a_call_dies_with_the_process_that_made_it(pipe: str) -> None:
    script = f"""
import anyio
from tests.tools import hanging
from purpose_agent.tools.child import call_in_child
anyio.run(call_in_child, hanging.hang, {{"path": {pipe!r}}})
"""
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    with open(pipe, "rb") as reading:
        assert reading.read(1) == b"f"
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert reading.read() == b""


def test_a_function_that_no_other_process_can_find_is_refused() -> None:
    with pytest.raises(InvalidTool, match="at the top of a module"):

        @tool(process=True)
        def inner() -> str:
            """Made inside a function."""
            return "here"


def test_a_function_of_the_program_itself_is_refused_and_told_where_to_go() -> None:
    def work() -> str:
        """Does it."""
        return "done"

    work.__module__, work.__qualname__ = "__main__", "work"

    with pytest.raises(InvalidTool, match="Put it into a module beside it"):
        tool(process=True)(work)


async def test_a_function_that_is_gone_from_its_module_is_told() -> None:
    def work() -> str:
        """Does it."""
        return "done"

    work.__module__, work.__qualname__ = hanging.__name__, "not_there"
    (seen,) = await ToolExecutor([tool(process=True)(work)]).execute((ToolCall("c1", "work", {}),))

    assert not seen.ok
    assert "can't be called in a process of its own" in seen.content
    assert "not_there" in seen.content


async def test_it_is_never_called_in_a_thread_by_mistake() -> None:
    with pytest.raises(UsageError, match="process of its own"):
        await hanging.refuse.call({})


async def test_an_async_tool_that_hangs_is_cancelled_when_its_time_is_over() -> None:
    ended: list[str] = []

    @tool(seconds=0.02)
    async def dawdle() -> str:
        """Takes too long."""
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("cancelled")
        return "never"

    (seen,) = await ToolExecutor([dawdle]).execute((ToolCall("c1", "dawdle", {}),))

    assert (seen.content, ended) == ("dawdle timed out after 0.02 s.", ["cancelled"])
