"""What is asked for on the command line, as every part gets it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure.

    Attributes:
        fold: Which tasks of others are held out, such as "dev".
        full: All worlds, conditions and seeds, however long it takes; otherwise what fits into the hour.
        seeds: How many; a part may say that it used fewer.
        out: Where pictures and curves are written; None to write nothing.
    """

    fold: str = "dev"
    full: bool = False
    seeds: int = 5
    out: Path | None = None
