"""A process that does nothing but change memories, and says of each change that it was made, after the call returned.

In:  a workspace's folder, a name for the process, chance.
Out: acknowledgements, one a line.

All kinds of change are made: lessons are admitted, revised, taught; trials are reported that help, harm or decide nothing;
memories are archived, put on trial again, and a person undoes one change, or all of the last moments. Several processes
on one folder admit the same lessons and take their memories from the same few newest ones, so they get into each other's
way; whoever comes second is refused with a `GateError`, which is counted. The reports are made up: whether a trial is
right is measured elsewhere.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.children import READY
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.core.errors import GateError
from purpose_agent.core.memory import Lesson, Memory, MemoryStatus, Pair, Provenance, Scope, TrialReport
from purpose_agent.learning.trial import report_on
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.history import History
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.database import Database

NEWEST = 6
"""Of so many memories of a status one is taken: few, so that two processes often want the same."""
MANY = 40
"""Wins that are enough for a promotion, wherever the memory stands in the row of trials."""
LONGEST_BACK_SECONDS = 0.1
REFUSED, DONE = b"refused", b"done"


@dataclass(frozen=True, slots=True)
class Told:
    """An acknowledged change.

    Attributes:
        version: Of the memory after it; it counts changes of status, so a later change can't hide that this one is missing.
        mark: A word that must be in the memory's journal: of a report, or of a remark; "" for none.
    """

    memory_id: str
    version: int
    status: MemoryStatus
    mark: str = ""

    def line(self) -> bytes:
        """As it is said."""
        return json.dumps(asdict(self)).encode()


def told(line: bytes) -> Told:
    """As it was heard."""
    return Told(**json.loads(line))


class Worker:
    """One process's hands at the gate.

    Args:
        name: Its own; in every report and remark it makes.
        edition: Lessons of one edition are the same for all processes.
    """

    def __init__(self, folder: Path, name: str, edition: str, chance: random.Random) -> None:
        self._db = Database(folder / DATABASE)
        self._store = MemoryStore(self._db, SystemClock())
        self._gate = Gate(self._store, SystemClock())
        self._history = History(self._db, self._store, self._gate)
        self._name, self._edition, self._chance = name, edition, chance
        self._lessons = 0
        self._marks = 0
        self._acts: Sequence[tuple[float, Callable[[], Sequence[Told]]]] = (
            (6, self._admit),
            (2, self._revise),
            (1, self._teach),
            (5, self._help),
            (2, self._harm),
            (2, self._undecided),
            (1, self._remark),
            (2, self._archive),
            (2, self._try_again),
            (1, self._revert),
            (0.3, self._restore),
        )

    def act(self) -> Sequence[Told]:
        """One change, or those of one transaction; () if there is nothing to be changed that way.

        Raises:
            GateError: Somebody else was quicker.
        """
        weights, acts = zip(*self._acts, strict=True)
        (act,) = self._chance.choices(acts, weights)
        return act()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _admit(self) -> Sequence[Told]:
        self._lessons += 1
        # Every lesson twice: the second time the gate is to give back the memory that says the same.
        return _of(self._gate.admit(self._lesson(self._lessons // 2)))

    def _revise(self) -> Sequence[Told]:
        memory = self._one_of("promoted")
        if memory is None:
            return ()
        self._lessons += 1
        revision = self._lesson(self._lessons, f"and not as {memory.id} says")
        return _of(self._gate.admit(revision, supersedes=memory.id))

    def _teach(self) -> Sequence[Told]:
        waiting = self._one_of("quarantined")
        # In half of the cases a person says what waits in quarantine, which then makes way.
        lesson = waiting.lesson if waiting is not None and self._chance.random() < 0.5 else self._lesson(-self._lessons)
        return _of(self._gate.teach(replace(lesson, provenance=Provenance("user"))))

    def _help(self) -> Sequence[Told]:
        return self._decide(self._gate.promote, wins=MANY, losses=0)

    def _harm(self) -> Sequence[Told]:
        return self._decide(self._gate.reject, wins=0, losses=MANY)

    def _undecided(self) -> Sequence[Told]:
        return self._decide(self._gate.note, wins=1, losses=1)

    def _remark(self) -> Sequence[Told]:
        memory = self._one_of("quarantined", "promoted")
        if memory is None:
            return ()
        mark = self._mark()
        self._gate.remark(memory, mark, actor="durability")
        # The status may have changed since it was read; the remark stands all the same.
        return (Told(memory.id, memory.version, memory.status, mark),)

    def _archive(self) -> Sequence[Told]:
        memory = self._one_of("quarantined", "promoted")
        return () if memory is None else _of(self._gate.archive(memory, "out of use for a while", actor="durability"))

    def _try_again(self) -> Sequence[Told]:
        memory = self._one_of("promoted", "archived")
        return () if memory is None else _of(self._gate.quarantine(memory, "on trial again", actor="durability"))

    def _revert(self) -> Sequence[Told]:
        memory = self._one_of("promoted", "archived", "rejected")
        return () if memory is None else _of(self._history.revert(memory.id))

    def _restore(self) -> Sequence[Told]:
        moment = SystemClock().now() - timedelta(seconds=self._chance.uniform(0, LONGEST_BACK_SECONDS))
        return [each for memory, _, _ in self._history.restore(moment).done for each in _of(memory)]

    def _decide(self, decide: Callable[[Memory, TrialReport], Memory], *, wins: int, losses: int) -> Sequence[Told]:
        memory = self._one_of("quarantined")
        if memory is None:
            return ()
        mark = self._mark()
        alpha = self._gate.allowance(memory)
        return _of(decide(memory, made_up(memory.id, mark, alpha, wins=wins, losses=losses)), mark)

    def _one_of(self, *statuses: MemoryStatus) -> Memory | None:
        status = self._chance.choice(statuses)
        newest = self._store.list(status)[-NEWEST:]
        return self._chance.choice(newest) if newest else None

    def _lesson(self, number: int, more: str = "") -> Lesson:
        then = " ".join(f"take way {number} {more}".split())
        about = Scope(("porter",), (f"doors of house {self._edition}",))
        return Lesson("skill_card", "a door has no sign", then, Provenance("self_verified", agent="porter"), about)

    def _mark(self) -> str:
        self._marks += 1
        return f"{self._name}/{self._marks};"


def made_up(memory_id: str, mark: str, alpha: float, *, wins: int, losses: int) -> TrialReport:
    """A report of pairs that nobody ran; `mark` is in the names of their runs."""
    pairs = [
        Pair(f"task {number}", number, number < wins, number >= wins, f"{mark} with {number}", f"{mark} without {number}")
        for number in range(wins + losses)
    ]
    return report_on(memory_id, pairs, alpha=alpha, tokens=0)


def work_until_killed(folder: Path, name: str, seed: str, mouth: Connection) -> None:
    """Change memories without end."""
    worker = Worker(folder, name, name, random.Random(seed))
    mouth.send_bytes(READY)
    while True:
        _say(worker, mouth)


def work_for_a_while(folder: Path, name: str, seed: str, acts: int, mouth: Connection) -> None:
    """Make so many attempts at a change, beginning when the others do."""
    worker = Worker(folder, name, "all", random.Random(seed))
    mouth.send_bytes(READY)
    mouth.recv_bytes()
    for _ in range(acts):
        _say(worker, mouth)
    worker.close()
    mouth.send_bytes(DONE)


def _say(worker: Worker, mouth: Connection) -> None:
    try:
        changes = worker.act()
    except GateError:
        mouth.send_bytes(REFUSED)
        return
    for change in changes:
        mouth.send_bytes(change.line())


def _of(memory: Memory, mark: str = "") -> tuple[Told]:
    return (Told(memory.id, memory.version, memory.status, mark),)
