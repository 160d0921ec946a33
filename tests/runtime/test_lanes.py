"""Branches that run side by side are told in one order, whatever turns they took."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.errors import NotFound
from purpose_agent.core.model import Usage
from purpose_agent.core.task import task_to_json
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import (
    AgentFinished,
    AgentStarted,
    CheckpointSaved,
    Event,
    HandedOver,
    Payload,
    Reflected,
    RunFinished,
    RunResumed,
    RunSuspended,
    StateChanged,
)
from purpose_agent.runtime.lanes import merged, timeline
from purpose_agent.runtime.record import NOT_WANTED, RunRecord
from purpose_agent.runtime.trace import Trace
from tests.runtime.given import TASK, a_bus, started

END = RunFinished("finished", "pull", True, 10.0, Usage())


def a_trace(*happened: tuple[str, int, Payload], run_id: str = "run_1", parent: str | None = None) -> Trace:
    """What happened on which lane in which step, after the beginning on lane "flow"."""
    bus = a_bus(run_id)
    bus.publish(started(parent_run=parent), lane="flow")
    for lane, step, payload in happened:
        bus.publish(payload, lane=lane, step=step)
    return Trace(tuple(bus.events))


def note(text: str) -> Payload:
    return StateChanged({text: True})


def told(events: Sequence[Event]) -> list[str]:
    """Notes by their text, all else by its kind; of another run with its id."""
    words = [
        next(iter(event.payload.values)) if isinstance(event.payload, StateChanged) else event.payload.kind for event in events
    ]
    return [word if event.run_id == "run_1" else f"{event.run_id} {word}" for event, word in zip(events, words, strict=True)]


def test_by_step_then_lane_then_as_it_came_on_the_lane() -> None:
    trace = a_trace(
        ("b", 1, note("b1")),
        ("a", 1, note("a1")),
        ("flow", 1, note("own")),
        ("b", 1, note("b2")),
        ("a", 2, note("a2")),
        ("b", 1, note("b3")),
    )

    assert told(merged(trace)) == ["run_started", "own", "a1", "b1", "b2", "b3", "a2"]


def test_lanes_that_are_numbers_come_in_the_order_of_the_numbers() -> None:
    lanes = ["10", "9", "2/b", "2/a", "node 11", "node 2"]

    trace = a_trace(*((lane, 1, note(lane)) for lane in lanes))

    assert told(merged(trace))[1:] == ["2/a", "2/b", "9", "10", "node 2", "node 11"]


def test_a_checkpoint_comes_after_all_that_happened_in_its_step() -> None:
    trace = a_trace(
        ("b", 1, note("b")),
        ("a", 1, note("a")),
        ("flow", 1, CheckpointSaved(1)),
        ("a", 2, note("later")),
    )

    assert told(merged(trace)) == ["run_started", "a", "b", "checkpoint_saved", "later"]


def test_what_follows_the_end_stays_after_it() -> None:
    trace = a_trace(("b", 3, note("b")), ("flow", 1, END), ("flow", 0, Reflected(0)))

    assert told(merged(trace)) == ["run_started", "b", "run_finished", "reflected"]


def test_a_run_that_stood_still_goes_on_after_it_did() -> None:
    trace = a_trace(
        ("b", 2, note("before")),
        ("flow", 2, RunSuspended("waiting", "for a person")),
        ("flow", 1, RunResumed("1:1", 1)),
        ("a", 2, note("after")),
        ("flow", 2, END),
    )

    assert told(merged(trace)) == ["run_started", "before", "run_suspended", "run_resumed", "after", "run_finished"]


def test_time_only_goes_on_on_a_lane_whatever_step_an_event_claims() -> None:
    trace = a_trace(("a", 2, note("a2")), ("a", 1, note("a1")), ("b", 1, note("b1")))

    assert told(merged(trace)) == ["run_started", "b1", "a2", "a1"]


def test_a_parts_own_run_stands_where_it_began() -> None:
    run = a_trace(
        ("b", 1, AgentStarted("1/b", "b", "run_b")),
        ("a", 1, AgentStarted("1/a", "a", "run_a")),
        ("b", 1, AgentFinished("1/b", "b", "finished", run_id="run_b")),
        ("a", 1, AgentFinished("1/a", "a", "finished", run_id="run_a")),
        ("flow", 1, END),
    )
    parts = [a_trace(("x", 1, note("x")), run_id=name, parent="run_1") for name in ("run_b", "run_a")]

    assert told(merged(run, parts)) == [
        "run_started",
        *("agent_started", "run_a run_started", "run_a x", "agent_finished"),
        *("agent_started", "run_b run_started", "run_b x", "agent_finished"),
        "run_finished",
    ]


def test_a_members_run_stands_where_the_work_was_handed_to_it_and_its_own_members_in_it() -> None:
    run = a_trace(("coder", 1, HandedOver("team", "coder", "run_a")), ("flow", 1, END))
    member = a_trace(("helper", 1, HandedOver("coder", "helper", "run_b")), run_id="run_a", parent="run_1")
    helper = a_trace(("x", 1, note("x")), run_id="run_b", parent="run_a")

    assert told(merged(run, [helper, member])) == [
        *("run_started", "handed_over"),
        *("run_a run_started", "run_a handed_over"),
        *("run_b run_started", "run_b x"),
        "run_finished",
    ]


def test_a_part_that_only_its_end_tells_of_stands_before_that() -> None:
    run = a_trace(("a", 1, AgentStarted("1/a", "a")), ("a", 1, AgentFinished("1/a", "a", "finished", run_id="run_a")))

    assert told(merged(run, [a_trace(run_id="run_a")])) == [
        *("run_started", "agent_started", "run_a run_started", "agent_finished"),
    ]


def test_a_part_that_nobody_tells_of_stands_before_the_end_and_a_stranger_nowhere() -> None:
    run = a_trace(("flow", 1, END), ("flow", 0, Reflected(0)))
    lost = a_trace(run_id="run_a", parent="run_1")

    assert told(merged(run, [lost, a_trace(run_id="run_x", parent="run_9")])) == [
        *("run_started", "run_a run_started", "run_finished", "reflected"),
    ]


def test_runs_that_name_each_other_are_each_told_once() -> None:
    run = a_trace(("a", 1, HandedOver("team", "a", "run_a")))
    member = a_trace(("b", 1, HandedOver("a", "team", "run_1")), run_id="run_a")

    assert told(merged(run, [member, run])) == ["run_started", "handed_over", "run_a run_started", "run_a handed_over"]


lane_events = st.lists(st.integers(0, 4), max_size=5)
segments = st.lists(
    st.dictionaries(st.sampled_from(["flow", "a", "b", "node 2", "node 10"]), lane_events), min_size=1, max_size=3
)


@given(segments, st.data())
def test_any_interleaving_of_the_same_lanes_gives_the_same_order(
    segments: list[dict[str, list[int]]], data: st.DataObject
) -> None:
    """`segments`: between the ends of a run, the steps of what happened on each lane, in the order of the lane."""

    def interleaved() -> Trace:
        happened: list[tuple[str, int, Payload]] = []
        for number, lanes in enumerate(segments):
            turns = data.draw(st.permutations([lane for lane, steps in lanes.items() for _ in steps]))
            left = {lane: list(enumerate(steps)) for lane, steps in lanes.items()}
            for lane in turns:
                place, step = left[lane].pop(0)
                closes = lane == "flow" and step % 2
                happened.append((lane, step, CheckpointSaved(step) if closes else note(f"{number} {lane} {place}")))
            happened.append(("flow", 4, RunSuspended("paused", "")))
        return a_trace(*happened)

    first, second = merged(interleaved()), merged(interleaved())

    assert told(first) == told(second)
    for lane in {event.lane for event in first}:
        of_lane = [event.seq for event in first if event.lane == lane]
        assert of_lane == sorted(of_lane), "on a lane nothing is moved"


def test_the_record_gives_the_runs_below_a_run_too(tmp_path: Path) -> None:
    db = Database(tmp_path / "workspace.db")
    record = RunRecord(db)
    member = a_trace(("helper", 1, HandedOver("coder", "helper", "run_b")), run_id="run_a", parent="run_1")
    runs = [
        a_trace(("coder", 1, HandedOver("team", "coder", "run_a"))),
        member,
        a_trace(run_id="run_b", parent="run_a"),
        a_trace(run_id="run_other"),
    ]
    for run in runs:
        first, *rest = run.events
        record.open(first, TASK, family="", task_key=str(task_to_json(TASK)), reflected=NOT_WANTED, events=rest)

    assert told(timeline(db, "run_1")) == [
        *("run_started", "handed_over", "run_a run_started", "run_a handed_over", "run_b run_started"),
    ]
    with pytest.raises(NotFound):
        timeline(db, "run_none")
