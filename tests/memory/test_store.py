"""Memories on disk."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.codec import to_json
from purpose_agent.core.errors import GateError, NotFound
from purpose_agent.core.memory import Case, Lesson, Provenance
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.index import Audience
from purpose_agent.memory.store import MemoryStore, fingerprint
from purpose_agent.runtime.database import Database
from tests.memory.build import lesson


def test_reading_creates_no_file(store: MemoryStore, db: Database) -> None:
    assert store.list() == ()
    assert store.find("mem_1") is None
    assert store.index.by_words(("door",), Audience("a")).memories == ()
    assert store.index.by_scope(Audience("a")) == ()
    assert store.journal("mem_1") == ()
    assert not db.path.parent.exists()


def test_a_memory_comes_back_as_it_was(gate: Gate, store: MemoryStore) -> None:
    drawn = lesson(agents=("a", "b"), families=("doors",), cases=(Case("door 3", "left"),))
    memory = gate.admit(drawn)

    assert store.get(memory.id) == memory
    assert store.get(memory.id).lesson == drawn


def test_a_lesson_of_before_there_were_tiers_and_parents_opens(gate: Gate, store: MemoryStore, db: Database) -> None:
    memory = gate.admit(
        replace(lesson(), tier="strategic", provenance=Provenance("self_verified", beside="run_2", parents=("a",)))
    )
    kept = store.get(memory.id).lesson
    old = json.loads(to_json(Lesson, kept))
    del old["tier"], old["provenance"]["beside"], old["provenance"]["parents"]
    with db.write() as cursor:
        cursor.execute("UPDATE memories SET lesson = ?", (json.dumps(old),))
    opened = store.get(memory.id).lesson

    assert (kept.tier, kept.provenance.beside, kept.provenance.parents) == ("strategic", "run_2", ("a",))
    assert (opened.tier, opened.provenance.beside, opened.provenance.parents) == ("procedural", "", ())
    assert fingerprint(opened) == fingerprint(kept)


def test_getting_what_is_not_there_says_where_to_look(store: MemoryStore) -> None:
    with pytest.raises(NotFound, match="memories list"):
        store.get("mem_1")


def test_the_list_can_be_narrowed(gate: Gate, store: MemoryStore) -> None:
    card = gate.admit(lesson())
    preference = gate.teach(lesson(then="be brief", kind="user_preference", origin="user"))

    assert store.list() == (card, preference)
    assert store.list(status="promoted") == (preference,)
    assert store.list(kind="skill_card") == (card,)


def test_a_memory_cannot_be_born_promoted(gate: Gate, store: MemoryStore) -> None:
    promoted = gate.teach(lesson(origin="user"))
    with pytest.raises(GateError, match="begins as a candidate"):
        store.insert(replace(promoted, id="mem_2"), actor="somebody", why="in a hurry")


@given(st.text(max_size=40), st.text(max_size=40))
def test_case_and_space_do_not_make_another_lesson(when: str, then: str) -> None:
    assert fingerprint(lesson(when, then)) == fingerprint(lesson(f"  {when.casefold()}\n", f"{then}\t"))


def test_the_order_of_a_scope_does_not_make_another_lesson() -> None:
    assert fingerprint(lesson(families=("a", "b"))) == fingerprint(lesson(families=("b", "a")))


def test_when_and_then_do_not_run_together() -> None:
    assert fingerprint(lesson("a", "b c")) != fingerprint(lesson("a b", "c"))
