"""How much of a run's prompts a real engine takes from its cache, over a run of ten steps.

The model is the smallest of the catalogue, too small to act. So every request goes to its engine, for what the engine
counts, and what is done next is decided by a script: the prompts grow as they do in a real run with tools. The engine
writes a few tokens of its own each time, which are thrown away. In a real run, what it wrote is part of the next prompt
and in the cache already; here it has to be read anew, so the share is a little lower than that of a real run.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Figures, unmeasured
from purpose_agent.agents.agent import Agent
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import MissingExtra, NoModelFound
from purpose_agent.core.messages import assistant
from purpose_agent.core.model import Capabilities, Model, ModelRequest, ModelResponse, TextDelta
from purpose_agent.core.tool import tool

MODEL = "smollm2:135m"
STEPS = 10
OUTPUT_TOKENS = 8
ABOUT = f"share of the prompt tokens of a run of {STEPS} steps that came from the cache of {MODEL}"


@tool
def read_page(number: int) -> str:
    """Read a page of the logbook."""
    return "\n".join(
        f"Day {number}.{hour}: wind {hour * number % 9}, sea calm, course kept, nothing seen." for hour in range(4)
    )


class Driven:
    """A model whose engine reads every request, and whose decisions are a script's."""

    def __init__(self, engine: Model) -> None:
        self._engine = engine
        self._turn = 0

    @property
    def name(self) -> str:
        return f"driven {self._engine.name}"

    @property
    def capabilities(self) -> Capabilities:
        return self._engine.capabilities

    async def generate(self, request: ModelRequest) -> ModelResponse:
        response = await self._engine.generate(replace(request, max_tokens=OUTPUT_TOKENS))
        self._turn += 1
        said = f'{{"tool": "read_page", "arguments": {{"number": {self._turn}}}}}'
        if self._turn >= STEPS:
            said = '{"answer": "The sea was calm."}'
        return replace(response, message=assistant(said), stop="stop")

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        yield await self.generate(request)


def measure() -> Figures:
    """One run, from a cold cache."""
    from purpose_agent.models.local import LocalModel

    try:
        engine = LocalModel(MODEL)
    except (MissingExtra, NoModelFound) as error:
        return unmeasured(str(error), cache_share=ABOUT)
    with TemporaryDirectory() as folder:
        agent = Agent("reader", model=Driven(engine), tools=[read_page], critic=None, workspace=Workspace(Path(folder)))
        result = asyncio.run(agent.run_async("Read the logbook page by page. How was the sea?"))
    if result.status != "finished" or len(result.trajectory) != STEPS:
        raise AssertionError(f"The run ended as {result.status} after {len(result.trajectory)} steps: {result.reason}")
    usage = result.usage
    return {"cache_share": Figure(ABOUT, usage.cached_tokens / usage.input_tokens, n=usage.input_tokens)}
