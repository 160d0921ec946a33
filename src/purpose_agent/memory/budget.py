"""How many memories there is room for, and which of two is worth more. Numbers and pure decisions; nothing is changed here.

In:  how many memories there are of which sort; what is known of single ones.
Out: which sort is over its budget, and by how much; which memories are worth the least; which of two is better proven.

What people taught has a budget of its own: it crowds out nothing that was learned, and nothing crowds it out. So have
learned values, which take no room in a prompt.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from math import sqrt

from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import POLICY, Memory, MemoryKind, MemoryStatus
from purpose_agent.core.origin import TEACHERS, TRUST, Origin

HALF_LIFE = timedelta(days=30)
"""So long after its last use a memory weighs half."""


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """Room for memories. Counts are 0 and above.

    Attributes:
        promoted: Learned memories in use, without values.
        family: Those of them that are for one family of tasks.
        quarantined: Memories on trial, without values.
        values: Learned values, in use or on trial.
        taught: What people taught. What is beyond it is told, and stays.
        idle_runs: A learned memory in use that none of so many runs had which its families and agents allow for
            hibernates; 0: none does.
    """

    promoted: int = 500
    family: int = 50
    quarantined: int = 200
    values: int = 200
    taught: int = 100
    idle_runs: int = 1_000

    def __post_init__(self) -> None:
        for each in fields(self):
            count: object = getattr(self, each.name)
            if isinstance(count, bool) or not isinstance(count, int) or count < 0:
                raise UsageError(f"MemoryBudget({each.name}={count!r}): give a whole number, 0 or above.")


@dataclass(frozen=True, slots=True)
class Sort:
    """Memories of one sort, those apart that people taught.

    Attributes:
        status: None for both, in use and on trial.
        kind: None for all but values.
        family: None for any.
    """

    status: MemoryStatus | None
    kind: MemoryKind | None = None
    family: str | None = None
    taught: bool = False

    def holds(self, other: "Sort") -> bool:
        """Whether all of `other`, which leaves nothing open, is of this sort."""
        return (
            self.taught == other.taught
            and self.status in (None, other.status)
            and (other.kind != POLICY if self.kind is None else other.kind == self.kind)
            and self.family in (None, other.family)
        )

    def __str__(self) -> str:
        what = "values" if self.kind == POLICY else f"{self.kind}s" if self.kind is not None else "memories"
        where = f" of family {self.family!r}" if self.family is not None else ""
        state = {"promoted": " in use", "quarantined": " on trial"}.get(self.status or "", "")
        return f"{'taught' if self.taught else 'learned'} {what}{where}{state}"


@dataclass(frozen=True, slots=True)
class Excess:
    """A sort of which there is more than there is room for."""

    sort: Sort
    count: int
    room: int

    @property
    def over(self) -> int:
        """How many too many."""
        return self.count - self.room

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.count} {self.sort}, and room for {self.room}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a memory's worth is judged by.

    Attributes:
        last: When it was last in a prompt, or came into its status, whichever is later.
    """

    memory_id: str
    origin: Origin
    used: int
    helped: int
    last: datetime

    def worth(self, now: datetime) -> float:
        """Utility × trust × recency of use, 0 to 1."""
        utility = (self.helped + 1) / (self.used + 2)
        return utility * TRUST[self.origin] * recency(self.last, now)


def recency(last: datetime, now: datetime) -> float:
    """1 for what was used just now, half for each `HALF_LIFE` since then."""
    return float(0.5 ** (max(now - last, timedelta()) / HALF_LIFE))


def excesses(counts: Mapping[Sort, int], budget: MemoryBudget) -> tuple[Excess, ...]:
    """The sorts that are over their budget, the narrower before the wider; what people taught last."""
    families = sorted({each.family for each in counts if each.family and each.status == "promoted" and not each.taught})
    rooms: list[tuple[Sort, int]] = [(Sort(None, POLICY), budget.values), (Sort("quarantined"), budget.quarantined)]
    rooms += [(Sort("promoted", family=family), budget.family) for family in families]
    rooms += [(Sort("promoted"), budget.promoted), (Sort("promoted", taught=True), budget.taught)]
    counted = ((sort, room, sum(count for each, count in counts.items() if sort.holds(each))) for sort, room in rooms)
    return tuple(Excess(sort, count, room) for sort, room, count in counted if count > room)


def least_worth(standings: Iterable[Standing], count: int, now: datetime) -> Sequence[Standing]:
    """The `count` that are worth the least, the least first; of equals the older ones."""
    return sorted(standings, key=lambda each: (each.worth(now), each.memory_id))[:count]


def better_proven(one: Memory, other: Memory) -> bool:
    """Whether `one` has the better claim to stay of two that say the same, or the opposite.

    What a person taught comes first, then what is in use, then what is trusted more, whatever the record; then a lower bound
    of its utility decides (posterior mean less one standard deviation, so that three of three is less than thirty of
    thirty-two), and its age.
    """
    return _proof(one) > _proof(other) or (_proof(one) == _proof(other) and one.id < other.id)


def _proof(memory: Memory) -> tuple[bool, bool, float, float]:
    alpha, beta = memory.helped + 1, memory.used - memory.helped + 1
    deviation = sqrt(alpha * beta / ((alpha + beta) ** 2 * (alpha + beta + 1)))
    is_taught = memory.lesson.provenance.origin in TEACHERS
    return is_taught, memory.status == "promoted", memory.trust, memory.utility - deviation
