"""The only door into memory.

In:  lesson drafts from `learning`, teachings from people, reports of trials.
Out: memories whose status only this file may change.

A memory reaches a prompt after four steps: scan, quarantine, trial, promotion. Promotion takes the trial's report
as an argument, so it can't be skipped. What a person teaches is scanned and then used at once: it is their word,
and the journal says so.
"""

from dataclasses import replace

from purpose_agent.core.errors import GateError
from purpose_agent.core.ids import IdSource, new_id
from purpose_agent.core.memory import Lesson, Memory, ScanReport, TrialReport
from purpose_agent.core.origin import TEACHERS
from purpose_agent.core.ports import Clock
from purpose_agent.memory.scanners import redacted, repaired, scan
from purpose_agent.memory.store import MemoryStore


class Gate:
    """Admits, promotes, rejects. Each call is one transaction: the status and its line in the journal, or neither."""

    def __init__(self, store: MemoryStore, clock: Clock, ids: IdSource = new_id) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    def admit(self, lesson: Lesson, run_id: str = "", *, supersedes: str | None = None) -> Memory:
        """Scan a lesson and put it in quarantine, or reject it.

        Args:
            run_id: The run it was drawn from; its provenance's by default.
            supersedes: The memory it is a revision of; that one leaves use when this one is promoted.

        A lesson that says what a living memory says returns that memory; one that says what was rejected before
        returns the rejected one, so that a bad lesson isn't tried again each time it is drawn. A rejected lesson's
        secrets are replaced before anything is stored.
        """
        lesson, report = _examined(lesson)
        run_id = run_id or lesson.provenance.run_id
        with self._store.transaction():
            known = self._store.find_same(lesson, ("candidate", "quarantined", "promoted", "rejected"))
            if known is not None:
                return known
            candidate = replace(self._candidate(lesson), supersedes=supersedes)
            memory = self._store.insert(candidate, actor="gate", why="drawn from a run", run_id=run_id)
            if report.clean:
                return self._store.change(memory, "quarantined", actor="gate", why="scan clean", evidence=report, run_id=run_id)
            return self._store.change(memory, "rejected", actor="gate", why=_reasons(report), evidence=report, run_id=run_id)

    def teach(self, lesson: Lesson) -> Memory:
        """Scan what a person teaches, and promote it at once; rejected if the scan blocks it, with the findings in the journal.

        It takes the place of a living memory that says the same on less authority.

        Raises:
            GateError: The lesson's origin is neither user nor operator.
        """
        origin = lesson.provenance.origin
        if origin not in TEACHERS:
            raise GateError(f"A lesson from {origin!r} can't be taught; use admit. Teaching is for a user or the operator.")
        lesson, report = _examined(lesson)
        with self._store.transaction():
            known = self._store.find_same(lesson, ("candidate", "quarantined", "promoted")) if report.clean else None
            if known is not None and known.status == "promoted" and known.lesson.provenance.origin in TEACHERS:
                return known
            memory = self._candidate(lesson)
            if known is not None:
                self._store.change(known, "archived", actor="person", why=f"taught by the {origin}, as {memory.id}")
                memory = replace(memory, supersedes=known.id)
            memory = self._store.insert(memory, actor="person", why="taught")
            if report.clean:
                return self._store.change(memory, "promoted", actor="person", why="taught", evidence=report)
            return self._store.change(memory, "rejected", actor="gate", why=_reasons(report), evidence=report)

    def promote(self, memory: Memory, report: TrialReport) -> Memory:
        """Put a quarantined memory into use, on the strength of `report`; the one it revises leaves use with the same stroke.

        Raises:
            NotQuarantined: `memory` has any other status.
            TrialInconclusive: The report doesn't show that it helps, or is about another memory.
            GateError: Somebody else changed it meanwhile.
        """
        with self._store.transaction():
            promoted = self._store.change(memory, "promoted", actor="trial", why=_outcome(report), evidence=report)
            revised = self._store.find(memory.supersedes) if memory.supersedes is not None else None
            if revised is not None and revised.status in ("promoted", "quarantined"):
                self._store.change(revised, "archived", actor="trial", why=f"superseded by {memory.id}")
            return promoted

    def reject(self, memory: Memory, report: TrialReport) -> Memory:
        """Reject a quarantined memory for good, on the strength of `report`.

        Raises:
            NotQuarantined: `memory` has any other status.
            TrialInconclusive: The report doesn't show that it harms, or is about another memory.
            GateError: Somebody else changed it meanwhile.
        """
        return self._store.change(memory, "rejected", actor="trial", why=_outcome(report), evidence=report)

    def note(self, memory: Memory, report: TrialReport) -> Memory:
        """Keep a report that decides nothing in the journal; the status stays.

        Raises:
            GateError: The report is about another memory.
        """
        if report.memory_id != memory.id:
            raise GateError(f"The report is about memory {report.memory_id}, not about {memory.id}.")
        with self._store.transaction():
            self._store.remark(memory, actor="trial", why=_outcome(report), evidence=report)
            return self._store.get(memory.id)

    def remark(self, memory: Memory, why: str, *, actor: str, run_id: str = "") -> None:
        """Write something about a memory into its journal, such as a run that teaches the same; the status stays.

        Raises:
            NotFound: There is no such memory.
        """
        self._store.remark(memory, actor=actor, why=why, run_id=run_id)

    def archive(self, memory: Memory, why: str, *, actor: str = "person") -> Memory:
        """Take a quarantined or promoted memory out of use; it can come back through quarantine.

        Raises:
            GateError: It has another status, `why` is empty, or somebody else changed it meanwhile.
        """
        return self._store.change(memory, "archived", actor=actor, why=why)

    def quarantine(self, memory: Memory, why: str, *, actor: str = "person") -> Memory:
        """Put a promoted or archived memory on trial again.

        Raises:
            GateError: It has another status, `why` is empty, a memory that says the same is alive, or somebody else
                changed it meanwhile.
        """
        # A candidate enters quarantine by its scan alone: `admit` does that.
        return self._store.change(memory, "quarantined", actor=actor, why=why)

    def _candidate(self, lesson: Lesson) -> Memory:
        return Memory(id=self._ids("mem"), lesson=lesson, status="candidate", created_at=self._clock.now())


def _examined(lesson: Lesson) -> tuple[Lesson, ScanReport]:
    """The lesson as it may be stored, and what the scanners saw in it."""
    lesson = repaired(lesson)
    report = scan(lesson)
    return (lesson if report.clean else redacted(lesson)), report


def _reasons(report: ScanReport) -> str:
    return "blocked: " + ", ".join(f"{found.threat} ({found.rule})" for found in report.findings if found.severity == "block")


def _outcome(report: TrialReport) -> str:
    verdict = "helps" if report.helps else "harms" if report.harms else "undecided"
    return (
        f"trial: {verdict}, {report.wins} wins and {report.losses} losses in {len(report.pairs)} pairs on {report.tasks} tasks"
    )
