"""Keeps memory within its budget: what is worth least hibernates, what says the same is merged, what contradicts is tried.

In:  the memories, the journal since the last look, a budget.
Out: changes through the gate, each with its reason in the journal; what only a person can decide is named.

Nothing is deleted: what hibernates is archived, stays searchable, and comes back through quarantine. What a person taught is
never touched: it is named. Each look takes bounded time; what it leaves is done at the next one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from purpose_agent.core.errors import GateError
from purpose_agent.core.memory import CALIBRATION, JournalEntry, Memory
from purpose_agent.core.origin import OWN, TEACHERS
from purpose_agent.core.ports import Clock
from purpose_agent.memory.budget import Excess, MemoryBudget, Sort, better_proven, excesses, least_worth
from purpose_agent.memory.census import Census, sort_of
from purpose_agent.memory.contradiction import contradict
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.sameness import say_the_same
from purpose_agent.runtime.database import Database

ACTOR = "homeostasis"
MOST_NAMED = 10
MOST_COMPARISONS = 2_000
"""Of pairs of memories in one look; it goes on from there at the next one."""
MOST_CHANGES = 100
"""Memories that are put away, merged or sent to trial in one look."""
NEWCOMERS = 500
"""Of so many at most the neighbours are looked up in one look."""


class Memories(Protocol):
    """Reads memories."""

    def get(self, memory_id: str) -> Memory:
        """The memory with that id."""
        ...

    def journal(self, memory_id: str) -> Sequence[JournalEntry]:
        """What happened to a memory, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What one look after the memories did.

    Attributes:
        hibernated: Archived, each with the reason.
        merged: Which stayed, and which one that says the same was archived.
        contested: Which memory is on trial now, and which better proven one it contradicts.
        named: Memories that people taught and that a person has to decide about, each with the reason.
        left: There is more to do, at the next look.
    """

    hibernated: tuple[tuple[Memory, str], ...] = ()
    merged: tuple[tuple[Memory, Memory], ...] = ()
    contested: tuple[tuple[Memory, Memory], ...] = ()
    named: tuple[tuple[Memory, str], ...] = ()
    left: bool = False


@dataclass(slots=True)
class _Look:
    """One look, while it goes on."""

    hibernated: list[tuple[Memory, str]] = field(default_factory=list[tuple[Memory, str]])
    merged: list[tuple[Memory, Memory]] = field(default_factory=list[tuple[Memory, Memory]])
    contested: list[tuple[Memory, Memory]] = field(default_factory=list[tuple[Memory, Memory]])
    named: list[tuple[Memory, str]] = field(default_factory=list[tuple[Memory, str]])
    left: bool = False

    @property
    def has_room(self) -> bool:
        return len(self.hibernated) + len(self.merged) + len(self.contested) < MOST_CHANGES


class Homeostasis:
    """Looks after the memories of one workspace."""

    def __init__(self, db: Database, memories: Memories, gate: Gate, clock: Clock, budget: MemoryBudget) -> None:
        self._db = db
        self._memories = memories
        self._gate = gate
        self._clock = clock
        self.budget = budget
        self._census = Census(db)

    def keep(self) -> Upkeep:
        """One look. It does nothing in a workspace without a file."""
        look = _Look()
        if self._db.exists:
            self._compare(look)
            self._put_idle_away(look)
            self._keep_to_budget(look)
        return Upkeep(tuple(look.hibernated), tuple(look.merged), tuple(look.contested), tuple(look.named), look.left)

    def _compare(self, look: _Look) -> None:
        """Each memory that came since the last look, with those that could say the same or the opposite."""
        newcomers, covered = self._census.newcomers(NEWCOMERS)
        look.left = len(newcomers) == NEWCOMERS
        done, comparisons = 0, MOST_COMPARISONS
        seen, pairs = set[str](), set[frozenset[str]]()
        for line, memory in newcomers:
            if comparisons <= 0 or not look.has_room:
                look.left, covered = True, done
                break
            done = line
            if memory.id in seen:
                continue  # it came into quarantine, and then into use
            seen.add(memory.id)
            memory = self._memories.get(memory.id)
            if memory.status not in ("quarantined", "promoted"):
                continue  # put away in this look
            for other in self._census.neighbours(memory):
                if frozenset((memory.id, other.id)) in pairs:
                    continue
                pairs.add(frozenset((memory.id, other.id)))
                comparisons -= 1
                if not self._compared(memory, other, look):
                    break
        if covered:
            self._census.looked_up_to(covered)

    def _compared(self, memory: Memory, other: Memory, look: _Look) -> bool:
        """Whether `memory` is still there, as it was."""
        if _are_related(memory, other):
            return True
        better, worse = (memory, other) if better_proven(memory, other) else (other, memory)
        try:
            if say_the_same(memory.lesson, other.lesson):
                self._merge(better, worse, look)
            elif contradict(memory.lesson, other.lesson):
                self._contest(better, worse, look)
            else:
                return True
        except GateError:
            look.left = True  # somebody else changed one of them meanwhile, or edited it: another time
            return True
        now = self._memories.get(memory.id)
        return (now.status, now.version) == (memory.status, memory.version)

    def _merge(self, better: Memory, worse: Memory, look: _Look) -> None:
        if _is_own(worse) and not _is_own(better):
            return  # somebody else's word takes no place of what the agents found themselves
        if _is_taught(worse):
            look.named += [(worse, f"says the same as {better.id}, which was taught too")]
            return
        with self._db.write(learns=True):
            archived = self._gate.archive(worse, f"merged into {better.id}, which says the same", actor=ACTOR)
            used, helped = self._census.pool(better, worse)
            pooled = f"; {used} uses of it in other runs are added, {helped} of them helped" if used else ""
            self._gate.remark(better, f"{worse.id} says the same and was merged into it{pooled}", actor=ACTOR)
        look.merged.append((self._memories.get(better.id), archived))

    def _contest(self, better: Memory, worse: Memory, look: _Look) -> None:
        """Let the less proven one begin anew, tried against the other; what only a person can decide is named."""
        if _is_taught(worse):
            look.named.append((worse, f"contradicts {better.id}, which was taught too"))
            return
        if better.status != "promoted" or (worse.supersedes is not None and worse.status == "quarantined"):
            return  # both are on trial, or it is tried against another one: who is right is not known yet
        if self._was_contested(worse, better):
            if worse.status == "promoted":
                look.named.append((worse, f"contradicts {better.id}, and passed its trial beside it"))
            return
        if worse.status == "promoted":
            # Tried beside the other, and without its place to take: it keeps its id, its record and what it revises.
            told = f"contradicts {better.id}, which {'a person taught' if _is_taught(better) else 'is better proven'}"
            look.contested.append((self._gate.quarantine(worse, told, actor=ACTOR), better))
            return
        if _is_taught(better):
            return  # a trial may not put away what a person taught
        with self._db.write(learns=True):
            told = f"contradicts {better.id}, which is better proven: begins anew, tried against it"
            self._gate.archive(worse, told, actor=ACTOR)
            again = self._gate.admit(worse.lesson, supersedes=better.id)
            self._gate.remark(again, f"was {worse.id}; contradicts {better.id}", actor=ACTOR)
        look.contested.append((again, better))

    def _was_contested(self, worse: Memory, better: Memory) -> bool:
        """Whether it was sent back to quarantine for that contradiction before."""
        return any(
            entry.actor == ACTOR and entry.to_status == "quarantined" != entry.from_status and better.id in entry.why
            for entry in self._memories.journal(worse.id)
        )

    def _put_idle_away(self, look: _Look) -> None:
        if not self.budget.idle_runs:
            return
        for memory in self._census.idle(self.budget.idle_runs):
            if memory.lesson.kind == CALIBRATION:
                continue  # its use is in the critic's prompt, which no run counts
            if not look.has_room:
                look.left = True
                return
            self._hibernate(memory, f"in none of the last {self.budget.idle_runs} runs that could have had it", look)

    def _keep_to_budget(self, look: _Look) -> None:
        """One sort after the other, the narrower first: what leaves a family leaves the whole, too."""
        counts, seen = dict(self._census.counts()), set[Sort]()
        while fresh := [each for each in excesses(counts, self.budget) if each.sort not in seen]:
            excess = fresh[0]
            seen.add(excess.sort)
            if excess.sort.taught:
                self._name(excess, look)
                continue
            for memory in self._trimmed(excess, look):
                counts[sort_of(memory)] -= 1

    def _trimmed(self, excess: Excess, look: _Look) -> Iterator[Memory]:
        """Put away what is too much of one sort, as far as there is room for changes; each as it was."""
        if not look.has_room:
            look.left = True
            return
        now = self._clock.now()
        for standing in least_worth(self._census.standings(excess.sort), excess.over, now):
            if not look.has_room:
                look.left = True
                return
            why = f"there are {excess.text}; this one is worth least, {standing.worth(now):.3f} (utility × trust × recency of use)"
            memory = self._memories.get(standing.memory_id)
            if self._hibernate(memory, why, look):
                yield memory

    def _name(self, excess: Excess, look: _Look) -> None:
        for standing in least_worth(self._census.standings(excess.sort), min(excess.over, MOST_NAMED), self._clock.now()):
            look.named.append((self._memories.get(standing.memory_id), f"there are {excess.text}"))

    def _hibernate(self, memory: Memory, why: str, look: _Look) -> bool:
        if _is_taught(memory):
            return False  # by its lesson, whatever the columns say that it was found by
        try:
            look.hibernated.append((self._gate.archive(memory, f"hibernates: {why}", actor=ACTOR), why))
        except GateError:
            look.left = True  # as in `_compared`
            return False
        return True


def _is_taught(memory: Memory) -> bool:
    return memory.lesson.provenance.origin in TEACHERS


def _is_own(memory: Memory) -> bool:
    return memory.lesson.provenance.origin in OWN


def _are_related(one: Memory, other: Memory) -> bool:
    """One is there to take the place of the other, or was made of it."""
    return (
        one.supersedes == other.id
        or other.supersedes == one.id
        or one.id in other.lesson.provenance.parents
        or other.id in one.lesson.provenance.parents
    )
