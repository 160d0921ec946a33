"""What a run teaches, and whether that is true.

In:  runs as the record has them.
Out: lessons at the gate; trials; the gate's decisions carried out.

Tasks whose right answer is known afterwards (the check tells, or the answer was right) are solved cases: once a family
has enough of them, the rule behind them is looked for. Other failures, and successes after them, are reflected on by the
agent's own model, at most one call a run. What says the same as a living memory is noted there as further evidence. A
success that no failure preceded teaches nothing, and the record says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import get_args

from purpose_agent.core.errors import GateError
from purpose_agent.core.ids import IdSource
from purpose_agent.core.memory import POLICY, Lesson, Memory, MemoryStatus, TrialReport
from purpose_agent.core.model import NO_MODEL, Model
from purpose_agent.core.ports import Clock
from purpose_agent.core.task import Task
from purpose_agent.evals.sequential import PairedEvidence, wins_needed
from purpose_agent.learning.cases import is_solved, same_kind
from purpose_agent.learning.drafts import Drafted, asking, draft_of, find_twin
from purpose_agent.learning.evolve import transfer_tasks
from purpose_agent.learning.experience import experience_of
from purpose_agent.learning.hypotheses import KINDS, Proposal, are_rivals, concerns, propose
from purpose_agent.learning.policy import propose_policy
from purpose_agent.learning.trial import MOST_PAIRS, Rerun, is_held_out, try_memory
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.lifecycle import TEACHERS
from purpose_agent.memory.replay import Replay
from purpose_agent.memory.rules import has_a_say
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import LessonDrawn, Reflected
from purpose_agent.runtime.record import REFLECTED, RunRow, is_reflected, last_seq, list_runs, load_trace, mark_reflected

HISTORY = 200
"""So many of a family's last runs are looked at for a rule."""
MEMORY_STATUSES = get_args(MemoryStatus)
WATCH_USES = 8
WATCH_UTILITY = 0.25


@dataclass(frozen=True, slots=True)
class Trialled:
    """What became of one quarantined memory, in words and as it is now."""

    memory: Memory
    report: TrialReport | None
    why: str


class Learner:
    """Reflects on runs and tries what was drawn from them.

    Args:
        memories: Lists memories by status.
        last_report: The last trial's report on a memory, or None.
    """

    def __init__(
        self,
        *,
        db: Database,
        gate: Gate,
        replay: Replay,
        memories: Callable[[str], Sequence[Memory]],
        last_report: Callable[[str], TrialReport | None],
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._db = db
        self._gate = gate
        self._replay = replay
        self._memories = memories
        self._last_report = last_report
        self._clock = clock
        self._ids = ids

    async def reflect(
        self, run: RunRow, model: Model | None, *, passed: str = "", skip: str = "", listeners: Sequence[Listener] = ()
    ) -> tuple[Memory, ...]:
        """Draw lessons from a finished run, hand them to the gate, and mark the run as reflected on.

        Args:
            model: To ask about failures that no rule explains; None: there is none, and the run stays pending.
            passed: A later answer to the same task that was right, or "".
            skip: Why no lesson shall be drawn, or "".
        """
        if run.reflected == REFLECTED:
            return ()
        bus = EventBus(run.id, self._clock, self._ids, after=last_seq(self._db, run.id))
        for listener in listeners:
            bus.listen(listener)
        seeks_rule = not skip and is_solved(run)
        drafted = Drafted(why=skip)
        if not skip and not seeks_rule:
            drafted = await draft_of(self._db, run, model, asking(model, bus, run.agent, self._clock), passed)
        drafts, why, revises = drafted.lessons, drafted.why, None
        if drafts is None:
            bus.close()
            return ()
        with self._db.write():
            if is_reflected(self._db, run.id):
                # By somebody else, whose claim came after this one had run out.
                bus.close()
                return ()
            if seeks_rule:
                # Read and replaced in one transaction: two processes would archive each other's rule.
                proposal = self._proposal(run)
                drafts, why, revises = proposal.drafts, proposal.why, proposal.revises
                for memory in proposal.replaced:
                    self._gate.archive(memory, "what more cases say takes its place", actor="learner")
            twins = self._twins(drafts, run)
            why = why or "; ".join(f"{twin.id} ({twin.status}) says the same, and has it noted" for twin in twins.values())
            drawn = tuple(self._gate.admit(draft, run.id, supersedes=revises) for draft in drafts if draft not in twins)
            drawn += self._replayed(run)
            for memory in drawn:
                bus.publish(LessonDrawn(memory.id, memory.status, memory.lesson.text), lane=run.agent)
            bus.publish(Reflected(len(drawn), why), lane=run.agent)
            mark_reflected(self._db, run.id, events=bus.unsaved())
        bus.close()
        return drawn

    def _replayed(self, run: RunRow) -> tuple[Memory, ...]:
        """Give the run's decisions among options to the replay; its values, if it is time for the gate to see them."""
        taught = experience_of(run, load_trace(self._db, run.id))
        for each in taught:
            self._replay.learn(run.agent, each.episode, note=each.note)
        if not taught:
            return ()
        known = [memory for status in MEMORY_STATUSES for memory in self._memories(status) if memory.lesson.kind == POLICY]
        policy = propose_policy(run, self._replay.count(run.agent, run.family), known)
        return (self._gate.admit(policy, run.id),) if policy is not None else ()

    def _twins(self, drafts: Sequence[Lesson], run: RunRow) -> Mapping[Lesson, Memory]:
        """Those that say what a living memory says; it gets a line in its journal that names the run."""
        alive = [*self._memories("quarantined"), *self._memories("promoted")] if drafts else []
        twins = {draft: twin for draft in drafts if (twin := find_twin(draft, alive)) is not None}
        for twin in twins.values():
            self._gate.remark(twin, "the run teaches the same", actor="learner", run_id=run.id)
        return twins

    def _proposal(self, run: RunRow) -> Proposal:
        """What the solved cases of the run's family suggest."""
        in_use = next((memory for memory in reversed(self._memories("promoted")) if concerns(memory, run)), None)
        waiting = [memory for memory in self._memories("quarantined") if concerns(memory, run)]
        history = list_runs(self._db, limit=HISTORY, family=run.family, mode="learning")
        return propose(run, [other for other in history if same_kind(other, run)], in_use, waiting)

    async def try_out(
        self,
        memory: Memory,
        tasks: Sequence[Task],
        rerun: Rerun,
        *,
        once: bool = False,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> Trialled:
        """One trial of a quarantined memory; the gate promotes, rejects, or notes that it is undecided."""
        before = self._last_report(memory.id)
        if before is not None and len(before.pairs) >= MOST_PAIRS:
            return Trialled(memory, before, f"undecided after {len(before.pairs)} pairs: it stays in quarantine")
        report = await try_memory(memory, tasks, rerun, before=before, once=once, may_go_on=may_go_on)
        try:
            if report.helps:
                return Trialled(self._promoted(memory, report), report, "promoted: it helps")
            if report.harms:
                return Trialled(self._gate.reject(memory, report), report, "rejected: it harms")
            missing = wins_needed(PairedEvidence(report.wins, report.losses), report.alpha)
            return Trialled(self._gate.note(memory, report), report, f"undecided: {missing} more wins needed")
        except GateError as error:
            return Trialled(memory, report, f"somebody else decided meanwhile: {error}")

    def _promoted(self, memory: Memory, report: TrialReport) -> Memory:
        """Into use with it, and out of the way with the other hypotheses of its kind about the same tasks.

        One of the other kind, demonstrations beside a rule or a rule beside demonstrations, may help more still: it
        begins anew, tried against what was promoted, and takes its place if it wins.
        """
        with self._db.write():
            promoted = self._gate.promote(memory, report)
            for rival in self._memories("quarantined"):
                if are_rivals(rival, memory):
                    self._gate.archive(rival, f"{memory.id} was promoted for the same tasks", actor="learner")
                    if rival.lesson.kind != memory.lesson.kind:
                        self._gate.admit(rival.lesson, supersedes=memory.id)
        return promoted

    def last_played(self, agent: str, task: Task) -> RunRow:
        """The newest run of a task that an agent was to learn from."""
        runs = list_runs(self._db, limit=HISTORY, family=task.family, mode="learning")
        return next(run for run in runs if run.agent == agent and run.task_key == task.key)

    def watch(self) -> tuple[tuple[Memory, ...], tuple[Memory, ...]]:
        """Look at the promoted memories whose runs mostly fail: those sent back to quarantine, and those people taught.

        The rule is plain: at least `WATCH_USES` judged uses, and an estimated utility below `WATCH_UTILITY`. What a
        person taught stays in use until that person takes it back; it is named, so that somebody looks.
        """
        poor = [memory for memory in self._memories("promoted") if memory.used >= WATCH_USES and memory.utility < WATCH_UTILITY]
        taught = tuple(memory for memory in poor if memory.lesson.provenance.origin in TEACHERS)
        returned = tuple(
            self._gate.quarantine(memory, f"on watch: {memory.helped} of {memory.used} runs with it succeeded", actor="watch")
            for memory in poor
            if memory not in taught
        )
        return returned, taught

    def trial_tasks(self, memory: Memory, can_judge: Callable[[Task], bool] = lambda task: task.replayable) -> tuple[Task, ...]:
        """Tasks of the record that would recall it: those held out first; its own task where there are no others.

        Of a rule that changed, tasks since then only: the checks of older ones follow the rule of before. Of a general
        memory, tasks that its promoted parents have nothing to say about: see `evolve.py`.

        Args:
            can_judge: Whether a recorded task can be run again and judged.
        """
        scope, source = memory.lesson.scope, memory.lesson.provenance
        if source.parents:
            parents = [other for other in self._memories("promoted") if other.id in source.parents]
            return transfer_tasks(memory, parents, list_runs(self._db, limit=HISTORY, mode="learning"), can_judge)
        family = scope.families[0] if scope.families else ""
        runs = [
            run
            for run in list_runs(self._db, limit=HISTORY, family=family, mode="learning")
            if can_judge(run.task)
            and (not scope.agents or run.agent in scope.agents)
            and run.id >= source.since
            and has_a_say(memory.lesson, run.task)
        ]
        own = [run for run in runs if run.id == source.run_id]
        alike = [run for run in runs if family or (own and same_kind(run, own[0]))]
        # Newest first, so that a task's oldest run counts: the goals of a team's later attempts tell what was wrong before.
        if was_played(memory, alike):
            return tuple({run.task_key: run.task for run in alike[:MOST_PAIRS]}.values())
        tasks = {run.task_key: run.task for run in alike}
        # What was met after a rule was drawn is as new to it as what was held out; values learn on, and see only the latter.
        later = {run.task_key for run in alike if run.id > source.run_id} if memory.lesson.kind in KINDS else set[str]()
        later -= {run.task_key for run in alike if run.id <= source.run_id}
        held_out = memory.lesson.kind in (*KINDS, POLICY)
        kept = [key for key in tasks if held_out and (key in later or is_held_out(tasks[key]))]
        # In an order that knows nothing of outcomes: a trial that meets failed tasks first, and stops when it has won
        # enough, would never meet the tasks that the memory spoils.
        return tuple(tasks[key] for key in sorted(kept or tasks, key=lambda key: sha256(f"trial/{key}".encode()).digest()))


def was_played(memory: Memory, runs: Sequence[RunRow]) -> bool:
    """Values of an agent without a model: their runs were played by what was known before, and are the trial's one half.

    (Prequential, after Dawid 1984: each run is a test first, and a lesson after.)
    """
    return memory.lesson.kind == POLICY and bool(runs) and runs[0].model == NO_MODEL
