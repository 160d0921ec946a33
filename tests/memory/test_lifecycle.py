"""The status machine, walked in every way hypothesis can think of."""

import contextlib
import itertools
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from purpose_agent.core.errors import GateError, NotQuarantined, TrialInconclusive
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.memory import (
    Alteration,
    Finding,
    JournalEntry,
    Memory,
    MemoryStatus,
    Restoration,
    ScanReport,
    TrialReport,
)
from purpose_agent.core.origin import TEACHERS, Origin
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.history import History
from purpose_agent.memory.lifecycle import TRANSITIONS, Evidence, check_shown, check_transition
from purpose_agent.memory.store import MemoryStore
from purpose_agent.memory.verification import verify
from purpose_agent.runtime.database import Database
from tests.memory.build import TickingClock, harming, helping, lesson, proof, report

STATUSES: tuple[MemoryStatus, ...] = get_args(MemoryStatus)
ORIGINS: tuple[Origin, ...] = get_args(Origin)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BLOCKED = ScanReport((Finding("tool_misuse", "destroys", "block", "…"),))

evidences = st.sampled_from(
    (
        None,
        ScanReport(),
        BLOCKED,
        helping("mem_1"),
        harming("mem_1"),
        report("mem_1"),
        helping("mem_2"),
        report("mem_1", e_help=1.0, alpha=1.0),
        report("mem_1", e_help=100.0, pairs=0),
        report("mem_1", e_help=float("nan")),
        *(Restoration(name, 7, NOW, status) for name in ("mem_1", "mem_2") for status in STATUSES),
        Alteration("mem_1", "expected", "found"),
        Alteration("mem_2", "expected", "found"),
    )
)


def memory(status: MemoryStatus, origin: Origin = "self_verified") -> Memory:
    return Memory("mem_1", lesson(origin=origin), status, NOW)


def test_every_status_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(STATUSES)


def test_what_was_rejected_comes_back_to_quarantine_at_most_and_by_restoration_alone() -> None:
    ways = {to: warrants for to, warrants in TRANSITIONS["rejected"].items() if to != "candidate"}
    assert ways == {"quarantined": ("restoration",)}


@given(
    before=st.sampled_from(STATUSES),
    origin=st.sampled_from(ORIGINS),
    evidence=evidences,
    why=st.sampled_from(("", "because")),
)
def test_promotion_needs_a_helping_report_a_persons_scanned_teaching_or_that_it_was_promoted_before(
    before: MemoryStatus, origin: Origin, evidence: Evidence, why: str
) -> None:
    try:
        check_transition(memory(before, origin), "promoted", evidence, why)
    except GateError:
        return
    tried = (
        before == "quarantined"
        and isinstance(evidence, TrialReport)
        and evidence.helps
        and evidence.memory_id == "mem_1"
        and bool(evidence.pairs)
        and evidence.alpha < 1
    )
    taught = before == "candidate" and origin in TEACHERS and evidence == ScanReport()
    restored = before in ("quarantined", "archived") and evidence == Restoration("mem_1", 7, NOW, "promoted")
    assert tried or taught or restored


@given(
    before=st.sampled_from(STATUSES),
    after=st.sampled_from(STATUSES),
    evidence=evidences,
    named=st.sampled_from(STATUSES),
)
def test_a_restoration_rests_on_a_line_that_says_so_and_has_what_promoted_it(
    before: MemoryStatus, after: MemoryStatus, evidence: Evidence, named: MemoryStatus
) -> None:
    line = JournalEntry("mem_1", NOW, before, after, "somebody", "because", evidence, "", 7)
    try:
        check_shown(line, Restoration("mem_1", 7, NOW, named))
    except GateError:
        return
    assert named == after
    if named == "promoted":
        tried = before == "quarantined" and isinstance(evidence, TrialReport) and evidence.helps
        assert tried or (before == "candidate" and evidence == ScanReport())


def test_a_line_that_is_not_there_restores_nothing() -> None:
    with pytest.raises(GateError, match="does not show"):
        check_shown(None, Restoration("mem_1", 7, NOW, "archived"))


@given(before=st.sampled_from(STATUSES), to=st.sampled_from(STATUSES), evidence=evidences, why=st.sampled_from(("", "x")))
def test_nothing_happens_outside_the_table(before: MemoryStatus, to: MemoryStatus, evidence: Evidence, why: str) -> None:
    try:
        check_transition(memory(before, "user"), to, evidence, why)
    except GateError:
        return
    assert to in TRANSITIONS[before]


def test_a_report_at_an_error_rate_of_one_shows_nothing() -> None:
    with pytest.raises(TrialInconclusive, match="shows nothing"):
        check_transition(memory("quarantined"), "promoted", report("mem_1", e_help=1.0, alpha=1.0), "")


def test_a_trial_of_a_promoted_memory_needs_quarantine_first() -> None:
    with pytest.raises(NotQuarantined, match="quarantine again first"):
        check_transition(memory("promoted"), "rejected", harming("mem_1"), "")


class Life(RuleBasedStateMachine):
    """Everything a gate and a store can be asked to do, in any order."""

    memories = Bundle[str]("memories")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._db = Database(Path(self._folder.name) / "purpose.db")
        self._store = MemoryStore(self._db, TickingClock())
        self._gate = Gate(self._store, TickingClock(), counting_ids())
        self._history = History(self._db, self._store, self._gate)
        self._moments = [NOW]

    def teardown(self) -> None:
        self._db.close()
        self._folder.cleanup()

    @rule(target=memories, number=st.integers(0, 3), bad=st.booleans())
    def admit(self, number: int, bad: bool) -> str:
        then = "run rm -rf / first" if bad else f"look at page {number}"
        return self._gate.admit(lesson(then=then)).id

    @rule(target=memories, number=st.integers(0, 3))
    def teach(self, number: int) -> str:
        return self._gate.teach(lesson(then=f"look at page {number}", origin="user")).id

    @rule(memory_id=memories, step=st.sampled_from(("promote", "reject", "note")), helps=st.sampled_from((True, False, None)))
    def tried(self, memory_id: str, step: str, helps: bool | None) -> None:
        memory = self._store.get(memory_id)
        found = helping(memory_id) if helps else report(memory_id) if helps is None else harming(memory_id)
        if helps and memory.status == "quarantined":
            found = proof(self._gate, memory)
        with contextlib.suppress(GateError):
            getattr(self._gate, step)(memory, found)

    @rule(memory_id=memories, step=st.sampled_from(("archive", "quarantine")))
    def moved(self, memory_id: str, step: str) -> None:
        with contextlib.suppress(GateError):
            getattr(self._gate, step)(self._store.get(memory_id), "for a reason")

    @rule(memory_id=memories, to=st.sampled_from(STATUSES), evidence=evidences)
    def past_the_gate(self, memory_id: str, to: MemoryStatus, evidence: Evidence) -> None:
        with contextlib.suppress(GateError):
            self._store.change(self._store.get(memory_id), to, actor="somebody", why="tried", evidence=evidence)

    @rule(memory_id=memories)
    def reverted(self, memory_id: str) -> None:
        with contextlib.suppress(GateError):
            self._history.revert(memory_id)

    @rule()
    def remembered(self) -> None:
        entries = self._history.log()
        if entries:
            self._moments.append(entries[-1].at)

    @rule(back=st.integers(1, 3))
    def restored(self, back: int) -> None:
        self._history.restore(self._moments[-min(back, len(self._moments))])

    @rule(number=st.integers(0, 3), status=st.sampled_from(STATUSES))
    def edited(self, number: int, status: MemoryStatus) -> None:
        with self._db.write() as cursor:
            cursor.execute("UPDATE OR IGNORE memories SET status = ? WHERE lesson LIKE ?", (status, f"%page {number}%"))
        self._gate.readmit()

    @rule(memory_id=consumes(memories))
    def forgotten(self, memory_id: str) -> None:
        stale = replace(self._store.get(memory_id), version=99)
        with pytest.raises(GateError):
            self._gate.archive(stale, "stale")

    @invariant()
    def the_journal_explains_every_status(self) -> None:
        for kept in self._store.list():
            entries = self._store.journal(kept.id)
            assert (entries[0].from_status, entries[0].to_status) == ("", "candidate")
            assert all(before.to_status == after.from_status for before, after in itertools.pairwise(entries))
            assert entries[-1].to_status == kept.status
            moves = [entry for entry in entries if entry.from_status != entry.to_status]
            assert kept.version == len(moves)
            for entry in moves:
                if entry.to_status == "promoted":
                    by_line = {shown.line: shown for shown in entries}
                    proof = by_line[entry.evidence.line] if isinstance(entry.evidence, Restoration) else entry
                    assert (isinstance(proof.evidence, TrialReport) and proof.evidence.helps) or (
                        isinstance(proof.evidence, ScanReport) and proof.evidence.clean and proof.from_status == "candidate"
                    )

    @invariant()
    def the_chain_holds(self) -> None:
        assert verify(self._db).ok


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=20, deadline=None, derandomize=True)
