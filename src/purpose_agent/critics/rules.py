"""Seven rules that keep Φ from being talked up, as functions.

In:  what a critic's model said; the states before and after; the goal.
Out: what of it is credited, as a `Score`.

1. Evidence quotes facts of the state and is looked up there. Names, the task's inputs and the goal's words are no evidence.
2. What the actor thinks or claims is no fact: only states are read here, and an answer is one claim among facts.
3. A change of labels, case, space or place earns nothing; sentences about scoring are not even shown (`speech.py`).
4. Same state and goal, same Φ: kept by `phi.py`.
5. A score that is no finite number from 0 to 10 is None, and flagged.
6. Confidence makes the range of Φ wide or narrow, and what the Φ of that state teaches large or small (`memory/returns.py`).
7. A rise takes a quote of what is new, one of more than 3 points two different ones, one of more than 6 three.

Not here: truth. A quote shows that something stands there, not that it is right.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from purpose_agent.core.messages import Json
from purpose_agent.core.score import MAX_PHI, Evidence, Score
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.critics.facts import facts_of, words_of
from purpose_agent.critics.speech import (
    LABEL_LEFT_OUT,
    LABELS,
    LEFT_OUT,
    folded,
    is_verdict,
    sentences,
    speaks,
    tokens,
)

SHORTEST_QUOTE = 3
MOST_QUOTES = 3
POINTS_PER_QUOTE = 3.0
SHORT = 6
"""News of so few words has been shown once it is quoted whole: there is nothing else to quote."""
FOREIGN = 0.2
"""A text repeats the goal if no more than this share of its words is not the goal's."""
HALF_WIDTH = 5.0
ANSWER = "answer"


@dataclass(frozen=True)
class Ground:
    """What evidence can stand on. Build it with `ground`.

    Attributes:
        facts: What was reached, by name, without labels and sentences about scoring.
        given: The task's inputs that stand in the state as they came.
        old: What counts as known already; empty where the whole state is judged.
        task: The goal and the inputs.
        words: The facts without the names inside them.
        old_words: The same of what was known.
    """

    facts: Mapping[str, str]
    given: Mapping[str, str]
    old: Mapping[str, str]
    task: str
    words: Mapping[str, str]
    old_words: Mapping[str, str]

    @cached_property
    def known(self) -> str:
        """The words of what was known already."""
        return _joined(tokens("\n".join(self.old.values())))

    @cached_property
    def news(self) -> tuple[str, ...]:
        """The sentences that are new in the state, apart from labels and repetitions."""
        return tuple(self._new(self.words, self.old_words))

    @cached_property
    def lost(self) -> bool:
        """Something of substance is gone."""
        return any(True for _ in self._new(self.old_words, self.words))

    @property
    def superficial(self) -> bool:
        """Nothing of substance came or went."""
        return not self.news and not self.lost

    def _new(self, there: Mapping[str, str], other: Mapping[str, str]) -> Iterator[str]:
        """What stands `there` and not in `other`."""
        known = _joined(tokens("\n".join(other.values())))
        lines = {folded(line) for text in other.values() for line in text.splitlines()}
        for name, text in there.items():
            if other.get(name) == text:
                continue
            same = _joined(_unlabelled(other[name])) if name in other else None
            for sentence in sentences(text):
                words = tokens(sentence)
                bare = _unlabelled(sentence)
                if not words or _is_mark(sentence) or is_verdict(sentence) or self.repeats(words):
                    continue
                # One word stands in many places by chance: it must have been a line of its own.
                if _joined(words) in known and (len(words) > 1 or folded(sentence) in lines):
                    continue
                if same is not None and (not bare or _joined(bare) in same):
                    continue
                yield sentence.strip()

    def repeats(self, words: Sequence[str]) -> bool:
        """Words that only hand the goal or the inputs back."""
        if _joined(words) in self._asked:
            return True
        foreign = [word for word in words if word not in self._asked_words]
        return len(words) > 3 and len(foreign) <= FOREIGN * len(words) and not any(word[0].isdigit() for word in foreign)

    @cached_property
    def _asked(self) -> str:
        return _joined(tokens(self.task))

    @cached_property
    def _asked_words(self) -> frozenset[str]:
        return frozenset(self._asked.split())

    @cached_property
    def _texts(self) -> list[str]:
        return [folded(text) for text in self.facts.values()]

    @cached_property
    def _names(self) -> list[str]:
        return sorted({folded(name) for name in (*self.facts, *self.given)}, key=len, reverse=True)

    def evidence(self, quote: str) -> Evidence:
        """The quote, looked up among the facts. A name before it, as in "name: fact", does not count."""
        said = self._bare(quote)
        words = tokens(said)
        whole = said in self._texts
        found = whole or (len(said) >= SHORTEST_QUOTE and any(_occurs(said, text) for text in self._texts))
        marked = any(mark in said for mark in (LEFT_OUT, LABEL_LEFT_OUT)) or _is_mark(said)
        told = self.repeats(words) and not (whole and len(words) < SHORTEST_QUOTE)
        fact = bool(words) and not marked and said not in self._names and not told and not is_verdict(said) and not speaks(said)
        return Evidence(quote.strip(), found and fact)

    def is_new(self, quote: str) -> bool:
        """It was not known before."""
        return _joined(tokens(self._bare(quote))) not in self.known

    def _bare(self, quote: str) -> str:
        said = folded("\n".join(line.strip().removeprefix("+ ") for line in quote.splitlines())).strip('"“”…` ')
        name = next((name for name in self._names if said.startswith(f"{name}:")), None)
        return said if name is None else said[len(name) + 1 :].strip()

    def fresh(self, evidence: Sequence[Evidence]) -> int:
        """How many different verified quotes are of what is new."""
        new: list[str] = []
        for seen in evidence:
            words = _joined(tokens(self._bare(seen.quote)))
            if seen.verified and words not in self.known and not any(words in other or other in words for other in new):
                new.append(words)
        return len(new)

    def shown_whole(self, evidence: Sequence[Evidence]) -> bool:
        """What is new is a few words, and all of them were quoted."""
        words = tokens(" ".join(self.news))
        quoted = {word for seen in evidence if seen.verified for word in tokens(seen.quote)}
        return 0 < len(words) <= SHORT and quoted.issuperset(words)


def ground(task: Task, after: State, before: State | None = None) -> Ground:
    """What evidence can stand on after a step; without `before` all that was reached counts as new."""
    given = {name for name, value in task.inputs.items() if name in after.values and after.values[name] == value}
    now, old = facts_of(after), facts_of(before or State())
    return Ground(
        facts=_without(now, given),
        given={name: text for name, text in now.items() if name in given},
        old=_without(old, given),
        task="\n".join([task.goal, *facts_of(State(task.inputs)).values()]),
        words=_without(words_of(after), given),
        old_words=_without(words_of(before or State()), given),
    )


def substantial(task: Task, answer: str) -> bool:
    """The answer says more than that all is done, and more than the goal did."""
    # A single word of the goal may be the answer: "Is it a cat or a dog?"
    short = len(tokens(answer)) < SHORTEST_QUOTE and not is_verdict(answer)
    return bool(ground(task, State({ANSWER: answer})).news) or (short and bool(tokens(answer)))


def _without(facts: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: text for name, text in facts.items() if name not in names}


def judged(
    said: Mapping[str, Json] | None,
    on: Ground,
    phi_before: float | None,
    critic: str,
    *,
    may_rise: bool = True,
    only_new: bool = False,
    jumps: bool = False,
    flags: tuple[str, ...] = (),
) -> Score:
    """What of a critic's JSON is credited.

    Args:
        said: "quotes", "score", "confidence"; None if it could not be read.
        on: What its quotes are looked up in.
        phi_before: None is unknown; a rise is then counted from 0.
        critic: Who signs.
        may_rise: False: nothing was done that could raise Φ; the critic may still lower it.
        only_new: Quotes of what was known before are no evidence.
        jumps: The critic was asked for one quote, so that rule 7 can't be held against it.
        flags: What the caller has to say.
    """
    phi = number(said, "score", MAX_PHI)
    if said is None or phi is None:
        return Score(phi_before, None, 0.0, critic, flags=(*flags, "unreadable"))
    confidence = number(said, "confidence", 1.0)
    if confidence is None:
        flags = (*flags, "no_confidence")
    evidence = tuple(on.evidence(quote) for quote in quotes_of(said))
    if only_new:
        evidence = tuple(Evidence(seen.quote, seen.verified and on.is_new(seen.quote)) for seen in evidence)
    base = phi_before or 0.0
    if not any(seen.verified for seen in evidence):
        if phi_before is None and phi > 0:
            return Score(None, None, 0.0, critic, evidence, flags=(*flags, "no_evidence"))
        phi, flags = min(phi, base), (*flags, "no_evidence")
    if phi > base and not may_rise:
        phi, flags = base, (*flags, "superficial")
    most = MAX_PHI if jumps or on.shown_whole(evidence) else borne(base, on.fresh(evidence))
    if phi > most:
        phi, flags = most, (*flags, "jump")
    low, high = range_of(phi, confidence or 0.0)
    return Score(phi_before, phi, confidence or 0.0, critic, evidence, flags=flags, low=low, high=high)


def unmoved(phi_before: float | None, critic: str) -> Score:
    """The score of a step that changed nothing of substance; nobody is asked."""
    return Score(phi_before, phi_before, 1.0, critic, flags=("superficial",), low=phi_before, high=phi_before)


def borne(base: float, fresh: int) -> float:
    """The highest Φ that so many quotes of what is new can bear, from `base`: without one, no rise."""
    return MAX_PHI if fresh >= MOST_QUOTES else min(MAX_PHI, base + POINTS_PER_QUOTE * fresh)


def range_of(phi: float, confidence: float) -> tuple[float, float]:
    """The ends of the range around Φ: a sure critic's is a point."""
    half = HALF_WIDTH * (1.0 - confidence)
    return max(0.0, phi - half), min(MAX_PHI, phi + half)


def number(said: Mapping[str, Json] | None, name: str, most: float) -> float | None:
    """A number from 0 to `most`; whatever else stands there is None."""
    value = (said or {}).get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= most else None


def quotes_of(said: Mapping[str, Json]) -> list[str]:
    """What the critic quoted, at most three; some models write one string."""
    quotes = said.get("quotes", said.get("quote"))
    listed = quotes if isinstance(quotes, list) else [quotes]
    return [quote for quote in listed if isinstance(quote, str) and quote.strip()][:MOST_QUOTES]


def _joined(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "


def _unlabelled(text: str) -> list[str]:
    """The words of a text without labels, and without the numbers beside them."""
    kept: list[str] = []
    for line in text.splitlines():
        words = tokens(line)
        bare = [word for word in words if word not in LABELS]
        kept.extend(bare if len(bare) == len(words) else [word for word in bare if not word[0].isdigit()])
    return kept


def _is_mark(text: str) -> bool:
    """Nothing but marks of what was left out, or a bare JSON word."""
    said = folded(text)
    for mark in (LEFT_OUT, LABEL_LEFT_OUT):
        said = said.replace(mark, "")
    return said.strip() in ("", "true", "false", "null")


def _occurs(said: str, text: str) -> bool:
    """`said` stands in `text`, and no word is cut."""
    start = text.find(said)
    while start >= 0:
        end = start + len(said)
        opens = start == 0 or not (_in_word(text[start - 1]) and _in_word(said[0]))
        closes = end == len(text) or not (_in_word(text[end]) and _in_word(said[-1]))
        if opens and closes:
            return True
        start = text.find(said, start + 1)
    return False


def _in_word(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()
