"""The memories that bear on a task: relevance × utility × trust.

In:  a task, and who will do it.
Out: the few promoted memories worth the room in a prompt, best first, each with its reasons.

A memory with a family applies to the tasks of that family, and to no others. A person's memory without a situation
applies always. Any other memory must share words with the task, and more than one common word: see `_bears_on`. A rule of
lines applies only where one of its lines fits.
Words are compared by a rough English stem; a language written without spaces is matched poorly.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from purpose_agent.core.memory import Lesson, Memory, Recalled
from purpose_agent.core.task import Task
from purpose_agent.memory.lifecycle import TEACHERS
from purpose_agent.memory.rules import has_a_say
from purpose_agent.memory.store import MemoryStore

WORDS = 40
"""How many different words of a task are looked for."""

SHARE = 0.3
"""Which part of a situation's telling words must occur in the task."""

_LONGEST = 4_000
_WORD = re.compile(r"[^\W_]{2,40}")
_STOP_WORDS = (
    "a an and any are as at be been before being but by can could did do does doing done each every few for from had has have having he her"
    " here him his how i if in into is it its just like may me might more most must my need no nor not of off on once one only or other our"
    " out over own same shall she should so some such than that the their them then there these they this those through to too two under"
    " until up very was we were what when where which while who whom whose why will with would you your"
)
# Words that most tasks have, whatever they are about: they find, but they don't tell.
_COMMON_WORDS = (
    "write writing written function functions code coding python program return returns returning returned use uses used using make makes"
    " making create creates creating"
    " implement implementing implemented give given gives giving value values answer answers answering answered"
    " question questions task tasks problem problems"
    " solution solutions solve solving result results find finding called call calls name named"
    " input inputs output outputs get gets getting new first last work working following please handle handling situation case cases"
    " asked ask agent user"
)
_STOP = frozenset(_STOP_WORDS.split())
_COMMON = frozenset(_COMMON_WORDS.split())
_SUFFIXES = (
    "ations", "ation", "ively", "ically", "ments", "ment", "ings", "ing", "ives", "ive", "ions", "ion", "ers", "ies", "er", "ed", "ly",
    "es", "al", "ic", "s", "e", "y",
)  # fmt: skip


def recall(store: MemoryStore, task: Task, agent: str, *, limit: int = 10, also: Memory | None = None) -> tuple[Recalled, ...]:
    """The promoted memories that bear on `task` for `agent`, at most `limit`, best first; () if none does.

    Deterministic: equal scores are ordered by id. Costs tens of microseconds without a database, and reads only.

    Args:
        store: Where to look.
        task: Its goal and its text inputs are the words; `labels["family"]` is its family.
        agent: A memory made for other agents is left out.
        limit: 1 and above.
        also: The memory on trial: it is in the result whatever its status, scope and score, at full relevance, unless
            none of its lines fits.
    """
    family = task.labels.get("family", "")
    found: dict[str, Recalled] = {}
    if store.exists:
        for memory in store.scoped(agent=agent, family=family):
            if memory.lesson.scope.families or memory.lesson.provenance.origin in TEACHERS:
                found[memory.id] = _recalled(memory, 1.0)
        for memory, relevance in _by_words(store, task, agent, limit):
            found.setdefault(memory.id, _recalled(memory, relevance))
    if also is not None:
        found[also.id] = _recalled(also, 1.0)
    telling = (each for each in found.values() if has_a_say(each.memory.lesson, task))
    ranked = sorted(telling, key=lambda each: (-each.score, each.memory.id))
    kept = ranked[:limit]
    if also is not None and found[also.id] in ranked and all(each.memory.id != also.id for each in kept):
        kept = [*kept[: limit - 1], found[also.id]]
    return tuple(kept)


def _by_words(store: MemoryStore, task: Task, agent: str, limit: int) -> Iterator[tuple[Memory, float]]:
    words = _words(_text(task))
    telling = tuple(word for word in words if word not in _COMMON)
    matches = store.search((telling or words)[:WORDS], agent=agent, limit=4 * limit)
    if not matches:
        return
    stems = frozenset(map(_stem, words))
    bearing = [(memory, score) for memory, score in matches if _bears_on(memory.lesson, stems)]
    for memory, score in bearing:
        best = bearing[0][1]
        yield memory, score / best if best > 0 else 1.0


def _recalled(memory: Memory, relevance: float) -> Recalled:
    return Recalled(memory, relevance, relevance * memory.utility * memory.trust)


def _text(task: Task) -> str:
    return " ".join([task.goal, *(value for value in task.inputs.values() if isinstance(value, str))])[:_LONGEST]


def _words(text: str) -> tuple[str, ...]:
    """The different words of `text` in order, those first that tell something, without stop words."""
    words = [word for word in dict.fromkeys(_WORD.findall(text.casefold())) if word not in _STOP]
    return tuple(sorted(words, key=_COMMON.__contains__))


def _bears_on(lesson: Lesson, task_stems: frozenset[str]) -> bool:
    """Whether the lesson's situation, or that of one of its cases, is about the same as the task.

    Two of the situation's telling words must occur in the task (or its only one), and at least `SHARE` of them. A
    situation of common words alone must occur with all of them.
    """
    situations = [lesson.when if lesson.when.strip() else lesson.then, *(case.situation for case in lesson.cases)]
    return any(_is_about(situation, task_stems) for situation in situations)


def _is_about(situation: str, task_stems: frozenset[str]) -> bool:
    stems, tells = _stems(situation)
    shared = len(stems & task_stems)
    if not tells:
        return 0 < len(stems) == shared
    return shared >= min(2, len(stems)) and shared >= SHARE * len(stems)


@lru_cache(maxsize=4096)
def _stems(situation: str) -> tuple[frozenset[str], bool]:
    """The stems of its telling words and True; or those of its common words and False, if it has no others."""
    words = _words(situation[:_LONGEST])
    telling = [word for word in words if word not in _COMMON]
    return frozenset(map(_stem, telling or words)), bool(telling)


@lru_cache(maxsize=10_000)
def _stem(word: str) -> str:
    """A rough stem: `recursive` and `recursively` are one word, `dates` and `date` too."""
    for suffix in _SUFFIXES:
        if len(word) - len(suffix) >= 3 and word.endswith(suffix):
            return word[: -len(suffix)]
    return word
