"""Written forms found from solved cases: what they find, what they leave, and that chance finds none."""

import random
from collections.abc import Callable, Sequence

import pytest

from purpose_agent.core.memory import Case, RuleLine
from purpose_agent.learning.forms import induce_forms
from purpose_agent.memory.rules import told_by

PEOPLE = ("the porter", "a nurse", "Mrs Hale", "our clerk", "Tom")
WHEN = ("on Monday", "at dawn", "before 9", "on 3 May", "late at night", "in room 12")
FIRST = [
    "Anna",
    "Bela",
    "Carl",
    "Dora",
    "Emil",
    "Fritz",
    "Gerda",
    "Hugo",
    "Ines",
    "Karla",
    "Leo",
    "Nils",
    "Olga",
    "Paul",
    "Rita",
    "Sven",
]
LAST = [
    "Abel",
    "Brandt",
    "Conrad",
    "Dietz",
    "Ebert",
    "Falk",
    "Gross",
    "Horn",
    "Jung",
    "Kern",
    "Lang",
    "Maurer",
    "Nagel",
    "Otto",
    "Pohl",
]
TOWNS = ["Bern", "Basel", "Rome", "Paris", "Oslo", "Lyon", "Ghent", "Riga", "Turin", "Porto", "Lisbon", "Madrid"]
THINGS = ["lamp", "chair", "mirror", "basket", "guitar", "kettle", "blanket", "ladder", "hammer", "bucket", "candle", "pillow"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

Words = dict[str, str]


def words(rng: random.Random) -> Words:
    number, month = rng.randint(1, 99), rng.choice(MONTHS)
    one, other = rng.sample(TOWNS, 2)
    return {
        "who": rng.choice(PEOPLE), "when": rng.choice(WHEN), "first": rng.choice(FIRST), "last": rng.choice(LAST),
        "town": one, "other": other, "thing": rng.choice(THINGS), "second": rng.choice(THINGS),
        "number": str(number), "four": f"{number:04d}", "kilos": str(rng.randint(100, 999)), "year": str(rng.randint(1950, 2020)),
        "day": str(rng.randint(1, 28)), "month": month, "mm": f"{MONTHS.index(month) + 1:02d}",
        "code": f"{rng.choice(('AB', 'XK', 'QT'))}-{rng.randint(1000, 9999)}",
    }  # fmt: skip


def cases(wordings: Sequence[str], form: Callable[[Words], str], count: int, seed: int) -> list[Case]:
    rng = random.Random(seed)
    made: dict[str, Case] = {}
    while len(made) < count:
        scene = words(rng)
        situation = rng.choice(wordings).format_map(scene)
        made[situation] = Case(situation, form(scene))
    return list(made.values())


def share_right(lines: Sequence[RuleLine], unseen: Sequence[Case]) -> float:
    return sum(told_by(lines, case.situation) == case.answer for case in unseen) / len(unseen)


FORMS: dict[str, tuple[tuple[str, ...], Callable[[Words], str]]] = {
    "address": (
        ("{when} {who} makes a mailbox. Person: {first} {last}, office {town}", "Person: {first} {last}, office {town}, {when}"),
        lambda of: f"{of['first'][0].lower()}.{of['last'].lower()}@{of['town'].lower()}.example",
    ),
    "id": (
        ("The id of member number {number}, born {year}, called {last}?", "{who}: member number {number}, born {year}, called {last}"),
        lambda of: f"{of['year'][2:]}-{of['four']}-{of['last'][:3].upper()}",
    ),
    "label of two words": (
        ("{who} writes {when} a label for: {second} {thing}", "{when}, label for: {second} {thing}"),
        lambda of: f"<{of['second']}_{of['thing']}>",
    ),
    "date": (
        ("{who} notes the day: {day} {month} {year}", "{when} please enter the day: {day} {month} {year}"),
        lambda of: f"{of['year']}-{of['mm']}-{int(of['day']):02d}",
    ),
    "initials": (
        ("The pass of {first} {last} from {town} was lost {when}.", "{when} the pass of {first} {last} from {town} was found."),
        lambda of: f"{of['first'][0]}{of['last'][0]}/{of['town'].upper()}",
    ),
    "numbers beside words": (
        ("{when} a van takes {kilos} kilos from {town} to {other}.", "{who} drives {kilos} kilos from {town} to {other} {when}."),
        lambda of: f"{of['town'][:2].upper()}>{of['other'][:2].upper()} ({of['kilos']}kg)",
    ),
    "code": (
        ("{who} brings part {code} {when}, count {number}", "{when}: part {code} came in, count {number}"),
        lambda of: f"{of['number']}x{of['code'].lower()}",
    ),
    "quotation": (
        ('{who} wants the book "{second} {thing}" by {last} {when}', '{when} the book "{second} {thing}" by {last} was sold'),
        lambda of: f"{of['last'].upper()}: {of['second'].capitalize()}-{of['thing'].capitalize()}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_found_and_writes_what_it_has_not_seen(name: str) -> None:
    each = cases(*FORMS[name], 72, 1)

    (rule,) = induce_forms(each[:12])
    assert share_right(rule.lines, each[32:]) >= 0.9
    (rule,) = induce_forms(each[:32])
    assert (share_right(rule.lines, each[32:]), rule.hits, rule.cases) == (1.0, 32, 32)


@pytest.mark.parametrize("name", FORMS)
def test_a_wrong_case_in_ten_does_not_hide_the_form(name: str) -> None:
    each = cases(*FORMS[name], 70, 2)
    taught = [Case(case.situation, each[40].answer) if number % 10 == 5 else case for number, case in enumerate(each[:30])]

    (rule,) = induce_forms(taught)
    assert share_right(rule.lines, each[30:]) >= 0.95
    assert rule.hits == 27


def test_a_word_of_the_situation_may_tell_two_forms_apart() -> None:
    wordings = (
        "{who} brings an urgent order: {thing}, {number} pieces",
        "{who} brings a plain order: {thing}, {number} pieces",
    )
    urgent = cases(wordings[:1], lambda of: f"!{of['thing'].upper()}*{of['number']}", 30, 1)
    plain = cases(wordings[1:], lambda of: f"{of['thing']} {of['number']}", 30, 2)

    (rule,) = induce_forms([*urgent[:12], *plain[:12]])
    assert [line.conditions != () for line in rule.lines] == [True, False]
    assert share_right(rule.lines, [*urgent[12:], *plain[12:]]) == 1.0


def test_each_of_two_wordings_may_have_its_own_places() -> None:
    wordings = ("{when} a parcel for {town} was sent by {first}", "sender {first} wants it brought to {town} {when}")
    each = cases(wordings, lambda of: f"{of['town'][:3].upper()}:{of['first'].lower()}", 60, 4)

    (rule,) = induce_forms(each[:24])
    assert len(rule.lines) == 2
    assert share_right(rule.lines, each[24:]) == 1.0


def test_the_nearest_label_is_named() -> None:
    wordings = ("{who} left it. Ticket for: {thing}, shelf {number}", "Ticket for: {thing}, shelf {number}, {who}")
    (rule,) = induce_forms(cases(wordings, lambda of: f"{of['thing']}#{of['number']}", 12, 3))

    assert [line.text for line in rule.lines] == ['the answer is: word after "for:" + "#" + number after "shelf"']


def test_the_order_of_the_cases_does_not_matter() -> None:
    each = cases(*FORMS["id"], 20, 5)

    assert induce_forms(each) == induce_forms(each[::-1])


# What is no form


@pytest.mark.parametrize("seed", range(12))
def test_answers_of_other_cases_have_no_form(seed: int) -> None:
    rng = random.Random(seed)
    each = cases(*FORMS[rng.choice(list(FORMS))], rng.choice((6, 8, 12, 20, 40)), seed)
    answers = [case.answer for case in each]
    rng.shuffle(answers)

    assert induce_forms([Case(case.situation, answer) for case, answer in zip(each, answers, strict=True)]) == ()


@pytest.mark.parametrize("seed", range(12))
def test_random_letters_have_no_form(seed: int) -> None:
    rng = random.Random(seed)
    each = cases(*FORMS["code"], rng.choice((6, 8, 12, 20, 40)), seed)
    longest = rng.choice((1, 4))

    assert induce_forms([Case(case.situation, "".join(rng.choices("abcde123", k=longest))) for case in each]) == ()


def test_too_few_cases_have_no_form() -> None:
    each = cases(*FORMS["code"], 6, 1)

    assert induce_forms(each[:5]) == ()
    assert induce_forms(each)


@pytest.mark.parametrize("answers", [["same"] * 12, [f"line {n}\nline" for n in range(12)], [str(n) * 200 for n in range(12)]])
def test_equal_long_and_many_lined_answers_have_no_form(answers: list[str]) -> None:
    assert induce_forms([Case(f"say: {answer}", answer) for answer in answers]) == ()


def test_one_answer_that_is_no_form_does_not_hide_the_form() -> None:
    cases = [
        Case(f"Ticket for: {name}, shelf {11 + number}", f"{name}#{11 + number}") for number, name in enumerate(FIRST[:14])
    ]
    odd = [*cases[:-1], Case(cases[-1].situation, "see\nabove")]

    (rule,) = induce_forms(odd)
    assert told_by(rule.lines, "Ticket for: Zora, shelf 94") == "Zora#94"


def test_in_very_long_texts_no_form_is_looked_for() -> None:
    cases = [Case(f"{'a long story, ' * 200}ticket for: {name}", f"{name}!") for name in FIRST[:10]]

    assert induce_forms(cases) == ()
