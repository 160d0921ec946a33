"""Measure Φ: `python -m benchmarks.phi [PART ...] [--quick] [--full] [--model NAME] [--seed N] [--out DIR]`.

Prints tables for each part. With all parts it writes `benchmarks/results/phi.json`, and pictures to `benchmarks/phi/results/`,
or all of them to DIR. With some of them it writes nothing, or pictures to DIR if one is given.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import ROOT
from benchmarks.parts import Asked, Part, run
from benchmarks.phi.options import MODEL, Options

PARTS: Mapping[str, tuple[str, ...]] = {
    "attacks": ("attacks", "attacks_gaining", "judge_attacks_gaining"),
    "truth": ("auc_falsification", "auc_standard", "auc_delta", "auc_judge", "brier_before", "brier_after"),
    "cost": ("delta_tokens_1", "delta_tokens_200", "needles", "needles_found"),
}
"""The modules in `parts/`, and the figures that each must have."""
FIGURES = ROOT / "benchmarks" / "results" / "phi.json"
PICTURES = ROOT / "benchmarks" / "phi" / "results"


def main(arguments: Sequence[str] = (), figures_file: Path = FIGURES, pictures: Path = PICTURES) -> int:
    """Measure, show, write. Returns the exit status: 2 for a part that doesn't exist."""
    given = _parser().parse_args(arguments)
    asked = Asked(tuple(given.part), given.quick, given.out)
    options = Options(given.quick, given.model, asked.pictures(PARTS, pictures), given.seed, given.full)
    parts: dict[str, Part] = {name: (f"benchmarks.phi.parts.{name}", wanted) for name, wanted in PARTS.items()}
    return run(asked, parts, options, f"{options.model}, seed {options.seed}", figures_file)


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m benchmarks.phi", description="Measure Φ.")
    parser.add_argument("part", nargs="*", help=f"one of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it runs")
    parser.add_argument("--full", action="store_true", help="all attacks; otherwise every other of each kind")
    parser.add_argument("--model", default=MODEL, help=f"the critic's (default: {MODEL})")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn (default: 0)")
    parser.add_argument("--out", type=Path, help="write to this folder instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
