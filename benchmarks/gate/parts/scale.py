"""Scale: what a memory costs to write, to find and to decide on among a thousand, ten thousand and a hundred thousand others.

In:  a seed.
Out: milliseconds in this process and in a new one, bytes on disk; and whether the right lesson is found at all.

One workspace grows; at each size the same things are measured on top of it. What fills it is written by the store with its
journal, without scan: that is measured apart, with the memories that are admitted by the gate, each in a transaction of its
own. All of them are in use, of five agents, some of a family or a user. Times are wall times, medians with 10th and 90th
percentile.

What is found is measured on `recall_pairs.jsonl`: a lesson each, and a task in other words that it is meant for, among a
thousand everyday lessons. A part of the pairs shares most words, a part some, a part none, and a part is about names.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.figures import Figure, Figures, spread
from benchmarks.gate.fill import Filled, fill
from benchmarks.gate.options import Options
from benchmarks.gate.quality import quality
from benchmarks.gate.timing import Timed, in_new_process, measured

SIZES, QUICK_SIZES = (1_000, 10_000, 100_000), (1_000, 5_000)
WANTED = {
    "insert_ms_100k": "ms to write one memory among 100,000: card, index, journal, commit",
    "recall_ms_10k": "ms to recall among 10,000 memories, by words",
    "recall_ms_100k": "ms to recall among 100,000 memories, by words",
    "recall_hit10": "share of paraphrased tasks whose lesson is among the ten recalled, by meaning and words (extra `embed`)",
    "insert_ms_1k": "ms to write one memory among 1,000",
    "admit_ms_100k": "ms to admit a lesson among 100,000 memories: scan, search for its like, insert, quarantine",
    "decide_ms_100k": "ms to lend a trial its share of error and to promote by its report, among 100,000 memories",
    "recall_new_ms_100k": "ms to recall among 100,000 memories in a new process, the first recall left out",
    "recall_first_ms_100k": "ms for the first recall in a new process among 100,000 memories, opening the file included",
    "recall_vectors_ms_100k": "ms to recall among 100,000 memories by meaning and words, without embedding the task",
    "bytes_100k": "bytes on disk for each of 100,000 memories, journal and index included",
    "recall_hit1": "share of paraphrased tasks whose lesson is the first recalled, by meaning and words (extra `embed`)",
    "recall_hit10_words": "share of paraphrased tasks whose lesson is among the ten recalled, by words alone",
    "recall_hit10_bm25": "the same of SQLite's BM25 over all words: plain lexical search",
    "recall_hit10_cosine": "the same of the cosine alone, compared with all: plain exact vector search",
}
"""Every figure of this part, and what it is."""


def measure(options: Options) -> Figures:
    """Grow a workspace and measure; then what is found."""
    sizes = QUICK_SIZES if options.quick else SIZES
    at: dict[int, Timed] = {}
    with TemporaryDirectory() as folder:
        filled = Filled(Path(folder), options.seed)
        for size in sizes:
            began = perf_counter()
            fill(filled, size)
            print(f"{size:,} memories after {perf_counter() - began:.0f} s more", flush=True)
            at[size] = measured(filled, size)
            at[size].new = in_new_process(filled.folder, options.seed)
            print(at[size].in_words(size), flush=True)
        filled.close()
    return {**_figures(at), **quality(options.seed, WANTED)}


def _figures(at: dict[int, Timed]) -> Figures:
    figures: Figures = {}
    small, middle, large = (at.get(size, Timed()) for size in SIZES)
    for name, seconds in (
        ("insert_ms_1k", small.insert),
        ("insert_ms_100k", large.insert),
        ("admit_ms_100k", large.admit),
        ("recall_ms_10k", middle.recall),
        ("recall_ms_100k", large.recall),
        ("decide_ms_100k", large.decide),
        ("recall_new_ms_100k", large.new[1:]),
        ("recall_vectors_ms_100k", large.vectors),
    ):
        figures[name] = _spread(name, seconds)
    first = large.new[0] * 1000 if large.new else None
    figures["recall_first_ms_100k"] = Figure(WANTED["recall_first_ms_100k"], first, why="" if first is not None else _SMALL)
    size = large.bytes or None
    figures["bytes_100k"] = Figure(WANTED["bytes_100k"], size, why="" if size is not None else _SMALL)
    return figures


_SMALL = "the workspace was not filled that far, or the extra `embed` is not there"


def _spread(name: str, seconds: Sequence[float]) -> Figure:
    if len(seconds) < 2:
        return Figure(WANTED[name], None, why=_SMALL)
    return spread(WANTED[name], [each * 1000 for each in seconds])
