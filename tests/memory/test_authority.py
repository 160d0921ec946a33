"""What a lesson may be is decided by where it came from, whatever its words are."""

from dataclasses import replace
from pathlib import Path

import pytest

from purpose_agent.core.ids import counting_ids
from purpose_agent.core.memory import Case, Condition, Lesson, MemoryKind, Provenance, RuleLine, ScanReport, Scope
from purpose_agent.core.origin import AUTHORITY, OWN, Origin
from purpose_agent.memory import gate as gate_module
from purpose_agent.memory.authority import POWERFUL, beyond_its_origin
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.database import Database

CLERKS = Scope(("clerk",))
LOW = [origin for origin in AUTHORITY if origin not in OWN]


def lesson(
    origin: Origin, kind: MemoryKind = "failure_pattern", *, scope: Scope = CLERKS, parents: tuple[str, ...] = ()
) -> Lesson:
    return Lesson(kind, "reading invoices", "look at the date", Provenance(origin, "run_1", "clerk", parents=parents), scope)


@pytest.mark.parametrize("origin", LOW)
@pytest.mark.parametrize("kind", sorted(POWERFUL))
def test_no_powerful_kind_comes_from_elsewhere(origin: Origin, kind: MemoryKind) -> None:
    assert [found.rule for found in beyond_its_origin(lesson(origin, kind))] == ["powerful_origin"]


@pytest.mark.parametrize("origin", LOW)
def test_what_comes_from_elsewhere_applies_no_wider_than_its_run(origin: Origin) -> None:
    assert [found.rule for found in beyond_its_origin(lesson(origin, scope=Scope()))] == ["wider_than_its_run"]
    assert [found.rule for found in beyond_its_origin(lesson(origin, scope=Scope(("clerk", "boss"))))] == ["wider_than_its_run"]
    assert [found.rule for found in beyond_its_origin(lesson(origin, parents=("mem_1",)))] == ["general_origin"]
    assert [*beyond_its_origin(lesson(origin))] == []


@pytest.mark.parametrize("origin", LOW)
def test_what_no_run_brought_is_for_one_agent_too(origin: Origin) -> None:
    def rules(agent: str, *agents: str) -> list[str]:
        came = replace(lesson(origin, scope=Scope(agents)), provenance=Provenance(origin, agent=agent))
        return [found.rule for found in beyond_its_origin(came)]

    assert rules("clerk", "clerk") == []
    assert rules("clerk") == rules("clerk", "boss") == rules("clerk", "clerk", "boss") == ["wider_than_its_run"]
    assert rules("") == ([] if origin == "import" else ["wider_than_its_run"])


@pytest.mark.parametrize("origin", sorted(OWN))
def test_people_and_own_work_may_be_all_of_it(origin: Origin) -> None:
    for kind in POWERFUL:
        assert [*beyond_its_origin(lesson(origin, kind, scope=Scope(), parents=("mem_1",)))] == []


def _blind(lesson: Lesson) -> ScanReport:
    return ScanReport()


@pytest.mark.parametrize("origin", LOW)
def test_words_from_elsewhere_do_not_apply_whatever_the_task(origin: Origin) -> None:
    always = replace(lesson(origin), when="")
    with_lines = replace(always, lines=(RuleLine((Condition("red door"),), "left"),))
    with_cases = replace(always, cases=(Case("a red door", "left"),))

    assert [found.rule for found in beyond_its_origin(always)] == ["always_on"]
    assert not [*beyond_its_origin(with_lines), *beyond_its_origin(with_cases)]
    assert not list(beyond_its_origin(replace(always, provenance=Provenance("user"))))


def test_the_gate_refuses_it_with_its_reason_though_no_scanner_sees_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "scan", _blind)
    store = MemoryStore(Database(tmp_path / "w.sqlite3"), SystemClock())
    memory = Gate(store, SystemClock(), counting_ids()).admit(lesson("web", "tool_policy"))

    assert memory.status == "rejected"
    assert "powerful_origin" in store.journal(memory.id)[-1].why


def test_what_was_rejected_as_a_page_s_word_is_tried_as_the_agent_s_own(tmp_path: Path) -> None:
    store = MemoryStore(Database(tmp_path / "w.sqlite3"), SystemClock())
    gate = Gate(store, SystemClock(), counting_ids())
    pages = gate.admit(lesson("web", "tool_policy"))
    own = gate.admit(lesson("self_verified", "tool_policy"))

    assert (pages.status, own.status) == ("rejected", "quarantined")
    assert gate.admit(lesson("web", "tool_policy")).id == own.id
