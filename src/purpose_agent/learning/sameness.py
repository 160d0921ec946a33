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
    if one.scope != other.scope or one.kind != other.kind or one.lines or other.lines or one.cases or other.cases:
        return False
    mine, its = _things(one.then), _things(other.then)
    if not mine or not its or _turns(one) != _turns(other):
        return False
    my_place, its_place = _things(one.when), _things(other.when)
    all_mine, all_its = mine | my_place, its | its_place
    return (
        (mine <= all_its or its <= all_mine)
        and (my_place <= all_its or its_place <= all_mine)
        and len(all_mine & all_its) >= LIKENESS * len(all_mine | all_its)
    )


def advice_in_common(one: Lesson, other: Lesson) -> float:
    """Which part of the shorter advice is in the longer one, 0 to 1."""
    mine, its = _things(one.then), _things(other.then)
    return len(mine & its) / min(len(mine), len(its)) if mine and its else 0.0


def _words(text: str) -> list[str]:
    return _WORD.findall(_OWNERS.sub("", text.casefold()))


@lru_cache(maxsize=4096)
def _things(text: str) -> frozenset[str]:
    """What it is about: stems of words, numbers, single letters, signs; never the words that every text has."""
    words = (word for word in _words(text) if word not in STOP and word not in _TURNS)
    return frozenset(_ALIKE.get(word) or _ALIKE.get(_root(word)) or _root(word) for word in words)


def _root(word: str) -> str:
    """Its stem, with the consonant undoubled that an ending doubled: `putting` and `put` are one word."""
    root = stem(word)
    return root[:-1] if root != word and len(root) > 3 and root[-1] == root[-2] else root


def _turns(lesson: Lesson) -> list[str]:
    return sorted(word for word in set(_words(f"{lesson.when} {lesson.then}")) & _TURNS)
