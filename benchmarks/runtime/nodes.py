"""What a node of a flow costs, with its record in this process and saved to SQLite; beside LangGraph's SQLite checkpointer.

A line of plain functions, each of which adds one, so that what is measured is the flow itself. CPU time, not wall time. Each node
is a transaction of its own: when the next one begins, what the one before came to survives kill -9. LangGraph (1.2.24, in an
environment of its own) has the same line; told is its durability "sync", which promises the same; beside it what it does by default
("async": the step before may be lost), and without a checkpointer.
"""

import gc
import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import purpose_agent as pa
from benchmarks.figures import Figure, Figures, spread, unmeasured
from benchmarks.learning.conditions.peers import PeerFailed, peer_python
from benchmarks.parts import Amount
from purpose_agent.agents.workspace import DATABASE

WANTED: Mapping[str, str] = {
    "node_us": "CPU µs of a flow's node, its record in memory",
    "node_ckpt_us": "CPU µs of a flow's node, saved to SQLite",
    "node_ckpt_bytes": "bytes that a node takes in the SQLite file",
    "langgraph_ckpt_us": "CPU µs of the same node in LangGraph, saved by its SQLite checkpointer",
}
NODES = 100
PEER = "langgraph-checkpoint-sqlite==3.1.2"
SCRIPT = Path(__file__).with_name("peer_langgraph.py")


def measure(options: Amount) -> Figures:
    """Ours, then theirs."""
    blocks, runs = options.of(20, 3), options.of(20, 2)
    bare = _spent(_line(None), blocks, runs)
    with TemporaryDirectory() as folder:
        saved = _spent(_line(Path(folder)), blocks, runs)
    figures = {
        "node_us": replace(spread(WANTED["node_us"], bare), n=blocks * runs * NODES),
        "node_ckpt_us": replace(spread(WANTED["node_ckpt_us"], saved), n=blocks * runs * NODES),
        "node_ckpt_bytes": Figure(WANTED["node_ckpt_bytes"], _bytes(options.of(50, 5))),
    }
    return figures | _theirs(options.of(10, 2))


def _add(state: dict[str, int]) -> dict[str, int]:
    return {"n": state["n"] + 1}


def _line(folder: Path | None) -> pa.Flow:
    """So many nodes, one after the other."""
    flow = pa.Flow("line", workspace=folder)
    names = [f"n{number}" for number in range(NODES)]
    for name in names:
        flow.add_node(name, _add)
    for source, target in zip([pa.BEGIN, *names], [*names, pa.DONE_SIGNAL], strict=True):
        flow.add_edge(source, target)
    return flow


def _spent(flow: pa.Flow, blocks: int, runs: int) -> list[float]:
    """CPU µs of a node, once a block; the first block warms up and is left out."""
    microseconds: list[float] = []
    for _ in range(blocks + 1):
        gc.collect()
        began = time.process_time()
        for _ in range(runs):
            assert flow.run({"n": 0}).state["n"] == NODES
        microseconds.append(1e6 * (time.process_time() - began) / (runs * NODES))
    return microseconds[1:]


def _bytes(runs: int) -> float:
    """How much the file grows by a node, its log folded back."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        flow = _line(folder)
        sizes: list[int] = []
        for times in (1, runs):
            for _ in range(times):
                flow.run({"n": 0})
            assert flow.workspace is not None
            flow.workspace.close()
            sizes.append((folder / DATABASE).stat().st_size)
    return (sizes[1] - sizes[0]) / (runs * NODES)


def _theirs(repeats: int) -> Figures:
    try:
        python = peer_python(PEER)
    except PeerFailed as error:
        return unmeasured(str(error), langgraph_ckpt_us=WANTED["langgraph_ckpt_us"])
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [str(python), str(SCRIPT), str(NODES), str(repeats)],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LANGSMITH_TRACING": "false"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return unmeasured(f"LangGraph broke: {done.stderr[-500:]}", langgraph_ckpt_us=WANTED["langgraph_ckpt_us"])
    found: dict[str, list[float]] = json.loads(done.stdout)
    told = (
        f"{median(found['async']):.0f} by default, {median(found['bare']):.0f} without a checkpointer;"
        f" {median(found['bytes']):.0f} bytes"
    )
    return {"langgraph_ckpt_us": replace(spread(f"{WANTED['langgraph_ckpt_us']} ({told})", found["sync"]), n=repeats * NODES)}
