"""Runs kept in two places, of which the second one fails for once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.continuing import promised, shared
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import RunTaken, WorkspaceError
from purpose_agent.core.task import Check, Task
from purpose_agent.runtime.checkpoints.memory import MemoryCheckpointer
from purpose_agent.runtime.controls import Control
from purpose_agent.runtime.events import Event
from purpose_agent.runtime.record import NOT_WANTED, PENDING, RunRecord
from purpose_agent.testing.checkpoint_acts import a_run, kept
from purpose_agent.testing.models import RuleModel


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """While there is something in it, the workspace's disk is full."""
    full: set[str] = set()
    append = RunRecord.append

    def save(self: RunRecord, events: Sequence[Event], heard: Sequence[Control] = ()) -> None:
        if full:
            raise WorkspaceError("disk full")
        append(self, events, heard)

    monkeypatch.setattr(RunRecord, "append", save)
    return full


def test_what_the_first_place_has_is_not_sent_there_again_and_reaches_the_second_one(tmp_path: Path, full: set[str]) -> None:
    events, first = a_run(), MemoryCheckpointer()
    place = Workspace(tmp_path).keeping(first)
    place.record.open(events[0], Task("x"), family="", task_key="", reflected=0)

    full.add("yes")
    with pytest.raises(WorkspaceError, match="disk full"):
        place.record.append(events[1:3])
    with pytest.raises(WorkspaceError, match="disk full"):
        place.record.append(events[1:4])
    full.clear()
    place.record.append(events[1:5])

    assert kept(first) == events[:5]
    assert place.trace("run_1").events == events[:5]


def test_another_processs_event_of_that_number_is_still_refused(tmp_path: Path, full: set[str]) -> None:
    events, first = a_run(), MemoryCheckpointer()
    place = Workspace(tmp_path).keeping(first)
    place.record.open(events[0], Task("x"), family="", task_key="", reflected=0)
    first.append(events[1:2])

    with pytest.raises(RunTaken):
        place.record.append(events[1:3])


class Died(BaseException):
    """As if the process ended there."""


@pytest.mark.anyio
@pytest.mark.parametrize(("answer", "reflected"), [("ok", PENDING), (None, NOT_WANTED)])
async def test_an_end_that_is_brought_counts_as_if_it_had_come_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str | None, reflected: int
) -> None:
    def say(request: object) -> str:
        if answer is None:
            raise LookupError("no more words")
        return answer

    def die(*given: object, **named: object) -> None:
        raise Died

    place, first = Workspace(tmp_path), MemoryCheckpointer()
    agent = Agent("clerk", model=RuleModel(say), critic=None, workspace=place)
    lesson = place.teach("say ok")
    task = Task("say ok", checks=[Check.equals("ok")])
    with monkeypatch.context() as patch:
        patch.setattr(RunRecord, "finish", die)
        with pytest.raises(Died):
            await promised(shared(agent, "run_1", first), task, "run_1")

    for _ in range(2):
        shared(agent, "run_1", first)

    run, uses = place.run("run_1"), int(answer is not None)
    assert (place.memory(lesson.id).used, place.memory(lesson.id).helped) == (uses, uses)
    assert run.reflected == reflected
    assert run.finished_at is not None
