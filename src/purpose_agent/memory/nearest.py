"""A value as the mean of what the most similar decisions got: nearest neighbours, the plain alternative to `linear.py`.

In:  decisions with their returns.
Out: the mean and the deviation of those most like a new one.

Likeness is the share of common words, of the option and of the situation in equal parts. Its cost grows with what is
stored, and it knows nothing of options whose words were never met; both is why it is not the default.
"""

from collections import defaultdict
from collections.abc import Sequence
from math import sqrt

from purpose_agent.memory.options import content

NEIGHBOURS = 8
MOST_LOOKED_AT = 400
"""Of the decisions that share a word with the option, the newest."""
LEAST_LIKENESS = 0.2
DOUBT = 0.2
"""Deviation of the return of a single decision."""


class Neighbours:
    """Decisions, findable by the words of their options."""

    def __init__(self) -> None:
        self._known: list[tuple[frozenset[str], frozenset[str], float, str]] = []
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._here: tuple[frozenset[str], dict[int, float]] = (frozenset(), {})
        """The situation that was asked about last, and how like it others are: all options of one moment share it."""

    def add(self, situation: str, option: str, value: float, run_id: str) -> None:
        """One more decision."""
        words = frozenset(content(option))
        for word in words:
            self._by_word[word].append(len(self._known))
        self._known.append((words, frozenset(content(situation)), value, run_id))

    def has(self, option: str) -> bool:
        """Some decision took this very option."""
        words = frozenset(content(option))
        numbers = self._by_word.get(next(iter(words), ""), ())
        return any(self._known[number][0] == words for number in numbers)

    def predict(self, situation: str, option: str) -> tuple[float, float, tuple[str, ...]]:
        """Mean, deviation, and the runs of the three that are most like it. (0, `DOUBT`, ()) where none is."""
        words, seen = frozenset(content(option)), frozenset(content(situation))
        candidates = {number for word in words for number in self._by_word.get(word, ())[-MOST_LOOKED_AT:]}
        if self._here[0] != seen:
            self._here = (seen, {})
        likeness_here = self._here[1]
        liked: list[tuple[float, int]] = []
        for number in candidates:
            its_words, its_situation, _, _ = self._known[number]
            alike = likeness_here.get(number)
            if alike is None:
                alike = likeness_here[number] = _overlap(seen, its_situation)
            likeness = (_overlap(words, its_words) + alike) / 2
            if likeness >= LEAST_LIKENESS:
                liked.append((likeness, number))
        nearest: Sequence[tuple[float, int]] = sorted(liked, reverse=True)[:NEIGHBOURS]
        weight = sum(likeness for likeness, _ in nearest)
        if not nearest:
            return 0.0, DOUBT, ()
        mean = sum(likeness * self._known[number][2] for likeness, number in nearest) / weight
        return mean, DOUBT / sqrt(1 + weight), tuple(dict.fromkeys(self._known[number][3] for _, number in nearest[:3]))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    common = len(one & other)
    union = len(one) + len(other) - common
    return common / union if union else 0.0
