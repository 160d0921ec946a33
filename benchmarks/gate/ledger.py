"""Whether a workspace holds what was acknowledged, and whether its memories have a history that may be.

In:  a workspace's folder, and what processes said they had changed.
Out: the changes that are missing; the faults, in words.

What is looked for: a status that the journal doesn't end with; a way through the statuses that the table in
`memory/lifecycle.py` doesn't have; a memory promoted twice in one stay in quarantine, by two reports, or by a report that
decided before; a promotion without its account in `memory/trials.py`, or the other way round; half of a change that is
one whole; a broken chain; a damaged file. Read from the file, not through the
store, which is under test.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gate.work import Told
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.memory.lifecycle import TRANSITIONS
from purpose_agent.memory.verification import verify
from purpose_agent.runtime.database import Database


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal."""

    number: int
    memory_id: str
    before: str
    after: str
    why: str
    evidence: str

    @property
    def changes(self) -> bool:
        """It is no mere remark."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Kept:
    """A memory as its row has it."""

    status: str
    version: int
    supersedes: str | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A workspace's memories and their journal, oldest line first, at one moment.

    Attributes:
        paid: The memory and the version of each stay in quarantine whose account was closed by a promotion.
        damage: What SQLite and the chain of the journal say against the file.
    """

    memories: dict[str, Kept]
    lines: tuple[Line, ...]
    paid: frozenset[tuple[str, int]] = frozenset()
    damage: tuple[str, ...] = ()

    def missing(self, acknowledged: Iterable[Told]) -> Iterator[Told]:
        """Those that are not there as they were told."""
        histories = self._histories()
        for told in acknowledged:
            lines = histories.get(told.memory_id, [])
            changes = [line for line in lines if line.changes]
            is_there = told.memory_id in self.memories and len(changes) >= told.version
            if not is_there or changes[told.version - 1].after != told.status or not _has(lines, told.mark):
                yield told

    def faults(self) -> Iterator[str]:
        """What can't be, line by line."""
        yield from self.damage
        histories = self._histories()
        for id in histories.keys() - self.memories.keys():
            yield f"{id} has a journal and no row"
        for id, kept in self.memories.items():
            yield from _faults_of(id, kept, histories.get(id, []))
        promoted = {stay for id, lines in histories.items() for stay in _promotions(id, lines)}
        yield from (f"{id} was promoted at version {version} past its account" for id, version in promoted - self.paid)
        yield from (
            f"{id} has an account that was closed at version {version} by no promotion" for id, version in self.paid - promoted
        )
        yield from self._halves()

    def _histories(self) -> dict[str, list[Line]]:
        histories: defaultdict[str, list[Line]] = defaultdict(list)
        for line in self.lines:
            histories[line.memory_id].append(line)
        return histories

    def _halves(self) -> Iterator[str]:
        """Changes that are one transaction and of which only the beginning is there."""
        status: dict[str, str] = {}
        for line, following in zip(self.lines, (*self.lines[1:], None), strict=False):
            status[line.memory_id] = line.after
            if line.after == "candidate" and (following is None or following.memory_id != line.memory_id):
                yield f"{line.memory_id} came in and was not examined"
            revised = self.memories[line.memory_id].supersedes if line.memory_id in self.memories else None
            by_trial = line.changes and line.after == "promoted" and _report_in(line) is not None
            stayed = by_trial and revised is not None and status.get(revised) in ("promoted", "quarantined")
            if stayed and (following is None or (following.memory_id, following.after) != (revised, "archived")):
                yield f"{line.memory_id} was promoted and {revised}, which it revises, stayed in use"


def ledger_of(folder: Path) -> Ledger:
    """What is in the file now, opened as any process opens it; nothing if there is no file."""
    db = Database(folder / DATABASE)
    try:
        memories = {
            id: Kept(status, version, supersedes)
            for id, status, version, supersedes in db.rows("SELECT id, status, version, supersedes FROM memories")
        }
        lines = db.rows("SELECT id, memory_id, from_status, to_status, why, coalesce(evidence, '') FROM journal ORDER BY id")
        paid = db.rows("SELECT memory_id, version FROM trials WHERE promotion IS NOT NULL")
        return Ledger(
            memories, tuple(Line(*line) for line in lines), frozenset((id, version) for id, version in paid), tuple(_damage(db))
        )
    finally:
        db.close()


def _damage(db: Database) -> Iterator[str]:
    if db.exists and (said := db.rows("PRAGMA quick_check")) != [("ok",)]:
        yield f"the file is damaged: {said[0][0]}"
    chain = verify(db)
    if chain.broken is not None:
        yield f"the journal's chain is broken at line {chain.broken}"
    yield from (f"{id} is not as its last line left it" for id in chain.altered)
    yield from (f"{id} has lines in the journal and is gone" for id in chain.lost)


def _faults_of(id: str, kept: Kept, lines: Sequence[Line]) -> Iterator[str]:
    changes = [line for line in lines if line.changes]
    if not changes or (changes[-1].after, len(changes)) != (kept.status, kept.version):
        told = f"{changes[-1].after} after {len(changes)} changes" if changes else "nothing"
        yield f"{id} is {kept.status} at version {kept.version}, and its journal says {told}"
    status = ""
    for line in lines:
        if line.before != status and line.changes:
            yield f"{id} went from {line.before or 'nowhere'} to {line.after} when it was {status or 'not there'}"
        elif line.changes and not _is_allowed(line):
            yield f"{id} went from {line.before or 'nowhere'} to {line.after}, which the table does not have"
        status = line.after
    used: set[str] = set()
    for line in changes:
        report = _report_in(line)
        if line.before == "quarantined" and line.after == "promoted" and not line.evidence:
            yield f"{id} was promoted on no evidence"
        if report is not None and report in used:
            yield f"one report on {id} decided twice"
        used |= {report} if report is not None else set()


def _promotions(id: str, lines: Sequence[Line]) -> Iterator[tuple[str, int]]:
    """The stays in quarantine that a trial's report ended with a promotion; a stay has the version that it began with."""
    changes = [line for line in lines if line.changes]
    for version, line in enumerate(changes):
        if line.after == "promoted" and _report_in(line) is not None:
            yield id, version


def _is_allowed(line: Line) -> bool:
    if line.before == "":
        return line.after == "candidate"
    return line.after in {to for before, follow in TRANSITIONS.items() if before == line.before for to in follow}


def _report_in(line: Line) -> str | None:
    """The runs of the report that the line rests on; None if it rests on something else."""
    evidence: dict[str, object] = json.loads(line.evidence) if line.evidence else {}
    return json.dumps(evidence["pairs"]) if "pairs" in evidence else None


def _has(lines: Sequence[Line], mark: str) -> bool:
    return any(mark in line.why or mark in line.evidence for line in lines)
