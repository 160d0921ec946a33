"""What models write for plans is read, call by call, as it comes."""

import pytest

from purpose_agent.core.messages import Json
from purpose_agent.tools.plan_text import PlanReader, WrittenCall

TOOLS = {"search": ("query", "most"), "add": ("a", "b")}


def read(text: str) -> tuple[list[WrittenCall], PlanReader]:
    reader = PlanReader(TOOLS)
    calls = [call for character in text for call in reader.feed(character)]
    return calls + reader.end(), reader


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ('1. search(query="a (b) \\" c", most=3)', {"query": 'a (b) " c', "most": 3}),
        ("1. search('tea', 2)", {"query": "tea", "most": 2}),
        ("1) search(query='it\\'s', most=-1.5)", {"query": "it's", "most": -1.5}),
        ("$1 = search(query=$2)", {"query": "$2"}),
        (
            "- 1: search(query='$2 and ${3}', most=[$2, {'a': true, \"b\": null}])",
            {"query": "$2 and ${3}", "most": ["$2", {"a": True, "b": None}]},
        ),
        ("`1. search()`", {}),
        ('1. search(query="two\nlines")', {"query": "two\nlines"}),
        ('1. search(query="""two\n"quoted" lines""")', {"query": 'two\n"quoted" lines'}),
        ("search(query=1)", {"query": 1}),
    ],
)
def test_a_call_is_read_as_models_write_it(line: str, arguments: dict[str, Json]) -> None:
    calls, _ = read(line)
    assert [(call.name, call.arguments, call.problem) for call in calls] == [("search", arguments, None)]


def test_a_call_is_there_with_its_closing_parenthesis() -> None:
    reader = PlanReader(TOOLS)
    assert reader.feed("Here is the plan:\n```\n1. search(query='a)'") == []
    assert [call.arguments for call in reader.feed(")")] == [{"query": "a)"}]
    assert [call.number for call in reader.feed("  # first\n2. add(a=1, b=2)\n3. jo")] == [2]
    assert reader.feed("in()\n4. add(a=1, b=2)\n") == []
    assert reader.ended


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1. search(query=tea)", "tea is no value"),
        ("1. add(a=$1 + 1, b=2)", "compute with a tool"),
        ("1. add(1, 2, 3)", "write each argument as NAME=VALUE"),
        ("1. add(1, a=2)", "give each argument once, not a=2"),
        ("1. add(a=1 b=2)", "invalid syntax"),
        ("1. search(query='tea\njoin()", "not closed"),
        ("1. add(a={1: 2})", "names in an object"),
        ("1. add(**{})", "give each argument once"),
    ],
)
def test_arguments_that_cant_be_read_are_told(line: str, problem: str) -> None:
    (call,), _ = read(line)
    assert problem in (call.problem or "")


def test_a_call_that_is_never_closed_does_not_take_the_next_ones_with_it() -> None:
    calls, reader = read("1. search(query='tea\n2. add(a=1, b=2)\njoin()\n")
    assert [(call.number, call.problem is None) for call in calls] == [(1, False), (2, True)]
    assert reader.ended


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: It is 42.", "It is 42."),
        ("I have all of it.\n**Answer:** 42\n1. search(query='x')", "42\n1. search(query='x')"),
        ("It is 42.", "It is 42."),
        ("1. Paris (France)\n2. Rome (Italy)", "1. Paris (France)\n2. Rome (Italy)"),
        ("", ""),
    ],
)
def test_a_reply_without_calls_is_an_answer(text: str, answer: str) -> None:
    calls, reader = read(text)
    assert (calls, reader.text, reader.gives_up) == ([], answer, False)


def test_giving_up_is_no_answer_and_an_answer_below_calls_was_made_up() -> None:
    _, gives_up = read("Give up: there is no such page")
    assert (gives_up.gives_up, gives_up.text, gives_up.answers) == (True, "there is no such page", False)
    calls, made_up = read("1. add(a=1, b=2)\nAnswer: 4\n2. add(a=1, b=3)")
    assert ([call.number for call in calls], made_up.text, made_up.ended) == ([1], "", True)


def test_a_call_of_a_tool_that_is_not_there_is_a_call() -> None:
    (call,), _ = read("1. look_up(query='x')")
    assert (call.name, call.problem) == ("look_up", None)
