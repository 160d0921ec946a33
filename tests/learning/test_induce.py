"""A rule behind solved cases is found where there is one, and mostly not where there is none."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.memory import Case
from purpose_agent.learning.induce import RuleLine, as_text, induce

FAMILIES = {
    "doors": (
        "You stand before a {0} {1} near the {2}.",
        "red blue green white",
        "door gate hatch",
        "wall tower mill barn quay",
    ),
    "mail": ("A letter from {2}, marked {0}, for the {1}.", "urgent private routine", "office cellar kitchen", "Ada Bo Cy Ed"),
    "plants": ("{1} soil, {2} light: the {0} plant", "thorny woolly waxy ribbed", "dry wet sandy", "dim full north south"),
    "codes": ("Part {1}-{2} shows error {0}", "e17 e23 e40", "a7 b2 c9", "41 52 63 74"),
}
ANSWERS = ("left", "right", "up", "down")


def told(family: str, count: int, seed: int, *, deciding: int | None = 0) -> list[Case]:
    """Cases of a family; the word in one place decides, or (None) a coin does."""
    form, *words = FAMILIES[family]
    slots = [each.split() for each in words]
    rng = random.Random(f"{family}/{seed}")
    meaning = {word: ANSWERS[number % 3] for number, word in enumerate(slots[0])}
    every = [(a, b, c) for a in slots[0] for b in slots[1] for c in slots[2]]
    chosen = rng.sample(every, count)
    return [Case(form.format(*row), meaning[row[0]] if deciding is not None else rng.choice(ANSWERS[:2])) for row in chosen]


def predicted(lines: Sequence[RuleLine], case: Case) -> set[str]:
    text = " ".join(case.situation.casefold().replace(",", " ").replace(".", " ").replace(":", " ").split())
    return {line.answer for line in lines if f" {line.term} " in f" {text} "}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(5))
def test_the_one_word_that_decides_is_found(family: str, seed: int) -> None:
    every = told(family, 36, seed)
    lines = induce(every[:24])

    assert all(predicted(lines, case) == {case.answer} for case in every)
    assert len(lines) <= 4


def test_where_a_coin_decides_no_rule_explains_all_cases() -> None:
    draws = [(family, seed) for family in FAMILIES for seed in range(75)]
    explained = 0
    for family, seed in draws:
        cases = told(family, 12, seed, deciding=None)
        explained += all(predicted(induce(cases), case) for case in cases)

    assert explained / len(draws) <= 0.05


@pytest.mark.parametrize("family", FAMILIES)
def test_no_line_contradicts_a_case_even_where_a_coin_decides(family: str) -> None:
    for seed in range(25):
        cases = told(family, 20, seed, deciding=None)
        assert all(predicted(induce(cases), case) <= {case.answer} for case in cases)


def test_a_case_that_contradicts_a_line_hides_it() -> None:
    ways = {"red": "left", "blue": "right", "green": "down"}
    cases = [Case(f"a {colour} door, {place}", way) for colour, way in ways.items() for place in PLACES]
    wrong = Case("a red door, attic", "right")

    assert {line.term for line in induce(cases)} == {"red door", "blue door", "green door"}
    assert {line.term for line in induce([*cases, wrong])} == {"blue door", "green door"}


def test_lines_that_explain_few_of_the_cases_are_no_rule() -> None:
    cases = [Case(f"a {colour} door, {place}", place) for colour in ("red", "blue") for place in PLACES]
    told_twice = [Case("a round window, hall", "push"), Case("a round window, cave", "push")]

    assert induce([*(replace(case, situation="a door") for case in cases), *told_twice]) == ()


PLACES = ("hall", "cave", "yard", "loft")


def test_one_case_is_enough_for_a_line_of_the_same_form() -> None:
    cases = [Case(f"a {colour} door, {place}", way) for colour, way in (("red", "left"), ("blue", "right")) for place in PLACES]
    single = Case("a white door, attic", "up")

    assert RuleLine("white door", "up", 1) in induce([*cases, single])


def test_one_case_of_another_form_is_no_line() -> None:
    cases = [Case(f"a {colour} door, {place}", way) for colour, way in (("red", "left"), ("blue", "right")) for place in PLACES]
    single = Case("some open window upstairs", "up")

    assert {line.term for line in induce([*cases, single])} == {"red door", "blue door"}


def test_too_few_cases_or_a_single_answer_are_no_rule() -> None:
    assert induce(told("doors", 5, 0)) == ()
    assert induce([Case(f"a red door, {place}", "left") for place in (*PLACES, "den", "nook")]) == ()


@given(seed=st.integers(0, 10_000), shuffle=st.randoms(use_true_random=False), count=st.integers(6, 30))
def test_the_order_of_cases_does_not_matter_to_what_is_explained(seed: int, shuffle: random.Random, count: int) -> None:
    cases = told("doors", count, seed)
    mixed = list(cases)
    shuffle.shuffle(mixed)

    assert induce(mixed) == induce(cases)


@given(st.lists(st.builds(Case, st.text(max_size=30), st.sampled_from(("a", "b"))), max_size=20))
def test_any_text_at_all_is_taken(cases: list[Case]) -> None:
    assert all(line.support >= 1 and line.term for line in induce(cases))


def test_a_rule_is_written_as_lines() -> None:
    assert as_text([RuleLine("red door", "left", 3), RuleLine("blue", "right", 2)]) == "- red door -> left\n- blue -> right"
