"""A contrast becomes a lesson in a model's words, or nothing."""

import json

import pytest

from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.learning.reflect import SCHEMA, Contrast, Said, general_lesson, reflect_on
from purpose_agent.testing.models import ScriptedModel

pytestmark = pytest.mark.anyio

FAILURE = Contrast("Write fib", "def fib", "- fib(0) is 1")


async def said(text: str, contrast: Contrast = FAILURE) -> tuple[Said | None, ModelRequest, str]:
    model, prompts = ScriptedModel(text), list[str]()

    async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
        prompts.append(prompt)
        return await model.generate(request)

    return await reflect_on(contrast, ask), model.requests[0], prompts[0]


async def test_when_then_and_tier_are_read_each_on_one_line() -> None:
    answer = json.dumps({"when": "writing\n a function", "then": "test   n=0\nfirst", "tier": "strategic"})
    lesson, request, _ = await said(answer)

    assert lesson == Said("writing a function", "test n=0 first", "strategic")
    assert (request.schema, request.purpose, request.temperature) == (SCHEMA, "reflect", 0.0)


async def test_a_situation_that_begins_with_when_loses_it() -> None:
    lesson, _, _ = await said(json.dumps({"when": "When painting", "then": "look twice", "tier": "tool"}))

    assert lesson == Said("painting", "look twice", "tool")


@pytest.mark.parametrize("tier", ["", "high", None, ["tool"]])
async def test_a_tier_that_is_none_of_the_three_is_the_middle_one(tier: object) -> None:
    lesson, _, _ = await said(json.dumps({"when": "writing a function", "then": "test n=0", "tier": tier}))

    assert lesson == Said("writing a function", "test n=0", "procedural")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I don't know.",
        "[]",
        '{"when": "writing code"}',
        '{"when": "", "then": ""}',
        '{"when": 1, "then": ["test it"]}',
        "null",
    ],
)
async def test_what_is_no_lesson_is_nothing(text: str) -> None:
    assert (await said(text))[0] is None


async def test_the_model_is_told_what_failed_and_what_passed() -> None:
    _, alone, prompt = await said("{}")
    _, both, recovered = await said("{}", Contrast("Write fib", "def fib", "- fib(0) is 1", passed="the right one"))
    _, two, pair = await said("{}", Contrast("Write fib", "def fib", "- it failed", "the right one", passed_goal="Write fac"))

    assert "- fib(0) is 1" in alone.text
    assert "the right one" in both.text
    assert "Second task: Write fac" in two.text
    assert [name.split("@")[0] for name in (prompt, recovered, pair)] == ["reflect", "reflect_recovered", "reflect_pair"]


async def test_long_words_are_cut() -> None:
    lesson, _, _ = await said(json.dumps({"when": "a b " * 500, "then": "c d " * 500}))

    assert lesson is not None
    assert max(map(len, (lesson.when, lesson.then))) <= 300


async def test_one_lesson_is_asked_of_several() -> None:
    model = ScriptedModel(json.dumps({"when": "parsing anything", "then": "check for nothing first", "tier": "tool"}))

    async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
        assert prompt.startswith("generalise@")
        return await model.generate(request)

    assert await general_lesson(["one\nlesson", "another"], ask) == Said("parsing anything", "check for nothing first", "tool")
    (request,) = model.requests
    assert "- one lesson\n- another" in request.text
    assert request.schema == SCHEMA
