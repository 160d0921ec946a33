"""What a slow reader costs the run that it reads.

A run of a hundred thousand events, of which nothing is written to disk, so that what a reader costs has nothing to hide behind: a
model that costs nothing calls a thousand tools in each step. It is run in turn with nobody who reads, and with a reader on its
own loop that takes one event a second, a real one, of which five may wait. A pair's slowdown is the time with the reader over the
time without. The reader is late by minutes at the end, leaves out what it missed, and must still get the last event.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import purpose_agent as pa
from benchmarks.figures import Figure, Figures, spread
from benchmarks.parts import Amount
from purpose_agent.core.messages import Message, Text, ToolCall
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, Usage
from purpose_agent.testing.models import RuleModel

WANTED: Mapping[str, str] = {
    "slow_reader_slowdown": "time of a run that emits 100,000 events, with a reader that takes one a second, over its time with none",
    "slow_reader_ends_missed": "of those runs, how many whose reader did not get the last event",
}
CALLS, STEPS = 1_000, 50
"""Two events a call and some a step."""
CAPACITY, SECONDS = 5, 1.0
SPENT = Usage(input_tokens=100, output_tokens=10, calls=1)


@pa.tool
async def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    await asyncio.sleep(0)  # as a tool that waits for something does: without it the reader would never have the loop
    return a + b


def measure(options: Amount) -> Figures:
    """Pairs, one run after the other, in turn who is first."""
    steps, pairs = options.of(STEPS, 2), options.of(5, 2)
    with TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder), steps, pairs))


async def _measured(folder: Path, steps: int, pairs: int) -> Figures:
    alone = Calling(folder, steps)
    events = await alone.warmed()
    ratios: list[float] = []
    missed = 0
    given: list[int] = []
    for pair in range(pairs):
        first = await alone.unread() if pair % 2 else None
        read, ended, items = await alone.read()
        ratios.append(read / (first if first is not None else await alone.unread()))
        missed += not ended
        given.append(items)
    about = WANTED["slow_reader_slowdown"].replace("100,000", f"{events:,}")
    told = f"{about}; the reader got {min(given)} to {max(given)} of them"
    return {
        "slow_reader_slowdown": replace(spread(told, ratios), n=pairs),
        "slow_reader_ends_missed": Figure(WANTED["slow_reader_ends_missed"], missed, n=pairs),
    }


class Calling:
    """An agent that calls tools for so many steps, and then answers."""

    def __init__(self, folder: Path, steps: int) -> None:
        self._step = 0
        self._steps = steps
        model = RuleModel(self._decides, capabilities=Capabilities(native_tools=True, local=True))
        self._agent = pa.Agent(
            "adder",
            model=model,
            tools=[add],
            critic=None,
            workspace=folder,
            mode="evaluation",
            limits=pa.Limits(steps=steps + 1),
        )
        self._model = model

    async def warmed(self) -> int:
        """Once, not counted: what is imported. How many events there are in a run."""
        self._begin()
        return len((await self._agent.run_async("Add")).trace.events)

    async def unread(self) -> float:
        """Seconds, with nobody who reads."""
        self._begin()
        began = time.perf_counter()
        await self._agent.run_async("Add")
        return time.perf_counter() - began

    async def read(self) -> tuple[float, bool, int]:
        """Seconds of the run, whether its end arrived, and how many events the reader took."""
        self._begin()
        stream = self._agent.stream("Add", visibility="debug", capacity=CAPACITY)
        began = time.perf_counter()
        reading = asyncio.create_task(_slowly(stream))
        await stream.result_async()
        seconds = time.perf_counter() - began
        return seconds, *await reading

    def _begin(self) -> None:
        self._step = 0
        self._model.requests.clear()

    def _decides(self, _: ModelRequest) -> ModelResponse:
        self._model.requests.clear()  # it keeps them for tests, and here they would be most of the memory
        self._step += 1
        if self._step > self._steps:
            return ModelResponse(Message("assistant", (Text("3"),)), SPENT)
        calls = (ToolCall(f"call_{self._step}_{number}", "add", {"a": 1, "b": 2}) for number in range(CALLS))
        return ModelResponse(Message("assistant", tuple(calls)), SPENT, stop="tool_calls")


async def _slowly(stream: pa.RunStream) -> tuple[bool, int]:
    """Whether the end of the run came, and how many events did."""
    ended, events = False, 0
    async for item in stream:
        if isinstance(item, pa.Event):
            events += 1
            ended = ended or item.payload.kind == "run_finished"
        await asyncio.sleep(SECONDS)
    return ended, events
