"""The rule behind solved cases, found without a model.

In:  situations and what was right in them.
Out: "words -> answer" for words that occur with one answer only.

Sequential covering, as in PRISM (Cendrowska 1987): of all words and pairs of words that occur with a single answer,
take the one that explains most cases, then the next for what is left. A line needs two cases, or one that has the
form of the other lines ("white door" after "red door" and "blue door"). One word that decides is found; rules about
numbers, order or several features together are not, and a single wrong case hides the line it contradicts.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from purpose_agent.core.memory import Case

FEWEST_CASES = 6
SUPPORT = 2
COVERAGE = 0.6
"""Lines that explain less of the cases are taken for chance: random answers yield them too."""
_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_STOP_WORDS = (
    "a an the of to in on at by for from with and or is are was were be it its this that these those there here what which who do does did"
    " you your i my we our he she they his her their as before after into onto"
)
_STOP = frozenset(_STOP_WORDS.split(" "))


@dataclass(frozen=True, slots=True)
class RuleLine:
    """Where `term` occurs, `answer` was right, in all `support` cases that have it."""

    term: str
    answer: str
    support: int


def induce(cases: Sequence[Case]) -> tuple[RuleLine, ...]:
    """The lines that explain `cases`, by the alphabet; () where no word decides.

    Deterministic, and the same rule has the same text however many cases support it.
    """
    answers = {case.answer for case in cases}
    if len(cases) < FEWEST_CASES or len(answers) < 2:
        return ()
    terms = [frozenset(_terms(case.situation)) for case in cases]
    answers_of: defaultdict[str, set[str]] = defaultdict(set)
    for case, found in zip(cases, terms, strict=True):
        for term in found:
            answers_of[term].add(case.answer)
    pure = {term: next(iter(several)) for term, several in answers_of.items() if len(several) == 1}
    open_cases = {number: found & pure.keys() for number, found in enumerate(terms)}
    lines = _cover(open_cases, pure, SUPPORT, pure.keys())
    alike = _of_the_same_form(lines, pure)
    lines += _cover(open_cases, pure, 1, alike)
    explained = len(cases) - len(open_cases)
    return tuple(sorted(lines, key=lambda line: line.term)) if explained >= COVERAGE * len(cases) else ()


def _cover(open_cases: dict[int, frozenset[str]], pure: dict[str, str], support: int, allowed: Iterable[str]) -> list[RuleLine]:
    """Lines for the cases still open, which are removed as they are explained."""
    usable = frozenset(allowed)
    lines: list[RuleLine] = []
    while True:
        counts = Counter(term for found in open_cases.values() for term in found & usable)
        best = max(counts.items(), key=lambda item: (item[1], len(item[0].split()), item[0]), default=None)
        if best is None or best[1] < support:
            return lines
        term, count = best
        lines.append(RuleLine(term, pure[term], count))
        for number in [number for number, found in open_cases.items() if term in found]:
            del open_cases[number]


def _of_the_same_form(lines: Sequence[RuleLine], pure: dict[str, str]) -> set[str]:
    """Pairs of words that share a word, at the same place, with at least two lines."""
    places = Counter(place for line in lines for place in _places(line.term))
    return {term for term in pure if any(places[place] >= 2 for place in _places(term))}


def _places(term: str) -> list[tuple[int, str]]:
    words = term.split()
    return list(enumerate(words)) if len(words) == 2 else []


def _terms(situation: str) -> Iterable[str]:
    """Words and neighbouring pairs of words that say something."""
    words = [word.casefold() for word in _WORD.findall(situation)]
    yield from (word for word in words if word not in _STOP)
    yield from (f"{one} {two}" for one, two in pairwise(words) if one not in _STOP and two not in _STOP)


def as_text(lines: Sequence[RuleLine]) -> str:
    """The rule as lines of text."""
    return "\n".join(f"- {line.term} -> {line.answer}" for line in lines)
