"""What a person sees of a run."""

from pathlib import Path

import pytest

import purpose_agent as pa
from tests.engine.given import agent, calls, scripted

pytestmark = pytest.mark.anyio


async def test_a_result_reads_like_its_answer(tmp_path: Path) -> None:
    result = await agent(scripted("It is blue."), tmp_path).run_async("What colour?")

    assert str(result) == f"{result}" == "It is blue."


async def test_everything_is_read_from_the_trace(tmp_path: Path) -> None:
    task = pa.Task("What colour?", inputs={"room": "hall"}, checks=[pa.Check.contains("blue")])
    scout = agent(scripted(calls("hall"), "blue"), tmp_path)
    result = await scout.run_async(task)

    assert (result.total_steps, result.final_phi, result.success) == (2, 10.0, True)
    assert result.final_state.values == {"room": "hall", "1.1 look_up": "hall is a word", "answer": "blue"}
    assert result.trajectory[0].before.values == {"room": "hall"}
    assert [check.passed for check in result.checks] == [True]
    assert result.usage.calls == 2
    assert scout.workspace.trace(result.id).finished == result.trace.finished


async def test_a_failed_tool_is_told_as_failed_in_the_state(tmp_path: Path) -> None:
    result = await agent(scripted(calls("x", tool="fly"), "no"), tmp_path).run_async("Fly")

    assert "1.1 fly (failed)" in result.final_state.values


async def test_the_summary_tells_steps_cost_and_what_was_recalled(tmp_path: Path) -> None:
    scout = agent(scripted(calls("dog"), "blue"), tmp_path)
    scout.workspace.teach("Be brief.")
    text = (await scout.run_async(pa.Task("What colour?", checks=[pa.Check.contains("blue")]))).summary()

    assert "finished, checks passed, Φ 10.0 of 10" in text
    assert "2 steps" in text
    assert "$0.0000" in text
    assert "1. look_up (ok)" in text
    assert "2. answered, Φ 10.0" in text
    assert "recalled: Be brief. (relevance 1.00" in text
