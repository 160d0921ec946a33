"""A failure becomes a lesson in a model's words, or nothing."""

import json

import pytest

from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.learning.reflect import SCHEMA, Failure, reflect_on
from purpose_agent.testing.models import ScriptedModel

pytestmark = pytest.mark.anyio

FAILURE = Failure("Write fib", "def fib", "- fib(0) is 1")


async def said(text: str, failure: Failure = FAILURE) -> tuple[tuple[str, str] | None, ModelRequest, str]:
    model, prompts = ScriptedModel(text), list[str]()

    async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
        prompts.append(prompt)
        return await model.generate(request)

    return await reflect_on(failure, ask), model.requests[0], prompts[0]


async def test_when_and_then_are_read_each_on_one_line() -> None:
    lesson, request, _ = await said(json.dumps({"when": "writing\n a function", "then": "test   n=0\nfirst"}))

    assert lesson == ("writing a function", "test n=0 first")
    assert (request.schema, request.purpose, request.temperature) == (SCHEMA, "reflect", 0.0)


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


async def test_the_model_is_told_what_failed_and_what_passed_later() -> None:
    _, alone, prompt = await said("{}")
    _, both, recovered = await said("{}", Failure("Write fib", "def fib", "- fib(0) is 1", passed="the right one"))

    assert "- fib(0) is 1" in alone.text
    assert "the right one" in both.text
    assert (prompt.split("@")[0], recovered.split("@")[0]) == ("reflect", "reflect_recovered")


async def test_long_words_are_cut() -> None:
    lesson, _, _ = await said(json.dumps({"when": "a b " * 500, "then": "c d " * 500}))

    assert lesson is not None
    assert max(map(len, lesson)) <= 300
