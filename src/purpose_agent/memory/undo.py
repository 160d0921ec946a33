"""Several changes of memories as one transaction: what can be done is done, and the rest is named; or all only looked at.

In:  steps, each of which the gate may refuse.
Out: what was done, and what was left and why.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from purpose_agent.core.errors import GateError, NotFound
from purpose_agent.core.memory import Memory, MemoryStatus
from purpose_agent.memory.store import MemoryStore

IN_USE: tuple[MemoryStatus, ...] = ("quarantined", "promoted")
_T = TypeVar("_T")
Done = tuple[Memory, MemoryStatus, str]
Left = tuple[Memory, str]


@dataclass(frozen=True, slots=True)
class Undone:
    """What was done to memories, and what could not be.

    Attributes:
        done: Each with the status it had, and why.
        left: Each with the reason why nothing, or not all, was done.
        episodes: Episodes that taught values of options, and do so no more.
    """

    done: tuple[tuple[Memory, MemoryStatus, str], ...] = ()
    left: tuple[tuple[Memory, str], ...] = ()
    episodes: int = 0


def all_or_nothing(store: MemoryStore, work: Callable[[], Undone], *, preview: bool) -> Undone:
    """Do the work in one transaction, or find out what it would do and do nothing. Where there is no file, none is made."""
    if not store.exists:
        return Undone()
    undone = Undone()
    try:
        with store.transaction():
            undone = work()
            if preview:
                raise _OnlyLookedError
    except _OnlyLookedError:
        pass
    return undone


def take_steps(
    store: MemoryStore, steps: Sequence[tuple[Memory, _T]], step: Callable[[Memory, _T], tuple[Memory, str]]
) -> tuple[tuple[Done, ...], tuple[Left, ...]]:
    """Take the steps that can be taken; of the others, why not.

    Args:
        step: Gives the memory as it is then, and why.
    """
    done: list[Done] = []
    left: list[Left] = []
    for memory, given in steps:
        try:
            with store.transaction():
                changed, why = step(memory, given)
        except (GateError, NotFound) as error:
            left.append((memory, str(error)))
        else:
            done.append((changed, memory.status, why))
    return tuple(done), tuple(left)


class _OnlyLookedError(Exception):
    """Rolls a preview back."""
