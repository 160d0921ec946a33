"""How a run ends, and that every ending leaves a closed row behind."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest

import purpose_agent as pa
from purpose_agent.core.errors import ModelRefused, ModelUnreachable
from purpose_agent.core.messages import assistant
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, TextDelta
from purpose_agent.engine.result import TaskResult
from purpose_agent.memory.exposures import Exposures
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import Event, ModelCalled, RunFinished, RunStatus
from purpose_agent.runtime.record import RunRow
from purpose_agent.testing.clock import FrozenClock
from tests.engine.given import agent, calls, priced, ruled, scripted
from tests.memory.build import lesson, proof

pytestmark = pytest.mark.anyio

PASSES = pa.Check.contains("blue")


class Waiting:
    """A model that never answers a task, and says when it was asked; of its failures it has nothing to say."""

    name = "waiting"
    capabilities = Capabilities(local=True)

    def __init__(self, asked: Callable[[], None] = lambda: None) -> None:
        self._asked = asked

    async def generate(self, request: ModelRequest) -> ModelResponse:
        if request.purpose == "reflect":
            return ModelResponse(assistant("nothing"))
        self._asked()
        await anyio.sleep_forever()
        raise AssertionError("it never answers")

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        yield await self.generate(request)


def only_row(workspace: Path) -> RunRow:
    (row,) = pa.Workspace(workspace).runs()
    return row


def assert_closed(row: RunRow, status: RunStatus) -> None:
    """The row and the last event of the run tell the same end."""
    assert row.status == status
    assert row.finished_at is not None
    assert row.seconds is not None


async def ran(model: pa.Model, workspace: Path, limits: pa.Limits | None = None, *checks: pa.Check) -> TaskResult:
    result = await agent(model, workspace).run_async(pa.Task("What colour is it?", checks=checks, limits=limits))
    row = only_row(workspace)
    assert_closed(row, result.status)
    assert (row.answer, row.success, row.reason) == (result.answer, result.success, result.reason)
    assert (row.input_tokens, row.output_tokens, row.usd) == (
        result.usage.input_tokens,
        result.usage.output_tokens,
        result.usage.usd,
    )
    return result


@pytest.mark.parametrize(("answer", "success"), [("blue", True), ("red", False)])
async def test_finished_says_that_the_agent_stopped_and_checks_say_whether_it_was_right(
    tmp_path: Path, answer: str, success: bool
) -> None:
    result = await ran(
        scripted(answer, '{"when": "naming a colour", "then": "look again before you answer"}'), tmp_path, None, PASSES
    )

    assert (result.status, result.answer, result.success) == ("finished", answer, success)


async def test_without_checks_nobody_says_that_it_succeeded(tmp_path: Path) -> None:
    result = await ran(scripted("blue"), tmp_path)

    assert (result.status, result.success, result.final_phi) == ("finished", None, None)


async def test_giving_up_on_a_task_with_checks_is_a_failure(tmp_path: Path) -> None:
    model = scripted("", "", "", '{"when": "naming a colour", "then": "say something at least"}')
    result = await ran(model, tmp_path, None, PASSES)

    assert (result.status, result.answer, result.success) == ("gave_up", None, False)


async def test_the_last_step_ends_it_as_exhausted(tmp_path: Path) -> None:
    result = await ran(scripted(calls("a"), calls("b")), tmp_path, pa.Limits(steps=2))

    assert (result.status, result.answer, result.total_steps) == ("exhausted", None, 2)
    assert "2 of 2 steps" in result.reason


async def test_the_last_token_ends_it_as_exhausted(tmp_path: Path) -> None:
    model = ruled(lambda request: calls("again"))
    result = await ran(model, tmp_path, pa.Limits(steps=50, tokens=200))

    assert result.status == "exhausted"
    assert "of 200 tokens" in result.reason
    assert all((request.max_tokens or 0) <= 200 for request in model.requests)


async def test_seconds_are_counted_by_the_clock_that_was_given(tmp_path: Path) -> None:
    clock = FrozenClock()

    def slow(request: ModelRequest) -> ModelResponse:
        clock.advance(4)
        return calls("again")

    place = pa.Workspace(tmp_path, clock=clock)
    result = await agent(ruled(slow), place, limits=pa.Limits(seconds=10)).run_async("Wait")

    assert (result.status, result.total_steps, result.seconds) == ("exhausted", 3, 12.0)
    assert_closed(place.run(result.id), "exhausted")


async def test_a_model_that_does_not_answer_in_time_ends_it_as_exhausted(tmp_path: Path) -> None:
    result = await ran(Waiting(), tmp_path, pa.Limits(seconds=0.02), PASSES)

    assert (result.status, result.answer, result.success) == ("exhausted", None, False)
    assert "0.02 seconds" in result.reason


async def test_an_answer_that_there_was_no_time_to_judge_is_neither_right_nor_wrong(tmp_path: Path) -> None:
    async def never(answer: str) -> bool:
        await anyio.sleep_forever()
        return True

    result = await ran(scripted("blue"), tmp_path, pa.Limits(seconds=0.3), pa.Check.call(never))

    assert (result.status, result.answer, result.success) == ("exhausted", "blue", None)


async def test_dollars_end_it_as_exhausted(tmp_path: Path) -> None:
    turn = calls("again")
    model = ruled(lambda request: ModelResponse(turn.message, priced("", 0.04).usage))
    result = await ran(model, tmp_path, pa.Limits(usd=0.1))

    assert (result.status, result.total_steps) == ("exhausted", 3)
    assert result.usage.usd == pytest.approx(0.12)


async def test_a_limit_in_dollars_can_not_be_held_where_the_price_is_unknown(tmp_path: Path) -> None:
    turn = calls("again")
    model = ruled(lambda request: ModelResponse(turn.message, priced("", None).usage))
    result = await ran(model, tmp_path, pa.Limits(usd=0.1))

    assert (result.status, result.total_steps, result.usage.usd) == ("exhausted", 1, None)
    assert "price of a model call is unknown" in result.reason


async def test_an_unknown_price_travels_as_unknown(tmp_path: Path) -> None:
    result = await ran(scripted(priced("blue", None)), tmp_path)

    assert result.usage.usd is None
    assert "price unknown" in result.summary()


@pytest.mark.parametrize("error", [ModelUnreachable("nobody at the address"), ModelRefused("no credit left", status=402)])
async def test_a_model_that_fails_ends_it_as_failed_with_the_reason(tmp_path: Path, error: Exception) -> None:
    result = await ran(scripted(error), tmp_path, None, PASSES)

    assert (result.status, result.answer, result.success) == ("failed", None, None)
    assert str(error) in result.reason
    assert [called.error for called in result.trace.of(ModelCalled)] == [str(error)]


async def test_a_bug_in_a_tool_is_shown_to_the_model_and_the_run_goes_on(tmp_path: Path) -> None:
    @pa.tool
    def broken(word: str) -> str:
        """Always breaks."""
        raise ZeroDivisionError("by zero")

    model = scripted(calls("x", tool="broken"), "I could not.")
    result = await agent(model, tmp_path, broken).run_async("Try")

    assert (result.status, result.answer) == ("finished", "I could not.")
    assert [(seen.ok, seen.content) for seen in result.trajectory[0].observations] == [
        (False, "broken failed: ZeroDivisionError: by zero")
    ]
    assert "by zero" in model.requests[1].text


async def test_a_bug_in_a_model_is_recorded_and_raised(tmp_path: Path) -> None:
    def broken(request: ModelRequest) -> str:
        raise TypeError("not a number")

    with pytest.raises(TypeError, match="not a number"):
        await agent(ruled(broken), tmp_path).run_async("Try")

    row = only_row(tmp_path)
    assert_closed(row, "failed")
    assert (row.reason, row.success) == ("TypeError: not a number", None)


async def test_a_cancelled_run_is_closed_before_the_caller_hears_of_it(tmp_path: Path) -> None:
    asked = asyncio.Event()
    run = asyncio.create_task(agent(Waiting(asked.set), tmp_path).run_async("Wait"))
    await asked.wait()
    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await run
    assert_closed(only_row(tmp_path), "cancelled")


@pytest.mark.parametrize("limits", [None, pa.Limits(seconds=60)])
def test_ctrl_c_ends_it_as_interrupted(tmp_path: Path, limits: pa.Limits | None) -> None:
    model = Waiting(lambda: os.kill(os.getpid(), signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        agent(model, tmp_path, limits=limits).run("Wait")
    assert_closed(only_row(tmp_path), "interrupted")


async def test_a_run_that_was_stopped_is_not_reflected_on(tmp_path: Path) -> None:
    asked = asyncio.Event()
    scout = agent(Waiting(asked.set), tmp_path)
    run = asyncio.create_task(scout.run_async(pa.Task("Wait", checks=[PASSES])))
    await asked.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert (await scout.workspace.settle_async()).summary() == "nothing was waiting"


async def test_each_step_is_saved_before_the_next_one_begins(tmp_path: Path) -> None:
    seen: list[int] = []

    def rule(request: ModelRequest) -> str | ModelResponse:
        (row,) = pa.Workspace(tmp_path).runs()
        seen.append(len(pa.Workspace(tmp_path).trace(row.id).steps()))
        return "done" if len(seen) == 3 else calls(f"w{len(seen)}", ids=(f"c{len(seen)}",))

    await agent(ruled(rule), tmp_path).run_async("Go on")

    assert seen == [0, 1, 2]


async def test_every_event_is_heard_in_order_and_kept(tmp_path: Path) -> None:
    heard: list[Event] = []
    scout = agent(scripted(calls("dog"), "done"), tmp_path)
    result = await scout.run_async("Go on", watch=heard.append)

    assert [event.seq for event in heard] == list(range(1, len(heard) + 1))
    assert scout.workspace.trace(result.id).events == tuple(heard)
    assert result.trace.of(RunFinished)[0].status == "finished"


async def test_a_listener_that_fails_neither_stops_the_run_nor_stays_unheard(tmp_path: Path) -> None:
    def deaf(event: Event) -> None:
        raise LookupError("I can't hear you")

    with pytest.raises(ExceptionGroup, match="the run itself is complete and saved"):
        await agent(scripted("blue"), tmp_path).run_async("Go on", watch=deaf)
    assert_closed(only_row(tmp_path), "finished")


async def test_one_agent_runs_several_tasks_at_once(tmp_path: Path) -> None:
    scout = agent(ruled(lambda request: request.messages[1].text.split()[-1]), tmp_path)
    answers: dict[int, str | None] = {}

    async def one(number: int) -> None:
        answers[number] = (await scout.run_async(f"Say {number}")).answer

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(one, number)

    assert answers == {number: str(number) for number in range(8)}
    assert len(scout.workspace.runs()) == 8


@pytest.mark.parametrize("checks", [(), (PASSES,)])
async def test_a_run_that_breaks_is_no_success_of_what_a_coin_fell_for(checks: tuple[pa.Check, ...], tmp_path: Path) -> None:
    """Intention to treat: what makes hard runs break would look well otherwise."""
    place = pa.Workspace(tmp_path, holdout=0.2)
    db = Database(place.path / "workspace.sqlite3")
    gate = Gate(MemoryStore(db, place.clock), place.clock, place.ids)
    memory = gate.admit(lesson(when="", then="say blue", agents=("scout",), families=("colours",)))
    gate.allowance(memory)
    gate.promote(memory, proof(gate, memory))
    with db.write() as cursor:
        cursor.execute("UPDATE memories SET used = 10, helped = 10")
    task = pa.Task("What colour is it?", checks=checks, labels={"family": "colours"})
    for _ in range(3):
        with contextlib.suppress(pa.PurposeAgentError):
            await agent(scripted(ModelUnreachable("gone")), place).run_async(task)
    kept = Exposures(db).of(memory.id)
    db.close()

    assert [each.success for each in kept] == ([False] * 3 if checks else [])
