"""One model for all conditions of a process, which is asked no question twice.

In:  a model's name.
Out: the model; a question that it answered before, it answers again at once, with what it cost the first time.

A choice among listed answers is the likeliest one whatever the seed, and a text follows from its seed: asking again would
show nothing new and take most of the hour. So tokens are those of an honest run; wall times of a run are not.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache

from purpose_agent.core.model import NO_MODEL, Model, ModelRequest, ModelResponse, TextDelta
from purpose_agent.models.resolve import resolve_model


class Asked:
    """A model that remembers its answers.

    Attributes:
        spared: Questions that it did not have to be asked.
    """

    def __init__(self, model: Model) -> None:
        self.name = model.name
        self.capabilities = model.capabilities
        self.spared = 0
        self._model = model
        self._answers: dict[str, ModelResponse] = {}

    async def generate(self, request: ModelRequest) -> ModelResponse:
        if request.seed is None and not request.choices:
            return await self._model.generate(request)
        seed = None if request.choices else request.seed
        key = repr(replace(request, seed=seed, timeout=None, purpose=""))
        if key in self._answers:
            self.spared += 1
        else:
            self._answers[key] = await self._model.generate(request)
        return self._answers[key]

    def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        return self._model.stream(request)


@cache
def shared(spec: str) -> str | Model:
    """The model of that name, the same for all who ask in this process; "none" stays "none"."""
    return spec if spec == NO_MODEL else Asked(resolve_model(spec))
