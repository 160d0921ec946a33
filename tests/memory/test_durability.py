"""What was acknowledged survives kill -9 and other processes; and what would not is seen."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.gate.ledger import Kept, Ledger, Line, ledger_of
from benchmarks.gate.parts.durability import kill_again_and_again, work_together
from benchmarks.gate.work import Told, Worker, made_up
from purpose_agent.core.codec import to_json
from purpose_agent.core.errors import GateError
from purpose_agent.core.memory import TrialReport

WINS = to_json(TrialReport, made_up("mem_1", "first;", 0.05, wins=4, losses=0))
OTHER_WINS = to_json(TrialReport, made_up("mem_1", "second;", 0.05, wins=4, losses=0))


def ledger(*steps: str, id: str = "mem_1", supersedes: str | None = None) -> Ledger:
    """A memory that went "before>after", step by step; a promotion rests on a report."""
    lines: list[Line] = []
    for number, step in enumerate(steps):
        before, after = step.split(">")
        lines.append(Line(number, id, before, after, "why", WINS if after == "promoted" else ""))
    paid = frozenset((id, number) for number, line in enumerate(lines) if line.evidence)
    return Ledger({id: Kept(lines[-1].after, len(lines), supersedes)}, tuple(lines), paid)


def faults(kept: Ledger) -> str:
    return "; ".join(kept.faults())


ADMITTED = (">candidate", "candidate>quarantined")


def test_a_life_by_the_table_has_no_fault() -> None:
    assert faults(ledger(*ADMITTED, "quarantined>promoted", "promoted>quarantined", "quarantined>archived")) == ""


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ((*ADMITTED, "quarantined>archived", "archived>rejected"), "which the table does not have"),
        ((*ADMITTED, "quarantined>promoted", "quarantined>promoted"), "when it was promoted"),
        ((">candidate",), "was not examined"),
        ((">promoted",), "which the table does not have"),
        (
            (*ADMITTED, "quarantined>promoted", "promoted>quarantined", "quarantined>promoted"),
            "one report on mem_1 decided twice",
        ),
    ],
)
def test_a_life_that_can_not_be_is_seen(steps: Sequence[str], fault: str) -> None:
    assert fault in faults(ledger(*steps))


def test_a_second_report_may_decide_in_a_second_stay() -> None:
    kept = ledger(*ADMITTED, "quarantined>promoted", "promoted>quarantined", "quarantined>promoted")
    lines = (*kept.lines[:-1], replace(kept.lines[-1], evidence=OTHER_WINS))

    assert faults(replace(kept, lines=lines)) == ""


def test_a_promotion_without_evidence_is_seen() -> None:
    kept = ledger(*ADMITTED, "quarantined>promoted")
    lines = (*kept.lines[:-1], replace(kept.lines[-1], evidence=""))

    assert "promoted on no evidence" in faults(replace(kept, lines=lines))


def test_a_promotion_and_its_account_are_one() -> None:
    kept = ledger(*ADMITTED, "quarantined>promoted")

    assert "past its account" in faults(replace(kept, paid=frozenset()))
    assert "closed at version 4 by no promotion" in faults(replace(kept, paid=kept.paid | {("mem_1", 4)}))


def test_a_status_without_its_line_and_a_line_without_its_status_are_seen() -> None:
    kept = ledger(*ADMITTED)

    assert "is promoted at version 3" in faults(replace(kept, memories={"mem_1": Kept("promoted", 3, None)}))
    assert "has a journal and no row" in faults(replace(kept, memories={}))
    assert "its journal says nothing" in faults(replace(kept, lines=()))


def test_half_of_a_revision_is_seen() -> None:
    old = ledger(*ADMITTED, "quarantined>promoted", id="mem_0")
    new = ledger(*ADMITTED, "quarantined>promoted", supersedes="mem_0")
    both = Ledger({**old.memories, **new.memories}, (*old.lines, *new.lines), old.paid | new.paid)
    whole = replace(both, memories={**both.memories, "mem_0": Kept("archived", 4, None)})
    made_way = Line(9, "mem_0", "promoted", "archived", "superseded", "")

    assert "mem_0, which it revises, stayed in use" in faults(both)
    assert faults(replace(whole, lines=(*both.lines, made_way))) == ""


def test_what_is_missing_is_seen(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "worker", "1", random.Random("durability"))
    said: list[Told] = []
    for _ in range(120):
        with suppress(GateError):
            said += worker.act()
    worker.close()
    kept = ledger_of(tmp_path)
    assert {told.status for told in said} == {"quarantined", "promoted", "rejected", "archived"}
    assert list(kept.missing(said)) == []
    assert faults(kept) == ""

    decided = next(told for told in said if told.mark and told.status == "promoted")
    wrong = [
        replace(decided, status="rejected"),
        replace(decided, version=decided.version + 40),
        replace(decided, memory_id="mem_never"),
        replace(decided, mark="another report;"),
    ]
    assert list(kept.missing([decided, *wrong])) == wrong


def test_no_kill_loses_what_was_acknowledged() -> None:
    seen = kill_again_and_again(kills=3, seed=3)

    assert seen.acknowledged > 0
    assert (seen.lost, seen.faults) == (set(), set())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twenty_kills_lose_nothing() -> None:
    seen = kill_again_and_again(kills=20, seed=4)

    assert seen.acknowledged > 100
    assert (seen.lost, seen.faults) == (set(), set())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_four_processes_lose_and_double_nothing() -> None:
    seen = work_together(processes=4, acts=60, seed=4)

    assert seen.acknowledged > 0
    assert (seen.lost, seen.faults) == (set(), set())
