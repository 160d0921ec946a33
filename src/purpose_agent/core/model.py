"""The model port: messages in, message out."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from purpose_agent.core.messages import Json, Message

Stop: TypeAlias = Literal["stop", "length", "tool_calls", "filter", "unknown"]

NO_MODEL = "none"
"""The name of the model of runs that had none: an agent that chooses among options by what it learned."""


def is_no_model(spec: object) -> bool:
    """Whether a spec means that there shall be no model; case and white space around it don't count."""
    return isinstance(spec, str) and spec.strip().casefold() == NO_MODEL


@dataclass(frozen=True, slots=True)
class Usage:
    """What one or more model calls cost.

    Attributes:
        input_tokens: Prompt tokens, cached ones included.
        output_tokens: Generated tokens.
        cached_tokens: The part of `input_tokens` that the engine took from its prompt cache.
        usd: Price in US dollars, or None where the price is unknown. Local models cost 0.0.
        calls: How many model calls this adds up.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    usd: float | None = 0.0
    calls: int = 0

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            usd=None if self.usd is None or other.usd is None else self.usd + other.usd,
            calls=self.calls + other.calls,
        )


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it: a name, a sentence, a JSON schema of its arguments (an object)."""

    name: str
    description: str
    parameters: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One question to a model.

    Attributes:
        messages: The conversation, oldest first. A stable prefix lets engines reuse their cache.
        tools: Offered for native tool calls. Only models with `capabilities.native_tools` take them.
        schema: JSON schema the answer must follow, or None for free text.
        choices: The answer must be exactly one of these strings; read from token probabilities where the
            engine can. At most one of `schema`, `choices` and `tools` is given.
        temperature: 0 and above; None leaves the server's default.
        max_tokens: Upper bound of generated tokens; None leaves the server's default.
        seed: For engines that can repeat a draw; None for any.
        stop: Strings that end the generation; they are not part of the answer.
        timeout: Seconds for the whole call, or None for the client's own.
        purpose: Why the call is made ("act", "score", "reflect" …): for the record and for test doubles.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    schema: Mapping[str, Json] | None = None
    choices: tuple[str, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    timeout: float | None = None
    purpose: str = "act"

    @property
    def text(self) -> str:
        """Everything the model reads, as one string."""
        return "\n\n".join(
            "\n".join(part.text if part.type == "text" else str(part) for part in message.parts) for message in self.messages
        )


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """A model's answer.

    Attributes:
        message: An assistant message.
        model: The name the server gave itself.
        stop: Why it ended; "length" means cut off.
        probabilities: For a request with `choices`: choice → probability, where the engine tells; else None.
    """

    message: Message
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    stop: Stop = "stop"
    probabilities: Mapping[str, float] | None = None

    @property
    def text(self) -> str:
        """The answer's text."""
        return self.message.text


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of a streamed answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model's engine can be asked for.

    Attributes:
        native_tools: It takes `ModelRequest.tools` and answers with tool calls.
        schema: It keeps to `ModelRequest.schema`.
        choices: It keeps to `ModelRequest.choices`.
        probabilities: It tells how likely each of them was, by the first token of the answer.
        small: Short prompts suit it better than complete ones (about 3B parameters and below).
        context_tokens: Size of its window.
        local: It runs on this machine: tokens cost time, not money.
    """

    native_tools: bool = True
    schema: bool = True
    choices: bool = False
    probabilities: bool = False
    small: bool = False
    context_tokens: int = 32_768
    local: bool = False


class Model(Protocol):
    """Messages in, message out."""

    @property
    def name(self) -> str:
        """The spec that leads back to this model, such as "ollama:qwen3:1.7b"."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can be asked for."""
        ...

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Answer once.

        Raises:
            ModelError: The model could not answer.
        """
        ...

    def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        """Answer piece by piece; the last item is the whole response."""
        ...
