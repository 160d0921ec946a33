"""Out of use with what came from a place, and with what was made of it.

In:  an origin, a run, a source or a moment.
Out: archived memories, each by the gate's word; episodes that teach no more. Nothing is deleted.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import Memory
from purpose_agent.core.origin import TRUST, Origin
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.replay import Replay
from purpose_agent.memory.store import MemoryStore
from purpose_agent.memory.undo import IN_USE, Undone, all_or_nothing, take_steps
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.taints import runs_that_read


@dataclass(frozen=True, slots=True)
class Place:
    """Where something came from; None is anywhere. All that is given must hold.

    Attributes:
        run: It came from that run, or from a comparison with it.
        source: How the name of its tool, page, document or peer begins, such as "https://example.org/".
        since: It arrived then, or later; local time, unless it has a zone.
    """

    origin: Origin | None = None
    run: str | None = None
    source: str | None = None
    since: datetime | None = None

    def has(self, memory: Memory, readers: Collection[str] = ()) -> bool:
        """It came from there.

        Args:
            readers: Runs that read something of that origin and source: what they brought came from there too, though a
                memory names only one of all that its run had read.
        """
        came = memory.lesson.provenance
        named = (self.origin is None or came.origin == self.origin) and (
            self.source is None or came.source.startswith(self.source)
        )
        return (
            (named or came.run_id in readers or came.beside in readers)
            and (self.run is None or self.run in (came.run_id, came.beside))
            and (self.since is None or memory.created_at >= self.since.astimezone())
        )

    @property
    def conditions(self) -> tuple[str, ...]:
        """In words."""
        since = self.since.isoformat(timespec="minutes") if self.since is not None else None
        named = (("origin", self.origin), ("run", self.run), ("source", self.source), ("since", since))
        return tuple(f"{name} {value}" for name, value in named if value is not None)


class Forgetting:
    """Forgets what came from a place. Making one touches nothing."""

    def __init__(self, db: Database, store: MemoryStore, gate: Gate, replay: Replay) -> None:
        self._db = db
        self._store = store
        self._gate = gate
        self._replay = replay

    def forget(self, place: Place, *, preview: bool = False) -> Undone:
        """Archive what came from there and what was made of it; one transaction.

        From there is what names it, and what is of a run that read it among other things. Followed from there: lessons of
        the same runs as what matches, lessons that a comparison with such a run brought (`provenance.beside`), and what
        was made of any of these (`provenance.parents`), at any depth. Not followed: what an agent did or learned because
        it had such a memory in its prompt, other than that. Episodes of those runs teach no more, and values of options
        are learned anew without them; with an origin alone, so with all episodes of that origin. What is forgotten can be
        learned again, from the same place too, by way of quarantine.

        Args:
            preview: Find out what would be done, and do nothing.

        Raises:
            UsageError: No condition is given, or an origin that doesn't exist.
        """
        if not any(place.conditions) or place.source == "":
            raise UsageError("forget() would forget everything; say from which origin, run or source, or since when.")
        if place.origin is not None and place.origin not in TRUST:
            raise UsageError(f"There is no origin {place.origin!r}; there are: {', '.join(TRUST)}.")
        return all_or_nothing(self._store, lambda: self._forgotten(place), preview=preview)

    def _forgotten(self, place: Place) -> Undone:
        memories, told = self._store.list(), ", ".join(place.conditions)
        readers = self._readers(place)
        matching = [memory for memory in memories if place.has(memory, readers)]
        reasons = {memory.id: f"forgotten: {told}" for memory in matching}
        # A lesson that a comparison with the run brought is of another run, whose other lessons are its own.
        runs = {place.run or _run_of(memory, readers) for memory in matching} - {""}
        for memory in memories:
            if not runs.isdisjoint((memory.lesson.provenance.run_id, memory.lesson.provenance.beside)):
                reasons.setdefault(memory.id, f"forgotten with {told}: of a run of theirs")
        while made_of_them := [memory.id for memory in memories if memory.id not in reasons and _is_made_of(memory, reasons)]:
            reasons |= dict.fromkeys(made_of_them, f"forgotten with {told}: made of what was")
        steps = [(memory, reasons[memory.id]) for memory in memories if memory.id in reasons and memory.status in IN_USE]
        done, left = take_steps(self._store, steps, lambda memory, why: (self._gate.archive(memory, why), why))
        # A single condition speaks of episodes too, whatever lessons there are.
        alone = len(place.conditions) == 1
        episodes = self._replay.forget(runs | {place.run} if alone and place.run else runs, place.origin if alone else None)
        return Undone(done, left, episodes)

    def _readers(self, place: Place) -> frozenset[str]:
        if place.origin is None and place.source is None:
            return frozenset()
        return runs_that_read(self._db, origin=place.origin, source=place.source)


def _run_of(memory: Memory, readers: Collection[str]) -> str:
    """The run that it came from a place by."""
    came = memory.lesson.provenance
    return came.beside if came.beside in readers and came.run_id not in readers else came.run_id


def _is_made_of(memory: Memory, parents: dict[str, str]) -> bool:
    return not parents.keys().isdisjoint(memory.lesson.provenance.parents)
