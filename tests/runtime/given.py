"""What the tests of this room start from: a clock that stands still, a small run, every kind of payload."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from purpose_agent.core.action import Finish, GiveUp, Observation, ToolUse
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.messages import Message, Text, ToolCall, ToolReturn
from purpose_agent.core.model import Usage
from purpose_agent.core.origin import AUTHORITY
from purpose_agent.core.score import CheckResult, Evidence, Score
from purpose_agent.core.task import Check, Task, task_to_json
from purpose_agent.core.values import Ranked
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.events import (
    ActionDecided,
    AgentFinished,
    AgentStarted,
    CallApproved,
    CallPlanned,
    CallRefused,
    CheckpointSaved,
    HandedOver,
    LessonDrawn,
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
    ModelOverruled,
    ModelRetried,
    ModelWaited,
    OptionsListed,
    Payload,
    PersonAnswered,
    PersonAsked,
    ReasoningSummarised,
    RecalledMemory,
    Reflected,
    RouteChosen,
    RouteOption,
    RunFinished,
    RunResumed,
    RunStarted,
    RunSuspended,
    ScoreOverridden,
    SkillUsed,
    StateChanged,
    StepScored,
    TextStreamed,
    ToolReturned,
    ToolStarted,
    ValuesConsulted,
    ValuesWouldChoose,
)

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TASK = Task("Open the red door", checks=[Check.equals("pull")], choices=("pull", "knock"), labels={"family": "doors"})


class StandingClock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def advance(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def a_bus(run_id: str = "run_1", clock: StandingClock | None = None) -> EventBus:
    return EventBus(run_id, clock or StandingClock(), counting_ids())


def started(task: Task = TASK, parent_run: str | None = None) -> RunStarted:
    return RunStarted(task_to_json(task), "porter", "scripted", "learning", {"goal": task.goal}, parent_run)


def a_run(bus: EventBus) -> None:
    """Two steps: a tool, then the answer."""
    usage = Usage(input_tokens=100, output_tokens=10, cached_tokens=80, usd=0.5, calls=1)
    bus.publish(started(), lane="porter")
    bus.publish(MemoryRecalled((RecalledMemory("mem_1", 1, 0.5, "relevance 1.00"),)), lane="porter")
    bus.publish(ModelCalled("act", "scripted", "actor@1", usage, 0.1), lane="porter", step=1)
    bus.publish(ActionDecided(ToolUse((ToolCall("c1", "look", {"at": ["door", 1, None]}),))), lane="porter", step=1)
    bus.publish(ToolReturned(Observation("c1", "look", "it is red", True, 0.1)), lane="porter", step=1)
    bus.publish(StateChanged({"door": "red", "shut": True}), lane="porter", step=1)
    bus.publish(StepScored(Score(0.0, 4.0, 0.5, "state")), lane="porter", step=1)
    bus.publish(ModelCalled("act", "scripted", "actor@1", usage, 0.1), lane="porter", step=2)
    bus.publish(ActionDecided(Finish("pull")), lane="porter", step=2)
    bus.publish(StateChanged({"answer": "pull"}, removed=("shut",)), lane="porter", step=2)
    bus.publish(
        StepScored(Score(4.0, 10.0, 1.0, "checks", checks=(CheckResult("equals", "pull", True),))), lane="porter", step=2
    )
    bus.publish(RunFinished("finished", "pull", True, 10.0, usage + usage), lane="porter", step=2)


def python(script: str, *arguments: str) -> "subprocess.Popen[str]":
    """A fresh interpreter that runs `script`; it can be talked to through pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said_by(script: str, *arguments: str) -> list[str]:
    """The lines that `script` prints, once it has ended well."""
    process = python(script, *arguments)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    return output.split("\n")[:-1]


# Code points that UTF-8 can hold.
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
jsons: "st.SearchStrategy[Any]" = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects: "st.SearchStrategy[Mapping[str, Any]]" = st.dictionaries(texts, jsons, max_size=3)
counts = st.integers(0, 10**9)
usages = st.builds(Usage, counts, counts, counts, st.none() | numbers, counts)
verdicts = st.none() | st.booleans()
scores = st.builds(
    Score,
    st.none() | numbers,
    st.none() | numbers,
    numbers,
    texts,
    st.lists(st.builds(Evidence, texts, st.booleans()), max_size=2).map(tuple),
    st.lists(st.builds(CheckResult, texts, texts, verdicts, texts), max_size=2).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
    st.none() | numbers,
)
calls = st.builds(ToolCall, texts, texts, objects, st.none() | texts)
actions = (
    st.builds(ToolUse, st.lists(calls, max_size=2).map(tuple), texts)
    | st.builds(Finish, texts, texts)
    | st.builds(GiveUp, texts)
)
statuses = st.sampled_from(("finished", "gave_up", "exhausted", "interrupted", "cancelled", "failed"))
rankings = st.builds(Ranked, texts, numbers, numbers, st.lists(texts, max_size=2).map(tuple))
origins = st.sampled_from(AUTHORITY)
effects = st.lists(texts, max_size=2).map(tuple)
recalled = st.builds(RecalledMemory, texts, counts, numbers, texts)

memory_statuses = st.sampled_from(("quarantined", "rejected", "promoted"))
parts = st.builds(Text, texts) | calls | st.builds(ToolReturn, texts, texts, texts)
messages = st.builds(Message, st.sampled_from(("system", "user", "assistant", "tool")), st.lists(parts, max_size=2).map(tuple))

payloads: "dict[type[Payload], st.SearchStrategy[Any]]" = {
    RunStarted: st.builds(
        RunStarted,
        objects,
        texts,
        texts,
        st.sampled_from(("learning", "validation", "evaluation")),
        objects,
        st.none() | texts,
        st.none() | counts,
    ),
    MemoryRecalled: st.builds(MemoryRecalled, st.lists(recalled, max_size=2).map(tuple), counts),
    OptionsListed: st.builds(OptionsListed, texts, st.lists(texts, max_size=3).map(tuple)),
    ValuesWouldChoose: st.builds(ValuesWouldChoose, texts),
    ModelOverruled: st.builds(ModelOverruled, texts, texts, st.lists(texts, max_size=2).map(tuple)),
    ValuesConsulted: st.builds(ValuesConsulted, st.lists(rankings, max_size=2).map(tuple), counts),
    ModelCalled: st.builds(ModelCalled, texts, texts, texts, usages, numbers, texts),
    ActionDecided: st.builds(ActionDecided, actions),
    ToolReturned: st.builds(
        ToolReturned, st.builds(Observation, texts, texts, texts, st.booleans(), numbers, counts, origins, texts)
    ),
    CallRefused: st.builds(CallRefused, texts, texts, effects, origins, texts, texts),
    CallApproved: st.builds(CallApproved, texts, texts, effects, origins, texts),
    StateChanged: st.builds(StateChanged, objects, st.lists(texts, max_size=2).map(tuple)),
    StepScored: st.builds(StepScored, scores),
    HandedOver: st.builds(HandedOver, texts, texts, texts, texts),
    RunFinished: st.builds(
        RunFinished,
        statuses,
        st.none() | texts,
        verdicts,
        st.none() | numbers,
        usages,
        texts,
        st.none() | origins,
        texts,
        st.none() | counts,
    ),
    LessonDrawn: st.builds(LessonDrawn, texts, memory_statuses, texts),
    Reflected: st.builds(Reflected, counts, texts),
    ModelAsked: st.builds(ModelAsked, texts, st.lists(messages, max_size=2).map(tuple), counts),
    ModelRetried: st.builds(ModelRetried, texts, texts, counts, numbers, texts),
    ModelWaited: st.builds(ModelWaited, texts, texts, numbers, counts),
    TextStreamed: st.builds(TextStreamed, texts),
    ReasoningSummarised: st.builds(ReasoningSummarised, texts),
    ToolStarted: st.builds(ToolStarted, texts, texts, st.booleans()),
    CheckpointSaved: st.builds(CheckpointSaved, counts, texts, numbers),
    PersonAsked: st.builds(PersonAsked, texts, texts, objects, texts, st.booleans()),
    PersonAnswered: st.builds(
        PersonAnswered, texts, st.sampled_from(("approved", "edited", "rejected", "done")), st.none() | objects, texts, texts
    ),
    ScoreOverridden: st.builds(ScoreOverridden, counts, numbers, texts, texts),
    LessonInjected: st.builds(LessonInjected, texts, memory_statuses, texts, texts),
    RunSuspended: st.builds(RunSuspended, st.sampled_from(("waiting", "paused")), texts, usages, numbers),
    RunResumed: st.builds(RunResumed, texts, counts, texts),
    AgentStarted: st.builds(AgentStarted, texts, texts, texts, counts),
    AgentFinished: st.builds(
        AgentFinished, texts, texts, statuses, jsons, texts, texts, counts, numbers, usages, st.none() | origins
    ),
    MemoryProposed: st.builds(MemoryProposed, texts, texts),
    MemoryScanned: st.builds(MemoryScanned, texts, effects),
    MemoryQuarantined: st.builds(MemoryQuarantined, texts, texts),
    MemoryPromoted: st.builds(MemoryPromoted, texts, texts),
    MemoryRejected: st.builds(MemoryRejected, texts, texts),
    MemoryArchived: st.builds(MemoryArchived, texts, texts),
    SkillUsed: st.builds(SkillUsed, texts, texts, counts),
    CallPlanned: st.builds(CallPlanned, counts, calls),
    RouteChosen: st.builds(
        RouteChosen,
        texts,
        texts,
        st.lists(
            st.builds(RouteOption, texts, numbers, numbers, numbers, st.none() | numbers, st.none() | numbers, texts),
            max_size=2,
        ).map(tuple),
        numbers,
        texts,
    ),
}
"""Every kind of payload, and how to make any of it."""
