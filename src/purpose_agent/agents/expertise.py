"""What the words of a task say about whom it is for.

In:  a task in words; names and keywords.
Out: for each agent how much speaks for it, by which words, and whether the task says it is not for it.

Whole words and their other forms count, parts of words never do: "decode a barcode" has no "code". Who is spoken to counts more
than a name, a name more than keywords; what a sentence asks for first more than what stands after a preposition. What is negated
counts against: "not the researcher, the coder"; "don't research, just code". A negation reaches to the end of its clause. Words in
quotation marks, file names and addresses are not read. English; a word with two meanings has both.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from purpose_agent.agents.inflections import is_form

SPOKEN_TO, NAMED, HEAD, ASIDE, LIGHT = 8.0, 3.0, 2.0, 0.5, 0.5
"""How much counts who is spoken to, who is named, the first keyword of a sentence, one after a preposition, and one that only says
that something is to be made. Any other keyword counts 1."""
LONGEST = 4_000
"""Characters of a task that are read."""

_LEFT_OUT = re.compile(r"`[^`]*`|\"[^\"]*\"|“[^”]*”|\b\w+://\S+|(?<![\w/])/\S+|\b[\w/-]+\.[a-z]\w{0,4}\b", re.IGNORECASE)
_TOKEN = re.compile(r"@?[^\W_]+(?:[+#]+)?(?:'[a-z]+)?|[.,;:!?()\n]|—|–", re.IGNORECASE)
_ENDS = frozenset(".;:!?()\n—–")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BREAKS = _set("but just only instead rather however so because although let ask have tell use give please then fix do")
"""Where the clause of a negation ends, beside a comma."""
_NEGATES = _set(
    "not don't doesn't didn't dont isn't aren't wasn't won't shouldn't needn't mustn't can't cannot"
    " never no without except neither nor avoid skip stop nobody nothing none omit ignore forget"
)
_PHRASES = (("instead", "of"), ("rather", "than"), ("other", "than"), ("more", "than"), ("leave", "out"))
_ANYONE = _set("anyone anybody anything everyone everybody everything all")
_HARMLESS = (
    ("not", "only"), ("not", "just"), ("not", "merely"), ("don't", "forget"), ("not", "forget"), ("never", "forget"),
    ("don't", "hesitate"), ("not", "hesitate"), ("don't", "stop"), ("not", "stop"), ("no", "doubt"), ("no", "problem"),
    ("without", "fail"), ("can't", "wait"), ("cannot", "wait"), ("why", "not"), ("don't", "skip"), ("not", "skip"),
)  # fmt: skip
_DISMISSED = _set("needed necessary required wanted involved asked called")
_PERFECT = _set("was were is are been be has have had yet")
_PERFECT_NOT = _set("isn't aren't wasn't")
_ALONE = _set("alone out aside")
_LIGHT = _set("write make do build create prepare give produce need want get have put")
_ARTICLES = _set("the a an our my your this that these those any")
_PREPOSITIONS = _set("about for of in on with from to by regarding into as that which who than after before")
_OPENERS = _set("please just now then can could you we i let's lets and also first next only to want need would like")
_SPEAKS_TO = _set("ask let have tell use get give hand for to @")
_WORK_OF = _set("of by from what")
_ACTS = _set("should must can could shall will has needs")


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
    """

    score: float = 0.0
    words: list[str] = field(default_factory=list[str])
    against: list[str] = field(default_factory=list[str])

    @property
    def is_excluded(self) -> bool:
        """The task says so, and nothing else speaks for it."""
        return bool(self.against) and not self.score


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
    negated = _negated(words)
    cases = {expert.name: Case() for expert in experts}
    counted: set[tuple[str, str]] = set()
    for found in _weighed(words, list(_found(words, experts)), negated):
        place, weight = found
        case, said = cases[place.agent], " ".join(words[place.start : place.end])
        if place.start in negated:
            case.against.append(said)
        elif weight and (place.agent, said) not in counted:
            counted.add((place.agent, said))
            case.score += weight
            case.words.append(said)
    return cases


def _words(task: str) -> list[str]:
    text = _LEFT_OUT.sub(" ", task[:LONGEST].replace("’", "'").replace("_", " ")).casefold()
    return _TOKEN.findall(text)


def _negated(words: Sequence[str]) -> frozenset[int]:
    """The places of words in the reach of a negation."""
    reached: set[int] = set()
    place = 0
    while place < len(words):
        begins = _negation_at(words, place)
        if begins is None:
            place += 1
            continue
        if _is_dismissal(words, begins):
            reached |= set(range(_clause_start(words, place), place))
        end = begins
        while end < len(words) and not _ends_negation(words, end, begins):
            end += 1
        reached |= set(range(begins, end))
        place = max(end, place + 1)
    for place, word in enumerate(words):
        # "leave the tests out", "leave the tests alone"
        if word in _ALONE and (start := _back_to(words, place, "leave")) is not None:
            reached |= set(range(start, place))
    return frozenset(reached)


def _negation_at(words: Sequence[str], place: int) -> int | None:
    """Where what a negation at `place` reaches begins; None if there is none."""
    pair = tuple(words[place : place + 2])
    if pair in _PHRASES:
        return place + 2
    if words[place] == "but" and place and words[place - 1] in _ANYONE:
        return place + 1
    if words[place] not in _NEGATES or pair in _HARMLESS:
        return None
    if (place and (words[place - 1], words[place]) in _HARMLESS) or _is_lack(words, place):
        return None
    return place + (2 if pair == ("never", "mind") else 1)


def _is_lack(words: Sequence[str], place: int) -> bool:
    """Whether what follows is told to be missing, and not to be unwanted: "was never tested", "has no invoice"."""
    if words[place] == "no":
        return place > 0 and words[place - 1] in ("has", "have")
    after = [word for word in words[place + 1 : place + 4] if word not in _PERFECT]
    is_passive = (place > 0 and words[place - 1] in _PERFECT) or words[place] == "nobody" or words[place] in _PERFECT_NOT
    return is_passive and bool(after) and after[0].endswith("ed") and after[0] not in _DISMISSED


def _ends_negation(words: Sequence[str], place: int, begins: int) -> bool:
    word = words[place]
    if word in _ENDS or word == ",":
        return True
    if word == "and":
        # "not the researcher and the tester", but "without tests and review it"
        return not (words[begins] in _ARTICLES and place + 1 < len(words) and words[place + 1] in _ARTICLES)
    return (word in _BREAKS or word in _ACTS) and place > begins


def _is_dismissal(words: Sequence[str], begins: int) -> bool:
    return any(word in _DISMISSED for word in words[begins : begins + 2])


def _clause_start(words: Sequence[str], place: int) -> int:
    while place and words[place - 1] not in _ENDS and words[place - 1] not in (",", "but", "and"):
        place -= 1
    return place


def _back_to(words: Sequence[str], place: int, wanted: str) -> int | None:
    start = _clause_start(words, place)
    return next((at for at in range(start, place) if words[at] == wanted), None)


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
    before = [other for other in before if other not in _ARTICLES] or list(words[max(0, each.start - 3) : each.start][:1])
    after = words[each.end] if each.end < len(words) else ""
    last = before[-1] if before else ""
    opens = not last or last in _ENDS
    if word.startswith("@") or (opens and after in (":", ",", "-")):
        return SPOKEN_TO
    if words[each.end - 1].endswith("'s") or last in _WORK_OF:
        return 0.0
    if last in _SPEAKS_TO or after in _ACTS:
        return SPOKEN_TO
    return NAMED


def _heads(words: Sequence[str], found: Sequence[_Found], negated: frozenset[int]) -> frozenset[int]:
    """Where sentences say first what is wanted."""
    keywords = {each.start for each in found if not each.is_name}
    heads: set[int] = set()
    waits = True
    for place, word in enumerate(words):
        if word in _ENDS:
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
    return before in _ARTICLES or after in _ENDS or after in ("of", "for", ",")


def _is_aside(words: Sequence[str], place: int) -> bool:
    """Whether a preposition stands before it in its clause."""
    start = _clause_start(words, place)
    return any(word in _PREPOSITIONS and word not in _OPENERS for word in words[start:place])
