"""Memories are found by meaning, their vectors follow the gate, and an evaluation writes none."""

import random
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import Memory
from purpose_agent.core.task import Task
from purpose_agent.memory import vectors as module
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.index import Audience
from purpose_agent.memory.recall import recall
from purpose_agent.memory.store import MemoryStore
from purpose_agent.memory.vectors import MemoryVectors
from purpose_agent.retrieval.nearest import Nearest, packed
from purpose_agent.runtime.database import Database
from tests.memory.build import lesson, put_into_use
from tests.memory.embedders import OneVector, WordEmbedder

pytest.importorskip("numpy")
ALIKE = {"boiler": "heating", "knocks": "bangs", "raise": "salary"}


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder(alike=ALIKE)


@pytest.fixture
def vectors(db: Database, embedder: WordEmbedder) -> MemoryVectors:
    return MemoryVectors(db, embedder)


def found(store: MemoryStore, vectors: MemoryVectors, goal: str, *, keep: bool = False) -> list[str]:
    draws = random.Random(0) if keep else None
    return [each.memory.id for each in recall(store, Task(goal), "a", vectors=vectors, draws=draws)]


def stored(db: Database) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in db.rows("SELECT embedder, length(vector) FROM memory_vectors ORDER BY row")]


def boiler(gate: Gate) -> Memory:
    return put_into_use(gate, lesson("the boiler knocks", "bleed the radiators"))


def test_what_shares_no_word_is_found_by_its_meaning(gate: Gate, store: MemoryStore, vectors: MemoryVectors) -> None:
    memory = boiler(gate)
    put_into_use(gate, lesson("negotiating a salary", "let the other side name a figure"))

    assert [each.memory.id for each in recall(store, Task("Our heating bangs."), "a")] == []
    (recalled,) = recall(store, Task("Our heating bangs."), "a", vectors=vectors)
    assert recalled.memory.id == memory.id
    assert "(words 0.00, meaning 1.00)" in recalled.why


def test_only_what_is_promoted_is_found(gate: Gate, store: MemoryStore, vectors: MemoryVectors) -> None:
    gate.admit(lesson("the boiler knocks", "call somebody"))
    assert found(store, vectors, "Our heating bangs.") == []

    memory = boiler(gate)
    assert found(store, vectors, "Our heating bangs.") == [memory.id]
    gate.archive(memory, "unused")
    assert found(store, vectors, "Our heating bangs.") == []


def test_an_evaluation_writes_no_vector_and_a_run_that_learns_does(
    gate: Gate, store: MemoryStore, vectors: MemoryVectors, db: Database
) -> None:
    boiler(gate)
    assert found(store, vectors, "Our heating bangs.") != []
    assert stored(db) == []
    assert found(store, vectors, "Our heating bangs.", keep=True) != []
    assert stored(db) == [("words/1", 512)]


def test_a_kept_vector_is_not_made_again_and_another_embedders_is_not_used(
    gate: Gate, store: MemoryStore, vectors: MemoryVectors, db: Database
) -> None:
    memory = boiler(gate)
    found(store, vectors, "x", keep=True)

    again, other = WordEmbedder(alike=ALIKE), WordEmbedder("words/2")
    assert found(store, MemoryVectors(db, again), "Our heating bangs.") == [memory.id]
    assert again.asked == ["Our heating bangs."]
    assert found(store, MemoryVectors(db, other), "Our heating bangs.", keep=True) == []
    assert "the boiler knocks" in other.asked
    assert stored(db) == [("words/2", 512)]


def test_another_process_promotes_and_this_one_finds_it(
    gate: Gate, store: MemoryStore, vectors: MemoryVectors, db: Database
) -> None:
    assert found(store, vectors, "Our heating bangs.") == []
    memory = boiler(gate)
    others = MemoryVectors(db, WordEmbedder(alike=ALIKE))
    others.make(10)
    others.save()

    assert found(store, vectors, "Our heating bangs.") == [memory.id]


def test_many_are_embedded_a_few_at_a_time(
    gate: Gate, store: MemoryStore, vectors: MemoryVectors, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    for n in range(7):
        gate.teach(lesson(f"case {n} of the boiler", origin="user"))
    seen: list[int] = []
    for _ in range(4):
        found(store, vectors, "heating")
        seen.append(sum(text.startswith("case") for text in embedder.asked))

    assert seen == [3, 6, 7, 7]
    assert vectors.make(10) == 0


def test_a_lesson_that_was_replaced_is_found_by_its_new_words(
    gate: Gate, store: MemoryStore, vectors: MemoryVectors, db: Database
) -> None:
    memory = boiler(gate)
    found(store, vectors, "heating", keep=True)
    with db.write() as cursor:
        cursor.execute("UPDATE memories SET lesson = replace(lesson, 'the boiler knocks', 'asking for a raise')")
        cursor.execute("DELETE FROM memory_vectors")
    store.remark(memory, actor="person", why="another lesson")

    assert found(store, vectors, "Our heating bangs.") == []
    assert found(store, vectors, "My salary: asking for more.") == [memory.id]


def test_scope_is_looked_at_before_nearness(gate: Gate, store: MemoryStore, db: Database) -> None:
    vectors = MemoryVectors(db, OneVector())
    mine = gate.teach(lesson("long ago", origin="user", agents=("a",)))
    for n in range(300):
        gate.teach(lesson(f"of somebody else {n}", origin="user", agents=(f"agent {n}",)))
    vectors.make(1_000)
    near = vectors.search("x", Audience("a"), keep=False)

    assert [memory for _, memory in store.index.admissible((row for row, _ in near.rows), Audience("a"))] == [mine]
    assert len(near.rows) == 1


def test_an_unknown_embedder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="minilm"):
        pa.Workspace(tmp_path, embedder="bert")  # pyright: ignore[reportArgumentType]


# The vectors themselves


def vectors_of(count: int, seed: int, length: int = 96) -> list[bytes]:
    draw = random.Random(seed)
    return [packed([draw.gauss(0, 1) for _ in range(length)]) for _ in range(count)]


def test_the_nearest_are_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """By signs and rescored, as by comparing all."""
    many = vectors_of(600, 1)
    exact, quick = Nearest(), Nearest()
    for near in (exact, quick):
        near.put(range(1, 601), [number % 3 for number in range(600)], many)
    queries = [
        packed([sum(pair) for pair in zip(*(_floats(each) for each in many[n : n + 2]), strict=True)]) for n in range(40)
    ]
    told = [exact.to(query, [0, 2], most=5, floor=0.3) for query in queries]
    monkeypatch.setattr("purpose_agent.retrieval.nearest.EXACT", 10)
    monkeypatch.setattr("purpose_agent.retrieval.nearest.RESCORED", 300)

    assert [quick.to(query, [0, 2], most=5, floor=0.3) for query in queries] == told
    assert all(cosine >= 0.3 and number % 3 != 2 for each in told for number, cosine in each)
    assert any(told)


def test_what_was_dropped_or_replaced_is_gone() -> None:
    near = Nearest()
    one, two = packed([1.0, 0.0]), packed([0.0, 1.0])
    near.put([7, 8], [0, 0], [one, one])
    near.drop(7)
    near.put([8], [0], [two])

    assert near.to(one, [0], most=5, floor=0.5) == []
    assert near.to(two, [0], most=5, floor=0.5) == [(8, 1.0)]
    assert near.to(two, [1], most=5, floor=0.5) == []
    assert near.to(two, [], most=5, floor=0.5) == []
    assert (len(near), near.cosine(one, 7), near.cosine(one, 8)) == (1, None, 0.0)


@pytest.mark.parametrize("vector", [[0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_a_vector_without_a_direction_is_refused(vector: list[float]) -> None:
    with pytest.raises(ValueError, match="direction"):
        packed(vector)


def _floats(vector: bytes) -> list[float]:
    import struct

    return list(struct.unpack(f"<{len(vector) // 4}f", vector))
