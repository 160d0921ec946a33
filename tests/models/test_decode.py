"""What free text means: what can be read is read, what can't is said, and nothing is guessed into an action."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.action import Action, Finish, GiveUp, ToolUse
from purpose_agent.core.errors import ToolError
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.models.decode import (
    ThinkingFilter,
    Unreadable,
    decode_action,
    extract_code,
    extract_json_object,
    read_arguments,
    strip_thinking,
)
from tests.malformed import ADD, CALL, Malformed, corpus

TOOLS = {"add": ADD}
CORPUS = corpus()

TEXTS = st.text(alphabet=st.characters(), max_size=60)
"""Any text at all, half characters included."""
SCRAPS = st.lists(
    st.sampled_from(
        ['{"tool": "add"', '"arguments"', "{", "}", "[", "]", ":", ",", '"', "'", "NaN", "1", "null", "```", "```json\n"]
    )
    | st.sampled_from(["<think>", "</think>", "\n", "\\", "True", '{"answer": ', "...", "<|im_end|>", "\ud800"]),
    max_size=25,
).map("".join)
"""Texts made of what actions are made of: nearer to the edges than any text at all."""
STORABLE = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda text: "</think>" not in text)
"""Without the tag, for which there is a test of its own."""
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STORABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STORABLE, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(STORABLE, VALUES, max_size=4)


def accepted(call: ToolCall) -> bool:
    """Whether the call would be executed."""
    if call.problem is not None or call.name not in TOOLS:
        return False
    try:
        TOOLS[call.name].validate(call.arguments)
    except ToolError:
        return False
    return True


def use(action: Action | Unreadable) -> tuple[str, object]:
    """The one call of a `ToolUse`."""
    assert isinstance(action, ToolUse)
    (call,) = action.calls
    return call.name, call.arguments


# Malformed outputs


def test_the_corpus_has_two_hundred_different_outputs() -> None:
    assert len(CORPUS) == 200
    assert len({said.name for said in CORPUS}) == 200
    assert len({(said.text, repr(said.tool_calls)) for said in CORPUS}) == 200


@pytest.mark.parametrize("said", [said for said in CORPUS if not said.tool_calls], ids=lambda said: said.name)
def test_no_malformed_text_becomes_an_action(said: Malformed) -> None:
    action = decode_action(said.text, TOOLS)

    match action:
        case Unreadable(problem=reason) | GiveUp(reason=reason):
            assert 0 < len(reason) < 1000
        case ToolUse(calls=calls):
            assert not any(map(accepted, calls))
        case Finish():
            pytest.fail(f"read as finished: {action}")


@pytest.mark.parametrize("said", [said for said in CORPUS if said.tool_calls], ids=lambda said: said.name)
def test_no_malformed_native_call_would_be_executed(said: Malformed) -> None:
    calls = said.response().message.tool_calls

    assert len(calls) == len(said.tool_calls)
    assert not any(map(accepted, calls))


@given(TEXTS | SCRAPS)
def test_reading_never_raises_and_what_it_gives_can_be_stored(text: str) -> None:
    action = decode_action(text, TOOLS)
    extract_code(text)

    match action:
        case ToolUse(calls=calls):
            json.dumps([dict(call.arguments) for call in calls], ensure_ascii=False, allow_nan=False).encode()
        case Finish(answer=said) | GiveUp(reason=said):
            said.encode()
        case Unreadable(problem=problem):
            assert problem


@given(st.integers(min_value=0, max_value=len(CALL) - 1))
def test_a_call_that_was_cut_off_is_no_call(end: int) -> None:
    assert isinstance(decode_action(CALL[:end], TOOLS), Unreadable)


@given(OBJECTS, st.data())
def test_an_answer_that_was_cut_off_is_no_answer(value: dict[str, Json], data: st.DataObject) -> None:
    text = json.dumps({"answer": value})
    end = data.draw(st.integers(min_value=0, max_value=len(text) - 1))

    assert isinstance(decode_action(text[:end], TOOLS), Unreadable)


@pytest.mark.parametrize(
    "text",
    [
        '{"answer": <your answer>}',
        '{"answer": }',
        '{"answer": ...}',
        '{"answer": undefined}',
        '{"answer": nan}',
        '{"answer": [NaN]}',
        '{"answer": {NaN}}',
        '{"tool": "add", "arguments": {"a": 1 2, "b": 3}}',
    ],
)
def test_a_value_that_was_never_written_is_not_guessed(text: str) -> None:
    action = decode_action(text, TOOLS)

    assert isinstance(action, Unreadable)


# Readable outputs


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"  \n{CALL}\n",
        f"```json\n{CALL}\n```",
        f"```\n{CALL}\n```",
        f"I add them.\n\n{CALL}\n\nDone.",
        f"<think>add? yes</think>\n{CALL}",
        f"add? yes</think>{CALL}",
        f"[1] First, {CALL}",
        f"{CALL}<|im_end|>",
        "{'tool': 'add', 'arguments': {'a': 1, 'b': 2}}",
        '{"tool": "add", "arguments": {"a": 1, "b": 2,},}',
        '{"tool": "add", "arguments": "{\\"a\\": 1, \\"b\\": 2}"}',
        '{"tool": "add", "arguments": {"a": 1, "b": 2}, "answer": null}',
        '{"tool": "add", "arguments": {"a": 1, "b": 2}, "mood": "good"}',
    ],
)
def test_a_call_is_read_whatever_is_around_it(text: str) -> None:
    action = decode_action(text, TOOLS)

    assert use(action) == ("add", {"a": 1, "b": 2})


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ('{"answer": "three"}', Finish("three")),
        ('{"thought": "easy", "answer": "three"}', Finish("three", "easy")),
        ('{"answer": 3}', Finish("3")),
        ('{"answer": {"n": 3}}', Finish('{"n": 3}')),
        ('{"answer": "two\nlines"}', Finish("two\nlines")),
        ('{"answer": "drei: ☃ 数"}', Finish("drei: ☃ 数")),
        ('{"answer": "it says {} and [INST]"}', Finish("it says {} and [INST]")),
        ('{"give_up": "no such file"}', GiveUp("no such file")),
    ],
)
def test_an_answer_and_a_surrender_are_read(text: str, action: Action) -> None:
    assert decode_action(text, TOOLS) == action


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("hello", "'hello'"),
        ('{"tool": "sub"}', "no tool 'sub'. Tools: add"),
        ('{"name": "add"}', "only 'name'"),
        ('{"tool": "add", "answer": "3"}', "several"),
        ('{"tool": "add", "arguments": [1]}', "add: The arguments must be a JSON object"),
    ],
)
def test_the_problem_tells_the_model_what_is_wrong(text: str, said: str) -> None:
    action = decode_action(text, TOOLS)

    assert isinstance(action, Unreadable)
    assert said in action.problem


@given(OBJECTS)
def test_arguments_come_back_as_they_were_written(arguments: dict[str, Json]) -> None:
    action = decode_action(json.dumps({"tool": "any", "arguments": arguments}), ["any"])

    assert use(action) == ("any", arguments)


@given(OBJECTS)
def test_native_arguments_come_back_as_text_or_as_an_object(arguments: dict[str, Json]) -> None:
    assert read_arguments(json.dumps(arguments)) == (arguments, None)
    assert read_arguments(arguments) == (arguments, None)


@given(OBJECTS, st.sampled_from(["{}", "Here it is: {}", "```json\n{}\n```", "{} — that is all.", "<think>hm</think>{}"]))
def test_an_object_is_found_in_what_surrounds_it(value: dict[str, Json], frame: str) -> None:
    assert extract_json_object(frame.replace("{}", json.dumps(value), 1)) == value


@given(TEXTS | SCRAPS)
def test_arguments_are_an_object_or_a_problem(text: str) -> None:
    arguments, problem = read_arguments(text)

    assert problem is None or arguments == {}
    json.dumps(arguments, allow_nan=False)


# Thoughts


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("four", "four"),
        ("<think>two, four</think>\n\nfour", "four"),
        ("<think></think><think>again</think>four", "four"),
        ("two, four</think>four", "four"),
        ("<think>it never ends", ""),
        ("the tag </think> closes <think>", "closes <think>"),
        ("write <think> first", "write <think> first"),
        ("write <think> and </think>", "write <think> and </think>"),
        ("", ""),
    ],
)
def test_thoughts_are_taken_off_the_front(text: str, rest: str) -> None:
    assert strip_thinking(text) == rest


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<thi", "nk>", "a", " ", "\n", "<", "four"]), max_size=12).map("".join),
    st.lists(st.integers(min_value=1, max_value=7), min_size=1, max_size=20),
)
def test_a_streamed_text_shows_what_the_whole_one_does(text: str, sizes: list[int]) -> None:
    text = f"<think>{text}"  # a block that the template opened can't be told while it streams
    shown = ThinkingFilter()
    pieces, position = "", 0
    for size in sizes:
        pieces += shown.feed(text[position : position + size])
        position += size
    pieces += shown.feed(text[position:]) + shown.end()

    assert pieces.strip() == strip_thinking(text).strip()


def test_a_tag_inside_an_argument_is_content() -> None:
    action = decode_action('{"tool": "add", "arguments": {"note": "write </think> here"}}', TOOLS)

    assert use(action) == ("add", {"note": "write </think> here"})


# Code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\nx = 1\n```", "x = 1\n"),
        ("Here:\n```py\nx = 1\n```\nand\n```python\nx = 1\ny = 2\n```", "x = 1\ny = 2\n"),
        ("```python\nx = 1\n```\nor rather\n```python\nx = 2\n```", "x = 2\n"),
        ("```bash\nls\n```\n```\nx = 1\n```", "x = 1\n"),
        ("x = 1\n", "x = 1\n"),
        ("<think>y = 2</think>x = 1", "x = 1"),
        ("```python\nx = (\n```", None),
        ("```bash\nls\n```", None),
        ("```python\n```", None),
        ("This is no code.", None),
        ("", None),
        ("x = '\x00'", None),
        ("(" * 10_000, None),
    ],
)
def test_code_is_found_or_not(text: str, code: str | None) -> None:
    assert extract_code(text) == code
