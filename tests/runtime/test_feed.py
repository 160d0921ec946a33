"""A feed is read by many, live or later, on any loop or thread; the producer waits for none of them, and all see the end."""

import asyncio
import gc
import os
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import Usage
from purpose_agent.runtime.events import TERMINAL, Event, Payload, Reflected, RunFinished, TextStreamed, ToolStarted, Visibility
from purpose_agent.runtime.feed import PACE, Feed, Lagged, Reader
from tests.runtime.given import a_bus

END = RunFinished("finished", "pull", True, 10.0, Usage())
PATIENCE = 20.0


def fed(*run_ids: str) -> tuple[Feed, Callable[..., Event]]:
    """A feed, and what publishes an event in one of its runs."""
    feed = Feed()
    buses = {run_id: a_bus(run_id) for run_id in run_ids or ("run_1",)}
    for bus in buses.values():
        bus.listen(feed.put)

    def publish(payload: Payload, run_id: str = "run_1", visibility: Visibility | None = None) -> Event:
        return buses[run_id].publish(payload, lane="porter", visibility=visibility)

    return feed, publish


def told(items: "list[Event | Lagged]") -> list[object]:
    """Lessons of events, the number of what was missed as text, ends by their kind."""
    return [
        f"{item.missed} missed"
        if isinstance(item, Lagged)
        else item.payload.lessons
        if isinstance(item.payload, Reflected)
        else item.payload.kind
        for item in items
    ]


def publish_many(publish: Callable[..., Event], count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        publish(Reflected(number), visibility="public")


async def until(condition: Callable[[], bool]) -> None:
    """Let the others on the loop go on until it holds."""
    # What is waited for is often in another thread.
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


# Reading


def test_a_late_reader_replays_from_any_number() -> None:
    feed, publish = fed()
    publish_many(publish, 5)
    feed.end()

    assert told(list(feed.read())) == [0, 1, 2, 3, 4]
    assert told(list(feed.read(after=3))) == [3, 4]
    assert told(list(feed.read(after=99))) == []


def test_numbers_are_the_feeds_own_and_one_can_ask_for_the_place_of_an_event() -> None:
    feed, publish = fed("run_1", "run_2")
    publish(Reflected(0), "run_1", "public")
    publish(Reflected(1), "run_2", "public")
    second = publish(Reflected(2), "run_1", "public")
    publish(Reflected(3), "run_2", "public")
    feed.end()

    assert second.seq == 2
    assert feed.place("run_1", 2) == 3
    assert told(list(feed.read(after=feed.place("run_1", 2)))) == [3]
    assert feed.place("run_3", 1) == 0


def test_a_reader_goes_on_where_another_one_stopped() -> None:
    feed, publish = fed()
    publish_many(publish, 5)
    feed.end()
    first = feed.read()
    assert told([next(first), next(first)]) == [0, 1]

    assert told(list(feed.read(after=first.position))) == [2, 3, 4]


@pytest.mark.parametrize(
    ("visibility", "kinds"),
    [
        ("public", ["text_streamed"]),
        ("internal", ["text_streamed", "tool_started"]),
        ("debug", ["text_streamed", "tool_started", "reflected"]),
    ],
)
def test_a_reader_sees_what_is_for_its_eyes(visibility: Visibility, kinds: list[str]) -> None:
    feed, publish = fed()
    publish(TextStreamed("a"))
    publish(ToolStarted("c1", "look"))
    publish(Reflected(0), visibility="debug")
    feed.end()

    items = list(feed.read(visibility=visibility))

    assert [item.payload.kind for item in items if isinstance(item, Event)] == kinds
    assert told(list(feed.read(visibility="debug", kinds={"reflected"}))) == [0]


def test_pieces_of_text_are_in_the_feed_and_not_in_the_record() -> None:
    feed, bus = Feed(), a_bus()
    bus.listen(feed.put)

    first = bus.publish(Reflected(1), lane="porter")
    piece = bus.publish(TextStreamed("pu"), lane="porter")
    last = bus.publish(Reflected(2), lane="porter")

    assert (bus.events, bus.unsaved()) == ([first, last], (first, last))
    assert [event.seq for event in (first, piece, last)] == [1, 1, 2]
    feed.end()
    assert list(feed.read(visibility="debug")) == [first, piece, last]


@pytest.mark.parametrize(("after", "capacity"), [(-1, 10), (0, 0)])
def test_a_reader_that_cannot_be_is_refused(after: int, capacity: int) -> None:
    with pytest.raises(UsageError, match=r"give a whole number from [01]"):
        Feed().read(after=after, capacity=capacity)


def test_nothing_comes_after_the_end() -> None:
    feed, publish = fed()
    event = publish(Reflected(0))
    feed.end()
    feed.end()

    with pytest.raises(UsageError, match="was ended"):
        feed.put(event)


# Lag


def test_a_reader_that_is_too_slow_is_told_how_much_it_missed_and_goes_on() -> None:
    feed, publish = fed()
    reader = feed.read(capacity=3)
    publish_many(publish, 2)
    first = next(reader)
    publish_many(publish, 8, first=2)
    feed.end()

    assert told([first, *reader]) == [0, "6 missed", 7, 8, 9]


def test_it_is_told_each_time() -> None:
    feed, publish = fed()
    reader = feed.read(capacity=1)
    publish_many(publish, 3)
    seen = [next(reader), next(reader)]
    publish_many(publish, 4, first=3)
    feed.end()

    assert told([*seen, *reader]) == ["2 missed", 2, "3 missed", 6]


def test_one_that_is_always_too_slow_gets_an_event_after_each_gap() -> None:
    feed, publish = fed()
    reader = feed.read(capacity=1)
    items: list[Event | Lagged] = []
    for turn in range(4):
        publish_many(publish, 3, first=3 * turn)
        items.append(next(reader))
    feed.end()

    assert told([*items, *reader]) == ["2 missed", 2, "5 missed", 8, "2 missed", 11]


def test_only_what_a_reader_wants_counts() -> None:
    feed, publish = fed()
    reader = feed.read(capacity=2)
    for number in range(50):
        publish(Reflected(number), visibility="public" if number % 10 == 0 else "debug")
    feed.end()

    assert told(list(reader)) == ["3 missed", 30, 40]


def test_the_end_of_no_run_is_missed() -> None:
    feed, publish = fed("run_1", "run_2")
    publish_many(publish, 10)
    publish(END, "run_2")
    publish_many(publish, 10, first=10)
    publish(END, "run_1")
    publish_many(publish, 10, first=20)
    feed.end()

    assert told(list(feed.read(capacity=2))) == ["28 missed", "run_finished", "run_finished", 28, 29]


def test_without_a_capacity_nothing_is_left_out() -> None:
    feed, publish = fed()
    publish_many(publish, 5_000)
    feed.end()

    assert told(list(feed.read(capacity=None))) == list(range(5_000))


@given(
    st.lists(st.tuples(st.sampled_from(["event", "end"]), st.integers(0, 4)), max_size=40),
    st.integers(1, 5),
    st.integers(0, 10),
)
def test_whatever_the_pace_each_event_is_given_or_counted_in_order_and_ends_are_given(
    script: list[tuple[str, int]], capacity: int, after: int
) -> None:
    """`script`: what is published, and how many are then read."""
    feed, publish = fed()
    reader = feed.read(after=after, capacity=capacity, visibility="debug")
    items: list[Event | Lagged] = []
    for what, reads in script:
        publish(END if what == "end" else Reflected(0))
        items += [item for item in (reader.take() for _ in range(reads)) if item is not None]
    feed.end()
    items += reader

    events = [item for item in items if isinstance(item, Event)]
    wanted = script[after:]
    assert [event.seq for event in events] == sorted({event.seq for event in events})
    assert len(events) + sum(item.missed for item in items if isinstance(item, Lagged)) == len(wanted)
    assert sum(event.payload.kind in TERMINAL for event in events) == sum(what == "end" for what, _ in wanted)
    assert all(item.missed > 0 for item in items if isinstance(item, Lagged))


# On loops


async def collected(reader: Reader) -> list[object]:
    return told([item async for item in reader])


@pytest.mark.anyio
async def test_readers_on_the_loop_of_the_run_hear_each_event_while_it_goes_on() -> None:
    feed, publish = fed()
    readers = [asyncio.create_task(collected(feed.read())) for _ in range(200)]
    await until(lambda: feed.waiting == 200)
    for number in range(10):
        publish(Reflected(number), visibility="public")
        await asyncio.sleep(0)
    feed.end()

    assert await asyncio.gather(*readers) == [list(range(10))] * 200
    assert feed.waiting == 0


@pytest.mark.anyio
async def test_two_hundred_slow_readers_all_see_the_end() -> None:
    feed, publish = fed()

    async def slow() -> list[object]:
        items: list[Event | Lagged] = []
        async for item in feed.read(capacity=5):
            items.append(item)
            await asyncio.sleep(0)
        return told(items)

    readers = [asyncio.create_task(slow()) for _ in range(200)]
    await until(lambda: feed.waiting == 200)
    publish_many(publish, 1_000)
    publish(END)
    feed.end()

    assert await asyncio.gather(*readers) == [["996 missed", 996, 997, 998, 999, "run_finished"]] * 200


@pytest.mark.anyio
async def test_a_reader_with_much_to_catch_up_with_lets_others_have_the_loop() -> None:
    feed, publish = fed()
    publish_many(publish, 10 * PACE)
    feed.end()
    seen = 0

    async def read() -> None:
        nonlocal seen
        async for _ in feed.read(capacity=None):
            seen += 1

    task = asyncio.create_task(read())
    await asyncio.sleep(0)

    assert seen == PACE
    await task


@pytest.mark.anyio
async def test_a_reader_that_raises_is_its_own_trouble() -> None:
    feed, publish = fed()

    async def broken() -> None:
        async for _ in feed.read():
            raise ValueError("cannot draw this")

    bad, good = asyncio.create_task(broken()), asyncio.create_task(collected(feed.read()))
    await until(lambda: feed.waiting == 2)
    publish_many(publish, 3)
    await until(bad.done)
    publish_many(publish, 3, first=3)
    feed.end()

    assert await good == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="cannot draw this"):
        await bad


@pytest.mark.anyio
async def test_a_reader_cancelled_while_it_waits_leaves_nothing_and_loses_nothing() -> None:
    feed, publish = fed()
    reader = feed.read()
    waiting = asyncio.ensure_future(anext(reader))
    await until(lambda: feed.waiting == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert feed.waiting == 0
    publish_many(publish, 2)
    feed.end()
    assert await collected(reader) == [0, 1]


@pytest.mark.anyio
async def test_a_reader_closed_while_it_waits_ends() -> None:
    feed, publish = fed()
    reader = feed.read()
    task = asyncio.create_task(collected(reader))
    await until(lambda: feed.waiting == 1)
    reader.close()

    assert await task == []
    publish_many(publish, 1)
    assert feed.waiting == 0


def test_a_reader_on_a_loop_that_was_closed_is_forgotten() -> None:
    feed, publish = fed()
    loop = asyncio.new_event_loop()
    task = loop.create_task(collected(feed.read()))
    loop.run_until_complete(asyncio.sleep(0))
    assert feed.waiting == 1
    loop.close()

    publish_many(publish, 1)

    assert feed.waiting == 0
    del task
    gc.collect()  # where it would be said if the reader had broken on its way out


def test_a_dropped_reader_is_collected_though_its_feed_lives() -> None:
    feed, publish = fed()
    publish_many(publish, 2)
    reader = feed.read()
    next(reader)
    dropped = weakref.ref(reader)
    del reader
    gc.collect()

    assert dropped() is None
    publish_many(publish, 2)


@pytest.mark.anyio
async def test_a_reader_whose_task_ended_in_the_middle_is_collected() -> None:
    feed, publish = fed()
    publish_many(publish, 2)
    dropped: list[weakref.ref[Reader]] = []

    async def first() -> None:
        reader = feed.read()
        dropped.append(weakref.ref(reader))
        async for _ in reader:
            break

    await asyncio.create_task(first())
    gc.collect()

    assert dropped[0]() is None


# In threads


def test_readers_in_threads_hear_each_event_of_a_run_on_a_loop() -> None:
    feed, publish = fed()

    async def run() -> None:
        await until(lambda: feed.waiting == 8)
        for number in range(100):
            publish(Reflected(number), visibility="public")
            await asyncio.sleep(0)
        feed.end()

    with ThreadPoolExecutor(8) as threads:
        readers = [threads.submit(lambda: told(list(feed.read(timeout=PATIENCE)))) for _ in range(8)]
        asyncio.run(run())

        assert [reader.result(PATIENCE) for reader in readers] == [list(range(100))] * 8
    assert feed.waiting == 0


def test_readers_on_loops_of_other_threads_hear_each_event() -> None:
    feed, publish = fed()

    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(lambda: asyncio.run(collected(feed.read()))) for _ in range(4)]
        while feed.waiting < 4:
            os.sched_yield()
        publish_many(publish, 500)
        publish(END)
        feed.end()

        assert [reader.result(PATIENCE) for reader in readers] == [[*range(500), "run_finished"]] * 4


def test_events_of_several_threads_are_all_there_in_the_order_of_each() -> None:
    names = [f"run_{number}" for number in range(4)]
    feed = Feed()

    def produce(run_id: str) -> None:
        bus = a_bus(run_id)
        bus.listen(feed.put)
        for number in range(300):
            bus.publish(Reflected(number), lane="porter", visibility="public")

    with ThreadPoolExecutor(5) as threads:
        reader = threads.submit(lambda: list(feed.read(timeout=PATIENCE, capacity=None)))
        for producer in [threads.submit(produce, name) for name in names]:
            producer.result(PATIENCE)
        feed.end()
        items = reader.result(PATIENCE)

    for name in names:
        assert [item.seq for item in items if isinstance(item, Event) and item.run_id == name] == list(range(1, 301))


def test_a_blocking_reader_that_hears_nothing_for_too_long_says_so() -> None:
    feed, publish = fed()
    publish_many(publish, 1)
    reader = feed.read(timeout=0)

    assert told([next(reader)]) == [0]
    with pytest.raises(TimeoutError, match="No event came within 0 s"):
        next(reader)
    assert feed.waiting == 0
