"""Swarms: tasks side by side, results in order, failures kept, and going on after the process died."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import CantResume, ModelUnreachable, NotFound, UsageError
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import ModelRequest, ModelResponse, Usage
from purpose_agent.runtime.events import AgentFinished, AgentStarted, Event, RunResumed
from purpose_agent.runtime.jobs import Job, JobResult
from purpose_agent.testing.clock import FrozenClock
from purpose_agent.testing.models import RuleModel
from tests.learning.given import drawn

pytestmark = pytest.mark.anyio


def echo(request: ModelRequest) -> str:
    """Says the last word of its task."""
    return request.messages[-1].text.split()[-1]


def agents(place: Path, rule: Callable[[ModelRequest], Any] = echo, number: int = 1) -> list[pa.Agent]:
    return [pa.Spark(f"a{each}", model=RuleModel(rule), critic=None, workspace=place) for each in range(1, number + 1)]


def test_results_come_in_the_order_of_the_tasks_and_agents_take_turns(tmp_path: Path) -> None:
    results = pa.swarm(["task a", "task b", "task c"], agents=agents(tmp_path, number=2))

    assert results.answers == ("a", "b", "c")
    assert [str(each) for each in results] == ["a", "b", "c"]
    assert (len(results), results[1].answer, results.status, results.failures) == (3, "b", "finished", ())
    assert str(results) == "1. a\n2. b\n3. c"
    place = pa.Workspace(tmp_path)
    parts = {run.goal: run for run in place.runs() if run.parent == results.id}
    assert {goal: run.agent for goal, run in parts.items()} == {"task a": "a1", "task b": "a2", "task c": "a1"}
    assert [part.run_id for part in results.trace.of(AgentStarted)] == [parts[f"task {name}"].id for name in "abc"]
    row = place.run(results.id)
    assert (row.agent, row.model, row.status, row.input_tokens) == ("swarm", "a1 + a2", "finished", results.usage.input_tokens)


class Meeting(RuleModel):
    """Answers only when so many ask at once; counts the most that did."""

    def __init__(self, number: int) -> None:
        super().__init__(echo)
        self.barrier = asyncio.Barrier(number)
        self.now = self.most = 0

    async def generate(self, request: ModelRequest) -> ModelResponse:
        self.now += 1
        self.most = max(self.most, self.now)
        await self.barrier.wait()
        self.now -= 1
        return await super().generate(request)


async def test_tasks_are_truly_side_by_side_and_never_more_than_asked_for(tmp_path: Path) -> None:
    model = Meeting(3)
    agent = pa.Spark("a", model=model, critic=None, workspace=tmp_path)
    results = await pa.swarm_async([f"task {number}" for number in range(9)], agents=[agent], at_once=3)

    assert results.answers == tuple(str(number) for number in range(9))
    assert model.most == 3


def test_a_task_that_breaks_its_agent_keeps_its_place_and_the_others_their_results(tmp_path: Path) -> None:
    def rule(request: ModelRequest) -> str:
        if "bad" in request.text:
            raise TypeError("broken")
        return echo(request)

    results = pa.swarm(["good 1", "bad 2", "good 3"], agents=agents(tmp_path, rule))

    assert results.answers == ("1", None, "3")
    (failed,) = results.failures
    assert (failed.task.goal, failed.agent, failed.reason) == ("bad 2", "a1", "TypeError: broken")
    assert str(results[1]) == "[failed: TypeError: broken]"
    assert results.status == "finished"
    assert results.trace.finished is not None
    assert results.trace.finished.reason == "1 of 3 tasks failed"


def test_a_model_that_fails_is_a_result_with_its_reason(tmp_path: Path) -> None:
    def rule(request: ModelRequest) -> str:
        raise ModelUnreachable("gone")

    (result,) = pa.swarm(["task"], agents=agents(tmp_path, rule))

    assert (result.status, result.reason) == ("failed", "ModelUnreachable: gone")


def test_a_swarm_whose_tasks_all_failed_says_so(tmp_path: Path) -> None:
    def rule(request: ModelRequest) -> str:
        if "offline" in request.text:
            raise ModelUnreachable("gone")
        return "wrong" if request.purpose == "act" else "{}"

    tasks = ["offline", pa.Task("Say it", checks=[pa.Check.contains("right")])]
    results = pa.swarm(tasks, agents=agents(tmp_path, rule))

    assert results.status == "finished"
    assert results.reason == "2 of 2 tasks failed"
    assert [(each.task.goal, each.status, each.success, each.answer) for each in results.failures] == [
        ("offline", "failed", None, None),
        ("Say it", "finished", False, "wrong"),
    ]
    assert "gone" in results.failures[0].reason
    assert results.failures[1].reason == "its checks failed: the answer does not contain 'right'"
    told = results.summary()
    assert "finished, 2 tasks: 0 done, 2 failed, 0 waiting" in told
    assert "reason: 2 of 2 tasks failed" in told
    assert "2. a1: failed: its checks failed" in told


def test_results_are_shown_in_a_line(tmp_path: Path) -> None:
    results = pa.swarm(["Do it"], agents=agents(tmp_path, lambda request: "word " * 500))

    assert repr(results) == f"ParallelResult({results.id}, finished, 1 tasks, 0 failed)"
    assert repr(results[0]).startswith(f"TaskResult({results[0].id}, finished, success=None, answer='word word")
    assert len(repr(results[0])) < 200


def test_all_learn_in_one_workspace(tmp_path: Path) -> None:
    def rule(request: ModelRequest) -> str:
        if request.purpose == "reflect":
            return json.dumps({"when": "greeting somebody", "then": "begin with the word hello"})
        return "hi"

    team = [pa.Spark(name, model=RuleModel(drawn(rule)), workspace=tmp_path) for name in ("a", "b")]
    tasks = [pa.Task(f"Greet {name}", checks=[pa.Check.contains("hello")]) for name in ("ann", "bob")]
    results = pa.swarm(tasks, agents=team)

    assert [result.success for result in results] == [False, False]
    assert {memory.lesson.provenance.agent for memory in pa.Workspace(tmp_path).memories()} <= {"a", "b"}
    assert len(pa.Workspace(tmp_path).memories()) >= 1
    assert sum(len(result.lessons) for result in results if isinstance(result, pa.TaskResult)) >= 1


def test_progress_is_told_as_it_comes(tmp_path: Path) -> None:
    told: list[tuple[int, str | None]] = []
    heard: list[Event] = []
    pa.swarm(
        ["task a", "task b"],
        agents=agents(tmp_path),
        at_once=1,
        on_result=lambda place, result: told.append((place, result.answer)),
        watch=heard.append,
    )

    assert told == [(0, "a"), (1, "b")]
    assert len({event.run_id for event in heard}) == 3


async def test_a_cancelled_swarm_closes_what_was_under_way_and_goes_on_later(tmp_path: Path) -> None:
    began = asyncio.Event()

    class Stuck(RuleModel):
        async def generate(self, request: ModelRequest) -> ModelResponse:
            if "2" in request.text:
                began.set()
                await asyncio.Event().wait()
            return await super().generate(request)

    agent = pa.Spark("a", model=Stuck(echo), critic=None, workspace=tmp_path)
    tasks = ["task 1", "task 2", "task 3"]
    task = asyncio.create_task(pa.swarm_async(tasks, agents=[agent], at_once=1))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    place = pa.Workspace(tmp_path)
    runs = place.runs()
    (whole,) = [run for run in runs if run.agent == "swarm"]
    assert {run.goal: run.status for run in runs if run.parent} == {"task 1": "finished", "task 2": "cancelled"}
    assert whole.status == "cancelled"

    asked = RuleModel(echo)
    results = await pa.resume_swarm_async(
        whole.id, agents=[pa.Spark("a", model=asked, critic=None, workspace=tmp_path)], at_once=2
    )
    assert results.answers == ("1", "2", "3")
    assert [request.messages[-1].text.split()[-1] for request in asked.requests] == ["2", "3"]
    assert len([run for run in place.runs() if run.parent == whole.id]) == 3


def test_a_swarm_that_is_over_gives_its_results_again_and_failures_are_tried_again(tmp_path: Path) -> None:
    def rule(request: ModelRequest) -> str:
        if "bad" in request.text:
            raise TypeError("broken")
        return echo(request)

    first = pa.swarm(["good 1", "bad 2"], agents=agents(tmp_path, rule))
    mended = agents(tmp_path)
    second = pa.resume_swarm(first.id, agents=mended)
    third = pa.resume_swarm(first.id, agents=mended)

    assert (second.answers, third.answers) == (("1", "2"), ("1", "2"))
    assert len(third.trace.of(RunResumed)) == 1


PROGRAM = """
import os, signal, sys
from pathlib import Path
import purpose_agent as pa
from purpose_agent.testing.models import RuleModel

place, died_at = Path(sys.argv[1]), sys.argv[2]
asked = []

def rule(request):
    word = request.messages[-1].text.split()[-1]
    if word == died_at:
        os.kill(os.getpid(), signal.SIGKILL)
    asked.append(word)
    return word

def watch(event):
    if f"{event.payload.kind} {event.lane}" == died_at:
        os.kill(os.getpid(), signal.SIGKILL)

agents = [pa.Spark(name, model=RuleModel(rule), critic=None, workspace=place) for name in ("a", "b")]
runs = [run.id for run in agents[0].workspace.runs(top=True)]
if runs:
    results = pa.resume_swarm(runs[0], agents=agents)
else:
    results = pa.swarm([f"task {number}" for number in range(6)], agents=agents, at_once=2, watch=watch)
print(" ".join(results.answers), "|", " ".join(sorted(asked)))
"""


@pytest.mark.parametrize(("died_at", "left"), [("3", "3 4 5"), ("agent_finished 4", "4 5"), ("run_finished swarm", "")])
def test_after_kill_9_a_swarm_goes_on_with_what_is_left(tmp_path: Path, died_at: str, left: str) -> None:
    def run(died_at: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path), died_at],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )

    killed, went_on = run(died_at), run("never")

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert went_on.returncode == 0, went_on.stderr
    answers, _, asked = went_on.stdout.strip().partition(" |")
    assert answers == "0 1 2 3 4 5"
    assert asked.strip() in (
        left,
        left.removeprefix("4 "),
    )  # what was answered and not yet told to the swarm is not asked again
    place = pa.Workspace(tmp_path)
    assert {run.status for run in place.runs()} == {"finished"}
    assert len(place.runs()) == 7


def test_one_that_waits_for_a_person_makes_the_swarm_wait_and_the_others_end(tmp_path: Path) -> None:
    def rule(request: ModelRequest) -> Any:
        if "pay" not in request.text or request.messages[-1].role == "tool":
            return "done"
        return ModelResponse(Message("assistant", (ToolCall("c1", "pay", {}),)), Usage(1, 1, calls=1), stop="tool_calls")

    def pay() -> str:
        """Pay it."""
        return "paid"

    agent = pa.Spark("a", model=RuleModel(rule), tools=[pay], critic=None, workspace=tmp_path, approvals={"pay": "ask"})
    results = pa.swarm(["please pay", "rest"], agents=[agent])

    assert (results.status, [result.status for result in results]) == ("waiting", ["waiting", "finished"])
    assert agent.workspace.run(results.id).status == "waiting"
    agent.workspace.control(results[0].id).approve()
    assert pa.resume_swarm(results.id, agents=[agent]).answers == ("done", "done")


def test_what_no_swarm_can_be_made_of_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tasks=\[\]\): give a list of tasks"):
        pa.swarm([], agents=agents(tmp_path))
    with pytest.raises(UsageError, match="give a list of agents, at least one"):
        pa.swarm(["task"], agents=[])
    with pytest.raises(UsageError, match="at_once=0"):
        pa.swarm(["task"], agents=agents(tmp_path), at_once=0)
    with pytest.raises(UsageError, match="Give all one workspace"):
        pa.swarm(["task"], agents=[*agents(tmp_path), *agents(tmp_path / "other")])


@pytest.mark.parametrize("kind", ["Flow", "Team", "str"])
def test_what_is_no_agent_or_no_task_is_named_at_the_door(tmp_path: Path, kind: str) -> None:
    (agent,) = agents(tmp_path)
    wrong: Any = {
        "Flow": lambda: pa.Flow("f", workspace=tmp_path),
        "Team": lambda: pa.Team.build("Do", ["a", "b"], model=RuleModel(echo), workspace=tmp_path),
        "str": lambda: "a1",
    }[kind]()

    with pytest.raises(
        UsageError, match="give a list of agents, at least one; of a team or a flow, begin a run for each task yourself"
    ):
        pa.swarm(["x"], agents=[agent, wrong])
    tasks: Any = [{"purpose": "x"}]
    with pytest.raises(UsageError, match=r"tasks=\[\{'purpose': 'x'\}\]\): give a list of tasks"):
        pa.swarm(tasks, agents=[agent])
    assert agent.workspace.runs() == []


def test_two_agents_of_one_name_are_refused_since_a_task_would_go_on_with_the_other(tmp_path: Path) -> None:
    first, second = agents(tmp_path)[0], agents(tmp_path)[0]
    same = pa.swarm(["x", "y"], agents=[first, first])

    assert same.answers == ("x", "y")
    with pytest.raises(UsageError, match="two agents are called 'a1'"):
        pa.swarm(["x", "y"], agents=[first, second])
    with pytest.raises(UsageError, match="two agents are called 'a1'"):
        pa.resume_swarm(same.id, agents=[first, second])


def test_what_cant_go_on_is_said(tmp_path: Path) -> None:
    mine = agents(tmp_path)
    alone = mine[0].run("task a")
    swarm = pa.swarm([pa.Task("task b", checks=[pa.Check.call(lambda answer: True)])], agents=mine)
    other = pa.Spark("other", model=RuleModel(echo), workspace=tmp_path)

    with pytest.raises(NotFound):
        pa.resume_swarm("run_none", agents=mine)
    with pytest.raises(CantResume, match="a run of 'a1', and no swarm"):
        pa.resume_swarm(alone.id, agents=mine)
    with pytest.raises(CantResume, match="had an agent 'a1'"):
        pa.resume_swarm(swarm.id, agents=[other], tasks=[pa.Task("task b")])
    with pytest.raises(CantResume, match="functions, which are not in the record"):
        pa.resume_swarm(swarm.id, agents=mine)
    with pytest.raises(CantResume, match="these are others"):
        pa.resume_swarm(swarm.id, agents=mine, tasks=["task c"])


class Elsewhere:
    """An engine whose jobs are done in the workspace's own process, at once."""

    def __init__(self, place: pa.Workspace) -> None:
        self.place = place
        self.jobs: list[Job] = []
        self.at_once: int | None = None

    @property
    def checkpointer(self) -> None:
        return None

    async def perform(self, jobs: Sequence[Job], *, at_once: int | None = None) -> tuple[JobResult, ...]:
        from purpose_agent.agents.jobs import perform

        self.jobs += jobs
        self.at_once = at_once
        return tuple([await perform(job, self.place) for job in jobs])


def test_the_same_call_hands_its_tasks_to_an_engine(tmp_path: Path) -> None:
    mine = agents(tmp_path, number=2)
    engine = Elsewhere(mine[0].workspace)
    results = pa.swarm(["task a", "task b"], agents=mine, engine=engine, at_once=7, seed=5)

    assert results.answers == ("a", "b")
    assert [(job.kind, job.name, job.seed, job.parent) for job in engine.jobs] == [
        ("agent", "a1", 5, results.id),
        ("agent", "a2", 6, results.id),
    ]
    assert engine.at_once == 7
    assert [job.id for job in engine.jobs] == [part.run_id for part in results.trace.of(AgentFinished)]


def test_ctrl_c_ends_a_swarm_as_interrupted(tmp_path: Path) -> None:
    class Stops(RuleModel):
        async def generate(self, request: ModelRequest) -> ModelResponse:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
            raise AssertionError("it never answers")

    agent = pa.Spark("a", model=Stops(echo), critic=None, workspace=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        pa.swarm(["task"], agents=[agent])

    assert {run.status for run in pa.Workspace(tmp_path).runs()} == {"interrupted"}


def stopped_after_one(place: pa.Workspace, word: str) -> tuple[pa.SwarmResult, pa.Agent]:
    """A swarm of two tasks to which somebody says a word after the first."""
    agent = pa.Spark("a", model=RuleModel(echo), critic=None, workspace=place)

    def stop(number: int, result: object) -> None:
        (run,) = place.runs(top=True)
        if number == 0:
            getattr(place.control(run.id), word)("enough")

    return pa.swarm(["task 1", "task 2"], agents=[agent], at_once=1, on_result=stop), agent


def test_a_swarm_is_paused_between_two_tasks_and_goes_on(tmp_path: Path) -> None:
    stopped, agent = stopped_after_one(pa.Workspace(tmp_path, clock=Ticking()), "pause")
    results = pa.resume_swarm(stopped.id, agents=[agent])

    assert (stopped.status, stopped.answers) == ("paused", ("1", None))
    assert "enough" in str(stopped[1])
    assert (results.status, results.answers) == ("finished", ("1", "2"))


def test_a_swarm_that_a_person_ended_keeps_what_is_done_and_does_not_go_on(tmp_path: Path) -> None:
    stopped, agent = stopped_after_one(pa.Workspace(tmp_path, clock=Ticking()), "abort")

    assert (stopped.status, stopped.answers) == ("cancelled", ("1", None))
    with pytest.raises(CantResume, match=f"{stopped.id} was ended by a person: enough. That is final"):
        pa.resume_swarm(stopped.id, agents=[agent])


class Ticking(FrozenClock):
    """A clock that goes on by a second whenever somebody looks."""

    def monotonic(self) -> float:
        self.advance(1)
        return super().monotonic()
