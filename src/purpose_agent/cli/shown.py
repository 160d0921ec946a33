"""`runs show`: a run in words. What it was to do, its steps or its parts, what people said to it, what came of it.

In:  a run's row and its trace.
Out: lines. A flow, a swarm and a team have parts, each told with its own run; an agent's run has steps.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

from purpose_agent.cli.render import action_line, counted, one_line, phi, plain, told_overruled, verdict, when
from purpose_agent.core.messages import Json
from purpose_agent.core.task import task_from_json
from purpose_agent.runtime.events import (
    AgentFinished,
    AgentStarted,
    HandedOver,
    LessonDrawn,
    LessonInjected,
    MemoryArchived,
    MemoryPromoted,
    MemoryQuarantined,
    MemoryRecalled,
    MemoryRejected,
    ModelOverruled,
    PersonAnswered,
    Reflected,
    RunStarted,
    ScoreOverridden,
)

if TYPE_CHECKING:
    from purpose_agent.agents.workspace import Workspace
    from purpose_agent.runtime.record import RunRow
    from purpose_agent.runtime.trace import Step, Trace

SEEN = 500


def header(row: "RunRow") -> str:
    """What it was to do, how it ended, what that cost."""
    tokens = f"{row.input_tokens:,} tokens read, {row.output_tokens:,} written"
    seconds = "" if row.seconds is None else f" in {row.seconds:.1f} s"
    lines = [
        f"{row.id}: {row.status}, {verdict(row.success)}, Φ {phi(row.phi)}",
        f"{row.agent}: {row.model}, {when(row.started_at)}, {row.mode}; {tokens}{seconds}",
        f"task: {row.goal}",
        *(f"check: {check.kind} {one_line(check.spec)}" for check in row.task.checks),
    ]
    return "\n".join([*lines, f"reason: {row.reason}"] if row.reason else lines)


def told_steps(place: "Workspace", trace: "Trace") -> Iterator[str]:
    """Each step of an agent's run; each part of a flow, a swarm or a team."""
    from purpose_agent.agents.run_kind import kind_of

    told = (event.payload for event in trace.events)
    parts = tuple(dict.fromkeys(part.key for part in told if isinstance(part, AgentStarted | AgentFinished)))
    if not parts:
        yield from (_step(step, trace) for step in trace.steps())
        return
    scored = {step.index: step for step in trace.steps()} if kind_of(trace.of(RunStarted)[0]) == "team" else {}
    for key in parts:
        number = key.partition("/")[0]
        step = scored.get(int(number)) if number.isdigit() else None
        yield "\n".join([f"\n{_part(place, trace, key)}", *(_judged(step, trace) if step is not None else ())])


def told_overrides(trace: "Trace") -> Iterator[str]:
    """What people said that Φ really is, beside what was said before."""
    scores = {step.index: step.score for step in trace.steps()}
    for said in trace.of(ScoreOverridden):
        before = scores.get(said.step)
        instead = "; nobody had scored it" if before is None else f"; {before.critic} had said {phi(before.after)}"
        yield f"step {said.step}: {_override(said)}{instead}"


def told_lesson(lesson: LessonInjected, step: int) -> str:
    """A lesson that a person gave while the run went on."""
    when_ = f"in step {step}" if step else "before the first step"
    return f"taught {when_} by {_who(lesson.by)} ({lesson.status}): {lesson.text}  [{lesson.memory_id}]"


def not_heard_yet(place: "Workspace", run_id: str) -> Iterator[str]:
    """What people said to a run that has not gone on since."""
    from purpose_agent.runtime.controls import Abort, Pause

    for control in place.record.said(run_id):
        match control.said:
            case PersonAnswered(call_id=call_id, verdict=verdict_, by=by):
                told = f"{_who(by)} says {verdict_} of the call {call_id}"
            case ScoreOverridden() as said:
                told = f"{_override(said)}, of step {said.step}"
            case LessonInjected(text=text, status=status, by=by):
                told = f"{_who(by)} teaches ({status}): {text}"
            case Pause() | Abort() as said:
                told = said.words
            case _:
                assert_never(control.said)
        yield f"said, and not heard yet: {told}"


def _step(step: "Step", trace: "Trace") -> str:
    lines = [f"\nstep {step.index}: {action_line(step.action)}"]
    for seen in step.observations:
        lines.append(f"  {seen.tool} {'gave' if seen.ok else 'failed'}: {_cut(seen.content)}")
    lines += [
        f"  {told_overruled(event.payload)}"
        for event in trace.events
        if isinstance(event.payload, ModelOverruled) and event.step == step.index
    ]
    return "\n".join([*lines, *_judged(step, trace)])


def _judged(step: "Step", trace: "Trace") -> Iterator[str]:
    if step.score is not None:
        flags = f" [{', '.join(step.score.flags)}]" if step.score.flags else ""
        yield f"  Φ {phi(step.score.before)} → {phi(step.score.after)}, by {step.score.critic}{flags}"
        yield from (f"  “{found.quote}” ({'verified' if found.verified else 'not found'})" for found in step.score.evidence)
        yield from (f"  {verdict(check.passed)}: {check.detail or check.spec}" for check in step.score.checks)
    yield from (f"  {_override(said)}" for said in trace.of(ScoreOverridden) if said.step == step.index)


def _override(said: ScoreOverridden) -> str:
    return f"{_who(said.by)} says Φ is {phi(said.phi)}" + (f": {said.why}" if said.why else "")


def _who(by: str) -> str:
    return by or "a person"


def _part(place: "Workspace", trace: "Trace", key: str) -> str:
    """One part: whose it is, how it ended, its own run, what it handed back."""
    begun = next((part for part in reversed(trace.of(AgentStarted)) if part.key == key), None)
    ended = next((part for part in reversed(trace.of(AgentFinished)) if part.key == key), None)
    if begun is not None and ended is not None and begun.attempt > ended.attempt:
        ended = None
    part = ended or begun
    assert part is not None, "a key comes from one of the two"
    run = _row(place, part.run_id)
    status = ended.status if ended is not None else run.status if run is not None else "under way when the record ends"
    step, _, name = key.rpartition("/")
    told = f"step {step}: {name}" if step else f"task {key}: {part.name}"
    judged = f", {verdict(run.success)}" if run is not None and run.success is not None else ""
    seconds = f" in {ended.seconds:.1f} s" if ended is not None else ""
    attempt = f" at attempt {part.attempt}" if part.attempt > 1 else ""
    lines = [f"{told}: {status.replace('_', ' ')}{attempt}{seconds}{judged}" + (f", {part.run_id}" if part.run_id else "")]
    if not step and (goal := _goal(trace, key)):
        lines.append(f"  task: {one_line(goal)}")
    if ended is not None and ended.error:
        lines.append(f"  error: {_cut(ended.error)}")
    elif ended is None and run is not None and run.reason:
        lines.append(f"  {run.reason}")
    if ended is not None and ended.output not in (None, {}):
        lines.append(f"  handed back: {_cut(_words(ended.output))}")
    return "\n".join(lines)


def _row(place: "Workspace", run_id: str) -> "RunRow | None":
    from purpose_agent.core.errors import NotFound

    try:
        return place.run(run_id) if run_id else None
    except NotFound:
        return None


def _goal(trace: "Trace", key: str) -> str:
    """What a task of a swarm was."""
    tasks = trace.of(RunStarted)[0].state.get("tasks")
    task = tasks[int(key) - 1] if isinstance(tasks, list) and key.isdigit() and 0 < int(key) <= len(tasks) else None
    return task_from_json(task).goal if isinstance(task, dict) else ""


def _words(output: Json) -> str:
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False, default=str)


def _cut(text: str) -> str:
    text = plain(text).strip()
    return text if len(text) <= SEEN else f"{text[:SEEN]}… ({len(text) - SEEN:,} more characters; all of it: --events)"


def afterwards(trace: "Trace", row: "RunRow") -> str:
    """What came of it: the answer, what it used, what was learned."""
    lines = [f"\n{_outcome(trace, row)}"]
    for recalled in trace.of(MemoryRecalled):
        lines += [f"recalled: {memory.memory_id} ({memory.why})" for memory in recalled.memories]
    lines += [told_lesson(event.payload, event.step) for event in trace.events if isinstance(event.payload, LessonInjected)]
    lines += [_hop(hop) for hop in trace.of(HandedOver)]
    lines += [f"lesson ({drawn.status}): {drawn.text}  [{drawn.memory_id}]" for drawn in trace.of(LessonDrawn)]
    lines += [f"no lesson: {over.why}" for over in trace.of(Reflected) if not over.lessons and over.why]
    told = max((event.seq for event in trace.events if isinstance(event.payload, Reflected)), default=0)
    lines += [
        f"since then {fate.kind.removeprefix('memory_')}: {fate.why}  [{fate.memory_id}]"
        for fate in (event.payload for event in trace.events if event.seq > told)
        if isinstance(fate, MemoryQuarantined | MemoryPromoted | MemoryRejected | MemoryArchived)
    ]
    if trace.left_out:
        lines.append(f"left out: {counted(trace.left_out, 'event', 'events')} that a newer version wrote")
    return "\n".join(lines)


def _outcome(trace: "Trace", row: "RunRow") -> str:
    if row.answer is not None:
        return f"answer: {row.answer}"
    if trace.finished is None:
        return "no answer yet"
    ended = {part.key: part.status for part in trace.of(AgentFinished)}
    tasks = trace.of(RunStarted)[0].state.get("tasks")
    if row.agent == "swarm" and isinstance(tasks, list):
        return f"{sum(status == 'finished' for status in ended.values())} of {counted(len(tasks), 'task', 'tasks')} finished"
    return "no answer"


def _hop(hop: HandedOver) -> str:
    run = f": {hop.run_id}" if hop.run_id else ""
    return f"{hop.sender} handed over to {hop.receiver}{run}" + (f" ({hop.why})" if hop.why else "")
