"""The only door into memory.

In:  lesson drafts from `learning`, teachings from people, reports of trials; memories that were edited in the file.
Out: memories whose status only this file may change.

A memory reaches a prompt after four steps: scan, quarantine, trial, promotion. Promotion takes the trial's report
as an argument, so it can't be skipped. What a person teaches is scanned and then used at once: it is their word,
and the journal says so. What somebody wrote into the file comes in by this door too, as an import (`readmit`).
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from purpose_agent.core.codec import from_json
from purpose_agent.core.errors import GateError, NotQuarantined, TrialInconclusive
from purpose_agent.core.ids import IdSource, new_id
from purpose_agent.core.memory import (
    Alteration,
    ExposureReport,
    JournalEntry,
    Lesson,
    Memory,
    MemoryStatus,
    Provenance,
    Restoration,
    Revision,
    ScanReport,
    TrialReport,
)
from purpose_agent.core.origin import AUTHORITY, TEACHERS, lowest
from purpose_agent.core.ports import Clock
from purpose_agent.memory.authority import beyond_its_origin
from purpose_agent.memory.fingerprint import fingerprint
from purpose_agent.memory.journal import Card, Past
from purpose_agent.memory.retaking import Retaking
from purpose_agent.memory.scanners import redacted, repaired, scan
from purpose_agent.memory.store import MemoryStore
from purpose_agent.memory.trials import last_report, present_stay

BETTER = 2
"""By so many pairs must a revision of what a trial has proved do better than that, to take its place."""
EDITED = "edited in the file, past the gate: it begins anew, as an import"


class Gate:
    """Admits, promotes, rejects. Each call is one transaction: the status and its line in the journal, or neither."""

    def __init__(self, store: MemoryStore, clock: Clock, ids: IdSource = new_id) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    def admit(self, lesson: Lesson, run_id: str = "", *, supersedes: str | None = None, revises: bool = False) -> Memory:
        """Scan a lesson and put it in quarantine, or reject it.

        Args:
            run_id: The run it was drawn from; its provenance's by default.
            supersedes: The memory whose place it takes; that one leaves use when this one is promoted.
            revises: It says better what that one says, drawn from more of the same cases (`improve`).

        A lesson that says what a living memory says returns that memory; one that says what was rejected before
        returns the rejected one, so that a bad lesson isn't tried again each time it is drawn; but not on less
        authority than the new one has, or a page could have a lesson rejected before the agent finds it. A rejected lesson's
        secrets are replaced before anything is stored.
        """
        lesson, report = _examined(lesson)
        run_id = run_id or lesson.provenance.run_id
        with self._store.transaction():
            known = self._store.find_same(lesson, ("candidate", "quarantined", "promoted", "rejected"))
            if known is not None and not _was_less(known, lesson):
                return known
            candidate = replace(self._candidate(lesson), supersedes=supersedes)
            came = f"imported from {lesson.provenance.source}" if lesson.provenance.origin == "import" else "drawn from a run"
            memory = self._store.insert(candidate, actor="gate", why=came, run_id=run_id)
            if not report.clean:
                return self._store.change(
                    memory, "rejected", actor="gate", why=_reasons(report), evidence=report, run_id=run_id
                )
            memory = self._store.change(memory, "quarantined", actor="gate", why="scan clean", evidence=report, run_id=run_id)
            if revises and supersedes is not None:
                why = f"says better what {supersedes} says, which is in use"
                self._store.remark(memory, actor="gate", why=why, evidence=Revision(memory.id, supersedes))
            return memory

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

    def revise(
        self, better: Sequence[tuple[Memory, Lesson]], why: str, run_id: str, *, supersedes: str | None = None
    ) -> tuple[Memory, ...]:
        """Let quarantined memories make way for others that say it better, and go on with their trials.

        Each new one is another memory, scanned and admitted like any; it inherits what the trial was lent and has seen so far.
        It begins anew where it is about something else: tasks since another run, another rule in use, another scope; where it has
        another origin; and where live runs were in the trial. A memory stays whose successor could not wait in its place.

        Args:
            supersedes: As in `admit`, with `revises`.

        Raises:
            NotQuarantined: One of the memories has any other status.
            GateError: Somebody else changed it meanwhile.
        """
        waiting = next((memory for memory, _ in better if memory.status != "quarantined"), None)
        if waiting is not None:
            raise NotQuarantined(f"Memory {waiting.id} is {waiting.status}; only one that waits in quarantine can make way.")
        with self._store.transaction():
            leaving = {memory.id for memory, _ in better}
            rows = [(memory, lesson) for memory, lesson in better if self._could_wait(lesson, leaving)]
            stays = [present_stay(self._store.journal(memory.id)) for memory, _ in rows]
            # All of them before the first comes: one may say what another one said.
            left = [self._store.change(memory, "archived", actor="learner", why=why) for memory, _ in rows]
            came = [self.admit(lesson, run_id, supersedes=supersedes, revises=supersedes is not None) for _, lesson in rows]
            for (memory, _), stay, archived, new in zip(rows, stays, left, came, strict=True):
                if not _may_go_on(memory, new, stay) or self._store.exposures.count(memory.id, memory.version):
                    continue
                link = Revision(new.id, memory.id, archived.version)
                self._store.remark(new, actor="gate", why=f"says better what {memory.id} said", evidence=link)
                self._store.trials.handed_on(memory, new)
                report = last_report(stay)
                if report is not None:
                    self._store.remark(new, actor="gate", why=_outcome(report), evidence=replace(report, memory_id=new.id))
            return tuple(came)

    def _could_wait(self, lesson: Lesson, leaving: Collection[str]) -> bool:
        """It would come into quarantine as a memory of its own, once those of these ids have left."""
        drawn, scanned = _examined(lesson)
        same = self._store.find_same(drawn, ("candidate", "quarantined", "promoted", "rejected"))
        return scanned.clean and (same is None or same.id in leaving or _was_less(same, drawn))

    def improve(self, memory: Memory, report: TrialReport) -> Memory | None:
        """Let a quarantined revision take the place of what it revises, on that one's proof and on a better record of its own.

        What a trial proved is a row: what the agent draws from its cases, each revision tried on cases that it was not drawn from. It goes
        on learning in use, as values do. So a revision of the same row needs no proof that it helps; it must only have done
        better than what is in use, on tasks that were new to it (decision 44).

        Returns:
            What is in use now; None, and nothing is changed, if it did better in fewer than `BETTER` pairs more than it did
            worse, revises nothing that a trial put into use, is about something else, or has less authority.

        Raises:
            GateError: As `promote`, but for want of evidence.
        """
        with self._store.transaction():
            revised = self._store.find(memory.supersedes) if memory.supersedes is not None else None
            proof = self._proof(revised) if revised is not None and revised.status == "promoted" else None
            stay = present_stay(self._store.journal(memory.id))
            is_revision = any(
                isinstance(each.evidence, Revision) and each.evidence.revises == memory.supersedes for each in stay
            )
            if revised is None or proof is None or not is_revision or not _is_about_the_same(revised.lesson, memory.lesson):
                return None
            if report.wins - report.losses < BETTER:
                return None
            self.note(memory, report)
            why = f"better than {revised.id}: {_outcome(report)}; that one: {_outcome(proof)}"
            evidence = replace(proof, memory_id=memory.id)
            improved = self._store.change(memory, "promoted", actor="trial", why=why, evidence=evidence)
            self._store.change(revised, "archived", actor="trial", why=f"superseded by {memory.id}")
            return improved

    def _proof(self, memory: Memory) -> TrialReport | None:
        """What put it into use last, if that was a trial of paired runs."""
        journal = self._store.journal(memory.id)
        promotion = next((entry for entry in reversed(journal) if entry.to_status == "promoted" != entry.from_status), None)
        return promotion.evidence if promotion is not None and isinstance(promotion.evidence, TrialReport) else None

    def allowance(self, memory: Memory, *, patient: bool = False) -> float:
        """The error rate that a trial of `memory` may have, above 0: what others spent before it counts (`discoveries.py`).

        Asked before the first pair of each stay in quarantine; later on it can only have grown.

        Args:
            patient: Its pairs come with runs that are made anyway: it can wait for more of them, and is lent little.

        Raises:
            NotQuarantined: It is not in quarantine, or no longer in that stay.
        """
        return self._store.trials.allowance(memory, patient=patient)

    def prospect(self, memory: Memory) -> float:
        """What its allowance may still become: the error rate if all others that are on trial were promoted with it."""
        return self._store.trials.prospect(memory)

    def promote(self, memory: Memory, report: TrialReport | ExposureReport) -> Memory:
        """Put a quarantined memory into use, on the strength of `report`; the one it revises leaves use with the same stroke.

        Raises:
            NotQuarantined: `memory` has any other status.
            TrialInconclusive: The report doesn't show that it helps, is about another memory, or has a larger error rate than
                the memory's allowance, which is none before it was asked for.
            GateError: Somebody else changed it meanwhile.
        """
        with self._store.transaction():
            self._check_goes_on(memory, report)
            return self._promoted(memory, report)

    def promote_together(self, memories: Sequence[Memory]) -> tuple[Memory, ...]:
        """Put those into use, with one stroke, that have evidence enough for so many at once, though not each by itself.

        Args:
            memories: In quarantine, each with a trial that was noted, and none of them in another's way.

        Raises:
            GateError: Somebody else changed one meanwhile.
        """
        with self._store.transaction():
            chosen = self._store.trials.together(memories)
            promoted: list[Memory] = []
            for place, (memory, rate) in enumerate(chosen, start=1):
                report = last_report(self._store.journal(memory.id))
                if report is None:
                    raise TrialInconclusive(
                        f"Memory {memory.id} has an account and no report in its journal: it can't be promoted."
                    )
                promoted.append(self._promoted(memory, replace(report, alpha=rate), following=len(chosen) - place))
            return tuple(promoted)

    def reject(self, memory: Memory, report: TrialReport | ExposureReport) -> Memory:
        """Reject a quarantined memory for good, on the strength of `report`.

        Raises:
            NotQuarantined: `memory` has any other status.
            TrialInconclusive: The report doesn't show that it harms, or is about another memory.
            GateError: Somebody else changed it meanwhile.
        """
        with self._store.transaction():
            self._check_goes_on(memory, report)
            self._store.trials.note(memory, report)
            return self._store.change(memory, "rejected", actor="trial", why=_outcome(report), evidence=report)

    def note(self, memory: Memory, report: TrialReport | ExposureReport) -> Memory:
        """Keep a report that decides nothing in the journal; the status stays.

        Raises:
            GateError: The report is about another memory, somebody else decided on this one meanwhile, or tried it.
        """
        if report.memory_id != memory.id:
            raise GateError(f"The report is about memory {report.memory_id}, not about {memory.id}.")
        with self._store.transaction():
            current = self._store.get(memory.id)
            if (current.status, current.version) != (memory.status, memory.version):
                raise GateError(f"Memory {memory.id} is {current.status} now: the report comes too late, and is not kept.")
            self._check_goes_on(memory, report)
            self._store.remark(memory, actor="trial", why=_outcome(report), evidence=report)
            self._store.trials.note(memory, report)
            return self._store.get(memory.id)

    def pause(self, memory: Memory, report: TrialReport | ExposureReport) -> Memory:
        """End a trial for now that has seen nothing new: what it was lent comes back if nothing differed; no line is written."""
        self._store.trials.note(memory, report)
        return memory

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

    def quarantine(
        self, memory: Memory, why: str, *, actor: str = "person", evidence: ExposureReport | None = None, run_id: str = ""
    ) -> Memory:
        """Put a promoted or archived memory on trial again.

        Args:
            evidence: What the watch saw, if that is why.
            run_id: The first run in which it no longer held, where that is known: it is tried on tasks since then.

        Raises:
            GateError: It has another status, `why` is empty, a memory that says the same is alive, or somebody else
                changed it meanwhile.
        """
        # A candidate enters quarantine by its scan alone: `admit` does that.
        return self._store.change(memory, "quarantined", actor=actor, why=why, evidence=evidence, run_id=run_id)

    def restore(self, memory: Memory, status: MemoryStatus, shown: Restoration, why: str) -> Memory:
        """Give a memory the status that a line of its journal shows: a person's explicit act.

        Raises:
            GateError: The line doesn't show it; what was rejected since would go further than quarantine; what the line
                shows promoted was promoted by neither a trial nor a teaching; its lesson is another one now; or a memory
                that says the same is alive.
        """
        return self._store.change(memory, status, actor="person", why=why, evidence=shown)

    def take_back(self, memory_id: str, lesson: Lesson, supersedes: str | None, shown: Restoration, why: str) -> Memory:
        """Give a memory the lesson back that a line of its journal shows, whatever its row says now.

        It is scanned like a new one, and is in quarantine then or rejected.

        Raises:
            GateError: The line shows another lesson, or a memory that says the same is alive.
            NotFound: There is no such memory.
        """
        report = _report(lesson)
        status, outcome = ("quarantined", "scan clean") if report.clean else ("rejected", _reasons(report))
        return self._store.retake(memory_id, Retaking(lesson, supersedes, "person", why, shown, status, outcome, report))

    def readmit(self) -> tuple[Memory, ...]:
        """Take in again, as imports, the memories that were edited in the file, past this gate. One transaction.

        Of an edited card only the words are taken, and scanned like new ones. Where it applies, and where it came from,
        stays as the journal has it; its origin is "import", or what is lower. It waits in quarantine; it is rejected if
        the scan blocks it or it is more than an import may be, and archived if it says what a living memory says or what
        was rejected before.
        """
        if not self._store.altered():
            return ()
        with self._store.transaction():
            return tuple(self._readmitted(card) for card in self._store.altered())

    def _readmitted(self, card: Card) -> Memory:
        known = self._store.journaled(card.memory_id)
        lesson, report = _examined(_as_import(card, known))
        same = self._store.find_same(lesson, ("candidate", "quarantined", "promoted", "rejected"), besides=card.memory_id)
        status: MemoryStatus = "archived"
        if not report.clean:
            status, outcome = "rejected", _reasons(report)
        elif same is not None:
            outcome = f"{same.id} ({same.status}) says the same"
        elif known is not None and known.status == "rejected" and fingerprint(known.read()) == fingerprint(lesson):
            outcome = "it says what was rejected before"
        else:
            status, outcome = "quarantined", "scan clean"
        altered = Alteration(card.memory_id, known.card if known is not None else "", card.hash)
        # An edited card doesn't say whose place it takes.
        return self._store.retake(card.memory_id, Retaking(lesson, None, "gate", EDITED, altered, status, outcome, report))

    def _promoted(self, memory: Memory, report: TrialReport | ExposureReport, following: int = 0) -> Memory:
        promoted = self._store.change(memory, "promoted", actor="trial", why=_outcome(report), evidence=report)
        self._store.trials.promoted(memory, report, following=following)
        revised = self._store.find(memory.supersedes) if memory.supersedes is not None else None
        if revised is not None and revised.status in ("promoted", "quarantined"):
            self._store.change(revised, "archived", actor="trial", why=f"superseded by {memory.id}")
        return promoted

    def _check_goes_on(self, memory: Memory, report: TrialReport | ExposureReport) -> None:
        """Two trials of one memory at once would spend its share of error twice, and the later report hide the earlier one."""
        before = last_report(self._store.journal(memory.id))
        if isinstance(report, TrialReport) and before is not None and report.pairs[: len(before.pairs)] != before.pairs:
            raise TrialInconclusive(
                f"Memory {memory.id} was tried by somebody else meanwhile: the report doesn't go on from the {len(before.pairs)} pairs"
                " in the journal. Try it again from there."
            )

    def _candidate(self, lesson: Lesson) -> Memory:
        return Memory(id=self._ids("mem"), lesson=lesson, status="candidate", created_at=self._clock.now())


def _examined(lesson: Lesson) -> tuple[Lesson, ScanReport]:
    """The lesson as it may be stored, and what the scanners saw in it."""
    lesson = repaired(lesson)
    report = _report(lesson)
    return (lesson if report.clean else redacted(lesson)), report


def _report(lesson: Lesson) -> ScanReport:
    """What its words say to the scanners, and whether its origin lets it be what it is: the second doesn't rest on the first."""
    report = scan(lesson)
    return replace(report, findings=(*report.findings, *beyond_its_origin(lesson)))


def _as_import(card: Card, known: Past | None) -> Lesson:
    """The words of an edited card; all else as the journal has it."""
    try:
        edited = from_json(Lesson, card.lesson)
    except ValueError:  # pydantic's: no lesson can be read
        if known is None:
            return Lesson("skill_card", "", f"(unreadable: {len(card.lesson)} characters)", Provenance("import"))
        edited = known.read()
    if known is None:
        return replace(edited, provenance=Provenance("import", agent=edited.provenance.agent))
    before = known.read()
    source = replace(before.provenance, origin=lowest(before.provenance.origin, "import"))
    return replace(edited, kind=before.kind, scope=before.scope, provenance=source)


def _was_less(known: Memory, lesson: Lesson) -> bool:
    """It was rejected as the word of somebody with less authority than the lesson has."""
    before, now = known.lesson.provenance.origin, lesson.provenance.origin
    return known.status == "rejected" and AUTHORITY.index(before) > AUTHORITY.index(now)


def _may_go_on(old: Memory, new: Memory, stay: Sequence[JournalEntry]) -> bool:
    """What the trial of `old` has seen counts for `new`, too.

    Args:
        stay: What happened to `old` in quarantine.
    """
    if new.status != "quarantined" or any(isinstance(entry.evidence, ExposureReport) for entry in stay):
        return False
    # Nor with what others said: its words are in the trial.
    same_origin = old.lesson.provenance.origin == new.lesson.provenance.origin
    return same_origin and old.supersedes == new.supersedes and _is_about_the_same(old.lesson, new.lesson)


def _is_about_the_same(old: Lesson, new: Lesson) -> bool:
    """Of one kind, for the same tasks since the same run, and on no less authority."""
    if (old.kind, old.scope, old.provenance.since) != (new.kind, new.scope, new.provenance.since):
        return False
    return AUTHORITY.index(new.provenance.origin) <= AUTHORITY.index(old.provenance.origin)


def _reasons(report: ScanReport) -> str:
    return "blocked: " + ", ".join(f"{found.threat} ({found.rule})" for found in report.findings if found.severity == "block")


def _outcome(report: TrialReport | ExposureReport) -> str:
    verdict = "helps" if report.helps else "harms" if report.harms else "undecided"
    if isinstance(report, ExposureReport):
        return (
            f"in use by chance: {verdict}, {report.successes} of {report.shown} runs with it succeeded, "
            f"{report.successes_without} of {report.withheld} without it"
        )
    return (
        f"trial: {verdict}, {report.wins} wins and {report.losses} losses in {len(report.pairs)} pairs on {report.tasks} tasks"
    )
