"""One model call, told as an event whether it is answered or not.

In:  a model, a request.
Out: its response. Limits and retries are the caller's.
"""

from collections.abc import Callable

from purpose_agent.core.errors import ModelError
from purpose_agent.core.model import Model, ModelRequest, ModelResponse, Usage
from purpose_agent.core.ports import Clock
from purpose_agent.runtime.events import ModelCalled


async def call_model(
    model: Model,
    request: ModelRequest,
    prompt: str,
    *,
    clock: Clock,
    publish: Callable[[ModelCalled], object],
    acts: bool = False,
) -> ModelResponse:
    """Ask once, and publish what it cost and how long it took.

    Args:
        prompt: Name and hash of the prompt file.
        acts: The answer is part of the run's work, and is kept with the event.

    Raises:
        ModelError: The model could not answer; that is published too.
    """
    began = clock.monotonic()
    try:
        response = await model.generate(request)
    except ModelError as error:
        publish(ModelCalled(request.purpose, model.name, prompt, Usage(calls=1), clock.monotonic() - began, str(error)))
        raise
    message = response.message if acts else None
    publish(ModelCalled(request.purpose, model.name, prompt, response.usage, clock.monotonic() - began, message=message))
    return response
