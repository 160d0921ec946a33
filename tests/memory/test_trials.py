"""What trials were lent: the error rate that the gate allows, over the life of a workspace."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from purpose_agent.core.errors import GateError, NotQuarantined, TrialInconclusive
from purpose_agent.core.memory import Memory
from purpose_agent.memory.discoveries import LEVEL, lent
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from tests.memory.build import TickingClock, harming, lesson, proof, report

HALF = lent(1.0, 0)
"""What the first trial is lent: a little more than half of everything."""


def drawn(gate: Gate, name: str) -> Memory:
    return gate.admit(lesson(when=f"working on {name}", then=f"look at {name} twice"))


def test_each_trial_may_err_less_than_the_one_before(gate: Gate) -> None:
    rates = [gate.allowance(drawn(gate, name)) for name in ("doors", "lamps", "roofs")]

    second = lent(1 - HALF, 1)
    assert rates == pytest.approx([LEVEL * HALF, LEVEL * second, LEVEL * lent(1 - HALF - second, 2)])
    assert rates[0] > 2 * rates[1] > 3 * rates[2]


def test_asking_again_changes_nothing(gate: Gate, db: Database) -> None:
    memory = drawn(gate, "doors")
    first = gate.allowance(memory)
    gate.allowance(drawn(gate, "lamps"))

    assert gate.allowance(memory) == first
    assert db.rows("SELECT count(*) FROM trials") == [(2,)]


def test_another_process_sees_the_same(gate: Gate, db: Database) -> None:
    memory = drawn(gate, "doors")
    rate = gate.allowance(memory)
    other = Database(db.path)

    assert Gate(MemoryStore(other, TickingClock()), TickingClock()).allowance(memory) == rate
    other.close()


def test_with_each_promotion_the_others_need_less(gate: Gate) -> None:
    first, second = drawn(gate, "doors"), drawn(gate, "lamps")
    before = [gate.allowance(each) for each in (first, second)]
    gate.promote(first, report(first.id, e_help=1000.0, alpha=before[0]))

    assert gate.allowance(second) == pytest.approx(2 * before[1])


def test_a_promotion_on_a_larger_error_rate_is_refused_and_nothing_is_changed(gate: Gate, store: MemoryStore) -> None:
    memory = drawn(gate, "doors")
    rate = gate.allowance(memory)
    with pytest.raises(TrialInconclusive, match=r"error rate of 0\.05; .* 0\.0263 left, which takes an e-value of 38"):
        gate.promote(memory, report(memory.id, e_help=37.0, alpha=0.05))

    assert store.get(memory.id) == memory
    assert store.journal(memory.id)[-1].to_status == "quarantined"
    assert gate.promote(memory, report(memory.id, e_help=38.1, alpha=rate)).status == "promoted"


def test_a_promotion_whose_trial_was_never_begun_is_refused(gate: Gate, store: MemoryStore) -> None:
    memory = drawn(gate, "doors")
    with pytest.raises(TrialInconclusive, match=f"No trial of memory {memory.id}"):
        gate.promote(memory, report(memory.id, e_help=1e9, alpha=1e-9))

    assert store.get(memory.id).status == "quarantined"


def test_what_is_not_in_quarantine_has_no_allowance(gate: Gate) -> None:
    memory = drawn(gate, "doors")
    promoted = gate.promote(memory, proof(gate, memory))
    for stale in (memory, promoted, replace(memory, id="mem_none")):
        with pytest.raises(NotQuarantined, match="is not in quarantine"):
            gate.allowance(stale)


def test_a_memory_sent_back_opens_another_account(gate: Gate, db: Database) -> None:
    memory = drawn(gate, "doors")
    again = gate.quarantine(gate.promote(memory, proof(gate, memory)), "on watch")
    gate.allowance(again)

    assert db.rows("SELECT memory_id, version, promotion FROM trials ORDER BY number") == [
        (memory.id, memory.version, 1),
        (memory.id, again.version, None),
    ]


def test_what_helped_beyond_doubt_has_cost_nothing(gate: Gate) -> None:
    memory = drawn(gate, "doors")
    gate.promote(memory, report(memory.id, e_help=75.0, alpha=gate.allowance(memory)))

    # All the money is there, and it is for the second promotion.
    assert gate.allowance(drawn(gate, "lamps")) == pytest.approx(2 * LEVEL * lent(1.0, 1))


def test_what_harmed_has_cost_its_stake(gate: Gate) -> None:
    memory = drawn(gate, "doors")
    gate.allowance(memory)
    gate.reject(memory, replace(harming(memory.id), e_help=0.003))

    assert gate.allowance(drawn(gate, "lamps")) == pytest.approx(LEVEL * lent(1 - 0.997 * HALF, 1))


def test_what_was_archived_undecided_gives_back_what_is_left(gate: Gate) -> None:
    memory = drawn(gate, "doors")
    gate.allowance(memory)
    gate.note(memory, report(memory.id, e_help=0.3))
    gate.archive(memory, "unused")

    assert gate.allowance(drawn(gate, "lamps")) == pytest.approx(LEVEL * lent(1 - 0.7 * HALF, 1))


def test_a_trial_in_which_nothing_differed_costs_nothing_until_it_goes_on(gate: Gate) -> None:
    memory = drawn(gate, "doors")
    rate = gate.allowance(memory)
    gate.note(memory, report(memory.id, e_help=1.0))
    assert gate.allowance(drawn(gate, "lamps")) == pytest.approx(LEVEL * lent(1.0, 1))

    # Lent anew, of what the other one left.
    assert gate.allowance(memory) == pytest.approx(LEVEL * lent(1 - lent(1.0, 1), 1))
    assert gate.allowance(memory) < rate


def test_a_trial_that_saw_something_keeps_its_allowance(gate: Gate) -> None:
    memory = drawn(gate, "doors")
    rate = gate.allowance(memory)
    gate.note(memory, report(memory.id, e_help=12.0))
    gate.allowance(drawn(gate, "lamps"))

    assert gate.allowance(memory) == rate


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.tuples(
            st.integers(0, 4), st.sampled_from(["ask", "note", "promote", "reject", "archive", "back"]), st.floats(0, 300)
        )
    )
)
def test_whatever_happens_no_more_than_one_unit_is_out(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[int, str, float]]
) -> None:
    db = Database(tmp_path_factory.mktemp("spent") / "purpose.db")
    store = MemoryStore(db, TickingClock())
    gate = Gate(store, TickingClock())
    ids = [drawn(gate, str(number)).id for number in range(5)]
    for number, act, e_help in acts:
        memory = store.get(ids[number])
        if act == "back":
            if memory.status in ("promoted", "archived"):
                gate.quarantine(memory, "once more")
        elif memory.status == "quarantined":
            rate = gate.allowance(memory)
            match act:
                case "note":
                    gate.note(memory, report(memory.id, e_help=e_help, alpha=rate))
                case "promote" if e_help >= 1 / rate:
                    gate.promote(memory, report(memory.id, e_help=e_help, alpha=rate))
                case "reject":
                    gate.reject(memory, replace(harming(memory.id), e_help=e_help))
                case "archive":
                    gate.archive(memory, "unused")
                case _:
                    pass
        ((least, out),) = db.rows(
            "SELECT min(stake - coalesce(returned, 0)), sum(stake - coalesce(returned, 0)) FROM trials"
        ) or [(0, 0)]
        assert (least or 0) >= 0
        assert (out or 0) < 1
    db.close()


def test_no_promotion_may_err_more_than_all_together_may(gate: Gate) -> None:
    first = drawn(gate, "doors")
    gate.allowance(first)
    for number in range(40):
        other = drawn(gate, f"things number {number}")
        gate.promote(other, report(other.id, e_help=1e9, alpha=gate.allowance(other)))

    assert gate.allowance(first) == LEVEL


def test_of_two_trials_at_once_the_second_is_not_kept(gate: Gate, store: MemoryStore) -> None:
    memory = drawn(gate, "doors")
    rate = gate.allowance(memory)
    gate.note(memory, report(memory.id, alpha=rate, pairs=4))
    longer = report(memory.id, e_help=2 / rate, alpha=rate, pairs=8)
    elsewhere = replace(longer, pairs=tuple(replace(pair, seed=99) for pair in longer.pairs))

    for change in (gate.note, gate.promote, gate.reject):
        with pytest.raises(TrialInconclusive, match="tried by somebody else"):
            change(memory, elsewhere)
    assert gate.promote(memory, longer).status == "promoted"
    with pytest.raises(GateError, match="too late"):
        gate.note(memory, longer)
    assert len(store.journal(memory.id)) == 4


def test_many_that_wait_together_are_lent_more_evenly_than_a_row(gate: Gate) -> None:
    waiting = [drawn(gate, f"matter {number}") for number in range(40)]
    rates = [gate.allowance(memory) for memory in waiting]

    left, row = 1.0, list[float]()
    for number in range(40):
        row.append(LEVEL * lent(left, number))
        left -= lent(left, number)
    assert rates[0] < row[0] / 3
    assert all(rate > 2 * alone for rate, alone in list(zip(rates, row, strict=True))[10:])
    assert sum(rates) < LEVEL


def test_a_crowd_on_less_authority_does_not_starve_the_agents_own(gate: Gate) -> None:
    for number in range(200):
        gate.admit(lesson(when=f"reading page {number}", then=f"look at {number}", origin="import"))

    assert gate.allowance(drawn(gate, "doors")) == pytest.approx(LEVEL * HALF)


def test_what_can_wait_is_lent_little(gate: Gate) -> None:
    assert gate.allowance(drawn(gate, "doors"), patient=True) == pytest.approx(LEVEL * 0.1)
    assert gate.allowance(drawn(gate, "lamps")) == pytest.approx(LEVEL * lent(0.9, 1))


def test_what_can_wait_is_never_lent_more_than_what_can_not(gate: Gate, tmp_path: Path) -> None:
    db = Database(tmp_path / "other.db")
    other = Gate(MemoryStore(db, TickingClock()), TickingClock())
    for number in range(20):
        for each in (gate, other):
            each.allowance(drawn(each, f"matter {number}"))

    assert gate.allowance(drawn(gate, "doors"), patient=True) == pytest.approx(other.allowance(drawn(other, "doors")))
    db.close()


def test_evidence_that_suffices_only_together_promotes_together(gate: Gate, db: Database) -> None:
    waiting = [drawn(gate, f"matter {number}") for number in range(10)]
    rates = [gate.allowance(memory) for memory in waiting]
    for memory, rate in zip(waiting[:8], rates, strict=False):
        waiting[waiting.index(memory)] = gate.note(memory, report(memory.id, e_help=0.5 / rate, alpha=rate))

    promoted = gate.promote_together(waiting)

    assert {memory.id for memory in promoted} == {memory.id for memory in waiting[:8]}
    assert db.rows("SELECT DISTINCT promotion FROM trials WHERE promotion IS NOT NULL") == [(8,)]
    ((out,),) = db.rows("SELECT sum(stake - coalesce(returned, 0)) FROM trials")
    assert out <= 1
    assert gate.promote_together(waiting[8:]) == ()


def test_too_little_for_all_together_promotes_none(gate: Gate, store: MemoryStore) -> None:
    waiting = [drawn(gate, f"matter {number}") for number in range(3)]
    for place, memory in enumerate(waiting):
        rate = gate.allowance(memory)
        waiting[place] = gate.note(memory, report(memory.id, e_help=0.3 / rate, alpha=rate))

    assert gate.promote_together(waiting) == ()
    assert {memory.status for memory in store.list()} == {"quarantined"}
