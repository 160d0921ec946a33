"""What a run had and had not is kept with its outcome, or not at all."""

import pytest

from purpose_agent.core.exposure import Exposure
from purpose_agent.memory.credit import credit, credit_of
from purpose_agent.memory.exposures import Exposures
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from tests.memory.build import lesson


def exposure(memory_id: str, run: int, *, shown: bool = True, share: float = 0.95, version: int = 2) -> Exposure:
    return Exposure(memory_id, version, shown, share, f"run_{run:04d}")


def test_exposures_are_kept_with_how_the_run_ended_in_the_order_of_the_ends(db: Database) -> None:
    with db.write() as cursor:
        credit(cursor, [], False, [exposure("mem_1", 2), exposure("mem_2", 2, shown=False)])
        credit(cursor, [], True, [exposure("mem_1", 1)])

    kept = Exposures(db).of("mem_1")
    assert [(each.run_id, each.success, each.shown, each.share) for each in kept] == [
        ("run_0002", False, True, 0.95),
        ("run_0001", True, True, 0.95),
    ]
    assert [each.shown for each in Exposures(db).of("mem_2")] == [False]


def test_each_status_has_its_own(db: Database) -> None:
    with db.write() as cursor:
        credit(cursor, [], True, [exposure("mem_1", 1, version=2)])
        credit(cursor, [], True, [exposure("mem_1", 2, version=3)])
        credit(cursor, [], True, [exposure("mem_1", 3, version=3)])

    exposures = Exposures(db)
    assert [each.run_id for each in exposures.of("mem_1", 3)] == ["run_0002", "run_0003"]
    assert [exposures.count("mem_1", version) for version in (1, 2, 3)] == [0, 1, 2]
    assert len(exposures.of("mem_1")) == 3


def test_a_run_nobody_judged_leaves_none(db: Database) -> None:
    with db.write() as cursor:
        credit(cursor, [], None, [exposure("mem_1", 1)])
    assert Exposures(db).of("mem_1") == ()


def test_a_run_that_broke_is_no_success_where_a_coin_fell(gate: Gate, store: MemoryStore, db: Database) -> None:
    memory = gate.admit(lesson())
    with db.write() as cursor:
        credit(cursor, [memory.id], None, [exposure(memory.id, 1), exposure("mem_9", 1, share=1.0)], broke=True)

    assert [each.success for each in Exposures(db).of(memory.id)] == [False]
    assert Exposures(db).of("mem_9") == ()
    assert store.get(memory.id).used == 0


def test_they_are_undone_with_the_transaction_they_are_in(db: Database) -> None:
    def store_a_run_and_fail() -> None:
        with db.write() as cursor:
            credit(cursor, [], True, [exposure("mem_1", 1)])
            raise KeyError

    with pytest.raises(KeyError):
        store_a_run_and_fail()
    assert Exposures(db).of("mem_1") == ()


def test_reading_creates_nothing(db: Database) -> None:
    assert Exposures(db).of("mem_1") == ()
    assert Exposures(db).count("mem_1", 1) == 0
    assert not db.exists


def test_the_effect_is_what_coins_decided_about(gate: Gate) -> None:
    memory = gate.admit(lesson())
    certain = [Exposure(memory.id, 2, True, 1.0, f"run_{n}", True) for n in range(10)]
    thrown = [Exposure(memory.id, 2, n % 4 > 0, 0.75, f"run_{n}", n % 2 > 0) for n in range(10, 18)]
    found = credit_of(memory, [*certain, *thrown])

    assert (found.used, found.helped, found.withheld, found.helped_without) == (16, 14, 2, 0)
    assert found.effect == pytest.approx(4 / 6)
    assert found.utility == pytest.approx(15 / 18)
    assert credit_of(memory, certain).effect is None


def test_without_exposures_the_counts_alone_are_known(gate: Gate, db: Database) -> None:
    memory = gate.admit(lesson())
    with db.write() as cursor:
        credit(cursor, [memory.id], True)
    found = credit_of(memory, ())

    assert (found.used, found.effect) == (memory.used, None)
