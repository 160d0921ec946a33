"""The numbers of the budget, and who is worth more."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import Memory
from purpose_agent.core.origin import Origin
from purpose_agent.memory.budget import MemoryBudget, Sort, Standing, better_proven, excesses, least_worth, recency
from tests.memory.build import lesson

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("wrong", [{"promoted": -1}, {"family": True}, {"idle_runs": 1.5}])
def test_a_budget_that_can_t_be_is_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="MemoryBudget"):
        MemoryBudget(**wrong)


def test_each_sort_has_its_own_room() -> None:
    counts = {
        Sort("promoted", "skill_card", "desk"): 4,
        Sort("promoted", "episodic_case", "shop"): 2,
        Sort("promoted", "user_preference", "", taught=True): 9,
        Sort("promoted", "tool_policy", "desk"): 3,
        Sort("quarantined", "tool_policy", "desk"): 2,
        Sort("quarantined", "skill_card", ""): 5,
    }
    budget = MemoryBudget(promoted=5, family=3, quarantined=4, values=4, taught=8)

    told = [(each.text, each.over) for each in excesses(counts, budget)]

    assert told == [
        ("5 learned values, and room for 4", 1),
        ("5 learned memories on trial, and room for 4", 1),
        ("4 learned memories of family 'desk' in use, and room for 3", 1),
        ("6 learned memories in use, and room for 5", 1),
        ("9 taught memories in use, and room for 8", 1),
    ]
    assert excesses(counts, MemoryBudget()) == ()


def test_recency_halves_in_thirty_days_and_never_exceeds_one() -> None:
    assert recency(NOW - timedelta(days=30), NOW) == 0.5
    assert recency(NOW + timedelta(days=30), NOW) == 1.0


origins = st.sampled_from(["self_verified", "web", "import", "tool"])


def standing(number: int, origin: Origin, used: int, days: int) -> Standing:
    return Standing(f"mem_{number}", origin, used, used // 2, NOW - timedelta(days=days))


standings = st.builds(
    standing,
    st.integers(0, 10**9),
    origins,
    st.integers(0, 50),
    st.integers(0, 400),
)


@given(st.lists(standings, max_size=30, unique_by=lambda each: each.memory_id), st.integers(0, 40))
def test_whatever_stays_is_worth_no_less_than_what_goes(all_: list[Standing], count: int) -> None:
    goes = least_worth(all_, count, NOW)
    stays = [each for each in all_ if each not in goes]

    assert len(goes) == min(count, len(all_))
    assert all(one.worth(NOW) <= other.worth(NOW) for one in goes for other in stays)


def card(number: int, *, origin: Origin = "self_verified", used: int = 0, helped: int = 0, status: Any = "promoted") -> Memory:
    return Memory(f"mem_{number}", lesson(origin=origin), status, NOW, used, helped)


def test_who_is_better_proven() -> None:
    order = [
        card(1, origin="user", used=9, helped=0),
        card(2, used=32, helped=30),
        card(3, used=3, helped=3),
        card(4),
        card(5, used=30, helped=1),
        card(6, origin="import", used=30, helped=30),
        card(7, origin="import"),
        card(8, used=30, helped=30, status="quarantined"),
    ]

    assert [one.id for one in order for other in order if one is not other and better_proven(one, other)] == [
        one.id for place, one in enumerate(order) for _ in order[place + 1 :]
    ]
