"""Whoever observes a process hears all its runs, and no run minds."""

from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.runtime.events import Event, MemoryProposed, Reflected, RunStarted
from purpose_agent.runtime.observers import add_observer, observers, observing
from purpose_agent.testing.models import RuleModel
from tests.learning.given import COLOUR, painter
from tests.runtime.given import a_bus, a_run, started


def test_an_observer_hears_every_bus_that_is_made_within(tmp_path: Path) -> None:
    heard: list[Event] = []
    place = pa.Workspace(tmp_path, holdout=0)
    writer = pa.Agent("writer", model=RuleModel(lambda request: "done"), critic=None, workspace=place)

    with observing(heard.append):
        first = painter(place).run(COLOUR)
        second = writer.run("Say done")
    writer.run("Say done")

    assert {event.run_id for event in heard} == {first.id, second.id}
    # The reflection and the gate have buses of their own.
    told = [event for event in heard if event.run_id == first.id]
    assert [event.id for event in told] == [event.id for event in place.trace(first.id).events]
    assert any(isinstance(event.payload, MemoryProposed) for event in told)
    assert any(isinstance(event.payload, Reflected) for event in told)


def test_without_observers_a_bus_has_no_listener_more() -> None:
    assert observers() == []


def test_a_run_that_goes_on_is_not_observed_any_more() -> None:
    heard: list[Event] = []
    with observing(heard.append):
        bus = a_bus()
        bus.publish(started(), lane="porter")
    a_run(bus)

    assert len(heard) == 1


def test_an_observer_that_is_taken_away_twice_is_gone_once() -> None:
    heard: list[Event] = []
    remove = add_observer(heard.append)
    other = add_observer(heard.append)
    remove()
    remove()
    a_bus().publish(started(), lane="porter")
    other()

    assert [type(event.payload) for event in heard] == [RunStarted]
    assert observers() == []


def test_an_observer_that_fails_stops_no_run_and_is_told_about_when_it_is_over(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path)
    writer = pa.Agent("writer", model=RuleModel(lambda request: "done"), critic=None, workspace=place)

    def fails(event: Event) -> None:
        raise ZeroDivisionError

    with observing(fails), pytest.raises(ExceptionGroup):
        writer.run("Say done")

    (run,) = place.runs()
    assert (run.status, run.answer) == ("finished", "done")
