"""Measure agents together: `python -m benchmarks.orchestration [PART ...] [--quick] [--out DIR]`.

Prints tables for each part. With all parts it writes `benchmarks/results/orchestration.json`, or all of it to DIR.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import ROOT
from benchmarks.parts import run_amounts

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
    return run_amounts("benchmarks.orchestration", "Measure agents together.", PARTS, arguments, figures_file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
