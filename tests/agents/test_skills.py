"""Skills out of one workspace and into another: the way a lesson travels, and that it must prove itself again."""

from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import Case, Condition, Lesson, Memory, Provenance, RuleLine, Scope
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.database import Database
from tests.memory.build import report

pytest.importorskip("yaml")

CARD = Lesson("skill_card", "writing a recursive function", "test n=0 first", Provenance("self_verified", "run_1", "coder"))
RULE = replace(
    CARD,
    when="",
    then="parcel -> tracking",
    scope=Scope(("clerk",), ("desk",)),
    cases=(Case("my parcel is late", "tracking"),),
    lines=(RuleLine((Condition("parcel"),), "tracking"), RuleLine((), "sales")),
)


def with_promoted(path: Path, *lessons: Lesson) -> tuple[Workspace, list[Memory]]:
    """A workspace in which these have proven themselves."""
    place = pa.Workspace(path)
    store = MemoryStore(Database(path / "workspace.sqlite3"), SystemClock())
    gate = Gate(store, SystemClock())
    promoted: list[Memory] = []
    for lesson in lessons:
        memory = gate.admit(lesson)
        alpha = gate.allowance(memory)
        promoted.append(gate.promote(memory, report(memory.id, e_help=1e9, alpha=alpha)))
    return place, promoted


def test_a_promoted_skill_becomes_a_folder_with_its_evidence(tmp_path: Path) -> None:
    place, (memory,) = with_promoted(tmp_path / "one", CARD)

    (folder,) = place.export_skills(tmp_path / "skills").folders

    text = (folder / "SKILL.md").read_text("utf-8")
    assert folder.name.startswith("writing-a-recursive-function-")
    assert memory.id in text
    assert "8 wins and 0 losses" in text


def test_what_comes_in_says_the_same_and_waits_in_quarantine(tmp_path: Path) -> None:
    place, _ = with_promoted(tmp_path / "one", CARD, RULE)
    place.export_skills(tmp_path / "skills")
    other = pa.Workspace(tmp_path / "two")

    done = other.import_skills(tmp_path / "skills", source="https://example.org/skills", agent="clerk")

    assert done.refused == ()
    assert [memory.status for memory in done.memories] == ["quarantined", "quarantined"]
    card, rule = sorted((memory.lesson for memory in done.memories), key=lambda lesson: len(lesson.lines))
    assert (card.when, card.then) == (CARD.when, CARD.then)
    assert (rule.then, rule.cases, rule.lines, rule.scope) == (RULE.then, RULE.cases, RULE.lines, RULE.scope)
    assert card.scope == Scope(("clerk",))  # of the one that tries it
    assert {lesson.provenance for lesson in (card, rule)} == {
        Provenance("import", agent="clerk", source="https://example.org/skills")
    }
    assert other.journal(done.memories[0].id)[0].why == "imported from https://example.org/skills"


def test_an_imported_skill_is_in_no_prompt_before_its_trial(tmp_path: Path) -> None:
    place, _ = with_promoted(tmp_path / "one", CARD)
    place.export_skills(tmp_path / "skills")
    other = pa.Workspace(tmp_path / "two")
    other.import_skills(tmp_path / "skills")
    from purpose_agent.testing.models import RuleModel

    agent = pa.Spark("coder", model=RuleModel(lambda request: "done"), critic=None, workspace=other)

    assert agent.run("I am writing a recursive function").recalled == ()


def test_to_export_again_writes_the_same_files(tmp_path: Path) -> None:
    place, _ = with_promoted(tmp_path / "one", CARD)

    first, second = place.export_skills(tmp_path / "skills"), place.export_skills(tmp_path / "skills")

    assert first.folders == second.folders
    assert len(list((tmp_path / "skills").iterdir())) == 1


def test_to_import_again_changes_nothing(tmp_path: Path) -> None:
    place, _ = with_promoted(tmp_path / "one", CARD)
    place.export_skills(tmp_path / "skills")
    other = pa.Workspace(tmp_path / "two")

    first, second = other.import_skills(tmp_path / "skills"), other.import_skills(tmp_path / "skills")

    assert [memory.id for memory in first.memories] == [memory.id for memory in second.memories]
    assert len(other.memories()) == 1


def test_one_user_s_skill_stays_at_home(tmp_path: Path) -> None:
    place, (private,) = with_promoted(tmp_path / "one", replace(CARD, scope=Scope(users=("ana",))))

    done = place.export_skills(tmp_path / "skills")

    assert (done.folders, [memory.id for memory, _ in done.left_out]) == ((), [private.id])
    assert not (tmp_path / "skills").exists()


def test_reach_is_only_ever_narrowed(tmp_path: Path) -> None:
    place, _ = with_promoted(tmp_path / "one", RULE)
    place.export_skills(tmp_path / "skills")
    other = pa.Workspace(tmp_path / "two")

    (memory,) = other.import_skills(tmp_path / "skills", scope=Scope(agents=("clerk", "coder"), tools=("search",))).memories
    assert memory.lesson.scope == Scope(("clerk",), ("desk",), (), ("search",))

    done = other.import_skills(tmp_path / "skills", scope=Scope(agents=("coder",)))
    assert done.memories == ()
    assert "for none of them both" in done.refused[0][1]


def test_values_have_no_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no words"):
        pa.Workspace(tmp_path).export_skills(tmp_path / "skills", kind="tool_policy")


def test_a_folder_without_skills_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    for folder, told in ((tmp_path / "none", "is no folder"), (tmp_path / "empty", "holds no skill")):
        with pytest.raises(UsageError, match=told):
            pa.Workspace(tmp_path / "place").import_skills(folder)
