"""What the words of a task refuse: the places that a negation reaches, and whether a name stands where it is not wanted.

In:  the words of a task in lower case, punctuation among them.
Out: places that are refused, places that may be, and of a name how it stands.

A negation reaches to the end of its clause: "don't research, just code". What only may be meant so is in doubt: "cancel the payment" is
work, "cancel the research, code" is a refusal. English, by constructions: "keep X out of it", "X is out of scope", "anyone but X",
"X should not", "X is on holiday". Not here: what is made of it (`expertise.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ENDS = frozenset(".;:!?()\n—–")


def words_of(text: str) -> frozenset[str]:
    """The words of a list, to be looked up."""
    return frozenset(text.split())


_BREAKS = words_of("but just only instead rather however so because although let ask have tell use give please then fix do")
"""Where the clause of a negation ends, beside a comma."""
_NEGATES = words_of(
    "not don't doesn't didn't dont isn't aren't wasn't won't shouldn't needn't mustn't can't cannot"
    " never no without except neither nor nobody nothing none excluding barring"
)
_PHRASES = (("instead", "of"), ("rather", "than"), ("other", "than"), ("more", "than"), ("apart", "from"), ("aside", "from"))
_ANYONE = words_of("anyone anybody anything everyone everybody everything all")
_HARMLESS = (
    ("not", "only"), ("not", "just"), ("not", "merely"), ("don't", "forget"), ("not", "forget"), ("never", "forget"),
    ("don't", "hesitate"), ("not", "hesitate"), ("don't", "stop"), ("not", "stop"), ("no", "doubt"), ("no", "problem"),
    ("without", "fail"), ("can't", "wait"), ("cannot", "wait"), ("why", "not"), ("don't", "skip"), ("not", "skip"),
)  # fmt: skip
_DISMISSED = words_of("needed necessary required wanted involved asked called")
_PERFECT = words_of("was were is are been be has have had yet")
_PERFECT_NOT = words_of("isn't aren't wasn't")
ARTICLES = words_of("the a an our my your this that these those any")
ACTS = words_of("should must can could shall will has needs")
_CANCELS = words_of(
    "cancel drop scrap abandon postpone delay defer forgo exclude discard dismiss reject ban forbid cease halt pause quit bypass"
    " hardly scarcely barely rarely seldom avoid skip stop omit ignore forget"
)
"""May refuse what follows, or be the work itself."""
_UNWANTED = words_of(
    "unnecessary needless superfluous pointless redundant irrelevant unwanted unneeded undesired forbidden excluded banned"
    " cancelled canceled postponed deferred premature overkill"
)
_UNWANTED_PHRASES = (("out", "of"), ("off", "the", "table"), ("off", "limits"), ("ruled", "out"), ("no", "longer"))
_NOT_WANTED = (("what",), ("to", "be"), ("part", "of"))
"""After "not": what stands before it is refused, "research is not what I need"."""
_PARTICLES = {"leave": ("alone", "out", "aside"), "keep": ("out", "away", "off"), "let": ("rest",), "take": ("off",)}
_ABSENT = words_of(
    "holiday holidays vacation leave ill sick away absent busy unavailable off rest resting gone retired overloaded overworked"
    " asleep fired left refused refuses declined declines unable unwilling unfit wrong bad badly failed fails useless worse worst"
    " mistake already"
)
"""Of somebody in the same clause: not to be counted on."""
_MAY_NOT = words_of("not shouldn't mustn't won't needn't can't cannot")
_MODAL = words_of("should must may shall will can need could would")


@dataclass(frozen=True, slots=True)
class Refused:
    """Places of words in a task.

    Attributes:
        surely: What is not wanted.
        maybe: What is not wanted, or is the work itself.
    """

    surely: frozenset[int]
    maybe: frozenset[int]


def refused(words: Sequence[str]) -> Refused:
    """What the words refuse."""
    surely, maybe = set[int](), set[int]()
    place = 0
    while place < len(words):
        begins = _negation_at(words, place)
        if begins is None:
            place += 1
            continue
        if _is_dismissal(words, begins):
            surely |= set(range(clause_start(words, place), place))
        if any(tuple(words[begins : begins + len(each)]) == each for each in _NOT_WANTED):
            maybe |= set(range(clause_start(words, place), place))
        end = begins
        while end < len(words) and not _ends_negation(words, end, begins):
            end += 1
        (maybe if words[place] in _CANCELS else surely).update(range(begins, end))
        place = max(end, place + 1)
    for place in range(len(words)):
        surely |= _set_aside(words, place)
        if words[place] in _UNWANTED or any(tuple(words[place : place + len(each)]) == each for each in _UNWANTED_PHRASES):
            maybe |= set(range(clause_start(words, place), place))
    return Refused(frozenset(surely), frozenset(maybe - surely))


def standing(words: Sequence[str], start: int, end: int) -> Literal["", "refused", "doubtful"]:
    """How somebody stands in the clause that names him: refused, or so that nobody should count on him; "" for neither."""
    after = words[end : end + 2]
    if after and (after[0] in _MAY_NOT or (len(after) > 1 and after[0] in _MODAL and after[1] in ("not", "never"))):
        return "refused"
    last = end
    while last < len(words) and words[last] not in ENDS and words[last] not in (",", "but", "so", "and", "then"):
        last += 1
    clause = [*words[clause_start(words, start) : start], *words[end:last]]
    return "doubtful" if any(word in _ABSENT or word in _NEGATES for word in clause) else ""


def _set_aside(words: Sequence[str], place: int) -> set[int]:
    """What stands between "leave" and "out", "keep" and "away", "let" and "rest"."""
    for verb, particles in _PARTICLES.items():
        if words[place] in particles and (start := _back_to(words, place, verb)) is not None:
            return set(range(start, place))
    return set()


def _negation_at(words: Sequence[str], place: int) -> int | None:
    """Where what a negation at `place` reaches begins; None if there is none."""
    pair = tuple(words[place : place + 2])
    if pair in _PHRASES:
        return place + 2
    if words[place] == "but" and place and words[place - 1] in _ANYONE:
        return place + 1
    if (words[place] not in _NEGATES and words[place] not in _CANCELS) or pair in _HARMLESS:
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
    if word in ENDS or word == ",":
        return True
    if word == "and":
        # "not the researcher and the tester", but "without tests and review it"
        return not (words[begins] in ARTICLES and place + 1 < len(words) and words[place + 1] in ARTICLES)
    return (word in _BREAKS or word in ACTS) and place > begins


def _is_dismissal(words: Sequence[str], begins: int) -> bool:
    return any(word in _DISMISSED for word in words[begins : begins + 2])


def clause_start(words: Sequence[str], place: int) -> int:
    """Where the clause begins that `place` is in."""
    while place and words[place - 1] not in ENDS and words[place - 1] not in (",", "but", "and"):
        place -= 1
    return place


def _back_to(words: Sequence[str], place: int, wanted: str) -> int | None:
    start = clause_start(words, place)
    return next((at for at in range(start, place) if words[at] == wanted), None)
