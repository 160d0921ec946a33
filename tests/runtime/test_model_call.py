"""A model call tells of its waits, in the run that waits, and in no other."""

from collections.abc import AsyncIterator

import anyio
import pytest

from purpose_agent.core.messages import Message, Text, user
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, TextDelta
from purpose_agent.core.noticing import tell_of_wait
from purpose_agent.runtime.events import ModelCalled, ModelRetried, ModelWaited, Payload
from purpose_agent.runtime.model_call import call_model
from tests.runtime.given import StandingClock

pytestmark = pytest.mark.anyio

REQUEST = ModelRequest((user("Two and two?"),), purpose="act")
ANSWER = ModelResponse(Message("assistant", (Text("four"),)))


class Waiting:
    """Waits once, says why, and answers when all of them are there."""

    capabilities = Capabilities()

    def __init__(self, name: str, all_there: "anyio.Event | None" = None, *, last: bool = True) -> None:
        self.name = name
        self._all_there, self._last = all_there or anyio.Event(), last

    async def generate(self, request: ModelRequest) -> ModelResponse:
        if self._last:
            self._all_there.set()
        await self._all_there.wait()
        tell_of_wait(2, 1.5, f"{self.name} is busy")
        return ANSWER

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        tell_of_wait(1, 0.5)
        yield TextDelta("four")
        yield ANSWER


async def call(model: Waiting, told: list[Payload], *, stream: bool = False) -> None:
    await call_model(model, REQUEST, "actor@1", clock=StandingClock(), publish=told.append, stream=stream)


async def test_a_wait_is_told_before_the_answer() -> None:
    told: list[Payload] = []

    await call(Waiting("big"), told)

    assert told[0] == ModelRetried("act", "big", 2, 1.5, "big is busy")
    assert isinstance(told[1], ModelCalled)


async def test_a_wait_for_ones_turn_is_no_retry_and_is_told_of_a_streamed_answer_too() -> None:
    told: list[Payload] = []

    await call(Waiting("big"), told, stream=True)

    assert told[0] == ModelWaited("act", "big", 0.5)
    assert [payload for payload in told if isinstance(payload, ModelRetried)] == []


async def test_calls_side_by_side_hear_of_their_own_waits_only() -> None:
    first: list[Payload] = []
    second: list[Payload] = []
    all_there = anyio.Event()

    async with anyio.create_task_group() as group:
        group.start_soon(call, Waiting("one", all_there, last=False), first)
        group.start_soon(call, Waiting("two", all_there), second)

    assert [payload.model for payload in first if isinstance(payload, ModelRetried)] == ["one"]
    assert [payload.model for payload in second if isinstance(payload, ModelRetried)] == ["two"]


def test_where_nobody_listens_a_wait_is_no_matter() -> None:
    tell_of_wait(2, 1.0, "busy")
