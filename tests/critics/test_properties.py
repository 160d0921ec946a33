"""Inputs made of type hints: of the right types, bounded, the same under one seed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.critics.examples import Assertion
from purpose_agent.critics.properties import hint_of, inputs, invented_calls

LEAVES = st.sampled_from(["int", "float", "bool", "str", "None"])
HINTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map("list[{}]".format),
        inner.map("Optional[{}]".format),
        inner.map("tuple[{}, ...]".format),
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]} | {pair[1]}"),
        st.tuples(inner, inner).map(lambda pair: f"Tuple[{pair[0]}, {pair[1]}]"),
        st.tuples(LEAVES, inner).map(lambda pair: f"Dict[{pair[0]}, {pair[1]}]"),
        LEAVES.map("set[{}]".format),
    ),
    max_leaves=4,
)


@given(st.lists(HINTS, min_size=1, max_size=3), st.integers(0, 5))
def test_inputs_are_bounded_different_and_the_same_under_one_seed(hints: list[str], seed: int) -> None:
    found = inputs(hints, most=12, seed=seed)

    assert 1 <= len(found) <= 12
    assert all(len(arguments) == len(hints) for arguments in found)
    assert len(set(map(repr, found))) == len(found)
    assert repr(found) == repr(inputs(hints, most=12, seed=seed))


@pytest.mark.parametrize(
    ("hint", "kinds"),
    [
        ("int", {int}),
        ("Optional[str]", {str, type(None)}),
        ("int | float", {int, float}),
        ("Union[bool, str]", {bool, str}),
        ("typing.List[int]", {list}),
        ("Dict[str, list[int]]", {dict}),
        ("Set[Tuple[int, str]]", {set}),
        ("tuple[int, ...]", {tuple}),
        ("'list[str]'", {list}),
        ("list", {list}),
    ],
)
def test_values_are_of_the_hinted_type_and_begin_with_the_emptiest(hint: str, kinds: set[type]) -> None:
    values = [arguments[0] for arguments in inputs([hint], most=40)]

    assert {type(value) for value in values} == kinds
    assert not values[0]


@pytest.mark.parametrize("hint", ["Frame", "list[Frame]", "Callable[[int], int]", "", "int |", "Any"])
def test_a_hint_that_is_not_understood_gives_no_inputs(hint: str) -> None:
    assert inputs(["int", hint]) == []


def test_texts_are_made_of_the_letters_the_task_uses() -> None:
    found = inputs(["str"], most=30, seen=[("(()())",)])

    assert {letter for (text,) in found for letter in str(text)} == {"(", ")"}
    assert ("",) in found


@pytest.mark.parametrize("value", [1, 2.5, "a", True, None, [1], [[0.5]], {"a": [1]}, (1, "a"), {1}, [], {}, ()])
def test_a_value_is_an_example_of_its_own_hint(value: Any) -> None:
    found = inputs([hint_of(value)], most=40)

    assert type(value) in {type(arguments[0]) for arguments in found}


def test_calls_are_invented_from_hints_of_the_task_of_a_solution_or_of_examples() -> None:
    bare, hinted = "def top(xs, k):\n    return xs[:k]", "def top(xs: list[str], k: bool = True):\n    return xs"
    shown = [Assertion("top([1, 2], 3)", "[]", "example")]

    of_task = invented_calls("Write def top(xs: dict[str, int], k: float) -> int: of all", [bare], [])
    of_solution = invented_calls("Write top(xs, k)", [hinted], [])
    of_examples = invented_calls("Write top(xs, k)", [bare], shown)

    assert "top({}, 0.0)" in of_task
    assert "top([])" in of_solution
    assert "top([], 0)" in of_examples
    assert invented_calls("Write top(xs, k)", [bare], []) == []


def test_negative_numbers_are_tried_only_where_the_task_speaks_of_them() -> None:
    code = "def half(n: int) -> int:\n    return n // 2"

    assert not any("-" in call for call in invented_calls("Write half(n)", [code], []))
    assert any("-" in call for call in invented_calls("Write half(n), n may be negative", [code], []))
