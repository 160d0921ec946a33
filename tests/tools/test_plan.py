"""A plan gives its calls in an order in which each has what it needs, each once, and says what is wrong with the others."""

import random

from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.action import Observation
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.tools.plan import Plan, as_written, number_of
from purpose_agent.tools.plan_text import PlanReader, WrittenCall

NUMBERS: dict[str, Json] = {"properties": {"a": {"type": "number"}, "b": {"type": "number"}}}
TEXTS: dict[str, Json] = {"properties": {"a": {"type": "string"}, "b": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}


@st.composite
def graphs(draw: st.DrawFn) -> list[set[int]]:
    """For each call, from 1: the earlier ones that it uses."""
    size = draw(st.integers(1, 12))
    return [draw(st.sets(st.integers(1, number), max_size=3)) if number else set() for number in range(size)]


def seen(call_id: str, content: str = "1", *, ok: bool = True) -> Observation:
    return Observation(call_id, "add", content, ok, 0.0)


def add(plan: Plan, number: int, **arguments: Json) -> str:
    return plan.add(WrittenCall(number, "add", arguments)).call.id


@given(graphs(), st.integers(0, 2**32), st.data())
def test_every_call_is_given_once_and_after_all_that_it_uses(graph: list[set[int]], seed: int, data: st.DataObject) -> None:
    """Calls come back in any order, some while the plan is still being written."""
    chance, plan = random.Random(seed), Plan(1)
    made, running = list[int](), list[int]()

    def come_back(most: int) -> None:
        for number in chance.sample(running, k=min(most, len(running))):
            running.remove(number)
            plan.seen[f"plan1_{number}"] = seen(f"plan1_{number}")
            begin()

    def begin() -> None:
        for planned in plan.take():
            assert plan.fault(planned) is None
            assert all(f"plan1_{used}" in plan.seen for used in graph[planned.number - 1])
            made.append(planned.number)
            running.append(planned.number)

    for number, uses in enumerate(graph, start=1):
        add(plan, number, values=[f"${used}" for used in uses])
        begin()
        come_back(data.draw(st.integers(0, 2)))
    plan.complete = True
    while running:
        come_back(1)

    assert sorted(made) == list(range(1, len(graph) + 1))


@given(graphs(), st.integers(1, 12))
def test_what_fails_takes_with_it_what_uses_it_and_nothing_else(graph: list[set[int]], fails: int) -> None:
    plan, lost = Plan(1), {fails}
    for number, uses in enumerate(graph, start=1):
        add(plan, number, values=[f"${used}" for used in uses])
        lost |= {number} if uses & lost else set()
    plan.complete = True
    while ready := plan.take():
        for planned in ready:
            ok = plan.fault(planned) is None and planned.number != fails
            plan.seen[planned.call.id] = seen(planned.call.id, ok=ok)

    assert {number_of(call_id) for call_id, each in plan.seen.items() if not each.ok} == lost & set(range(1, len(graph) + 1))


def test_a_placeholder_alone_is_a_value_and_within_a_text_is_text() -> None:
    plan = Plan(1)
    plan.seen[add(plan, 1)] = seen("plan1_1", '{"price": 3.5}')
    plan.seen[add(plan, 2)] = seen("plan1_2", "7")
    plan.seen[add(plan, 3)] = seen("plan1_3", "a page, no JSON")

    def filled(parameters: dict[str, Json], **arguments: Json) -> dict[str, Json]:
        planned = plan.add(WrittenCall(None, "add", arguments))
        return dict(plan.filled(planned, parameters).arguments)

    assert filled(NUMBERS, a="$2", b="${1}") == {"a": 7, "b": {"price": 3.5}}
    assert filled(NUMBERS, a="$3", b=["$2", {"x": "$2"}]) == {"a": "a page, no JSON", "b": [7, {"x": 7}]}
    assert filled(TEXTS, a="$2", b="$2") == {"a": "7", "b": "7"}
    assert filled(TEXTS, a="It is $2, or ${2}0, for $$5.") == {"a": "It is 7, or 70, for $5."}


def test_a_result_with_a_placeholder_in_it_is_not_filled_again() -> None:
    plan = Plan(1)
    plan.seen[add(plan, 1)] = seen("plan1_1", "$2 and $1")
    plan.seen[add(plan, 2)] = seen("plan1_2", "secret")
    planned = plan.add(WrittenCall(3, "add", {"a": "he said: $1"}))

    assert plan.filled(planned, TEXTS).arguments == {"a": "he said: $2 and $1"}


def faults(plan: Plan) -> dict[int, str]:
    plan.complete = True
    told: dict[int, str] = {}
    while ready := plan.take():
        for planned in ready:
            fault = plan.fault(planned)
            told |= {planned.number: fault} if fault else {}
            plan.seen[planned.call.id] = seen(planned.call.id, ok=fault is None)
    return told


def test_uses_of_what_is_not_there_or_comes_later_or_waits_in_turn_are_told_apart() -> None:
    plan = Plan(1)
    add(plan, 1)
    add(plan, 2, a="$3")
    add(plan, 3, a="$1")
    add(plan, 4, a="$9")
    add(plan, 5, a="$6")
    add(plan, 6, a="$5")
    add(plan, 7, a="$7")
    add(plan, 1, a=2)

    told = faults(plan)

    assert told[2] == "it uses $3, which comes later. A call can only use those above it."
    assert told[4].startswith("it uses $9, and there is no such call.")
    assert told[5] == "it waits for itself: $5 → $6 → $5."
    assert told[6] == "it uses $5, which failed."
    assert told[7] == "it waits for itself: $7 → $7."
    assert told[1] == "it could not be read: there are two calls with the number 1."
    assert set(told) == {1, 2, 4, 5, 6, 7}


def test_a_number_that_is_there_twice_costs_the_second_call_and_no_other() -> None:
    plan = Plan(1)
    first = add(plan, 1, a=1)
    twice = add(plan, 1, a=2)
    add(plan, 2, a=3)
    add(plan, 3, a="$2", b="$1")
    plan.complete = True

    faulty = {planned.call.id for planned in plan.take() if plan.fault(planned) is not None}
    assert (faulty, number_of(twice)) == ({twice}, 1)
    plan.seen |= {first: seen(first, "10"), twice: seen(twice, ok=False), "plan1_2": seen("plan1_2", "20")}
    (last,) = plan.take()
    assert (plan.fault(last), plan.filled(last, NUMBERS).arguments) == (None, {"a": 20, "b": 10})


def test_a_call_without_a_number_loses_the_one_it_was_given_to_a_call_that_is_written_with_it() -> None:
    plan = Plan(1)
    given = plan.add(WrittenCall(None, "add", {"a": 1})).call.id
    own = add(plan, 1, a=2)
    uses = plan.add(WrittenCall(2, "add", {"a": "$1"}))

    assert given != own
    assert [plan.fault(planned) for planned in plan.take()] == [None, None]
    plan.seen |= {given: seen(given, "1"), own: seen(own, "2")}
    assert plan.filled(uses, NUMBERS).arguments == {"a": 2}


def test_a_later_plan_uses_the_results_of_earlier_ones_also_under_a_number_that_it_takes_itself() -> None:
    first = Plan(1)
    first.seen[add(first, 1)] = seen("plan1_1", "10")
    second = Plan(2, first.known, first.seen)
    above = second.add(WrittenCall(1, "add", {"a": "$1"}))
    below = second.add(WrittenCall(2, "add", {"a": "$1"}))

    assert [planned.call.id for planned in second.take()] == ["plan2_1"]
    assert second.filled(above, NUMBERS).arguments == {"a": 10}
    second.seen["plan2_1"] = seen("plan2_1", "20")
    assert second.take() == [below]
    assert second.filled(below, NUMBERS).arguments == {"a": 20}


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "value"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
                max_leaves=6,
            ),
        ),
        max_size=5,
    ),
    st.integers(1, 40),
)
def test_a_plan_is_read_as_it_was_written_however_it_is_cut_into_pieces(plans: list[dict[str, Json]], size: int) -> None:
    calls = [ToolCall(f"plan1_{number}", "add", arguments) for number, arguments in enumerate(plans, start=1)]
    text, reader, read = as_written(calls), PlanReader({"add": ("a", "b", "value")}), list[WrittenCall]()
    for start in range(0, len(text), size):
        read += reader.feed(text[start : start + size])
    read += reader.end()

    assert read == [WrittenCall(number_of(call.id), "add", call.arguments) for call in calls]
    assert reader.ended
