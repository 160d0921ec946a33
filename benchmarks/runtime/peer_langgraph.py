"""LangGraph's own checkpointer, measured by itself: run in an environment of its own, which has nothing of ours.

The same graph as in `nodes.py`: so many nodes in a line, each of which adds one. Prints JSON: µs of CPU a node without and with
its SQLite checkpointer, and bytes of a node on disk.
"""

import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypedDict


class State(TypedDict):
    """What the nodes work on."""

    n: int


def add(state: State) -> dict[str, int]:
    return {"n": state["n"] + 1}


def graph(nodes: int, checkpointer: object = None) -> Any:
    langgraph: Any = import_module("langgraph.graph")
    drawn: Any = langgraph.StateGraph(State)
    names = [f"n{number}" for number in range(nodes)]
    for name in names:
        drawn.add_node(name, add)
    for source, target in zip([langgraph.START, *names], [*names, langgraph.END], strict=True):
        drawn.add_edge(source, target)
    return drawn.compile(checkpointer=checkpointer)


def timed(nodes: int, run: Callable[[int], int]) -> float:
    """CPU µs of a node; the first run warms up."""
    run(0)
    began = time.process_time()
    assert run(1) == nodes
    return 1e6 * (time.process_time() - began) / nodes


def measure(nodes: int, repeats: int) -> dict[str, list[float]]:
    keeper: Any = import_module("langgraph.checkpoint.sqlite").SqliteSaver
    bare = graph(nodes)
    found: dict[str, list[float]] = {"bare": [], "sync": [], "async": [], "bytes": []}
    for _ in range(repeats):
        found["bare"].append(timed(nodes, lambda _: int(bare.invoke({"n": 0}, {"recursion_limit": nodes + 10})["n"])))
        for durability in ("sync", "async"):
            with TemporaryDirectory() as folder:
                file = Path(folder) / "checkpoints.sqlite"
                connection = sqlite3.connect(file, check_same_thread=False)
                kept = graph(nodes, keeper(connection))

                def run(number: int, kept: Any = kept, durability: str = durability) -> int:
                    config = {"recursion_limit": nodes + 10, "configurable": {"thread_id": str(number)}}
                    return int(kept.invoke({"n": 0}, config, durability=durability)["n"])

                found[durability].append(timed(nodes, run))
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.close()
                if durability == "sync":
                    found["bytes"].append(file.stat().st_size / (2 * nodes))
    return found


if __name__ == "__main__":
    os.environ["LANGSMITH_TRACING"] = "false"
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
