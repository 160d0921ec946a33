"""Measure the runtime: `python -m benchmarks.runtime [PART ...] [--quick] [--out DIR]`.

Prints tables for each part. With all parts it writes `benchmarks/results/runtime.json`, or all of it to DIR.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import ROOT
from benchmarks.parts import run_amounts

PARTS: Mapping[str, tuple[str, ...]] = {
    "load": ("run_us_1000", "rss_mb_1000", "fanout_ratio"),
    "nodes": ("node_us", "node_ckpt_us", "node_ckpt_bytes", "langgraph_ckpt_us"),
    "readers": ("slow_reader_slowdown",),
    "kills": ("kills", "kills_unresumed", "steps_twice", "events_lost"),
    "engine": ("engine_kills", "engine_unfinished"),
}
"""The modules beside this one, and the figures that each must have."""
FIGURES = ROOT / "benchmarks" / "results" / "runtime.json"


def main(arguments: Sequence[str] = (), figures_file: Path = FIGURES) -> int:
    """Measure, show, write. Returns the exit status: 2 for a part that doesn't exist."""
    return run_amounts("benchmarks.runtime", "Measure the runtime.", PARTS, arguments, figures_file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
