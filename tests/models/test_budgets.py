"""Limits of a run against a server: the answer is bounded on the wire, waits are in the trace, what hangs is hung up on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio.to_thread
import pytest

import purpose_agent as pa
from purpose_agent.models.http import RetryPolicy
from purpose_agent.models.openai_compatible import OpenAICompatibleModel, Price
from purpose_agent.models.rate_limit import RateLimiter
from purpose_agent.runtime.events import ModelRetried, ModelWaited
from purpose_agent.runtime.trace import Trace
from tests.models.test_openai_compatible import Waits
from tests.models.test_rate_limit import Time
from tests.models.wire import PATIENCE, ChatServer, Reply, completion, serving

pytestmark = pytest.mark.anyio

ANSWER = completion("four")
TASK = pa.Task("What is two and two?")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(Reply(ANSWER)) as running:
        yield running


def asker(server: ChatServer, folder: Path, limits: pa.Limits, price: Price | None = None) -> pa.Agent:
    model = OpenAICompatibleModel("test:tiny", model="tiny", base_url=server.url, price=price, retry=RetryPolicy(wait=Waits()))
    return pa.Agent("asker", model=model, critic=None, limits=limits, workspace=folder, mode="validation")


async def test_an_answer_is_bounded_by_the_dollars_that_are_left(server: ChatServer, tmp_path: Path) -> None:
    price = Price(input=0.0, output=10_000.0)  # a cent a token
    result = await asker(server, tmp_path, pa.Limits(usd=0.50), price).run_async(TASK)

    assert server.asked[0].body["max_tokens"] == 50
    assert result.usage.usd == pytest.approx(0.03)


async def test_an_answer_is_bounded_by_the_tokens_that_are_left_after_the_question(server: ChatServer, tmp_path: Path) -> None:
    await asker(server, tmp_path, pa.Limits(tokens=500)).run_async(TASK)

    assert 400 < server.asked[0].body["max_tokens"] < 490


async def test_a_question_that_costs_more_than_is_left_never_leaves(server: ChatServer, tmp_path: Path) -> None:
    result = await asker(server, tmp_path, pa.Limits(usd=0.01), Price(input=10_000.0, output=0.0)).run_async(TASK)

    assert (result.status, server.asked) == ("exhausted", [])
    assert "next question alone costs" in result.reason


async def test_a_retry_is_in_the_trace_live_and_from_the_record(server: ChatServer, tmp_path: Path) -> None:
    server.replies = [Reply({"error": "busy"}, status=503, headers={"Retry-After": "2"}), Reply(ANSWER)]
    agent = asker(server, tmp_path, pa.Limits())
    seen: list[pa.Event] = []

    result = await agent.run_async(TASK, watch=seen.append)

    def waits(trace: Trace) -> list[tuple[str, str, int, float]]:
        return [(event.purpose, event.model, event.attempt, event.seconds) for event in trace.of(ModelRetried)]

    assert waits(Trace(tuple(seen))) == [("act", "test:tiny", 2, 2.0)]
    assert waits(agent.workspace.trace(result.id)) == waits(Trace(tuple(seen)))
    assert "busy" in result.trace.of(ModelRetried)[0].error


async def test_a_wait_behind_a_rate_limit_is_in_the_trace_and_is_no_retry(server: ChatServer, tmp_path: Path) -> None:
    time = Time()
    limiter = RateLimiter(pa.RateLimit(requests_per_minute=6.6), clock=time)
    model = OpenAICompatibleModel(
        "test:tiny", model="tiny", base_url=server.url, retry=RetryPolicy(wait=time.wait), limiter=limiter
    )
    agent = pa.Agent("asker", model=model, critic=None, workspace=tmp_path, mode="validation")

    first, second = await agent.run_async(TASK), await agent.run_async(TASK)

    waited = agent.workspace.trace(second.id).of(ModelWaited)
    assert [(each.purpose, each.model, each.attempt, round(each.seconds, 6)) for each in waited] == [
        ("act", "test:tiny", 1, 4.0)
    ]
    assert (first.trace.of(ModelWaited), second.trace.of(ModelRetried)) == ((), ())
    assert time.waits == pytest.approx([4.0])


async def test_a_model_that_hangs_is_hung_up_on_when_the_runs_seconds_are_over(server: ChatServer, tmp_path: Path) -> None:
    server.replies = [Reply(pieces=["{"], ending="waits")]

    result = await asker(server, tmp_path, pa.Limits(seconds=0.5)).run_async(TASK)

    assert (result.status, result.reason) == ("exhausted", "The run has taken 0.5 seconds, all it was given.")
    assert await anyio.to_thread.run_sync(server.left.wait, PATIENCE), "the server saw that nobody listens any more"


# Teams


def relay(server: ChatServer, folder: Path) -> pa.Team:
    price = Price(input=0.0, output=1_000_000.0)  # three dollars an answer
    model = OpenAICompatibleModel("test:tiny", model="tiny", base_url=server.url, price=price)
    agents = [pa.Agent(name, model=model, critic=None, workspace=folder, mode="validation") for name in ("one", "two", "three")]
    return pa.Team.build("Count", agents)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (pa.Limits(usd=6.0), "The run has spent $6.0000 of $6."),
        (pa.Limits(steps=2), "The run has taken 2 of 2 steps."),
    ],
)
async def test_a_teams_limits_hold_for_all_turns_together(
    server: ChatServer, tmp_path: Path, limits: pa.Limits, reason: str
) -> None:
    team = relay(server, tmp_path)

    result = await team.run_async(replace(TASK, limits=limits, id="count"))

    assert (result.status, result.reason, result.answer) == ("exhausted", reason, "four")
    assert [run.agent for run in team.workspace.runs()] == ["two", "one", "team"]


async def test_each_turn_gets_what_the_turns_before_have_left(server: ChatServer, tmp_path: Path) -> None:
    team = relay(server, tmp_path)

    result = await team.run_async(replace(TASK, limits=pa.Limits(usd=20.0), id="count"))

    assert result.status == "finished"
    assert [asked.body["max_tokens"] for asked in server.asked] == [20, 17, 14]


async def test_a_team_without_limits_of_its_own_leaves_them_to_its_members(server: ChatServer, tmp_path: Path) -> None:
    result = await relay(server, tmp_path).run_async(TASK)

    assert (result.status, len(server.asked)) == ("finished", 3)


async def test_a_model_of_unknown_price_is_not_asked_on_a_budget_in_dollars(server: ChatServer, tmp_path: Path) -> None:
    result = await asker(server, tmp_path, pa.Limits(usd=0.01)).run_async(TASK)

    assert (result.status, server.asked) == ("exhausted", [])
    assert "price of the model is unknown" in result.reason
