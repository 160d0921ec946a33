"""Measure whether it learns: `python -m benchmarks.learning [PART ...] [--fold dev] [--full] [--seeds N] [--out DIR]`.

Prints tables for each part. With all parts it writes `benchmarks/results/learning.json`, and pictures and curves to
`benchmarks/learning/results/`, or all of them to DIR. With some of them it writes nothing, or pictures and curves to
DIR if one is given. A part that breaks is told and its figures are null; the others are measured all the same.
"""

import sys
import traceback
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from time import perf_counter

from benchmarks.figures import ROOT, Figures, as_json, commit, machine, show, unmeasured
from benchmarks.learning.options import MODEL, Options

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
    for name in PARTS:
        if not names or name in names:
            figures |= _measure(name, options)
    if whole:
        target = out / figures_file.name if out else figures_file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(as_json(figures))
        print(f"Written: {target}")
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m benchmarks.learning", description="Measure whether it learns.")
    parser.add_argument("part", nargs="*", help=f"one of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--fold", default="dev", help="which tasks are held out (default: dev)")
    parser.add_argument("--full", action="store_true", help="everything, however long it takes")
    parser.add_argument("--seeds", type=_count, default=5, help="how many (default: 5)")
    parser.add_argument("--quick", action="store_true", help="a few tasks of everything, to see that it runs")
    parser.add_argument("--model", default=MODEL, help=f"of the parts that need one (default: {MODEL})")
    parser.add_argument("--out", type=Path, help="write to this folder instead")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _measure(name: str, options: Options) -> Figures:
    # Imported one by one: a part that needs a package must not stop the others.
    part = import_module(f"benchmarks.learning.parts.{PARTS[name]}")
    measure: Callable[[Options], Figures] = part.measure
    started = perf_counter()
    try:
        figures = measure(options)
    # BLE001: this is the door, and hours of the other parts must not be lost with this one.
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        figures = unmeasured(f"{name} broke: {type(error).__name__}: {error}", **part.WANTED)
    show(name, figures)
    print(f"{name}: {perf_counter() - started:.0f} s", flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
