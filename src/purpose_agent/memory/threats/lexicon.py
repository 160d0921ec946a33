"""The words that rules speak of.

In:  rules.
Out: for each word which choices of which phrases it belongs to, and whether it denies what follows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from purpose_agent.memory.threats.readings import folded
from purpose_agent.memory.threats.rule import Rule
from purpose_agent.memory.threats.words import WORDS

_LEET = str.maketrans("0134578@$", "oieastbas")
_NEGATES = frozenset(
    {"never", "not", "avoid", "refuse", "without", "instead", "rather", "replace", "warn", "warns", "warned", "nor"}
)
_MEANS_IT = frozenset({"hesitate", "forget", "fail", "afraid", "worry", "only", "just"})
BEGINS: Final = 1
STOPS: Final = 2
REACH: Final = 4
"""Words after one that denies which are denied."""
_LONGEST_STEM = 14
_LONGEST_WORD = 40
_MOST_KNOWN = 20_000
"""Words whose choices are kept; others are looked up again."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Choices of words by number, the room between them, and what must not follow."""

    elements: tuple[int, ...]
    gaps: tuple[int, ...]
    unless: tuple[int, int] | None


class Word(NamedTuple):
    """What is known of a piece of text.

    Attributes:
        words: 1 for a word, 0 for a mark between words.
        room: How many words it counts as.
        effect: On a denial: it begins one, stops it, or neither.
        choices: The numbers of the choices it belongs to.
    """

    words: int
    room: int
    effect: int
    choices: tuple[int, ...] = ()


class Lexicon:
    """The words that some rules speak of, and their phrases ready to be looked for."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._elements: dict[str, int] = {}
        self._exact: dict[str, list[int]] = {}
        self._stems: dict[str, list[int]] = {}
        self.known: dict[str, Word] = {}
        self._phrases = {text: self._compiled(text) for rule in rules for text in rule.phrases}

    def phrase(self, text: str) -> Phrase:
        """A phrase of one of the rules."""
        return self._phrases[text]

    def look_up(self, word: str) -> Word:
        """What is to be known of a word, or of a mark between words."""
        word = word[:_LONGEST_WORD]
        known = self.known.get(word)
        if known is None:
            known = self._looked_up(word)
            if len(self.known) < _MOST_KNOWN:
                self.known[word] = known
        return known

    def _compiled(self, text: str) -> Phrase:
        body, _, unless = text.partition(" ! ")
        elements: list[int] = []
        gaps: list[int] = []
        gap = 0
        for part in body.split():
            if part.startswith("~"):
                gap = int(part[1:])
                continue
            if elements:
                gaps.append(gap)
            elements.append(self._element(part))
            gap = 0
        if not unless:
            return Phrase(tuple(elements), tuple(gaps), None)
        room, word = unless.split()
        return Phrase(tuple(elements), tuple(gaps), (int(room), self._element(word)))

    def _element(self, text: str) -> int:
        """The number of a choice of words; equal choices have one number."""
        if text not in self._elements:
            number = self._elements[text] = len(self._elements)
            for word in _spelled(text):
                place = self._stems if word.endswith("*") else self._exact
                place.setdefault(word.rstrip("*"), []).append(number)
        return self._elements[text]

    def _looked_up(self, word: str) -> Word:
        if not (word[0].isalnum() or word[0] == "@"):
            # The end of a line or a clause counts as a word, that of a sentence as two.
            return Word(0, 2, STOPS) if word[0] in ".!?" else Word(0, min(len(word), 3), 0)
        effect = STOPS if word in _MEANS_IT else 0
        if word in _NEGATES or word.endswith("n't") or word.startswith("forbid"):
            effect = BEGINS
        spellings = {word, folded(word)}
        if not word.isalpha():
            spellings |= {spelling.translate(_LEET) for spelling in spellings}
        numbers: set[int] = set()
        for spelling in spellings:
            numbers.update(self._exact.get(spelling, ()))
            for length in range(2, min(len(spelling), _LONGEST_STEM) + 1):
                numbers.update(self._stems.get(spelling[:length], ()))
        return Word(1, 1, effect, tuple(numbers))


def _spelled(text: str) -> Iterator[str]:
    """The words and stems of a choice, those of lists included."""
    for word in text.split("|"):
        if word in WORDS:
            yield from _spelled(WORDS[word])
        else:
            yield word
