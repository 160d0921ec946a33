"""The memories that bear on a task: relevance × utility × trust.

In:  a task, and who will do it.
Out: the few promoted memories worth the room in a prompt, best first, each with its reasons.

A memory with a family applies to the tasks of that family, and to no others. A person's memory without a situation
applies always. Any other memory must share words with the task, and more than one common word: see `_bears_on`. A rule of
lines applies only where one of its lines fits. A general memory makes way where one that it was made of applies.
Words are compared by a rough English stem; a language written without spaces is matched poorly.
"""

from collections.abc import Iterator

from purpose_agent.core.memory import POLICY, Lesson, Memory, Recalled
from purpose_agent.core.origin import TEACHERS
from purpose_agent.core.task import Task
from purpose_agent.memory.rules import has_a_say
from purpose_agent.memory.store import MemoryStore, is_in_scope
from purpose_agent.memory.words import COMMON, LONGEST, stem, stems_of, words_in

WORDS = 40
"""How many different words of a task are looked for."""

SHARE = 0.3
"""Which part of a situation's telling words must occur in the task."""


def recall(store: MemoryStore, task: Task, agent: str, *, limit: int = 10, also: Memory | None = None) -> tuple[Recalled, ...]:
    """The promoted memories that bear on `task` for `agent`, at most `limit`, best first; () if none does.

    Learned values (kind "tool_policy") come after them and are not counted: they take no room in a prompt.

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
    policies: dict[str, Recalled] = {}
    if store.exists:
        for memory in store.scoped(agent=agent, family=family):
            if memory.lesson.kind == POLICY:
                # No note in the prompt, and so none of the few; values belong to one family, or to tasks without any.
                if memory.lesson.scope.families == ((family,) if family else ()):
                    policies[memory.id] = _recalled(memory, 1.0)
            elif memory.lesson.scope.families or memory.lesson.provenance.origin in TEACHERS:
                found[memory.id] = _recalled(memory, 1.0)
        for memory, relevance in _by_words(store, task, agent, limit):
            if memory.lesson.kind != POLICY:
                found.setdefault(memory.id, _recalled(memory, relevance))
    if also is not None:
        (policies if also.lesson.kind == POLICY else found)[also.id] = _recalled(also, 1.0)
    telling = [each for each in found.values() if has_a_say(each.memory.lesson, task)]
    particular = {each.memory.id for each in telling}
    # The memory on trial is tried where none of those applies that it was made of.
    telling = [each for each in telling if particular.isdisjoint(each.memory.lesson.provenance.parents)]
    ranked = sorted(telling, key=lambda each: (-each.score, each.memory.id))
    kept = ranked[:limit]
    if also is not None and also.id in found and found[also.id] in ranked and all(each.memory.id != also.id for each in kept):
        kept = [*kept[: limit - 1], found[also.id]]
    return (*kept, *policies.values())


def would_recall(memory: Memory, task: Task, agent: str) -> bool:
    """Whether the memory bears on `task` for `agent`, if it were promoted and there were room for it."""
    lesson = memory.lesson
    if not is_in_scope(memory, agent, task.labels.get("family", "")) or not has_a_say(lesson, task):
        return False
    if lesson.scope.families:
        return True
    if not lesson.when.strip() and lesson.provenance.origin in TEACHERS:
        return True
    return _bears_on(lesson, frozenset(map(stem, words_in(_text(task)))))


def _by_words(store: MemoryStore, task: Task, agent: str, limit: int) -> Iterator[tuple[Memory, float]]:
    words = words_in(_text(task))
    telling = tuple(word for word in words if word not in COMMON)
    matches = store.search((telling or words)[:WORDS], agent=agent, limit=4 * limit)
    if not matches:
        return
    stems = frozenset(map(stem, words))
    bearing = [(memory, score) for memory, score in matches if _bears_on(memory.lesson, stems)]
    for memory, score in bearing:
        best = bearing[0][1]
        yield memory, score / best if best > 0 else 1.0


def _recalled(memory: Memory, relevance: float) -> Recalled:
    return Recalled(memory, relevance, relevance * memory.utility * memory.trust)


def _text(task: Task) -> str:
    return " ".join([task.goal, *(value for value in task.inputs.values() if isinstance(value, str))])[:LONGEST]


def _bears_on(lesson: Lesson, task_stems: frozenset[str]) -> bool:
    """Whether the lesson's situation, or that of one of its lines or cases, is about the same as the task.

    Two of the situation's telling words must occur in the task (or its only one), and at least `SHARE` of them. A
    situation of common words alone must occur with all of them.
    """
    situations = [
        lesson.when if lesson.when.strip() else lesson.then,
        *(" ".join(condition.term for condition in line.conditions) for line in lesson.lines),
        *(case.situation for case in lesson.cases),
    ]
    return any(_is_about(situation, task_stems) for situation in situations)


def _is_about(situation: str, task_stems: frozenset[str]) -> bool:
    stems, tells = stems_of(situation)
    shared = len(stems & task_stems)
    if not tells:
        return 0 < len(stems) == shared
    return shared >= min(2, len(stems)) and shared >= SHARE * len(stems)
