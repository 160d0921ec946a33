"""What a run teaches, and whether that is true.

In:  runs as the record has them.
Out: lessons at the gate; trials; the gate's decisions carried out.

Tasks whose right answer is known afterwards (the check tells, or the answer was right) are solved cases: once a family
has enough of them, the rule behind them is looked for. Other failures, and successes after them, are reflected on by the
agent's own model, at most one call a run. What says the same as a living memory is noted there as further evidence. A
success that no failure preceded teaches nothing, and the record says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from purpose_agent.core.errors import GateError
from purpose_agent.core.ids import IdSource
from purpose_agent.core.memory import POLICY, ExposureReport, Lesson, Memory, MemoryStatus, Pair, TrialReport
from purpose_agent.core.model import NO_MODEL, Model
from purpose_agent.core.ports import Clock, Embedder
from purpose_agent.core.task import Task
from purpose_agent.core.values import owner_of
from purpose_agent.evals.sequential import wins_needed
from purpose_agent.learning.cases import FEWEST_CASES, HISTORY, is_solved, kept_for_trials, same_kind, solved_cases
from purpose_agent.learning.drafts import Drafted, asking, draft_of, find_twin
from purpose_agent.learning.experience import Taught, experience_of
from purpose_agent.learning.hypotheses import KINDS, MOST_RULES, Proposal, are_rivals, concerns, propose, scope_of
from purpose_agent.learning.induce import induce
from purpose_agent.learning.meanings import make_vectors
from purpose_agent.learning.policy import propose_policy
from purpose_agent.learning.trial import Rerun, evidence_of, is_spent, report_on, try_memory
from purpose_agent.learning.trial_tasks import Memories, TrialTasks, trial_tasks
from purpose_agent.memory.discoveries import LEVEL
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.meaning import is_by_meaning
from purpose_agent.memory.replay import Replay
from purpose_agent.memory.rules import told_by
from purpose_agent.memory.telling import telling
from purpose_agent.memory.trials import last_report
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import Event, LessonDrawn, Reflected
from purpose_agent.runtime.record import (
    REFLECTED,
    RunRecord,
    RunRow,
    is_reflected,
    last_seq,
    list_runs,
    load_trace,
    mark_reflected,
    would_have_chosen,
)
from purpose_agent.runtime.taints import taints_of

_MEANWHILE = "somebody else decided meanwhile"


@dataclass(frozen=True, slots=True)
class Trialled:
    """What became of one quarantined memory, in words and as it is now."""

    memory: Memory
    report: TrialReport | None
    why: str


class Learner:
    """Reflects on runs and tries what was drawn from them."""

    def __init__(
        self,
        *,
        db: Database,
        gate: Gate,
        replay: Replay,
        memories: Memories,
        clock: Clock,
        ids: IdSource,
        embedder: Embedder | None = None,
    ) -> None:
        self._db = db
        self._gate = gate
        self._replay = replay
        self._memories = memories
        self._clock = clock
        self._ids = ids
        self._embedder = embedder

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
        bus = self._bus(run, listeners)
        seeks_rule = not skip and is_solved(run)
        drafted = Drafted(why=skip)
        if not skip and not seeks_rule:
            drafted = await draft_of(self._db, run, model, asking(model, bus, run.agent, self._clock), passed)
        drafts, why, revises = drafted.lessons, drafted.why, None
        drawn: tuple[Memory, ...] = ()
        if drafts is None:
            bus.close()
            return ()
        taught = experience_of(run, lambda: load_trace(self._db, run.id))
        if seeks_rule:
            self._make_vectors(run)
        with telling(listeners), self._db.write():
            if is_reflected(self._db, run.id):
                # By somebody else, whose claim came after this one had run out.
                bus.close()
                return ()
            RunRecord(self._db).append(_following(bus.unsaved(), last_seq(self._db, run.id)))
            if seeks_rule:
                # Read and replaced in one transaction: two processes would archive each other's rule.
                proposal = self._proposal(run)
                drawn = self._revised(proposal, run)
                said = {memory.lesson.lines or memory.lesson.text for memory in drawn}
                drafts = tuple(draft for draft in proposal.drafts if (draft.lines or draft.text) not in said)
                why, revises = proposal.why, proposal.revises
            twins = self._twins(drafts, run)
            why = why or "; ".join(f"{twin.id} ({twin.status}) says the same, and has it noted" for twin in twins.values())
            drawn += tuple(
                self._gate.admit(draft, run.id, supersedes=revises, revises=revises is not None)
                for draft in drafts
                if draft not in twins
            )
            drawn += self._replayed(run, taught)
            # Another bus: what became of the lessons is in the record already, and has its numbers.
            end = self._bus(run, listeners)
            for memory in drawn:
                end.publish(LessonDrawn(memory.id, memory.status, memory.lesson.text), lane=run.agent)
            end.publish(Reflected(len(drawn), why), lane=run.agent)
            mark_reflected(self._db, run.id, events=end.unsaved())
        bus.close()
        end.close()
        return drawn

    def _bus(self, run: RunRow, listeners: Sequence[Listener]) -> EventBus:
        bus = EventBus(run.id, self._clock, self._ids, after=last_seq(self._db, run.id))
        for listener in listeners:
            bus.listen(listener)
        return bus

    def _replayed(self, run: RunRow, taught: Sequence[Taught]) -> tuple[Memory, ...]:
        """Give the run's decisions among options to the replay; its values, if it is time for the gate to see them."""
        owner = owner_of(run.agent, run.task.user)
        for each in taught:
            self._replay.learn(owner, each.episode, note=each.note)
        if not taught:
            return ()
        episodes = self._replay.count(owner, run.family)
        told = bool(would_have_chosen(self._db, [run.id]))
        policy = propose_policy(run, episodes, self._memories.list(kind=POLICY), self._memories.journal, told=told)
        if policy is None:
            return ()
        memory = self._gate.admit(policy, run.id)
        if memory.status == "quarantined":
            # Its pairs come with the runs from now on, so what it may err is settled now, before the first of them.
            self._gate.allowance(memory, patient=told)
        return (memory,)

    def _twins(self, drafts: Sequence[Lesson], run: RunRow) -> Mapping[Lesson, Memory]:
        """Those that say what a living memory says; it gets a line in its journal that names the run."""
        alive: tuple[MemoryStatus, ...] = ("quarantined", "promoted")
        twins = {draft: twin for draft in drafts if (twin := find_twin(draft, self._memories.alike(draft, alive))) is not None}
        for twin in twins.values():
            self._gate.remark(twin, "the run teaches the same", actor="learner", run_id=run.id)
        return twins

    def _make_vectors(self, run: RunRow) -> None:
        """Ask the embedder what a proposal will need, before the file is locked: it may be slow. Nothing where words decide."""
        if not run.family or run.model == NO_MODEL:
            return
        known = self._memories.of_scope(scope_of(run), ("promoted", "quarantined"), KINDS)
        if run.success and any(memory.status == "promoted" and concerns(memory, run) for memory in known):
            return  # the rule in use held: none is looked for
        by_meaning = [memory.lesson.lines for memory in known if is_by_meaning(memory.lesson.lines)]
        if self._embedder is None and not by_meaning:
            return
        cases = [each.case for each in solved_cases(self._alike(run))]
        for lines in by_meaning:
            for case in cases:
                told_by(lines, case.situation)
        rules = induce(cases, MOST_RULES)
        if self._embedder is not None and len(cases) >= FEWEST_CASES and not (rules and rules[0].hits == rules[0].cases):
            make_vectors(cases, self._embedder)

    def _alike(self, run: RunRow) -> Sequence[RunRow]:
        """The runs that a rule may be drawn from, newest first."""
        history = list_runs(self._db, limit=HISTORY, family=run.family, mode="learning")
        # Not what came later, where runs are reflected on afterwards: each task is a test of what was drawn before it.
        alike = [other for other in history if other.id <= run.id and same_kind(other, run)]
        kept = kept_for_trials(alike) if len(history) < HISTORY else frozenset[str]()
        return [other for other in alike if other.task_key not in kept]

    def _proposal(self, run: RunRow) -> Proposal:
        """What the solved cases of the run's family suggest."""
        if run.model == NO_MODEL:
            return Proposal(why="its agent has no model that could read a rule")
        promoted = self._memories.of_scope(scope_of(run), ("promoted",), KINDS)
        in_use = next((memory for memory in reversed(promoted) if concerns(memory, run)), None)
        quarantined = self._memories.of_scope(scope_of(run), ("quarantined",), KINDS)
        waiting = sorted((memory for memory in quarantined if concerns(memory, run)), key=self._how_far)
        in_use = in_use or next((memory for memory in reversed(waiting) if self._was_sent_back(memory)), None)
        if any(memory.lesson.provenance.run_id > run.id for memory in waiting):
            return Proposal(why="a rule from later runs waits already")
        alike = self._alike(run)
        taints = taints_of(self._db, [run.id, *(other.id for other in alike)])
        return propose(run, alike, in_use, waiting, taints, self._embedder)

    def _revised(self, proposal: Proposal, run: RunRow) -> tuple[Memory, ...]:
        """Waiting memories make way; a draft that says better what one of them said goes on with its trial."""
        why = "what more cases say takes its place"
        better = [(memory, draft) for draft, memory in proposal.better.items() if not self._is_spent(memory)]
        going_on = {memory.id for memory, _ in better}
        for memory in proposal.replaced:
            if memory.id not in going_on:
                self._gate.archive(memory, why, actor="learner")
        return self._gate.revise(better, why, run.id, supersedes=proposal.revises)

    def _how_far(self, memory: Memory) -> tuple[bool, int]:
        """Its trial goes on and has come far, first; those that nothing could decide, last."""
        report = self._last_report(memory)
        return self._is_spent(memory), -len(report.pairs) if report is not None else 0

    def _is_spent(self, memory: Memory) -> bool:
        """No pair that is left could decide its trial."""
        report = self._last_report(memory)
        return report is not None and is_spent(report.pairs, max(report.alpha, self._gate.prospect(memory)))

    def _was_sent_back(self, memory: Memory) -> bool:
        """It was in use once: where it ceased to hold, a new rule may have begun."""
        return any(entry.to_status == "promoted" for entry in self._memories.journal(memory.id))

    async def try_out(
        self,
        memory: Memory,
        tasks: Sequence[Task],
        rerun: Rerun,
        *,
        told: Sequence[Pair] = (),
        once: bool = False,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> Trialled:
        """One trial of a quarantined memory; the gate promotes, rejects, or notes that it is undecided.

        Values that stay undecided to the end are archived: the first pairs were of the youngest values, and a later
        proposal is tried on newer runs. What is promoted meanwhile makes the next promotion easier: a memory that waits
        with its evidence can pass without a further pair.
        """
        before = self._last_report(memory)
        try:
            alpha = self._gate.allowance(memory, patient=bool(told))
            at_best = max(alpha, self._gate.prospect(memory))
        except GateError as error:
            return Trialled(memory, None, f"{_MEANWHILE}: {error}")
        done: list[Pair] = []
        try:
            report = await try_memory(
                memory,
                tasks,
                rerun,
                before=before,
                told=told,
                done=done,
                alpha=alpha,
                at_best=at_best,
                once=once,
                may_go_on=may_go_on,
            )
        except BaseException:
            # A run failed, or somebody stopped it: the pairs that were run are evidence all the same.
            if len(done) > (len(before.pairs) if before is not None else 0):
                self._gate.note(memory, report_on(memory.id, done, alpha=alpha, tokens=before.tokens if before else 0))
            raise
        nothing_new = before is not None and len(report.pairs) == len(before.pairs)
        return self.decided(memory, report, nothing_new=nothing_new, at_best=at_best, told=bool(told))

    def decided(
        self, memory: Memory, report: TrialReport, *, nothing_new: bool, at_best: float | None = None, told: bool = False
    ) -> Trialled:
        """What a report does to the memory: promoted, rejected, or noted as undecided.

        Args:
            nothing_new: No pair was added to those of the report before.
            at_best: What the error rate may still become, 0 to 1; None: it stays.
            told: Its pairs come with runs that are made anyway.
        """
        try:
            if report.helps:
                return Trialled(self.promote(memory, report), report, "promoted: it helps")
            if report.harms:
                return Trialled(self._gate.reject(memory, report), report, "rejected: it harms")
            if not nothing_new and (improved := self._improved(memory, report)) is not None:
                return Trialled(
                    improved, report, f"promoted: it does better than {memory.supersedes}, which was proved to help"
                )
            noted = self._gate.pause(memory, report) if nothing_new else self._gate.note(memory, report)
            if is_spent(report.pairs, at_best or report.alpha):
                return self._given_up(noted, report)
            if told and nothing_new:
                return Trialled(noted, report, "undecided: no run has told more since")
            return Trialled(noted, report, f"undecided: {_missing(report)}")
        except GateError as error:
            return Trialled(memory, report, f"{_MEANWHILE}: {error}")

    def _improved(self, memory: Memory, report: TrialReport) -> Memory | None:
        """In use, in the place of what it revises, if it is a better revision of the same proved row."""
        with self._db.write():
            improved = self._gate.improve(memory, report)
            if improved is not None:
                self._clear_the_way(improved)
        return improved

    def _given_up(self, memory: Memory, report: TrialReport) -> Trialled:
        why = f"undecided after {len(report.pairs)} pairs, {_missing(report)}"
        if memory.lesson.kind != POLICY:
            return Trialled(memory, report, f"{why}: it stays in quarantine")
        return Trialled(self._gate.archive(memory, why, actor="learner"), report, f"{why}: archived")

    def promote_together(self) -> tuple[Trialled, ...]:
        """Into use with all that have evidence enough only if they are promoted at once; of rivals, the one with most.

        Where the gate refuses one of them none is promoted, and each of them says why.
        """
        if not self._memories.list("quarantined"):
            return ()  # so that no file is made where there was none
        evidence: dict[str, TrialReport | None] = {}
        chosen: list[Memory] = []
        try:
            with self._db.write():
                # Read in the transaction that promotes: nobody else can decide in between.
                waiting = self._memories.list("quarantined")
                evidence |= {memory.id: self._last_report(memory) for memory in waiting}
                for memory in sorted(waiting, key=lambda each: -_evidence(evidence[each.id])):
                    if _evidence(evidence[memory.id]) >= 1 / LEVEL and not any(are_rivals(memory, other) for other in chosen):
                        chosen.append(memory)
                promoted = self._gate.promote_together(chosen) if chosen else ()
                for memory in promoted:
                    self._clear_the_way(memory)
        except GateError as error:
            return tuple(Trialled(memory, evidence[memory.id], f"{_MEANWHILE}: {error}") for memory in chosen)
        return tuple(Trialled(memory, evidence[memory.id], "promoted: it helps, as others do with it") for memory in promoted)

    def promote(self, memory: Memory, report: TrialReport | ExposureReport) -> Memory:
        """Into use with it, and out of the way with the other hypotheses of its kind about the same tasks.

        One of the other kind, demonstrations beside a rule or a rule beside demonstrations, may help more still: it
        begins anew, tried against what was promoted, and takes its place if it wins.
        """
        with self._db.write():
            promoted = self._gate.promote(memory, report)
            self._clear_the_way(promoted)
        return promoted

    def _clear_the_way(self, memory: Memory) -> None:
        for rival in self._memories.of_scope(memory.lesson.scope, ("quarantined",), KINDS):
            if are_rivals(rival, memory):
                self._gate.archive(rival, f"{memory.id} was promoted for the same tasks", actor="learner")
                if rival.lesson.kind != memory.lesson.kind:
                    self._gate.admit(rival.lesson, supersedes=memory.id)

    def trial_tasks(self, memory: Memory, can_judge: Callable[[Task], bool], *, has_model: bool) -> TrialTasks:
        """What the memory is tried on, on an agent that has a model or none."""
        return trial_tasks(self._db, self._memories, memory, can_judge, has_model=has_model)

    def _last_report(self, memory: Memory) -> TrialReport | None:
        """The last one of its present stay in quarantine: what put it into use once doesn't count after it was sent back."""
        return last_report(self._memories.journal(memory.id))


def _following(events: Sequence[Event], last: int) -> tuple[Event, ...]:
    """The same events, numbered from `last` on: something else of the run may have been saved while its model was asked."""
    return tuple(replace(event, seq=number) for number, event in enumerate(events, start=last + 1))


def _evidence(report: TrialReport | None) -> float:
    return report.e_help if report is not None else 0.0


def _missing(report: TrialReport) -> str:
    """How much evidence there is, and how much more it takes."""
    missing = wins_needed(evidence_of(report.pairs), report.alpha)
    return f"{missing} more {'win' if missing == 1 else 'wins'} needed (evidence {report.e_help:.3g} of {1 / report.alpha:.0f})"
