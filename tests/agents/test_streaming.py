"""A run is read while it goes on: in `async for`, in a plain `for`, by one or many; leaving it ends it; nothing is lost with it."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import ModelRefused, NoModelFound, UsageError
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, TextDelta
from purpose_agent.testing.models import RuleModel, ScriptedModel
from tests.models.wire import PATIENCE, Reply, events, serving

ANSWER = "Four, and not five."


class Waiting:
    """A model that writes a first piece, and the rest when it is told to."""

    name = "waiting"
    capabilities = Capabilities(choices=True, local=True)

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def generate(self, request: ModelRequest) -> ModelResponse:
        raise AssertionError("an answer that is read is streamed")

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        yield TextDelta("Four")
        await self.go_on.wait()
        yield TextDelta(ANSWER.removeprefix("Four"))
        yield await ScriptedModel(ANSWER).generate(request)


def an_agent(folder: Path, model: pa.Model | None = None, name: str = "clerk") -> pa.Agent:
    return pa.Agent(name, model=model or RuleModel(lambda _: ANSWER), critic=None, workspace=folder)


def kinds(items: "list[pa.Event | pa.Lagged]") -> list[str]:
    return [item.payload.kind if isinstance(item, pa.Event) else f"{item.missed} missed" for item in items]


def text(items: "list[pa.Event | pa.Lagged]") -> list[str]:
    return [
        item.payload.text for item in items if isinstance(item, pa.Event) and isinstance(item.payload, pa.events.TextStreamed)
    ]


def status(agent: pa.Agent) -> str:
    return agent.workspace.runs()[0].status


PUBLIC = ["run_started", "memory_recalled", *["text_streamed"] * 3, "action_decided", "state_changed", "run_finished"]


# The two loops


@pytest.mark.anyio
async def test_an_async_loop_gets_typed_events_the_text_in_pieces_and_then_the_result(tmp_path: Path) -> None:
    stream = an_agent(tmp_path).stream("What is two and two?")

    items = [item async for item in stream]

    assert kinds(items) == PUBLIC
    assert (len(text(items)), "".join(text(items))) == (3, ANSWER)
    assert str(stream.result) == ANSWER
    assert stream.result.trace.of(pa.events.TextStreamed) == ()


def test_a_plain_loop_gets_the_same(tmp_path: Path) -> None:
    stream = an_agent(tmp_path).stream("What is two and two?")

    assert kinds(list(stream)) == PUBLIC
    assert str(stream.result) == ANSWER


def test_a_plain_loop_works_where_a_loop_is_already_running(tmp_path: Path) -> None:
    async def cell() -> list[str]:
        return kinds(list(an_agent(tmp_path).stream("What is two and two?")))

    assert asyncio.run(cell()) == PUBLIC


def test_who_runs_the_agent_sees_more_and_who_builds_it_all(tmp_path: Path) -> None:
    agent = an_agent(tmp_path)

    internal = kinds(list(agent.stream("Two?", visibility="internal")))
    debug = kinds(list(agent.stream("Two?", visibility="debug")))

    assert {"model_called", "reflected"} <= set(internal)
    assert set(debug) - set(internal) >= {"model_asked"}


def test_the_record_of_a_run_that_was_read_is_that_of_any_other(tmp_path: Path) -> None:
    agent = an_agent(tmp_path)
    stream = agent.stream("What is two and two?")
    list(stream)
    plain = agent.run("What is two and two?")

    read, other = (agent.workspace.trace(result.id) for result in (stream.result, plain))

    assert [event.payload.kind for event in read.events] == [event.payload.kind for event in other.events]
    assert stream.result.usage == plain.usage


def test_a_member_of_a_team_is_heard_in_the_teams_stream(tmp_path: Path) -> None:
    members = [an_agent(tmp_path, name=name) for name in ("scout", "writer")]
    stream = pa.Team.build("tell of what is there", members).stream("What is there?")

    items = list(stream)

    assert kinds(items).count("run_started") == kinds(items).count("run_finished") == 3
    assert [item.lane for item in items if isinstance(item, pa.Event) and item.payload.kind == "text_streamed"] == [
        *["scout"] * 3,
        *["writer"] * 3,
    ]
    assert str(stream.result) == ANSWER


# While it goes on


@pytest.mark.anyio
async def test_text_arrives_while_the_model_still_writes(tmp_path: Path) -> None:
    model, seen = Waiting(), list[str]()

    async for item in an_agent(tmp_path, model).stream("What is two and two?"):
        seen += text([item])
        if seen == ["Four"]:
            model.go_on.set()

    assert seen == ["Four", ", and not five."]


@pytest.mark.anyio
async def test_a_slow_reader_is_told_what_it_missed_and_gets_the_end(tmp_path: Path) -> None:
    stream = an_agent(tmp_path).stream("What is two and two?", capacity=2)
    waiting = asyncio.create_task(stream.result_async())
    await waiting

    assert kinds([item async for item in stream]) == [f"{len(PUBLIC) - 2} missed", "state_changed", "run_finished"]


@pytest.mark.anyio
async def test_others_read_the_feed_too_in_threads_and_after_the_end(tmp_path: Path) -> None:
    model = Waiting()
    stream = an_agent(tmp_path, model).stream("What is two and two?")
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(lambda: kinds(list(stream.feed.read(timeout=PATIENCE))))
        async for item in stream:
            if text([item]):
                model.go_on.set()

        expected = [kind for kind in PUBLIC if kind != "text_streamed"]
        assert [kind for kind in other.result(PATIENCE) if kind != "text_streamed"] == expected
    assert [kind for kind in kinds(list(stream.feed.read())) if kind != "text_streamed"] == expected
    assert "text_streamed" in kinds([item async for item in stream])


@pytest.mark.anyio
async def test_a_reader_that_raises_ends_the_run_and_is_heard(tmp_path: Path) -> None:
    agent = an_agent(tmp_path, Waiting())

    with pytest.raises(ValueError, match="cannot draw"):  # noqa: PT012
        async with agent.stream("What is two and two?") as stream:
            async for item in stream:
                if text([item]):
                    raise ValueError("cannot draw this")

    assert status(agent) == "cancelled"


# Leaving


@pytest.mark.anyio
async def test_leaving_an_async_loop_ends_the_run(tmp_path: Path) -> None:
    agent = an_agent(tmp_path, Waiting())

    async for item in agent.stream("What is two and two?"):
        if text([item]):
            break
    # Python closes what was left behind some rounds of the loop later.
    while status(agent) == "running":  # noqa: ASYNC110
        await asyncio.sleep(0)

    assert status(agent) == "cancelled"


def test_leaving_a_plain_loop_ends_the_run_before_anything_else_is_done(tmp_path: Path) -> None:
    agent = an_agent(tmp_path, Waiting())

    for item in agent.stream("What is two and two?"):
        if text([item]):
            break

    assert status(agent) == "cancelled"


def test_leaving_hangs_up_on_the_server(tmp_path: Path) -> None:
    with serving(Reply(pieces=events({"content": "Four"}, finish=None, done=False), ending="waits")) as server:
        agent = pa.Agent("clerk", model=f"{server.url}#m", critic=None, workspace=tmp_path)
        for item in agent.stream("What is two and two?"):
            if text([item]):
                break

        assert server.left.wait(PATIENCE)
    assert status(agent) == "cancelled"


@pytest.mark.anyio
async def test_a_detached_run_goes_on_without_its_reader(tmp_path: Path) -> None:
    model = Waiting()
    agent = an_agent(tmp_path, model)
    stream = agent.stream("What is two and two?", detached=True)

    async for item in stream:
        if text([item]):
            break
    model.go_on.set()

    assert str(await stream.result_async()) == ANSWER
    assert status(agent) == "finished"


@pytest.mark.anyio
async def test_cancelling_the_reader_cancels_the_run_for_the_same_reason(tmp_path: Path) -> None:
    agent = an_agent(tmp_path, Waiting())
    reached = asyncio.Event()

    async def read() -> None:
        async for item in agent.stream("What is two and two?"):
            if text([item]):
                reached.set()

    task = asyncio.create_task(read())
    await reached.wait()
    task.cancel("interrupted")
    with pytest.raises(asyncio.CancelledError):
        await task

    assert status(agent) == "interrupted"


@pytest.mark.anyio
async def test_a_run_that_is_closed_just_ends_for_its_readers_and_has_no_result(tmp_path: Path) -> None:
    stream = an_agent(tmp_path, Waiting()).stream("What is two and two?")
    seen: list[pa.Event | pa.Lagged] = []

    async for item in stream:
        seen.append(item)
        if text([item]):
            await stream.aclose()

    assert kinds(seen)[-1] == "run_finished"
    with pytest.raises(UsageError, match="was cancelled"):
        _ = stream.result


@pytest.mark.anyio
async def test_a_run_that_is_closed_before_its_first_step_ends(tmp_path: Path) -> None:
    stream = an_agent(tmp_path).stream("What is two and two?")
    result = asyncio.create_task(stream.result_async())
    await asyncio.sleep(0)
    await stream.aclose()

    with pytest.raises(UsageError, match="was cancelled"):
        await result
    assert [item async for item in stream] == []


@pytest.mark.anyio
async def test_closing_what_never_began_is_nothing(tmp_path: Path) -> None:
    stream = an_agent(tmp_path).stream("What is two and two?")
    await stream.aclose()
    stream.close()

    with pytest.raises(UsageError, match="has not begun"):
        _ = stream.result


def test_ctrl_c_interrupts_the_run_and_then_the_reader(tmp_path: Path) -> None:
    class Stalls(Waiting):
        async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
            os.kill(os.getpid(), signal.SIGINT)
            await self.go_on.wait()
            yield TextDelta("")

    agent = an_agent(tmp_path, Stalls())
    with pytest.raises(KeyboardInterrupt):
        list(agent.stream("What is two and two?"))

    assert status(agent) == "interrupted"


# Errors


def breaks(_: ModelRequest) -> str:
    raise LookupError("a bug of the model's")


async def drained(stream: pa.RunStream) -> None:
    async for _ in stream:
        pass


def drained_async(stream: pa.RunStream) -> None:
    asyncio.run(drained(stream))


@pytest.mark.parametrize("read", [list[pa.Event | pa.Lagged], drained_async], ids=["plain", "async"])
def test_what_the_run_raises_is_raised_after_its_last_event(tmp_path: Path, read: "Callable[[pa.RunStream], object]") -> None:
    stream = an_agent(tmp_path, RuleModel(breaks)).stream("What is two and two?")

    with pytest.raises(LookupError, match="a bug"):
        read(stream)

    assert kinds(list(stream.feed.read()))[-1] == "run_finished"
    with pytest.raises(LookupError):
        _ = stream.result


def test_a_model_that_fails_is_an_outcome_not_an_error(tmp_path: Path) -> None:
    stream = an_agent(tmp_path, ScriptedModel(ModelRefused("no", status=400))).stream("What is two and two?")
    list(stream)

    assert (stream.result.status, stream.result.answer) == ("failed", None)


@pytest.mark.usefixtures("bare")
def test_without_a_model_the_reader_hears_so(tmp_path: Path) -> None:
    stream = pa.Agent("clerk", workspace=tmp_path).stream("What is two and two?")

    with pytest.raises(NoModelFound):
        list(stream)


@pytest.mark.anyio
async def test_a_result_is_there_when_the_run_is_over(tmp_path: Path) -> None:
    model = Waiting()
    stream = an_agent(tmp_path, model).stream("What is two and two?")
    result = asyncio.create_task(stream.result_async())
    await asyncio.sleep(0)

    with pytest.raises(UsageError, match="is still going on"):
        _ = stream.result
    model.go_on.set()
    assert (await result).answer == ANSWER == stream.result.answer


@pytest.mark.anyio
async def test_a_plain_loop_on_the_runs_own_loop_is_refused_with_advice(tmp_path: Path) -> None:
    stream = an_agent(tmp_path).stream("What is two and two?")
    await stream.result_async()

    with pytest.raises(UsageError, match="Use `async for"):
        list(stream)


def asks_once(request: ModelRequest) -> str | ModelResponse:
    returned = [part.content for message in request.messages for part in message.parts if part.type == "tool_return"]
    return returned[0] if returned else ModelResponse(Message("assistant", (ToolCall("c1", "ask", {"question": "Two?"}),)))


def test_an_async_tool_may_read_another_agent_while_it_works(tmp_path: Path) -> None:
    other = an_agent(tmp_path)

    @pa.tool
    async def ask(question: str) -> str:
        """Ask the clerk."""
        return "".join(text([item async for item in other.stream(question)]))

    boss = pa.Agent("boss", model=RuleModel(asks_once), tools=[ask], critic=None, workspace=tmp_path)

    assert boss.run("Ask the clerk").answer == ANSWER


@pytest.mark.parametrize(
    ("arguments", "words"), [({"visibility": "all"}, "one of 'public'"), ({"capacity": 0}, "a whole number from 1")]
)
def test_a_stream_that_cannot_be_is_refused_at_once(tmp_path: Path, arguments: dict[str, int], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        an_agent(tmp_path).stream("What is two and two?", **arguments)  # pyright: ignore[reportArgumentType]


def test_fifty_streams_at_once_each_get_their_own(tmp_path: Path) -> None:
    agent = an_agent(tmp_path, RuleModel(lambda request: request.messages[1].text.removeprefix("Task: ")))

    async def read(number: int) -> str:
        return "".join(text([item async for item in agent.stream(f"Say {number}")]))

    async def main() -> list[str]:
        return await asyncio.gather(*(read(number) for number in range(50)))

    assert asyncio.run(main()) == [f"Say {number}" for number in range(50)]
    assert threading.active_count() < 50
