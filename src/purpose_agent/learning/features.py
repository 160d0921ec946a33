"""What can decide: conditions, each with the cases in which it holds.

In:  situations.
Out: single conditions, pairs of them, and places that are filled differently from case to case.

A set of cases is a number whose bit i stands for case i, so that counting is one instruction. Conditions that hold in
the same cases are one candidate, named by its longest words. Nothing here knows an answer.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

from purpose_agent.core.memory import Condition
from purpose_agent.memory.rules import LONGEST, facts_of, says_something, words_of

SUPPORT = 2
"""A condition that holds in fewer cases says nothing about others."""
MOST_PAIRED = 120
"""So many conditions, the most frequent ones, are combined with each other."""
MOST_BOUNDS = 16
"""So many bounds of one number are combined with other conditions."""
PLACE_SHARE = 0.8
MOST_FILLERS = 12


@dataclass(frozen=True, slots=True)
class Feature:
    """Conditions that hold together, and the cases in which they do."""

    conditions: tuple[Condition, ...]
    cases: int

    @property
    def order(self) -> tuple[int, int, str]:
        """Which of two equal ones is taken: fewer conditions, then more words, then the alphabet."""
        text = ", ".join(condition.text for condition in self.conditions)
        return len(self.conditions), -len(text.split()), text


class Features:
    """All that can be said of some situations, worked out once, as far as it is asked for."""

    def __init__(self, situations: Sequence[str]) -> None:
        self._situations = situations
        self._facts = [facts_of(situation) for situation in situations]
        self._words = [words_of(situation[:LONGEST]) for situation in situations]
        self.everywhere = (1 << len(situations)) - 1

    @cached_property
    def words(self) -> Mapping[str, int]:
        """Every word and pair of neighbouring words, with its cases."""
        found: defaultdict[str, int] = defaultdict(int)
        for number, facts in enumerate(self._facts):
            for term in facts.terms:
                found[term] |= 1 << number
        return found

    @cached_property
    def singles(self) -> Sequence[Feature]:
        """One condition each: a word, a pair of words, a number on one side of a bound."""
        found = [Feature((Condition(term),), cases) for term, cases in self.words.items()]
        return _distinct([*found, *self._bounds(None)], self.everywhere)

    @cached_property
    def pairs(self) -> Sequence[Feature]:
        """Two conditions each that hold together in several cases, and in fewer than either."""
        words = _distinct([Feature((Condition(term),), cases) for term, cases in self.words.items()], self.everywhere)
        words = sorted(words, key=lambda each: (-each.cases.bit_count(), each.order))[:MOST_PAIRED]
        found: list[Feature] = []
        known = {each.cases for each in self.singles}
        for one, other in combinations([*words, *_distinct(self._bounds(MOST_BOUNDS), self.everywhere)], 2):
            both = one.cases & other.cases
            if both in known or both.bit_count() < SUPPORT:
                continue
            known.add(both)
            found.append(Feature((*one.conditions, *other.conditions), both))
        return found

    def _bounds(self, most: int | None) -> Iterator[Feature]:
        """Bounds between the values of each number, at the roundest value there is; at most so many of each."""
        values: defaultdict[str, defaultdict[float, int]] = defaultdict(lambda: defaultdict(int))
        for number, facts in enumerate(self._facts):
            for name, value in facts.numbers.items():
                values[name][value] |= 1 << number
        # Under several names the same numbers: the unit, which comes first, names them.
        known: set[tuple[tuple[float, int], ...]] = set()
        for name, where in sorted(values.items(), key=lambda item: not item[0]):
            same = tuple(sorted(where.items()))
            if same in known:
                continue
            known.add(same)
            ordered = sorted(where)
            every = 0
            for value in ordered:
                every |= where[value]
            step = 1 if most is None else max(1, -(-(len(ordered) - 1) // most))
            below = 0
            for place, (low, high) in enumerate(pairwise(ordered)):
                below |= where[low]
                if place % step == 0:
                    bound = roundest(low, high)
                    yield Feature((Condition(name, above=bound),), every & ~below)
                    yield Feature((Condition(name, at_most=bound),), below)

    @cached_property
    def places(self) -> Sequence[Mapping[str, int]]:
        """Places that most situations fill, each with one of a few words: filler → cases.

        A place is what follows or precedes the same words: "the … door". No two are filled alike.
        """
        fillers: defaultdict[tuple[str, ...], dict[int, str | None]] = defaultdict(dict)
        for number, words in enumerate(self._words):
            for place, word in _framed(words):
                known = fillers[place].setdefault(number, word)
                if known != word:
                    fillers[place][number] = None  # filled twice: no place of its own
        found: dict[tuple[tuple[str, int], ...], Mapping[str, int]] = {}
        for _, filled in sorted(fillers.items()):
            where: defaultdict[str, int] = defaultdict(int)
            for number, word in filled.items():
                if word is not None and says_something(word):
                    where[word] |= 1 << number
            several = 2 <= len(where) <= MOST_FILLERS
            if several and sum(cases.bit_count() for cases in where.values()) >= PLACE_SHARE * len(self._words):
                found.setdefault(tuple(sorted(where.items())), where)
        return list(found.values())

    @cached_property
    def frames(self) -> Mapping[str, frozenset[tuple[str, ...]]]:
        """Of each word and pair of words, what stands beside it."""
        beside: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for words in self._words:
            for place, word in _framed(words):
                if len(place) == 2:
                    beside[word].add(place)
        frames = {term: frozenset(beside[term]) for term in self.words if " " not in term}
        for term in self.words:
            if " " in term:
                one, other = term.split(" ")
                frames[term] = frozenset({("pair after", one), ("pair before", other)})
        return frames


def _framed(words: Sequence[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    padded = ["^", "^", *words, "$"]
    for index, word in enumerate(words, start=2):
        before, after = padded[index - 1], padded[index + 1]
        yield ("after", before), word
        yield ("before", after), word
        yield ("between", before, after), word
        yield ("after", padded[index - 2], before), word


def _distinct(features: Sequence[Feature] | Iterator[Feature], everywhere: int) -> list[Feature]:
    """One for each set of cases that tells some cases from others."""
    best: dict[int, Feature] = {}
    for each in features:
        if each.cases == everywhere or each.cases.bit_count() < SUPPORT:
            continue
        known = best.get(each.cases)
        if known is None or _rank(each) < _rank(known):
            best[each.cases] = each
    return sorted(best.values(), key=_rank)


def _rank(feature: Feature) -> tuple[bool, bool, tuple[int, int, str]]:
    # A word before a number, "Monday" says more than "day above 1"; and a number with a name before one without.
    (condition,) = feature.conditions
    return condition.above is not None or condition.at_most is not None, not condition.term, feature.order


def roundest(low: float, high: float) -> float:
    """The roundest number from `low` up to, and not including, `high`: people draw their lines there."""
    middle = (low + high) / 2
    step = 10.0**9
    while step > 1e-6:
        for part in (step, step / 2, step / 5):
            nearest = round(middle / part) * part
            for value in (nearest, nearest - part, nearest + part):
                if low <= value < high:
                    return round(value, 9)
        step /= 10
    return low
