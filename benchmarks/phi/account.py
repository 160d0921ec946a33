"""A critic's model that is asked no question twice, and what it cost.

In:  a `Model`.
Out: answers; tokens and seconds as if every question had been asked.
"""

from dataclasses import dataclass, field
from time import perf_counter

from purpose_agent.core.model import Model, ModelRequest, ModelResponse


@dataclass(slots=True)
class Account:
    """What was asked, and what it took.

    Attributes:
        seconds: Wall time of the answers; of a repeated question, that of the first time.
    """

    model: Model
    tokens: int = 0
    seconds: float = 0.0
    calls: int = 0
    _known: dict[str, tuple[ModelResponse, float]] = field(default_factory=dict[str, tuple[ModelResponse, float]])

    async def ask(self, request: ModelRequest, prompt: str = "") -> ModelResponse:
        """Answer; `prompt` is the version of the prompt."""
        key = repr(request)
        if key not in self._known:
            started = perf_counter()
            response = await self.model.generate(request)
            self._known[key] = response, perf_counter() - started
        response, seconds = self._known[key]
        self.tokens += response.usage.tokens
        self.seconds += seconds
        self.calls += 1
        return response

    @property
    def window(self) -> int:
        """Tokens that the model can read."""
        return self.model.capabilities.context_tokens

    def take(self) -> tuple[int, float, int]:
        """Tokens, seconds and calls since the last time."""
        spent = self.tokens, self.seconds, self.calls
        self.tokens, self.seconds, self.calls = 0, 0.0, 0
        return spent
