"""The form in which answers are written, found without a model.

In:  situations and what was right in them, each in other words.
Out: lines that write an answer from parts of the situation, and how many cases they get right that they were not made from.

The form of fewest and plainest pieces is looked for, from left to right, in all answers at once; a few may differ. It
is judged by cross-validation, like other rules (`induce.py`). Where one form does not explain the cases, a word that some
situations have may tell two forms apart. After FlashFill (Gulwani, https://doi.org/10.1145/1926385.1926423), with pieces
that are found by labels, as tasks have them, and without loops.

Not found: sums, tables (of anything but months), parts that no word, sign or number of order leads to.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

from purpose_agent.core.forms import Piece
from purpose_agent.core.memory import Case, Condition, RuleLine
from purpose_agent.learning.cases import FEWEST_CASES
from purpose_agent.learning.form_pieces import Part, pieces_of
from purpose_agent.learning.induce import CHANCE, FOLDS, FOLDS_OF_MANY, LEAVE_ONE_OUT, MANY, Rule, at_least
from purpose_agent.memory.forms import can_be_written
from purpose_agent.memory.rules import facts_of, told_by

FEWEST_RIGHT = 0.7
"""So large a share must be right of the cases about which a form says something."""
FEWEST_EXPLAINED = 1 / 3
"""And so large a share of all cases."""
MOST_OF = 60
MOST_TEXT = 20_000
"""So many cases are looked at, the newest, and of long ones so many characters in all."""
LONGEST_TEXT = 2_000
"""Of a situation. In longer ones no form is looked for: it would take seconds."""
ONE_MISS_IN = 6
GOOD = 7 / 8
"""Of a form that explains such a share, no second one is looked for."""
MOST_TRIED = 150
"""So many beginnings of a form are gone on with."""
MOST_SPLITS = 5
FEWEST_OF_A_SPLIT = 4
ENOUGH_TOGETHER = 3
MISS = 2.0
"""What a case that a form does not explain weighs, against pieces of weight one and a little more."""
LEFT = 0.3
LITERAL, LETTER = 0.4, 0.7
"""What a character of fixed text weighs: signs are mostly fixed, letters and figures seldom."""


def induce_forms(cases: Sequence[Case]) -> tuple[Rule, ...]:
    """The form that explains `cases`, or ().

    Args:
        cases: Oldest first.
    """
    longest = max((len(case.situation) for case in cases), default=0)
    newest = min(MOST_OF, max(FEWEST_CASES, MOST_TEXT // max(1, longest)))
    asked = cases[-newest:]
    cases = sorted((case for case in asked if can_be_written(case.answer)), key=lambda case: (case.situation, case.answer))
    if longest > LONGEST_TEXT or len(asked) - len(cases) > _misses(len(asked)):
        return ()
    if len(cases) < FEWEST_CASES or len({case.answer for case in cases}) < 2:
        return ()
    found: list[Rule] = []
    for condition in (None, *_splits(cases)):
        rule = _judged(cases, condition)
        found += [rule] if rule is not None else []
        if rule is not None and rule.hits >= len(cases) * GOOD:
            break
    # The first of those that do best: one form before two.
    return (max(found, key=lambda each: each.hits),) if found else ()


def _judged(cases: Sequence[Case], condition: Condition | None) -> Rule | None:
    """The lines made from all cases, if those made from some are right about the others beyond chance."""
    forms = _Forms(cases, condition)
    lines = forms.lines(range(len(cases)))
    if not any(line.form for line in lines):
        return None
    hits = said = 0
    given: Counter[str] = Counter()
    for left_out in _folds(len(cases)):
        made = forms.lines([number for number in range(len(cases)) if number not in left_out])
        for case in (cases[number] for number in left_out):
            told = told_by(made, case.situation)
            if told is not None:
                said += 1
                hits += told == case.answer
                given[told] += 1
    right = Counter(case.answer for case in cases)
    share = sum(count * right[answer] for answer, count in given.items()) / len(cases) ** 2
    if (
        hits < FEWEST_CASES - 1
        or hits < max(FEWEST_RIGHT * said, FEWEST_EXPLAINED * len(cases))
        or at_least(hits, len(cases), share) > CHANCE
    ):
        return None
    return Rule(lines, hits, len(cases))


def _folds(count: int) -> list[range]:
    folds = count if count <= LEAVE_ONE_OUT else FOLDS if count <= MANY else FOLDS_OF_MANY
    return [range(fold, count, folds) for fold in range(folds)]


def _splits(cases: Sequence[Case]) -> list[Condition]:
    """Words that some situations have: first those of about half, with other words, as the words of one wording are."""
    having: dict[str, int] = {}
    for number, case in enumerate(cases):
        for term in facts_of(case.situation).terms:
            having[term] = having.get(term, 0) | 1 << number
    everywhere = (1 << len(cases)) - 1
    terms: dict[int, list[str]] = {}
    for term, here in sorted(having.items()):
        if FEWEST_OF_A_SPLIT <= here.bit_count() <= len(cases) - FEWEST_OF_A_SPLIT:
            # What all the other situations have tells the same two sides apart.
            terms.setdefault(everywhere & ~here if everywhere & ~here in terms else here, []).append(term)

    def rank(item: tuple[int, list[str]]) -> tuple[int, list[str]]:
        here, together = item
        smaller = min(here.bit_count(), len(cases) - here.bit_count())
        return -(smaller**2) * min(len(together), ENOUGH_TOGETHER), together

    ranked = sorted(terms.items(), key=rank)[:MOST_SPLITS]
    shortest_first = (sorted(together, key=lambda term: (" " in term, term)) for _, together in ranked)
    return [Condition(together[0]) for together in shortest_first]


class _Forms:
    """Cases, and the pieces that each side of a condition may be made of."""

    def __init__(self, cases: Sequence[Case], condition: Condition | None) -> None:
        self._cases = cases
        self._condition = condition
        here = {number for number, case in enumerate(cases) if condition and condition.term in facts_of(case.situation).terms}
        self._sides = [here, {*range(len(cases))} - here] if condition else [{*range(len(cases))}]
        self._pieces: list[list[Part]] = []
        for side in self._sides:
            inside = [case for number, case in enumerate(cases) if number in side]
            self._pieces.append(pieces_of(inside, _misses(len(inside))))

    def lines(self, numbers: Sequence[int]) -> tuple[RuleLine, ...]:
        """Those that the cases of these numbers teach; a side without a form has no line."""
        made: list[RuleLine] = []
        conditions = [(self._condition,), ()] if self._condition else [()]
        for side, parts, condition in zip(self._sides, self._pieces, conditions, strict=True):
            inside = sorted(side)
            wanted = {*numbers}
            among = [place for place, number in enumerate(inside) if number in wanted]
            form = shortest([self._cases[number].answer for number in inside], parts, among) if among else ()
            if len(form) == 1 and form[0].literal:
                made.append(RuleLine(condition, form[0].literal))
            elif form:
                made.append(RuleLine(condition, "", form))
            elif condition:
                return ()  # what is meant for the others would be said of these
        return tuple(made)


def _misses(count: int) -> int:
    """So many of the cases may follow no form. As many of all cases as of all but one: each is left out once."""
    return (count + 1) // ONE_MISS_IN


def shortest(answers: Sequence[str], parts: Sequence[Part], among: Sequence[int]) -> tuple[Piece, ...]:
    """The lightest form that writes the answers `among` all, but for a few; () if there is none.

    Best first (A*): a place of the search is how much of each answer is written; −1 where it was given up. What is left to
    write is taken to weigh `LEFT` a character, which finds long pieces first.
    """
    lengths = [len(answers[number]) for number in among]
    misses = _misses(len(among))
    begin: tuple[int, ...] = (0,) * len(among)
    queue: list[tuple[float, float, int, tuple[int, ...], tuple[Piece, ...]]] = [(0, 0, 0, begin, ())]
    lightest: dict[tuple[int, ...], float] = {begin: 0}
    serial = tried = 0
    while queue and tried < MOST_TRIED:
        _, weight, _, written, form = heappop(queue)
        if weight > lightest[written]:
            continue
        if all(at < 0 or at == length for at, length in zip(written, lengths, strict=True)):
            return _joined(form)
        tried += 1
        for piece, said, more in _next(answers, parts, among, written):
            after = _after(answers, among, written, said, misses)
            if after is None:
                continue
            total = weight + more + MISS * (after.count(-1) - written.count(-1))
            if total < lightest.get(after, float("inf")):
                lightest[after] = total
                serial += 1
                left = [length - at for at, length in zip(after, lengths, strict=True) if at >= 0]
                heappush(queue, (total + LEFT * sum(left) / len(left), total, serial, after, (*form, piece)))
    return ()


def _next(
    answers: Sequence[str], parts: Sequence[Part], among: Sequence[int], written: Sequence[int]
) -> Iterator[tuple[Piece, Sequence[str], float]]:
    """The pieces that may come next, what each writes in all cases, and its weight."""
    following = Counter(answers[number][at : at + 1] for at, number in zip(written, among, strict=True) if at >= 0)
    character = max(following, key=lambda each: (following[each], each))
    fixed = LETTER if character.isalnum() else LITERAL
    if character:
        yield Piece(literal=character), [character] * len(answers), fixed
    for part in parts:
        yield part.piece, part.written, 1 + part.weight


def _after(
    answers: Sequence[str], among: Sequence[int], written: Sequence[int], said: Sequence[str], misses: int
) -> tuple[int, ...] | None:
    """How much of each answer is written then; None if too many are given up."""
    after: list[int] = []
    for at, number in zip(written, among, strict=True):
        text = said[number]
        if at >= 0 and text and answers[number].startswith(text, at):
            after.append(at + len(text))
            continue
        misses -= 1
        if misses < 0:
            return None
        after.append(-1)
    return tuple(after)


def _joined(form: Sequence[Piece]) -> tuple[Piece, ...]:
    """Neighbouring literals as one."""
    joined: list[Piece] = []
    for piece in form:
        if piece.literal and joined and joined[-1].literal:
            joined[-1] = Piece(literal=joined[-1].literal + piece.literal)
        else:
            joined.append(piece)
    return tuple(joined)
