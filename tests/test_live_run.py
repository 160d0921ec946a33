"""A whole run on the smallest real model. Its answers are bad: only the shape of what happened is asserted."""

from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.models.catalogue import pull
from purpose_agent.runtime.events import ModelCalled

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def model() -> pa.Model:
    pytest.importorskip("xllamacpp", reason="the engine comes with purpose-agent[local]")
    pull("smollm2:135m")
    return pa.resolve_backend("local:smollm2:135m")


def test_a_choice_is_made_judged_and_recorded(model: pa.Model, tmp_path: Path) -> None:
    keeper = pa.Spark("keeper", model=model, critic=None, workspace=tmp_path)
    keeper.workspace.teach("- red door -> pull")
    task = pa.Task("A red door.", checks=[pa.Check.equals("pull")], choices=["push", "pull", "knock"])

    result = keeper.run(task, seed=1)

    assert result.status == "finished"
    assert result.answer in task.choices
    assert result.success is (result.answer == "pull")
    assert [found.memory.lesson.then for found in result.recalled] == ["- red door -> pull"]
    (called,) = keeper.workspace.trace(result.id).of(ModelCalled)
    assert called.usage.input_tokens > 0
    assert called.usage.usd == 0.0


def test_under_a_schema_even_the_smallest_model_calls_a_tool_or_ends_readably(model: pa.Model, tmp_path: Path) -> None:
    agent = pa.Spark("planner", model=model, tools=[pa.CalculatorTool()], critic=None, workspace=tmp_path)

    result = agent.run(pa.Task("What is 17 * 23?", limits=pa.Limits(steps=3)), seed=1)

    assert result.status in ("finished", "gave_up", "exhausted")
    assert all(step.action is not None for step in result.trajectory)
    assert keeps_its_prefix(agent, result)


def keeps_its_prefix(agent: pa.Agent, result: pa.TaskResult) -> bool:
    """From the second call on, the engine reads most of the prompt from its cache."""
    calls = agent.workspace.trace(result.id).of(ModelCalled)
    return all(call.usage.cached_tokens > call.usage.input_tokens // 2 for call in calls[1:])
