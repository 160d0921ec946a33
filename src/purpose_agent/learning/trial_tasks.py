"""Which tasks of the record a memory is tried on: those that would recall it, and that it did not learn from.

In:  a quarantined memory, the record.
Out: tasks, in an order that knows nothing of outcomes; of values without a model, the runs that are half of the trial.

Rules and demonstrations are tried on a few early tasks that were held out from drawing them, and on those first met after the
first of a row of revisions was drawn, each with the words that waited when it came: as new to them, though it teaches the next
ones (prequential, after Dawid 1984). Values learn on. Those of an agent without a model are tried by its own runs, each of which was
played before anything was learned from it: only the first run of a task is such a test. Where
a model ranks choices, each run told what values would have chosen: that pair costs nothing. Elsewhere they are tried on
tasks that were held out from them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from purpose_agent.core.memory import (
    POLICY,
    JournalEntry,
    Lesson,
    Memory,
    MemoryKind,
    MemoryStatus,
    Pair,
    Provenance,
    Revision,
    Scope,
)
from purpose_agent.core.model import NO_MODEL
from purpose_agent.core.task import Task
from purpose_agent.learning.cases import HISTORY, kept_for_trials, known_answer, same_kind
from purpose_agent.learning.evolve import transfer_tasks
from purpose_agent.learning.hypotheses import KINDS
from purpose_agent.learning.trial import MOST_PAIRS, is_held_out
from purpose_agent.memory.rules import has_a_say
from purpose_agent.memory.trials import present_stay
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.record import RunRow, first_runs, list_runs, task_keys, would_have_chosen


class Memories(Protocol):
    """What is stored, to read; only the gate changes it."""

    def list(self, status: MemoryStatus | None = None, kind: MemoryKind | None = None) -> Sequence[Memory]:
        """All, or those of one status or kind, oldest first."""
        ...

    def find(self, memory_id: str) -> Memory | None:
        """One, as it is now; None if there is none with that id."""
        ...

    def get(self, memory_id: str) -> Memory:
        """One, as it is now."""
        ...

    def alike(self, lesson: Lesson, statuses: Collection[MemoryStatus]) -> Iterable[Memory]:
        """Those of the same kind and scope that share many words with `lesson`, the most alike first."""
        ...

    def of_scope(self, scope: Scope, statuses: Collection[MemoryStatus], kinds: Collection[MemoryKind]) -> Sequence[Memory]:
        """Those of exactly that scope, of some kinds; oldest first."""
        ...

    def journal(self, memory_id: str) -> Sequence[JournalEntry]:
        """What happened to one, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class TrialTasks:
    """What a memory is tried on.

    Attributes:
        played: By the key of the task: the recorded run that is the half with the memory. Empty: both halves are run.
        told: Pairs that the record holds both halves of; then nothing is run.
        with_older: By the key of the task: the memory that waited when it came, where that was an older revision.
    """

    tasks: tuple[Task, ...] = ()
    played: Mapping[str, RunRow] = field(default_factory=dict[str, RunRow])
    told: tuple[Pair, ...] = ()
    with_older: Mapping[str, Memory] = field(default_factory=dict[str, Memory])


def trial_tasks(
    db: Database, memories: Memories, memory: Memory, can_judge: Callable[[Task], bool], *, has_model: bool
) -> TrialTasks:
    """Tasks of the record that would recall the memory and did not teach it; of words, where there are no others, those that did.

    Of a rule that changed, and of a memory that ceased to hold, tasks
    since then only: the checks of older ones follow the rule of before. Of a general memory, tasks that its parents have
    nothing to say about: see `evolve.py`.

    Args:
        can_judge: Whether a recorded task can be run again and judged.
        has_model: Whether the agent on which it is tried has one.
    """
    lesson = memory.lesson
    scope, source = lesson.scope, lesson.provenance
    if source.parents:
        parents = [memories.get(parent) for parent in source.parents]
        return TrialTasks(
            transfer_tasks(memory, parents, list_runs(db, limit=HISTORY, mode="learning"), can_judge, _taught(db, parents))
        )
    family = _family(memory)
    since = max(source.since, _ceased_at(memories.journal(memory.id)))
    listed = list_runs(db, limit=HISTORY, family=family, mode="learning")
    known = [
        run
        for run in listed
        if can_judge(run.task)
        and (not scope.agents or run.agent in scope.agents)
        and (not scope.users or run.task.user in scope.users)
    ]
    runs = [run for run in known if run.id >= since]
    if lesson.kind == POLICY:
        if not has_model:
            return _as_played(db, source, runs)
        return _as_told(db, source, runs) or _unlearned(db, source.agent, runs)
    own = [run for run in listed if run.id == source.run_id]
    runs = [run for run in runs if family or (own and same_kind(run, own[0]))]
    if lesson.kind in KINDS:
        kept = kept_for_trials([run for run in listed if same_kind(run, own[0])]) if own and len(listed) < HISTORY else ()
        return _as_drawn(_revisions(memories, memory), runs, _met(db, source, runs), kept)
    # Newest first, so that a task's oldest run counts: the goals of a team's later attempts tell what was wrong before.
    tasks = {run.task_key: run.task for run in runs if has_a_say(lesson, run.task)}
    taught = _taught(db, [memory])
    # A lesson in words has no answer of a task in it: drawn anew, even the one it came from can tell whether it helps there.
    return TrialTasks(_in_order({key: task for key, task in tasks.items() if key not in taught} or tasks))


def _revisions(memories: Memories, memory: Memory) -> Sequence[Memory]:
    """What waited in its place before, as far as its trial goes back, the oldest first; and itself."""
    row = [memory]
    while True:
        stay = present_stay(memories.journal(row[0].id))
        link = next((each.evidence for each in stay if isinstance(each.evidence, Revision) and each.evidence.version), None)
        before = memories.find(link.revises) if link is not None else None
        if link is None or before is None or (before.status, before.version) != ("archived", link.version):
            return row  # whoever changed since is another one
        row.insert(0, before)


def _met(db: Database, source: Provenance, runs: Sequence[RunRow]) -> Mapping[str, str]:
    """By the key of each task: the first run in which the agent met it, of those that the memory speaks of."""
    first = first_runs(db, source.agent, since=source.since, judged=False)
    return {run.task_key: min(run.id, first.get(run.task_key, run.id)) for run in runs}


def _as_drawn(row: Sequence[Memory], runs: Sequence[RunRow], met: Mapping[str, str], kept: Collection[str]) -> TrialTasks:
    """The tasks that were held out, and those that came since the first of a row was drawn, oldest first, each with what waited then.

    Args:
        row: A memory, after those that it revises.
        met: When each task came: the id of a run.
        kept: Keys of the tasks that nothing was drawn from.
    """
    tasks = {run.task_key: run.task for run in runs}
    waited: dict[str, Memory] = {}
    for key in sorted(tasks, key=lambda key: (key not in kept, met[key])):
        drawn = [row[-1]] if key in kept else [each for each in row if each.lesson.provenance.run_id < met[key]]
        if drawn and has_a_say(drawn[-1].lesson, tasks[key]):
            waited[key] = drawn[-1]
    older = {key: memory for key, memory in waited.items() if memory.id != row[-1].id}
    return TrialTasks(tuple(tasks[key] for key in waited), with_older=older)


def _ceased_at(journal: Iterable[JournalEntry]) -> str:
    """The first run in which it no longer held, if that is why it is in quarantine; or ""."""
    first = next(iter(present_stay(journal)), None)
    return first.run_id if first is not None and first.from_status == "promoted" else ""


def _taught(db: Database, memories: Iterable[Memory]) -> frozenset[str]:
    """The tasks that they were drawn from."""
    sources = [memory.lesson.provenance for memory in memories]
    return task_keys(db, [run_id for source in sources for run_id in (source.run_id, source.beside) if run_id])


def _as_told(db: Database, source: Provenance, runs: Sequence[RunRow]) -> TrialTasks | None:
    """The first run of each task, and what values would have chosen in it before they learned from it; None: nobody told.

    Oldest first, as the evidence came, from the run on after which the values were proposed: what their trial may err was
    settled then. Only where a single check names the right answer, so that both choices are judged alike.
    """
    tests = [run for run in reversed(_first_since(db, source, runs)) if _names_the_answer(run.task)]
    would = would_have_chosen(db, [run.id for run in tests])
    pairs = [
        Pair(run.task_key, 0, would[run.id] == known_answer(run), run.success, run.id, run.id)
        for run in tests
        if run.id in would
    ]
    return TrialTasks(told=tuple(pairs)) if pairs else None


def _first_since(db: Database, source: Provenance, runs: Sequence[RunRow]) -> list[RunRow]:
    """Those in which the agent met a task for the first time, after the values were proposed; in the order of `runs`."""
    first = first_runs(db, source.agent)
    return [run for run in runs if run.id > source.run_id and first.get(run.task_key) == run.id]


def _names_the_answer(task: Task) -> bool:
    return len(task.checks) == 1 and task.checks[0].kind == "equals"


def _family(memory: Memory) -> str:
    return "".join(memory.lesson.scope.families[:1])


def _unlearned(db: Database, agent: str, runs: Sequence[RunRow]) -> TrialTasks:
    """The newest held-out tasks; without a model the agent learned from those too, if it met them."""
    learned = first_runs(db, agent, model=NO_MODEL)
    tasks = {run.task_key: run.task for run in runs if is_held_out(run.task) and run.task_key not in learned}
    return TrialTasks(_in_order(dict(list(tasks.items())[:MOST_PAIRS])))


def _as_played(db: Database, source: Provenance, runs: Sequence[RunRow]) -> TrialTasks:
    """The tasks met for the first time since the values were proposed, and how they went then; oldest first."""
    tests = [run for run in reversed(_first_since(db, source, runs)) if run.model == NO_MODEL]
    played = {run.task_key: run for run in tests}
    return TrialTasks(tuple(run.task for run in played.values()), played)


def _in_order(tasks: Mapping[str, Task]) -> tuple[Task, ...]:
    """A trial that meets failed tasks first, and stops when it has won enough, would never meet those the memory spoils."""
    return tuple(tasks[key] for key in sorted(tasks, key=lambda key: sha256(f"trial/{key}".encode()).digest()))
