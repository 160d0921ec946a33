"""What a prompt shows of what was learned, where a condition shows something else than the gate lets through.

In:  a workspace that has learned, a task.
Out: the memories that the prompt gets.

`Place` is the workspace of our own package with one thing exchanged: who is asked for memories while held-out tasks are
measured. Training, trials and statuses stay the package's. Not here: values of options, which have no text.
"""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Literal, TypeAlias

from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.memory import POLICY, Case, Lesson, Memory, Provenance, Recalled, Scope
from purpose_agent.core.task import Task
from purpose_agent.learning.cases import known_answer
from purpose_agent.memory.replay import Estimator
from purpose_agent.memory.rules import fitting_text, has_a_say, situation_of, words_of
from purpose_agent.runtime.record import list_runs

View: TypeAlias = "Callable[[Place, Task, str], Sequence[Recalled]]"
"""(workspace, task, name of the agent) → what its prompt shows, best first."""

EPISODES = 8
"""So many solved cases are shown where there is no consolidation."""
MOST_RUNS = 1000


class Place(Workspace):
    """A workspace that is looked at through a view.

    Attributes:
        view: Who is asked for memories outside of trials.
        seed: For views that leave something to chance.
        kept: Ids of waiting memories that a condition decided to use.
        seconds: Spent on finding memories so far.
    """

    def __init__(
        self, path: Path, *, estimator: Estimator = "linear", embedder: Literal["minilm"] | None = None, seed: int = 0
    ) -> None:
        super().__init__(path, estimator=estimator, embedder=embedder or "none")
        self.view: View = promoted
        self.seed = seed
        self.kept: frozenset[str] = frozenset()
        self.seconds = 0.0

    def usual(self, task: Task, agent: str) -> tuple[Recalled, ...]:
        """What the package would show."""
        return super()._recall(task, agent, None)

    def in_quarantine(self, task: Task, agent: str) -> tuple[Recalled, ...]:
        """What is in quarantine and would be shown for `task` if it were promoted."""
        found = [memory for memory in self.memories("quarantined") if _is_about(memory, task, agent)]
        return tuple(Recalled(memory, 1.0, memory.utility * memory.trust) for memory in found)

    def solved(self, task: Task, agent: str) -> list[Case]:
        """The solved cases of the task's family, each task once as it was last, newest first."""
        runs = list_runs(self._db, limit=MOST_RUNS, family=task.family, mode="learning")
        cases: dict[str, Case] = {}
        for run in runs:
            answer = known_answer(run)
            if answer is not None and run.agent == agent:
                cases.setdefault(run.task_key, Case(situation_of(run.goal, run.task.inputs), answer))
        return list(cases.values())

    def _recall(
        self,
        task: Task,
        agent: str,
        on_trial: Memory | None,
        *,
        tools: Collection[str] = (),
        draws: random.Random | None = None,
    ) -> tuple[Recalled, ...]:
        if on_trial is not None:
            return super()._recall(task, agent, on_trial, tools=tools)
        began = perf_counter()
        try:
            return tuple(self.view(self, task, agent))
        finally:
            self.seconds += perf_counter() - began


def promoted(place: Place, task: Task, agent: str) -> Sequence[Recalled]:
    """What the gate lets through."""
    return place.usual(task, agent)


def untried(place: Place, task: Task, agent: str) -> Sequence[Recalled]:
    """What is in quarantine too: without trials, each lesson is used from the moment it was drawn. Scanned it is."""
    return (*place.usual(task, agent), *place.in_quarantine(task, agent))


def kept(place: Place, task: Task, agent: str) -> Sequence[Recalled]:
    """Of what is in quarantine, what the condition itself decided to keep."""
    return [each for each in place.in_quarantine(task, agent) if each.memory.id in place.kept]


def without_rules(place: Place, task: Task, agent: str) -> Sequence[Recalled]:
    """Everything but rules of lines."""
    return [each for each in place.usual(task, agent) if not each.memory.lesson.lines]


def without_demonstrations(place: Place, task: Task, agent: str) -> Sequence[Recalled]:
    """Everything but solved cases."""
    return [each for each in place.usual(task, agent) if each.memory.lesson.kind != "episodic_case"]


def only_shown(place: Place, task: Task, agent: str) -> Sequence[Recalled]:
    """What the gate lets through, rules as the words that a prompt has of them: they weigh nothing beside the model."""
    return [
        replace(each, memory=replace(each.memory, lesson=_in_words(each.memory.lesson, task)))
        for each in place.usual(task, agent)
    ]


def shuffled(place: Place, task: Task, agent: str) -> Sequence[Recalled]:
    """What the gate lets through, with its answers dealt anew for each task, or the words of a text in another order.

    As long as the real thing, in the same place, weighed as much, and right only by chance: it tells what was learned from all else
    that a memory does to a prompt and a choice.
    """
    chance = random.Random(f"placebo/{place.seed}/{task.key}")
    found = place.usual(task, agent)
    return [replace(each, memory=replace(each.memory, lesson=_shuffled(each.memory.lesson, chance))) for each in found]


def episodes(place: Place, task: Task, agent: str) -> Sequence[Recalled]:
    """The solved cases that share most words with the task, the nearest one last, as they are; no lesson, no gate.

    After the control of https://arxiv.org/abs/2605.12978.
    """
    words = frozenset(words_of(situation_of(task.goal, task.inputs)))
    cases = place.solved(task, agent)
    nearest = sorted(cases, key=lambda case: -len(words & frozenset(words_of(case.situation))))[:EPISODES]
    if not nearest:
        return ()
    about = Scope((agent,), (task.family,) if task.family else ())
    lesson = Lesson("episodic_case", "", "", Provenance("self_verified"), about, tuple(reversed(nearest)))
    return (Recalled(Memory("episodes", lesson, "promoted", place.clock.now()), 1.0, 1.0),)


def _is_about(memory: Memory, task: Task, agent: str) -> bool:
    lesson = memory.lesson
    agents, families = lesson.scope.agents, lesson.scope.families
    in_scope = (not agents or agent in agents) and (not families or task.family in families)
    return in_scope and lesson.kind != POLICY and has_a_say(lesson, task)


def _in_words(lesson: Lesson, task: Task) -> Lesson:
    if not lesson.lines:
        return lesson
    return replace(lesson, when="", then=fitting_text(lesson.lines, situation_of(task.goal, task.inputs)), lines=(), cases=())


def _shuffled(lesson: Lesson, chance: random.Random) -> Lesson:
    given = [case.answer for case in lesson.cases]
    # A form would be right in any order of its answers: the answer of some case stands in its place.
    answers = [chance.choice(given) if line.form and given else line.answer for line in lesson.lines]
    chance.shuffle(answers)
    chance.shuffle(given)
    return replace(
        lesson,
        when=_mixed(lesson.when, chance),
        then=_mixed(lesson.then, chance),
        lines=tuple(replace(line, answer=answer, form=()) for line, answer in zip(lesson.lines, answers, strict=True)),
        cases=tuple(replace(case, answer=answer) for case, answer in zip(lesson.cases, given, strict=True)),
    )


def _mixed(text: str, chance: random.Random) -> str:
    words = text.split()
    return " ".join(chance.sample(words, len(words)))
