"""What was learned for one user never reaches another: neither by recall, nor on trial, in general memories or in values."""

import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import purpose_agent as pa
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.memory import Case, Lesson, Memory, MemoryKind, Provenance, Scope
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.origin import Origin
from purpose_agent.learning.evolve import generalise
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.recall import recall, would_recall
from purpose_agent.memory.store import MemoryStore
from purpose_agent.memory.vectors import MemoryVectors
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import RunMode
from purpose_agent.testing.models import RuleModel
from tests.learning.given import door, doors
from tests.memory.build import TickingClock, put_into_use
from tests.memory.embedders import OneVector

USERS = ("ada", "bob", "Ada", "ada ", '"ada"', "*", "")
KINDS: tuple[MemoryKind, ...] = ("skill_card", "failure_pattern", "episodic_case", "tool_policy")
ORIGINS: tuple[Origin, ...] = ("user", "self_verified", "web")

words = st.lists(st.sampled_from(("red", "door", "invoice", "overdue", "scopeanyuser", "ada", "[]")), max_size=4).map(" ".join)
scopes = st.builds(
    Scope,
    agents=st.sampled_from(((), ("porter",))),
    families=st.sampled_from(((), ("doors",), ("doors", "gates"))),
    users=st.lists(st.sampled_from([user for user in USERS if user]), max_size=2, unique=True).map(tuple),
)
lessons = st.builds(
    Lesson,
    kind=st.sampled_from(KINDS),
    when=words,
    then=words.map(lambda text: f"advice {text}"),
    provenance=st.builds(Provenance, origin=st.sampled_from(ORIGINS), agent=st.just("porter")),
    scope=scopes,
    cases=st.lists(st.builds(Case, words, st.just("left")), max_size=1).map(tuple),
)


def opening(goal: str, user: str, family: str) -> pa.Task:
    return pa.Task(f"Open it: {goal}", labels={"user": user, "family": family})


tasks = st.builds(opening, goal=words, user=st.sampled_from(USERS), family=st.sampled_from(("", "doors")))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.lists(lessons, min_size=1, max_size=8), asked=st.lists(tasks, min_size=1, max_size=4), meaning=st.booleans())
def test_whatever_was_learned_a_recall_has_nothing_of_another_user(
    drawn: list[Lesson], asked: list[pa.Task], meaning: bool
) -> None:
    with TemporaryDirectory() as folder:
        db = Database(Path(folder) / "purpose.db")
        store = MemoryStore(db, TickingClock())
        gate = Gate(store, TickingClock(), counting_ids())
        known = [kept(gate, lesson) for lesson in drawn]
        vectors = MemoryVectors(db, OneVector()) if meaning else None
        for task in asked:
            for also in (None, *known):
                draws = random.Random(1)
                found = recall(store, task, "porter", also=also, vectors=vectors, draws=draws)
                assert not [each.memory.lesson.scope for each in found if not is_for(each.memory, task)]
            assert all(is_for(memory, task) for memory in known if would_recall(memory, task, "porter"))
        db.close()


def kept(gate: Gate, lesson: Lesson) -> Memory:
    """In use as far as the gate lets it, else as it is."""
    if lesson.provenance.origin == "user":
        return gate.teach(lesson)
    known = gate.admit(lesson)
    return put_into_use(gate, lesson) if known.status == "quarantined" else known


def is_for(memory: Memory, task: pa.Task) -> bool:
    users = memory.lesson.scope.users
    return not users or task.labels.get("user") in users


SECRET = "the safe opens with 7-4-1"


class Overheard:
    """A model that keeps all that it is told, and answers the same to everything."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __call__(self, request: ModelRequest) -> str:
        self.heard.append(request.text)
        return "left"


@pytest.mark.parametrize("mode", ["learning", "validation", "evaluation"])
def test_what_a_user_taught_is_in_no_prompt_of_another(tmp_path: Path, mode: RunMode) -> None:
    model = Overheard()
    place = pa.Workspace(tmp_path, embedder=OneVector())
    teams = pa.Team.build("Doors", ["porter", "clerk"], model=RuleModel(model), workspace=place)
    for when in ("", "opening the red door", "asked for the code"):
        assert teams.teach(f"{SECRET} ({when})", when=when, user="ada").status == "promoted"
    agent = pa.Agent("porter", model=RuleModel(model), workspace=place, mode=mode, critic=None)
    goal = "Opening the red door, asked for the code: left or right?"

    for labels in ({}, {"user": "bob"}, {"user": "Ada"}, {"user": ""}):
        agent.run(pa.Task(goal, labels=labels))
        teams.run(pa.Task(goal, labels=labels))
        teams.ask(goal)
    assert model.heard
    assert not [text for text in model.heard if "7-4-1" in text]

    agent.run(pa.Task(goal, labels={"user": "ada"}))
    assert "7-4-1" in model.heard[-1]


@pytest.mark.anyio
async def test_a_general_memory_of_two_users_lessons_is_not_made() -> None:
    with TemporaryDirectory() as folder:
        db = Database(Path(folder) / "purpose.db")
        store = MemoryStore(db, TickingClock())
        gate = Gate(store, TickingClock(), counting_ids())
        for number, user in enumerate(("ada", "bob", "ada", "bob")):
            source = Provenance("self_verified", f"run_{number}", "porter")
            scope = Scope(("porter",), (f"family {number}",), (user,))
            gate.admit(Lesson("failure_pattern", f"at place {number}", "knock twice and wait for the porter", source, scope))
        asked = Overheard()

        made = await generalise(
            store.list(), gate, model_of=lambda name: RuleModel(asked), was_tried=lambda memory: False, pay=lambda usage: None
        )
        db.close()
    assert made is None
    assert asked.heard == []


def test_values_learned_for_one_user_rank_nothing_for_another(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path)
    agent = pa.Agent("scout", model="none", workspace=place)
    for number, task in enumerate(doors("red", "blue", "green", places=14)):
        agent.run(replace(task, labels={**task.labels, "user": "ada"}), seed=number)
    place.settle()
    judge = agent.moved(place, "evaluation")

    def values(user: str) -> int:
        task = door("red", "windmill")
        result = judge.run(replace(task, labels={**task.labels, "user": user}), seed=1)
        return len(result.recalled)

    assert (values("ada"), values("bob"), values("")) == (1, 0, 0)
    assert place.memories(kind="tool_policy")[0].lesson.scope.users == ("ada",)
