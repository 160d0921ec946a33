"""The memories that bear on a task: relevance × utility × trust.

In:  a task, and who will do it.
Out: the few promoted memories worth the room in a prompt, best first, each with its reasons.

A memory with a family applies to the tasks of that family, and to no others. A person's memory without a situation
applies always. Any other memory must be about the same as the task: by its words, of which more than a common one must be
shared (see `_bears_on`), or, where the workspace has an embedder, by its vector. A rule of lines applies only where one of
its lines fits. A general memory makes way where one that it was made of applies, and of two that say the same one is
enough. Words are compared by a rough English stem; a language written without spaces is matched poorly.

Who asks is a part of every query (`Audience`): what is for another user, agent, tool or team is never looked at here.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from purpose_agent.core.memory import CALIBRATION, POLICY, Lesson, Memory, Recalled
from purpose_agent.core.origin import OWN, TEACHERS
from purpose_agent.core.task import Task
from purpose_agent.memory.index import Audience
from purpose_agent.memory.rules import has_a_say
from purpose_agent.memory.sameness import tell_the_same
from purpose_agent.memory.store import MemoryStore
from purpose_agent.memory.vectors import MemoryVectors, Near
from purpose_agent.memory.words import COMMON, LONGEST, stem, stems_of, words_in

WORDS = 40
"""How many different words of a task are looked for."""
SHARE = 0.3
"""Which part of a situation's telling words must occur in the task."""
BY_WORDS = 0.05
"""Of relevance, the part that words have where there are vectors. `python -m benchmarks.gate scale` shows other parts: more of
it finds less, since paraphrases share few words; it settles which of several names is meant."""
NEAR_BEST = 0.6
"""Where there are vectors, what matches less than this part of the best match is left out: half of what the floor lets in."""
LONG = 60
"""In a lesson of so many words, what is shared counts half as much as in a short one."""
SHARED = 3
"""Of memories of any family, so many are kept where those of the task's own family would fill the rest."""


def recall(
    store: MemoryStore,
    task: Task,
    agent: str,
    *,
    limit: int = 10,
    also: Memory | None = None,
    tools: Iterable[str] = (),
    teams: Iterable[str] = (),
    mates: Iterable[str] = (),
    vectors: MemoryVectors | None = None,
    draws: random.Random | None = None,
) -> tuple[Recalled, ...]:
    """The promoted memories that bear on `task` for `agent`, at most `limit`, best first; () if none does.

    Learned values (kind "tool_policy") come after them and are not counted: they take no room in a prompt. What a critic learned
    (kind "critic_calibration") is never among them.

    Deterministic: equal scores are ordered by how narrow the scope is, then by id. Costs tens of microseconds without a
    database.

    Args:
        store: Where to look.
        task: Its goal and its text inputs are the words; its labels say for which family and user it is.
        agent: A memory made for other agents is left out.
        limit: 1 and above.
        also: The memory on trial: it is in the result whatever its status and score, at full relevance, unless none of its
            lines fits or it is another user's.
        tools: What the agent can use; a memory about other tools is left out.
        teams: Those the agent works in; a memory of other teams is left out.
        mates: Agents that share what they learn with this one: what was made for them is for it too, if it rests on nobody else's
            word. Values are not shared.
        vectors: Find by meaning too; None: by words alone.
        draws: Utilities are drawn from what they may be, so that what was little tried gets its chance, where not all
            have room; and vectors that are made are kept. None: means count, and nothing is written.
    """
    audience = Audience.of(task, agent, tools, teams, mates)
    found: dict[str, Recalled] = {}
    policies: dict[str, Recalled] = {}
    if store.exists:
        for memory in store.index.by_scope(audience):
            scope = memory.lesson.scope
            if not _is_for_agent(memory, agent):
                continue
            if memory.lesson.kind != POLICY:
                found[memory.id] = _recalled(memory, 1.0, "family" if scope.families else "always")
            elif scope.families == ((task.family,) if task.family else ()):
                # No note in the prompt, and so none of the few; values belong to one family, or to tasks without any.
                policies[memory.id] = _recalled(memory, 1.0)
        for each in _by_content(store, task, audience, limit, vectors, keep=draws is not None):
            if _is_for_agent(each.memory, agent):
                found.setdefault(each.memory.id, each)
    if also is not None and _is_for(also, task):
        (policies if also.lesson.kind == POLICY else found)[also.id] = _recalled(also, 1.0, "on trial")
    telling = [
        each for each in found.values() if each.memory.lesson.kind != CALIBRATION and has_a_say(each.memory.lesson, task)
    ]
    particular = {each.memory.id for each in telling}
    # The memory on trial is tried where none of those applies that it was made of.
    telling = [each for each in telling if particular.isdisjoint(each.memory.lesson.provenance.parents)]
    trial = also.id if also is not None else ""
    return (*_chosen(telling, limit, trial, draws), *policies.values())


def would_recall(memory: Memory, task: Task, agent: str) -> bool:
    """Whether the memory bears on `task` for `agent`, if it were promoted and there were room for it.

    By its words: vectors are not asked. Whether the agent has the tools and is in the teams is not asked either.
    """
    lesson = memory.lesson
    audience = Audience.of(task, agent, lesson.scope.tools, lesson.scope.teams)
    if not audience.admits(lesson.scope) or not has_a_say(lesson, task):
        return False
    if lesson.scope.families:
        return True
    if not lesson.when.strip() and lesson.provenance.origin in TEACHERS:
        return True
    return _bears_on(lesson, frozenset(map(stem, words_in(text_of_task(task)))))


def _is_for_agent(memory: Memory, agent: str) -> bool:
    """Its own, or one that another may lend it: nobody else's word, and no values, which are of what that one can do."""
    lesson = memory.lesson
    is_own = not lesson.scope.agents or agent in lesson.scope.agents
    return is_own or (lesson.provenance.origin in OWN and lesson.kind != POLICY)


def _is_for(memory: Memory, task: Task) -> bool:
    """Not another user's: that holds for trials too."""
    users = memory.lesson.scope.users
    return not users or task.user in users


def _chosen(found: Sequence[Recalled], limit: int, trial: str, draws: random.Random | None) -> list[Recalled]:
    """The best, without repetitions; the memory on trial is among them, and takes no other's place as a repetition."""
    ordered = sorted(found, key=_rank)
    if draws is not None and len(ordered) > limit:
        # Only where they compete: else each run would have another order of notes, and no prompt a beginning to share.
        drawn = sorted((_drawn(each, draws) for each in sorted(ordered, key=lambda each: each.memory.id)), key=_rank)
        ordered = drawn
    on_trial = [each for each in ordered if each.memory.id == trial]
    others = [each for each in ordered if each.memory.id != trial]
    room = limit - len(on_trial)
    kept: list[Recalled] = []
    spare: list[Recalled] = []
    for each in others:
        if len(kept) == room:
            break
        if any(tell_the_same(each.memory.lesson, other.memory.lesson) for other in (*kept, *spare)):
            continue
        has_room = not _is_shared(each) or sum(map(_is_shared, kept)) < SHARED
        if has_room or len(spare) < room:
            (kept if has_room else spare).append(each)
    return sorted([*kept, *spare[: room - len(kept)], *on_trial], key=ordered.index)


def _is_shared(each: Recalled) -> bool:
    """For tasks of any family, and no person's word: that has its place by its rank alone."""
    lesson = each.memory.lesson
    return not lesson.scope.families and lesson.provenance.origin not in TEACHERS


def _rank(each: Recalled) -> tuple[float, int, str]:
    return -each.score, -each.memory.lesson.scope.narrowness, each.memory.id


def _drawn(each: Recalled, draws: random.Random) -> Recalled:
    """With a utility that it may well have: from the Beta distribution of its uses, after Thompson 1933."""
    memory = each.memory
    drawn = draws.betavariate(memory.helped + 1, max(0, memory.used - memory.helped) + 1)
    return replace(each, drawn=drawn, score=each.relevance * drawn * memory.trust)


def _recalled(memory: Memory, relevance: float, found: str = "") -> Recalled:
    return Recalled(memory, relevance, relevance * memory.utility * memory.trust, found)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A memory that is about the same as the task, by words or by meaning."""

    memory: Memory
    words: float
    cosine: float | None

    @property
    def match(self) -> float:
        return self.words if self.cosine is None else BY_WORDS * self.words + (1 - BY_WORDS) * self.cosine

    @property
    def found(self) -> str:
        return f"words {self.words:.2f}" + (f", meaning {self.cosine:.2f}" if self.cosine is not None else "")


def _by_content(
    store: MemoryStore, task: Task, audience: Audience, limit: int, vectors: MemoryVectors | None, *, keep: bool
) -> list[Recalled]:
    """Memories without a family that are about the same as the task, with the best match at 1."""
    text = text_of_task(task)
    words = words_in(text)
    telling = tuple(word for word in words if word not in COMMON)
    matches = store.index.by_words((telling or words)[:WORDS], audience, limit=4 * limit)
    stems = frozenset(map(stem, words))
    rows = {row: memory for row, memory in matches.memories if _bears_on(memory.lesson, stems)}
    near: Near | None = None
    if vectors is not None:
        near = vectors.search(text, audience, keep=keep)
        for (row, memory), _ in zip(
            store.index.admissible((row for row, _ in near.rows), audience), range(4 * limit), strict=False
        ):
            rows.setdefault(row, memory)
    weights = {stem(word): weight for word, weight in matches.weights.items()}
    candidates = [
        _Candidate(memory, words_in_common(memory.lesson, weights), near.cosine(row) if near is not None else None)
        for row, memory in rows.items()
        # What applies always was found by its scope.
        if memory.lesson.kind != POLICY
    ]
    best = max((each.match for each in candidates), default=0.0)
    least = NEAR_BEST * best if near is not None else 0.0
    return [
        _recalled(each.memory, each.match / best if best > 0 else 1.0, each.found) for each in candidates if each.match >= least
    ]


def words_in_common(lesson: Lesson, weights: Mapping[str, float]) -> float:
    """Which part of what the task's words tell is in the lesson, 0 to 1; less for a longer lesson, as in BM25."""
    stems = _stems(lesson.when, lesson.then, tuple(case.situation for case in lesson.cases))
    whole = sum(weights.values())
    shared = sum(weight for word, weight in weights.items() if word in stems)
    return shared / whole / (1 + len(stems) / LONG) if whole else 0.0


@lru_cache(maxsize=4096)
def _stems(when: str, then: str, situations: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(stem, words_in(" ".join([when, then, *situations])[:LONGEST])))


def text_of_task(task: Task) -> str:
    """The words it is looked up by."""
    return " ".join([task.goal, *(value for value in task.inputs.values() if isinstance(value, str))])[:LONGEST]


def _bears_on(lesson: Lesson, task_stems: frozenset[str]) -> bool:
    """Whether the lesson's situation, or that of one of its lines or cases, is about the same as the task.

    Two of the situation's telling words must occur in the task (or its only one), and at least `SHARE` of them. A
    situation of common words alone must occur with all of them.
    """
    if _is_about(lesson.when if lesson.when.strip() else lesson.then, task_stems):
        return True
    if any(_is_about(case.situation, task_stems) for case in lesson.cases):
        return True
    return any(_is_about(" ".join(condition.term for condition in line.conditions), task_stems) for line in lesson.lines)


def _is_about(situation: str, task_stems: frozenset[str]) -> bool:
    stems, tells = stems_of(situation)
    shared = len(stems & task_stems)
    if not tells:
        return 0 < len(stems) == shared
    return shared >= min(2, len(stems)) and shared >= SHARE * len(stems)
