"""A trace goes to text and back unchanged, survives a torn line and a newer writer, and tells the steps."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purpose_agent.core.action import Finish, Observation, ToolUse
from purpose_agent.core.errors import UsageError, WorkspaceError
from purpose_agent.core.messages import ToolCall
from purpose_agent.core.model import Usage
from purpose_agent.core.state import State
from purpose_agent.runtime.events import (
    PAYLOADS,
    ActionDecided,
    Event,
    ModelCalled,
    Payload,
    RunStarted,
    StateChanged,
    ToolReturned,
)
from purpose_agent.runtime.trace import Trace
from tests.runtime.given import START, a_bus, a_run, payloads, started, texts


def a_trace() -> Trace:
    bus = a_bus()
    a_run(bus)
    return Trace(tuple(bus.events))


def _event(payload: Payload, lane: str = "porter") -> Event:
    return Event("evt_1", "run_1", 1, START, lane, 0, payload)


def test_every_kind_of_payload_is_known_by_its_name_and_tried_below() -> None:
    assert set(PAYLOADS.values()) == set(payloads)
    assert all(cls.__dataclass_fields__["kind"].default == kind for kind, cls in PAYLOADS.items())


@pytest.mark.parametrize("kind", payloads, ids=lambda kind: kind.__name__)
def test_any_payload_survives_the_way_to_text_and_back(kind: type[Payload]) -> None:
    @settings(max_examples=40)
    @given(payload=payloads[kind], lane=texts, parent=st.none() | texts)
    def check(payload: Any, lane: str, parent: str | None) -> None:
        trace = Trace((Event("evt_1", "run_1", 1, START, lane, 3, payload, "debug", parent),))

        assert Trace.from_jsonl(trace.to_jsonl()) == trace

    check()


def test_what_utf8_cannot_hold_is_replaced_rather_than_lost_with_the_run() -> None:
    trace = Trace((_event(StateChanged({"half": "a\ud800b"}), lane="por\udcffter"),))

    read = Trace.from_jsonl(trace.to_jsonl())

    assert (read.events[0].payload, read.events[0].lane) == (StateChanged({"half": "a?b"}), "por?ter")


def test_a_torn_last_line_is_left_out_wherever_it_is_torn() -> None:
    trace = a_trace()
    data = trace.to_jsonl().encode()
    begin = data.rindex(b"\n", 0, -1) + 1

    for end in range(begin, len(data) - 1):
        assert Trace.from_jsonl(data[:end]).events == trace.events[:-1]
    # Only the line's end is missing: the event is there.
    assert Trace.from_jsonl(data[:-1]) == trace


def test_a_damaged_line_elsewhere_is_an_error_with_its_number() -> None:
    lines = a_trace().to_jsonl().split("\n")
    lines[2] = lines[2][:-5]

    with pytest.raises(WorkspaceError, match="Line 3 "):
        Trace.from_jsonl("\n".join(lines))


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "e", "run_id": "r", "seq": "x", "at": "2026-01-02T03:04:05Z", "lane": "", "step": 0, '
        '"payload": {"kind": "reflected", "lessons": 0}}',
        "[]",
        "{}",
        '{"payload": 3}',
        '{"payload": {"kind": ["reflected"]}}',
        '{"payload": {"kind": "reflected"}}',
    ],
)
def test_a_line_that_is_json_but_no_event_is_an_error(line: str) -> None:
    with pytest.raises(WorkspaceError, match="Line 1 "):
        Trace.from_jsonl(f"{line}\n")


def test_unknown_kinds_of_a_newer_version_are_left_out_and_counted() -> None:
    trace = a_trace()
    lines = trace.to_jsonl().split("\n")
    newer = json.loads(lines[3])
    newer["payload"] = {"kind": "dreamt", "of": "sheep"}
    lines[3] = json.dumps(newer)

    read = Trace.from_jsonl("\n".join(lines))

    assert read.left_out == 1
    assert read.events == (*trace.events[:3], *trace.events[4:])


def test_unknown_fields_of_a_newer_version_are_ignored() -> None:
    trace = Trace((_event(started()),))
    newer = json.loads(trace.to_jsonl())
    newer["mood"] = newer["payload"]["weather"] = "fair"

    assert Trace.from_jsonl(json.dumps(newer) + "\n") == trace


def test_a_trace_is_of_one_run_and_of_at_least_one_event() -> None:
    first, second = a_trace().to_jsonl(), a_trace().to_jsonl().replace("run_1", "run_2")

    with pytest.raises(WorkspaceError, match="several or none"):
        Trace.from_jsonl(first + second)
    with pytest.raises(WorkspaceError, match="several or none"):
        Trace.from_jsonl("")
    with pytest.raises(UsageError):
        Trace(())


def test_the_steps_tell_what_was_known_done_and_judged() -> None:
    first, second = a_trace().steps()

    assert (first.index, second.index) == (1, 2)
    assert first.before == State({"goal": "Open the red door"})
    assert first.action == ToolUse((ToolCall("c1", "look", {"at": ["door", 1, None]}),))
    assert [observation.content for observation in first.observations] == ["it is red"]
    assert first.after == second.before == State({"goal": "Open the red door", "door": "red", "shut": True})
    assert second.action == Finish("pull")
    assert second.after == State({"goal": "Open the red door", "door": "red", "answer": "pull"})
    assert [step.score.after if step.score else None for step in (first, second)] == [4.0, 10.0]
    assert first.usage == Usage(input_tokens=100, output_tokens=10, cached_tokens=80, usd=0.5, calls=1)


def test_a_finished_trace_knows_its_end() -> None:
    trace = a_trace()

    assert trace.run_id == "run_1"
    assert trace.finished is not None
    assert trace.finished.answer == "pull"
    assert trace.usage == trace.finished.usage
    assert trace.final_state == trace.steps()[-1].after
    assert len(trace.of(ModelCalled)) == 2


def test_every_beginning_of_a_run_is_a_trace_too() -> None:
    whole = a_trace()

    for end in range(1, len(whole.events)):
        part = Trace(whole.events[:end])
        assert part.finished is None
        assert part.usage == sum((call.usage for call in part.of(ModelCalled)), Usage())
        assert all(step.before == full.before for step, full in zip(part.steps(), whole.steps(), strict=False))
        assert part.of(RunStarted)
    assert Trace(whole.events[:3]).steps()[0].action is None


def test_what_came_back_stands_in_the_order_of_the_calls_whichever_was_first() -> None:
    bus = a_bus()
    both = ToolUse((ToolCall("a", "look"), ToolCall("b", "look")))
    bus.publish(ActionDecided(both), lane="x", step=1)
    for id in ("b", "a"):
        bus.publish(ToolReturned(Observation(id, "look", id, True, 0.0)), lane="x", step=1)

    (step,) = Trace(tuple(bus.events)).steps()

    assert [seen.call_id for seen in step.observations] == ["a", "b"]
