"""What the words of a task say about whom it is for.

In:  a task in words; names and keywords.
Out: for each agent how much speaks for it, by which words, and whether the task says it is not for it.

Whole words and their other forms count, parts of words never do: "decode a barcode" has no "code". Who is spoken to counts more
than a name, a name more than keywords; what a sentence asks for first more than what stands after a preposition. What is negated
counts against: "not the researcher, the coder"; "don't research, just code" (`refusals.py`). Whoever is refused by name is not
brought back by keywords; of whom the words are in doubt nothing is known. Words in
quotation marks, file names and addresses are not read. English; a word with two meanings has both.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from purpose_agent.agents.specialists.inflections import is_form
from purpose_agent.agents.specialists.refusals import ACTS, ARTICLES, ENDS, Refused, clause_start, refused, standing, words_of

SPOKEN_TO, NAMED, HEAD, ASIDE, LIGHT = 8.0, 3.0, 2.0, 0.5, 0.5
"""How much counts who is spoken to, who is named, the first keyword of a sentence, one after a preposition, and one that only says
that something is to be made. Any other keyword counts 1."""
LONGEST = 4_000
"""Characters of a task that are read."""

_LEFT_OUT = re.compile(r"`[^`]*`|\"[^\"]*\"|“[^”]*”|\b\w+://\S+|(?<![\w/])/\S+|\b[\w/-]+\.[a-z]\w{0,4}\b", re.IGNORECASE)
_TOKEN = re.compile(r"@?[^\W_]+(?:[+#]+)?(?:'[a-z]+)?|[.,;:!?()\n]|—|–", re.IGNORECASE)

_LIGHT = words_of("write make do build create prepare give produce need want get have put")
_PREPOSITIONS = words_of("about for of in on with from to by regarding into as that which who than after before")
_OPENERS = words_of("please just now then can could you we i let's lets and also first next only to want need would like")
_SPEAKS_TO = words_of("ask let have tell use get give hand for to @")
_WORK_OF = words_of("of by from what")
_ADDRESSES = words_of("ask let have tell")
_WANTS_DONE = words_of("have get needs need should must be")
_TELLS_OF = words_of("said says did wrote made thinks")


@dataclass(frozen=True, slots=True)
class Expert:
    """Whom a task may be for."""

    name: str
    keywords: Sequence[str] = ()


@dataclass(slots=True)
class Case:
    """What speaks for an agent.

    Attributes:
        score: 0 and above.
        words: That counted, as the task has them.
        against: Words by which the task says that it is not for it.
        doubts: Words by which it may say so.
        is_named: It is named, and wanted.
        is_unwanted: It is named, and refused or in doubt.
    """

    score: float = 0.0
    words: list[str] = field(default_factory=list[str])
    against: list[str] = field(default_factory=list[str])
    doubts: list[str] = field(default_factory=list[str])
    is_named: bool = False
    is_unwanted: bool = False

    @property
    def is_excluded(self) -> bool:
        """The task says so, and nothing else speaks for it; where it is refused by name, keywords don't."""
        return bool(self.against) and self._has_nothing_for_it

    @property
    def is_doubtful(self) -> bool:
        """The task may say so, and nothing else speaks for it."""
        return bool(self.doubts) and not self.against and self._has_nothing_for_it

    @property
    def _has_nothing_for_it(self) -> bool:
        return not self.score or (self.is_unwanted and not self.is_named)


@dataclass(frozen=True, slots=True)
class _Found:
    """A name or keyword in the text."""

    agent: str
    start: int
    end: int
    is_name: bool


def read(task: str, experts: Sequence[Expert]) -> Mapping[str, Case]:
    """What the words of `task` say about each of `experts`, by name."""
    words = _words(task)
    said_no = refused(words)
    cases = {expert.name: Case() for expert in experts}
    counted: set[tuple[str, str]] = set()
    for found in _weighed(words, list(_found(words, experts)), said_no.surely | said_no.maybe):
        place, weight = found
        case, said = cases[place.agent], " ".join(words[place.start : place.end])
        stands = _standing(words, place, weight, said_no)
        if stands:
            (case.against if stands == "refused" else case.doubts).append(said)
            case.is_unwanted = case.is_unwanted or place.is_name
        elif weight and (place.agent, said) not in counted:
            counted.add((place.agent, said))
            case.score += weight
            case.words.append(said)
            case.is_named = case.is_named or place.is_name
    return cases


def _standing(words: Sequence[str], found: _Found, weight: float, said_no: Refused) -> Literal["", "refused", "doubtful"]:
    """Whether it counts against somebody, or may."""
    if found.start in said_no.surely:
        return "refused"
    if found.start in said_no.maybe:
        return "doubtful"
    if not found.is_name or (not weight and words[found.end - 1].endswith("'s")):
        return ""
    stands = standing(words, found.start, found.end)
    return "" if stands == "doubtful" and _is_addressed(words, found) else stands


def _is_addressed(words: Sequence[str], found: _Found) -> bool:
    """Whether it is spoken to, and what follows is told to it."""
    before = [word for word in words[max(0, found.start - 2) : found.start] if word not in ARTICLES]
    opens = not before or before[-1] in ENDS
    after = words[found.end] if found.end < len(words) else ""
    return words[found.start].startswith("@") or (opens and after in (":", ",")) or (bool(before) and before[-1] in _ADDRESSES)


def _words(task: str) -> list[str]:
    text = _LEFT_OUT.sub(" ", task[:LONGEST].replace("’", "'").replace("_", " ")).casefold()
    return _TOKEN.findall(text)


def _found(words: Sequence[str], experts: Iterable[Expert]) -> Iterable[_Found]:
    """Names and keywords, the longest first: within "code reviewer" nobody else's "code" is found."""
    wanted = [(_words(expert.name), expert.name, True) for expert in experts]
    wanted += [(_words(keyword), expert.name, False) for expert in experts for keyword in expert.keywords]
    taken: dict[int, int] = {}
    for parts, agent, is_name in sorted(wanted, key=lambda each: (-len(each[0]), not each[2])):
        for start in range(len(words) - len(parts) + 1) if parts else ():
            end = start + len(parts)
            if any(taken.get(place, 0) > len(parts) for place in range(start, end)):
                continue
            if all(_fits(words[start + place], part, is_name=is_name) for place, part in enumerate(parts)):
                taken |= dict.fromkeys(range(start, end), len(parts))
                yield _Found(agent, start, end, is_name)


def _fits(word: str, part: str, *, is_name: bool) -> bool:
    bare = word.removeprefix("@").removesuffix("'s")
    return bare == part or (is_name and bare == f"{part}s") or (not is_name and is_form(bare, part))


def _weighed(words: Sequence[str], found: Sequence[_Found], negated: frozenset[int]) -> Iterable[tuple[_Found, float]]:
    """Each with what it counts."""
    heads = _heads(words, found, negated)
    keywords = {place for each in found if not each.is_name for place in range(each.start, each.end)}
    for each in sorted(found, key=lambda each: each.start):
        if each.is_name:
            yield each, _weight_of_name(words, each)
        elif words[each.start] in _LIGHT:
            yield each, LIGHT
        elif each.end in keywords and _is_compound(words, each.end):
            yield each, ASIDE  # "code review": a kind of review
        else:
            yield each, HEAD if each.start in heads else ASIDE if _is_aside(words, each.start) else 1.0


def _weight_of_name(words: Sequence[str], each: _Found) -> float:
    word, before = words[each.start], words[max(0, each.start - 2) : each.start]
    before = [other for other in before if other not in ARTICLES] or list(words[max(0, each.start - 3) : each.start][:1])
    after = words[each.end] if each.end < len(words) else ""
    last = before[-1] if before else ""
    opens = not last or last in ENDS
    if word.startswith("@") or (opens and after in (":", ",", "-")):
        return SPOKEN_TO
    if last == "by" and any(word in _WANTS_DONE for word in words[clause_start(words, each.start) : each.start]):
        return SPOKEN_TO  # "have it checked by the reviewer"
    if words[each.end - 1].endswith("'s") or last in _WORK_OF or after in _TELLS_OF:
        return 0.0
    if last in _SPEAKS_TO or after in ACTS:
        return SPOKEN_TO
    return NAMED


def _heads(words: Sequence[str], found: Sequence[_Found], negated: frozenset[int]) -> frozenset[int]:
    """Where sentences say first what is wanted."""
    keywords = {each.start for each in found if not each.is_name}
    heads: set[int] = set()
    waits = True
    for place, word in enumerate(words):
        if word in ENDS:
            waits = True
        elif waits and place in keywords and place not in negated and word not in _LIGHT:
            heads.add(place)
            waits = False
        elif waits and word in _PREPOSITIONS and word not in _OPENERS:
            waits = False
    return frozenset(heads)


def _is_compound(words: Sequence[str], second: int) -> bool:
    """Whether two keywords side by side are one thing: an article stands before them, or what they are about follows."""
    after = words[second + 1] if second + 1 < len(words) else "."
    before = words[second - 2] if second >= 2 else ""
    return before in ARTICLES or after in ENDS or after in ("of", "for", ",")


def _is_aside(words: Sequence[str], place: int) -> bool:
    """Whether a preposition stands before it in its clause."""
    start = clause_start(words, place)
    return any(word in _PREPOSITIONS and word not in _OPENERS for word in words[start:place])
