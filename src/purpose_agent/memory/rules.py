"""Which line of a rule fits a situation.

In:  a rule's lines, a task.
Out: the first line that fits, or none.

The one place that says what a condition means: `learning/` finds lines by these words and numbers, recall and the
prompt look them up by the same. Words are compared as they are written, apart from case; no stems, no synonyms, and
numbers in figures only. What a written form means is said in `forms.py`, what is like what in `meaning.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

from purpose_agent.core.memory import Condition, Lesson, RuleLine
from purpose_agent.core.messages import Json
from purpose_agent.core.task import Task
from purpose_agent.memory.forms import Written, write
from purpose_agent.memory.meaning import meant
from purpose_agent.memory.words import LONGEST

_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_PART = re.compile(r"(?P<number>(?<![^\W_])(?:(?<!\S)-)?\d+(?:[.,]\d+)*(?![\d]))|(?P<word>[^\W\d_][^\W_]*(?:[-'][^\W_]+)*)")
_UNIT_GAP = re.compile(r"\s*-?\s*")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_STOP_WORDS = (
    "a an the of to in on at by for from with and or is are was were be it its this that these those there here what which who do does did"
    " you your i my we our he she they his her their as before after into onto"
)
_STOP = frozenset(_STOP_WORDS.split(" "))


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions can be about.

    Attributes:
        terms: Words and neighbouring pairs of words.
        numbers: By the word beside them.
        quotes: By the same word, the number as it is written there: "24 kilos".
    """

    terms: frozenset[str]
    numbers: Mapping[str, float]
    quotes: Mapping[str, str]


def situation_of(goal: str, inputs: Mapping[str, Json]) -> str:
    """A task as one text: its goal and its inputs."""
    return " ".join([goal, *(f"{name}: {value}" for name, value in inputs.items())])


@lru_cache(maxsize=2048)
def facts_of(situation: str) -> Facts:
    """What is in a situation."""
    text = situation[:LONGEST]
    words = words_of(text)
    terms = [word for word in words if says_something(word)]
    terms += [f"{one} {two}" for one, two in pairwise(words) if says_something(one) and says_something(two)]
    numbers: dict[str, float] = {}
    quotes: dict[str, str] = {}
    for name, value, quote in _numbers(text):
        numbers.setdefault(name, value)
        quotes.setdefault(name, " ".join(quote.split()))
    return Facts(frozenset(terms), MappingProxyType(numbers), MappingProxyType(quotes))


def words_of(text: str) -> list[str]:
    """All words in order, in lower case."""
    return [word.casefold() for word in _WORD.findall(text)]


def says_something(word: str) -> bool:
    """It is none of the words that every text has."""
    return word not in _STOP


def _numbers(text: str) -> Iterator[tuple[str, float, str]]:
    """Numbers, each under the word that follows at once and the word before it; under "" too if there is only one."""
    parts = [(match.lastgroup == "number", match) for match in _PART.finditer(text)]
    numbers = [place for place, (is_number, _) in enumerate(parts) if is_number]
    for place in numbers:
        match = parts[place][1]
        for is_number, after in parts[place + 1 : place + 2]:
            if not is_number and says_something(after[0].casefold()) and _UNIT_GAP.fullmatch(text, match.end(), after.start()):
                yield after[0].casefold(), _value(match[0]), text[match.start() : after.end()]
        words = (part for is_number, part in reversed(parts[:place]) if not is_number)
        before = next((word for word in words if says_something(word[0].casefold())), None)
        if before is not None:
            yield before[0].casefold(), _value(match[0]), f"{before[0]} {match[0]}"
    if len(numbers) == 1:
        only = parts[numbers[0]][1][0]
        yield "", _value(only), only


def _value(written: str) -> float:
    """1,200 is a thousand and more, 1,5 is one and a half; of 10.5.2026 the day counts."""
    if _THOUSANDS.fullmatch(written):
        return float(written.replace(",", ""))
    whole, *rest = re.split(r"[.,]", written)
    return float(f"{whole}.{rest[0]}") if len(rest) == 1 else float(whole)


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether `condition` is true of a situation."""
    if condition.above is None and condition.at_most is None:
        return condition.term in facts.terms
    value = facts.numbers.get(condition.term)
    if value is None:
        return False
    return (condition.above is None or value > condition.above) and (condition.at_most is None or value <= condition.at_most)


def first_fit(lines: Sequence[RuleLine], situation: str) -> RuleLine | None:
    """The first line all of whose conditions hold; or None.

    Also where it has a form that can't be written there: what later lines say is meant for others.
    """
    return _fit(lines, situation).line


def told_by(lines: Sequence[RuleLine], situation: str) -> str | None:
    """The answer that a rule has for a situation: its line's own, or written in its form. None if no line fits."""
    fit = _fit(lines, situation)
    if fit.line is None:
        return None
    return fit.written.answer if fit.written is not None else fit.line.answer


@dataclass(frozen=True, slots=True)
class _Fit:
    """The line that fits, what its form writes, if it has one, and its example that is nearest, if it has some."""

    line: RuleLine | None = None
    written: Written | None = None
    example: str = ""


def _fit(lines: Sequence[RuleLine], situation: str) -> _Fit:
    facts = facts_of(situation)
    alike = meant(lines, situation) if any(line.like is not None for line in lines) else None
    for line in lines:
        if not all(holds(condition, facts) for condition in line.conditions):
            continue
        if line.like is not None and (alike is None or alike.line != line):
            continue
        if not line.form:
            return _Fit(line, None, alike.example if alike is not None and line.like is not None else "")
        written = write(line.form, situation)
        return _Fit(line, written) if written is not None else _Fit()
    return _Fit()


def fitting_text(lines: Sequence[RuleLine], situation: str) -> str:
    """The first line that fits, told with the situation's own numbers: "24 kilos -> the right answer is cart"; "" if none does.

    A small model follows that, where it is lost with "kilos at most 40 -> cart": it can't compare. And where it has a favourite,
    it overrules a bare "hail -> flag" (decision 22). Of a form it is told what is written, and from what: "mirror, 94 -> reply
    with mirror#94 and nothing else" (decision 45). Of a rule by meaning it is shown the example that is most like the situation:
    'like "Where is my parcel?" -> the right answer is Clara' (decision 46).
    """
    fit = _fit(lines, situation)
    line, written = fit.line, fit.written
    if line is None:
        return ""
    quotes = facts_of(situation).quotes
    bounded = (each.above is not None or each.at_most is not None for each in line.conditions)
    told = [quotes[each.term] if is_bound else each.text for each, is_bound in zip(line.conditions, bounded, strict=True)]
    if written is not None:
        told += written.parts
    if fit.example:
        told.append(f'like "{fit.example}"')
    where = " ".join(", ".join(dict.fromkeys(told)).split()) or "otherwise"
    if written is not None:
        return f"{where} -> reply with {written.answer} and nothing else"
    return f"{where} -> the right answer is {' '.join(line.answer.split())}"


def has_a_say(lesson: Lesson, task: Task) -> bool:
    """False for a rule none of whose lines fits the task, or whose line names an answer that is not to be had there."""
    if not lesson.lines:
        return True
    answer = told_by(lesson.lines, situation_of(task.goal, task.inputs))
    if answer is None:
        return False
    return not task.choices or choice_named(answer, task.choices) is not None


def choice_named(answer: str, choices: Sequence[str]) -> str | None:
    """The one that is written the same, or else the first that differs in case alone; None if there is none."""
    meant = answer.strip().casefold()
    alike = [choice for choice in choices if choice.strip().casefold() == meant]
    return answer if answer in alike else next(iter(alike), None)
