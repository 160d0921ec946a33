"""Calls go in, observations come out, whatever the tools do."""

from pathlib import Path

import anyio
import pytest

from purpose_agent.core.action import Observation
from purpose_agent.core.errors import ToolError, UsageError
from purpose_agent.core.messages import ToolCall
from purpose_agent.core.tool import FunctionTool, tool
from purpose_agent.tools.calculator import CalculatorTool
from purpose_agent.tools.executor import ToolExecutor
from purpose_agent.tools.files import ListFilesTool, ReadFileTool, WriteFileTool
from purpose_agent.tools.python_exec import PythonExecTool

pytestmark = pytest.mark.anyio


@tool
def double(n: int) -> int:
    """Twice a number."""
    return 2 * n


@tool
def echo(text: str) -> str:
    """The text itself."""
    return text


@tool
def refuse() -> str:
    """A tool that foresaw it."""
    raise ToolError("Not today.")


@tool
def break_down() -> str:
    """A tool that did not."""
    raise KeyError("lost")


@tool(seconds=0.02)
async def dawdle() -> str:
    """Takes too long."""
    await anyio.sleep_forever()
    return "never"


EXECUTOR = ToolExecutor([double, echo, refuse, break_down, dawdle])


async def test_a_call_with_good_arguments_gives_its_result() -> None:
    (seen,) = await EXECUTOR.execute((ToolCall("1", "double", {"n": 21}),))

    assert (seen.call_id, seen.tool, seen.content, seen.ok, seen.truncated) == ("1", "double", "42", True, 0)


@pytest.mark.parametrize(
    ("call", "content"),
    [
        (ToolCall("1", "triple", {}), "There is no tool called 'triple'. Tools: double, echo, refuse, break_down, dawdle."),
        (ToolCall("1", "double", {}, problem="not JSON"), "The arguments of double could not be read: not JSON"),
        (ToolCall("1", "refuse", {}), "Not today."),
        (ToolCall("1", "break_down", {}), "break_down failed: KeyError: 'lost'"),
        (ToolCall("1", "dawdle", {}), "dawdle timed out after 0.02 s."),
    ],
)
async def test_a_call_that_does_not_work_says_why(call: ToolCall, content: str) -> None:
    (seen,) = await EXECUTOR.execute((call,))

    assert (seen.content, seen.ok) == (content, False)


@pytest.mark.parametrize("arguments", [{}, {"n": "many"}, {"n": 1, "m": 2}])
async def test_arguments_that_do_not_fit_are_refused_by_name(arguments: dict[str, str | int]) -> None:
    (seen,) = await EXECUTOR.execute((ToolCall("1", "double", dict(arguments)),))

    assert not seen.ok
    assert seen.content.startswith("double can't be called like that:")


async def test_calls_of_one_decision_run_side_by_side_and_keep_their_order() -> None:
    second_began = anyio.Event()

    async def first() -> str:
        """Waits for the second."""
        await second_began.wait()
        return "first"

    async def second() -> str:
        """Lets the first go on."""
        second_began.set()
        return "second"

    executor = ToolExecutor([tool(first), tool(second)])

    with anyio.fail_after(5):
        seen = await executor.execute((ToolCall("a", "first"), ToolCall("b", "second")))

    assert [(one.call_id, one.content) for one in seen] == [("a", "first"), ("b", "second")]


async def test_one_failure_leaves_the_other_calls_alone() -> None:
    seen = await EXECUTOR.execute((ToolCall("a", "break_down"), ToolCall("b", "double", {"n": 1}), ToolCall("c", "dawdle")))

    assert [one.ok for one in seen] == [False, True, False]


async def test_long_output_keeps_head_and_tail() -> None:
    executor = ToolExecutor([echo], max_chars=100)

    (seen,) = await executor.execute((ToolCall("1", "echo", {"text": "a" * 50 + "-" * 1000 + "z" * 50}),))

    assert seen.content == "a" * 50 + "\n[… 1000 characters left out …]\n" + "z" * 50
    assert seen.truncated == 1000


async def test_output_that_just_fits_is_left_as_it_is() -> None:
    (seen,) = await ToolExecutor([echo], max_chars=100).execute((ToolCall("1", "echo", {"text": "x" * 100}),))

    assert (seen.content, seen.truncated) == ("x" * 100, 0)


async def test_no_calls_give_no_observations() -> None:
    assert await EXECUTOR.execute(()) == ()


async def test_cancellation_passes() -> None:
    @tool
    async def wait() -> str:
        """Waits."""
        scope.cancel()
        await anyio.sleep_forever()
        return "never"

    with anyio.CancelScope() as scope:
        await ToolExecutor([wait]).execute((ToolCall("1", "wait"),))

    assert scope.cancelled_caught


async def test_two_tools_of_one_name_are_refused() -> None:
    def twin(n: int) -> int:
        """Another."""
        return n

    first: FunctionTool = tool(name="double")(twin)

    with pytest.raises(UsageError, match="Two tools have one name"):
        ToolExecutor([double, first])


async def test_the_model_is_offered_every_tool_in_order() -> None:
    assert [spec.name for spec in EXECUTOR.specs] == ["double", "echo", "refuse", "break_down", "dawdle"]


def test_our_own_tools_may_be_called_twice_and_others_only_if_they_say_so(tmp_path: Path) -> None:
    ours = (CalculatorTool(), ReadFileTool(tmp_path), ListFilesTool(tmp_path), WriteFileTool(tmp_path), PythonExecTool())
    executor = ToolExecutor([*ours, double])

    assert all(executor.is_idempotent(each.spec.name) for each in ours)
    assert not executor.is_idempotent("double")
    assert not executor.is_idempotent("nothing")


async def test_each_call_is_told_as_it_comes_back_and_what_that_raises_is_raised() -> None:
    def full(seen: Observation) -> None:
        raise OSError(f"no room for {seen.call_id}")

    with pytest.raises(OSError, match="no room for 1"):
        await EXECUTOR.execute((ToolCall("1", "double", {"n": 1}), ToolCall("2", "dawdle", {})), returned=full)
