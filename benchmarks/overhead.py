"""CPU time of a run of two steps, a tool call and an answer, with a model that costs nothing.

Off: evaluation mode, nothing on disk. On: learning mode in a workspace of twenty memories, three of which apply: recall,
record and reflection included. No checks, no critic. The tool is a blocking function, as most users' are, so it runs in a
thread: handing it over is a large part of the time, and differs from one machine to the next. What is left with an async
tool is told beside.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from inspect import iscoroutinefunction
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Figures, spread
from purpose_agent.agents.agent import Agent
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.messages import Message, Text, ToolCall
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, Usage
from purpose_agent.core.tool import FunctionTool, tool
from purpose_agent.testing.models import RuleModel

BLOCKS = 10
RUNS = 200
"""In each block."""
GOAL = "Add the price of two apples to the price of three pears"
MEMORIES = [
    ("adding the price of apples and pears", "add whole cents"),
    ("adding the price of pears", "name the currency"),
    ("adding the price of two apples", "round at the end"),
    *((f"planning a journey to town number {number}", f"take train {number}") for number in range(17)),
]
SPENT = Usage(input_tokens=100, output_tokens=10, calls=1)
CALLS = ModelResponse(Message("assistant", (ToolCall("call_1", "add", {"a": 1, "b": 2}),)), SPENT, stop="tool_calls")
ANSWERS = ModelResponse(Message("assistant", (Text("3"),)), SPENT)


@tool
def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


@tool(name="add")
async def add_async(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


def measure(blocks: int = BLOCKS, runs: int = RUNS) -> Figures:
    """Both kinds of run, a median over blocks."""
    with TemporaryDirectory() as folder:
        off, off_async = (asyncio.run(_time(agent_off(Path(folder), each), blocks, runs)) for each in (add, add_async))
        on, on_async = (asyncio.run(_time(agent_on(Path(folder), each), blocks, runs)) for each in (add, add_async))
    return {
        "run2_us_off": _figure("CPU µs of a two-step run, nothing on disk", off, off_async, runs),
        "run2_us_on": _figure("CPU µs of a two-step run with recall, record and reflection", on, on_async, runs),
    }


def agent_off(folder: Path, tool: FunctionTool) -> Agent:
    """An agent whose workspace is never written."""
    return Agent("adder", model=_model(), tools=[tool], critic=None, mode="evaluation", workspace=Workspace(folder / "off"))


def agent_on(folder: Path, tool: FunctionTool) -> Agent:
    """An agent that recalls and records."""
    workspace = Workspace(folder / "on" / ("async" if iscoroutinefunction(tool.function) else "blocking"))
    for when, text in MEMORIES:
        workspace.teach(text, when=when)
    return Agent("adder", model=_model(), tools=[tool], critic=None, workspace=workspace)


async def _time(agent: Agent, blocks: int, runs: int) -> list[float]:
    """CPU µs of a run, once a block; the first block warms up and is left out."""
    assert isinstance(agent.model, RuleModel)
    result = await agent.run_async(GOAL)
    assert (result.status, result.answer, len(result.trajectory)) == ("finished", "3", 2), result
    assert len(result.recalled) == (0 if agent.mode == "evaluation" else 3), result.recalled
    microseconds: list[float] = []
    for _ in range(blocks + 1):
        agent.model.requests.clear()
        began = time.process_time()
        for _ in range(runs):
            await agent.run_async(GOAL)
        microseconds.append(1e6 * (time.process_time() - began) / runs)
    return microseconds[1:]


def _figure(about: str, blocks: Sequence[float], blocks_async: Sequence[float], runs: int) -> Figure:
    figure = spread(f"{about} ({median(blocks_async):.0f} with an async tool)", blocks)
    return replace(figure, n=len(blocks) * runs)


def _model() -> RuleModel:
    def rule(request: ModelRequest) -> ModelResponse:
        return ANSWERS if request.messages[-1].role == "tool" else CALLS

    return RuleModel(rule, capabilities=Capabilities(native_tools=True))
