"""An answer is told piece by piece while it is written, and is the same answer."""

import json
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.errors import ModelError, ModelOutputError, ModelTimeout
from purpose_agent.core.messages import user
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, TextDelta
from purpose_agent.runtime.answer_text import AnswerText
from purpose_agent.runtime.events import ModelCalled, Payload, TextStreamed
from purpose_agent.runtime.model_call import call_model
from purpose_agent.testing.models import ScriptedModel
from tests.runtime.given import StandingClock, texts

pytestmark = pytest.mark.anyio

QUESTION = (user("two and two?"),)


class Streams:
    """A model that streams what it is told to, and may then fail."""

    name = "streams"
    capabilities = Capabilities()

    def __init__(self, *items: TextDelta | ModelResponse, then: ModelError | None = None) -> None:
        self._items = items
        self._then = then

    async def generate(self, request: ModelRequest) -> ModelResponse:
        raise AssertionError("it was to be streamed")

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        for item in self._items:
            yield item
        if self._then is not None:
            raise self._then


async def told(model: "ScriptedModel | Streams", request: ModelRequest, *, stream: bool = True) -> tuple[str, list[Payload]]:
    published: list[Payload] = []
    response = await call_model(
        model, request, "actor@1", clock=StandingClock(), publish=published.append, acts=True, stream=stream
    )
    return response.text, published


def pieces(published: Sequence[Payload]) -> list[str]:
    return [payload.text for payload in published if isinstance(payload, TextStreamed)]


async def test_the_pieces_come_before_the_answer_and_are_the_answer() -> None:
    text, published = await told(ScriptedModel("four, I think"), ModelRequest(QUESTION))

    assert (len(pieces(published)), "".join(pieces(published))) == (3, text)
    assert isinstance(published[-1], ModelCalled)
    assert published[-1].usage.calls == 1


async def test_who_does_not_ask_for_pieces_gets_none() -> None:
    _, published = await told(ScriptedModel("four"), ModelRequest(QUESTION), stream=False)

    assert [payload.kind for payload in published] == ["model_called"]


async def test_a_choice_is_no_text() -> None:
    _, published = await told(ScriptedModel("four"), ModelRequest(QUESTION, choices=("four", "five")))

    assert [payload.kind for payload in published] == ["model_called"]


async def test_of_an_object_the_answer_is_told_and_of_a_call_nothing() -> None:
    answer = '{"answer": "four \\u00e4 \\n \\"so\\""}'
    call = '{"tool": "add", "arguments": {"answer": "two"}}'

    _, answered = await told(ScriptedModel(answer), ModelRequest(QUESTION, schema={"type": "object"}))
    _, called = await told(ScriptedModel(call), ModelRequest(QUESTION, schema={"type": "object"}))

    assert "".join(pieces(answered)) == json.loads(answer)["answer"]
    assert [payload.kind for payload in called] == ["model_called"]


async def test_a_stream_that_breaks_off_is_the_failure_it_would_be_without_pieces() -> None:
    published: list[Payload] = []
    model = Streams(TextDelta("fo"), then=ModelTimeout("too slow"))

    with pytest.raises(ModelTimeout):
        await call_model(model, ModelRequest(QUESTION), "actor@1", clock=StandingClock(), publish=published.append, stream=True)

    assert pieces(published) == ["fo"]
    assert isinstance(published[-1], ModelCalled)
    assert published[-1].error == "too slow"


async def test_a_stream_without_a_whole_answer_is_told_as_a_broken_protocol() -> None:
    with pytest.raises(ModelOutputError, match="ended without the whole of it"):
        await told(Streams(TextDelta("fo")), ModelRequest(QUESTION))


@given(answer=texts | st.text(st.sampled_from('\\"/ud8u\n😀ä{}'), max_size=20), ascii_only=st.booleans(), data=st.data())
def test_however_an_object_is_cut_its_answer_comes_out_whole(answer: str, ascii_only: bool, data: st.DataObject) -> None:
    written = json.dumps({"answer": answer}, ensure_ascii=ascii_only) + data.draw(st.sampled_from(["", "\n", " more"]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=8)))

    reading = AnswerText()
    shown = [reading.feed(written[start:end]) for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True)]

    assert "".join(shown) == answer


@given(st.text(max_size=30))
def test_whatever_is_no_such_object_shows_nothing_and_breaks_nothing(text: str) -> None:
    reading = AnswerText()

    assert "".join(reading.feed(letter) for letter in f"[{text}") == ""
    assert isinstance(AnswerText().feed(f'{{"answer": "{text}'), str)
