"""The credit of a run whose end is recorded elsewhere, and was not here: its process died between the two places.

In:  the run's trace.
Out: what `engine/closing.py` would have written of the memories that it recalled, in the transaction that brings its end.
"""

from collections.abc import Collection, Mapping

from purpose_agent.core.task import task_from_json
from purpose_agent.engine.closing import exposures_of
from purpose_agent.memory.credit import credit
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.events import MemoryRecalled, RunFinished, RunStarted
from purpose_agent.runtime.trace import Trace


def credit_brought(cursor: Cursor, trace: Trace, here: int, known: Collection[str], withheld: Mapping[str, int]) -> None:
    """Count the outcome of a run that was there to learn from, if its end is new here.

    Args:
        here: The number of its last event that was here before.
        known: The memories it had that are in this workspace; those of other machines are not.
        withheld: By id: the version of those that a coin kept from it.
    """
    started, recalled, end = trace.of(RunStarted)[0], trace.of(MemoryRecalled), trace.finished
    ends = [event for event in trace.events if isinstance(event.payload, RunFinished)]
    if end is None or ends[-1].seq <= here or not recalled or started.mode != "learning" or started.forked_from is not None:
        return
    is_counted = any(said.success is not None for said in trace.of(RunFinished)[:-1])
    if is_counted or end.status in ("cancelled", "interrupted"):
        return  # stopped from outside; or counted with an earlier end, after which it went on
    versions = {each.memory_id: each.version for each in recalled[0].memories if each.memory_id in known}
    thrown = exposures_of(recalled[0], trace.run_id, withheld)
    credit(
        cursor,
        versions,
        end.success,
        [each for each in thrown if each.memory_id in versions or each.memory_id in withheld],
        run_id=trace.run_id,
        versions=versions,
        broke=bool(task_from_json(started.task).checks) and end.status in ("failed", "exhausted", "gave_up"),
    )
