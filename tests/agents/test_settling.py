"""What a half of a trial comes to."""

from pathlib import Path
from typing import Any, cast

import pytest

import purpose_agent as pa
from purpose_agent.agents.budget import Purse
from purpose_agent.agents.settling import Trials
from purpose_agent.core.memory import Lesson, Memory, Provenance
from purpose_agent.core.model import Usage
from purpose_agent.engine.result import TaskResult
from purpose_agent.engine.runner import Runner
from purpose_agent.learning.trial import Outcome, Rerun
from purpose_agent.learning.trial_tasks import TrialTasks
from purpose_agent.runtime.events import Event, RunFinished, RunStatus
from purpose_agent.runtime.trace import Trace
from purpose_agent.testing.clock import FrozenClock
from purpose_agent.testing.models import RuleModel

pytestmark = pytest.mark.anyio

TASK = pa.Task("What colour is it?", checks=[pa.Check.contains("blue")])


class Ending:
    """A runner whose runs all end like that, and that nobody judged."""

    def __init__(self, status: RunStatus) -> None:
        self._end = RunFinished(status, "blue", None, None, Usage(), "")

    async def run(self, *_: object, **__: object) -> TaskResult:
        return TaskResult(Trace((Event("event_1", "run_1", 1, FrozenClock().now(), "coder", 1, self._end),)))


class Learner:
    """Asks for one half of one pair."""

    half: Outcome | None = None

    def trial_tasks(self, *_: object, **__: object) -> TrialTasks:
        return TrialTasks((TASK,))

    async def try_out(self, memory: Memory, tasks: tuple[pa.Task, ...], rerun: Rerun, **_: object) -> object:
        self.half = await rerun(tasks[0], 1, True)
        return object()

    def promote_together(self) -> tuple[object, ...]:
        return ()


@pytest.mark.parametrize(("status", "success"), [("exhausted", False), ("gave_up", False), ("finished", None)])
async def test_a_half_that_came_to_no_end_is_no_success(status: RunStatus, success: bool | None, tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path)
    agent = pa.Agent("coder", model=RuleModel(lambda request: "-"), critic=None, workspace=place)
    memory = Memory(
        "mem_1",
        Lesson("skill_card", "", "say blue", Provenance("self_verified", "run_0", "coder")),
        "quarantined",
        FrozenClock().now(),
    )
    learner = Learner()

    class Memories:
        def list(self, *_: object) -> tuple[Memory, ...]:
            return (memory,)

        def get(self, _: str) -> Memory:
            return memory

    await Trials(cast(Any, Memories()), cast(Any, learner), cast(Runner, Ending(status)), {"coder": agent}, Purse()).of_all()

    assert learner.half is not None
    assert learner.half.success is success
