"""Memories are found by words and by scope, and only by those they are for."""

import json

import pytest

from purpose_agent.core.memory import Lesson, Memory, Provenance, Scope
from purpose_agent.memory import index
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.index import Audience
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from tests.memory.build import lesson, put_into_use


def taught(gate: Gate, when: str, **scope: tuple[str, ...]) -> Memory:
    return gate.teach(Lesson("user_preference", when, "look twice", Provenance("user"), Scope(**scope)))


def by_words(store: MemoryStore, word: str, audience: Audience) -> list[str]:
    return [memory.id for _, memory in store.index.by_words((word,), audience).memories]


def test_search_operators_in_words_are_only_words(gate: Gate, store: MemoryStore) -> None:
    gate.admit(lesson(when="opening a door"))
    for word in ('door" OR "', "NEAR(", "*", "text:", "-door", "\x00"):
        store.index.by_words((word, "door"), Audience("a"))


SCOPES = [
    ({"agents": ("porter", "clerk")}, Audience("clerk"), Audience("cook")),
    ({"users": ("ada",)}, Audience("porter", user="ada"), Audience("porter", user="bob")),
    ({"users": ("ada",)}, Audience("porter", user="ada"), Audience("porter")),
    ({"tools": ("search", "shell")}, Audience("porter", tools=("shell", "files")), Audience("porter", tools=("files",))),
    ({"tools": ("search",)}, Audience("porter", tools=("search",)), Audience("porter")),
    ({"teams": ("night",)}, Audience("porter", teams=("day", "night")), Audience("porter", teams=("day",))),
    ({"teams": ("night",)}, Audience("porter", teams=("night",)), Audience("porter")),
    ({"users": ("ada",), "agents": ("porter",)}, Audience("porter", user="ada"), Audience("clerk", user="ada")),
]


@pytest.mark.parametrize(("scope", "inside", "outside"), SCOPES)
def test_only_those_it_is_for_find_a_memory_by_its_words(
    gate: Gate, store: MemoryStore, scope: dict[str, tuple[str, ...]], inside: Audience, outside: Audience
) -> None:
    memory = taught(gate, "opening a door", **scope)
    assert by_words(store, "door", inside) == [memory.id]
    assert by_words(store, "door", outside) == []


@pytest.mark.parametrize(("scope", "inside", "outside"), SCOPES)
def test_what_holds_always_holds_for_those_it_is_for(
    gate: Gate, store: MemoryStore, scope: dict[str, tuple[str, ...]], inside: Audience, outside: Audience
) -> None:
    memory = taught(gate, "", **scope)
    assert store.index.by_scope(inside) == (memory,)
    assert store.index.by_scope(outside) == ()


def test_a_memory_of_several_families_is_found_in_each_and_nowhere_else(gate: Gate, store: MemoryStore) -> None:
    memory = taught(gate, "opening a door", families=("doors", "gates"))

    assert store.index.by_scope(Audience("a", "doors")) == (memory,)
    assert store.index.by_scope(Audience("a", "gates")) == (memory,)
    assert store.index.by_scope(Audience("a", "lamps")) == ()
    assert store.index.by_scope(Audience("a", "*")) == ()
    assert by_words(store, "door", Audience("a", "lamps")) == []


@pytest.mark.parametrize("name", ["", "[]", '"', "ada'--", "%", "*", "Ada", "a\\b", "ädä", "日本"])
def test_names_are_only_names(gate: Gate, store: MemoryStore, name: str) -> None:
    taught(gate, "opening a door", users=("ada",))
    mine = taught(gate, "opening another door", users=(name,))

    assert by_words(store, "door", Audience("a", user=name)) == ([mine.id] if name else [])


def test_what_a_row_says_of_its_scope_does_not_widen_the_lesson(gate: Gate, store: MemoryStore, db: Database) -> None:
    taught(gate, "opening a door", users=("ada",))
    taught(gate, "", users=("ada",))
    with db.write() as cursor:
        cursor.execute("UPDATE memory_reach SET users = ?", (json.dumps([]),))

    assert by_words(store, "door", Audience("a", user="bob")) == []
    assert store.index.by_scope(Audience("a", user="bob")) == ()


def test_rare_words_come_first(gate: Gate, store: MemoryStore) -> None:
    for n in range(5):
        taught(gate, f"opening door {n}")
    rare = taught(gate, "opening a hatch")
    found = store.index.by_words(("opening", "hatch"), Audience("a"))

    assert found.memories[0][1] == rare
    assert found.weights["hatch"] > found.weights["opening"] > 0


def test_of_words_that_many_memories_have_two_must_come_together(
    gate: Gate, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "FREQUENT", 3)
    for n in range(5):
        taught(gate, f"opening crate {n}")
        taught(gate, f"painting door {n}")
    both = taught(gate, "opening a door")

    assert by_words(store, "opening", Audience("a")) == []
    assert [memory for _, memory in store.index.by_words(("opening", "door"), Audience("a")).memories] == [both]


def test_others_memories_do_not_crowd_out_ones_own(gate: Gate, store: MemoryStore) -> None:
    mine = taught(gate, "opening a door, a very long time ago", users=("ada",))
    for n in range(200):
        taught(gate, f"opening door {n}", users=(f"user {n}",))

    assert by_words(store, "door", Audience("a", user="ada")) == [mine.id]


def test_a_row_that_cannot_be_read_hides_no_other(gate: Gate, store: MemoryStore, db: Database) -> None:
    broken, whole = (put_into_use(gate, lesson(then=then, families=("sums",))) for then in ("add them", "sort them"))
    loose = put_into_use(gate, lesson(then="count from 0"))
    other = put_into_use(gate, lesson(then="count from 1"))
    with db.write() as cursor:
        cursor.execute("UPDATE memories SET lesson = '{broken' WHERE id IN (?, ?)", (broken.id, loose.id))

    audience = Audience("a", "sums")
    by_words = store.index.by_words(["recursive", "function", "count"], audience)

    assert [memory.id for memory in store.index.by_scope(audience)] == [whole.id]
    assert [memory.id for _, memory in by_words.memories] == [other.id]
