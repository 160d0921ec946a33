"""Whether the right lesson is found: paraphrased tasks, each with the lesson it is meant for, among many others.

In:  `recall_pairs.jsonl`, distractors of a seed.
Out: shares of tasks whose lesson is the first found, or among the first ten; a table of all ways to search.

The ways: SQLite's BM25 over all words; our recall by words; the cosine alone, compared with all; our recall by meaning and
words; the score that it ranks by, computed for every lesson (exact search: what index and floor cost is the difference).
Below, other weights of words in that score, and reciprocal rank fusion (Cormack et al. 2009) beside it.

The pairs are our own, and the weight of words and the cosine below which nothing is found were chosen by looking at them:
these shares flatter our recall, on other texts they will be lower.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure, Figures, share
from benchmarks.gate.corpus import plain_lessons
from benchmarks.gate.fill import Filled, take
from purpose_agent.core.memory import Lesson, Memory, Provenance
from purpose_agent.core.task import Task
from purpose_agent.memory.index import Audience
from purpose_agent.memory.recall import BY_WORDS, recall, words_in_common
from purpose_agent.memory.vectors import MemoryVectors, text_of
from purpose_agent.memory.words import COMMON, stem, words_in
from purpose_agent.retrieval.minilm import MiniLM, is_installed

PAIRS = Path(__file__).with_name("recall_pairs.jsonl")
DISTRACTORS = 1_000
AGENT = "somebody"
PARTS = ("near", "some", "far", "names")
WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
_MISSING = "the extra `embed` is not installed"


@dataclass(frozen=True, slots=True)
class Pair:
    """A task and the memory it is meant for."""

    task: Task
    part: str
    memory: Memory


Search = Callable[[Task], Sequence[str]]
"""A task → ids of memories, best first."""


@dataclass(frozen=True, slots=True)
class Bench:
    """All lessons in one workspace, and the tasks."""

    filled: Filled
    pairs: Sequence[Pair]
    memories: Mapping[str, Memory]

    def places(self, search: Search) -> list[int | None]:
        """At which place each task's memory is found, from 0; None: not among ten."""
        places: list[int | None] = []
        for pair in self.pairs:
            found = list(search(pair.task))[:10]
            places.append(found.index(pair.memory.id) if pair.memory.id in found else None)
        return places


def quality(seed: int, wanted: Mapping[str, str]) -> Figures:
    """Search in all ways, print the table, and return the figures."""
    with TemporaryDirectory() as folder:
        bench = bench_of(Path(folder), seed)
        ways: dict[str, Search] = {"BM25 over all words": lambda task: by_bm25(bench, task), "recall, words": by_recall(bench)}
        if is_installed():
            ways |= by_meaning(bench)
        told = {name: bench.places(search) for name, search in ways.items()}
        _show(bench, told)
        bench.filled.close()
    n = len(bench.pairs)
    figures: Figures = {}
    for name, way, most in (
        ("recall_hit10", "recall, meaning and words", 10),
        ("recall_hit1", "recall, meaning and words", 1),
        ("recall_hit10_words", "recall, words", 10),
        ("recall_hit10_bm25", "BM25 over all words", 10),
        ("recall_hit10_cosine", "cosine alone, all compared", 10),
    ):
        if way in told:
            figures[name] = share(wanted[name], sum(place is not None and place < most for place in told[way]), n)
        else:
            figures[name] = Figure(wanted[name], None, why=_MISSING)
    return figures


def bench_of(folder: Path, seed: int) -> Bench:
    """Lessons and distractors in use, in one workspace."""
    filled = Filled(folder, seed)
    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    with filled.store.transaction():
        drawn = [Lesson("skill_card", row["when"], row["then"], Provenance("self_verified")) for row in rows]
        meant = [take(filled, lesson) for lesson in drawn]
        others = [take(filled, lesson) for lesson in plain_lessons(DISTRACTORS, seed)]
    pairs = [Pair(Task(row["task"]), row["overlap"], memory) for row, memory in zip(rows, meant, strict=True)]
    return Bench(filled, pairs, {memory.id: memory for memory in (*meant, *others)})


def by_bm25(bench: Bench, task: Task) -> list[str]:
    """What SQLite ranks first of all that have any word of the task."""
    expression = " OR ".join(f'"{word}"' for word in words_in(task.goal))
    rows = bench.filled.db.rows(
        "SELECT m.id FROM memory_index i JOIN memories m ON m.rowid = i.rowid WHERE memory_index MATCH ? ORDER BY i.rank LIMIT 10",
        (expression,),
    )
    return [row[0] for row in rows]


def by_recall(bench: Bench, vectors: MemoryVectors | None = None) -> Search:
    """What the package recalls."""
    return lambda task: [each.memory.id for each in recall(bench.filled.store, task, AGENT, vectors=vectors)]


def by_meaning(bench: Bench) -> dict[str, Search]:
    """The ways that need vectors."""
    import numpy

    embedder = MiniLM()
    vectors = MemoryVectors(bench.filled.db, embedder)
    vectors.make(len(bench.memories))
    ids = list(bench.memories)
    matrix = numpy.array(embedder.embed([text_of(bench.memories[id].lesson) for id in ids]))
    cosines = {pair.task.goal: matrix @ numpy.array(embedder.embed([pair.task.goal])[0]) for pair in bench.pairs}
    words = {pair.task.goal: numpy.array(_words(bench, pair.task, ids)) for pair in bench.pairs}

    def ranked(scores: Callable[[str], Any]) -> Search:
        def search(task: Task) -> list[str]:
            return [ids[int(place)] for place in numpy.argsort(-scores(task.goal), kind="stable")[:10]]

        return search

    def rrf(goal: str) -> Any:
        one, other = (numpy.argsort(numpy.argsort(-scores[goal], kind="stable"), kind="stable") for scores in (cosines, words))
        return 1 / (60 + one) + 1 / (60 + other)

    def convex(weight: float) -> Search:
        return ranked(lambda goal: weight * words[goal] + (1 - weight) * cosines[goal])

    return {
        "cosine alone, all compared": convex(0.0),
        "recall, meaning and words": by_recall(bench, vectors),
        "its score, all compared": convex(BY_WORDS),
        **{f"weight of words {weight:.2f}": convex(weight) for weight in WEIGHTS},
        "reciprocal rank fusion": ranked(rrf),
    }


def _words(bench: Bench, task: Task, ids: Sequence[str]) -> list[float]:
    words = words_in(task.goal)
    telling = tuple(word for word in words if word not in COMMON)
    found = bench.filled.store.index.by_words(telling or words, Audience(AGENT))
    weights = {stem(word): weight for word, weight in found.weights.items()}
    return [words_in_common(bench.memories[id].lesson, weights) for id in ids]


def _show(bench: Bench, told: Mapping[str, Sequence[int | None]]) -> None:
    from rich.console import Console
    from rich.table import Table

    title = f"Share of {len(bench.pairs)} tasks whose lesson is found first / among ten, of {len(bench.memories)} lessons"
    table = Table("search", "all", *PARTS, "mean 1/place", title=title, title_justify="left")
    for name, places in told.items():
        cells = [_cell(places)]
        cells += [
            _cell([place for place, pair in zip(places, bench.pairs, strict=True) if pair.part == part]) for part in PARTS
        ]
        reciprocal = sum(1 / (1 + place) for place in places if place is not None) / len(places)
        table.add_row(name, *cells, f"{reciprocal:.3f}")
    Console().print(table)


def _cell(places: Sequence[int | None]) -> str:
    return f"{sum(place == 0 for place in places) / len(places):.2f} / {sum(place is not None for place in places) / len(places):.2f}"
