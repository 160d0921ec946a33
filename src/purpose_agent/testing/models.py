"""Models that say what a test told them.

In:  a list of answers, or a rule that makes an answer of a request.
Out: a `Model` in every respect but thought: usage is counted, streams stream, requests are kept.

Usage is an estimate in the open: a token is four characters, a call costs 0.0 US dollars. Neither double keeps an
answer to `request.choices` or `request.schema`: it says what it was told, so that a test can also have it misbehave.
"""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from inspect import isawaitable
from math import ceil

from purpose_agent.core.messages import assistant
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, TextDelta, Usage

CHARACTERS_PER_TOKEN = 4
PIECES = 3


class OutOfAnswers(AssertionError):
    """A `ScriptedModel` was asked once more than its script goes."""


class RuleModel:
    """A model that answers by a rule of the test's.

    Args:
        rule: Makes the answer; it sees the whole request, `choices` and `purpose` included. What it raises goes up. A plain function
            is called on the loop, one call at a time and in the order in which they are asked, so that a rule may count and keep
            what it saw, and a test goes the same way each time. So one that waits (`time.sleep`, a download) holds up all other
            runs of the process: make it an `async def` and let it wait with `await`; then many wait side by side.
        capabilities: What callers may ask of it; by default that of a local model which does all there is.

    Attributes:
        requests: All it was asked so far, in order.
    """

    def __init__(
        self,
        rule: Callable[[ModelRequest], str | ModelResponse | Awaitable[str | ModelResponse]],
        name: str = "rule",
        capabilities: Capabilities | None = None,
    ) -> None:
        self.name = name
        self.capabilities = capabilities or Capabilities(choices=True, local=True)
        self.requests: list[ModelRequest] = []
        self._rule = rule

    async def generate(self, request: ModelRequest) -> ModelResponse:
        self.requests.append(request)
        answer = self._rule(request)
        return _response(await answer if isawaitable(answer) else answer, request, self.name)

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        response = await self.generate(request)
        for piece in _pieces(response.text):
            yield TextDelta(piece)
        yield response


class ScriptedModel:
    """A model that gives its answers in order, one a call.

    Args:
        answers: Texts, whole responses, or exceptions to raise in that place.
        capabilities: What callers may ask of it; by default that of a local model which does all there is.

    Attributes:
        requests: All it was asked so far, in order.

    Raises:
        OutOfAnswers: From a call after the last answer; an AssertionError, so that no error handling swallows it.
    """

    def __init__(
        self,
        *answers: str | ModelResponse | Exception,
        name: str = "scripted",
        capabilities: Capabilities | None = None,
    ) -> None:
        self.name = name
        self.capabilities = capabilities or Capabilities(choices=True, local=True)
        self.requests: list[ModelRequest] = []
        self._answers = answers
        self._lock = threading.Lock()

    async def generate(self, request: ModelRequest) -> ModelResponse:
        with self._lock:  # several runs on several loops may share one script
            self.requests.append(request)
            turn = len(self.requests)
        if turn > len(self._answers):
            raise OutOfAnswers(
                f"ScriptedModel {self.name!r} has {len(self._answers)} answers and was asked a {turn}. time "
                f"(purpose {request.purpose!r}): …{request.text[-200:]!r}. Give it more answers, or use a RuleModel."
            )
        answer = self._answers[turn - 1]
        if isinstance(answer, Exception):
            raise answer
        return _response(answer, request, self.name)

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        response = await self.generate(request)
        for piece in _pieces(response.text):
            yield TextDelta(piece)
        yield response


def _response(answer: str | ModelResponse, request: ModelRequest, name: str) -> ModelResponse:
    """`answer` as a response. A response of the test's own keeps the usage it came with, if it came with any."""
    response = ModelResponse(assistant(answer), model=name) if isinstance(answer, str) else answer
    return response if response.usage.calls else replace(response, usage=_usage(request, response))


def _usage(request: ModelRequest, response: ModelResponse) -> Usage:
    output = response.text + "".join(str(call) for call in response.message.tool_calls)
    return Usage(input_tokens=_tokens(request.text), output_tokens=_tokens(output), usd=0.0, calls=1)


def _tokens(text: str) -> int:
    return ceil(len(text) / CHARACTERS_PER_TOKEN)


def _pieces(text: str) -> Sequence[str]:
    size = max(1, ceil(len(text) / PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]
