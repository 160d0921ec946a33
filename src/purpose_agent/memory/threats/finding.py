"""Where a rule holds in a text.

In:  a reading of a text, rules.
Out: the first place of each, or none.

A text is cut into words once; a phrase then takes time in proportion to how often its words occur, whatever the text:
nothing is tried from every position.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice

from purpose_agent.memory.threats.lexicon import BEGINS, REACH, Lexicon, Phrase
from purpose_agent.memory.threats.readings import folded
from purpose_agent.memory.threats.rule import Form, Rule, Span

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)?|@(?=\w)|[.!?](?=\s|$)|[,;:()](?=\s)|\n+")


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


class Reading:
    """A text cut into words, and where those stand that any rule speaks of."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self.text = text
        self._lexicon = lexicon
        self.lowered = text.lower()
        self._folded = folded(self.lowered)
        self._places: list[int] = []
        self._negated: set[int] = set()
        self._hits: defaultdict[int, list[int]] = defaultdict(list)
        self._cut()

    def find(self, rule: Rule, *, words_only: bool = False) -> Span | None:
        """Where the rule holds; None if nowhere."""
        for phrase in rule.phrases:
            span = self._find_phrase(self._lexicon.phrase(phrase), negatable=rule.negatable)
            if span is not None:
                return span
        for form in () if words_only else rule.forms:
            for span in self._matches(form):
                return span
        return None

    def _cut(self) -> None:
        place = number = negating = 0
        known, look_up = self._lexicon.known.get, self._lexicon.look_up
        add_place, hits = self._places.append, self._hits
        for word in _TOKEN.findall(self.lowered):
            words, room, effect, choices = known(word) or look_up(word)
            if words:
                add_place(place)
                if choices:
                    if negating:
                        self._negated.add(number)
                    for choice in choices:
                        hits[choice].append(number)
                number += 1
                if negating:
                    negating -= 1
            if effect:
                negating = REACH if effect == BEGINS else 0
            place += room

    def _span(self, first: int, last: int) -> Span:
        """From the beginning of a word to the end of another. Looked for anew: few words are ever asked for."""
        words = (match for match in _TOKEN.finditer(self.lowered) if self._lexicon.look_up(match[0]).words)
        begin, *_, end = [*islice(words, first, last + 1)] * 2
        return begin.start(), end.end()

    def _find_phrase(self, phrase: Phrase, *, negatable: bool) -> Span | None:
        hits = self._hits
        if not all(element in hits for element in phrase.elements):
            return None
        ends = hits[phrase.elements[0]]
        if negatable and self._negated:
            ends = [end for end in ends if end not in self._negated]
        begins = ends
        for element, gap in zip(phrase.elements[1:], phrase.gaps, strict=True):
            begins, ends = self._reached(begins, ends, hits[element], gap)
            if not ends:
                return None
        for begin, end in zip(begins, ends, strict=True):
            if phrase.unless is None or not self._follows(end, *phrase.unless):
                return self._span(begin, end)
        return None

    def _reached(self, begins: list[int], ends: list[int], words: list[int], gap: int) -> tuple[list[int], list[int]]:
        """Those of `words` that stand at most `gap` words after one of `ends`, each with where its phrase began."""
        places = self._places
        new_begins: list[int] = []
        new_ends: list[int] = []
        at = -1
        for word in words:
            while at + 1 < len(ends) and ends[at + 1] < word:
                at += 1
            if at >= 0 and places[word] - places[ends[at]] - 1 <= gap:
                new_begins.append(begins[at])
                new_ends.append(word)
        return new_begins, new_ends

    def _follows(self, end: int, room: int, element: int) -> bool:
        words = self._hits.get(element, [])
        next_one = bisect_left(words, end + 1)
        return next_one < len(words) and self._places[words[next_one]] - self._places[end] <= room

    def find_all(self, rule: Rule) -> Iterator[Span]:
        """Everywhere the rule's forms hold."""
        for form in rule.forms:
            yield from self._matches(form)

    def _matches(self, form: Form) -> Iterator[Span]:
        texts = (self.text,) if form.cased else dict.fromkeys((self.lowered, self._folded))
        for text in texts:
            if form.needs and not any(need in text for need in form.needs):
                continue
            for match in self._near(form, text) if form.near else _pattern(form.pattern).finditer(text):
                if form.test is None or form.test(match[0]):
                    yield match.span()

    def _near(self, form: Form, text: str) -> Iterable[re.Match[str]]:
        others = [match.span() for match in _pattern(form.near).finditer(text)]
        at = 0
        for match in _pattern(form.pattern).finditer(text):
            while at < len(others) and others[at][1] < match.start() - form.room:
                at += 1
            if at < len(others) and others[at][0] <= match.end() + form.room:
                yield match
