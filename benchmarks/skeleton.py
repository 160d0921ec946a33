"""Measure the walking skeleton: `python -m benchmarks.skeleton [PART ...]`.

Prints a table for each part. With all parts it writes `results/skeleton.json`; with some of them it writes nothing.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.figures import ROOT, Figures, as_json, commit, machine, show

PARTS: Mapping[str, str] = {
    "demo": "demo",
    "import": "importing",
    "overhead": "overhead",
    "kills": "kills",
    "processes": "processes",
    "malformed": "malformed",
    "cache": "cache",
}
"""By what they are called on the command line: the module that has `measure`."""
RESULTS = ROOT / "benchmarks" / "results" / "skeleton.json"


def main(names: Sequence[str] = (), results: Path = RESULTS) -> int:
    """Measure, show, write. Returns the exit status: 2 for a part that doesn't exist."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"There is no part called {', '.join(unknown)}. Parts: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    print(f"{machine()}, commit {commit()}")
    figures: Figures = {}
    for name in names or PARTS:
        measured = _measure(PARTS[name])
        show(name, measured)
        figures |= measured
    if not names:
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_text(as_json(figures))
        print(f"Written: {results}")
    return 0


def _measure(module: str) -> Figures:
    # Imported one by one: a part is measured in a process that holds no more than it needs.
    measure: Callable[[], Figures] = import_module(f"benchmarks.{module}").measure
    return measure()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
