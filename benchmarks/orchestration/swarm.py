"""A swarm of tasks that wait for their model: the runtime's fan-out, measured by the same code; see `benchmarks/runtime/load.py`."""

from collections.abc import Mapping

from benchmarks.figures import Figures
from benchmarks.parts import Amount
from benchmarks.runtime.load import fanned_out

WANTED: Mapping[str, str] = {"swarm_ratio": "wall over ideal of 100 tasks whose model takes 50 ms, ten at a time"}


def measure(options: Amount) -> Figures:
    """On one core, in processes of their own."""
    return {"swarm_ratio": fanned_out(options)}
