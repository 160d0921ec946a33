"""What a run teaches, and whether that is true.

In:  runs as the record has them.
Out: lessons at the gate; trials; the gate's decisions carried out.

Tasks whose right answer is known afterwards (the check tells, or the answer was right) are solved cases: once a family
has enough of them, the rule behind them is looked for. Other failures are reflected on by the agent's own model. A
success that no failure preceded teaches nothing, and the record says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from purpose_agent.core.action import command_of
from purpose_agent.core.errors import GateError, ModelError
from purpose_agent.core.ids import IdSource
from purpose_agent.core.memory import Lesson, Memory, TrialReport
from purpose_agent.core.model import NO_MODEL, Model, ModelRequest, ModelResponse, Usage
from purpose_agent.core.ports import Clock
from purpose_agent.core.task import Task
from purpose_agent.critics.checks import failures
from purpose_agent.evals.sequential import PairedEvidence, wins_needed
from purpose_agent.learning.cases import is_solved, same_kind
from purpose_agent.learning.hypotheses import KINDS, Proposal, are_rivals, concerns, propose, provenance_of, scope_of
from purpose_agent.learning.reflect import Ask, Failure, reflect_on
from purpose_agent.learning.trial import MOST_PAIRS, Rerun, is_held_out, try_memory
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.lifecycle import TEACHERS
from purpose_agent.memory.rules import has_a_say
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import LessonDrawn, ModelCalled, Reflected
from purpose_agent.runtime.record import REFLECTED, RunRow, is_reflected, last_seq, list_runs, load_trace, mark_reflected

HISTORY = 200
"""So many of a family's last runs are looked at for a rule."""
LAST_ACTIONS = 20
"""So many of the actions that a run took in a world are shown to the model that reflects on it."""
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
        memories: Callable[[str], Sequence[Memory]],
        last_report: Callable[[str], TrialReport | None],
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._db = db
        self._gate = gate
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
        drafts, why, revises = ((), skip, None) if skip or seeks_rule else await self._drafts(run, model, passed, bus)
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
            drawn = tuple(self._gate.admit(draft, run.id, supersedes=revises) for draft in drafts)
            for memory in drawn:
                bus.publish(LessonDrawn(memory.id, memory.status, memory.lesson.text), lane=run.agent)
            bus.publish(Reflected(len(drawn), why), lane=run.agent)
            mark_reflected(self._db, run.id, events=bus.unsaved())
        bus.close()
        return drawn

    async def _drafts(
        self, run: RunRow, model: Model | None, passed: str, bus: EventBus
    ) -> tuple[Sequence[Lesson] | None, str, str | None]:
        """Lessons (None: can't be said now), why there are none, and the memory that they revise."""
        if run.success is None:
            return (), "nobody judged the run", None
        if run.success:
            return (), "it succeeded at once", None
        if run.model == NO_MODEL:
            return (), "its agent has no model to reflect with", None
        if model is None:
            return None, "", None
        steps = load_trace(self._db, run.id).steps()
        score = next((step.score for step in reversed(steps) if step.score), None)
        done = [said for step in steps if step.action is not None and (said := command_of(step.action)) is not None]
        nothing = "the goal was not reached" if done else "there was no answer"
        failed = failures(score) if score is not None and score.checks else run.reason or nothing
        answer = run.answer or "\n".join(done[-LAST_ACTIONS:]) or "(none)"
        ask = _asking(model, bus, run.agent, self._clock)
        try:
            said = await reflect_on(Failure(run.goal, answer, failed, passed), ask)
        except ModelError as error:
            return (), f"the model could not reflect: {error}", None
        if said is None:
            return (), "the model said nothing usable", None
        when, then = said
        return (Lesson("failure_pattern", when, then, provenance_of(run), scope_of(run)),), "", None

    def _proposal(self, run: RunRow) -> Proposal:
        """What the solved cases of the run's family suggest."""
        in_use = next((memory for memory in reversed(self._memories("promoted")) if concerns(memory, run)), None)
        waiting = [memory for memory in self._memories("quarantined") if concerns(memory, run)]
        history = list_runs(self._db, limit=HISTORY, family=run.family, mode="learning")
        return propose(run, [other for other in history if same_kind(other, run)], in_use, waiting)

    async def try_out(
        self, memory: Memory, tasks: Sequence[Task], rerun: Rerun, *, may_go_on: Callable[[], bool] = lambda: True
    ) -> Trialled:
        """One trial of a quarantined memory; the gate promotes, rejects, or notes that it is undecided."""
        before = self._last_report(memory.id)
        if before is not None and len(before.pairs) >= MOST_PAIRS:
            return Trialled(memory, before, f"undecided after {len(before.pairs)} pairs: it stays in quarantine")
        report = await try_memory(memory, tasks, rerun, before=before, may_go_on=may_go_on)
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
        """Into use with it, and out of the way with the other hypotheses about the same tasks."""
        with self._db.write():
            promoted = self._gate.promote(memory, report)
            for rival in self._memories("quarantined"):
                if are_rivals(rival, memory):
                    self._gate.archive(rival, f"{memory.id} was promoted for the same tasks", actor="learner")
        return promoted

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

        Of a rule that changed, tasks since then only: the checks of older ones follow the rule of before.

        Args:
            can_judge: Whether a recorded task can be run again and judged.
        """
        scope, source = memory.lesson.scope, memory.lesson.provenance
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
        tasks = {run.task_key: run.task for run in alike}
        kept = [key for key in tasks if is_held_out(tasks[key])] if memory.lesson.kind in KINDS else []
        # In an order that knows nothing of outcomes: a trial that meets failed tasks first, and stops when it has won
        # enough, would never meet the tasks that the memory spoils.
        return tuple(tasks[key] for key in sorted(kept or tasks, key=lambda key: sha256(f"trial/{key}".encode()).digest()))


def _asking(model: Model, bus: EventBus, lane: str, clock: Clock) -> Ask:
    async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
        began = clock.monotonic()
        try:
            response = await model.generate(request)
        except ModelError as error:
            seconds = clock.monotonic() - began
            bus.publish(ModelCalled(request.purpose, model.name, prompt, Usage(calls=1), seconds, str(error)), lane=lane)
            raise
        bus.publish(ModelCalled(request.purpose, model.name, prompt, response.usage, clock.monotonic() - began), lane=lane)
        return response

    return ask
