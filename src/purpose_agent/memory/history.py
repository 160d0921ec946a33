"""Back in time: what memory was at a moment, what changed since, and the ways to undo it.

In:  the journal; a person's wish.
Out: past states, differences, and what was done to bring them back, each change by the gate's word.

Undoing is a person's explicit act, and deletes nothing: it adds lines to the journal. A moment without a zone is local time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from purpose_agent.core.errors import GateError, UsageError
from purpose_agent.core.memory import JournalEntry, Memory, MemoryStatus, Restoration
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.journal import Past, entries, past
from purpose_agent.memory.lifecycle import TRANSITIONS
from purpose_agent.memory.store import MemoryStore
from purpose_agent.memory.undo import IN_USE, Undone, all_or_nothing, take_steps
from purpose_agent.memory.verification import verify
from purpose_agent.runtime.database import Database


@dataclass(frozen=True, slots=True)
class Difference:
    """One memory at two moments. A status is None where the memory was not there.

    Attributes:
        memory: As it was later (or earlier, if it was gone then); how often it was used is not in it.
        reworded: Its lesson is another one.
    """

    memory: Memory
    before: MemoryStatus | None
    after: MemoryStatus | None
    reworded: bool = False


class History:
    """The past of one workspace's memory. Making one touches nothing; looking creates nothing."""

    def __init__(self, db: Database, store: MemoryStore, gate: Gate) -> None:
        self._db = db
        self._store = store
        self._gate = gate

    def log(
        self, memory_id: str | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[JournalEntry, ...]:
        """What happened, oldest first."""
        return entries(self._db, memory_id=memory_id, since=since, until=until)

    def memories_at(self, moment: datetime) -> tuple[Memory, ...]:
        """All memories as they were then, in the order of their arrival; `used` and `helped` are 0: no journal has them."""
        return tuple(each.memory for each in past(self._db, moment))

    def diff(self, start: datetime, end: datetime) -> tuple[Difference, ...]:
        """What came, changed its status or its lesson, or was not there any more.

        Raises:
            UsageError: `end` is before `start`.
        """
        start, end = start.astimezone(), end.astimezone()
        if end < start:
            raise UsageError(
                f"diff goes from the earlier moment to the later one; {end.isoformat()} is before {start.isoformat()}."
            )
        before = {each.memory_id: each for each in past(self._db, start)}
        differences: list[Difference] = []
        for each in past(self._db, end):
            old = before.get(each.memory_id)
            reworded = old is not None and old.lesson != each.lesson
            if old is None or old.status != each.status or reworded:
                differences.append(Difference(each.memory, old.status if old is not None else None, each.status, reworded))
        return tuple(differences)

    def revert(self, memory_id: str) -> Memory:
        """Undo the last change of one memory, as far as the table of `lifecycle.py` has a way back.

        What arrived last is archived. What is altered in the file, or was taken in again for that, gets its former lesson.
        What took its place meanwhile, such as another rule for the same tasks, stays in use.

        Raises:
            NotFound: There is no such memory.
            GateError: There is no way back: the scan rejected it, a memory that says the same is alive, the journal is
                broken before or right after the line to go back to, …
        """
        memory = self._store.get(memory_id)
        with self._store.transaction():
            if memory_id in {card.memory_id for card in self._store.altered()}:
                then = self._store.journaled(memory_id)
                why = "what was edited in the file is undone"
            else:
                last = _last_change(self._store.journal(memory_id))
                then = next(iter(past(self._db, line=last.line - 1, memory_id=memory_id)), None)
                why = f"undone: {last.from_status} → {last.to_status}, of {last.at.isoformat(timespec='seconds')}"
            if then is None:
                if memory.status not in IN_USE:
                    raise GateError(f"Memory {memory_id} is {memory.status} since it arrived; there is nothing before that.")
                return self._gate.archive(memory, f"its arrival is undone ({memory.status})")
            self._check_chain(then.line)
            return self._brought_back(memory, then, why)

    def restore(self, moment: datetime, *, preview: bool = False) -> Undone:
        """Bring memory back to what it was at `moment`, one change and one line at a time, in one transaction.

        What came since is archived. What was rejected since comes back to quarantine at most. Between rejected and
        archived nothing is moved: both are out of use. The record of use (used, helped), runs, and the values of options
        stay as they are.

        Args:
            preview: Find out what would be done, and do nothing.

        Raises:
            GateError: The journal is broken before that moment, or right after it: what it shows is not to be believed.
        """
        return all_or_nothing(self._store, lambda: self._restored(moment), preview=preview)

    def _restored(self, moment: datetime) -> Undone:
        then = {each.memory_id: each for each in past(self._db, moment)}
        self._check_chain(max((each.line for each in then.values()), default=0))
        altered = {card.memory_id for card in self._store.altered()}
        kept = self._store.list()
        named = f"as it was at {moment.isoformat(timespec='seconds')}"
        steps: list[tuple[Memory, Past | None]] = []
        for memory in kept:
            was = then.get(memory.id)
            gone = was is None or was.status not in IN_USE
            same = was is not None and (memory.status, memory.lesson) == (was.status, was.read()) and memory.id not in altered
            if not same and not (gone and memory.status not in IN_USE):
                steps.append((memory, was))
        # What goes makes room for what comes: two memories that say the same are never alive together.
        steps.sort(key=lambda step: step[1] is not None and step[1].status in IN_USE)
        done, left = take_steps(self._store, steps, lambda memory, was: self._put_back(memory, was, named))
        ids = {memory.id for memory in kept}
        lost = [
            (each.memory, "its row is gone from the file")
            for key, each in then.items()
            if key not in ids and each.status in IN_USE
        ]
        short = [
            (memory, f"it is {memory.status} only: what was rejected since must prove itself again")
            for memory, _, _ in done
            if (was := then.get(memory.id)) is not None and was.status == "promoted" != memory.status
        ]
        return Undone(done, (*left, *lost, *short))

    def _put_back(self, memory: Memory, was: Past | None, named: str) -> tuple[Memory, str]:
        if was is None:
            return self._gate.archive(memory, f"restored {named}: it was not there"), "it was not there"
        why = f"restored {named}"
        return self._brought_back(memory, was, why), f"it was {was.status}"

    def _brought_back(self, memory: Memory, was: Past, why: str) -> Memory:
        """Give a memory the lesson and the status it had, by as many steps as the table asks for.

        Raises:
            GateError: A step is refused.
        """
        shown = self._shown(was)
        if memory.lesson != was.read() or not self._store.intact((memory.id,)):
            memory = self._gate.take_back(memory.id, was.read(), was.supersedes, shown, why)
            if memory.status == "rejected":
                return memory  # by today's scan
        if memory.status == was.status:
            return memory
        if memory.status == "rejected" or (was.status == "rejected" and memory.status != "quarantined"):
            memory = self._moved(memory, "quarantined", shown, why)
            if shown.status != "rejected":
                return memory
        return self._moved(memory, was.status, shown, why)

    def _moved(self, memory: Memory, status: MemoryStatus, shown: Restoration, why: str) -> Memory:
        if "restoration" in TRANSITIONS[memory.status].get(status, ()):
            return self._gate.restore(memory, status, shown, why)
        if status == "archived":
            return self._gate.archive(memory, why)
        return self._gate.quarantine(memory, why)

    def _shown(self, was: Past) -> Restoration:
        """The line that shows the status; where that was a restoration itself, the line that it rests on."""
        line = next(entry for entry in self._store.journal(was.memory_id) if entry.line == was.line)
        if isinstance(line.evidence, Restoration) and line.evidence.status == was.status:
            return line.evidence
        return Restoration(was.memory_id, line.line, line.at, line.to_status)

    def _check_chain(self, line: int) -> None:
        """Pass silently if the journal can be believed up to that line."""
        broken = verify(self._db).broken
        following = self._db.rows("SELECT min(id) FROM journal WHERE id > ?", (line,))[0][0]
        # A line that is missing after this one shows in the next one that is there.
        if broken is not None and (broken <= line or broken == following):
            raise GateError(
                f"The journal does not hold together from line {broken} on, so what it shows is not restored. "
                "`purpose-agent memories verify` tells more; `memories archive` and `memories forget` work without it."
            )


def _last_change(journal: Sequence[JournalEntry]) -> JournalEntry:
    """The newest line that changed something; of a memory that began anew, the one that made it a candidate."""
    changes = [entry for entry in journal if entry.from_status != entry.to_status]
    last = changes[-1]
    return changes[-2] if last.from_status == "candidate" and len(changes) > 1 else last
