"""One model call, told as an event whether it is answered or not.

In:  a model, a request.
Out: its response, and its text while it is written if somebody wants to see that. Waits on the way, for a busy server or a rate
     limit, are told as they begin. Limits are the caller's.
"""

from collections.abc import Callable

from purpose_agent.core.errors import ModelError, ModelOutputError, ModelRefused, ModelUnreachable
from purpose_agent.core.model import Model, ModelRequest, ModelResponse, TextDelta, Usage
from purpose_agent.core.noticing import noticing
from purpose_agent.core.ports import Clock
from purpose_agent.runtime.answer_text import AnswerText
from purpose_agent.runtime.events import ModelCalled, ModelRetried, ModelWaited, Payload, TextStreamed


async def call_model(
    model: Model,
    request: ModelRequest,
    prompt: str,
    *,
    clock: Clock,
    publish: Callable[[Payload], object],
    acts: bool = False,
    stream: bool = False,
) -> ModelResponse:
    """Ask once, and publish what it cost and how long it took.

    Args:
        prompt: Name and hash of the prompt file.
        acts: The answer is part of the run's work, and is kept with the event.
        stream: Publish the answer's text piece by piece while the model writes it. Of an answer that is a JSON object that is
            what stands under "answer"; of a choice among given answers there are no pieces.

    Raises:
        ModelError: The model could not answer; that is published too, as is a call that is cancelled.
    """

    def waits(attempt: int, seconds: float, error: str | None) -> None:
        if error is None:
            publish(ModelWaited(request.purpose, model.name, seconds, attempt))
        else:
            publish(ModelRetried(request.purpose, model.name, attempt, seconds, error))

    began = clock.monotonic()
    try:
        with noticing(waits):
            response = await (_streamed(model, request, publish) if stream else model.generate(request))
    except BaseException as error:
        said = str(error) if isinstance(error, ModelError) else "stopped before it answered"
        publish(
            ModelCalled(
                request.purpose, model.name, prompt, _usage_without_answer(model, error), clock.monotonic() - began, said
            )
        )
        raise
    message = response.message if acts else None
    publish(ModelCalled(request.purpose, model.name, prompt, response.usage, clock.monotonic() - began, message=message))
    return response


def _usage_without_answer(model: Model, error: BaseException) -> Usage:
    """What a call cost that brought no answer: its price is unknown if the server may have worked on it."""
    answered = isinstance(error, ModelUnreachable | ModelRefused)
    return Usage(calls=1, usd=0.0 if answered or model.capabilities.local else None)


async def _streamed(model: Model, request: ModelRequest, publish: Callable[[Payload], object]) -> ModelResponse:
    """The whole response, each piece of its text told as it comes."""
    if request.choices:
        return await model.generate(request)
    answer = AnswerText() if request.schema is not None else None
    response: ModelResponse | None = None
    async for item in model.stream(request):
        if not isinstance(item, TextDelta):
            response = item
        elif text := item.text if answer is None else answer.feed(item.text):
            publish(TextStreamed(text))
    if response is None:
        raise ModelOutputError(f"{model.name} streamed an answer and ended without the whole of it.")
    return response
