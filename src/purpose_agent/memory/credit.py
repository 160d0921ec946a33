"""A judged run moves what is known of the worth of what it had, and of what a coin kept from it.

Two things are kept. `Memory.utility` counts successes among uses, from a uniform prior: it says that a memory was present
at a success, not that it caused it. After REMEMBERER (https://arxiv.org/abs/2306.07929), reduced to a single state and to
counts. The cause is in the exposures: the same runs beside those that a coin left without the memory. `credit_of` takes
them where there are any, and the counts alone where there are none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from purpose_agent.core.exposure import Exposure
from purpose_agent.core.memory import Memory
from purpose_agent.memory.exposures import keep
from purpose_agent.memory.store import count_use, note_use
from purpose_agent.runtime.connection import Cursor

_ANY_VERSION: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Credit:
    """What judged runs say of a memory, in its present status.

    Attributes:
        used: Runs that had it.
        helped: Those of them that succeeded.
        withheld: Runs that would have had it, but for a coin.
        helped_without: Those of them that succeeded.
        effect: What it adds to the chance of success, −1 to 1: the difference of both shares among the runs for which a
            coin was thrown. None where either has no run.
    """

    used: int
    helped: int
    withheld: int = 0
    helped_without: int = 0
    effect: float | None = None

    @property
    def utility(self) -> float:
        """Posterior mean that a run with it succeeds, 0 to 1, from a uniform prior."""
        return (self.helped + 1) / (self.used + 2)


def credit(
    cursor: Cursor,
    memory_ids: Iterable[str],
    success: bool | None,
    exposures: Sequence[Exposure] = (),
    *,
    run_id: str = "",
    versions: Mapping[str, int] = _ANY_VERSION,
    broke: bool = False,
) -> None:
    """Count a run's outcome for each memory in its prompt, once, inside the transaction that stores the run.

    Args:
        cursor: Of that transaction.
        memory_ids: A memory named twice counts once.
        success: None if nobody judged the run: it then counts for nothing, but that the memory was in use.
        exposures: Of the run: what it had, and what a coin kept from it.
        run_id: Its id.
        versions: Of the memories when the run began: one whose status changed since then gets no count of what was before.
            What is not named counts in any version.
        broke: It ended without a verdict, and had it gone on there would have been one. Where a coin fell this is no success:
            else a memory would look well whose only effect is that hard runs break (intention to treat).
    """
    had = sorted(set(memory_ids))
    note_use(cursor, had, run_id)
    if success is not None:
        count_use(cursor, had, helped=success, versions=versions)
        keep(cursor, exposures, success=success)
    elif broke:
        keep(cursor, [each for each in exposures if each.share < 1], success=False)


def credit_of(memory: Memory, exposures: Iterable[Exposure]) -> Credit:
    """What judged runs say of `memory`.

    Args:
        exposures: Of its present version; none: the counts alone are taken.
    """
    seen = list(exposures)
    if not seen:
        return Credit(memory.used, memory.helped)
    shown, without = [each for each in seen if each.shown], [each for each in seen if not each.shown]
    # A run that had it for certain says nothing of what it would have come to without it.
    thrown = [each for each in shown if each.share < 1]
    effect = _rate(thrown) - _rate(without) if thrown and without else None
    return Credit(len(shown), _successes(shown), len(without), _successes(without), effect)


def _successes(exposures: Sequence[Exposure]) -> int:
    return sum(bool(each.success) for each in exposures)


def _rate(exposures: Sequence[Exposure]) -> float:
    return _successes(exposures) / len(exposures)
