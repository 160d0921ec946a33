"""The promise: the second run succeeds only because of what the first one learned."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.memory import TrialReport
from purpose_agent.runtime.events import LessonDrawn, MemoryRecalled, Reflected, RunFinished
from purpose_agent.testing.models import RuleModel

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[1]
LESSON = "test n=0 first"
RIGHT = "```python\ndef fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n```"
WRONG = "```python\ndef fib(n):\n    return 1 if n < 2 else fib(n - 1) + fib(n - 2)\n```"
FIBONACCI = pa.Task(
    "Write a recursive function fib(n) for fibonacci", checks=[pa.Check.python("assert fib(0) == 0\nassert fib(10) == 55")]
)


def coder(request: pa.ModelRequest) -> str:
    """A model that gets fibonacci wrong until its prompt says to test n=0."""
    if request.purpose == "reflect":
        return json.dumps({"when": "writing a recursive function such as fibonacci", "then": LESSON})
    return RIGHT if LESSON in request.text else WRONG


def spark(workspace: Path | pa.Workspace) -> pa.Agent:
    return pa.Spark("coder", model=RuleModel(coder), workspace=workspace)


async def test_the_second_run_uses_what_the_first_one_learned(tmp_path: Path) -> None:
    agent = spark(tmp_path)

    first = await agent.run_async(FIBONACCI)
    settled = await agent.workspace.settle_async()
    second = await agent.run_async(FIBONACCI)

    assert (first.success, second.success) == (False, True)
    assert (str(first), str(second)) == (WRONG, RIGHT)
    assert (first.final_phi, second.final_phi) == (0.0, 10.0)
    assert [memory.status for memory in first.lessons] == ["quarantined"]
    assert [tried.memory.status for tried in settled.trialled] == ["promoted"]
    assert [found.memory.lesson.then for found in second.recalled] == [LESSON]


async def test_events_and_rows_tell_how_the_lesson_travelled(tmp_path: Path) -> None:
    agent = spark(tmp_path)
    first = await agent.run_async(FIBONACCI)
    await agent.workspace.settle_async()
    second = await agent.run_async(FIBONACCI)
    place = pa.Workspace(tmp_path)

    (memory,) = place.memories()
    drawn = place.trace(first.id)
    assert drawn.of(MemoryRecalled) == (MemoryRecalled(()),)
    assert drawn.of(LessonDrawn) == (LessonDrawn(memory.id, "quarantined", memory.lesson.text),)
    assert drawn.of(Reflected) == (Reflected(1),)

    (recalled,) = place.trace(second.id).of(MemoryRecalled)
    assert [found.memory_id for found in recalled.memories] == [memory.id]
    assert "relevance" in recalled.memories[0].why

    assert (memory.status, memory.used, memory.helped) == ("promoted", 1, 1)
    assert memory.lesson.provenance.run_id == first.id
    journal = place.journal(memory.id)
    assert [entry.to_status for entry in journal] == ["candidate", "quarantined", "promoted"]
    report = journal[-1].evidence
    assert isinstance(report, TrialReport)
    assert (report.wins, report.losses) == (len(report.pairs), 0)

    runs = place.runs(limit=100)
    assert [run.success for run in (place.run(first.id), place.run(second.id))] == [False, True]
    assert sum(run.parent == memory.id for run in runs) == 2 * len(report.pairs)
    assert {run.mode for run in runs if run.parent} == {"validation"}


async def test_without_a_trial_the_lesson_stays_in_quarantine_and_reaches_no_prompt(tmp_path: Path) -> None:
    agent = spark(tmp_path)

    await agent.run_async(FIBONACCI)
    second = await agent.run_async(FIBONACCI)

    assert second.success is False
    assert second.recalled == ()
    assert isinstance(agent.model, RuleModel)
    assert not any(LESSON in request.text for request in agent.model.requests if request.purpose == "act")
    assert [memory.status for memory in agent.workspace.memories()] == ["quarantined"]


def learn(folder: str) -> None:
    """In a process of its own: fail, and let the lesson be tried."""
    agent = spark(Path(folder))
    agent.run(FIBONACCI)
    pa.Workspace(folder).settle()


def use(folder: str) -> None:
    """In a later process: run again, and print what came of it."""
    result = spark(Path(folder)).run(FIBONACCI)
    (recalled,) = result.trace.of(MemoryRecalled)
    (end,) = result.trace.of(RunFinished)
    print(json.dumps([str(result), end.success, [found.memory_id for found in recalled.memories]]))


def in_a_child(function: str, folder: Path) -> str:
    code = f"from tests.test_flagship import {function}; {function}({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_learned_survives_the_process(tmp_path: Path) -> None:
    in_a_child("learn", tmp_path)
    answer, success, recalled = json.loads(in_a_child("use", tmp_path))

    (memory,) = pa.Workspace(tmp_path).memories("promoted")
    assert (answer, success, recalled) == (RIGHT, True, [memory.id])
    newest, *_ = pa.Workspace(tmp_path).runs()
    assert (newest.success, newest.answer, newest.reflected) == (True, RIGHT, 1)


def test_a_restart_alone_teaches_nothing(tmp_path: Path) -> None:
    answer, success, recalled = json.loads(in_a_child("use", tmp_path))
    again, success_again, recalled_again = json.loads(in_a_child("use", tmp_path))

    assert (answer, success, recalled) == (again, success_again, recalled_again) == (WRONG, False, [])
