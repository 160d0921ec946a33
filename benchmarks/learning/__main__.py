"""Measure whether it learns: `python -m benchmarks.learning [PART ...] [--fold dev] [--full] [--seeds N] [--only JOB] [--out DIR]`.

Prints tables for each part. With all parts it writes `benchmarks/results/learning.json`, and pictures and curves to
`benchmarks/learning/results/`, or all of them to DIR. With some of them it writes nothing, or pictures and curves to
DIR if one is given; `--only` measures some jobs of a part. A part that breaks is told and its figures are null; the others
are measured all the same.
"""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import ROOT
from benchmarks.learning.options import MODEL, Options
from benchmarks.parts import Asked, Part, count, run
from purpose_agent.core.errors import PurposeAgentError
from purpose_agent.models.resolve import resolve_model

PARTS: Mapping[str, str] = {name: name for name in ("rules", "text", "transfer", "code", "published")}
"""By what they are called on the command line: the module in `parts/` that has `measure`, and its figures in `WANTED`."""
FIGURES = ROOT / "benchmarks" / "results" / "learning.json"
PICTURES = ROOT / "benchmarks" / "learning" / "results"


def main(arguments: Sequence[str] = (), figures_file: Path = FIGURES, pictures: Path = PICTURES) -> int:
    """Measure, show, write. Returns the exit status: 2 for a part or a job that doesn't exist.

    Raises:
        SystemExit: With 2: the call can't be read, or its model can't be had.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.only and len(given.part) != 1:
        parser.error("--only needs one part: python -m benchmarks.learning PART --only JOB")
    asked = Asked(tuple(given.part), given.quick, given.out)
    out = asked.pictures(PARTS, pictures)
    options = Options(given.fold, given.full, given.seeds, out, given.quick, given.model or MODEL, tuple(given.only))
    parts: dict[str, Part] = {name: (f"benchmarks.learning.parts.{module}", ()) for name, module in PARTS.items()}
    only = f", only {', '.join(options.only)}" if options.only else ""
    return run(asked, parts, options, f"fold {options.fold}, {options.seeds} seeds{only}", figures_file)


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m benchmarks.learning", description="Measure whether it learns.")
    parser.add_argument("part", nargs="*", help=f"one of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--fold", default="dev", help="which tasks are held out (default: dev)")
    parser.add_argument("--full", action="store_true", help="everything, however long it takes")
    parser.add_argument("--seeds", type=count, default=5, help="how many (default: 5)")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="JOB",
        help="of one part, the jobs whose names contain this; may be repeated",
    )
    parser.add_argument("--quick", action="store_true", help="a few tasks of everything, to see that it runs")
    parser.add_argument("--model", type=_model, help=f"of the parts that need one (default: {MODEL})")
    parser.add_argument("--out", type=Path, help="write to this folder instead")
    return parser


def _model(spec: str) -> str:
    try:
        resolve_model(spec)
    except PurposeAgentError as error:
        raise ArgumentTypeError(str(error)) from error
    return spec


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
