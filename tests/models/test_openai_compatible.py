"""One client for many servers: what goes over the wire, what comes back, and every way it can go wrong."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any, cast

import anyio.to_thread
import pytest

from purpose_agent.core.errors import ModelError, ModelOutputError, ModelRefused, ModelTimeout, ModelUnreachable, UsageError
from purpose_agent.core.messages import Message, Text, ToolCall, ToolReturn, user
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, TextDelta, ToolSpec
from purpose_agent.models.http import RetryPolicy
from purpose_agent.models.openai_compatible import OpenAICompatibleModel, Price
from tests.malformed import corpus
from tests.models.wire import PATIENCE, ChatServer, Reply, completion, events, serving, wire_call

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret-0123456789"
QUESTION = (user("What is two and two?"),)
ADD = ToolSpec("add", "Add two whole numbers.", {"type": "object", "properties": {"a": {"type": "integer"}}})


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(Reply(completion())) as running:
        yield running


class Waits(list[float]):
    """The seconds that the client would have waited."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client(
    url: str, *, waits: Waits | None = None, model: str | None = "tiny", api_key: str = KEY, **more: Any
) -> OpenAICompatibleModel:
    retry = RetryPolicy(wait=Waits() if waits is None else waits)
    return OpenAICompatibleModel("test:tiny", model=model, base_url=url, api_key=api_key, retry=retry, **more)


async def ask(model: OpenAICompatibleModel, **more: Any) -> ModelResponse:
    return await model.generate(ModelRequest(messages=QUESTION, **more))


async def streamed(model: OpenAICompatibleModel, **more: Any) -> tuple[list[str], ModelResponse]:
    """The pieces, and the response that closes them."""
    items = [item async for item in model.stream(ModelRequest(messages=QUESTION, **more))]
    last = items.pop()
    assert isinstance(last, ModelResponse)
    return [item.text for item in items if isinstance(item, TextDelta)], last


async def wait_for(event: threading.Event) -> bool:
    return await anyio.to_thread.run_sync(event.wait, PATIENCE)


# Answers


async def test_an_answer_comes_with_its_usage_and_the_servers_name_for_itself(server: ChatServer) -> None:
    response = await ask(client(server.url), max_tokens=5, temperature=0.0, seed=7, stop=("\n",))

    assert (response.text, response.model, response.stop) == ("four", "tiny-2026", "stop")
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.cached_tokens) == (12, 3, 8)
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "What is two and two?"}],
        "max_tokens": 5,
        "temperature": 0.0,
        "seed": 7,
        "stop": ["\n"],
    }


@pytest.mark.parametrize(
    ("options", "usd"),
    [
        pytest.param({}, None, id="unknown"),
        pytest.param({"capabilities": Capabilities(local=True)}, 0.0, id="local"),
        pytest.param({"price": Price(input=1.0, output=10.0, cached=0.5)}, (4 * 1.0 + 8 * 0.5 + 3 * 10.0) / 1e6, id="priced"),
    ],
)
async def test_a_price_is_known_or_none(server: ChatServer, options: dict[str, Any], usd: float | None) -> None:
    response = await ask(client(server.url, **options))

    assert response.usage.usd == (None if usd is None else pytest.approx(usd))


async def test_tool_calls_arrive_read_and_those_that_cant_be_read_say_why(server: ChatServer) -> None:
    calls = [wire_call("add", '{"a": 1}'), wire_call("add", '{"a": ', "call_b"), wire_call("", "{}", "call_c")]
    server.replies = [Reply(completion(None, finish="tool_calls", tool_calls=calls))]

    response = await ask(client(server.url), tools=(ADD,))

    first, second, third = response.message.tool_calls
    assert (first.id, first.name, first.arguments, first.problem) == ("call_a", "add", {"a": 1}, None)
    assert second.problem is not None
    assert third.problem is not None
    assert response.stop == "tool_calls"
    assert server.asked[0].body["tools"][0]["function"]["name"] == "add"


async def test_a_conversation_with_tools_goes_back_in_the_servers_form(server: ChatServer) -> None:
    messages = (
        *QUESTION,
        Message("assistant", (Text("Let me see."), ToolCall("call_a", "add", {"a": 2}))),
        Message("tool", (ToolReturn("call_a", "add", "4"),)),
    )

    await client(server.url).generate(ModelRequest(messages=messages))

    _, said, returned = server.asked[0].body["messages"]
    assert said["tool_calls"] == [wire_call("add", '{"a": 2}')]
    assert returned == {"role": "tool", "tool_call_id": "call_a", "content": "4"}


async def test_a_schema_is_sent_as_a_strict_response_format(server: ChatServer) -> None:
    server.replies = [Reply(completion('{"n": 4}'))]

    response = await ask(client(server.url), schema={"type": "object"})

    form = server.asked[0].body["response_format"]
    assert (form["type"], form["json_schema"]["strict"], form["json_schema"]["schema"]) == (
        "json_schema",
        True,
        {"type": "object"},
    )
    assert response.text == '{"n": 4}'


async def test_a_choice_is_asked_for_by_schema_and_comes_back_bare(server: ChatServer) -> None:
    server.replies = [Reply(completion('{"choice": "pull"}'))]

    response = await ask(client(server.url), choices=("pull", "push"))

    schema = server.asked[0].body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["choice"]["enum"] == ["pull", "push"]
    assert response.text == "pull"


async def test_llama_cpp_takes_a_grammar_and_tells_the_probabilities(server: ChatServer) -> None:
    answer = completion("pull")
    top = [{"token": "pull", "logprob": -0.2877}, {"token": "push", "logprob": -1.3863}]
    answer["choices"][0]["logprobs"] = {"content": [{"token": "pull", "top_logprobs": top}]}
    server.replies = [Reply(answer)]

    response = await ask(client(server.url, dialect="llama_cpp"), choices=("pull", "push"))

    assert server.asked[0].body["grammar"] == 'root ::= "pull" | "push"'
    assert response.probabilities == pytest.approx({"pull": 0.75, "push": 0.25}, abs=1e-3)


async def test_fields_are_renamed_or_left_out_where_a_server_wants_it(server: ChatServer) -> None:
    model = client(server.url, renames={"max_tokens": "max_completion_tokens", "seed": None})

    await ask(model, max_tokens=5, seed=7)

    body = server.asked[0].body
    assert body["max_completion_tokens"] == 5
    assert {"max_tokens", "seed"}.isdisjoint(body)


async def test_without_a_model_the_servers_first_one_is_asked_for_once(server: ChatServer) -> None:
    server.replies = [Reply({"data": [{"id": "first"}, {"id": "second"}]}), Reply(completion())]
    model = client(server.url, model=None)

    await ask(model)
    await ask(model)

    assert [asked.path for asked in server.asked] == ["/v1/models", "/v1/chat/completions", "/v1/chat/completions"]
    assert {asked.body["model"] for asked in server.asked[1:]} == {"first"}


async def test_thoughts_are_not_part_of_the_answer(server: ChatServer) -> None:
    server.replies = [Reply(completion("<think>two, four</think>\n\nfour"))]

    assert (await ask(client(server.url))).text == "four"


async def test_whatever_a_model_writes_arrives_as_text_that_can_be_stored(server: ChatServer) -> None:
    server.replies = [Reply(completion(said.text)) for said in corpus() if not said.tool_calls]
    model = client(server.url)

    for _ in range(len(server.replies)):
        (await ask(model)).text.encode()


# Refusals


async def test_a_429_is_tried_again_after_the_time_the_server_asks_for(server: ChatServer) -> None:
    server.replies = [Reply({"error": {"message": "slow down"}}, 429, {"Retry-After": "7"}), Reply(completion())]
    waits = Waits()

    response = await ask(client(server.url, waits=waits))

    assert response.text == "four"
    assert waits == [7.0]
    assert server.asked[0].body == server.asked[1].body


async def test_a_wait_beyond_the_longest_is_left_to_the_caller(server: ChatServer) -> None:
    server.replies = [Reply({"error": "quota"}, 429, {"Retry-After": "3600"})]
    waits = Waits()

    with pytest.raises(ModelRefused, match="quota") as caught:
        await ask(client(server.url, waits=waits))

    assert (caught.value.status, caught.value.retry_after) == (429, 3600.0)
    assert (waits, len(server.asked)) == ([], 1)


async def test_a_server_that_keeps_failing_is_given_up_after_three_tries(server: ChatServer) -> None:
    server.replies = [Reply({"error": {"message": "out of memory"}}, 500)]
    waits = Waits()

    with pytest.raises(ModelRefused, match="out of memory") as caught:
        await ask(client(server.url, waits=waits))

    assert caught.value.status == 500
    assert (len(server.asked), len(waits)) == (3, 2)
    assert waits[0] < waits[1]


@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_a_request_that_is_wrong_is_not_tried_again(server: ChatServer, status: int) -> None:
    server.replies = [Reply({"error": {"message": "no"}}, status)]

    with pytest.raises(ModelRefused) as caught:
        await ask(client(server.url))

    assert (caught.value.status, len(server.asked)) == (status, 1)


async def test_an_error_with_status_200_is_an_error(server: ChatServer) -> None:
    server.replies = [Reply({"error": {"message": "overloaded", "code": 529}})]

    with pytest.raises(ModelRefused, match="overloaded") as caught:
        await ask(client(server.url))

    assert caught.value.status == 529


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401), id="refused"),
        pytest.param(Reply(f"Bearer {KEY} is unknown".encode()), id="no JSON"),
        pytest.param(Reply([KEY]), id="no object"),
        pytest.param(Reply({"choices": [], "echo": KEY}), id="no message"),
        pytest.param(Reply(pieces=[f"data: {KEY}\n\n"]), id="a stream without JSON"),
    ],
)
async def test_the_key_is_never_part_of_an_error(server: ChatServer, reply: Reply) -> None:
    server.replies = [reply]
    model = client(server.url)

    with pytest.raises(ModelError) as caught:
        await (streamed(model) if reply.pieces else ask(model))

    assert KEY not in f"{caught.value} {caught.value!r}"
    assert KEY not in repr(model)


async def test_a_key_that_no_header_can_carry_is_refused_without_being_shown() -> None:
    with pytest.raises(UsageError) as caught:
        client("http://127.0.0.1:9/v1", api_key="sk-clé secrète")

    assert "secr" not in str(caught.value)


# Silence


async def test_nobody_at_the_address_is_said_after_three_tries() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nobody else can answer there
        waits = Waits()

        with pytest.raises(ModelUnreachable, match="Is the server running"):
            await ask(client(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", waits=waits))

    assert len(waits) == 2


async def test_no_answer_in_time_is_a_timeout_and_not_tried_again(server: ChatServer) -> None:
    server.replies = [Reply(pieces=[], ending="waits")]

    with pytest.raises(ModelTimeout):
        await ask(client(server.url), timeout=0.2)

    assert len(server.asked) == 1
    assert await wait_for(server.left)


async def test_a_stream_that_stalls_is_a_timeout(server: ChatServer) -> None:
    server.replies = [Reply(pieces=events({"content": "fo"}, finish=None, done=False), ending="waits")]

    with pytest.raises(ModelTimeout):
        await streamed(client(server.url), timeout=0.3)


@pytest.mark.parametrize("form", ["whole", "streamed"])
async def test_cancelling_a_call_hangs_up_on_the_server(server: ChatServer, form: str) -> None:
    server.replies = [Reply(pieces=events({"content": "fo"}, finish=None, done=False), ending="waits")]
    model = client(server.url)
    task = asyncio.ensure_future(streamed(model) if form == "streamed" else ask(model))
    assert await wait_for(server.arrived)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await wait_for(server.left)


async def test_leaving_a_stream_early_hangs_up_on_the_server(server: ChatServer) -> None:
    server.replies = [Reply(pieces=events({"content": "four"}, finish=None, done=False), ending="waits")]
    stream = cast("Any", client(server.url).stream(ModelRequest(messages=QUESTION)))

    first = await anext(stream)
    await stream.aclose()

    assert first == TextDelta("four")
    assert await wait_for(server.left)


# Nonsense


NO_COMPLETIONS: list[object] = [
    b"",
    b"<html>502</html>",
    b"{",
    b"[]",
    b"null",
    b'{"choices": NaN}',
    b"\xff\xfe",
    b"[" * 100_000,
    {},
    {"choices": []},
    {"choices": [{}]},
    {"choices": [{"message": None}]},
    {"choices": [{"message": {"content": 4}}]},
    {"choices": "four"},
]


@pytest.mark.parametrize("body", NO_COMPLETIONS, ids=str)
async def test_an_answer_that_is_no_completion_is_an_error(server: ChatServer, body: object) -> None:
    server.replies = [Reply(body)]

    with pytest.raises(ModelOutputError):
        await ask(client(server.url))


async def test_usage_that_makes_no_sense_counts_as_none(server: ChatServer) -> None:
    server.replies = [Reply({**completion(), "usage": {"prompt_tokens": -5, "completion_tokens": "many"}})]

    usage = (await ask(client(server.url))).usage

    assert (usage.input_tokens, usage.output_tokens, usage.calls) == (0, 0, 1)


# Streams


@pytest.mark.parametrize("choices", [(), ("four", "five")], ids=["text", "choice"])
async def test_of_a_server_that_does_not_stream_the_answer_comes_as_one_piece(
    server: ChatServer, choices: tuple[str, ...]
) -> None:
    whole = completion("four") if not choices else completion('{"choice": "four"}')
    server.replies = [Reply(whole, headers={"Content-Type": "application/json; charset=utf-8"})]

    pieces, response = await streamed(client(server.url), choices=choices)

    assert (pieces, response.text, response.usage.input_tokens) == (["four"], "four", 12)


async def test_what_a_server_that_does_not_stream_sends_instead_of_an_answer_is_an_error(server: ChatServer) -> None:
    server.replies = [Reply(b"[]", headers={"Content-Type": "application/json"})]

    with pytest.raises(ModelOutputError, match="no JSON object"):
        await streamed(client(server.url))


async def test_a_stream_brings_the_pieces_and_then_the_whole(server: ChatServer) -> None:
    server.replies = [Reply(pieces=events({"role": "assistant"}, {"content": "fo"}, {"content": "ur"}))]

    pieces, response = await streamed(client(server.url))

    assert (pieces, response.text, response.stop, response.model) == (["fo", "ur"], "four", "stop", "tiny-2026")
    assert (response.usage.input_tokens, response.usage.output_tokens) == (12, 3)
    assert server.asked[0].body["stream_options"] == {"include_usage": True}


async def test_a_stream_doesnt_show_thoughts(server: ChatServer) -> None:
    said = ["<th", "ink>two", ", four</thi", "nk>\n", "fo", "ur"]
    server.replies = [Reply(pieces=events(*({"content": piece} for piece in said)))]

    pieces, response = await streamed(client(server.url))

    assert ("".join(pieces), response.text) == ("four", "four")


async def test_a_tool_call_is_put_together_from_its_pieces(server: ChatServer) -> None:
    def part(**function: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, **({"id": "call_a"} if "name" in function else {}), "function": function}]}

    server.replies = [
        Reply(
            pieces=events(part(name="add", arguments=""), part(arguments='{"a"'), part(arguments=": 1}"), finish="tool_calls")
        )
    ]

    _, response = await streamed(client(server.url), tools=(ADD,))

    assert response.message.tool_calls == (ToolCall("call_a", "add", {"a": 1}),)


async def test_a_refused_stream_is_tried_again_before_its_first_piece(server: ChatServer) -> None:
    server.replies = [Reply({"error": "busy"}, 503), Reply(pieces=events({"content": "four"}))]

    pieces, _ = await streamed(client(server.url))

    assert pieces == ["four"]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(pieces=events({"content": "fo"}, finish=None, done=False)), id="it ends too early"),
        pytest.param(Reply(pieces=events({"content": "fo"}, finish=None, done=False), ending="broken"), id="the line breaks"),
        pytest.param(Reply(pieces=['data: {"choices": [\n\n']), id="half an event"),
        pytest.param(Reply(pieces=["data: []\n\n"]), id="no object"),
        pytest.param(Reply(pieces=[]), id="nothing"),
    ],
)
async def test_a_broken_stream_is_an_error_and_no_answer(server: ChatServer, reply: Reply) -> None:
    server.replies = [reply]

    with pytest.raises(ModelOutputError):
        await streamed(client(server.url))


async def test_an_error_inside_a_stream_is_the_servers_refusal(server: ChatServer) -> None:
    error = json.dumps({"error": {"message": "context too long", "code": 400}})
    server.replies = [Reply(pieces=[*events({"content": "fo"}, finish=None, done=False), f"data: {error}\n\n"])]

    with pytest.raises(ModelRefused, match="context too long"):
        await streamed(client(server.url))
