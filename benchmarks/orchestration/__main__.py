"""Measure agents together: `python -m benchmarks.orchestration [PART ...] [--quick] [--out DIR]`.

Prints tables for each part. With all parts it writes `benchmarks/results/orchestration.json`, or all of it to DIR.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import ROOT
from benchmarks.orchestration.options import Options
from benchmarks.parts import Asked, Part, run

PARTS: Mapping[str, tuple[str, ...]] = {
    "swarm": ("swarm_ratio",),
    "plans": ("dag_ratio",),
    "council": ("council_chars_round_1", "council_chars_round_10"),
    "delegation": ("router_accuracy", "router_baseline", "team_lost", "team_misattributed"),
    "generated": ("generated_run", "generated_evals_passed"),
}
"""The modules beside this one, and the figures that each must have."""
FIGURES = ROOT / "benchmarks" / "results" / "orchestration.json"


def main(arguments: Sequence[str] = (), figures_file: Path = FIGURES) -> int:
    """Measure, show, write. Returns the exit status: 2 for a part that doesn't exist."""
    given = _parser().parse_args(arguments)
    asked = Asked(tuple(given.part), given.quick, given.out)
    options = Options(given.quick)
    parts: dict[str, Part] = {name: (f"benchmarks.orchestration.{name}", wanted) for name, wanted in PARTS.items()}
    return run(asked, parts, options, "quick" if options.quick else "in full", figures_file)


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m benchmarks.orchestration", description="Measure agents together.")
    parser.add_argument("part", nargs="*", help=f"one of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it runs")
    parser.add_argument("--out", type=Path, help="write to this folder instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
