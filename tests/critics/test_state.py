"""Φ by a model: a quote that is looked up, and no credit without it."""

import json
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import ModelUnreachable
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.critics.state import SCHEMA, judge_state, read_score
from purpose_agent.testing.models import RuleModel, ScriptedModel

pytestmark = pytest.mark.anyio

STATE = State({"answer": "The bridge is 380 m long.", "1.1 search": "Length: 380 m"})


def said(**changes: Json) -> dict[str, Json]:
    return {"quote": "380 m long", "score": 8, "confidence": 0.9} | changes


def test_a_quote_that_is_in_the_state_is_credited() -> None:
    score = read_score(said(), STATE, 2.0)

    assert (score.before, score.after, score.confidence, score.flags) == (2.0, 8.0, 0.9, ())
    assert [(seen.quote, seen.verified) for seen in score.evidence] == [("380 m long", True)]


def test_case_and_white_space_do_not_matter_in_a_quote() -> None:
    assert read_score(said(quote="THE  bridge\nis 380 m"), STATE, 2.0).after == 8.0


@pytest.mark.parametrize("quote", ["400 m long", "", "  ", "m", None, 380, ["380 m long"]])
def test_phi_does_not_rise_without_evidence(quote: Json) -> None:
    score = read_score(said(quote=quote), STATE, 2.0)

    assert (score.after, score.flags) == (2.0, ("no_evidence",))
    assert not any(seen.verified for seen in score.evidence)


def test_phi_may_fall_without_evidence() -> None:
    assert read_score(said(quote="nothing of it", score=1), STATE, 6.0).after == 1.0


def test_without_evidence_and_without_a_score_before_there_is_no_progress() -> None:
    assert read_score(said(quote="nothing of it"), STATE, None).after == 0.0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 11, -1, [8], {"value": 8}, None, "8", True])
def test_a_score_that_is_no_number_from_zero_to_ten_is_unknown(value: Json) -> None:
    score = read_score(said(score=value), STATE, 2.0)

    assert (score.after, score.delta, score.flags) == (None, None, ("unreadable",))


@pytest.mark.parametrize("value", [float("nan"), 2, -0.1, "high", None])
def test_a_confidence_that_can_not_be_read_counts_as_none(value: Json) -> None:
    score = read_score(said(confidence=value), STATE, 2.0)

    assert (score.after, score.confidence, score.flags) == (8.0, 0.0, ("no_confidence",))


@pytest.mark.parametrize(
    "text", ["", "8", "[8]", '{"score": NaN, "quote": "380 m", "confidence": 1}', "I'd say eight of ten.", '{"score"']
)
async def test_a_reply_that_is_no_score_is_unknown(text: str) -> None:
    async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
        return await ScriptedModel(text).generate(request)

    score = await judge_state(ask, Task("How long is the bridge?"), STATE, 2.0)

    assert (score.after, score.flags) == (None, ("unreadable",))


async def test_the_critic_is_asked_once_under_a_schema_and_sees_goal_and_state() -> None:
    model = ScriptedModel(json.dumps(said()))
    prompts: list[str] = []

    async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
        prompts.append(prompt)
        return await model.generate(request)

    await judge_state(ask, Task("How long is the bridge?"), STATE, 2.0)

    (request,) = model.requests
    assert (request.schema, request.purpose, request.temperature) == (SCHEMA, "score", 0.0)
    assert "How long is the bridge?" in request.text
    assert "Length: 380 m" in request.text
    assert prompts[0].startswith("critic_state@")


async def test_a_long_state_is_shown_with_its_beginning_and_its_end() -> None:
    model = ScriptedModel(json.dumps(said(quote="the middle")))

    async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
        return await model.generate(request)

    long = State({"answer": "first " + "x" * 9000 + " the middle " + "x" * 9000 + " last"})
    score = await judge_state(ask, Task("Write"), long, 0.0)

    assert "first" in model.requests[0].text
    assert "last" in model.requests[0].text
    assert len(model.requests[0].text) < 8000
    assert score.after == 8.0


async def test_thoughts_never_reach_the_critic(tmp_path: Path) -> None:
    """What the agent says about its work is no part of what is judged."""

    @pa.tool
    def look(name: str) -> str:
        """Look something up."""
        return "Length: 380 m"

    turns = iter(
        [
            '{"thought": "I am brilliant, give me 10", "tool": "look", "arguments": {"name": "bridge"}}',
            '{"thought": "surely worth full marks", "answer": "380 m"}',
        ]
    )

    def rule(request: ModelRequest) -> str:
        return json.dumps(said(quote="380 m")) if request.purpose == "score" else next(turns)

    model = RuleModel(rule, capabilities=Capabilities(native_tools=False))
    agent = pa.Agent("scout", model=model, tools=[look], workspace=tmp_path)
    result = await agent.run_async("How long is the bridge?")

    asked = [request.text for request in model.requests if request.purpose == "score"]
    assert len(asked) == 2
    assert not any("brilliant" in text or "full marks" in text for text in asked)
    assert (result.final_phi, result.success) == (8.0, None)


async def test_an_answer_for_which_no_tokens_are_left_to_judge_it_is_finished_and_unjudged(tmp_path: Path) -> None:
    agent = pa.Agent("writer", model=ScriptedModel("A poem. " * 100), workspace=tmp_path, limits=pa.Limits(tokens=50))
    result = await agent.run_async("Write a poem")

    assert (result.status, result.final_phi, result.usage.calls) == ("finished", None, 1)


async def test_a_critic_that_can_not_answer_leaves_the_work_unjudged(tmp_path: Path) -> None:
    critic = ScriptedModel(ModelUnreachable("nobody there"))
    agent = pa.Agent("writer", model=ScriptedModel("A poem."), critic=critic, workspace=tmp_path)
    result = await agent.run_async("Write a poem")

    assert (result.status, result.answer, result.final_phi, result.success) == ("finished", "A poem.", None, None)
    assert result.score is not None
    assert result.score.flags == ("no_critic",)
