"""How long a plan of tool calls takes, beside the longest chain of calls in it that wait for each other.

Ten random plans, by seed, of 8 to 16 calls of a tool that sleeps 20 to 100 ms. The plan is written at once, so that nothing is
measured but the carrying out: from the first call that begins to the last one that is back, as the run's events have it. The runs
are recorded, each call with two commits. Beside it stand the same sleeps in waves, where all calls of one depth have to be back
before the next ones begin, and one after the other: run in the same way, as plans in which each call uses all that it waits for.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory

import purpose_agent as pa
from benchmarks.figures import Figures, spread
from benchmarks.parts import Amount
from purpose_agent.runtime.events import ToolReturned, ToolStarted
from purpose_agent.testing.models import ScriptedModel

WANTED: Mapping[str, str] = {"dag_ratio": "wall time of a plan over its critical path, ten random plans"}
PLANS = 10
RUNS = 3
LEAST, MOST = 0.020, 0.100
"""Seconds a call takes."""


@dataclass(frozen=True, slots=True)
class Node:
    """A call: how long it takes, and the numbers of those it uses."""

    seconds: float
    uses: tuple[int, ...]


def measure(options: Amount) -> Figures:
    """Each plan several times; what counts of it is the median."""
    runs = options.of(RUNS, 1)
    ratios: list[float] = []
    waves: list[float] = []
    rows: list[float] = []
    print("plan  calls  critical path      plan     waves  one by one", flush=True)
    for seed in range(PLANS):
        plan = drawn(seed)
        path = critical_path(plan)
        for found, arranged in ((ratios, plan), (waves, in_waves(plan)), (rows, one_by_one(plan))):
            found.append(median(_wall(arranged) for _ in range(runs)) / path)
        numbers = f"{path * 1000:11.0f} ms  {ratios[-1]:8.3f}  {waves[-1]:8.3f}  {rows[-1]:10.3f}"
        print(f"{seed:4}  {len(plan):5}  {numbers}", flush=True)
    told = f"{WANTED['dag_ratio']} (in waves {median(waves):.2f}, one after the other {median(rows):.2f})"
    return {"dag_ratio": spread(told, ratios)}


def drawn(seed: int) -> list[Node]:
    """The plan of that seed. About a third of the calls use nothing."""
    chance = random.Random(f"plans/{seed}")
    plan: list[Node] = []
    for number in range(chance.randint(8, 16)):
        uses = chance.sample(range(1, number + 1), k=min(number, chance.choice((0, 1, 2))))
        plan.append(Node(chance.uniform(LEAST, MOST), tuple(sorted(uses))))
    return plan


def critical_path(plan: Sequence[Node]) -> float:
    """Seconds of the longest chain of calls that wait for each other: no carrying out is quicker."""
    ends: list[float] = []
    for node in plan:
        ends.append(node.seconds + max((ends[used - 1] for used in node.uses), default=0.0))
    return max(ends)


def written(plan: Sequence[Node]) -> str:
    """The plan as its model writes it."""
    calls = (
        f"{number}. wait(seconds={node.seconds:.6f}, after=[{', '.join(f'${used}' for used in node.uses)}])"
        for number, node in enumerate(plan, start=1)
    )
    return "\n".join([*calls, "join()"])


def in_waves(plan: Sequence[Node]) -> list[Node]:
    """The same calls by depth, each of which waits for all calls of the depth above."""
    depths: list[int] = []
    for node in plan:
        depths.append(1 + max((depths[used - 1] for used in node.uses), default=0))
    arranged: list[Node] = []
    above: tuple[int, ...] = ()
    for depth in range(1, max(depths) + 1):
        wave = [Node(node.seconds, above) for node, own in zip(plan, depths, strict=True) if own == depth]
        above = tuple(range(len(arranged) + 1, len(arranged) + len(wave) + 1))
        arranged += wave
    return arranged


def one_by_one(plan: Sequence[Node]) -> list[Node]:
    """The same calls, each of which waits for the one before."""
    return [Node(node.seconds, (number,) if number else ()) for number, node in enumerate(plan)]


def _wall(plan: Sequence[Node]) -> float:
    @pa.tool(idempotent=True)
    async def wait(seconds: float, after: list[float]) -> float:
        """Sleep.

        Args:
            after: What has to be back before it begins.
        """
        await asyncio.sleep(seconds)
        return seconds

    with TemporaryDirectory() as folder:
        model = ScriptedModel(written(plan), "Answer: done")
        agent = pa.LLMCompiler("planner", model=model, critic=None, tools=[wait], workspace=folder)
        result = agent.run("wait")
        agent.workspace.close()
    seen = result.trace.of(ToolReturned)
    assert len(seen) == len(plan), result.status
    assert all(each.observation.ok for each in seen), seen
    first = next(event.at for event in result.trace.events if isinstance(event.payload, ToolStarted))
    last = [event.at for event in result.trace.events if isinstance(event.payload, ToolReturned)][-1]
    return (last - first).total_seconds()
