"""The in-process engine with the smallest model. It answers badly: only shapes are asserted."""

import json
from pathlib import Path

import pytest

from purpose_agent.core.errors import NoModelFound, UnknownModel
from purpose_agent.core.messages import Json, Message, system, user
from purpose_agent.core.model import ModelRequest, ModelResponse, TextDelta
from purpose_agent.models import local
from purpose_agent.models.catalogue import pull
from purpose_agent.models.local import LocalModel

RULES = "You guard the doors of a house. " + "At a red door pull, at a blue door knock, at a green door push. " * 6


@pytest.fixture(scope="module")
def model() -> LocalModel:
    pytest.importorskip("xllamacpp", reason="the engine comes with purpose-agent[local]")
    pull("smollm2:135m")
    return LocalModel("smollm2:135m", threads=1)


def ask(question: str) -> tuple[Message, ...]:
    return (system(RULES), user(question))


@pytest.mark.live
@pytest.mark.anyio
async def test_free_text_is_counted_and_a_shared_prefix_is_cached(model: LocalModel) -> None:
    first = await model.generate(ModelRequest(messages=ask("A red door."), max_tokens=8, temperature=0, seed=1))
    second = await model.generate(ModelRequest(messages=ask("A blue door."), max_tokens=8, temperature=0, seed=1))
    assert first.text.strip()
    assert 1 <= first.usage.output_tokens <= 8
    assert first.usage.usd == 0.0
    assert second.usage.cached_tokens > second.usage.input_tokens // 2


@pytest.mark.live
@pytest.mark.anyio
async def test_a_choice_is_one_of_those_given(model: LocalModel) -> None:
    choices = ("push", "pull", "knock")
    answer = await model.generate(ModelRequest(messages=ask("A blue door. What now?"), choices=choices, temperature=0))
    assert answer.text in choices
    assert answer.probabilities is None or set(answer.probabilities) <= set(choices)


@pytest.mark.live
@pytest.mark.anyio
async def test_json_follows_the_schema(model: LocalModel) -> None:
    properties: dict[str, Json] = {"act": {"enum": ["push", "pull", "knock"]}, "times": {"type": "integer", "maximum": 9}}
    schema: dict[str, Json] = {
        "type": "object",
        "properties": properties,
        "required": ["act", "times"],
        "additionalProperties": False,
    }
    answer = await model.generate(ModelRequest(messages=ask("A red door."), schema=schema, max_tokens=64, temperature=0))
    read = json.loads(answer.text)
    assert read["act"] in {"push", "pull", "knock"}
    assert isinstance(read["times"], int)


@pytest.mark.live
@pytest.mark.anyio
async def test_a_stream_ends_with_the_whole_answer(model: LocalModel) -> None:
    request = ModelRequest(messages=ask("Tell a tale."), max_tokens=12, temperature=0)
    pieces = [piece async for piece in model.stream(request)]
    assert isinstance(pieces[-1], ModelResponse)
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == pieces[-1].text


@pytest.mark.live
@pytest.mark.anyio
@pytest.mark.parametrize(("room", "is_kept"), [(512, True), (1, False)])
async def test_what_is_kept_of_earlier_prompts_has_a_bound(room: int, is_kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xllamacpp", reason="the engine comes with purpose-agent[local]")
    pull("smollm2:135m")
    monkeypatch.setattr(local, "PROMPT_CACHE_MIB", room)
    model = LocalModel("smollm2:135m", threads=1, context_tokens=2048 + room)  # a server of its own
    tale, list_, again = [
        await model.generate(ModelRequest(messages=(user(text * 20),), max_tokens=1, temperature=0, seed=1))
        for text in ("Once upon a time. ", "Nails, glue, two hammers. ", "Once upon a time. ")
    ]

    assert max(tale.usage.cached_tokens, list_.usage.cached_tokens) < 40
    assert (again.usage.cached_tokens > 60) == is_kept


def test_a_model_that_is_not_here_names_the_command_that_fetches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xllamacpp", reason="the engine comes with purpose-agent[local]")
    monkeypatch.setenv("PURPOSE_AGENT_MODELS", str(tmp_path))
    with pytest.raises(NoModelFound, match=r"purpose-agent models pull qwen2\.5-coder:1\.5b"):
        LocalModel("qwen2.5-coder")
    with pytest.raises(NoModelFound, match=r"no model file .*x\.gguf"):
        LocalModel(str(tmp_path / "x.gguf"))
    with pytest.raises(UnknownModel):
        LocalModel("nonesuch")
