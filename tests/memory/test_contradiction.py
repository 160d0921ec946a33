"""Opposite advice is seen, and two tips for one situation are none."""

from dataclasses import replace

import pytest

from purpose_agent.core.memory import Case, Condition, Lesson, RuleLine
from purpose_agent.memory.contradiction import contradict
from purpose_agent.memory.sameness import say_the_same
from tests.memory.build import lesson


def both(one: str, other: str, when: str = "naming a branch") -> tuple[Lesson, Lesson]:
    return lesson(when, one), lesson(when, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("always put the ticket number in it", "never put the ticket number in it"),
        ("put the ticket number in it", "don't put the ticket number in it"),
        ("run the tests before pushing it", "run the tests after pushing it"),
        ("wait 5 seconds", "wait 10 seconds"),
        ("answer tracking", "answer sales"),
        ("choose the red door", "choose the blue door"),
    ],
)
def test_opposites(one: str, other: str) -> None:
    first, second = both(one, other)

    assert contradict(first, second)
    assert contradict(second, first)
    assert not say_the_same(first, second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("put the ticket number in it", "use lower case"),
        ("put the ticket number in it", "put the ticket number in it"),
        ("check n is 0", "check the list is empty"),
        ("use tabs", "use spaces"),
        ("never push to main", "always run the tests"),
        ("look at page 3 of the guide", "look at page 4 of the guide and at its picture"),
        ("", "never do it"),
    ],
)
def test_no_opposites(one: str, other: str) -> None:
    first, second = both(one, other)

    assert not contradict(first, second)
    assert not contradict(second, first)


def test_another_situation_or_scope_is_no_contradiction() -> None:
    one, other = both("always put the number in it", "never put the number in it")

    assert not contradict(one, replace(other, when="naming a tag"))
    assert not contradict(one, replace(other, when="not naming a branch"))
    assert not contradict(one, replace(other, scope=replace(other.scope, agents=("a",))))
    assert not contradict(one, replace(other, kind="failure_pattern"))


def rule(*lines: tuple[str, str], cases: tuple[Case, ...] = ()) -> Lesson:
    made = tuple(RuleLine((Condition(term),) if term else (), answer) for term, answer in lines)
    return replace(lesson("", "a rule", cases=cases), lines=made)


def test_rules_contradict_where_a_case_of_theirs_is_answered_differently() -> None:
    cases = (Case("my parcel is late", "tracking"),)
    one, other = (
        rule(("parcel", "tracking"), ("", "sales"), cases=cases),
        rule(("invoice", "books"), ("", "sales"), cases=cases),
    )

    assert contradict(one, other)
    assert not contradict(one, rule(("late", "Tracking"), ("", "books"), cases=cases))


def test_rules_without_cases_contradict_in_a_line() -> None:
    assert contradict(rule(("parcel", "tracking")), rule(("parcel", "sales")))
    assert not contradict(rule(("parcel", "tracking")), rule(("invoice", "books")))
    assert not contradict(rule(("", "tracking")), rule(("", "books")))


def test_demonstrations_contradict_in_a_case() -> None:
    one, other = (lesson("", "", cases=(Case("My parcel", answer),)) for answer in ("tracking", "sales"))

    assert contradict(one, other)
    assert not contradict(one, lesson("", "", cases=(Case("Another", "sales"),)))
    assert not contradict(one, rule(("parcel", "sales")))
