"""What came from a place is forgotten, with what was made of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import Lesson, Provenance
from purpose_agent.core.origin import Origin
from purpose_agent.core.values import Episode, Experienced
from purpose_agent.memory.forgetting import Forgetting, Place
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.history import History
from purpose_agent.memory.replay import Replay
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from tests.memory.build import lesson, put_into_use


@pytest.fixture
def forgetting(db: Database, store: MemoryStore, gate: Gate) -> Forgetting:
    return Forgetting(db, store, gate, Replay(db))


def came(
    origin: Origin, then: str, *, run: str = "", source: str = "", beside: str = "", parents: tuple[str, ...] = ()
) -> Lesson:
    return replace(
        lesson(then=then, agents=("a",)), provenance=Provenance(origin, run, "a", "", beside, parents, source=source)
    )


def test_what_came_from_a_site_is_forgotten_with_what_was_made_of_it(
    gate: Gate, forgetting: Forgetting, store: MemoryStore
) -> None:
    page = gate.admit(came("web", "look at page 1", run="run_1", source="https://a.example/x"))
    same_run = gate.admit(came("self_verified", "look at page 2", run="run_1"))
    compared = gate.admit(came("self_verified", "look at page 3", run="run_2", beside="run_1"))
    made_of_it = gate.admit(came("self_inferred", "look at page 4", run="run_3", parents=("mem_9", same_run.id)))
    made_of_that = gate.admit(came("self_inferred", "look at page 5", run="run_4", parents=(made_of_it.id,)))
    other_site = gate.admit(came("web", "look at page 6", run="run_5", source="https://b.example/"))
    same_run_as_derived = gate.admit(came("self_verified", "look at page 7", run="run_3"))

    undone = forgetting.forget(Place(origin="web", source="https://a.example/"))

    gone = {memory.id for memory, _, _ in undone.done}
    assert gone == {page.id, same_run.id, compared.id, made_of_it.id, made_of_that.id}
    assert {memory.id for memory in store.list("quarantined")} == {other_site.id, same_run_as_derived.id}
    assert "origin web, source https://a.example/" in store.journal(page.id)[-1].why
    assert "made of what was" in store.journal(made_of_that.id)[-1].why


def test_what_came_since_a_moment_or_from_a_run_is_forgotten(gate: Gate, forgetting: Forgetting, store: MemoryStore) -> None:
    old = gate.admit(came("tool", "look at page 1", run="run_1"))
    new = gate.admit(came("tool", "look at page 2", run="run_2"))

    assert [memory.id for memory, _, _ in forgetting.forget(Place(since=new.created_at), preview=True).done] == [new.id]
    assert [memory.id for memory, _, _ in forgetting.forget(Place(run="run_1"), preview=True).done] == [old.id]
    assert forgetting.forget(Place(run="run_1", since=new.created_at)).done == ()
    assert len(store.list("quarantined")) == 2


def test_what_was_forgotten_can_be_restored(gate: Gate, forgetting: Forgetting, store: MemoryStore, db: Database) -> None:
    memory, history = put_into_use(gate, lesson()), History(db, store, gate)
    moment = history.log()[-1].at
    forgetting.forget(Place(origin="self_verified"))

    history.restore(moment)

    assert store.get(memory.id).status == "promoted"


def test_forgetting_everything_is_not_meant(forgetting: Forgetting) -> None:
    with pytest.raises(UsageError, match="everything"):
        forgetting.forget(Place())
    with pytest.raises(UsageError, match="no origin 'mars'"):
        forgetting.forget(Place(origin="mars"))  # pyright: ignore[reportArgumentType]


def test_an_edited_memory_is_left_and_named(gate: Gate, forgetting: Forgetting, db: Database) -> None:
    memory = gate.admit(lesson())
    with db.write() as cursor:
        cursor.execute("UPDATE memories SET lesson = replace(lesson, 'test', 'skip')")

    ((left, why),) = forgetting.forget(Place(since=memory.created_at - timedelta(days=1))).left

    assert left.id == memory.id
    assert "edited in the file" in why


def episode(run: str, option: str, reward: float) -> Episode:
    return Episode(
        run, "open the door", "doors", (Experienced("a red door", option, reward, ("pull", "knock")),), success=reward > 0
    )


def test_values_are_learned_anew_without_the_episodes_of_a_forgotten_run(
    db: Database, forgetting: Forgetting, gate: Gate
) -> None:
    kept = [episode(f"run_{number}", "pull", 1.0) for number in range(12)]
    clean, replay = Replay(Database(db.path.parent / "clean.db")), Replay(db)
    for each in kept:
        clean.learn("a", each)
        replay.learn("a", each)
    for number in range(12):
        replay.learn("a", episode(f"bad_{number}", "pull", -1.0))
        gate.admit(came("web", f"look at page {number}", run=f"bad_{number}", source="https://a.example/"))
    weights = "SELECT agent, family, feature, mean, variance FROM value_weights ORDER BY 1, 2, 3"

    undone = forgetting.forget(Place(source="https://a.example/"))

    assert undone.episodes == 12
    assert db.rows(weights) == Database(db.path.parent / "clean.db").rows(weights)
    assert (replay.count("a", "doors"), len(replay.episodes("a"))) == (12, 12)
    assert db.rows("SELECT count(*) FROM episodes") == [(24,)]


def test_what_others_told_is_forgotten_by_its_origin_and_not_judged_again(db: Database, forgetting: Forgetting) -> None:
    replay = Replay(db)
    for number in range(40):
        replay.learn("a", episode(f"run_{number}", ("pull", "knock")[number % 2], float(number % 2 == 0)))
        replay.learn("a", episode(f"peer_{number}", ("pull", "knock")[number % 2], float(number % 2 == 0)), origin="peer_agent")

    undone = forgetting.forget(Place(origin="peer_agent"))

    assert undone.episodes == 40
    assert replay.vouch() == 0
    assert len(replay.episodes("a")) == 40
