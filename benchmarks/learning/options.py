"""What is asked for on the command line, as every part gets it."""

from dataclasses import dataclass
from pathlib import Path

MODEL = "local:qwen2.5-coder:1.5b"


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure.

    Attributes:
        fold: Which tasks of others are held out, such as "dev".
        full: All worlds, conditions and seeds, however long it takes; otherwise what fits into the hour.
        seeds: How many; a part may say that it used fewer.
        out: Where pictures and curves are written; None to write nothing.
        quick: A few tasks of everything, to see that it runs; the numbers mean nothing.
        model: Of the parts that need one, as `Agent` takes it.
        only: Of a part's jobs those whose names contain one of these; () for all.
    """

    fold: str = "dev"
    full: bool = False
    seeds: int = 5
    out: Path | None = None
    quick: bool = False
    model: str = MODEL
    only: tuple[str, ...] = ()
