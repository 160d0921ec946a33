"""A reply in a form: the model is held to a schema and to a length, and what came back is read.

In:  a model, a schema.
Out: the same model, for answers in that form; positions and stances, read from replies.

An agent with tools that its model calls as JSON keeps the form of those calls; its answer is read all the same.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from purpose_agent.agents.debate_question import same
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Capabilities, Model, ModelRequest, ModelResponse, TextDelta

MOST_TOKENS = 300
"""Of one position."""
MOST_POSITION = 240
MOST_STANCE = 40
"""Characters that are kept of each, whatever the model wrote."""


class Formed:
    """A model whose answers, and nothing else it is asked for, follow a schema and end after so many tokens."""

    def __init__(self, model: Model, schema: Mapping[str, Json], tokens: int = MOST_TOKENS) -> None:
        self._model = model
        self._schema = schema
        self._tokens = tokens

    @property
    def name(self) -> str:
        """The model's own."""
        return self._model.name

    @property
    def capabilities(self) -> Capabilities:
        """The model's own."""
        return self._model.capabilities

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Answer once, in that form."""
        return await self._model.generate(self._formed(request))

    def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        """The same, piece by piece."""
        return self._model.stream(self._formed(request))

    def _formed(self, request: ModelRequest) -> ModelRequest:
        if request.purpose != "act" or request.tools or request.schema or request.choices:
            return request
        schema = self._schema if self.capabilities.schema else None
        return replace(request, schema=schema, max_tokens=min(request.max_tokens or self._tokens, self._tokens))


def vote_schema(options: Sequence[str]) -> dict[str, Json]:
    """A reason and a stance; the stance one of the options if there are any."""
    stance: dict[str, Json] = {"type": "string", "maxLength": MOST_STANCE, "minLength": 1}
    if options:
        stance = {"type": "string", "enum": list(options)}
    # Called "reason" to the model: asked for its position, a small one says "I am against it", and nothing else.
    return object_of({"reason": {"type": "string", "maxLength": MOST_POSITION, "minLength": 10}, "stance": stance})


def object_of(properties: dict[str, Json]) -> dict[str, Json]:
    """An object that has just these."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def read_vote(answer: str, options: Sequence[str]) -> tuple[str | None, str, str]:
    """Stance, position, and why there is no stance: None where none can be read. Nothing is guessed from the words."""
    from purpose_agent.models.decode import extract_json_object

    said = extract_json_object(answer)
    if said is None:
        return None, short(answer, MOST_POSITION), "its reply was not in the form that was asked for"
    position, stance = said.get("reason"), said.get("stance")
    told = short(position, MOST_POSITION) if isinstance(position, str) else ""
    if not isinstance(stance, str) or not same(stance):
        return None, told, "it named no stance"
    if options:
        chosen = next((option for option in options if same(option) == same(stance)), None)
        why = "" if chosen is not None else f"its stance {short(stance, MOST_STANCE)!r} is none of the options"
        return chosen, told, why
    return short(stance, MOST_STANCE), told, ""


def short(text: str, most: int) -> str:
    """On one line, in at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
