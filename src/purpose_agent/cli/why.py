"""`purpose-agent runs show ID --why`: what a run used, traced to the runs that taught it.

In:  a run's recalled memories, the values it consulted, what people said to it on the way; the record and the journal.
Out: for each memory its status then and now, the run its lesson was drawn from, its solved cases, its last trial; for
     each value the runs behind it. Nothing here guesses: what the record does not have is said to be unknown.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from purpose_agent.cli.render import counted, one_line, told_overruled, verdict, when
from purpose_agent.cli.shown import told_lesson, told_overrides
from purpose_agent.core.errors import NotFound
from purpose_agent.core.memory import Case, JournalEntry, Memory, Scope, TrialReport
from purpose_agent.core.task import task_from_json
from purpose_agent.core.values import Ranked
from purpose_agent.memory.meaning import as_compared
from purpose_agent.memory.rules import fitting_text, situation_of
from purpose_agent.runtime.events import (
    LessonInjected,
    MemoryRecalled,
    ModelOverruled,
    RecalledMemory,
    RunStarted,
    ValuesConsulted,
)

if TYPE_CHECKING:
    from purpose_agent.agents.workspace import Workspace
    from purpose_agent.runtime.record import RunRow
    from purpose_agent.runtime.trace import Trace

LAST_RUNS = 10_000
"""So far back the runs behind solved cases are looked for."""
SHOWN_RUNS = 5
"""Runs named for one value; the others are counted."""
_ELSEWHERE = "of another workspace"
"""Runs are never removed from a record: one that is not there was never in it."""


def told_why(place: "Workspace", trace: "Trace") -> str:
    """All that the run of `trace` had learned, and from where."""
    parts: list[str] = []
    situation = ""
    for event in trace.events:
        match event.payload:
            case RunStarted(task=task) if not situation:
                known = task_from_json(task)
                situation = situation_of(known.goal, known.inputs)
            case MemoryRecalled(memories=memories):
                parts += ["\n".join(_memory(place, used, event.at, situation)) for used in memories]
            case LessonInjected() as lesson:
                parts.append("\n".join(_injected(place, lesson, event.step)))
            case ModelOverruled() as said:
                parts.append(f"step {event.step} {told_overruled(said)}")
            case _:
                pass
    consulted = [(event.step, event.payload) for event in trace.events if isinstance(event.payload, ValuesConsulted)]
    if consulted:
        parts.append(
            "\n".join(["values of earlier runs:", *(line for step, seen in consulted for line in _values(place, step, seen))])
        )
    if said := list(told_overrides(trace)):
        parts.append("\n".join(["what people said that Φ really is:", *(f"  {line}" for line in said)]))
    return "\n\n".join(parts) or "This run used nothing that was learned."


def _injected(place: "Workspace", lesson: LessonInjected, step: int) -> Iterator[str]:
    """What a person taught while the run went on."""
    yield told_lesson(lesson, step)
    memory = _find_memory(place, lesson.memory_id)
    yield f"  {'not in this workspace any more' if memory is None else f'{memory.status} now'}"


def _memory(place: "Workspace", used: RecalledMemory, at: datetime, situation: str) -> Iterator[str]:
    memory = _find_memory(place, used.memory_id)
    if memory is None:
        yield f"{used.memory_id}: recalled ({used.why}), and not in this workspace any more"
        return
    journal = place.journal(memory.id)
    yield f"{memory.id}: {_status_at(journal, at)} then, {memory.status} now; recalled for {used.why}"
    yield from (f"  {line}" for line in memory.lesson.text.splitlines())
    if fitting := fitting_text(memory.lesson.lines, situation):
        yield f"  here: {one_line(fitting)}"
    if memory.lesson.provenance.parents:
        yield f"  made of: {', '.join(memory.lesson.provenance.parents)}"
    yield from (f"  {line}" for line in _source(place, memory))
    yield from (f"  {line}" for line in told_cases(place, memory))
    yield from (f"  {line}" for line in _trial(journal))
    if memory.supersedes:
        yield f"  replaces: {memory.supersedes}"


def _status_at(journal: Sequence[JournalEntry], at: datetime) -> str:
    return next((entry.to_status for entry in reversed(journal) if entry.at <= at), "of unknown status")


def _source(place: "Workspace", memory: Memory) -> Iterator[str]:
    source = memory.lesson.provenance
    if not source.run_id:
        yield f"from: {source.origin}, no run"
        return
    run = _find(place, source.run_id)
    if run is None:
        yield f"from: {source.run_id} ({source.origin}), {_ELSEWHERE}"
        return
    yield f"from: {run.id} ({source.origin}), {verdict(run.success)}, {run.agent} on {run.model}, {when(run.started_at)}"
    yield f"  task: {one_line(run.goal)}"
    if run.success is False:
        yield from (f"  failed: {one_line(line)}" for line in _failed(place, run))


def _failed(place: "Workspace", run: "RunRow") -> Sequence[str]:
    from purpose_agent.critics.checks import failures

    score = next((step.score for step in reversed(place.trace(run.id).steps()) if step.score is not None), None)
    text = failures(score) if score is not None else ""
    return [line.removeprefix("- ") for line in text.splitlines()] or [run.reason or "there was no answer"]


def told_cases(place: "Workspace", memory: Memory) -> Iterator[str]:
    """A line for each of its cases, with the run that told it."""
    for case, run in cases_and_runs(place, memory):
        yield f"case: {one_line(case.situation)} → {one_line(case.answer)}  [{run}]"


def cases_and_runs(place: "Workspace", memory: Memory) -> Sequence[tuple[Case, str]]:
    """Its solved cases, or the examples that a rule by meaning compares with; each with the run that told it, as far as it is known."""
    examples = [Case(each, line.answer) for line in memory.lesson.lines if line.like for each in line.like.examples]
    cases = examples or memory.lesson.cases
    runs = _runs_of(place, cases, memory.lesson.scope, memory.created_at) if cases else {}
    return [(case, runs.get(case.situation, "run unknown")) for case in cases]


def _runs_of(place: "Workspace", cases: Sequence[Case], scope: Scope, before: datetime) -> dict[str, str]:
    """The newest learning run of each case's situation that had begun when the lesson was drawn."""
    wanted = {case.situation for case in cases}
    found: dict[str, str] = {}
    for run in place.runs(limit=LAST_RUNS):
        if run.mode != "learning" or run.started_at > before or (scope.agents and run.agent not in scope.agents):
            continue
        situation = situation_of(run.goal, run.task.inputs)
        # An example of a rule by meaning is kept as far as it is compared; a solved case is kept whole.
        for kept in wanted & {situation, as_compared(situation)}:
            found.setdefault(kept, run.id)
    return found


def _trial(journal: Sequence[JournalEntry]) -> Iterator[str]:
    report = next((entry.evidence for entry in reversed(journal) if isinstance(entry.evidence, TrialReport)), None)
    if report is None:
        yield "trial: none"
        return
    yield (
        f"trial: {report.wins} wins, {report.losses} losses in {counted(len(report.pairs), 'pair', 'pairs')}"
        f" on {counted(report.tasks, 'task', 'tasks')}; e-value that it helps {report.e_help:.1f},"
        f" ({1 / report.alpha:.0f} decides), that it harms {report.e_harm:.1f} ({1 / report.alpha_harm:.0f} decides)"
    )


def _values(place: "Workspace", step: int, seen: ValuesConsulted) -> Iterator[str]:
    yield f"  step {step}, the best of {counted(seen.among or len(seen.options), 'option', 'options')}:"
    yield from (f"    {_value(place, ranked)}" for ranked in seen.options)


def _value(place: "Workspace", ranked: Ranked) -> str:
    more = len(ranked.sources) - SHOWN_RUNS
    shown = (id if _find(place, id) is not None else f"{id} ({_ELSEWHERE})" for id in ranked.sources[:SHOWN_RUNS])
    named = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
    return f"{one_line(ranked.option)}: {ranked.value:.2f} ± {ranked.deviation:.2f}, from {named or 'options like it'}"


def _find_memory(place: "Workspace", memory_id: str) -> Memory | None:
    try:
        return place.memory(memory_id)
    except NotFound:
        return None


def _find(place: "Workspace", run_id: str) -> "RunRow | None":
    try:
        return place.run(run_id)
    except NotFound:
        return None
