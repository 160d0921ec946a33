"""Python as a tool: what the model sees."""

import pytest

from purpose_agent.core.action import Observation
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.core.ports import CodeLimits
from purpose_agent.core.tool import Tool
from purpose_agent.tools.executor import ToolExecutor
from purpose_agent.tools.python_exec import PythonExecTool

pytestmark = pytest.mark.anyio


async def seen_by_the_model(code: str, seconds: float = 10) -> Observation:
    tool: Tool = PythonExecTool(seconds=seconds)
    (seen,) = await ToolExecutor([tool]).execute((ToolCall("1", "python", {"code": code}),))
    return seen


async def test_printed_text_is_the_observation() -> None:
    seen = await seen_by_the_model("print(6 * 7)")

    assert (seen.content, seen.ok) == ("42", True)


async def test_a_value_handed_back_is_shown_beside_what_was_printed() -> None:
    assert (await seen_by_the_model("print('hello')\nresult([1, 2])")).content == "hello\nresult: [1, 2]"


async def test_code_that_prints_nothing_is_told_so() -> None:
    assert (
        await seen_by_the_model("6 * 7")
    ).content == "The code ran to its end and printed nothing. Print what you want to see."


async def test_an_exception_is_a_failure_with_the_end_of_its_trace() -> None:
    seen = await seen_by_the_model("print('before')\nraise KeyError('tea')")

    assert not seen.ok
    assert seen.content == (
        "The code failed.\nstdout:\nbefore\nstderr:\nTraceback (most recent call last):\n"
        "  File \"<code>\", line 2, in <module>\n    raise KeyError('tea')\nKeyError: 'tea'"
    )


async def test_a_long_trace_keeps_its_end() -> None:
    seen = await seen_by_the_model("def f(n): return f(n - 1) if n else 1 / 0\ng = lambda: f(5)\ndef h(): g()\nh()")

    assert "ZeroDivisionError: division by zero" in seen.content
    assert len(seen.content.splitlines()) <= 15


async def test_an_endless_loop_is_a_failure_that_says_so() -> None:
    seen = await seen_by_the_model("print('begun', flush=True)\nwhile True: pass", seconds=0.5)

    assert not seen.ok
    assert seen.content == "The code took too long and was ended.\nstdout:\nbegun\nstderr:\nEnded: it took longer than 0.5 s."


async def test_warnings_do_not_make_it_a_failure() -> None:
    seen = await seen_by_the_model("import sys\nprint('yes')\nprint('careful', file=sys.stderr)")

    assert seen.ok
    assert seen.content == "stdout:\nyes\nstderr:\ncareful"


@pytest.mark.parametrize("arguments", [{}, {"code": 1}, {"code": "1", "more": "2"}])
async def test_wrong_arguments_are_explained(arguments: dict[str, Json]) -> None:
    (seen,) = await ToolExecutor([PythonExecTool()]).execute((ToolCall("1", "python", arguments),))

    assert (seen.ok, seen.content) == (False, "python takes exactly one argument, code, the text of the program.")


async def test_its_own_limit_comes_before_the_executors() -> None:
    tool = PythonExecTool(seconds=3, limits=CodeLimits(seconds=99, memory_mb=64))

    assert (tool.limits.seconds, tool.limits.memory_mb) == (3, 64)
    assert tool.seconds > 3
