"""Jobs: done under their own id by whoever has the name, and gone on with on another machine after the first one died."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import purpose_agent as pa
from purpose_agent.agents.any_run import resume_any
from purpose_agent.agents.jobs import perform
from purpose_agent.core.errors import CantResume, RunTaken, UsageError
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.task import task_to_json
from purpose_agent.runtime.checkpoints.jsonl import JsonlCheckpointer
from purpose_agent.runtime.checkpoints.memory import MemoryCheckpointer
from purpose_agent.runtime.events import AgentFinished, AgentStarted, RunResumed, RunStarted
from purpose_agent.runtime.jobs import Job, JobResult
from purpose_agent.runtime.trace import Trace
from purpose_agent.testing.models import RuleModel, ScriptedModel

pytestmark = pytest.mark.anyio


def a_job(kind: Any = "agent", name: str = "scout", task: str = "Name the capital", id: str = "run_job") -> Job:
    return Job(id, kind, name, task_to_json(pa.Task(task)), seed=7, parent="run_above")


async def test_an_agent_does_a_job_under_its_id_and_a_job_that_comes_again_gives_its_result_again(tmp_path: Path) -> None:
    model = RuleModel(lambda request: "Paris")
    agent = pa.Spark("scout", model=model, critic=None, workspace=tmp_path)
    first = await perform(a_job(), agent.workspace)
    again = await perform(a_job(), agent.workspace)

    assert (first.id, first.status, first.output, first.usage.calls) == ("run_job", "finished", "Paris", 1)
    assert again == first
    assert len(model.requests) == 1
    row = agent.workspace.run("run_job")
    assert (row.parent, row.agent) == ("run_above", "scout")
    assert agent.workspace.trace("run_job").of(RunStarted)[0].seed == 7


async def test_a_flow_does_a_job_and_hands_back_its_state(tmp_path: Path) -> None:
    flow = pa.Flow("adds", workspace=tmp_path)
    flow.add_node("add", lambda state: {"sum": state["a"] + state["b"]})
    flow.add_edge(pa.BEGIN, "add")
    flow.add_edge("add", pa.DONE_SIGNAL)
    keeps = MemoryCheckpointer()
    result = await perform(Job("run_job", "flow", "adds", {"a": 1, "b": 2}), pa.Workspace(tmp_path), keeps)

    assert (result.status, result.output) == ("finished", {"a": 1, "b": 2, "sum": 3})
    assert keeps.runs() == ["run_job"]
    assert result == await perform(Job("run_job", "flow", "adds", None), pa.Workspace(tmp_path), keeps)


class Elsewhere:
    """An engine whose worker is this process, in the same workspace."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.keeps = MemoryCheckpointer()
        self.jobs: list[Job] = []

    @property
    def checkpointer(self) -> MemoryCheckpointer:
        return self.keeps

    async def perform(self, jobs: Sequence[Job], *, at_once: int | None = None) -> tuple[JobResult, ...]:
        self.jobs += jobs
        return tuple([await perform(job, pa.Workspace(self.place), self.keeps) for job in jobs])


def test_the_same_flow_runs_and_goes_on_where_its_engine_does_it(tmp_path: Path) -> None:
    engine = Elsewhere(tmp_path)
    up: list[bool] = []

    def send(state: Mapping[str, Any]) -> dict[str, bool]:
        if not up:
            raise OSError("no server")
        return {"sent": True}

    flow = pa.Flow("letters", workspace=tmp_path, engine=engine)
    flow.add_node("send", send)
    flow.add_edge(pa.BEGIN, "send")
    flow.add_edge("send", pa.DONE_SIGNAL)
    failed = flow.run({"to": "bob"})
    up.append(True)
    result = flow.resume(failed.id)

    assert (failed.status, result.status, result.id) == ("failed", "finished", failed.id)
    assert result.state == {"to": "bob", "sent": True}
    assert [(job.id, job.kind, job.name, job.input) for job in engine.jobs] == [
        (failed.id, "flow", "letters", {"to": "bob"}),
        (failed.id, "flow", "letters", None),
    ]


@pytest.mark.parametrize(
    ("word", "sent"), [({"again": ["send"]}, 1), ({"done": {"send": {"sent": "by hand"}}}, 0)], ids=["again", "done"]
)
def test_a_function_in_doubt_ends_its_job_as_failed_and_the_run_goes_on_by_a_persons_word(
    word: dict[str, Any], sent: int, tmp_path: Path
) -> None:
    engine = Elsewhere(tmp_path)
    letters: list[str] = []

    def send(state: Mapping[str, Any]) -> dict[str, str]:
        letters.append(state["to"])
        return {"sent": "by machine"}

    flow = pa.Flow("letters", workspace=tmp_path, engine=engine)
    flow.add_node("send", send, in_doubt="fail")
    flow.add_edge(pa.BEGIN, "send")
    flow.add_edge("send", pa.DONE_SIGNAL)
    whole = flow.run({"to": "bob"})
    cut = next(place for place, event in enumerate(whole.trace.events, 1) if isinstance(event.payload, AgentStarted))
    engine.keeps = MemoryCheckpointer()
    engine.keeps.append(whole.trace.events[:cut])  # its worker died within the function
    letters.clear()

    with pytest.raises(CantResume, match="is not over: a worker may be at it"):
        flow.resume(whole.id, **word)
    failed = flow.resume(whole.id)
    again = flow.resume(whole.id)
    with pytest.raises(UsageError, match="'sent' was not under way"):
        flow.resume(whole.id, again=["sent"])
    result = flow.resume(whole.id, **word)

    assert (failed.status, again.status, result.status) == ("failed", "failed", "finished")
    assert "Node 'send'" in failed.reason
    assert f"resume({whole.id!r}, again=['send'])" in failed.reason
    assert len(again.trace.events) == len(failed.trace.events), "nothing new happened"
    assert len(letters) == sent
    assert result.state["sent"] == ("by machine" if sent else "by hand")


def lone(place: Path, node: str, say: str, **more: Any) -> pa.Flow:
    """A flow of the name that all have who are given none."""
    flow = pa.Flow(workspace=place, **more)
    flow.add_node(node, lambda state: {"answer": f"{say} {state.get('x', '')}".strip()})
    flow.add_edge(pa.BEGIN, node)
    flow.add_edge(node, pa.DONE_SIGNAL)
    return flow


def test_a_flows_task_is_judged_where_an_engine_does_it(tmp_path: Path) -> None:
    flow = lone(tmp_path, "one", "first", engine=Elsewhere(tmp_path))
    result = flow.run(pa.Task("Say it", [pa.Check.contains("second")], inputs={"x": 1}))

    assert (str(result), result.success) == ("first 1", False)
    with pytest.raises(UsageError, match="can't be sent to an engine's workers"):
        flow.run(pa.Task("Say it", [pa.Check.call(str.isupper)]))


def test_of_two_flows_of_one_name_each_does_its_own_jobs(tmp_path: Path) -> None:
    first = lone(tmp_path, "one", "first", engine=Elsewhere(tmp_path))
    second = lone(tmp_path, "two", "second", engine=Elsewhere(tmp_path))

    assert (str(first.run({})), str(second.run({}))) == ("first", "second")


def test_councils_of_one_name_are_told_apart_by_their_members(tmp_path: Path) -> None:
    def votes(stance: str) -> RuleModel:
        return RuleModel(lambda request: json.dumps({"reason": "It is so.", "stance": stance}))

    def council(stance: str, *names: str) -> pa.Council:
        return pa.Council([pa.Spark(name, model=votes(stance), critic=None, workspace=tmp_path) for name in names])

    first, second = council("yes", "ann", "bob"), council("no", "eve", "dan")
    place = pa.Workspace(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, "_engine", Elsewhere(tmp_path))
        assert str(first.run("So?", rounds=1).decision).startswith("yes")
        assert str(second.run("So?", rounds=1).decision).startswith("no")


def test_two_flows_that_only_their_code_tells_apart_are_refused_by_name(tmp_path: Path) -> None:
    first = lone(tmp_path, "one", "first", engine=Elsewhere(tmp_path))
    second = pa.Flow(workspace=tmp_path)
    second.add_node("one", lambda state: {"answer": "second"})
    second.add_edge(pa.BEGIN, "one")
    second.add_edge("one", pa.DONE_SIGNAL)

    with pytest.raises(UsageError, match="2 flows that were made in this process are called 'flow', and are not the same"):
        first.run({})
    with pytest.raises(CantResume, match="2 flows that were made"):
        resume_any(pa.Workspace(tmp_path), second.run({}).id)


def test_a_flow_that_nobody_has_any_more_is_in_nobodys_way(tmp_path: Path) -> None:
    for number in range(3):  # each of them other code
        flow = pa.Flow(workspace=tmp_path, engine=Elsewhere(tmp_path))
        flow.add_node("one", eval(f"lambda state: {{'answer': '{number}'}}"))  # noqa: S307  # other code each time
        flow.add_edge(pa.BEGIN, "one")
        flow.add_edge("one", pa.DONE_SIGNAL)
        assert str(flow.run({})) == str(number)


async def test_a_job_of_a_flow_that_is_drawn_in_another_way_is_refused(tmp_path: Path) -> None:
    flow = lone(tmp_path, "one", "first")
    with pytest.raises(UsageError, match=r"has other nodes or edges than the one that the run began with. It has: one\."):
        await perform(Job("run_job", "flow", "flow", {}, drawing="0123"), pa.Workspace(tmp_path))

    assert (
        await perform(Job("run_job", "flow", "flow", {}, drawing=flow.drawing), pa.Workspace(tmp_path))
    ).status == "finished"
    assert (await perform(Job("run_old", "flow", "flow", {}), pa.Workspace(tmp_path))).status == "finished"


async def test_a_team_does_a_job(tmp_path: Path) -> None:
    team = pa.Team.build("Support bot", ["greeter", "resolver"], model=RuleModel(lambda request: "ok"), workspace=tmp_path)
    result = await perform(a_job("team", "Support bot"), team.workspace)

    assert (result.status, result.output) == ("finished", "ok")
    assert result == await perform(a_job("team", "Support bot"), team.workspace)
    runs = team.workspace.runs()
    assert {(run.agent, run.parent) for run in runs} == {
        ("resolver", "run_job"),
        ("greeter", "run_job"),
        ("team", "run_above"),
    }


async def test_a_job_for_nobody_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"No flow called 'sums' is at .*purpose-agent worker --app FILE"):
        await perform(Job("run_job", "flow", "sums", {}), pa.Workspace(tmp_path))
    pa.Spark("scout", model=ScriptedModel("x"), workspace=tmp_path)
    with pytest.raises(UsageError, match="has no task as its input, but 'text'"):
        await perform(Job("run_job", "agent", "scout", "text"), pa.Workspace(tmp_path))


async def test_a_flow_that_is_in_no_workspace_is_found_by_any_worker_of_its_program(tmp_path: Path) -> None:
    flow = pa.Flow("lonely")
    flow.add_node("add", lambda state: {"sum": state["a"] + state["b"]})
    flow.add_edge(pa.BEGIN, "add")
    flow.add_edge("add", pa.DONE_SIGNAL)
    keeps = MemoryCheckpointer()

    result = await perform(Job("run_job", "flow", "lonely", {"a": 1, "b": 2}), pa.Workspace(tmp_path), keeps)

    assert (result.status, result.output) == ("finished", {"a": 1, "b": 2, "sum": 3})
    assert keeps.runs() == ["run_job"]


async def test_a_job_for_one_who_is_in_another_workspace_says_in_which_and_how_to_work_there(tmp_path: Path) -> None:
    here, there = pa.Workspace(tmp_path / "here"), pa.Workspace(tmp_path / "there")
    pa.Flow("near", workspace=here)
    pa.Flow("far", workspace=there)
    pa.Spark("far scout", model=ScriptedModel("x"), workspace=there)
    pa.Team.build("far team", ["one"], model=ScriptedModel("x"), workspace=there)

    for kind, name in (("flow", "far"), ("agent", "far scout"), ("team", "far team")):
        with pytest.raises(UsageError) as told:
            await perform(a_job(kind, name), here)
        assert f"No {kind} called {name!r} is at {here.path}" in str(told.value)
        assert f"makes one at {there.path}: start the worker on that workspace, with --workspace {there.path}" in str(
            told.value
        )
        assert "'near'" in str(told.value) or kind != "flow"


PROGRAM = """
import asyncio, json, os, signal, sys
from pathlib import Path
import purpose_agent as pa
from purpose_agent.agents.any_run import resume_any
from purpose_agent.agents.jobs import perform
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import ModelResponse, Usage
from purpose_agent.core.task import task_to_json
from purpose_agent.runtime.checkpoints.jsonl import JsonlCheckpointer
from purpose_agent.runtime.jobs import Job, JobResult
from purpose_agent.testing.models import RuleModel

place, machine, kind, died_at = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]

@pa.tool
def look(at: str) -> str:
    "Look at something."
    with open(place / "log", "a") as log:
        log.write(f"{machine} looked at {at}\\n")
    return f"{at} is there"

def says(request):
    who = "second" if "second" in request.messages[0].text else "first"
    turns = sum(message.role == "tool" for message in request.messages)
    if died_at == f"{who} {turns}":
        os.kill(os.getpid(), signal.SIGKILL)
    if turns < 2:
        call = ToolCall(f"c{turns}", "look", {"at": f"{who} {turns}"})
        return ModelResponse(Message("assistant", (call,)), Usage(1, 1, calls=1), stop="tool_calls")
    return f"{who} has seen"

ws = place / machine
model = RuleModel(says)
names = ("first", "second")
agents = [pa.Spark(n, role=f"You are the {n}.", model=model, tools=[look], critic=None, workspace=ws) for n in names]
team = pa.Team.build("look around", agents)
flow = pa.Flow("looks")
for agent in agents:
    flow.add_node(agent.name, agent)
flow.add_edge(pa.BEGIN, "first")
flow.add_edge("first", "second")
flow.add_edge("second", pa.DONE_SIGNAL)

name = {"agent": "first", "flow": "looks", "team": "look around"}[kind]
given = {"task": "Look"} if kind == "flow" else task_to_json(pa.Task("Look"))
result = asyncio.run(perform(Job("run_job", kind, name, given), pa.Workspace(ws), JsonlCheckpointer(place / "shared")))
print(json.dumps([result.status, result.output]))
"""


@pytest.mark.parametrize(
    ("kind", "died_at", "output"),
    [
        ("agent", "first 1", "first has seen"),
        ("flow", "second 1", {"task": "Look", "first": "first has seen", "second": "second has seen"}),
        ("team", "second 1", "second has seen"),
    ],
)
def test_another_machine_goes_on_where_the_first_one_died(tmp_path: Path, kind: str, died_at: str, output: object) -> None:
    def run(machine: str, died_at: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path), machine, kind, died_at],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )

    killed, went_on = run("one", died_at), run("two", "never")

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert went_on.returncode == 0, went_on.stderr
    assert json.loads(went_on.stdout) == ["finished", output]
    looks = (tmp_path / "log").read_text().splitlines()
    everything = ["first 0", "first 1"] if kind == "agent" else ["first 0", "first 1", "second 0", "second 1"]
    assert [look.partition(" looked at ")[2] for look in looks] == everything
    who, turn = died_at.split()
    assert [look.partition(" ")[0] for look in looks if f"at {who}" in look] == ["one"] * int(turn) + ["two"] * (2 - int(turn))
    shared = JsonlCheckpointer(tmp_path / "shared")
    trace = shared.load("run_job")
    assert trace is not None
    assert trace.finished is not None
    assert len(trace.of(RunResumed)) == 1
    for run_id in shared.runs():
        each = shared.load(run_id)
        assert each is not None
        assert [event.seq for event in each.events] == list(range(1, len(each.events) + 1))
    # What the second machine learned from is in its own workspace, whole.
    here = pa.Workspace(tmp_path / "two")
    assert all(run.status == "finished" for run in here.runs())
    assert len(here.runs()) == {"agent": 1, "flow": 1, "team": 3}[kind]


async def test_of_two_machines_that_go_on_with_one_agents_run_the_second_is_refused(tmp_path: Path) -> None:
    keeps = MemoryCheckpointer()

    def stolen(request: ModelRequest) -> str:
        trace = keeps.load("run_job")
        assert trace is not None
        other = Trace(trace.events)
        from purpose_agent.core.ids import new_id
        from purpose_agent.runtime.clock import SystemClock
        from purpose_agent.runtime.event_bus import EventBus

        bus = EventBus("run_job", SystemClock(), new_id, before=other.events)
        bus.publish(RunResumed("another", 0, "died"), lane="scout")
        keeps.append(bus.unsaved())
        return "Paris"

    agent = pa.Spark("scout", model=RuleModel(stolen), critic=None, workspace=tmp_path)
    with pytest.raises(RunTaken):
        await perform(a_job(), agent.workspace, keeps)
    trace = keeps.load("run_job")
    assert trace is not None
    assert isinstance(trace.events[-1].payload, RunResumed)


# Teams that go on


async def test_a_team_goes_on_with_the_turn_that_failed(tmp_path: Path) -> None:
    asked: list[str] = []

    def team(broken: bool) -> pa.Team:
        def rule(request: ModelRequest) -> str:
            who = "resolver" if "resolver" in request.messages[0].text else "greeter"
            if request.purpose == "act":
                asked.append(who)
            if broken and who == "resolver":
                raise TypeError("broken")
            return f"{who} spoke"

        return pa.Team.build("Support bot", ["greeter", "resolver"], model=RuleModel(rule), workspace=tmp_path)

    with pytest.raises(TypeError):
        await team(True).run_async("Help me")
    (run,) = pa.Workspace(tmp_path).runs(top=True)
    result = await team(False).resume_async(run.id)

    assert (run.status, result.id, result.answer, result.total_steps) == ("failed", run.id, "resolver spoke", 2)
    assert asked == ["greeter", "resolver", "resolver"]
    assert [(part.key, part.status) for part in result.trace.of(AgentFinished)] == [
        ("1/greeter", "finished"),
        ("2/resolver", "finished"),
    ]
    assert pa.Workspace(tmp_path).trace(run.id).events == result.trace.events
    again = await team(False).resume_async(run.id)
    assert (again.id, again.answer, again.total_steps, len(asked)) == (run.id, "resolver spoke", 2, 3)


async def test_a_team_is_not_resumed_by_another_one(tmp_path: Path) -> None:
    def broken(request: ModelRequest) -> str:
        raise TypeError("broken")

    team = pa.Team.build("Support bot", ["greeter"], model=RuleModel(broken), workspace=tmp_path)
    with pytest.raises(TypeError):
        await team.run_async("Help me")
    (run,) = pa.Workspace(tmp_path).runs(top=True)
    other = pa.Team.build("Other", ["writer"], model=RuleModel(broken), workspace=tmp_path)

    with pytest.raises(CantResume, match="no run of a team of writer"):
        await other.resume_async(run.id)


async def test_a_job_of_a_team_that_a_person_ended_does_not_go_on(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path)

    def ends(request: ModelRequest) -> str:
        place.control("run_job").abort("enough")
        return "hello"

    pa.Team.build("Support bot", ["greeter", "resolver"], model=RuleModel(ends), workspace=place)
    job = Job("run_job", "team", "Support bot", task_to_json(pa.Task("Help me")))
    first = await perform(job, place)

    assert (first.status, first.error) == ("cancelled", "ended by a person: enough")
    with pytest.raises(CantResume, match=r"run_job was ended by a person: enough. That is final"):
        await perform(job, place)
