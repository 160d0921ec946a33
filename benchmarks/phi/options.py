"""What is asked for on the command line, as every part gets it."""

from dataclasses import dataclass
from pathlib import Path

MODEL = "local:qwen2.5-coder:1.5b"


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure.

    Attributes:
        quick: A little of everything, to see that it runs; the numbers mean nothing.
        model: The critic's, as `Agent` takes it.
        out: Where pictures are written; None to write nothing.
        seed: Of everything that is drawn.
        full: All attacks; otherwise every other of each kind.
    """

    quick: bool = False
    model: str = MODEL
    out: Path | None = None
    seed: int = 0
    full: bool = False
