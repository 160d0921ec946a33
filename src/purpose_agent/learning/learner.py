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

from purpose_agent.core.errors import GateError, ModelError
from purpose_agent.core.ids import IdSource
from purpose_agent.core.memory import Case, Lesson, Memory, Provenance, Scope, TrialReport
from purpose_agent.core.model import Model, ModelRequest, ModelResponse, Usage
from purpose_agent.core.ports import Clock
from purpose_agent.core.task import Task
from purpose_agent.critics.checks import failures
from purpose_agent.evals.sequential import PairedEvidence, wins_needed
from purpose_agent.learning.induce import FEWEST_CASES, as_text, induce
from purpose_agent.learning.reflect import Ask, Failure, reflect_on
from purpose_agent.learning.trial import MOST_PAIRS, Rerun, is_held_out, try_memory
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.lifecycle import TEACHERS
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import LessonDrawn, ModelCalled, Reflected
from purpose_agent.runtime.record import REFLECTED, RunRow, is_reflected, last_seq, list_runs, load_trace, mark_reflected

HISTORY = 200
"""So many of a family's last runs are looked at for a rule."""
MOST_CASES = 8
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
        seeks_rule = not skip and _is_solved(run)
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
                drafts, why, revises = self._rule(run)
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
        if model is None:
            return None, "", None
        score = next((step.score for step in reversed(load_trace(self._db, run.id).steps()) if step.score), None)
        failed = failures(score) if score is not None else run.reason or "there was no answer"
        ask = _asking(model, bus, run.agent, self._clock)
        try:
            said = await reflect_on(Failure(run.goal, run.answer or "(none)", failed, passed), ask)
        except ModelError as error:
            return (), f"the model could not reflect: {error}", None
        if said is None:
            return (), "the model said nothing usable", None
        when, then = said
        return (Lesson("failure_pattern", when, then, _provenance(run), _scope(run)),), "", None

    def _rule(self, run: RunRow) -> tuple[Sequence[Lesson], str, str | None]:
        """The rule behind the solved cases of the run's family."""
        in_use = self._rule_memory(run, "promoted")
        if in_use is not None and run.success:
            return (), "the rule in use held", None
        alike = [
            other for other in list_runs(self._db, limit=HISTORY, family=run.family, mode="learning") if _same_kind(other, run)
        ]
        cases = _cases(alike)
        if len(cases) < FEWEST_CASES:
            return (), f"{len(cases)} solved cases so far; a rule needs {FEWEST_CASES}", None
        lines = induce(cases)
        if not lines:
            return (), f"no rule was found in {len(cases)} solved cases", None
        text = as_text(lines)
        waiting = self._rule_memory(run, "quarantined")
        for known in (in_use, waiting):
            if known is not None and known.lesson.then == text:
                return (), f"the {known.status} rule says the same", None
        if waiting is not None:
            self._gate.archive(waiting, "a rule from more cases takes its place", actor="learner")
        shown = _spread(cases)
        lesson = Lesson("skill_card", "", text, _provenance(run), _scope(run), shown)
        return (lesson,), "", in_use.id if in_use is not None else None

    def _rule_memory(self, run: RunRow, status: str) -> Memory | None:
        scope = _scope(run)
        return next(
            (
                memory
                for memory in self._memories(status)
                if memory.lesson.kind == "skill_card"
                and memory.lesson.scope == scope
                and (run.family or _shares_case(memory, run))
            ),
            None,
        )

    async def try_out(self, memory: Memory, tasks: Sequence[Task], rerun: Rerun) -> Trialled:
        """One trial of a quarantined memory; the gate promotes, rejects, or notes that it is undecided."""
        before = self._last_report(memory.id)
        if before is not None and len(before.pairs) >= MOST_PAIRS:
            return Trialled(memory, before, f"undecided after {len(before.pairs)} pairs: it stays in quarantine")
        report = await try_memory(memory, tasks, rerun, before=before)
        try:
            if report.helps:
                return Trialled(self._gate.promote(memory, report), report, "promoted: it helps")
            if report.harms:
                return Trialled(self._gate.reject(memory, report), report, "rejected: it harms")
            missing = wins_needed(PairedEvidence(report.wins, report.losses), report.alpha)
            return Trialled(self._gate.note(memory, report), report, f"undecided: {missing} more wins needed")
        except GateError as error:
            return Trialled(memory, report, f"somebody else decided meanwhile: {error}")

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

    def trial_tasks(self, memory: Memory) -> tuple[Task, ...]:
        """Tasks of the record that would recall it: those held out first; its own task where there are no others."""
        scope, source = memory.lesson.scope, memory.lesson.provenance
        family = scope.families[0] if scope.families else ""
        runs = [
            run
            for run in list_runs(self._db, limit=HISTORY, family=family, mode="learning")
            if run.task.replayable and (not scope.agents or run.agent in scope.agents)
        ]
        own = [run for run in runs if run.id == source.run_id]
        alike = [run for run in runs if family or (own and _same_kind(run, own[0]))]
        # Newest first, so that a task's oldest run counts: the goals of a team's later attempts tell what was wrong before.
        tasks = {run.task_key: run.task for run in alike}
        kept = [key for key in tasks if is_held_out(tasks[key])] if memory.lesson.kind == "skill_card" else []
        # In an order that knows nothing of outcomes: a trial that meets failed tasks first, and stops when it has won
        # enough, would never meet the tasks that the memory spoils.
        return tuple(tasks[key] for key in sorted(kept or tasks, key=lambda key: sha256(f"trial/{key}".encode()).digest()))


def known_answer(run: RunRow) -> str | None:
    """The right answer, as far as it is known after the run."""
    # The task's spelling before the model's: "YES" and "yes" would be two answers to a rule.
    expected = next((check.spec.strip() for check in run.task.checks if check.kind == "equals"), None)
    if expected is not None:
        return next((choice for choice in run.task.choices if choice.casefold() == expected.casefold()), expected)
    return run.answer if run.success else None


def _is_solved(run: RunRow) -> bool:
    """It was judged, the right answer is known, and that is one of a few, or is compared as a whole."""
    if run.success is None or known_answer(run) is None:
        return False
    return bool(run.task.choices) or any(check.kind == "equals" for check in run.task.checks)


def _same_kind(one: RunRow, other: RunRow) -> bool:
    """Tasks that may share a rule: of one agent, and one family or one set of choices."""
    if one.agent != other.agent:
        return False
    if one.family or other.family:
        return one.family == other.family
    return one.task.choices == other.task.choices if one.task.choices else one.task_key == other.task_key


def _cases(runs: Sequence[RunRow]) -> list[Case]:
    """Solved cases, one a task, oldest first; tasks held out for trials are not among them."""
    cases: dict[str, Case] = {}
    for run in reversed(runs):
        answer = known_answer(run)
        if answer is not None and not is_held_out(run.task):
            cases[run.task_key] = Case(_situation(run), answer)
    return list(cases.values())


def _situation(run: RunRow) -> str:
    return " ".join([run.goal, *(f"{name}: {value}" for name, value in run.task.inputs.items())])


def _spread(cases: Sequence[Case]) -> tuple[Case, ...]:
    """At most `MOST_CASES`, every answer once before any twice."""
    seen: dict[str, int] = {}
    ranked: list[tuple[int, int, Case]] = []
    for number, case in enumerate(cases):
        seen[case.answer] = seen.get(case.answer, 0) + 1
        ranked.append((seen[case.answer], number, case))
    return tuple(case for _, _, case in sorted(ranked, key=lambda item: item[:2])[:MOST_CASES])


def _shares_case(memory: Memory, run: RunRow) -> bool:
    return {case.answer for case in memory.lesson.cases} <= {*run.task.choices}


def _provenance(run: RunRow) -> Provenance:
    return Provenance("self_verified" if run.success is not None else "self_inferred", run.id, run.agent)


def _scope(run: RunRow) -> Scope:
    return Scope((run.agent,), (run.family,) if run.family else ())


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
