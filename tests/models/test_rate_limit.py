"""The limiter lets callers go in their order, no faster than it may, whoever cancels or corrects meanwhile."""

import math
from collections.abc import Iterator

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.noticing import noticing
from purpose_agent.models.http import RetryPolicy
from purpose_agent.models.openai_compatible import OpenAICompatibleModel
from purpose_agent.models.rate_limit import RateLimit, RateLimiter, limiter_of
from purpose_agent.models.resolve import resolve_model
from purpose_agent.testing.models import ScriptedModel
from tests.models.test_openai_compatible import QUESTION
from tests.models.wire import ChatServer, Reply, completion, serving

pytestmark = pytest.mark.anyio


class Time:
    """A clock, and a wait that lets it go on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(Reply(completion())) as running:
        yield running


async def moments(limit: RateLimit, calls: int, tokens: int = 0) -> list[float]:
    """When each of so many callers in a row may go."""
    time = Time()
    limiter = RateLimiter(limit, clock=time)
    seen: list[float] = []
    for _ in range(calls):
        await limiter.turn(tokens).wait(time.wait)
        seen.append(time.now)
    return seen


async def test_without_a_limit_nobody_waits() -> None:
    assert await moments(RateLimit(), 1000, 10**6) == [0.0] * 1000


@pytest.mark.parametrize("limit", [1, 2, 7, 60, 600])
async def test_in_no_minute_more_requests_go_than_the_limit_says(limit: int) -> None:
    seen = await moments(RateLimit(requests_per_minute=limit), 4 * limit + 5)

    most = max(sum(begin <= moment < begin + 60 - 1e-6 for moment in seen) for begin in seen)
    assert most <= limit
    assert seen[0] == 0.0
    assert seen[-1] < 60 * 5.5 * (1 + 5 / (4 * limit)), "and not much slower than it says"


async def test_tokens_hold_a_caller_back_until_those_before_it_are_paid_for() -> None:
    seen = await moments(RateLimit(tokens_per_minute=6600), 3, tokens=1100)

    assert seen == pytest.approx([0.0, 5.0, 16.0])  # 1100 tokens are 11 seconds' worth; 6 of them may be owed


async def test_what_was_used_in_the_end_is_what_counts() -> None:
    time = Time()
    limiter = RateLimiter(RateLimit(tokens_per_minute=6600), clock=time)
    first = limiter.turn(100_000)
    await first.wait(time.wait)
    first.settle(1100)

    await limiter.turn(0).wait(time.wait)

    assert time.now == pytest.approx(5.0)


async def test_who_is_cancelled_gives_its_place_to_those_behind_it() -> None:
    time = Time()
    limiter = RateLimiter(RateLimit(requests_per_minute=6.6), clock=time)
    await limiter.turn(0).wait(time.wait)

    async def never(seconds: float) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await limiter.turn(0).wait(never)
    await limiter.turn(0).wait(time.wait)

    assert time.now == pytest.approx(4.0)  # ten seconds a request, six of them may be owed; not twenty less six


async def test_callers_go_in_the_order_in_which_they_came() -> None:
    time = Time()
    limiter = RateLimiter(RateLimit(requests_per_minute=6), clock=time)
    went: list[int] = []
    told: list[tuple[float, anyio.Event]] = []

    async def parked(seconds: float) -> None:
        event = anyio.Event()
        told.append((time.now + seconds, event))
        await event.wait()

    async def call(number: int) -> None:
        await limiter.turn(0).wait(parked)
        went.append(number)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(call, number)
            await anyio.wait_all_tasks_blocked()
        while told:
            told.sort(key=lambda waiting: waiting[0])
            moment, event = told.pop(0)
            time.now = moment
            event.set()
            await anyio.wait_all_tasks_blocked()

    assert went == [0, 1, 2, 3, 4]


async def test_a_server_that_asks_for_a_pause_gets_it_from_all_callers() -> None:
    time = Time()
    limiter = RateLimiter(clock=time)

    limiter.pause(7)
    await limiter.turn(0).wait(time.wait)

    assert time.waits == [7]


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), max_size=30))
async def test_whatever_is_corrected_the_tokens_of_a_minute_hold_but_for_one_call(calls: list[tuple[int, int]]) -> None:
    time = Time()
    limiter = RateLimiter(RateLimit(tokens_per_minute=10_000), clock=time)
    used: list[tuple[float, int]] = []
    for expected, actual in calls:
        turn = limiter.turn(expected)
        await turn.wait(time.wait)
        turn.settle(actual)
        used.append((time.now, actual))

    for begin, _ in used:
        within = [tokens for moment, tokens in used if begin <= moment < begin + 60]
        assert sum(within) - max(within) <= 10_000


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_a_limit_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        RateLimit(requests_per_minute=value)
    with pytest.raises(UsageError, match="above 0"):
        RateLimit(tokens_per_minute=value)


# Models


def test_all_models_of_one_server_share_a_limiter(server: ChatServer) -> None:
    limit = RateLimit(requests_per_minute=10)
    first = resolve_model(f"{server.url}#one")
    second = resolve_model(f"{server.url}#two", rate_limit=limit)
    elsewhere = resolve_model(f"{server.root.replace('127.0.0.1', 'localhost')}/v1#one")

    assert isinstance(first, OpenAICompatibleModel)
    assert isinstance(second, OpenAICompatibleModel)
    assert isinstance(elsewhere, OpenAICompatibleModel)
    assert first.limiter is second.limiter
    assert (first.limiter.limit, elsewhere.limiter.limit) == (limit, RateLimit())


def test_a_model_that_asks_no_server_cant_be_limited() -> None:
    with pytest.raises(UsageError, match="asks no server"):
        resolve_model(ScriptedModel("four"), rate_limit=RateLimit(requests_per_minute=1))


async def test_waits_for_ones_turn_and_for_a_busy_server_are_told_with_their_reason(server: ChatServer) -> None:
    time = Time()
    limiter = RateLimiter(RateLimit(requests_per_minute=6.6), clock=time)
    model = OpenAICompatibleModel("m", model="m", base_url=server.url, retry=RetryPolicy(wait=time.wait), limiter=limiter)
    busy = Reply({"error": {"message": "slow down"}}, status=429, headers={"Retry-After": "25"})
    server.replies = [Reply(completion()), busy, Reply(completion())]
    told: list[tuple[int, float, str | None]] = []

    with noticing(lambda attempt, seconds, error: told.append((attempt, round(seconds, 6), error))):
        await model.generate(ModelRequest(messages=QUESTION))
        await model.generate(ModelRequest(messages=QUESTION))

    (turn, busy_wait) = told
    assert turn == (1, 4.0, None)
    assert busy_wait[:2] == (2, 25.0)
    assert "slow down" in (busy_wait[2] or "")
    assert time.waits == pytest.approx([4.0, 25.0])


async def test_the_tokens_of_an_answer_are_charged_to_the_next_caller(server: ChatServer) -> None:
    time = Time()
    limiter = RateLimiter(RateLimit(tokens_per_minute=15 * 66 / 11), clock=time)  # the answer's 15 tokens are 11 seconds' worth
    model = OpenAICompatibleModel("m", model="m", base_url=server.url, retry=RetryPolicy(wait=time.wait), limiter=limiter)

    await model.generate(ModelRequest(messages=QUESTION, max_tokens=4000))
    await model.generate(ModelRequest(messages=QUESTION, max_tokens=4000))

    assert time.waits == pytest.approx([5.0])


def test_a_server_is_known_by_its_key() -> None:
    assert limiter_of("here") is limiter_of("here")
    assert limiter_of("here") is not limiter_of("there")
