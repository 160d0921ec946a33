"""A rule behind solved cases is found where there is one, and mostly not where there is none."""

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpose_agent.core.memory import Case, Condition, RuleLine
from purpose_agent.learning.features import roundest
from purpose_agent.learning.induce import as_text, induce
from purpose_agent.memory.rules import first_fit

FORMS = (
    "You stand before a {0} {3} near the {2}, on a {1} day; it weighs {4} kilos.",
    "{1} evening: from the {2} comes a {0} thing, {4} kilos, kind: {3}. What now?",
    "Order {4}: {0} / {1}, place {2}, for the {3}.",
)
WORDS: tuple[list[str], ...] = (
    ["red", "blue", "green", "white"],
    ["dry", "wet", "foggy"],
    ["wall", "tower", "mill", "barn", "quay"],
    ["door", "gate", "hatch"],
)
ANSWERS = ("left", "right", "up", "down")
ENOUGH = 26
"""Cases of about 40 tasks, a third of which is held out."""


def one_word(a: str, b: str, c: str, d: str, n: int) -> str:
    return {"red": "left", "blue": "right", "green": "up", "white": "left"}[a]


def two_words(a: str, b: str, c: str, d: str, n: int) -> str:
    return ANSWERS[(WORDS[0].index(a) % 2 + 2 * (b == "wet"))]


def exceptions(a: str, b: str, c: str, d: str, n: int) -> str:
    return "down" if a == "red" and b == "wet" else one_word(a, b, c, d, n)


def otherwise(a: str, b: str, c: str, d: str, n: int) -> str:
    return {"wall": "up", "barn": "down"}.get(c, "left")


def threshold(a: str, b: str, c: str, d: str, n: int) -> str:
    return "left" if n > 20 else "right"


def two_thresholds(a: str, b: str, c: str, d: str, n: int) -> str:
    return "left" if n > 40 else "up" if n > 15 else "right"


def number_and_word(a: str, b: str, c: str, d: str, n: int) -> str:
    return "down" if n > 25 and b == "wet" else "left" if n > 25 else "right"


def precedence(a: str, b: str, c: str, d: str, n: int) -> str:
    return "left" if d == "door" else "up" if b == "wet" else "right" if a == "red" else "down"


RULES: tuple[Callable[[str, str, str, str, int], str], ...] = (
    one_word, two_words, exceptions, otherwise, threshold, two_thresholds, number_and_word, precedence,
)  # fmt: skip


def told(rule: Callable[[str, str, str, str, int], str] | None, count: int, seed: int, form: int = 0) -> list[Case]:
    """Cases of a rule; None: a coin decides."""
    rng = random.Random(f"{seed}/{form}")
    cases: list[Case] = []
    for _ in range(count):
        a, b, c, d = (rng.choice(words) for words in WORDS)
        number = rng.randint(1, 60)
        answer = rng.choice(ANSWERS) if rule is None else rule(a, b, c, d, number)
        cases.append(Case(FORMS[form].format(a, b, c, d, number), answer))
    return cases


def share_right(lines: Sequence[RuleLine], cases: Sequence[Case]) -> float:
    fitting = [(first_fit(lines, case.situation), case) for case in cases]
    return sum(line is not None and line.answer == case.answer for line, case in fitting) / len(cases)


def found_share(cases: Sequence[list[Case]], unseen: int) -> list[float]:
    shares: list[float] = []
    for each in cases:
        rules = induce(each[:-unseen])
        shares.append(share_right(rules[0].lines, each[-unseen:]) if rules else 0.0)
    return sorted(shares)


FLOORS = (0.95, 0.75, 0.9, 0.95, 0.95, 0.9, 0.8, 0.82)
"""Of unseen cases, the mean share that must be right after `ENOUGH` cases; two words that span twelve cells need more."""


@pytest.mark.parametrize(("rule", "floor"), list(zip(RULES, FLOORS, strict=True)))
def test_the_rule_is_found_in_the_cases_of_forty_tasks(rule: Callable[[str, str, str, str, int], str], floor: float) -> None:
    families = [told(rule, ENOUGH + 100, seed, form) for seed in range(3) for form in range(len(FORMS))]
    shares = found_share(families, 100)

    assert sum(shares) / len(shares) >= floor


@pytest.mark.parametrize("rule", RULES)
def test_with_sixty_cases_hardly_anything_is_missed(rule: Callable[[str, str, str, str, int], str]) -> None:
    shares = found_share([told(rule, 160, 1, form) for form in range(len(FORMS))], 100)

    assert shares[0] >= 0.9


@pytest.mark.parametrize("rule", RULES)
def test_one_wrong_case_does_not_hide_the_rule(rule: Callable[[str, str, str, str, int], str]) -> None:
    cases = told(rule, 140, 2)
    wrong = Case(cases[0].situation, next(answer for answer in ANSWERS if answer != cases[0].answer))
    (found,) = induce([wrong, *cases[1:40]])

    assert share_right(found.lines, cases[40:]) >= 0.9


def false_discoveries(families: int, count: int, answers: int = 4) -> float:
    """The share of families with a rule although a die decides; with two answers, the die's four are taken in pairs."""
    merged = {answer: ANSWERS[number % answers] for number, answer in enumerate(ANSWERS)}
    found = 0
    for seed in range(families):
        cases = told(None, count, seed, seed % len(FORMS))
        found += bool(induce([Case(case.situation, merged[case.answer]) for case in cases]))
    return found / families


def test_random_answers_mostly_yield_no_rule() -> None:
    assert false_discoveries(25, ENOUGH) <= 0.05


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("answers", "most"), [(4, 0.02), (2, 0.05)])
def test_of_a_thousand_random_families_few_yield_a_rule(answers: int, most: float) -> None:
    share = false_discoveries(1000, ENOUGH, answers)

    print(f"a rule in {share:.1%} of 1,000 random families of {ENOUGH} cases with {answers} answers")
    assert share <= most


def test_an_exception_stands_before_its_rule() -> None:
    (found,) = induce(told(exceptions, 80, 0))

    sizes = [len(line.conditions) for line in found.lines if line.answer == "down" or line.conditions[0].term.startswith("red")]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 2


def test_what_holds_for_all_others_is_said_once() -> None:
    (found,) = induce(told(otherwise, 60, 0))

    assert found.lines[-1] == RuleLine((), "left")
    assert {line.answer for line in found.lines[:-1]} == {"up", "down"}


def test_a_bound_is_the_roundest_number_between_the_cases() -> None:
    (found,) = induce(told(threshold, 60, 0))

    assert as_text(found.lines).splitlines()[0] == "- kilos above 20 -> left"
    assert [roundest(*gap) for gap in ((19, 23), (0.3, 0.7), (99, 1300), (7, 8), (-5, 5))] == [20, 0.5, 1000, 7, 0]


def test_what_only_a_few_cases_share_is_no_rule() -> None:
    cases = [Case(f"a {a} door, {place}", place) for a in ("red", "blue") for place in ("hall", "cave", "yard", "loft")]
    told_twice = [Case("a round window, hall", "push"), Case("a round window, cave", "push")]

    assert induce([*(Case("a door", case.answer) for case in cases), *told_twice]) == ()


PLACES = ("hall", "cave", "yard", "loft", "den", "nook")


def test_one_case_is_enough_for_a_line_of_the_same_form_and_not_for_another() -> None:
    cases = [Case(f"a {colour} door, {place}", way) for colour, way in (("red", "left"), ("blue", "right")) for place in PLACES]
    (found,) = induce([*cases, Case("a white door, attic", "up"), Case("some open window upstairs", "down")])

    assert {line.text for line in found.lines} == {"red door -> left", "blue door -> right", "white door -> up"}


def test_too_few_cases_a_single_answer_or_nothing_but_different_ones_are_no_rule() -> None:
    assert induce(told(one_word, 5, 0)) == ()
    assert induce([Case(f"a red door, {place}", "left") for place in PLACES]) == ()
    assert induce([Case(f"a red door, {place}", place.upper()) for place in PLACES]) == ()


def test_several_rules_are_proposed_at_most_as_asked_and_no_two_alike() -> None:
    found = induce(told(exceptions, 40, 0), most=3)

    assert 1 <= len(found) <= 3
    assert len({as_text(rule.lines) for rule in found}) == len(found)
    assert found[0].hits == max(rule.hits for rule in found)


@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), shuffle=st.randoms(use_true_random=False), count=st.integers(6, 30))
def test_the_order_of_cases_does_not_matter(seed: int, shuffle: random.Random, count: int) -> None:
    cases = told(exceptions, count, seed)
    mixed = list(cases)
    shuffle.shuffle(mixed)

    assert induce(mixed) == induce(cases)


@settings(max_examples=50)
@given(st.lists(st.builds(Case, st.text(max_size=30), st.sampled_from(("a", "b"))), max_size=20))
def test_any_text_at_all_is_taken(cases: list[Case]) -> None:
    assert all(line.answer in ("a", "b") for rule in induce(cases, most=2) for line in rule.lines)


def test_a_rule_is_written_as_lines() -> None:
    lines = (
        RuleLine((Condition("red door"), Condition("cellar")), "knock"),
        RuleLine((Condition("kilos", above=20),), "truck"),
        RuleLine((), "right"),
    )
    assert as_text(lines) == "- red door, cellar -> knock\n- kilos above 20 -> truck\n- otherwise -> right"
