"""What a run is compared with, as the model that reflects on it sees it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.model import ModelRequest
from purpose_agent.runtime.events import ModelCalled, Reflected
from purpose_agent.testing.models import RuleModel
from tests.learning.given import as_lesson, drawn, why_not

pytestmark = pytest.mark.anyio


def paint(what: str, colour: str, family: str = "", retries: int = 0) -> pa.Task:
    labels = {"family": family} if family else {}
    return pa.Task(f"Paint {what}", checks=[pa.Check.contains(colour)], labels=labels, limits=pa.Limits(retries=retries))


def painter(workspace: Path, rule: Callable[[ModelRequest], str], lesson: str = "") -> pa.Agent:
    """Paints as `rule` says; reflects with one lesson, or with a new one each time."""

    def answer(request: ModelRequest) -> str:
        if request.purpose != "reflect":
            return rule(request)
        return lesson or as_lesson(f"use colour number {len(asked(agent))}")

    agent = pa.Agent("painter", model=RuleModel(drawn(answer)), critic=None, workspace=workspace)
    return agent


def asked(agent: pa.Agent) -> list[str]:
    """What the model was asked to reflect on."""
    model = agent.model
    assert isinstance(model, RuleModel)
    return [request.text for request in model.requests if request.purpose == "reflect"]


def by_turns(*answers: str) -> Callable[[ModelRequest], str]:
    left = iter(answers)
    return lambda request: next(left)


async def test_a_retry_that_passed_is_compared_with_the_first_attempt(tmp_path: Path) -> None:
    agent = painter(tmp_path, by_turns("red", "pink", "green"))
    result = await agent.run_async(paint("the gate", "green", retries=2))

    (text,) = asked(agent)
    failed, passed = text.split("Answer that passed:")
    assert (result.success, len(result.lessons)) == (True, 1)
    assert "\nred\n" in failed
    assert "pink" not in text
    assert passed.strip().startswith("green")
    assert result.lessons[0].lesson.provenance.beside == ""


async def test_a_failure_is_compared_with_a_run_of_the_same_task_that_passed(tmp_path: Path) -> None:
    agent = painter(tmp_path, by_turns("green", "red"))
    before = await agent.run_async(paint("the gate", "green"))
    result = await agent.run_async(paint("the gate", "green"))

    (text,) = asked(agent)
    assert "Answer that passed:\ngreen" in text
    assert result.lessons[0].lesson.provenance.beside == before.id


async def test_a_failure_is_compared_with_the_most_similar_success_of_its_family(tmp_path: Path) -> None:
    agent = painter(tmp_path, by_turns("green olive", "green grass", "green moss", "red"))
    for what in ("the garden gate of a farm", "the iron gate of a castle", "the door of a barn"):
        await agent.run_async(paint(what, "green", "painting"))
    await agent.run_async(paint("the iron gate of a castle in the hills", "green", "painting"))

    (text,) = asked(agent)
    assert "Second task: Paint the iron gate of a castle\n" in text
    assert "green grass" in text


async def test_a_failure_is_not_compared_with_tasks_of_another_family(tmp_path: Path) -> None:
    agent = painter(tmp_path, by_turns("green", "red"))
    await agent.run_async(paint("the gate", "green", "gates"))
    await agent.run_async(paint("the gates", "green", "doors"))

    (text,) = asked(agent)
    assert "passed:" not in text


async def test_a_success_is_compared_with_what_failed_since_the_last_success(tmp_path: Path) -> None:
    agent = painter(tmp_path, by_turns("red", "green", "lime green"))
    failed = await agent.run_async(paint("the gate", "green", "gates"))
    first = await agent.run_async(paint("the high gate", "green", "gates"))
    second = await agent.run_async(paint("the low gate", "green", "gates"))

    alone, pair = asked(agent)
    assert "passed:" not in alone
    assert "First task: Paint the gate\n\nAnswer that failed:\nred\n" in pair
    assert "Second task: Paint the high gate\n\nAnswer that passed:\ngreen\n" in pair
    assert first.lessons[0].lesson.provenance.beside == failed.id
    assert why_not(agent.workspace, second.id) == "it succeeded at once"


async def test_a_success_with_a_memory_teaches_nothing_new(tmp_path: Path) -> None:
    agent = painter(tmp_path, lambda request: "green" if "the sketch" in request.text else "red", as_lesson("see the sketch"))
    await agent.run_async(paint("the gate", "green", "gates"))
    await agent.workspace.settle_async()
    result = await agent.run_async(paint("the gate", "green", "gates"))

    assert (result.success, len(result.recalled)) == (True, 1)
    assert why_not(agent.workspace, result.id) == "it succeeded at once"


async def test_no_run_is_reflected_on_with_more_than_one_call(tmp_path: Path) -> None:
    agent = painter(tmp_path, by_turns("red", "green", "red", "red", "green", "green"))
    for number in range(6):
        await agent.run_async(paint(f"gate number {number}", "green", "gates"))

    calls = [
        sum(called.purpose == "reflect" for called in agent.workspace.trace(run.id).of(ModelCalled))
        for run in reversed(agent.workspace.runs())
    ]
    assert calls == [1, 1, 1, 1, 1, 0]


async def test_a_lesson_that_is_known_is_noted_there_as_further_evidence(tmp_path: Path) -> None:
    lessons = iter(["say green and nothing else", "Say green, and nothing else!"])

    def rule(request: ModelRequest) -> str:
        return as_lesson(next(lessons), "painting a gate") if request.purpose == "reflect" else "red"

    agent = pa.Agent("painter", model=RuleModel(rule), critic=None, workspace=tmp_path)
    await agent.run_async(paint("the gate", "green"))
    result = await agent.run_async(paint("the other gate", "green"))

    (memory,) = agent.workspace.memories()
    last = agent.workspace.journal(memory.id)[-1]
    assert (last.from_status, last.to_status, last.run_id) == ("quarantined", "quarantined", result.id)
    assert last.why == "the run teaches the same"
    assert agent.workspace.trace(result.id).of(Reflected) == (
        Reflected(0, f"{memory.id} (quarantined) says the same, and has it noted"),
    )
    assert result.lessons == ()


async def test_the_tier_that_the_model_names_is_the_lesson_s(tmp_path: Path) -> None:
    said = json.dumps({"when": "painting a gate", "then": "look at the sketch first", "tier": "strategic"})
    agent = painter(tmp_path, lambda request: "red", said)

    (memory,) = (await agent.run_async(paint("the gate", "green"))).lessons
    assert memory.lesson.tier == "strategic"
