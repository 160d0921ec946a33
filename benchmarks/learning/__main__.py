"""Measure whether it learns: `python -m benchmarks.learning [PART ...] [--fold dev] [--full] [--seeds N] [--out DIR]`.

Prints tables for each part. With all parts it writes `benchmarks/results/learning.json`, and pictures and curves to
`benchmarks/learning/results/`, or all of them to DIR. With some of them it writes nothing, or pictures and curves to
DIR if one is given. A part that breaks is told and its figures are null; the others are measured all the same.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import ROOT, Figures, commit, machine
from benchmarks.learning.options import MODEL, Options
from benchmarks.parts import count, measured, write

PARTS: Mapping[str, str] = {name: name for name in ("rules", "text", "transfer", "code", "published")}
"""By what they are called on the command line: the module in `parts/` that has `measure`, and its figures in `WANTED`."""
FIGURES = ROOT / "benchmarks" / "results" / "learning.json"
PICTURES = ROOT / "benchmarks" / "learning" / "results"


def main(arguments: Sequence[str] = (), figures_file: Path = FIGURES, pictures: Path = PICTURES) -> int:
    """Measure, show, write. Returns the exit status: 2 for a part that doesn't exist."""
    asked = _parser().parse_args(arguments)
    names: list[str] = asked.part
    out: Path | None = asked.out
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"There is no part called {', '.join(unknown)}. Parts: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    # What a quick look measured must not take the place of real numbers.
    whole = set(names or PARTS) == set(PARTS) and (not asked.quick or out is not None)
    options = Options(asked.fold, asked.full, asked.seeds, out or (pictures if whole else None), asked.quick, asked.model)
    print(f"{machine()}, commit {commit()}, fold {options.fold}, {options.seeds} seeds", flush=True)
    figures: Figures = {}
    for name, module in PARTS.items():
        if not names or name in names:
            figures |= measured(name, f"benchmarks.learning.parts.{module}", options)
    if whole:
        write(figures, out / figures_file.name if out else figures_file)
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m benchmarks.learning", description="Measure whether it learns.")
    parser.add_argument("part", nargs="*", help=f"one of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--fold", default="dev", help="which tasks are held out (default: dev)")
    parser.add_argument("--full", action="store_true", help="everything, however long it takes")
    parser.add_argument("--seeds", type=count, default=5, help="how many (default: 5)")
    parser.add_argument("--quick", action="store_true", help="a few tasks of everything, to see that it runs")
    parser.add_argument("--model", default=MODEL, help=f"of the parts that need one (default: {MODEL})")
    parser.add_argument("--out", type=Path, help="write to this folder instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
