"""What a piece of a written form means: how a part of a situation is found and changed.

In:  a form, a situation.
Out: the answer written so, or None where a part is not there.

`learning/` finds forms by these words, numbers and signs; recall and the prompt look them up by the same. Month names are
English ones.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from purpose_agent.core.forms import Made, Piece, Sort
from purpose_agent.memory.words import LONGEST

Span: TypeAlias = tuple[int, int]

LONGEST_ANSWER = 120
"""What is longer, in characters, is no written form."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NUMBER = re.compile(r"\d+")
_CHUNK = re.compile(r"\S+")
_AROUND = ".,;:!?()[]{}<>\"“”„«»'‘’"
_BREAK = re.compile(r"[,;:.!?](?=\s|$)|[()\"“”„«»\n]")
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]+)[\"”“»]|(?<!\w)['‘]([^'’\n]+)['’](?!\w)")
_TITLE = re.compile(r"\b[A-Z]\w{0,2}\.\Z")
"""Mr. and Dr., and the initial of a first name, end no sentence."""
_SIGN = re.compile(r"[^\w\s]")
_VOWEL = re.compile(r"[aeiouäöüáàâéèêëíìîïóòôúùûåæø]", re.IGNORECASE)
_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = _MONTH_NAMES.split(" ")
_MONTH = {written: number for number, name in enumerate(_MONTHS, start=1) for written in (name, name[:3], name[:4])}


@dataclass(frozen=True, slots=True)
class Parts:
    """What pieces can be about.

    Attributes:
        spans: Where those of each sort begin and end, in order.
        marks: Where each word, label and sign stands, in lower case.
    """

    text: str
    spans: Mapping[Sort, Sequence[Span]]
    marks: Mapping[str, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Written:
    """An answer, and the parts of the situation it was made of, as they stand there or as far as they are in it."""

    answer: str
    parts: tuple[str, ...]


@lru_cache(maxsize=2048)
def parts_of(situation: str) -> Parts:
    """What is in a situation."""
    text = situation[:LONGEST]
    words = [match.span() for match in _WORD.finditer(text)]
    names = [span for span in words if text[span[0]].isupper() and not _begins_a_sentence(text, span[0])]
    spans: dict[Sort, Sequence[Span]] = {
        "word": words,
        "number": [match.span() for match in _NUMBER.finditer(text)],
        "name": names,
        "names": list(_runs(text, names)),
        "chunk": list(_stripped(text, (match.span() for match in _CHUNK.finditer(text)), _AROUND)),
        "phrase": list(_stripped(text, _between_breaks(text), None)),
        "quoted": [match.span(match.lastindex or 0) for match in _QUOTED.finditer(text)],
    }
    marks: dict[str, list[Span]] = {}
    for start, stop in words:
        marks.setdefault(text[start:stop].casefold(), []).append((start, stop))
        if _SIGN.match(text, stop):
            marks.setdefault(text[start : stop + 1].casefold(), []).append((start, stop + 1))
    for match in _SIGN.finditer(text):
        marks.setdefault(match[0], []).append(match.span())
    return Parts(text, MappingProxyType(spans), MappingProxyType(marks))


def _begins_a_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \"'“‘(")
    return not before or (before[-1] in ".!?\n" and not _TITLE.search(before))


def _runs(text: str, words: Sequence[Span]) -> Iterator[Span]:
    """Neighbouring words with one space between them, as one."""
    run: Span | None = None
    for start, stop in words:
        if run is not None and text[run[1] : start] == " ":
            run = (run[0], stop)
            continue
        if run is not None:
            yield run
        run = (start, stop)
    if run is not None:
        yield run


def _between_breaks(text: str) -> Iterator[Span]:
    start = 0
    for match in _BREAK.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _stripped(text: str, spans: Iterator[Span], around: str | None) -> Iterator[Span]:
    for start, stop in spans:
        part = text[start:stop]
        begin = start + len(part) - len(part.lstrip(around))
        if inner := part.strip(around):
            yield begin, begin + len(inner)


def span_of(piece: Piece, parts: Parts) -> Span | None:
    """Where the part of a piece stands; None if it is not there."""
    spans = parts.spans[piece.sort]
    if not piece.beside:
        return nth_of(spans, piece.nth - 1 if piece.nth > 0 else len(spans) + piece.nth)
    marks = parts.marks.get(piece.beside)
    return beside(spans, marks[-1 if piece.from_last else 0], piece.nth, piece.sort, parts.text) if marks else None


def beside(spans: Sequence[Span], mark: Span, nth: int, sort: Sort, text: str) -> Span | None:
    """The `nth` of `spans` after a mark, or before it; of a phrase in which the mark stands, the rest."""
    if nth < 0:
        return nth_of(spans, bisect_right(spans, mark[0], key=lambda span: span[1]) + nth)
    after = bisect_left(spans, mark[1], key=lambda span: span[0])
    if sort == "phrase" and nth == 1 and after and spans[after - 1][1] > mark[1]:
        rest = text[mark[1] : spans[after - 1][1]]
        return spans[after - 1][1] - len(rest.lstrip()), spans[after - 1][1]
    return nth_of(spans, after + nth - 1)


def nth_of(spans: Sequence[Span], index: int) -> Span | None:
    """None where there are not so many."""
    return spans[index] if 0 <= index < len(spans) else None


def changed(piece: Piece, part: str) -> str:
    """A part of the situation as the piece writes it; "" if it can't be written so."""
    made = _made(piece.made, part)
    if piece.width > LONGEST_ANSWER:
        return ""  # only what somebody wrote by hand asks for so many
    if piece.width:
        return made.lstrip("0").zfill(piece.width) if made.isdigit() else ""
    words = made.split() if piece.joined != " " or piece.keep else [made]
    return piece.joined.join(_cut(word, piece) for word in words)


def _made(made: Made, part: str) -> str:
    match made:
        case "":
            return part
        case "month":
            return str(_MONTH.get(part.casefold(), ""))
        case "month name":
            return (
                _MONTHS[int(part) - 1].capitalize()
                if part.isdecimal() and len(part) <= 2 and 1 <= int(part) <= len(_MONTHS)
                else ""
            )
        case "consonants":
            return _VOWEL.sub("", part)
        case "reversed":
            return part[::-1]
        case "length":
            return str(len(part))


def _cut(word: str, piece: Piece) -> str:
    kept = word[piece.keep :] if piece.keep < 0 else word[: piece.keep or None]
    match piece.letters:
        case "":
            return kept
        case "upper":
            return kept.upper()
        case "lower":
            return kept.lower()
        case "capitalised":
            return " ".join(each[:1].upper() + each[1:].lower() for each in kept.split(" "))


def write(form: Sequence[Piece], situation: str) -> Written | None:
    """The answer in this form; None where a part is not there, can't be written so, or is far too long."""
    parts = parts_of(situation)
    answer: list[str] = []
    taken: list[str] = []
    for piece in form:
        if piece.literal:
            answer.append(piece.literal)
            continue
        span = span_of(piece, parts)
        part = parts.text[slice(*span)] if span is not None else ""
        said = changed(piece, part) if can_be_written(part) else ""
        if not said:
            return None
        answer.append(said)
        # Of what is shortened or turned round, no more of the task is told than the answer has.
        taken.append(said if piece.keep or piece.made or piece.joined != " " else part)
    told = "".join(answer)
    return Written(told, tuple(taken)) if can_be_written(told) else None


def can_be_written(text: str) -> bool:
    """It is one line, and not long: a prompt shows it in a line of ours."""
    return len(text) <= LONGEST_ANSWER and len(text.splitlines()) == 1 and bool(text.strip())
