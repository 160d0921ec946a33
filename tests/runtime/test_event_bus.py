"""Events are numbered once, seen in order by everybody, and a broken listener is neither fatal nor silent."""

import pytest

from purpose_agent.runtime.events import Event, Reflected
from tests.runtime.given import START, StandingClock, a_bus


def test_events_are_numbered_from_one_and_carry_the_time() -> None:
    clock = StandingClock()
    bus = a_bus(clock=clock)

    first = bus.publish(Reflected(0), lane="porter")
    clock.advance(1)
    second = bus.publish(Reflected(1), lane="porter", step=1, visibility="debug", parent=first.id)

    assert [event.seq for event in bus.events] == [1, 2]
    assert (first.at, (second.at - first.at).total_seconds()) == (START, 1.0)
    assert (second.run_id, second.parent, second.visibility, second.step) == ("run_1", first.id, "debug", 1)
    assert first.id != second.id


def test_a_listener_hears_what_comes_after_it() -> None:
    bus, heard = a_bus(), list[Event]()

    bus.publish(Reflected(0), lane="porter")
    bus.listen(heard.append)
    late = bus.publish(Reflected(1), lane="porter")

    assert heard == [late]


def test_every_listener_sees_the_order_of_the_numbers_even_if_one_publishes_itself() -> None:
    bus, first, last = a_bus(), list[int](), list[int]()

    def echo(event: Event) -> None:
        first.append(event.seq)
        if event.seq == 1:
            bus.publish(Reflected(2), lane="porter")

    bus.listen(echo)
    bus.listen(lambda event: last.append(event.seq))
    bus.publish(Reflected(1), lane="porter")

    assert first == last == [1, 2]


def test_a_listener_that_raises_stops_neither_the_run_nor_the_others() -> None:
    bus, heard = a_bus(), list[int]()

    def broken(event: Event) -> None:
        raise ValueError(f"no place for {event.seq}")

    bus.listen(broken)
    bus.listen(lambda event: heard.append(event.seq))
    bus.publish(Reflected(1), lane="porter")
    bus.publish(Reflected(2), lane="porter")

    assert heard == [1, 2]
    with pytest.raises(ExceptionGroup, match="Listeners of run_1 failed") as raised:
        bus.close()
    assert [str(error) for error in raised.value.exceptions] == ["no place for 1"]


def test_an_interrupt_in_a_listener_passes() -> None:
    bus = a_bus()

    def interrupted(event: Event) -> None:
        raise KeyboardInterrupt

    bus.listen(interrupted)

    with pytest.raises(KeyboardInterrupt):
        bus.publish(Reflected(1), lane="porter")


def test_unsaved_gives_each_event_once() -> None:
    bus = a_bus()

    one = bus.publish(Reflected(1), lane="porter")
    two = bus.publish(Reflected(2), lane="porter")
    before = bus.unsaved()
    three = bus.publish(Reflected(3), lane="porter")

    assert (before, bus.unsaved(), bus.unsaved()) == ((one, two), (three,), ())
