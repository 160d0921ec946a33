"""An option in a situation, as a handful of features.

In:  a goal, a situation, an option, what was done so far in the run.
Out: names of features, all of weight one; equal names mean that experience carries over.

Words of the option, alone and in pairs; how often it was tried in this run, and what came of the most similar thing
tried; what was done just before; what in the situation speaks of the goal; for short situations, every word of them
with the option. Features of the moment alone (how far the run is, how long nothing was gained) take up what is common
to all options of a decision, so that the others tell what makes the difference. Nothing here knows any world's words.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from purpose_agent.core.values import Experienced
from purpose_agent.memory.rules import words_of

_CLAUSE = re.compile(r"[.,;:!?\n]+")
_STOP_WORDS = "a an the in on to of at from into is are you your that there it and has have one also see with here now nothing"
_STOP = frozenset(_STOP_WORDS.split())
SHORT = 12
"""Situations of at most so many telling words are paired with the option word by word, even where many decisions follow."""
MOST_WORDS = 60
MOST_CLAUSES = 6
MOST_PAIRS = 28
UNTRIED = "untried"
"""The feature of an option that was not taken in this situation in this run."""


@lru_cache(maxsize=20_000)
def content(text: str) -> tuple[str, ...]:
    """The words that say something, in order, in lower case."""
    return tuple(word for word in words_of(text) if word not in _STOP)


@dataclass(frozen=True, slots=True)
class Moment:
    """What is the same for all options of one decision."""

    features: tuple[str, ...]
    clauses: tuple[tuple[str, int], ...]
    words: tuple[str, ...]
    here: Counter[str]
    ever: Counter[str]
    news: frozenset[str] | None
    """What could be done a step ago; None if there was none."""
    stale: int
    """How many steps ago something was gained, in threes."""
    visits: int
    past: tuple[tuple[str, tuple[str, ...], bool], ...]
    """Option, its words, whether something was gained; oldest first."""


def moment_of(
    goal: str, situation: str, options: Sequence[str], past: Sequence[Experienced], *, single: bool = False
) -> Moment:
    """What a decision begins with.

    Args:
        single: It is the only one of its run, so that all depends on the situation.
    """
    since = 0
    for step in reversed(past):
        if step.reward > 0:
            break
        since += 1
    gained = sum(step.reward > 0 for step in past)
    late = min(len(past) // 5, 20)
    same = [step.option for step in past if step.situation == situation]
    visits = min(len(same), 3)
    scene = situation.replace(goal, "")
    # In a world the goal is the same all along; of a single choice it may be all there is to see.
    words = tuple(dict.fromkeys(content(scene) + (content(goal) if single else ())))
    features = (
        "bias",
        f"late {late}",
        f"gained {gained}",
        f"late {late} gained {gained}",
        f"since {min(since, 10)}",
        f"since {min(since, 10)} visits {visits}",
        f"options {len(options) // 4}",
        f"place {' '.join(content(scene[:80])[:6])}",
    )
    return Moment(
        features=features,
        clauses=_about(goal, scene),
        words=words[:MOST_WORDS] if single or len(words) <= SHORT else (),
        here=Counter(same),
        ever=Counter(step.option for step in past),
        news=frozenset(past[-1].options) if past and past[-1].options else None,
        stale=min(since, 10) // 3,
        visits=visits,
        past=tuple((step.option, content(step.option), step.reward > 0) for step in past),
    )


def _about(goal: str, situation: str) -> tuple[tuple[str, int], ...]:
    """Clauses of the situation that share words with the goal: what else they say, and how many words they share."""
    wanted = frozenset(content(goal))
    found: list[tuple[str, int]] = []
    for clause in _CLAUSE.split(situation):
        words = content(clause)
        shared = sum(word in wanted for word in set(words))
        if shared and len(words) > shared:
            found.append((" ".join(word for word in words if word not in wanted)[:80], min(shared, 3)))
    return tuple(dict.fromkeys(found))[-MOST_CLAUSES:]


def whole(option: str) -> str:
    """The feature of the option as it is."""
    return f"all {' '.join(content(option) or (option.casefold(),))}"


def features_of(option: str, moment: Moment) -> tuple[str, ...]:
    """The features of one option."""
    words = content(option) or (option.casefold(),)
    verb, rest = words[0], words[1:]
    here, ever = min(moment.here[option], 3), min(moment.ever[option], 3)
    found = [
        *moment.features,
        f"verb {verb}",
        whole(option),
        f"{verb} stale {moment.stale}",
        f"{verb} visits {moment.visits}",
        f"here {here}" if here else UNTRIED,
        f"{verb} here {here}",
        f"{verb} ever {ever}",
        f"{verb} here {here} ever {ever}",
        f"{verb} new {moment.news is not None and option not in moment.news}",
    ]
    found += [f"{verb} {word}" for word in rest]
    pairs = [(one, other) for number, one in enumerate(rest) for other in rest[number + 1 :]]
    found += [f"{verb} {one} with {other}" for one, other in pairs[:MOST_PAIRS]]
    if moment.past:
        _, last, paid = moment.past[-1]
        touched = not set(last[1:]).isdisjoint(rest)
        found += [f"{verb} after {last[0]} {paid}", f"{verb} after {last[0]} {paid} {touched}"]
    found += _likened(option, verb, rest, moment)
    found += [f"goal {shared} {said} then {' '.join(words)}" for said, shared in moment.clauses]
    found += [f"goal {shared} {verb}" for _, shared in moment.clauses]
    found += [f"{word} then {' '.join(words)}" for word in moment.words]
    return tuple(dict.fromkeys(found))


def _likened(option: str, verb: str, rest: Sequence[str], moment: Moment) -> list[str]:
    """What came of the thing done in this run that is most like the option, and of the last one with its first object."""
    about = set(rest)
    best: tuple[int, str] | None = None
    last = "none"
    for done, words, paid in moment.past:
        shared = len(about.intersection(words[1:]))
        if shared and (best is None or shared >= best[0]):
            best = (shared, f"{verb} like {words[0]} {paid} {done == option} {shared == len(about)}")
        if rest and rest[0] in words:
            last = f"{words[0]} {paid}"
    return [best[1] if best is not None else f"{verb} like nothing", *([f"{verb} its last {last}"] if rest else [])]
