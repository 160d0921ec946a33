"""What the tests of `checkpoint_suite.py` save, and what the processes that they start do.

In:  a store, opened in a process of its own.
Out: lines on the standard output.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from purpose_agent.core.errors import RunTaken
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task, task_to_json
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.events import (
    AgentFinished,
    CheckpointSaved,
    Event,
    ModelCalled,
    RunFinished,
    RunResumed,
    RunStarted,
    RunSuspended,
    StateChanged,
)
from purpose_agent.testing.clock import FrozenClock

RACE_EVENTS = 400
WAIT_SECONDS = 60.0
"""For a process that should have spoken or ended long ago."""


def act(name: str, store: Checkpointer, arguments: Sequence[str]) -> None:
    """What a process of the suite does with the store; its answers go to the standard output."""
    _ACTS[name](store, *arguments)


def _append_and_wait(store: Checkpointer) -> None:
    store.append(a_run()[:2])
    store.append(a_run()[2:5])
    print("saved", flush=True)
    sys.stdin.readline()


def _race(store: Checkpointer, number: str) -> None:
    """Take as many numbers as can be had, in batches of two; a refusal says that another one was faster."""
    won: list[str] = []
    print("ready", flush=True)
    sys.stdin.readline()
    for seq in range(2, 2 + RACE_EVENTS, 2):
        pair = [replace(event, id=f"{event.id}_{number}") for event in pair_of(seq)]
        try:
            store.append(pair)
        except RunTaken:
            continue
        won += [event.id for event in pair]
    print(json.dumps(won), flush=True)


def _read(store: Checkpointer) -> None:
    """How many events are there, again and again, until told that it is enough."""
    import threading

    counts: list[int] = []
    over = threading.Event()

    def wait() -> None:
        sys.stdin.readline()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    print("ready", flush=True)
    while not over.is_set():
        counts.append(len(kept(store)))
    counts.append(len(kept(store)))
    print(json.dumps(counts), flush=True)


_ACTS: dict[str, Callable[..., None]] = {"append_and_wait": _append_and_wait, "race": _race, "read": _read}


def a_run(run_id: str = "run_1") -> tuple[Event, ...]:
    """Nine events: a step, a wait for a person, a part of a flow, the end. Always the same ones."""
    clock = FrozenClock()
    bus = EventBus(run_id, clock, counting_ids())
    task = Task("Open the red door", choices=("pull", "knock"))
    usage = Usage(100, 10, 80, 0.5, 1)
    for step, payload in (
        (0, RunStarted(task_to_json(task), "porter", "scripted", "learning", {"goal": task.goal})),
        (1, ModelCalled("act", "scripted", "actor@1", usage, 0.1)),
        (1, StateChanged({"door": "red", "seen": ["a", 1, None, {"b": 0.5}]})),
        (1, CheckpointSaved(1, "", 1.0)),
        (1, RunSuspended("waiting", "May it pull?", usage, 1.0)),
        (1, RunResumed("1:1", 1, "suspended")),
        (2, AgentFinished("2/ask", "ask", "finished", {"said": "yes"}, usage=usage)),
        (2, StateChanged({"answer": "pull"}, removed=("door",))),
        (2, RunFinished("finished", "pull", None, None, usage, seconds=2.0)),
    ):
        clock.advance(60)
        bus.publish(payload, lane="porter", step=step)
    return tuple(bus.events)


def pair_of(seq: int) -> tuple[Event, Event]:
    """Two events with the numbers `seq` and the next."""
    pattern = a_run()[2]
    return replace(pattern, seq=seq, id=f"evt_{seq}"), replace(pattern, seq=seq + 1, id=f"evt_{seq + 1}")


def kept(store: Checkpointer, run_id: str = "run_1") -> tuple[Event, ...]:
    """The events of a run that must be there."""
    trace = store.load(run_id)
    assert trace is not None, f"{run_id} is not there"
    return trace.events


def heard(process: "subprocess.Popen[str]") -> str:
    """The next line that the process says."""
    assert process.stdout is not None, "it was started with a pipe"
    line = process.stdout.readline()
    assert line, f"the process ended with {process.wait(WAIT_SECONDS)} without a word; what it wrote to stderr says why"
    return line.rstrip("\n")


def say(process: "subprocess.Popen[str]", line: str) -> None:
    """Write a line to the process."""
    assert process.stdin is not None, "it was started with a pipe"
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


@contextmanager
def together(processes: "Sequence[subprocess.Popen[str]]") -> "Generator[Sequence[subprocess.Popen[str]]]":
    """None of them outlives the block."""
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate(timeout=WAIT_SECONDS)
