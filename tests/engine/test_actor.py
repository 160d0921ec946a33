"""Four ways to an action, by what the task and the model are; asserted on what the model is sent."""

import enum
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.action import GiveUp, ToolUse
from purpose_agent.core.messages import Message, Text
from purpose_agent.core.model import ModelResponse
from purpose_agent.engine.actor import RETRIES, action_schema
from tests.engine.given import JSON_ONLY, NATIVE, NEITHER, agent, as_json, calls, look_up, scripted, use

pytestmark = pytest.mark.anyio


async def test_native_tools_are_offered_as_tools(tmp_path: Path) -> None:
    model = scripted(calls("dog"), "A dog is a word.")
    result = await agent(model, tmp_path).run_async("What is a dog?")

    assert result.answer == "A dog is a word."
    assert [request.tools for request in model.requests] == [(look_up.spec,)] * 2
    assert all(request.schema is None and not request.choices for request in model.requests)
    (returned,) = model.requests[1].messages[-1].parts
    assert (returned.type, model.requests[1].messages[-1].role) == ("tool_return", "tool")
    assert "dog is a word" in str(returned)


async def test_without_native_tools_one_json_object_under_a_schema_is_asked_for(tmp_path: Path) -> None:
    model = scripted(use("dog"), as_json(answer="A word."), capabilities=JSON_ONLY)
    result = await agent(model, tmp_path).run_async("What is a dog?")

    assert result.answer == "A word."
    assert all(request.schema == action_schema((look_up.spec,)) and not request.tools for request in model.requests)
    assert "look_up(word: string): Look a word up." in model.requests[0].text
    assert "dog is a word" in model.requests[1].messages[-1].text


async def test_a_model_that_keeps_to_no_schema_is_asked_in_words_alone(tmp_path: Path) -> None:
    model = scripted(f"Sure!\n```json\n{use('dog')}\n```", as_json(answer="A word."), capabilities=NEITHER)
    result = await agent(model, tmp_path).run_async("What is a dog?")

    assert (result.answer, result.total_steps) == ("A word.", 2)
    assert all(request.schema is None and not request.tools for request in model.requests)


async def test_without_tools_the_reply_is_the_answer(tmp_path: Path) -> None:
    model = scripted("  A poem. ")
    result = await pa.Agent("poet", model=model, critic=None, workspace=tmp_path).run_async("Write")

    assert result.answer == "A poem."
    assert (model.requests[0].tools, model.requests[0].schema) == ((), None)


async def test_a_task_with_choices_asks_for_one_of_them_and_offers_no_tools(tmp_path: Path) -> None:
    model = scripted(" Green. ", capabilities=replace(NATIVE, choices=True))
    result = await agent(model, tmp_path).run_async(pa.Task("Which door?", choices=["red", "green"]))

    (request,) = model.requests
    assert result.answer == "green"
    assert (request.choices, request.tools, request.schema, request.temperature) == (("red", "green"), (), None, 0.0)
    assert "Answer with exactly one of these" not in request.text


async def test_an_engine_that_does_not_keep_to_choices_is_told_them(tmp_path: Path) -> None:
    model = scripted("green")
    await agent(model, tmp_path).run_async(pa.Task("Which door?", choices=["red", "green"]))

    assert "Answer with exactly one of these, and nothing else: red, green" in model.requests[0].text


async def test_a_long_choice_gets_the_tokens_it_needs(tmp_path: Path) -> None:
    long = "the door at the far end of the corridor, behind the curtain, left of the window that never opens" * 3
    model = scripted(long)
    await agent(model, tmp_path).run_async(pa.Task("Which door?", choices=[long, "none"]))

    assert (model.requests[0].max_tokens or 0) >= len(long)


async def test_an_answer_that_is_no_choice_is_told_to_the_model_and_in_the_end_given_up(tmp_path: Path) -> None:
    model = scripted(*["blue"] * (RETRIES + 1))
    result = await agent(model, tmp_path).run_async(pa.Task("Which door?", choices=["red", "green"]))

    assert (result.status, result.answer) == ("gave_up", None)
    assert "'blue' is none of: red, green." in result.reason
    assert "'blue' is none of: red, green." in model.requests[1].text


async def test_an_unreadable_reply_is_answered_with_what_is_wrong_and_may_be_mended(tmp_path: Path) -> None:
    model = scripted("Let me think about it.", as_json(answer="A word."), capabilities=JSON_ONLY)
    result = await agent(model, tmp_path).run_async("What is a dog?")

    assert (result.answer, result.total_steps, result.usage.calls) == ("A word.", 1, 2)
    assert "That reply could not be used." in model.requests[1].text
    assert "Let me think about it." in model.requests[1].text


@pytest.mark.parametrize(
    "reply", ["", "Done! I did everything you asked for.", '{"tool": "fly", "arguments": {}}', '{"answer": ', '{"answer": " "}']
)
async def test_what_stays_unreadable_is_given_up_and_never_an_answer(tmp_path: Path, reply: str) -> None:
    model = scripted(*[reply] * (RETRIES + 1), capabilities=JSON_ONLY)
    result = await agent(model, tmp_path).run_async("What is a dog?")

    assert (result.status, result.answer, result.success) == ("gave_up", None, None)
    assert isinstance(result.trajectory[-1].action, GiveUp)
    assert len(model.requests) == RETRIES + 1


async def test_an_answer_that_was_cut_off_is_no_answer(tmp_path: Path) -> None:
    cut = ModelResponse(Message("assistant", (Text("def fib(n): retu"),)), stop="length")
    model = scripted(cut, "def fib(n): ...")
    result = await pa.Agent("coder", model=model, critic=None, workspace=tmp_path).run_async("Write fib")

    assert result.answer == "def fib(n): ..."
    assert "It was cut off" in model.requests[1].text


@pytest.mark.parametrize(
    "reply",
    [
        '{"name": "look_up", "arguments": {"word": "dog"}}',
        '<tool_call>\n{"name": "look_up", "arguments": {"word": "dog"}}\n</tool_call>',
        '```json\n{"tool": "look_up", "arguments": {"word": "dog"}}\n```',
    ],
)
async def test_a_native_call_written_as_text_is_no_answer(tmp_path: Path, reply: str) -> None:
    model = scripted(reply, calls("dog"), "A dog is a word.")
    result = await agent(model, tmp_path).run_async("What is a dog?")

    assert (result.answer, result.total_steps) == ("A dog is a word.", 2)
    assert "a call of look_up written as text" in model.requests[1].text


@pytest.mark.parametrize("reply", ['{"name": "Rex", "age": 3}', 'Use it so: {"name": "look_up", "arguments": {"word": "dog"}}'])
async def test_json_may_well_be_an_answer(tmp_path: Path, reply: str) -> None:
    assert (await agent(scripted(reply), tmp_path).run_async("Show me")).answer == reply


async def test_what_the_providers_filter_stopped_is_no_answer(tmp_path: Path) -> None:
    stopped = ModelResponse(Message("assistant", (Text("I can"),)), stop="filter")
    result = await agent(scripted(stopped, stopped, stopped), tmp_path).run_async("Tell me")

    assert (result.status, result.answer) == ("gave_up", None)
    assert "content filter" in result.reason


async def test_a_seed_gives_each_try_and_each_step_a_seed_of_its_own(tmp_path: Path) -> None:
    model = scripted("hm", use("dog"), as_json(answer="A word."), capabilities=JSON_ONLY)
    await agent(model, tmp_path).run_async("What is a dog?", seed=3)
    seeds = [request.seed for request in model.requests]

    assert len(set(seeds)) == 3
    assert all(seed is not None for seed in seeds)


async def test_calls_of_one_reply_run_and_come_back_in_their_order(tmp_path: Path) -> None:
    model = scripted(calls("dog", "cat"), "Words.")
    result = await agent(model, tmp_path).run_async("What are they?")

    assert [seen.content for seen in result.trajectory[0].observations] == ["dog is a word", "cat is a word"]
    assert [message.role for message in model.requests[1].messages[-3:]] == ["assistant", "tool", "tool"]


async def test_call_ids_are_unique_in_a_run_whatever_the_server_gives(tmp_path: Path) -> None:
    model = scripted(calls("dog", "cat", ids=("0", "0")), calls("cow", ids=("0",)), "Words.")
    result = await agent(model, tmp_path).run_async("What are they?")

    uses = [step.action for step in result.trajectory if isinstance(step.action, ToolUse)]
    ids = [call.id for action in uses for call in action.calls]
    assert len(set(ids)) == 3
    assert [seen.call_id for step in result.trajectory for seen in step.observations] == ids


async def test_an_agent_may_say_that_it_can_not(tmp_path: Path) -> None:
    result = await agent(scripted(as_json(give_up="no such word"), capabilities=JSON_ONLY), tmp_path).run_async("Look")

    assert (result.status, result.reason, str(result)) == ("gave_up", "no such word", "[gave up: no such word]")


def test_the_schema_allows_each_tool_with_its_own_arguments_an_answer_or_giving_up() -> None:
    schema = action_schema((look_up.spec,))

    ways = schema["anyOf"]
    assert isinstance(ways, list)
    assert [sorted(way["required"]) for way in ways if isinstance(way, dict) and isinstance(way["required"], list)] == [  # pyright: ignore[reportArgumentType]
        ["arguments", "tool"],
        ["answer"],
        ["give_up"],
    ]
    assert all(isinstance(way, dict) and way["additionalProperties"] is False for way in ways)


class Size(enum.Enum):
    """How large."""

    SMALL = "small"
    LARGE = "large"


@dataclass
class Box:
    """Something to put things in."""

    size: Size
    inside: "list[Box]"


@pa.tool
def pack(box: Box) -> str:
    """Pack a box."""
    return "packed"


@pa.tool
def unpack(box: Box, size: Size = Size.SMALL) -> str:
    """Unpack a box."""
    return "unpacked"


def test_what_tools_define_is_found_from_the_root_of_the_schema() -> None:
    schema = action_schema((pack.spec, unpack.spec))
    text = json.dumps(schema)

    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    assert sorted(definitions) == ["pack.Box", "pack.Size", "unpack.Box", "unpack.Size"]
    assert text.count('"$defs"') == 1
    assert set(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', text)) == set(definitions)
