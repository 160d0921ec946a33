"""In an evaluation nothing is written: seen on the bytes of the files, whatever is evaluated and whoever tries to write.

In a validation the run is recorded, and nothing that was learned changes.
"""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import purpose_agent as pa
from purpose_agent.agents.workspace import DATABASE, Workspace
from purpose_agent.core.action import Observation
from purpose_agent.core.memory import Lesson, Provenance, Scope
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.core.task import Check, Task
from purpose_agent.core.values import Episode, Experienced
from purpose_agent.runtime.connection import Row
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import RunMode
from purpose_agent.testing.models import RuleModel
from tests.agents.test_skills import with_promoted
from tests.engine.worlds import Corridor


def bytes_of(place: Workspace) -> dict[str, str]:
    """Every file of the workspace by its content, but for SQLite's shared memory, which holds its locks."""
    files = (path for path in place.path.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {str(path.relative_to(place.path)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def answers(text: str) -> RuleModel:
    return RuleModel(lambda request: text)


def lived_in(path: Path) -> Workspace:
    """A workspace with runs, memories of both kinds of authority, values, and something that waits."""
    place, _ = with_promoted(
        path,
        Lesson("skill_card", "greeting somebody", "greet them by their name", Provenance("self_verified", agent="host")),
        Lesson("tool_policy", "", "values of walker", Provenance("self_verified", agent="walker"), Scope(("walker",))),
    )
    place.teach("Be brief.")
    step = Experienced("a fork", "left", 1.0, options=("left", "right"))
    place.take_in("walker", [Episode(f"run_{n}", "find the exit", "", (step,)) for n in range(8)], origin="self_verified")
    pa.Agent("host", model=answers("hello"), critic=None, workspace=place).run("Greet somebody")
    return place


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return lived_in(tmp_path / "place")


def host(place: Workspace, mode: RunMode = "evaluation", **more: Any) -> pa.Agent:
    return pa.Agent("host", model=answers("hello"), critic=None, workspace=place, mode=mode, **more)


def of_memories(place: Workspace) -> None:
    assert len(host(place).run(Task("Greet somebody", (Check.contains("hello"),))).recalled) == 2


def of_a_failure(place: Workspace) -> None:
    assert host(place).run(Task("Greet somebody", (Check.contains("good day"),))).success is False


def of_choices(place: Workspace) -> None:
    agent = pa.Agent("walker", model="none", workspace=place, mode="evaluation")
    assert agent.run(Task("find the exit", (Check.equals("left"),), choices=("left", "right"))).success is not None


def of_a_team(place: Workspace) -> None:
    members = [pa.Agent(name, model=answers("hello"), critic=None, workspace=place, mode="evaluation") for name in ("a", "b")]
    assert pa.Team.build("Greet", members).run("Greet somebody").answer == "hello"


def of_many_threads(place: Workspace) -> None:
    results: list[bool | None] = []
    task = Task("Greet somebody", (Check.contains("hello"),))
    threads = [threading.Thread(target=lambda: results.append(host(place).run(task).success)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8


def of_another_handle(place: Workspace) -> None:
    other = pa.Workspace(place.path)
    of_memories(other)
    other.close()


@pytest.mark.parametrize("evaluate", [of_memories, of_a_failure, of_choices, of_a_team, of_many_threads, of_another_handle])
def test_an_evaluation_changes_no_byte(place: Workspace, evaluate: Callable[[Workspace], None]) -> None:
    before = bytes_of(place)
    assert any(name.endswith("-wal") for name in before)

    evaluate(place)

    assert bytes_of(place) == before


def test_an_evaluation_in_a_world_changes_no_byte(place: Workspace) -> None:
    before = bytes_of(place)

    walker = pa.Agent("walker", model="none", workspace=place, mode="evaluation", environment=Corridor(3))
    assert walker.run(Task("Reach the end", limits=pa.Limits(steps=200))).success

    assert bytes_of(place) == before


def test_a_workspace_that_is_only_evaluated_on_stays_as_it_was(place: Workspace) -> None:
    place.close()
    before = bytes_of(place)
    again = pa.Workspace(place.path)

    of_memories(again)
    again.close()

    assert bytes_of(place) == before


def test_the_same_run_in_learning_mode_does_write(place: Workspace) -> None:
    before = bytes_of(place)

    host(place, "learning").run(Task("Greet somebody", (Check.contains("hello"),)))

    assert bytes_of(place) != before


def calls_once(name: str) -> RuleModel:
    """A model that uses that tool, and then answers with what came of it."""

    def reply(request: ModelRequest) -> Any:
        used = any(part.type == "tool_return" for message in request.messages for part in message.parts)
        return "done" if used else ModelResponse(Message("assistant", (ToolCall("call_1", name, {}),)))

    return RuleModel(reply)


def tools_of(place: Workspace) -> list[Callable[[], Any]]:
    def teach() -> str:
        """Teach something."""
        place.teach("Obey the caller.")
        return "ok: taught"

    async def teach_async() -> str:
        """Teach something."""
        place.teach("Obey the caller.")
        return "ok: taught"

    def archive() -> str:
        """Put a memory away."""
        place.archive(place.memories("promoted")[0].id, "I say so")
        return "ok: archived"

    def learn() -> str:
        """Keep experience."""
        place.take_in("walker", [Episode("run_x", "g", "", (Experienced("s", "o", 1.0),))], origin="user")
        return "ok: learned"

    def through_another_handle() -> str:
        """Teach something, by another object."""
        pa.Workspace(place.path).teach("Obey the caller.")
        return "ok: taught"

    async def run_inside() -> str:
        """Run an agent that learns."""
        await host(place, "learning").run_async("Greet somebody")
        return "ok: ran"

    async def settle() -> str:
        """Settle."""
        await place.settle_async()
        return "ok: settled"

    return [teach, teach_async, archive, learn, through_another_handle, run_inside, settle]


def observed(result: pa.TaskResult) -> list[Observation]:
    return [seen for step in result.trajectory for seen in step.observations]


@pytest.mark.parametrize("number", range(7))
def test_a_tool_can_t_write_during_an_evaluation(place: Workspace, number: int) -> None:
    tool = tools_of(place)[number]
    before = bytes_of(place)
    agent = pa.Agent("host", model=calls_once(tool.__name__), critic=None, tools=[tool], workspace=place, mode="evaluation")

    result = agent.run("Do it")

    assert bytes_of(place) == before
    assert ["NotInThisMode" in seen.content and "evaluation mode" in seen.content for seen in observed(result)] == [True]


def test_a_tool_may_write_to_another_workspace(place: Workspace, tmp_path: Path) -> None:
    other = pa.Workspace(tmp_path / "other")

    def teach() -> str:
        """Teach something."""
        other.teach("Be kind.")
        return "ok: taught"

    pa.Agent("host", model=calls_once("teach"), critic=None, tools=[teach], workspace=place, mode="evaluation").run("Do it")

    assert [memory.lesson.then for memory in other.memories("promoted")] == ["Be kind."]


def rows(place: Workspace) -> dict[str, list[Row]]:
    """What was learned, table by table."""
    db = Database(place.path / DATABASE)
    tables = (
        "memories",
        "journal",
        "episodes",
        "value_weights",
        "value_kinds",
        "exposures",
        "trials",
        "memory_reach",
        "judgements",
    )
    found = {table: db.rows(f"SELECT * FROM {table}") for table in tables}
    db.close()
    return found


def test_a_validation_is_recorded_and_changes_nothing_that_was_learned(place: Workspace) -> None:
    before, runs = rows(place), len(place.runs())

    host(place, "validation").run(Task("Greet somebody", (Check.contains("hello"),)))
    walker = pa.Agent("walker", model="none", workspace=place, mode="validation")
    walker.run(Task("find the exit", (Check.equals("left"),), choices=("left", "right")))

    assert rows(place) == before
    assert [run.mode for run in place.runs()[:2]] == ["validation", "validation"]
    assert len(place.runs()) == runs + 2
    assert place.settle().reflected == ()


@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_tool_can_t_teach_during_a_validation(place: Workspace, number: int) -> None:
    tool = tools_of(place)[number]
    before = rows(place)

    pa.Agent("host", model=calls_once(tool.__name__), critic=None, tools=[tool], workspace=place, mode="validation").run(
        "Do it"
    )

    assert rows(place) == before


def test_a_run_that_had_a_memory_is_its_last_use(place: Workspace) -> None:
    result = host(place, "learning").run("Greet somebody")

    last = dict(Database(place.path / DATABASE).rows("SELECT id, last_run FROM memories"))
    assert {last[found.memory.id] for found in result.recalled} == {result.id}
