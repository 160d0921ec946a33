"""What is asked for on the command line, as every part gets it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure.

    Attributes:
        quick: A little of everything, to see that it runs; the numbers mean nothing.
        out: Where pictures are written; None to write nothing.
    """

    quick: bool = False
    out: Path | None = None
