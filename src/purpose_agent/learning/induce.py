"""The rule behind solved cases, found without a model.

In:  situations and what was right in them.
Out: ordered lines "words -> answer", each list with the share of cases it gets right that it was not made from.

Several kinds of lists are made (one word decides; two conditions together; two places of the text; with and without an
"otherwise"), and each is judged by cross-validation: made from some cases, tried on the others. Of those that do best
the smallest is taken. It must get more right than the same answers in any order would, beyond chance; otherwise there
is no rule. So a wrong case among many does not hide a rule, and random answers mostly yield none: how often they do is
measured in tests/learning/test_induce.py.

Not found: rules that compare two numbers, that count, that need three conditions at once, or words that occur once.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from math import comb

from purpose_agent.core.memory import Case, RuleLine
from purpose_agent.learning.cases import FEWEST_CASES
from purpose_agent.learning.decision_list import Line, appended, claims_of, prepended, pure_pairs, tabled
from purpose_agent.learning.features import Feature, Features

CHANCE = 0.002
"""So improbable must it be that answers given in any order get as many right."""
FOLDS = 8
FOLDS_OF_MANY = 5
MANY = 60
LEAVE_ONE_OUT = 16
"""Up to so many cases, each is tried on what all the others say."""
SHARE_OF_A_LINE = 1 / 40
"""So many of the cases must a line set right, and two at least."""
OTHERWISE_COST = 5
"""What "otherwise" weighs against lines, each of which weighs one and one more for each condition: it claims
something about situations that nobody has seen."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A list of lines, and how it did on cases it was not made from: `hits` of `cases`."""

    lines: tuple[RuleLine, ...]
    hits: int
    cases: int


def induce(cases: Sequence[Case], most: int = 1) -> tuple[Rule, ...]:
    """The rules that explain `cases`, at most so many, best first; () where none is beyond chance.

    Deterministic, whatever the order of the cases. Takes about a tenth of a second for 200 cases.
    """
    answers = {case.answer for case in cases}
    if len(cases) < FEWEST_CASES or len(answers) < 2 or len(answers) == len(cases):
        return ()
    return _rules(tuple(cases), most)


@lru_cache(maxsize=32)
def _rules(cases: tuple[Case, ...], most: int) -> tuple[Rule, ...]:
    told = _Told(sorted(cases, key=lambda case: (case.situation, case.answer)))
    found: list[tuple[int, int, int, Rule]] = []
    for number, kind in enumerate(told.kinds):
        hits, by_chance = told.tried(kind)
        if by_chance <= CHANCE:
            lines = kind(told.everywhere)
            found.append((-hits, _size(lines), number, Rule(tuple(line.as_rule for line in lines), hits, len(cases))))
        if hits == len(cases) and number >= told.SIMPLE - 1:
            break
    # Of those that have the same lines, in whatever order, the best one.
    rules: dict[frozenset[RuleLine], Rule] = {}
    for *_, rule in sorted(found, key=lambda each: each[:3]):
        rules.setdefault(frozenset(rule.lines), rule)
    best, *others = rules.values() if rules else (None,)
    if best is None:
        return ()
    # Beside a rule that explains all, another one has nothing to win.
    return (best,) if best.hits == best.cases else (best, *others)[:most]


class _Told:
    """Cases as sets, and the kinds of lists to make of them, the simplest first.

    Attributes:
        SIMPLE: So many kinds have one condition a line. Where they explain all, the others are not looked at.
    """

    SIMPLE = 4

    def __init__(self, cases: Sequence[Case]) -> None:
        self._count = len(cases)
        self._features = Features([case.situation for case in cases])
        self._answers: dict[str, int] = {}
        for number, case in enumerate(cases):
            self._answers[case.answer] = self._answers.get(case.answer, 0) | 1 << number
        self._pairs: dict[int, list[Feature]] = {}
        self.everywhere = self._features.everywhere

    @cached_property
    def kinds(self) -> "Sequence[Callable[[int], list[Line]]]":
        few = max(2, round(SHARE_OF_A_LINE * self._count))
        return (
            partial(self._prepended, with_pairs=False, gain=few, otherwise=False),
            partial(self._prepended, with_pairs=False, gain=few, otherwise=True),
            partial(self._appended, gain=few, otherwise=False),
            partial(self._appended, gain=few, otherwise=True),
            partial(tabled, self._features, self._answers),
            partial(self._prepended, with_pairs=True, gain=few, otherwise=False),
            partial(self._prepended, with_pairs=True, gain=few, otherwise=True),
            partial(self._prepended, with_pairs=True, gain=few + 1, otherwise=False),
            partial(self._prepended, with_pairs=True, gain=few + 1, otherwise=True),
        )

    def _appended(self, cases: int, *, gain: int, otherwise: bool) -> list[Line]:
        return appended(self._features, self._answers, cases, gain=gain, otherwise=otherwise)

    def _prepended(self, cases: int, *, with_pairs: bool, gain: int, otherwise: bool) -> list[Line]:
        if with_pairs and cases not in self._pairs:
            self._pairs[cases] = pure_pairs(self._features, self._answers, cases)
        pairs = self._pairs[cases] if with_pairs else ()
        return prepended(self._features, pairs, self._answers, cases, gain=gain, otherwise=otherwise)

    def tried(self, kind: "Callable[[int], list[Line]]") -> tuple[int, float]:
        """How many cases a list gets right that was made without them, and how probable so many are by chance.

        By chance: if the same answers were given as often, but to any cases.
        """
        right = 0
        given: Counter[str] = Counter()
        for left_out in self._folds:
            for answer, here in claims_of(kind(self.everywhere & ~left_out), left_out):
                right += (here & self._answers[answer]).bit_count()
                given[answer] += here.bit_count()
        share = sum(count * self._answers[answer].bit_count() for answer, count in given.items()) / self._count**2
        return right, at_least(right, self._count, share)

    @cached_property
    def _folds(self) -> Sequence[int]:
        count = FOLDS if self._count <= MANY else FOLDS_OF_MANY
        if self._count <= LEAVE_ONE_OUT:
            count = self._count
        # The cases are in alphabetical order: each fold has some of every beginning.
        return [sum(1 << number for number in range(fold, self._count, count)) for fold in range(count)]


def at_least(hits: int, of: int, share: float) -> float:
    """The binomial probability of `hits` or more of `of`, each with probability `share`."""
    return sum(comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(hits, of + 1))


def _size(lines: Sequence[Line]) -> int:
    return sum(1 + len(line.feature.conditions) if line.feature.conditions else OTHERWISE_COST for line in lines)


def as_text(lines: Sequence[RuleLine]) -> str:
    """The rule as lines of text."""
    return "\n".join(f"- {line.text}" for line in lines)
