"""Particular memories become general ones.

In:  everything that was learned.
Out: one general memory in quarantine, which names its parents; the tasks to try it on. The parents stay as they are.

Two kinds. Promoted rules of one agent in several families that share lines: the shared lines are a rule without a
family, found without a model. Lessons in words about different tasks whose advice is mostly the same: one lesson behind
them, by one model call.

What is there to test? Where a parent applies, the general memory can at best be as good, and recall lets it make way
for the parent there. So the question is whether it carries over: it is tried on tasks on which no parent
applies, with it and without, and promoted if it helps there. Where no such task was met yet, it waits.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

from purpose_agent.core.errors import ModelError
from purpose_agent.core.memory import Lesson, Memory, Provenance, Scope
from purpose_agent.core.model import Model, ModelRequest, ModelResponse, Usage
from purpose_agent.core.origin import OWN, TEACHERS, Origin, lowest
from purpose_agent.core.task import Task
from purpose_agent.learning.cases import spread
from purpose_agent.learning.drafts import find_twin
from purpose_agent.learning.hypotheses import RULE
from purpose_agent.learning.induce import as_text
from purpose_agent.learning.reflect import Ask, general_lesson
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.recall import would_recall
from purpose_agent.memory.rules import told_by
from purpose_agent.memory.sameness import advice_in_common
from purpose_agent.runtime.record import RunRow

EVOLUTION = "evolution"
"""As who it writes in journals."""
FEWEST_FAMILIES = 2
FEWEST_LESSONS = 3
MOST_PARENTS = 6
MOST_LOOKED_AT = 200
"""Of lessons in words, so many of the newest."""
COMMON_ADVICE = 0.5
"""So much of the shorter of two pieces of advice must be in the longer one."""


async def generalise(
    memories: Sequence[Memory],
    gate: Gate,
    *,
    model_of: Callable[[str], Model | None],
    was_tried: Callable[[Memory], bool],
    pay: Callable[[Usage], None],
) -> Memory | None:
    """One general memory of those that `memories` hold, in quarantine; None if there is nothing new. At most one model call.

    Args:
        memories: All of them, whatever their status.
        model_of: The model of the agent of that name; None if it is not at hand: its lessons wait then.
        was_tried: Whether a lesson took part in an attempt before: each does once, whatever came of it.
        pay: Told what the call used.
    """
    rule = shared_rule(memories)
    if rule is not None:
        return _admitted(gate, rule)
    newest = [memory for memory in memories if _is_lesson(memory)][-MOST_LOOKED_AT:]
    for parents in _kin([memory for memory in newest if not was_tried(memory)]):
        source = parents[-1].lesson.provenance
        model = model_of(source.agent)
        if model is None:
            continue
        try:
            said = await general_lesson([memory.lesson.text for memory in parents], _paying(model, pay))
        except ModelError:
            return None
        general = None
        if said is not None:
            scope = _scope_of_all(parents)
            draft = Lesson("failure_pattern", said.when, said.then, _made_of(parents), scope, tier=said.tier)
            alive = (memory for memory in memories if memory.status in ("quarantined", "promoted"))
            general = _admitted(gate, draft) if find_twin(draft, alive) is None else None
        for memory in parents:
            gate.remark(memory, f"a part of {general.id}" if general else "no general lesson was found in it", actor=EVOLUTION)
        return general
    return None


def shared_rule(memories: Sequence[Memory]) -> Lesson | None:
    """The lines that promoted rules of an agent have in common across families, if no memory has them yet.

    Lines without conditions are left out: what is right "otherwise" is each family's own.
    """
    cards = [
        memory
        for memory in memories
        if memory.status == "promoted" and memory.lesson.lines and memory.lesson.scope.families and _is_own(memory)
    ]
    # Of any status: what was rejected or archived is not made again.
    general = [memory for memory in memories if memory.lesson.lines and not memory.lesson.scope.families]
    for card in cards:
        for line in card.lesson.lines:
            parents = [other for other in cards if line in other.lesson.lines and _same_agents(other, card)]
            families = {other.lesson.scope.families for other in parents}
            if not line.conditions or len(families) < FEWEST_FAMILIES:
                continue
            if any(line in other.lesson.lines and _same_agents(other, card) for other in general):
                continue
            return _rule_of(parents)
    return None


def _rule_of(parents: Sequence[Memory]) -> Lesson:
    """Their lines that are in two of them at least, in the order of the first."""
    lines = tuple(
        line
        for line in dict.fromkeys(line for memory in parents for line in memory.lesson.lines)
        if line.conditions and sum(line in memory.lesson.lines for memory in parents) >= FEWEST_FAMILIES
    )
    cases = [case for memory in parents for case in memory.lesson.cases if told_by(lines, case.situation) == case.answer]
    scope = _scope_of_all(parents)
    return Lesson(RULE, "", as_text(lines), _made_of(parents), scope, spread(cases), lines)


def transfer_tasks(
    memory: Memory,
    parents: Sequence[Memory],
    runs: Sequence[RunRow],
    can_judge: Callable[[Task], bool],
    taught: Collection[str] = (),
) -> tuple[Task, ...]:
    """Tasks of the agent that would recall the general memory, and none of its parents, whatever became of those.

    Args:
        runs: Newest first, of any family.
        can_judge: Whether a recorded task can be run again and judged.
        taught: Keys of tasks that the parents were drawn from.
    """
    agent = memory.lesson.provenance.agent
    tasks = {
        run.task_key: run.task
        for run in runs
        if run.agent == agent
        and run.task_key not in taught
        and can_judge(run.task)
        and would_recall(memory, run.task, agent)
        and not any(would_recall(parent, run.task, agent) for parent in parents)
    }
    return tuple(tasks[key] for key in sorted(tasks, key=lambda key: sha256(f"trial/{key}".encode()).digest()))


def _kin(lessons: Sequence[Memory]) -> Iterator[tuple[Memory, ...]]:
    """Groups of lessons that give mostly the same advice about different tasks.

    Lessons of a single family are left alone: recall shows its own lessons on every one of its tasks.
    """
    for first in lessons:
        alike = [
            other
            for other in lessons
            if _same_agents(other, first) and advice_in_common(other.lesson, first.lesson) >= COMMON_ADVICE
        ]
        families = {memory.lesson.scope.families for memory in alike}
        if len(alike) >= FEWEST_LESSONS and (len(families) >= FEWEST_FAMILIES or families == {()}):
            yield tuple(alike[:MOST_PARENTS])


def _is_lesson(memory: Memory) -> bool:
    return memory.lesson.kind == "failure_pattern" and memory.status in ("quarantined", "promoted") and _is_own(memory)


def _is_own(memory: Memory) -> bool:
    """Drawn from the agent's own runs, in which it had read nobody else's words, and no general memory itself."""
    source = memory.lesson.provenance
    return source.origin in OWN - TEACHERS and bool(source.agent) and not source.parents


def _same_agents(one: Memory, other: Memory) -> bool:
    """Of one agent and one user: what is learned for a user stays with that user."""
    mine, its = one.lesson, other.lesson
    return (*_reach(mine.scope), mine.provenance.agent) == (*_reach(its.scope), its.provenance.agent)


def _reach(scope: Scope) -> tuple[tuple[str, ...], ...]:
    """All of a scope but its families."""
    return (scope.agents, scope.users, scope.tools, scope.teams)


def _scope_of_all(parents: Sequence[Memory]) -> Scope:
    """That of each of them, in all families."""
    return replace(parents[0].lesson.scope, families=())


def _made_of(parents: Sequence[Memory]) -> Provenance:
    """With the lowest origin of them; the run is the one that taught the newest."""
    origins: list[Origin] = [memory.lesson.provenance.origin for memory in parents]
    origin = lowest(*origins)
    newest = parents[-1].lesson.provenance
    return Provenance(origin, newest.run_id, newest.agent, parents=tuple(memory.id for memory in parents))


def _admitted(gate: Gate, lesson: Lesson) -> Memory | None:
    """The new memory; None if one of these words was there before, or the scan blocked it."""
    memory = gate.admit(lesson)
    is_new = memory.lesson.provenance.parents == lesson.provenance.parents
    return memory if is_new and memory.status == "quarantined" else None


def _paying(model: Model, pay: Callable[[Usage], None]) -> Ask:
    async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
        try:
            response = await model.generate(request)
        except ModelError:
            pay(Usage(calls=1))
            raise
        pay(response.usage)
        return response

    return ask
