"""An ordered list of lines that explains cases: the first line that fits decides.

In:  what can decide (`features.py`), the answer of each case, which cases may be looked at.
Out: lines, the more particular before the more general.

Three ways. `prepended` begins with nothing, or with the commonest answer for all, and puts that line in front which sets
most cases right, so that exceptions end up before their rule (Webb 1993, "Learning decision lists by prepending
inferred rules"). `appended` puts at the end what is right in all cases that are left, so that what goes before all else
is found first (Rivest 1987, "Learning decision lists"): an order of precedence has no exceptions, and is no list that
grows at its front. `tabled` takes the two places of the text that decide together, cell by cell: far fewer hypotheses
than pairs of words, so that fewer cases suffice. None judges whether the list is more than chance: `induce.py` does.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from purpose_agent.core.memory import Condition, RuleLine
from purpose_agent.learning.features import Feature, Features

MOST_LINES = 24
PURITY = 0.6
"""Of the cases of a pair, the share that must have one answer, for it to be looked at."""
_FORM_LINES = 2


@dataclass(frozen=True, slots=True)
class Line:
    """Where `feature` holds, `answer`."""

    feature: Feature
    answer: str

    @property
    def as_rule(self) -> RuleLine:
        """As a memory keeps it."""
        return RuleLine(self.feature.conditions, self.answer)


def claims_of(lines: Sequence[Line], cases: int) -> Iterator[tuple[str, int]]:
    """What the list says about `cases`: an answer, and those for which its line is the first that fits."""
    for line in lines:
        here = line.feature.cases & cases
        cases &= ~here
        yield line.answer, here


def pure_pairs(features: Features, answers: Mapping[str, int], cases: int) -> list[Feature]:
    """Pairs of conditions that go with one answer, mostly."""
    found: list[Feature] = []
    for pair in features.pairs:
        here = pair.cases & cases
        count = here.bit_count()
        if count >= 2 and max((here & where).bit_count() for where in answers.values()) >= PURITY * count:
            found.append(pair)
    return found


def prepended(
    features: Features, pairs: Sequence[Feature], answers: Mapping[str, int], cases: int, *, gain: int, otherwise: bool
) -> list[Line]:
    """The list that grows at its front by the line that sets most of `cases` right.

    Args:
        pairs: Pairs of conditions that may be lines too.
        gain: A line must set so many more cases right than it spoils, 2 and above: a single case is taken for an error.
        otherwise: Begin with the commonest answer for all.
    """
    candidates = [*features.singles, *pairs]
    lines: list[Line] = []
    right = claimed = 0
    if otherwise:
        common = min(answers, key=lambda answer: (-(answers[answer] & cases).bit_count(), answer))
        lines = [Line(Feature((), features.everywhere), common)]
        right, claimed = answers[common] & cases, cases
    while len(lines) < MOST_LINES:
        best = _best(candidates, answers, cases, right, claimed, gain)
        if best is None:
            break
        lines.insert(0, best)
        here = best.feature.cases & cases
        right = (right & ~here) | (here & answers[best.answer])
        claimed |= here
    if not otherwise:
        lines += _of_the_same_form(lines, features, answers, cases & ~claimed)
    return ordered(_needed(lines, answers, cases))


def appended(features: Features, answers: Mapping[str, int], cases: int, *, gain: int, otherwise: bool) -> list[Line]:
    """The list that grows at its end by the line that is right in all of `cases` it is asked about, and in most of them.

    Args:
        gain: So many cases a line must be asked about.
        otherwise: End with the commonest answer of those that no line fits.
    """
    lines: list[Line] = []
    while len(lines) < MOST_LINES:
        best: Line | None = None
        most = gain - 1
        for feature in features.singles:
            here = feature.cases & cases
            if here.bit_count() <= most:
                continue
            answer = next((answer for answer, where in answers.items() if not here & ~where), None)
            if answer is not None:
                best, most = Line(feature, answer), here.bit_count()
        if best is None:
            break
        lines.append(best)
        cases &= ~best.feature.cases
    if not otherwise:
        return lines + _of_the_same_form(lines, features, answers, cases)
    if cases:
        common = min(answers, key=lambda answer: (-(answers[answer] & cases).bit_count(), answer))
        lines.append(Line(Feature((), features.everywhere), common))
    return lines


def _best(
    candidates: Sequence[Feature], answers: Mapping[str, int], cases: int, right: int, claimed: int, gain: int
) -> Line | None:
    """The line that is worth most; the first of several, so that a single condition comes before a pair."""
    best: Line | None = None
    most = 0
    for feature in candidates:
        here = feature.cases & cases
        open_ = here & ~right
        if open_.bit_count() < gain:
            continue
        # What a line spoils: cases that were right, and cases about which nothing was said so far.
        at_stake = here & (right | ~claimed)
        for answer, where in answers.items():
            fixed = (open_ & where).bit_count()
            if fixed < gain:
                continue
            net = fixed - (at_stake & ~where).bit_count()
            worth = net - len(feature.conditions) + 1
            if net >= gain and worth > most:
                best, most = Line(feature, answer), worth
    return best


def _of_the_same_form(lines: Sequence[Line], features: Features, answers: Mapping[str, int], left: int) -> list[Line]:
    """Lines of one case that stand where the words of other lines stand: "white door" after "red door" and "blue door"."""
    frames = features.frames
    terms = [line.feature.conditions[0].term for line in lines if len(line.feature.conditions) == 1]
    known = Counter(frame for term in terms for frame in frames.get(term, ()))
    known = Counter({frame: count for frame, count in known.items() if count >= _FORM_LINES})
    likely = [
        (-sum(known[frame] for frame in frames[term]), -len(term), term)
        for term, where in features.words.items()
        if where & left and not frames[term].isdisjoint(known)
    ]
    found: list[Line] = []
    for _, _, term in sorted(likely):
        here = features.words[term] & left
        fitting = [answer for answer, where in answers.items() if here & where]
        if len(fitting) == 1:
            found.append(Line(Feature((Condition(term),), features.words[term]), fitting[0]))
            left &= ~here
    return found[:MOST_LINES]


def _needed(lines: Sequence[Line], answers: Mapping[str, int], cases: int) -> list[Line]:
    """`lines` without those that change nothing for the better, looked at from the front."""
    kept = list(lines)
    for line in lines:
        without = [each for each in kept if each is not line]
        if _worth(without, answers, cases) >= _worth(kept, answers, cases):
            kept = without
    return kept


def _worth(lines: Sequence[Line], answers: Mapping[str, int], cases: int) -> int:
    """Cases that are right, less those that are wrong; those no line fits are neither."""
    return sum(2 * (here & answers[answer]).bit_count() - here.bit_count() for answer, here in claims_of(lines, cases))


def ordered(lines: Sequence[Line]) -> list[Line]:
    """The same list with one order for lines that exclude each other: more conditions first, then the alphabet."""
    sorted_ = list(lines)
    for _ in sorted_:
        for place in range(len(sorted_) - 1):
            one, other = sorted_[place], sorted_[place + 1]
            if not one.feature.cases & other.feature.cases and _order(other) < _order(one):
                sorted_[place], sorted_[place + 1] = other, one
    return sorted_


def _order(line: Line) -> tuple[int, str]:
    return -len(line.feature.conditions), line.as_rule.text


def tabled(features: Features, answers: Mapping[str, int], cases: int) -> list[Line]:
    """The two places whose fillers together decide most of `cases`, as lines; [] if there are no two places."""
    best: list[tuple[str, str, str, int]] = []
    most = 0
    for one, other in combinations(features.places, 2):
        cells = _cells(one, other, answers, cases)
        # What a cell says about one more case of it: a case that stands alone says nothing.
        worth = sum(count - 1 - wrong for *_, count, wrong in cells)
        if worth > most:
            best, most = [(first, second, answer, count) for first, second, answer, count, _ in cells], worth
    turned = [(second, first, answer, count) for first, second, answer, count in best]
    return min(_lines_of(best, features), _lines_of(turned, features), key=len)


def _cells(
    one: Mapping[str, int], other: Mapping[str, int], answers: Mapping[str, int], cases: int
) -> list[tuple[str, str, str, int, int]]:
    """Filler, filler, answer, cases with it, cases with another."""
    found: list[tuple[str, str, str, int, int]] = []
    for first, where in one.items():
        for second, there in other.items():
            here = where & there & cases
            if here and first != second:
                counts = {answer: (here & cases_of).bit_count() for answer, cases_of in answers.items()}
                answer = min(counts, key=lambda each: (-counts[each], each))
                found.append((first, second, answer, counts[answer], here.bit_count() - counts[answer]))
    return found


def _lines_of(cells: Sequence[tuple[str, str, str, int]], features: Features) -> list[Line]:
    """A line for each cell; where most cells of one filler agree, one line for it and its exceptions before it."""
    rows: defaultdict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for first, second, answer, count in cells:
        rows[first].append((second, answer, count))
    particular: list[Line] = []
    general: list[Line] = []
    for first, row in rows.items():
        counts = Counter(answer for _, answer, _ in row)
        answer = min(counts, key=lambda each: (-counts[each], each))
        agrees = counts[answer] >= 2 and counts[answer] > len(row) - counts[answer]
        if agrees:
            general.append(Line(Feature((Condition(first),), features.words[first]), answer))
        for second, other, _ in row:
            if not agrees or other != answer:
                both = Feature((Condition(first), Condition(second)), features.words[first] & features.words[second])
                particular.append(Line(both, other))
    return [*ordered(particular), *ordered(general)]
