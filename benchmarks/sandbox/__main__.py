"""Measure the sandbox: `python -m benchmarks.sandbox [PART ...] [--quick] [--out DIR]`.

Prints tables for each part. With all parts it writes `benchmarks/results/sandbox.json`, and a picture to `benchmarks/sandbox/results/`,
or all of them to DIR. With some of them it writes nothing, or the picture to DIR if one is given.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import ROOT
from benchmarks.parts import Asked, Part, parser, run
from benchmarks.sandbox.options import Options

PARTS: Mapping[str, tuple[str, ...]] = {
    "startup": ("cold_ms", "warm_p50_ms", "warm_p95_ms"),
    "attacks": ("attacks", "real_on_bare", "escapes_good_core", "escapes_strong", "benign", "benign_failed"),
    "leaks": ("leaks_10k",),
}
"""The modules in `parts/`, and the figures that each must have."""
FIGURES = ROOT / "benchmarks" / "results" / "sandbox.json"
PICTURES = ROOT / "benchmarks" / "sandbox" / "results"


def main(arguments: Sequence[str] = (), figures_file: Path = FIGURES, pictures: Path = PICTURES) -> int:
    """Measure, show, write. Returns the exit status: 2 for a part that doesn't exist."""
    given = parser("benchmarks.sandbox", "Measure the sandbox.", PARTS).parse_args(arguments)
    asked = Asked(tuple(given.part), given.quick, given.out)
    options = Options(given.quick, asked.pictures(PARTS, pictures))
    parts: dict[str, Part] = {name: (f"benchmarks.sandbox.parts.{name}", wanted) for name, wanted in PARTS.items()}
    return run(asked, parts, options, "quick" if options.quick else "in full", figures_file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
