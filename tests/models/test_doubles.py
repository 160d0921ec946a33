"""The doubles do what their docstrings say, since others' tests stand on them."""

import asyncio
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.messages import user
from purpose_agent.core.model import ModelRequest
from purpose_agent.testing.models import RuleModel

pytestmark = pytest.mark.anyio


async def test_rules_that_wait_with_await_wait_side_by_side(tmp_path: Path) -> None:
    meeting = asyncio.Barrier(3)

    async def rule(request: ModelRequest) -> str:
        await asyncio.wait_for(meeting.wait(), 30)  # nobody goes before all are there
        return "met"

    agent = pa.Agent("guest", model=RuleModel(rule), critic=None, workspace=tmp_path)

    assert (await pa.swarm_async(["a", "b", "c"], agents=[agent])).answers == ("met", "met", "met")


async def test_a_plain_rule_is_called_in_the_order_of_the_questions() -> None:
    seen: list[str] = []

    def rule(request: ModelRequest) -> str:
        seen.append(request.text)
        return str(len(seen))

    model = RuleModel(rule)
    questions = [ModelRequest((user(str(number)),)) for number in range(50)]

    answers = await asyncio.gather(*(model.generate(question) for question in questions))

    assert [answer.text for answer in answers] == [str(number) for number in range(1, 51)]
    assert seen == [question.text for question in questions]
