"""Do two lessons say the same?

In:  two lessons in words.
Out: yes or no; and how much of what they advise is in both.

Words are all that is looked at, so the answer leans to "no": a repetition that is not seen costs one more trial, while
two lessons that are taken for one cost a lesson. What differs in a number, a negation or an order ("before" and
"after", "first" and "last") is never the same, nor is what names other things. Other words for the same thing are not
seen, apart from the few verbs below that small models exchange freely.
"""

import re
from functools import lru_cache

from purpose_agent.core.memory import Lesson
from purpose_agent.memory.words import STOP, stem

LIKENESS = 0.6
"""So much of the words of both, situation and advice together, must be in both."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|!=|[<>=+*/%-]+")
_ARROW = re.compile(r"->|=>|→")
_OWNERS = re.compile(r"['’]s\b")
_TURN_WORDS = (
    "not no never without avoid except unless only before after until above below under over more less first last always"
    " cannot dont can't don't doesn't isn't won't mustn't shouldn't don’t can’t"
)
_TURNS = frozenset(_TURN_WORDS.split())
"""Words that turn a sentence into another one; most of them are among the words that recall passes over."""
_ALIKE = {
    word: words.split()[0]
    for words in (
        "check test verify ensure confirm validate",
        "return give output",
        "handle treat",
        "use apply",
    )
    for word in words.split()
}


def say_the_same(one: Lesson, other: Lesson) -> bool:
    """Whether one of two lessons of the same scope adds nothing to the other.

    All that the shorter advice and the shorter situation say must be in the other lesson, and at least `LIKENESS` of
    all their words in both.
    Lessons made of lines or of cases are not compared here.
    """
    return one.scope == other.scope and one.kind == other.kind and tell_the_same(one, other)


def tell_the_same(one: Lesson, other: Lesson) -> bool:
    """As `say_the_same`, of lessons of whatever scope and kind: a reader who has one needs the other no more."""
    if one.lines or other.lines or one.cases or other.cases:
        return False
    mine, its = things_in(one.then), things_in(other.then)
    if _table(one.then) != _table(other.then):
        return False
    if not mine or not its or _turns(one.when, one.then) != _turns(other.when, other.then):
        return False
    my_place, its_place = things_in(one.when), things_in(other.when)
    all_mine, all_its = mine | my_place, its | its_place
    return (
        (mine <= all_its or its <= all_mine)
        and (my_place <= all_its or its_place <= all_mine)
        and len(all_mine & all_its) >= LIKENESS * len(all_mine | all_its)
    )


def advice_in_common(one: Lesson, other: Lesson) -> float:
    """Which part of the shorter advice is in the longer one, 0 to 1."""
    mine, its = things_in(one.then), things_in(other.then)
    return len(mine & its) / min(len(mine), len(its)) if mine and its else 0.0


def said_in(text: str) -> list[str]:
    """All words, numbers and signs of a text in order, in lower case."""
    return _WORD.findall(_OWNERS.sub("", text.casefold()))


@lru_cache(maxsize=4096)
def things_in(text: str) -> frozenset[str]:
    """What it is about: stems of words, numbers, single letters, signs; never the words that every text has."""
    words = (word for word in said_in(text) if word not in STOP and word not in _TURNS)
    return frozenset(_ALIKE.get(word) or _ALIKE.get(root_of(word)) or root_of(word) for word in words)


def root_of(word: str) -> str:
    """Its stem, with the consonant undoubled that an ending doubled: `putting` and `put` are one word."""
    root = stem(word)
    return root[:-1] if root != word and len(root) > 3 and root[-1] == root[-2] else root


@lru_cache(maxsize=4096)
def _table(text: str) -> frozenset[tuple[str, str]]:
    """Lines such as "red door -> knock": which words stand on which side makes all the difference there."""
    rows = (_ARROW.split(line, maxsplit=1) for line in text.casefold().splitlines())
    return frozenset((" ".join(row[0].split()).lstrip("- "), " ".join(row[1].split())) for row in rows if len(row) == 2)


@lru_cache(maxsize=4096)
def _turns(when: str, then: str) -> frozenset[str]:
    return _TURNS.intersection(said_in(f"{when} {then}"))
