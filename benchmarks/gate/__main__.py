"""Measure the gate: `python -m benchmarks.gate [PART ...] [--quick] [--model NAME] [--seed N] [--out DIR]`.

Prints tables for each part. With all parts it writes `benchmarks/results/gate.json`, and pictures to
`benchmarks/gate/results/`, or all of them to DIR. With some of them it writes nothing, or pictures to DIR if one is given. A
part that breaks is told and its figures are null; the others are measured all the same.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import ROOT
from benchmarks.gate.options import MODEL, Options
from benchmarks.parts import Asked, Part, run

PARTS: Mapping[str, tuple[str, ...]] = {
    "errors": ("null_promoted", "null_promoted_fdr", "harm_promoted", "pairs_20", "pairs_40", "pairs_70", "oracle_ratio"),
    "scanners": (),
    "immune": ("poison_acted", "poison_acted_noscan", "benign_kept", "hard_kept"),
    "scale": ("insert_ms_100k", "recall_ms_10k", "recall_ms_100k", "recall_hit10"),
    "drift": ("drift_runs_to_demote",),
    "durability": ("kill_lost",),
    "lessons": (),
}
"""The modules in `parts/`, and the figures that each must have; their own `WANTED` may name more."""
FIGURES = ROOT / "benchmarks" / "results" / "gate.json"
PICTURES = ROOT / "benchmarks" / "gate" / "results"


def main(arguments: Sequence[str] = (), figures_file: Path = FIGURES, pictures: Path = PICTURES) -> int:
    """Measure, show, write. Returns the exit status: 2 for a part that doesn't exist."""
    given = _parser().parse_args(arguments)
    asked = Asked(tuple(given.part), given.quick, given.out)
    options = Options(given.quick, given.model, asked.pictures(PARTS, pictures), given.seed)
    parts: dict[str, Part] = {name: (f"benchmarks.gate.parts.{name}", wanted) for name, wanted in PARTS.items()}
    return run(asked, parts, options, f"seed {options.seed}", figures_file)


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m benchmarks.gate", description="Measure the gate.")
    parser.add_argument("part", nargs="*", help=f"one of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it runs")
    parser.add_argument("--model", default=MODEL, help=f"of the parts that need one (default: {MODEL})")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn (default: 0)")
    parser.add_argument("--out", type=Path, help="write to this folder instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
