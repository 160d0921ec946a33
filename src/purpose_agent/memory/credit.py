"""A judged run moves the utility of what it had in its prompt.

The estimate is `Memory.utility`: successes among uses, from a uniform prior. It says that a memory was present at a
success, not that it caused it; causes are what trials are for. After REMEMBERER (https://arxiv.org/abs/2306.07929),
reduced to a single state and to counts.
"""

from collections.abc import Iterable

from purpose_agent.memory.store import count_use
from purpose_agent.runtime.connection import Cursor


def credit(cursor: Cursor, memory_ids: Iterable[str], success: bool | None) -> None:
    """Count a run's outcome for each memory in its prompt, once, inside the transaction that stores the run.

    Args:
        cursor: Of that transaction.
        memory_ids: A memory named twice counts once.
        success: None if nobody judged the run: it then counts for nothing.
    """
    if success is not None:
        count_use(cursor, sorted(set(memory_ids)), helped=success)
