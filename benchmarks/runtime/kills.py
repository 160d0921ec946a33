"""A process that runs flows is killed (SIGKILL) at random instants, again and again, and the next one goes on with its runs.

Each flow forks into two functions and an agent with a tool, joins, and ends. Every node and every call of the tool has an effect
outside the workspace: a line in a file. After each kill the record is read: what it calls complete then must have had its
effect once, and never again; every event that was in it must be there afterwards as it was. A node that was under way when
the process died may have its effect twice: nobody can know; those are counted apart. The moments are drawn with a seed; what
the process was doing then depends on the machine.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from tempfile import TemporaryDirectory

import purpose_agent as pa
from benchmarks.children import READY, killed
from benchmarks.figures import Figure, Figures
from benchmarks.parts import Amount
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.core.messages import Message, Text, ToolCall
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse
from purpose_agent.runtime.connection import Connection, Row
from purpose_agent.runtime.events import AgentFinished, RunStarted, ToolReturned
from purpose_agent.runtime.trace import Trace
from purpose_agent.testing.models import RuleModel

WANTED: Mapping[str, str] = {
    "kills": "times a process was killed",
    "kills_unresumed": "runs that were begun and did not come to their end",
    "steps_twice": "complete steps (nodes, tool calls) that had their effect again",
    "events_lost": "events that were in the record after a kill, and were gone or changed later",
}
KILLS = 300
LONGEST_SECONDS = 0.25
"""A process is killed between 0 and so many seconds after it begins to open the workspace."""
MOST_RUNS = 10_000


@dataclass(slots=True)
class Seen:
    """What the record said after kills.

    Attributes:
        events: By run and number, the event's id.
        complete: Lines that complete steps had written, and how often.
        again: Complete steps that were done again.
        lost: Events that were lost.
    """

    events: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    complete: dict[str, int] = field(default_factory=dict[str, int])
    again: set[str] = field(default_factory=set[str])
    lost: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])


def measure(options: Amount, seed: int = 1) -> Figures:
    """Kill, look, go on; at the end, go on with all that is left."""
    kills, draw, seen = options.of(KILLS, 6), random.Random(seed), Seen()
    with TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(kills):
            killed(live, (folder, number), seconds=draw.uniform(0, LONGEST_SECONDS))
            look(folder, seen)
        place = pa.Workspace(folder)
        cut_off = len(_unfinished(place))
        go_on(folder)
        look(folder, seen)
        runs = [row for row in place.runs(limit=MOST_RUNS) if row.agent == "orders"]
        left = [row for row in runs if row.status != "finished"]
        effects = Counter(_lines(folder))
        missing = [row.id for row in runs if row.status == "finished" and not _all_done(place, row.id, effects)]
        twice = sum(count - 1 for count in effects.values() if count > 1)
    steps = len(seen.complete)
    return {
        "kills": Figure(f"{WANTED['kills']} ({len(runs)} runs of a flow, {cut_off} were cut off at the last kill)", kills),
        "kills_unresumed": Figure(WANTED["kills_unresumed"], len(left) + len(missing), n=len(runs)),
        "steps_twice": Figure(f"{WANTED['steps_twice']}; {twice} that were under way had it twice", len(seen.again), n=steps),
        "events_lost": Figure(WANTED["events_lost"], len(seen.lost), n=len(seen.events)),
    }


def live(folder: Path, number: int, mouth: Pipe) -> None:
    """What a process does until it is killed: goes on with what it finds, then begins new runs."""
    # The first run of a process takes as long as twenty others. It is made elsewhere, so that kills hit all kinds of moments.
    flow(folder / "elsewhere" / str(number)).run({"id": "first"})
    mouth.send_bytes(READY)
    go_on(folder)
    orders = flow(folder)
    turn = 0
    while True:
        orders.run({"id": f"{number}-{turn}"})
        turn += 1


def go_on(folder: Path) -> None:
    """Resume every run of the flow that has not come to its end."""
    orders = flow(folder)
    for row in _unfinished(pa.Workspace(folder)):
        orders.resume(row)


def flow(folder: Path) -> pa.Flow:
    """Take → (pack, bill, an agent that notes) → ship."""
    effects = folder / "effects"
    folder.mkdir(parents=True, exist_ok=True)

    def write(line: str) -> None:
        # One write at the end of a file happens entirely or not at all.
        file = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{line}\n".encode())
        os.close(file)

    def node(name: str) -> Callable[[Mapping[str, str]], dict[str, str]]:
        def work(state: Mapping[str, str]) -> dict[str, str]:
            write(f"{state['id']} {name}")
            return {name: "done"}

        return work

    @pa.tool(idempotent=True)
    def note(id: str) -> str:
        """Note an order."""
        write(f"{id} note")
        return f"noted {id}"

    clerk = pa.Agent("clerk", model=RuleModel(_rule, capabilities=_NATIVE), critic=None, tools=[note], workspace=folder)
    orders = pa.Flow("orders", workspace=folder)
    for name in ("take", "pack", "bill", "ship"):
        orders.add_node(name, node(name))
    orders.add_node("clerk", clerk, task=lambda state: f"Note the order {state['id']}.")
    orders.add_edge(pa.BEGIN, "take")
    for name in ("pack", "bill", "clerk"):
        orders.add_edge("take", name)
    orders.add_edge(["pack", "bill", "clerk"], "ship")
    orders.add_edge("ship", pa.DONE_SIGNAL)
    return orders


_NATIVE = Capabilities(native_tools=True, local=True)


def _rule(request: ModelRequest) -> ModelResponse:
    order = request.text.partition("Note the order ")[2].split(".")[0]
    if f"noted {order}" in request.text:
        return ModelResponse(Message("assistant", (Text("It is noted."),)))
    return ModelResponse(Message("assistant", (ToolCall("call_1", "note", {"id": order}),)))


def look(folder: Path, seen: Seen) -> None:
    """Compare the record with what it said before, and what it calls complete with the effects."""
    if not (folder / DATABASE).exists():
        return
    events = {(run_id, seq): id for run_id, seq, id in _rows(folder, "SELECT run_id, seq, id FROM events")}
    seen.lost |= {key for key, id in seen.events.items() if events.get(key) != id}
    changed = {run_id for run_id, _ in events.keys() - seen.events.keys()}
    seen.events |= events
    effects = Counter(_lines(folder))
    # What was complete before has been done as often as it was then.
    seen.again |= {line for line, count in seen.complete.items() if effects[line] != count}
    place = pa.Workspace(folder)
    for run_id in changed:
        for line in _complete(place.trace(run_id)):
            seen.complete.setdefault(line, effects[line])
            if not effects[line]:
                seen.again.add(line)  # complete, and never done: as wrong as twice


def _complete(trace: Trace) -> list[str]:
    """The lines that the complete steps of a run have written."""
    started = trace.of(RunStarted)[0]
    if started.agent == "orders":
        done = {each.name for each in trace.of(AgentFinished) if each.status == "finished" and each.name != "clerk"}
        return [f"{started.state['id']} {name}" for name in done]
    return [f"{each.observation.content.removeprefix('noted ')} note" for each in trace.of(ToolReturned)]


def _all_done(place: pa.Workspace, run_id: str, effects: Counter[str]) -> bool:
    order = place.trace(run_id).of(RunStarted)[0].state["id"]
    return all(effects[f"{order} {what}"] for what in ("take", "pack", "bill", "note", "ship"))


def _unfinished(place: pa.Workspace) -> list[str]:
    return [row.id for row in place.runs(limit=MOST_RUNS) if row.agent == "orders" and row.status != "finished"]


def _lines(folder: Path) -> list[str]:
    effects = folder / "effects"
    return effects.read_text().splitlines() if effects.exists() else []


def _rows(folder: Path, sql: str) -> list[Row]:
    """What the file itself has; nothing if the kill came before its tables."""
    connection = _opened(folder / DATABASE)
    try:
        return connection.execute(sql).fetchall() if connection.execute("PRAGMA user_version").fetchall() != [(0,)] else []
    finally:
        connection.close()


def _opened(path: Path) -> Connection:
    import apsw

    # The library that the package uses: a second one in one process would break the locks of the first.
    return apsw.Connection(str(path))
