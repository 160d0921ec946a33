"""Carries out the calls of one decision: validate, run, report.

In:  tool calls as the model wrote them, or as a person changed them.
Out: one `Observation` for each, in the same order, whatever happened; each of them at once to whoever keeps them.

Not here: whether a call may be carried out (`engine/permission.py`).
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from purpose_agent.core.action import Observation
from purpose_agent.core.errors import SandboxUnavailable, ToolError, UsageError
from purpose_agent.core.messages import ToolCall
from purpose_agent.core.model import ToolSpec
from purpose_agent.core.origin import Origin
from purpose_agent.core.tool import (
    Effect,
    FunctionTool,
    Tool,
    check_declared,
    effects_of,
    idempotent_of,
    origin_of,
    render_result,
    source_of,
)
from purpose_agent.runtime.controls import within_a_call
from purpose_agent.tools.child import call_in_child


class ToolExecutor:
    """Runs tool calls, independent ones side by side, each within its tool's seconds.

    Args:
        tools: Their names must differ.
        max_chars: Of one observation; longer output keeps its first and last part and a mark between them.
    """

    def __init__(self, tools: Sequence[Tool], *, max_chars: int = 8000) -> None:
        self.max_chars = max_chars
        self.tools: Mapping[str, Tool] = {tool.spec.name: tool for tool in tools}
        if len(self.tools) < len(tools):
            names = sorted(tool.spec.name for tool in tools)
            raise UsageError(f"Two tools have one name, among {', '.join(names)}. Give one of them another: @tool(name=...).")
        for name, tool in self.tools.items():
            check_declared(name, origin_of(tool), effects_of(tool))

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What a model is offered."""
        return tuple(tool.spec for tool in self.tools.values())

    def effects(self, name: str) -> tuple[Effect, ...]:
        """What a call of that tool does; () if there is no such tool."""
        tool = self.tools.get(name)
        return effects_of(tool) if tool is not None else ()

    def is_idempotent(self, name: str) -> bool:
        """Whether a call of that tool may be made twice; False if there is no such tool."""
        tool = self.tools.get(name)
        return tool is not None and idempotent_of(tool)

    def fitting(self, call: ToolCall) -> Mapping[str, Any] | Observation:
        """The call's arguments in their types; or what is told of a call that can't be made like that."""
        try:
            return self._prepared(call)[1]
        except ToolError as error:
            return self._observation(call, str(error), ok=False)

    async def execute(
        self,
        calls: tuple[ToolCall, ...],
        *,
        returned: Callable[[Observation], object] = lambda seen: None,
        uncut: Callable[[str, str], object] = lambda call_id, content: None,
    ) -> tuple[Observation, ...]:
        """Carry out `calls`, all at once; their observations in the order of the calls.

        Raises nothing for what a tool does: its failure is an observation with `ok` False. Cancellation passes.

        Args:
            returned: Called with each observation as it comes. What it raises stops the other calls, and is raised.
            uncut: Called before that with the id and the whole result of a call whose observation keeps only a part of it.
        """
        done: dict[int, Observation] = {}
        failed: list[Exception] = []

        async def carry_out(place: int, call: ToolCall) -> None:
            done[place], whole = await self._observe(call)
            if done[place].truncated:
                uncut(call.id, whole)
            returned(done[place])

        if len(calls) == 1:
            await carry_out(0, calls[0])
            return (done[0],)
        import anyio

        async with anyio.create_task_group() as group:

            async def guarded(place: int, call: ToolCall) -> None:
                try:
                    await carry_out(place, call)
                # Not the group's ExceptionGroup: the caller should see the same as of a single call.
                except Exception as error:  # noqa: BLE001
                    failed.append(error)
                    group.cancel_scope.cancel()

            for place, call in enumerate(calls):
                group.start_soon(guarded, place, call)
        if failed:
            raise failed[0]
        return tuple(done[place] for place in range(len(calls)))

    async def _observe(self, call: ToolCall) -> tuple[Observation, str]:
        """What a call gave, and all of it."""
        began = time.monotonic()
        # Until the tool itself speaks, what is said of a call are the runtime's own words: a slip of the pen taints no run.
        origin: Origin = "operator"
        try:
            tool, arguments = self._prepared(call)
            origin = origin_of(tool)
            with within_a_call(call.name):
                content, ok = await _called(tool, arguments), True
        except ToolError as error:
            content, ok = str(error), False
        return self._observation(call, content, ok=ok, seconds=time.monotonic() - began, origin=origin), content

    def _observation(
        self, call: ToolCall, content: str, *, ok: bool, seconds: float = 0.0, origin: Origin = "operator"
    ) -> Observation:
        content, left_out = shortened(content, self.max_chars)
        source = source_of(call.name, call.arguments)
        return Observation(call.id, call.name, content, ok, seconds, left_out, origin, source)

    def _prepared(self, call: ToolCall) -> tuple[Tool, dict[str, Any]]:
        """The tool, and its arguments in their types.

        Raises:
            ToolError: There is no such tool, or it can't be called like that.
        """
        tool = self.tools.get(call.name)
        if tool is None:
            known = ", ".join(self.tools) or "none"
            raise ToolError(f"There is no tool called {call.name!r}. Tools: {known}.")
        if call.problem is not None:
            raise ToolError(f"The arguments of {call.name} could not be read: {call.problem}")
        with _as_tool_error(call.name):
            return tool, tool.validate(call.arguments)


async def _called(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """What the tool returns.

    Raises:
        ToolError: For every way in which it didn't.
    """
    import anyio

    name = tool.spec.name
    with anyio.move_on_after(tool.seconds), _as_tool_error(name):
        if isinstance(tool, FunctionTool) and tool.process:
            return await call_in_child(tool, arguments)
        return render_result(await tool.call(arguments))
    raise ToolError(f"{name} timed out after {tool.seconds:g} s.")


@contextmanager
def _as_tool_error(name: str) -> Generator[None]:
    """A door: a tool is a user's function; what it raises, the model should see, and the run goes on."""
    try:
        yield
    except (ToolError, SandboxUnavailable):  # the second is for the user to decide
        raise
    except Exception as error:
        raise ToolError(f"{name} failed: {type(error).__name__}: {error}") from error


def shortened(text: str, most: int) -> tuple[str, int]:
    """`text` in about `most` characters, its middle left out, and how many characters that were."""
    left_out = len(text) - most
    if left_out <= 0:
        return text, 0
    head = (most + 1) // 2
    tail = most - head
    return f"{text[:head]}\n[… {left_out} characters left out …]\n{text[len(text) - tail :]}", left_out
