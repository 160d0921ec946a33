"""The pieces of which answers may be written.

In:  situations and answers.
Out: parts of the situations whose text, changed somehow, stands in nearly all answers, each with what it weighs.

A place counts if it is there in nearly all situations: the first word after "shelf", the last number, the second name. Of
places that are the same in all situations the plainest is taken, and of pieces that write the same, too.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from purpose_agent.core.forms import Letters, Piece, Sort
from purpose_agent.core.memory import Case
from purpose_agent.memory.forms import Parts, Span, beside, changed, nth_of, parts_of

SORTS: tuple[Sort, ...] = get_args(Sort)
MOST_MARKS = 40
FARTHEST = 3
"""So far from a mark is a part looked for."""
FARTHEST_COUNTED = 4
"""So far from the beginning or the end."""
FAR = 30
"""Characters."""
MOST_KEPT = 4
WIDEST = 6
JOINED = ("", "-", "_", ".", "/")
_SINGLE: tuple[Sort, ...] = ("word", "name")
_LETTERS: tuple[Letters, ...] = ("", "upper", "lower", "capitalised")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece, what it writes in each case ("" where it can't), and what it weighs against others."""

    piece: Piece
    written: tuple[str, ...]
    weight: float


def pieces_of(cases: Sequence[Case], misses: int) -> list[Part]:
    """The parts of which the answers of all cases but `misses` may be made, the lightest first."""
    told = [parts_of(case.situation) for case in cases]
    answers = [case.answer for case in cases]
    found: dict[tuple[str, ...], Part] = {}
    for piece, spans, weight in _places(told, misses):
        texts = [parts.text[slice(*span)] if span else "" for parts, span in zip(told, spans, strict=True)]
        if len({*texts}) == 1:
            continue  # a literal says it as well
        for change, more in _changes(piece, texts):
            written = _written(change, texts, answers, misses)
            if written is None or (written in found and found[written].weight <= weight + more):
                continue
            found[written] = Part(change, written, weight + more)
    return sorted(found.values(), key=lambda part: part.weight)


def _places(told: Sequence[Parts], misses: int) -> Iterator[tuple[Piece, tuple[Span | None, ...], float]]:
    """Each place once, though it can be found in several ways."""
    best: dict[tuple[Span | None, ...], tuple[float, Piece]] = {}
    for piece, spans in (*_counted(told), *_beside_marks(told, misses)):
        if spans.count(None) > misses:
            continue
        weight = _weight(piece) + _distance(piece, spans, told)
        if spans not in best or weight < best[spans][0]:
            best[spans] = (weight, piece)
    for spans, (weight, piece) in best.items():
        yield piece, spans, weight


def _counted(told: Sequence[Parts]) -> Iterator[tuple[Piece, tuple[Span | None, ...]]]:
    for sort in SORTS:
        spans = [parts.spans[sort] for parts in told]
        for nth in range(1, FARTHEST_COUNTED + 1):
            yield Piece(sort=sort, nth=nth), tuple(nth_of(each, nth - 1) for each in spans)
            yield Piece(sort=sort, nth=-nth), tuple(nth_of(each, len(each) - nth) for each in spans)


def _beside_marks(told: Sequence[Parts], misses: int) -> Iterator[tuple[Piece, tuple[Span | None, ...]]]:
    seen = Counter(mark for parts in told for mark in parts.marks)
    common = sorted((-count, mark) for mark, count in seen.items() if count >= len(told) - misses)[:MOST_MARKS]
    for _, mark in common:
        places = [parts.marks.get(mark) for parts in told]
        for from_last in (False, True) if any(each and len(each) > 1 for each in places) else (False,):
            at = [each[-1 if from_last else 0] if each else None for each in places]
            for sort in SORTS:
                for nth in (*range(1, FARTHEST + 1), -1, -2):
                    spans = tuple(
                        beside(parts.spans[sort], one, nth, sort, parts.text) if one else None
                        for parts, one in zip(told, at, strict=True)
                    )
                    yield Piece(sort=sort, beside=mark, nth=nth, from_last=from_last), spans


def _weight(piece: Piece) -> float:
    """The plainest place is next to a label; what is far from a mark, or counted from the edge, may lie elsewhere tomorrow."""
    weight = 0.2 * (abs(piece.nth) - 1) + 0.01 * SORTS.index(piece.sort)
    if not piece.beside:
        return weight + (0.45 if piece.nth > 0 else 0.4)
    is_label = len(piece.beside) > 1 and not piece.beside[-1].isalpha()
    is_sign = not piece.beside[-1].isalpha()
    return weight + (0 if is_label else 0.1 if is_sign else 0.05) + 0.03 * (piece.nth < 0) + 0.1 * piece.from_last


def _distance(piece: Piece, spans: Sequence[Span | None], told: Sequence[Parts]) -> float:
    """How far a part is from its mark where it is farthest; the nearest mark is what people would name."""
    if not piece.beside:
        return 0
    gaps = [0]
    for span, parts in zip(spans, told, strict=True):
        if span is not None:
            mark = parts.marks[piece.beside][-1 if piece.from_last else 0]
            gaps.append(span[0] - mark[1] if piece.nth > 0 else mark[0] - span[1])
    return 0.01 * min(max(gaps), FAR)


def _changes(piece: Piece, texts: Sequence[str]) -> Iterator[tuple[Piece, float]]:
    """What can be done with a part, and what that weighs."""
    yield piece, 0
    if piece.sort == "number":
        yield from _changes_of_numbers(piece)
        return
    are_many = any(" " in text for text in texts)
    for letters in _LETTERS:
        more = 0.1 * bool(letters)
        if letters:
            yield replace(piece, letters=letters), more
        for keep in range(1, MOST_KEPT + 1):
            yield replace(piece, letters=letters, keep=keep), 0.25 + more + 0.01 * (keep > 1)
            yield replace(piece, letters=letters, keep=-keep), 0.35 + more
        for joined in JOINED if are_many else ():
            yield replace(piece, letters=letters, joined=joined), 0.2 + more
            for keep in range(1, MOST_KEPT):
                yield replace(piece, letters=letters, joined=joined, keep=keep), 0.4 + more
        if piece.sort in _SINGLE:
            yield replace(piece, letters=letters, made="reversed"), 0.5 + more
            for keep in (0, 2, 3, 4):
                yield replace(piece, letters=letters, made="consonants", keep=keep), 0.4 + 0.1 * bool(keep) + more
    if piece.sort in _SINGLE:
        yield replace(piece, made="length"), 0.6
        for width in (2, 0):
            yield replace(piece, made="month", width=width), 0.3


def _changes_of_numbers(piece: Piece) -> Iterator[tuple[Piece, float]]:
    for keep in range(1, MOST_KEPT + 1):
        yield replace(piece, keep=-keep), 0.3
        yield replace(piece, keep=keep), 0.35
    for width in range(1, WIDEST + 1):
        yield replace(piece, width=width), 0.25
    yield replace(piece, made="reversed"), 0.5
    for letters in _LETTERS:
        for keep in (0, 3):
            yield replace(piece, made="month name", letters=letters, keep=keep), 0.4 + 0.1 * bool(letters)


def _written(piece: Piece, texts: Sequence[str], answers: Sequence[str], misses: int) -> tuple[str, ...] | None:
    """What the piece writes in each case; None if that is not in the answers of more than `misses`."""
    written: list[str] = []
    for text, answer in zip(texts, answers, strict=True):
        said = changed(piece, text) if text else ""
        if not said or said not in answer:
            misses -= 1
            if misses < 0:
                return None
        written.append(said)
    return tuple(written)
