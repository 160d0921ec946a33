"""Events become spans: one for each run, part of a flow, model call, tool call, recall and change of a memory.

In:  the events of any number of runs, as they happen.
Out: spans of OpenTelemetry, each ended once; two metrics, if there is a meter.

    invoke_agent          a run; under it those of its members, which name it as their parent run
    ├─ search_memory      what was recalled
    ├─ chat               a model call, with each wait before it as an event
    └─ execute_tool       a tool call
    create_memory, update_memory   what became of a lesson, in the trace of the run that taught it

A run that stands still ends its span; one that goes on has a new one, linked to the last if that was in this process. Times are
those of the events.
Without `content` nothing that anybody said is in a span: no goals, messages, arguments, results, reasons. With it, secrets are
marked.
"""

from typing import TYPE_CHECKING

from purpose_agent.core.action import ToolUse
from purpose_agent.core.messages import assistant, user
from purpose_agent.core.secrets import without_secrets
from purpose_agent.protocols import otel_names as names
from purpose_agent.protocols.otel_names import Attributes
from purpose_agent.protocols.otel_tree import OpenPart, OpenRun, SpanTree, beneath, close, ns
from purpose_agent.runtime.events import (
    ActionDecided,
    AgentFinished,
    AgentStarted,
    CallApproved,
    CallPlanned,
    CallRefused,
    Event,
    LessonInjected,
    MemoryArchived,
    MemoryPromoted,
    MemoryProposed,
    MemoryQuarantined,
    MemoryRecalled,
    MemoryRejected,
    MemoryScanned,
    ModelAsked,
    ModelCalled,
    ModelRetried,
    ModelWaited,
    PersonAnswered,
    PersonAsked,
    RunFinished,
    RunResumed,
    RunStarted,
    RunSuspended,
    SkillUsed,
    StepScored,
    ToolReturned,
    ToolStarted,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span, Tracer


class Spans:
    """Makes spans of events.

    Args:
        meter: For the metrics of model calls; None: there are none.
        content: What was said is in the spans too.
    """

    def __init__(self, tracer: "Tracer", meter: "Meter | None" = None, *, content: bool = False) -> None:
        self._tree = SpanTree(tracer)
        self._content = content
        self._tokens = self._durations = None
        if meter is not None:
            self._tokens = meter.create_histogram(
                names.TOKEN_USAGE,
                "{token}",
                "Number of input and output tokens used.",
                explicit_bucket_boundaries_advisory=names.TOKEN_BOUNDS,
            )
            self._durations = meter.create_histogram(
                names.DURATION,
                "s",
                "GenAI operation duration.",
                explicit_bucket_boundaries_advisory=names.DURATION_BOUNDS,
            )

    def take(self, event: Event) -> None:
        """Open, fill or end what the event is about. Kinds that are no span and no part of one are passed over."""
        match event.payload:
            case RunStarted():
                self._begin(event, event.payload)
            case RunResumed():
                told: Attributes = {names.OPERATION: names.INVOKE, names.AGENT: event.lane, names.RUN: event.run_id}
                self._tree.begin(event.run_id, f"{names.INVOKE} {event.lane}", told, event.at)
            case RunSuspended(status=status, reason=reason):
                self._tree.end(event.run_id, {names.STATUS: status, **self._said(names.REASON, reason)}, event.at)
            case RunFinished():
                self._finish(event, event.payload)
            case MemoryRecalled():
                self._recalled(event, event.payload)
            case ModelCalled():
                self._called(event, event.payload)
            case (
                MemoryProposed()
                | MemoryScanned()
                | MemoryQuarantined()
                | MemoryPromoted()
                | MemoryRejected()
                | MemoryArchived() as fate
            ):
                self._became(event, fate)
            case _:
                run = self._tree.find(event.run_id)
                if run is not None:
                    self._within(event, run)

    def end(self) -> None:
        """End all spans that are open: no more events come."""
        self._tree.end_all()

    def _within(self, event: Event, run: OpenRun) -> None:
        """What is a part of a run that is under way."""
        match event.payload:
            case AgentStarted():
                self._part_begins(event, run, event.payload)
            case AgentFinished():
                self._part_ends(event, run, event.payload)
            case ToolStarted(call_id=call_id, tool=tool):
                run.tools[call_id] = self._tool(event, run, call_id, tool, ns(event.at))
            case ToolReturned():
                self._returned(event, run, event.payload)
            case ModelRetried(attempt=attempt, seconds=seconds) | ModelWaited(attempt=attempt, seconds=seconds):
                name = names.RETRY if isinstance(event.payload, ModelRetried) else names.RATE_LIMIT_WAIT
                waits = run.waits.setdefault(event.lane, [])
                waits.append((name, ns(event.at), {names.ATTEMPT: attempt, names.SECONDS: seconds}))
            case ModelAsked(messages=messages, kept=kept) if self._content:
                run.asked[event.lane] = (*run.asked.get(event.lane, ())[:kept], *messages)
            case CallPlanned(call=call) if self._content:
                run.arguments[call.id] = call.arguments
            case ActionDecided(action=ToolUse(calls=calls)) if self._content:
                run.arguments |= {call.id: call.arguments for call in calls}
            case StepScored(score=score) if score.after is not None:
                told: Attributes = {names.EVALUATION: score.critic, names.EVALUATION_SCORE: score.after}
                run.span.add_event(names.EVALUATED, told, ns(event.at))
            case PersonAsked(tool=tool) | CallRefused(tool=tool) | CallApproved(tool=tool):
                self._note(event, run, {names.TOOL: tool})
            case PersonAnswered(verdict=verdict):
                self._note(event, run, {names.VERDICT: verdict})
            case SkillUsed(memory_id=memory_id, name=name):
                self._note(event, run, {names.MEMORY_ID: memory_id, **self._said(names.SKILL, name)})
            case LessonInjected(memory_id=memory_id, status=status):
                self._note(event, run, {names.MEMORY_ID: memory_id, names.MEMORY_STATUS: status})
            case _:
                pass

    def _begin(self, event: Event, started: RunStarted) -> None:
        told: Attributes = {
            names.OPERATION: names.INVOKE,
            names.AGENT: started.agent,
            names.RUN: event.run_id,
            names.MODE: started.mode,
            **(names.model_attributes(started.model) if started.model != "none" else {}),
        }
        if started.seed is not None:
            told[names.SEED] = started.seed
        if started.temperature is not None:
            told[names.TEMPERATURE] = started.temperature
        above = None
        if started.parent_run is not None:
            told[names.PARENT_RUN] = started.parent_run
            above = self._tree.under(started.parent_run, started.agent, event.run_id)
        if self._content and isinstance(goal := started.task.get("goal"), str):
            told[names.INPUT_MESSAGES] = names.messages_json([user(goal)])
        self._tree.begin(event.run_id, f"{names.INVOKE} {started.agent}", told, event.at, above)

    def _finish(self, event: Event, end: RunFinished) -> None:
        told: Attributes = {names.STATUS: end.status, **names.usage_attributes(end.usage)}
        told |= self._said(names.REASON, end.reason)
        if end.success is not None:
            told[names.SUCCESS] = end.success
        if end.phi is not None:
            told[names.PHI] = end.phi
        if self._content and end.answer is not None:
            told[names.OUTPUT_MESSAGES] = names.messages_json([assistant(end.answer)])
        kind = end.reason.partition(":")[0]
        error = (kind if kind.isidentifier() else names.OTHER_ERROR) if end.status == "failed" else ""
        self._tree.end(event.run_id, told, event.at, error)

    def _part_begins(self, event: Event, run: OpenRun, started: AgentStarted) -> None:
        told: Attributes = {names.AGENT: started.name, names.RUN: event.run_id, names.PART: started.key}
        told[names.ATTEMPT] = started.attempt
        before = run.parts.pop(started.key, None)
        if before is not None:
            before.span.end(ns(event.at))
        span = self._tree.span(f"part {started.name}", told, ns(event.at), beneath(run.span))
        run.parts[started.key] = OpenPart(started.name, started.run_id, span)

    def _part_ends(self, event: Event, run: OpenRun, finished: AgentFinished) -> None:
        part = run.parts.pop(finished.key, None)
        if part is None:
            return
        part.span.set_attributes({names.STATUS: finished.status, **names.usage_attributes(finished.usage)})
        error = names.OTHER_ERROR if finished.status == "failed" else ""
        close(part.span, event.at, error, self._words(finished.error))

    def _recalled(self, event: Event, recalled: MemoryRecalled) -> None:
        told: Attributes = {
            names.OPERATION: names.SEARCH_MEMORY,
            names.RUN: event.run_id,
            names.MEMORY_COUNT: len(recalled.memories),
            names.MEMORY_IDS: [each.memory_id for each in recalled.memories],
            names.WITHHELD: list(recalled.withheld),
            names.LEFT_OUT: recalled.left_out,
        }
        self._tree.span(names.SEARCH_MEMORY, told, ns(event.at), self._tree.under(event.run_id)).end(ns(event.at))

    def _called(self, event: Event, called: ModelCalled) -> None:
        run = self._tree.find(event.run_id)
        model = names.model_attributes(called.model)
        error = names.OTHER_ERROR if called.error else ""
        told: Attributes = {names.OPERATION: names.CHAT, names.RUN: event.run_id, names.PURPOSE: called.purpose, **model}
        told |= {names.STEP: event.step, **names.usage_attributes(called.usage)}
        if self._content and called.message is not None:
            told[names.INPUT_MESSAGES] = names.messages_json(run.asked.get(event.lane, ()) if run is not None else ())
            told[names.OUTPUT_MESSAGES] = names.messages_json([called.message])
        name = f"{names.CHAT} {model.get(names.REQUEST_MODEL, '')}".strip()
        start = ns(event.at) - round(called.seconds * 1e9)
        span = self._tree.span(name, told, start, self._tree.under(event.run_id, event.lane), client=True)
        for name, at, wait in run.waits.pop(event.lane, ()) if run is not None else ():
            span.add_event(name, wait, at)
        close(span, event.at, error, self._words(called.error))
        self._measure({names.OPERATION: names.CHAT, **model}, called, error)

    def _measure(self, shared: Attributes, called: ModelCalled, error: str) -> None:
        if self._durations is not None:
            self._durations.record(called.seconds, {**shared, **({names.ERROR: error} if error else {})})
        if self._tokens is not None and not error:
            self._tokens.record(called.usage.input_tokens, {**shared, names.TOKEN_TYPE: "input"})
            self._tokens.record(called.usage.output_tokens, {**shared, names.TOKEN_TYPE: "output"})

    def _tool(self, event: Event, run: OpenRun, call_id: str, tool: str, start: int) -> "Span":
        tool = names.tool_name(tool)
        told: Attributes = {
            names.OPERATION: names.EXECUTE,
            names.TOOL: tool,
            names.TOOL_TYPE: "function",
            names.CALL_ID: call_id,
            names.RUN: event.run_id,
            names.STEP: event.step,
        }
        if call_id in run.arguments:
            told[names.CALL_ARGUMENTS] = names.clean_json(dict(run.arguments.pop(call_id)))
        return self._tree.span(f"{names.EXECUTE} {tool}", told, start, self._tree.under(event.run_id, event.lane))

    def _returned(self, event: Event, run: OpenRun, returned: ToolReturned) -> None:
        seen = returned.observation
        start = ns(event.at) - round(seen.seconds * 1e9)
        span = run.tools.pop(seen.call_id, None) or self._tool(event, run, seen.call_id, seen.tool, start)
        span.set_attributes(self._said(names.CALL_RESULT, seen.content))
        close(span, event.at, "" if seen.ok else "tool_error")

    def _became(
        self,
        event: Event,
        fate: MemoryProposed | MemoryScanned | MemoryQuarantined | MemoryPromoted | MemoryRejected | MemoryArchived,
    ) -> None:
        operation = names.CREATE_MEMORY if isinstance(fate, MemoryProposed) else names.UPDATE_MEMORY
        status = fate.kind.removeprefix("memory_")
        told: Attributes = {names.OPERATION: operation, names.RUN: event.run_id, names.MEMORY_ID: fate.memory_id}
        told |= {names.MEMORY_STATUS: status, names.AGENT: event.lane}
        if isinstance(fate, MemoryScanned):
            told[names.FINDINGS] = list(fate.findings)
        elif not isinstance(fate, MemoryProposed):
            told |= self._said(names.WHY, fate.why)
        self._tree.span(f"{operation} {status}", told, ns(event.at), self._tree.under(event.run_id)).end(ns(event.at))

    def _note(self, event: Event, run: OpenRun, told: Attributes) -> None:
        run.span.add_event(f"purpose_agent.{event.payload.kind}", told, ns(event.at))

    def _said(self, name: str, words: str) -> Attributes:
        told = self._words(words)
        return {name: told} if told else {}

    def _words(self, words: str) -> str:
        """Somebody's words, if words are wanted."""
        return without_secrets(words) if self._content else ""
