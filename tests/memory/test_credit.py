"""Outcomes move utilities."""

import pytest

from purpose_agent.memory.credit import credit
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from tests.memory.build import lesson, proof


def test_a_judged_run_counts_once_for_each_memory_in_its_prompt(gate: Gate, store: MemoryStore, db: Database) -> None:
    memory = gate.admit(lesson())
    with db.write() as cursor:
        credit(cursor, [memory.id, memory.id], True)
        credit(cursor, [memory.id], False)

    after = store.get(memory.id)
    assert (after.used, after.helped) == (2, 1)
    assert after.utility == 0.5


def test_a_run_nobody_judged_counts_for_nothing(gate: Gate, store: MemoryStore, db: Database) -> None:
    memory = gate.admit(lesson())
    with db.write() as cursor:
        credit(cursor, [memory.id], None)
    assert store.get(memory.id) == memory


def test_credit_is_undone_with_the_transaction_it_is_in(gate: Gate, store: MemoryStore, db: Database) -> None:
    memory = gate.admit(lesson())

    def store_a_run_and_fail() -> None:
        with db.write() as cursor:
            credit(cursor, [memory.id], True)
            raise KeyError

    with pytest.raises(KeyError):
        store_a_run_and_fail()
    assert store.get(memory.id).used == 0


def test_credit_does_not_make_a_decision_stale(gate: Gate, db: Database) -> None:
    memory = gate.admit(lesson())
    with db.write() as cursor:
        credit(cursor, [memory.id, "mem_gone"], True)

    gate.allowance(memory)
    assert gate.promote(memory, proof(gate, memory)).used == 1


def test_a_run_from_before_a_change_of_status_does_not_count_after_it(gate: Gate, store: MemoryStore, db: Database) -> None:
    memory = gate.admit(lesson())
    gate.allowance(memory)
    promoted = gate.promote(memory, proof(gate, memory))
    again = gate.quarantine(promoted, "it fell")
    with db.write() as cursor:
        credit(cursor, [memory.id], True, versions={memory.id: promoted.version})
    assert store.get(memory.id).used == 0

    with db.write() as cursor:
        credit(cursor, [memory.id], True, versions={memory.id: again.version})
    assert store.get(memory.id).used == 1
