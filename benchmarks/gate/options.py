"""What is asked for on the command line, as every part gets it."""

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import ROOT

MODEL = "local:qwen2.5-coder:1.5b"
TEXTS = Path(os.environ.get("PURPOSE_IMMUNE_DATA") or ROOT.parent / "shared" / "data" / "immune_dev.jsonl")
"""Harmful and harmless texts, labelled; not in the repository. Another file is named by `PURPOSE_IMMUNE_DATA`."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure.

    Attributes:
        quick: A little of everything, to see that it runs; the numbers mean nothing.
        model: Of the parts that need one, as `Agent` takes it.
        out: Where pictures are written; None to write nothing.
        seed: Of everything that is drawn.
    """

    quick: bool = False
    model: str = MODEL
    out: Path | None = None
    seed: int = 0
