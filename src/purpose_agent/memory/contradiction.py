"""Do two lessons say the opposite of each other?

In:  two lessons.
Out: yes or no.

Words, cases and lines are all that is looked at, and the answer leans to "no": two tips for one situation are mostly no
contradiction. Seen are: cases and rules that answer one situation differently; and advice for the same situation that is the
same but for a negation, an order ("before" and "after"), a number, or what is to be answered.
"""

import re

from purpose_agent.core.memory import Lesson
from purpose_agent.memory.rules import told_by
from purpose_agent.memory.sameness import LIKENESS, root_of, said_in, things_in

_NEGATION_WORDS = "not no never without avoid cannot dont can't don't doesn't isn't won't mustn't shouldn't don’t can’t"
_NEGATIONS = frozenset(_NEGATION_WORDS.split())
_OPPOSITES = (
    ("before", "after"),
    ("above", "below"),
    ("over", "under"),
    ("more", "less"),
    ("first", "last"),
    ("until", "after"),
)
_ANSWERING = frozenset(map(root_of, ["answer", "choose", "pick", "select", "reply", "say", "route"]))
"""Whoever does one of these with one thing does not do it with another."""
MOST_DIFFERENT = 2
"""Words of what is to be answered."""
_NUMBER = re.compile(r"\d")


def contradict(one: Lesson, other: Lesson) -> bool:
    """Whether two lessons of one scope and kind give opposite advice for the same situation."""
    if one.scope != other.scope or one.kind != other.kind:
        return False
    if one.lines and other.lines:
        return _rules_differ(one, other)
    if one.lines or other.lines:
        return False
    if one.cases and other.cases:
        mine, its = _answers(one), _answers(other)
        return any(mine[situation] != its[situation] for situation in mine.keys() & its.keys())
    if one.cases or other.cases or not _same_place(one, other):
        return False
    return _opposite(one.then, other.then)


def _rules_differ(one: Lesson, other: Lesson) -> bool:
    """On a case of theirs both have an answer, and another one; or, without cases, on the same conditions."""
    situations = [case.situation for case in (*one.cases, *other.cases)]
    if situations:
        told = ((told_by(one.lines, each), told_by(other.lines, each)) for each in situations)
        return any(mine is not None and its is not None and _normal(mine) != _normal(its) for mine, its in told)
    mine, its = ({line.conditions: _normal(line.text) for line in each.lines if line.conditions} for each in (one, other))
    return any(mine[conditions] != its[conditions] for conditions in mine.keys() & its.keys())


def _answers(lesson: Lesson) -> dict[str, str]:
    return {_normal(case.situation): _normal(case.answer) for case in lesson.cases}


def _same_place(one: Lesson, other: Lesson) -> bool:
    """Of the same situation, in other words perhaps; what is for every situation is of no situation."""
    return things_in(one.when) == things_in(other.when) and _turned(one.when) == _turned(other.when)


def _opposite(one: str, other: str) -> bool:
    mine, its = things_in(one), things_in(other)
    shared, all_ = mine & its, mine | its
    if not shared:
        return False
    if len(shared) >= LIKENESS * len(all_):
        if bool(_turned(one)) != bool(_turned(other)):
            return True
        said, heard = set(said_in(one)), set(said_in(other))
        if any(_each_has_one(pair, said, heard) for pair in _OPPOSITES):
            return True
    my_numbers, its_numbers = (frozenset(filter(_NUMBER.search, each)) for each in (mine, its))
    if my_numbers and its_numbers and my_numbers != its_numbers and mine - my_numbers == its - its_numbers:
        return True
    mine, its = mine - shared, its - shared
    return bool(shared & _ANSWERING) and 0 < len(mine) <= MOST_DIFFERENT and 0 < len(its) <= MOST_DIFFERENT


def _each_has_one(pair: tuple[str, str], said: set[str], heard: set[str]) -> bool:
    """One of the opposites is said here and the other one there."""
    in_said, in_heard = said.intersection(pair), heard.intersection(pair)
    return len(in_said) == len(in_heard) == 1 and in_said != in_heard


def _turned(text: str) -> frozenset[str]:
    return frozenset(said_in(text)) & _NEGATIONS


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())
