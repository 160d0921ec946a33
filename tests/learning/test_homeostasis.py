"""Memory within its budget: what goes, what is merged, what is tried again, and what is only named."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from purpose_agent.core.ids import counting_ids
from purpose_agent.core.memory import Case, Condition, Lesson, Memory, Provenance, RuleLine, Scope
from purpose_agent.core.origin import OWN, Origin
from purpose_agent.learning import homeostasis
from purpose_agent.learning.homeostasis import ACTOR, Homeostasis
from purpose_agent.memory.budget import MemoryBudget
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore, note_use
from purpose_agent.runtime.database import Database
from purpose_agent.testing.clock import FrozenClock
from tests.memory.build import lesson, report

RULES = ("copper kettles", "silver spoons", "iron gates", "wooden boats", "paper lamps", "stone walls", "glass jars")


class Place:
    """A store and a gate, with a clock that moves when told to."""

    def __init__(self, path: Path) -> None:
        self.clock = FrozenClock()
        self.db = Database(path / "purpose.db")
        self.store = MemoryStore(self.db, self.clock)
        self.gate = Gate(self.store, self.clock, counting_ids())
        self._runs = 0

    def keep(self, **budget: Any) -> Homeostasis:
        return Homeostasis(self.db, self.store, self.gate, self.clock, MemoryBudget(**budget))

    def waiting(self, draft: Lesson) -> Memory:
        return self.gate.admit(draft)

    def used(self, draft: Lesson, *, used: int = 0, helped: int = 0) -> Memory:
        """A promoted memory with that record."""
        memory = self.gate.admit(draft)
        alpha = self.gate.allowance(memory)
        memory = self.gate.promote(memory, report(memory.id, e_help=1e9, alpha=alpha))
        return self.credited(memory, used=used, helped=helped)

    def credited(self, memory: Memory, *, used: int, helped: int) -> Memory:
        with self.db.write() as cursor:
            cursor.execute("UPDATE memories SET used = used + ?, helped = helped + ? WHERE id = ?", (used, helped, memory.id))
        return self.store.get(memory.id)

    def run(self, *shown: Memory, agent: str = "coder", family: str = "", success: bool | None = None) -> str:
        """A learning run that had those in its prompt."""
        self._runs += 1
        run_id = f"run_{self._runs:06d}"
        with self.db.write() as cursor:
            cursor.execute(
                "INSERT INTO runs (id, started_at, agent, model, mode, goal, task, task_key, family, status, owner)"
                " VALUES (?, ?, ?, 'm', 'learning', 'g', '{}', 'k', ?, 'finished', '1')",
                (run_id, self.clock.now().isoformat(), agent, family),
            )
            note_use(cursor, [memory.id for memory in shown], run_id)
            if success is not None:
                for memory in shown:
                    cursor.execute(
                        "INSERT INTO exposures VALUES (NULL, ?, ?, ?, 1, 1.0, ?)",
                        (run_id, memory.id, memory.version, int(success)),
                    )
                    cursor.execute(
                        "UPDATE memories SET used = used + 1, helped = helped + ? WHERE id = ?", (int(success), memory.id)
                    )
        return run_id

    def status(self, *memories: Memory) -> list[str]:
        return [self.store.get(memory.id).status for memory in memories]

    def last(self, memory: Memory) -> tuple[str, str]:
        entry = self.store.journal(memory.id)[-1]
        return entry.actor, entry.why


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def about(what: str, *, origin: Origin = "self_verified", families: tuple[str, ...] = ()) -> Lesson:
    agents = () if origin in OWN else ("coder",)
    text = f"look up {what} in the catalogue of {what[::-1]}"
    return lesson(f"asked about {what}", text, origin=origin, agents=agents, families=families)


def taught(when: str, then: str) -> Lesson:
    return Lesson("skill_card", when, then, Provenance("user"))


def test_nothing_is_made_where_there_is_no_file(tmp_path: Path) -> None:
    place = Place(tmp_path / "none")

    assert place.keep().keep().left is False
    assert not (tmp_path / "none").exists()


def test_what_is_within_the_budget_stays(place: Place) -> None:
    memories = [place.used(about(what)) for what in RULES]

    kept = place.keep().keep()

    assert (kept.hibernated, kept.merged, kept.contested, kept.named, kept.left) == ((), (), (), (), False)
    assert set(place.status(*memories)) == {"promoted"}


def test_what_is_worth_least_hibernates_and_says_why(place: Place) -> None:
    bad = place.used(about(RULES[0]), used=10, helped=1)
    good = place.used(about(RULES[1]), used=10, helped=9)
    fresh = place.used(about(RULES[2]))

    kept = place.keep(promoted=2).keep()

    assert [memory.id for memory, _ in kept.hibernated] == [bad.id]
    assert place.status(bad, good, fresh) == ["archived", "promoted", "promoted"]
    actor, why = place.last(bad)
    assert actor == ACTOR
    assert "there are 3 learned memories in use, and room for 2" in why


def test_trust_and_recency_count_as_well_as_utility(place: Place) -> None:
    less_trusted = place.used(about(RULES[0], origin="import"), used=10, helped=9)
    long_ago = place.used(about(RULES[1]), used=10, helped=9)
    place.run(long_ago, less_trusted)
    place.clock.advance(timedelta(days=300).total_seconds())
    place.run(less_trusted)
    now = place.used(about(RULES[2]), used=10, helped=6)

    assert [memory.id for memory, _ in place.keep(promoted=2).keep().hibernated] == [long_ago.id]
    assert [memory.id for memory, _ in place.keep(promoted=1).keep().hibernated] == [less_trusted.id]
    assert place.status(now) == ["promoted"]


def test_a_family_has_its_own_budget_and_values_are_apart(place: Place) -> None:
    in_family = [place.used(about(what, families=("desk",))) for what in RULES[:3]]
    elsewhere = [place.used(about(what, families=("shop",))) for what in RULES[3:5]]
    values = place.used(Lesson("tool_policy", "", "values", Provenance("self_verified"), Scope(("a",), ("desk",))))

    kept = place.keep(family=2, promoted=5).keep()

    assert len(kept.hibernated) == 1
    assert place.status(*in_family).count("archived") == 1
    assert set(place.status(*elsewhere, values)) == {"promoted"}


def test_quarantine_has_a_budget_and_the_less_trusted_leave_it_first(place: Place) -> None:
    others = place.waiting(about(RULES[0], origin="import"))
    own = [place.waiting(about(what)) for what in RULES[1:3]]

    place.keep(quarantined=2).keep()

    assert place.status(others, *own) == ["archived", "quarantined", "quarantined"]


def test_what_people_taught_is_named_and_never_touched(place: Place) -> None:
    words = [place.gate.teach(taught(f"asked about {what}", f"look at {what}")) for what in RULES[:3]]
    learned = place.used(about(RULES[5]), used=20, helped=0)

    kept = place.keep(promoted=1, taught=2, idle_runs=1).keep()

    assert [memory.lesson.provenance.origin for memory, _ in kept.named] == ["user"]
    assert set(place.status(*words, learned)) == {"promoted"}


def test_what_no_run_had_for_long_hibernates(place: Place) -> None:
    idle, busy, other_family = (
        place.used(about(what, families=(family,))) for what, family in zip(RULES, ("a", "a", "b"), strict=False)
    )
    place.clock.advance(1)
    for _ in range(5):
        place.run(busy, family="a")

    kept = place.keep(idle_runs=5).keep()

    assert [memory.id for memory, _ in kept.hibernated] == [idle.id]
    assert place.status(busy, other_family) == ["promoted", "promoted"]
    assert "none of the last 5 runs that could have had it" in place.last(idle)[1]


def test_runs_from_before_it_was_promoted_are_no_chances(place: Place) -> None:
    for _ in range(9):
        place.run()
    place.clock.advance(1)
    young = place.used(about(RULES[0]))
    place.run()

    assert place.keep(idle_runs=5).keep().hibernated == ()
    assert place.status(young) == ["promoted"]


def test_what_hibernates_comes_back_through_quarantine(place: Place) -> None:
    gone = place.used(about(RULES[0]), used=4, helped=0)
    place.used(about(RULES[1]))
    place.keep(promoted=1).keep()

    back = place.gate.quarantine(place.store.get(gone.id), "wanted again")

    assert back.status == "quarantined"


def _twins(place: Place) -> tuple[Memory, Memory]:
    first = place.used(lesson(then="check that n is 0 before the recursion", when="writing a recursive function"))
    second = place.used(lesson(then="verify that n is 0 before recursion", when="writing a recursive function"))
    return first, second


def test_two_that_say_the_same_become_one_and_the_better_proven_stays(place: Place) -> None:
    first, second = _twins(place)
    place.credited(first, used=3, helped=3)
    place.credited(second, used=32, helped=30)

    kept = place.keep().keep()

    assert [(stays.id, goes.id) for stays, goes in kept.merged] == [(second.id, first.id)]
    assert place.status(first, second) == ["archived", "promoted"]
    assert place.last(first) == (ACTOR, f"merged into {second.id}, which says the same")
    assert first.id in place.last(second)[1]


def test_only_runs_that_had_not_both_are_added(place: Place) -> None:
    first, second = _twins(place)
    for success in (True, True, False):
        place.run(first, second, success=success)
    for success in (True, False):
        place.run(second, success=success)
    place.run(first, success=True)

    place.keep().keep()

    stays = next(memory for memory in (place.store.get(first.id), place.store.get(second.id)) if memory.status == "promoted")
    assert (stays.used, stays.helped) == (6, 4)


def test_a_taught_twin_stays_whatever_the_record_says_and_two_taught_ones_are_named(place: Place) -> None:
    learned = place.used(lesson(then="check that n is 0 before the recursion"), used=30, helped=30)
    first = place.gate.teach(taught("writing a recursive function", "verify that n is 0 before recursion"))

    assert [(stays.id, goes.id) for stays, goes in place.keep().keep().merged] == [(first.id, learned.id)]

    second = place.gate.teach(taught("writing a recursive function", "validate n is 0 before the recursion"))
    kept = place.keep().keep()

    assert kept.merged == ()
    assert {memory.id for memory, _ in kept.named} < {first.id, second.id}
    assert place.status(first, second) == ["promoted", "promoted"]


def test_one_agent_s_memory_is_not_merged_into_another_one_s(place: Place) -> None:
    pair = [place.used(lesson(then=then, agents=(who,))) for then, who in (("check n is 0", "a"), ("verify n is 0", "b"))]

    assert place.keep().keep().merged == ()
    assert set(place.status(*pair)) == {"promoted"}


def _opposites(place: Place) -> tuple[Memory, Memory]:
    better = place.used(lesson(when="naming a branch", then="always put the ticket number in it"), used=20, helped=19)
    worse = place.used(lesson(when="naming a branch", then="never put the ticket number in it"), used=20, helped=10)
    return better, worse


def test_the_less_proven_of_two_opposites_in_use_is_tried_beside_the_other(place: Place) -> None:
    better, worse = _opposites(place)

    kept = place.keep().keep()

    ((again, against),) = kept.contested
    assert (again.id, again.status, again.supersedes) == (worse.id, "quarantined", None)
    assert against.id == better.id
    assert place.status(better, worse) == ["promoted", "quarantined"]
    assert place.last(worse) == (ACTOR, f"contradicts {better.id}, which is better proven")
    assert place.keep().keep().contested == ()  # its trial decides now
    assert place.status(better, worse) == ["promoted", "quarantined"]


def test_one_that_passed_its_trial_beside_its_opposite_is_named_and_not_tried_for_ever(place: Place) -> None:
    better, worse = _opposites(place)
    place.keep().keep()
    again = place.store.get(worse.id)
    place.gate.promote(again, report(worse.id, e_help=1e9, alpha=place.gate.allowance(again)))

    kept = place.keep().keep()

    assert kept.contested == ()
    assert [(memory.id, why) for memory, why in kept.named] == [
        (worse.id, f"contradicts {better.id}, and passed its trial beside it")
    ]
    assert place.status(better, worse) == ["promoted", "promoted"]


def test_a_web_lesson_displaces_no_own_one(place: Place) -> None:
    own = place.used(
        lesson(agents=("coder",), when="naming a branch", then="always put the ticket number in it"), used=20, helped=10
    )
    web = place.used(
        lesson(agents=("coder",), when="naming a branch", then="never put the ticket number in it", origin="web"),
        used=9,
        helped=9,
    )

    place.keep().keep()

    assert place.status(own, web) == ["promoted", "quarantined"]


def test_a_web_lesson_in_use_takes_no_place_of_an_own_one_that_waits(place: Place) -> None:
    web = place.used(lesson(agents=("coder",), then="check that n is 0 before the recursion", origin="web"), used=9, helped=9)
    own = place.waiting(lesson(agents=("coder",), then="verify that n is 0 before recursion"))

    assert place.keep().keep().merged == ()
    assert place.status(web, own) == ["promoted", "quarantined"]


def test_an_import_that_contradicts_what_is_in_use_takes_its_place_by_a_trial_only(place: Place) -> None:
    better = place.used(lesson(when="naming a branch", then="always put the ticket number in it"), used=3, helped=1)
    claim = place.waiting(lesson(when="naming a branch", then="never put the ticket number in it", origin="import"))

    ((again, against),) = place.keep().keep().contested

    assert (again.status, again.supersedes, again.lesson) == ("quarantined", better.id, claim.lesson)
    assert place.status(against, claim) == ["promoted", "archived"]


def test_three_that_say_the_same_become_one_in_one_look(place: Place) -> None:
    three = [place.used(lesson(then=f"{verb} that n is 0 before the recursion")) for verb in ("check", "verify", "test")]

    kept = place.keep().keep()

    assert sorted(place.status(*three)) == ["archived", "archived", "promoted"]
    assert (len(kept.merged), kept.left) == (2, False)


def test_a_trial_may_not_put_away_what_a_person_taught(place: Place) -> None:
    worse = place.used(lesson(when="naming a branch", then="never put the ticket number in it"), used=20, helped=20)
    word = place.gate.teach(taught("naming a branch", "always put the ticket number in it"))

    kept = place.keep().keep()

    assert [(memory.id, memory.supersedes) for memory, _ in kept.contested] == [(worse.id, None)]
    assert place.status(worse, word) == ["quarantined", "promoted"]


def test_two_people_who_contradict_each_other_are_told(place: Place) -> None:
    words = [
        place.gate.teach(taught("naming a branch", f"{often} put the ticket number in it")) for often in ("always", "never")
    ]

    ((named, why),) = place.keep().keep().named

    assert named.id in {memory.id for memory in words}
    assert "which was taught too" in why
    assert set(place.status(*words)) == {"promoted"}


def test_rules_that_answer_a_case_differently_contradict(place: Place) -> None:
    def rule(answer: str) -> Lesson:
        line = RuleLine((Condition("parcel"),), answer)
        return replace(
            lesson("", f"parcel -> {answer}", families=("desk",)), cases=(Case("my parcel is late", answer),), lines=(line,)
        )

    better, worse = place.used(rule("tracking"), used=9, helped=9), place.used(rule("sales"), used=9, helped=1)

    ((again, _),) = place.keep().keep().contested

    assert (again.id, again.status) == (worse.id, "quarantined")
    assert place.status(better) == ["promoted"]


def test_a_look_is_bounded_and_the_next_one_goes_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homeostasis, "MOST_COMPARISONS", 30)
    for what in (*RULES, "brick ovens", "clay pots", "tin roofs", "straw hats", "cork mats"):
        place.used(lesson(when="naming a branch", then=f"use {what}", families=("git",)))
    keeper = place.keep()

    looks = [keeper.keep().left for _ in range(6)]

    assert looks[0] is True
    assert looks[-1] is False
    assert len(place.store.list("promoted")) == 12


def test_no_more_is_changed_in_one_look_than_it_may(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homeostasis, "MOST_CHANGES", 2)
    for what in RULES:
        place.used(about(what))
    keeper = place.keep(promoted=1)

    assert [(len(kept.hibernated), kept.left) for kept in (keeper.keep() for _ in range(4))] == [
        (2, True),
        (2, True),
        (2, False),
        (0, False),
    ]


def test_a_memory_that_was_edited_in_the_file_is_left_to_the_gate(place: Place) -> None:
    first, second = _twins(place)
    with place.db.write() as cursor:
        cursor.execute("UPDATE memories SET version = version + 1 WHERE id = ?", (second.id,))

    kept = place.keep().keep()

    assert (kept.merged, kept.left) == ((), True)
    assert set(place.status(first, second)) == {"promoted"}


def test_archived_memories_are_found_by_their_words(place: Place) -> None:
    from purpose_agent.memory.census import Census

    gone = place.gate.archive(place.used(about("copper kettles", families=("shop",))), "not now")
    place.used(about("silver spoons"))
    census = Census(place.db)

    assert _ids(census.search("Kettle?", ("archived",), 9)) == [gone.id]
    assert _ids(census.search("kettle", ("promoted",), 9)) == []
    assert _ids(census.search('"*', ("archived",), 9)) == []


def _ids(memories: Sequence[Memory]) -> list[str]:
    return [memory.id for memory in memories]


def test_the_clock_of_the_tests_stands_still(place: Place) -> None:
    now: datetime = place.clock.now()

    assert place.clock.now() == now
