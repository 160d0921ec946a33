"""A lesson that is known already is seen, and one that is not is never taken for it."""

import pytest

from purpose_agent.core.memory import Case, Lesson, Provenance, Scope
from purpose_agent.memory.sameness import advice_in_common, say_the_same


def lesson(when: str, then: str, family: str = "") -> Lesson:
    return Lesson("failure_pattern", when, then, Provenance("self_verified"), Scope((), (family,) if family else ()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("writing a recursive function", "test n=0 first"), ("writing recursive functions", "first test n = 0")),
        (
            ("Writing a function that parses dates", "Check for an empty string before parsing."),
            ("writing functions that parse dates", "Before parsing, verify the string is empty."),
        ),
        (
            ("sorting a list of names", "Ignore the case of letters when comparing names."),
            ("when sorting lists of names", "Ignore case of the letters when you compare the names"),
        ),
        (
            ("summing the digits of a number", "Take the absolute value of the number."),
            ("Summing digits of numbers", "Take the absolute value of the number, so that the sign is ignored"),
        ),
        (
            ("naming the capital of a country", "Answer with the name of the city alone."),
            ("naming a country's capital", "Answer with the city name alone."),
        ),
        (("reaching the end of a corridor", "Always go east."), ("reaching the corridor's end", "Always go east!")),
        (
            ("putting objects away in a kitchen", "Open the fridge before you put food into it"),
            ("putting away objects in the kitchen", "Open the fridge before putting the food into it."),
        ),
        (("handling a refund", "Ask for the order number."), ("handling refunds", "ask for the number of the order")),
    ],
)
def test_other_forms_of_the_same_words_say_the_same(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert say_the_same(lesson(*one), lesson(*other))
    assert say_the_same(lesson(*other), lesson(*one))


@pytest.mark.parametrize(
    ("when", "one", "other"),
    [
        ("writing a recursive function", "test n=0 first", "test n=1 first"),
        ("sorting a list of names", "Sort the names in ascending order", "Sort the names in descending order"),
        ("parsing dates", "Check the format before parsing.", "Check the format after parsing."),
        ("parsing dates", "Use strptime for dates", "Never use strptime for dates"),
        ("parsing dates", "Use strptime for dates", "Don't use strptime for dates"),
        ("writing the title of a book", "Write the title in uppercase letters", "Write the title in lowercase letters"),
        ("opening a red door", "Turn the handle left", "Turn the handle right"),
        ("putting objects away in a kitchen", "Put milk into the fridge", "Put plates into the cupboard"),
        ("comparing two numbers", "Use > for the larger one", "Use >= for the larger one"),
        ("summing a list", "Return 0 for an empty list", "Return None for an empty list"),
        (
            "writing a function on strings",
            "Handle the empty string",
            "Handle the empty string and return None, and strip spaces before splitting words",
        ),
    ],
)
def test_what_differs_in_what_it_says_is_another_lesson(when: str, one: str, other: str) -> None:
    assert not say_the_same(lesson(when, one), lesson(when, other))


def test_the_same_advice_for_other_tasks_is_another_lesson() -> None:
    least, most = (
        lesson("finding the least number of a list", "Sort it"),
        lesson("finding the greatest number of a list", "Sort it"),
    )

    assert not say_the_same(least, most)
    assert advice_in_common(least, most) == 1.0


def test_the_same_words_for_another_family_are_another_lesson() -> None:
    assert not say_the_same(lesson("parsing dates", "Use strptime", "a"), lesson("parsing dates", "Use strptime", "b"))


def test_lessons_made_of_cases_are_not_compared_by_their_words() -> None:
    shown = Lesson("failure_pattern", "parsing dates", "Use strptime", Provenance("self_verified"), cases=(Case("a", "b"),))

    assert not say_the_same(shown, shown)


def test_a_lesson_without_advice_says_nothing() -> None:
    assert not say_the_same(lesson("parsing dates", ""), lesson("parsing dates", ""))
    assert advice_in_common(lesson("parsing dates", ""), lesson("parsing dates", "Use strptime")) == 0.0


def test_a_table_with_other_answers_is_another_lesson() -> None:
    doors = "red door -> push\nblue door -> pull"
    swapped = "red door -> pull\nblue door -> push"

    assert not say_the_same(lesson("at a door", doors), lesson("at a door", swapped))
    assert say_the_same(lesson("at a door", doors), lesson("at a door", "\n".join(reversed(doors.splitlines()))))
