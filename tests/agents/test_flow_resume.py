"""Flows that go on: what was done is not done again, however and wherever the process ended."""

import operator
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import CantResume, ModelUnreachable, NotFound, RunTaken, UsageError
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.checkpoints.jsonl import JsonlCheckpointer
from purpose_agent.runtime.checkpoints.memory import MemoryCheckpointer
from purpose_agent.runtime.events import AgentFinished, AgentStarted, Event, RunFinished, RunResumed, RunStarted, RunSuspended
from purpose_agent.runtime.owner import let_go
from purpose_agent.testing.clock import FrozenClock
from purpose_agent.testing.models import RuleModel, ScriptedModel

PROGRAM = """
import operator, os, signal, sys
from pathlib import Path
import purpose_agent as pa
from purpose_agent.testing.models import RuleModel

place, died_at = Path(sys.argv[1]), sys.argv[2]

def did(what):
    with open(place / "log", "a") as log:
        log.write(what + "\\n")

def dies(where):
    if where == died_at:
        os.kill(os.getpid(), signal.SIGKILL)

def work(name):
    def go(state):
        did(f"began {name}")
        dies(f"in {name}")
        did(f"did {name}")
        return {"notes": [name]}
    return go

@pa.tool(idempotent=True)
def look(at: str) -> str:
    "Look at something."
    did(f"looked at {at}")
    dies(f"in tool {at}")
    return f"{at} is there"

def says(request):
    turns = sum(message.role == "tool" for message in request.messages)
    dies(f"at question {turns}")
    if turns < 2:
        from purpose_agent.core.messages import Message, ToolCall
        from purpose_agent.core.model import ModelResponse, Usage
        call = ToolCall(f"c{turns}", "look", {"at": ("left", "right")[turns]})
        return ModelResponse(Message("assistant", (call,)), Usage(1, 1, calls=1), stop="tool_calls")
    return "seen"

def watch(event):
    kind, lane, step = event.payload.kind, event.lane, event.step
    dies(f"at {kind} of {lane} in {step}")

flow = pa.Flow(merge={"notes": operator.add}, workspace=place / "ws")
for name in ("first", "left", "right", "last"):
    flow.add_node(name, work(name))
flow.add_node("ask", pa.Spark("ask", model=RuleModel(says), tools=[look], critic=None, workspace=place / "ws"))
flow.add_edge(pa.BEGIN, "first")
flow.add_edge("first", "left")
flow.add_edge("first", "right")
flow.add_edge("first", "ask")
flow.add_edge(["left", "right", "ask"], "last")
flow.add_conditional_edge("last", lambda state: len(state["notes"]) < 8, {True: "first", False: pa.DONE_SIGNAL})

runs = [run.id for run in flow.workspace.runs(top=True)]
result = flow.resume(runs[0], watch=watch) if runs else flow.run("Look around", watch=watch)
print(result.status, "|".join(result.state["notes"]), result.state["ask"], result.steps)
"""
DEATHS = [
    "in first",
    "in left",
    "in right",
    "in last",
    "in tool left",
    "in tool right",
    "at question 0",
    "at question 1",
    "at question 2",
    "at agent_started of ask in 2",
    "at agent_finished of first in 1",
    "at agent_finished of ask in 2",
    "at state_changed of flow in 2",
    "at checkpoint_saved of flow in 2",
    "at checkpoint_saved of flow in 3",
    "at handed_over of flow in 3",
    "at agent_finished of last in 6",
    "at run_finished of ask in 3",
    "at run_finished of flow in 6",
]

QUICK = ("in right", "in tool right", "at checkpoint_saved of flow in 3")
"""Those that every test run has time for."""


def _run(place: Path, died_at: str) -> "subprocess.CompletedProcess[str]":
    (place / "program.py").write_text(PROGRAM)
    return subprocess.run(
        [sys.executable, "program.py", str(place), died_at], cwd=place, capture_output=True, text=True, check=False, timeout=50
    )


def _begun(place: Path) -> Counter[str]:
    """How often each function began to work."""
    lines = (place / "log").read_text().splitlines()
    return Counter(line.removeprefix("began ") for line in lines if line.startswith("began "))


@pytest.mark.parametrize("died_at", [pytest.param(where, marks=() if where in QUICK else pytest.mark.slow) for where in DEATHS])
def test_after_kill_9_a_flow_goes_on_and_does_nothing_twice_that_was_done(tmp_path: Path, died_at: str) -> None:
    killed = _run(tmp_path, died_at)
    place = pa.Workspace(tmp_path / "ws")
    (run,) = place.runs(top=True)
    saved = place.trace(run.id).events
    done = [part.key for part in place.trace(run.id).of(AgentFinished) if part.status == "finished"]
    before = _begun(tmp_path)
    went_on = _run(tmp_path, "never")

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert run.status == "interrupted"
    assert went_on.returncode == 0, went_on.stderr
    assert went_on.stdout.split() == ["finished", "first|left|right|last|first|left|right|last", "seen", "6"]
    trace = place.trace(run.id)
    assert trace.events[: len(saved)] == saved
    assert [event.seq for event in trace.events] == list(range(1, len(trace.events) + 1))
    finished = [part.key for part in trace.of(AgentFinished) if part.status == "finished"]
    assert len(set(finished)) == len(finished) == 10
    assert set(done) <= set(finished)
    assert len(trace.of(RunResumed)) == 1
    after = _begun(tmp_path)
    for name in ("first", "left", "right", "last"):
        assert after[name] == before[name] + 2 - sum(key.endswith(f"/{name}") for key in done)
    assert len([run for run in place.runs() if run.agent == "ask"]) == 2
    assert {run.status for run in place.runs()} == {"finished"}


# In one process


def steps(log: list[str], *, bad: Callable[[str], bool] = lambda name: False) -> Callable[[str], Callable[[Any], Any]]:
    def work(name: str) -> Callable[[Any], Any]:
        def go(state: Mapping[str, Any]) -> dict[str, Any]:
            log.append(name)
            if bad(name):
                raise OSError("not today")
            return {"notes": [name]}

        return go

    return work


def fork(
    work: Callable[[str], Callable[[Any], Any]],
    *,
    checkpointer: Checkpointer | None = None,
    workspace: Path | None = None,
    **options: Any,
) -> pa.Flow:
    """Two branches, and what comes after them."""
    flow = pa.Flow(merge={"notes": operator.add}, checkpointer=checkpointer, workspace=workspace)
    for name in ("left", "right", "last"):
        flow.add_node(name, work(name), **options)
    flow.add_edge(pa.BEGIN, "left")
    flow.add_edge(pa.BEGIN, "right")
    flow.add_edge(["left", "right"], "last")
    flow.add_edge("last", pa.DONE_SIGNAL)
    return flow


@pytest.mark.parametrize("kind", ["memory", "jsonl", "workspace"])
def test_a_flow_whose_node_failed_goes_on_with_that_node_alone(tmp_path: Path, kind: str) -> None:
    keeps = {"memory": MemoryCheckpointer(), "jsonl": JsonlCheckpointer(tmp_path / "runs"), "workspace": None}[kind]
    place = tmp_path if kind == "workspace" else None
    first, second = list[str](), list[str]()
    failed = fork(steps(first, bad=lambda name: name == "right"), checkpointer=keeps, workspace=place).run()
    result = fork(steps(second), checkpointer=keeps, workspace=place).resume(failed.id)

    assert (failed.status, sorted(first)) == ("failed", ["left", "right"])
    assert (result.status, result.id, second) == ("finished", failed.id, ["right", "last"])
    assert result.state == {"notes": ["left", "right", "last"]}


def test_a_finished_flow_gives_its_result_again(tmp_path: Path) -> None:
    log: list[str] = []
    flow = fork(steps(log), workspace=tmp_path)
    result = flow.run()
    again = flow.resume(result.id)

    assert (again.status, again.state, again.answer, len(log)) == ("finished", result.state, result.answer, 3)
    with pytest.raises(UsageError, match="it is finished, and nothing in it is in doubt"):
        flow.resume(result.id, done={"left": {}})


def test_a_flow_whose_supersteps_are_spent_goes_on_with_more_of_them(tmp_path: Path) -> None:
    def counting(most: int) -> pa.Flow:
        flow = pa.Flow(max_steps=most, workspace=tmp_path)
        flow.add_node("count", lambda state: {"n": state["n"] + 1})
        flow.add_edge(pa.BEGIN, "count")
        flow.add_conditional_edge("count", lambda state: state["n"] < 5, {True: "count", False: pa.DONE_SIGNAL})
        return flow

    spent = counting(3).run({"n": 0})
    same = counting(3).resume(spent.id)
    result = counting(10).resume(spent.id)

    assert same.status == "exhausted"
    assert "Resume it with the same flow and a larger max_steps" in same.reason
    assert (spent.status, result.status, result.state["n"], result.steps) == ("exhausted", "finished", 5, 5)


def test_a_flow_forks_from_any_superstep(tmp_path: Path) -> None:
    log: list[str] = []
    flow = fork(steps(log), workspace=tmp_path)
    first = flow.run()
    log.clear()
    place = pa.Workspace(tmp_path)
    other = flow.resume(place.fork(first.id, at=1))
    whole = flow.resume(place.fork(first.id, at=0))

    assert (other.status, other.state) == ("finished", first.state)
    assert (log, whole.state) == (["last", "left", "right", "last"], first.state) or sorted(log[1:3]) == ["left", "right"]
    assert other.id != first.id


def dying(log: list[str], name: str) -> Callable[[str], Callable[[Any], Any]]:
    """Nodes, one of which ends its process, as far as its record goes: nothing is saved after it began."""

    def work(which: str) -> Callable[[Any], Any]:
        def go(state: Mapping[str, Any]) -> dict[str, Any]:
            log.append(which)
            if which == name:
                raise Died
            return {"notes": [which]}

        return go

    return work


class Died(BaseException):
    """The process is gone."""


class Forgetful(MemoryCheckpointer):
    """Keeps nothing once the process has died."""

    died = False

    def append(self, events: Any) -> None:
        if any(isinstance(event.payload, RunFinished) and "Died" in event.payload.reason for event in events):
            return
        super().append(events)


def test_a_function_in_doubt_is_asked_about_where_its_flow_says_so() -> None:
    keeps, log, later = Forgetful(), list[str](), list[str]()
    with pytest.raises(Died):
        fork(dying(log, "last"), checkpointer=keeps, in_doubt="fail").run()
    (run_id,) = keeps.runs()
    flow = fork(steps(later), checkpointer=keeps, in_doubt="fail")

    with pytest.raises(CantResume, match=r"Node 'last'.*again=\['last'\].*done=\{'last'"):
        flow.resume(run_id)
    with pytest.raises(UsageError, match=r"'left' was not under way. These were: last"):
        flow.resume(run_id, again=["left"])
    result = flow.resume(run_id, done={"last": {"notes": ["by hand"]}})

    assert (later, result.status) == ([], "finished")
    assert result.state == {"notes": ["left", "right", "by hand"]}


def test_a_function_in_doubt_is_called_again_if_one_says_so() -> None:
    keeps, log, later = Forgetful(), list[str](), list[str]()
    with pytest.raises(Died):
        fork(dying(log, "last"), checkpointer=keeps, in_doubt="fail").run()
    (run_id,) = keeps.runs()
    result = fork(steps(later), checkpointer=keeps, in_doubt="fail").resume(run_id, again=["last"])

    assert (later, result.status) == (["last"], "finished")


def test_a_function_is_called_again_where_nothing_else_was_said() -> None:
    keeps, log, later = Forgetful(), list[str](), list[str]()
    with pytest.raises(Died):
        fork(dying(log, "last"), checkpointer=keeps).run()
    (run_id,) = keeps.runs()

    assert fork(steps(later), checkpointer=keeps).resume(run_id).status == "finished"
    assert later == ["last"]


def test_conditions_are_not_asked_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def flow(bad: bool) -> pa.Flow:
        def choose(state: Mapping[str, Any]) -> str:
            asked.append("asked")
            return "go"

        made = pa.Flow(workspace=tmp_path)
        made.add_node("a", lambda state: {"a": 1})
        made.add_node("b", (lambda state: 1 // 0) if bad else (lambda state: {"b": 1}))
        made.add_edge(pa.BEGIN, "a")
        made.add_conditional_edge("a", choose, {"go": "b", "stay": "a"})
        made.add_edge("b", pa.DONE_SIGNAL)
        return made

    failed = flow(True).run()
    result = flow(False).resume(failed.id)

    assert (failed.status, result.status, asked) == ("failed", "finished", ["asked"])


def test_an_agent_that_was_offline_goes_on_under_its_own_run(tmp_path: Path) -> None:
    def flow(model: Any) -> pa.Flow:
        made = pa.Flow()
        made.add_node("ask", pa.Spark("ask", model=model, critic=None, workspace=tmp_path))
        made.add_edge(pa.BEGIN, "ask")
        made.add_edge("ask", pa.DONE_SIGNAL)
        return made

    failed = flow(ScriptedModel(ModelUnreachable("gone"))).run("Do it")
    result = flow(ScriptedModel("done")).resume(failed.id)

    assert (failed.status, result.status, str(result)) == ("failed", "finished", "done")
    assert len({part.run_id for part in result.trace.of(AgentStarted)}) == 1
    assert [part.attempt for part in result.trace.of(AgentStarted)] == [1, 2]


def test_a_flow_within_a_flow_goes_on_where_it_was(tmp_path: Path) -> None:
    log: list[str] = []

    def flow(bad: bool) -> pa.Flow:
        inner = pa.Flow("inner")
        inner.add_node("x", lambda state: log.append("x"))
        inner.add_node("y", (lambda state: 1 // 0) if bad else (lambda state: {"y": log.append("y")}))
        inner.add_edge(pa.BEGIN, "x")
        inner.add_edge("x", "y")
        inner.add_edge("y", pa.DONE_SIGNAL)
        outer = pa.Flow("outer", workspace=tmp_path)
        outer.add_node("within", inner)
        outer.add_edge(pa.BEGIN, "within")
        outer.add_edge("within", pa.DONE_SIGNAL)
        return outer

    failed = flow(True).run()
    result = flow(False).resume(failed.id)

    assert (failed.status, result.status, log) == ("failed", "finished", ["x", "y"])
    assert [run.agent for run in pa.Workspace(tmp_path).runs()] == ["inner", "outer"]


def test_a_flow_waits_for_a_person_that_its_agent_waits_for(tmp_path: Path) -> None:
    def rule(request: ModelRequest) -> Any:
        from purpose_agent.core.messages import Message, ToolCall
        from purpose_agent.core.model import ModelResponse, Usage

        if request.messages[-1].role == "tool":
            return "sent"
        return ModelResponse(
            Message("assistant", (ToolCall("c1", "send", {"to": "bob"}),)), Usage(1, 1, calls=1), stop="tool_calls"
        )

    sent: list[str] = []

    def send(to: str) -> str:
        """Send it."""
        sent.append(to)
        return "ok"

    agent = pa.Spark("a", model=RuleModel(rule), tools=[send], critic=None, workspace=tmp_path, approvals={"send": "ask"})
    flow = pa.Flow()
    flow.add_node("ask", agent)
    flow.add_node("beside", lambda state: {"beside": True})
    for name in ("ask", "beside"):
        flow.add_edge(pa.BEGIN, name)
        flow.add_edge(name, pa.DONE_SIGNAL)
    waiting = flow.run("Send it to bob")
    (child,) = [run for run in agent.workspace.runs() if run.parent == waiting.id]
    still = flow.resume(waiting.id)
    agent.workspace.control(child.id).approve()
    result = flow.resume(waiting.id)

    assert (waiting.status, still.status, result.status) == ("waiting", "waiting", "finished")
    assert waiting.reason.startswith("node 'ask'")
    assert agent.workspace.run(waiting.id).status == "finished"
    assert (sent, result.state["ask"], result.state["beside"]) == (["bob"], "sent", True)


def test_of_two_that_go_on_with_one_flow_the_second_is_refused() -> None:
    keeps, log = Forgetful(), list[str]()
    with pytest.raises(Died):
        fork(dying(log, "last"), checkpointer=keeps).run()
    (run_id,) = keeps.runs()

    def stolen(name: str) -> Callable[[Any], Any]:
        def go(state: Mapping[str, Any]) -> dict[str, Any]:
            if not log or log[-1] != "taken":
                log.append("taken")
                let_go(run_id)  # as for one on another machine, who can't know that this process lives
                fork(steps([]), checkpointer=keeps).resume(run_id)
            return {"notes": [name]}

        return go

    with pytest.raises(RunTaken):
        fork(stolen, checkpointer=keeps).resume(run_id)
    trace = keeps.load(run_id)
    assert trace is not None
    assert trace.finished is not None
    assert len([part for part in trace.of(AgentFinished) if part.name == "last" and part.status == "finished"]) == 1


def test_a_flow_that_is_under_way_is_not_taken_wherever_it_is_kept(tmp_path: Path) -> None:
    keeps = JsonlCheckpointer(tmp_path / "runs")
    told: list[str] = []

    def again(name: str) -> Callable[[Any], Any]:
        def go(state: Mapping[str, Any]) -> None:
            with pytest.raises(CantResume, match=f"is under way, in process {os.getpid()}"):
                fork(steps([]), checkpointer=JsonlCheckpointer(tmp_path / "runs")).resume(keeps.runs()[0])
            told.append(name)

        return go

    assert fork(again, checkpointer=keeps).run().status == "finished"
    assert len(told) == 3


AT_WORK = """
import sys
import purpose_agent as pa
from purpose_agent.runtime.checkpoints.jsonl import JsonlCheckpointer

def work(state):
    print("began", flush=True)
    sys.stdin.read()

flow = pa.Flow("till", checkpointer=JsonlCheckpointer(sys.argv[1]))
flow.add_node("first", lambda state: {"first": True})
flow.add_node("work", work)
flow.add_edge(pa.BEGIN, "first")
flow.add_edge("first", "work")
flow.add_edge("work", pa.DONE_SIGNAL)
flow.run({})
"""


def test_files_of_lines_know_whether_the_process_at_work_lives(tmp_path: Path) -> None:
    keeps = JsonlCheckpointer(tmp_path)
    flow = pa.Flow("till", checkpointer=keeps)
    flow.add_node("first", lambda state: {"first": "again"})
    flow.add_node("work", lambda state: {"work": True})
    flow.add_edge(pa.BEGIN, "first")
    flow.add_edge("first", "work")
    flow.add_edge("work", pa.DONE_SIGNAL)
    command = [sys.executable, "-c", AT_WORK, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "began\n"
        (run_id,) = keeps.runs()
        with pytest.raises(CantResume, match=f"{run_id} is under way, in process {process.pid}"):
            flow.resume(run_id)
        process.kill()
    result = flow.resume(run_id)

    assert (result.status, result.state) == ("finished", {"first": True, "work": True})


def test_a_flow_that_is_under_way_is_not_taken(tmp_path: Path) -> None:
    told: list[str] = []

    def again(name: str) -> Callable[[Any], Any]:
        def go(state: Mapping[str, Any]) -> None:
            (run,) = pa.Workspace(tmp_path).runs()
            with pytest.raises(CantResume, match="is under way, in process"):
                flow.resume(run.id)
            told.append(name)

        return go

    flow = fork(again, workspace=tmp_path)
    assert flow.run().status == "finished"
    assert len(told) == 3


def test_another_flows_run_and_one_that_is_not_there_are_told_apart(tmp_path: Path) -> None:
    failed = fork(steps([], bad=lambda name: True), workspace=tmp_path).run()
    other = pa.Flow("other", workspace=tmp_path)
    other.add_node("x", lambda state: None)
    other.add_edge(pa.BEGIN, "x")
    other.add_edge("x", pa.DONE_SIGNAL)
    smaller = pa.Flow(workspace=tmp_path)
    smaller.add_node("left", lambda state: None)
    smaller.add_edge(pa.BEGIN, "left")
    smaller.add_edge("left", pa.DONE_SIGNAL)

    with pytest.raises(CantResume, match="a run of 'flow', not of 'other'"):
        other.resume(failed.id)
    with pytest.raises(CantResume, match="had the node 'right', which this one lacks"):
        smaller.resume(failed.id)
    with pytest.raises(NotFound):
        other.resume("run_none")


@pytest.mark.parametrize("finishes", [True, False])
def test_a_run_is_not_taken_by_a_flow_that_is_drawn_in_another_way(tmp_path: Path, finishes: bool) -> None:
    def work(state: Mapping[str, Any]) -> dict[str, str]:
        if not finishes:
            raise OSError("no")
        return {"answer": "mine"}

    def drawn(*names: str, name: str = "flow") -> pa.Flow:
        flow = pa.Flow(name, workspace=tmp_path)
        for each in names:
            flow.add_node(each, work)
            flow.add_edge(pa.BEGIN, each)
            flow.add_edge(each, pa.DONE_SIGNAL)
        return flow

    run_id = drawn("only").run({}).id
    agent = pa.Spark("flow", model=ScriptedModel("x"), critic=None, workspace=tmp_path)
    with pytest.raises(CantResume, match="is a run of the agent 'flow', and no flow's"):
        drawn("only").resume(agent.run("x").id)

    with pytest.raises(
        CantResume, match="is a run of a flow 'flow' that was drawn in another way: this one has the nodes only, more"
    ):
        drawn("only", "more").resume(run_id)
    with pytest.raises(CantResume, match="is a run of 'flow', not of 'other'"):
        drawn("only", name="other").resume(run_id)
    assert drawn("only").resume(run_id).id == run_id


def test_a_run_of_a_version_that_kept_no_drawing_goes_on() -> None:
    keeps = MemoryCheckpointer()
    flow = pa.Flow(checkpointer=keeps)
    flow.add_node("only", lambda state: {"answer": "x"})
    flow.add_edge(pa.BEGIN, "only")
    flow.add_edge("only", pa.DONE_SIGNAL)
    trace = keeps.load(flow.run({}).id)
    assert trace is not None
    events = [
        replace(event, run_id="run_old", payload=replace(event.payload, drawing="", owner=""))
        if isinstance(event.payload, RunStarted)
        else replace(event, run_id="run_old")
        for event in trace.events
    ]
    keeps.append(events[:2])

    assert flow.resume("run_old").state == {"answer": "x"}


def stumbling(place: Path) -> tuple[pa.Agent, list[bool]]:
    """An agent that looks, and then can't be reached until it is up."""

    @pa.tool(idempotent=True)
    def look() -> str:
        """Look."""
        return "seen"

    up: list[bool] = []

    def says(request: ModelRequest) -> str:
        if not any("seen" in message.text for message in request.messages[2:]):
            return '{"tool": "look", "arguments": {}}'
        if not up:
            up.append(True)
            raise ModelUnreachable("down")
        return '{"answer": "done"}'

    model = RuleModel(says, capabilities=Capabilities(native_tools=False, local=True))
    return pa.Spark("only", model=model, tools=[look], critic=None, workspace=place), up


@pytest.mark.parametrize("retries", [0, 1])
def test_what_a_run_cost_is_counted_once_however_often_it_goes_on(tmp_path: Path, retries: int) -> None:
    agent, _ = stumbling(tmp_path)
    flow = pa.Flow()
    flow.add_node("only", agent, retries=retries)
    flow.add_edge(pa.BEGIN, "only")
    flow.add_edge("only", pa.DONE_SIGNAL)
    result = flow.run("Look")
    if not retries:
        assert result.status == "failed"
        result = flow.resume(result.id)

    (row,) = [run for run in agent.workspace.runs() if run.agent == "only"]
    assert len(result.nodes) == 2
    assert result.nodes[0].usage.tokens > 0
    assert (result.status, result.usage.calls) == ("finished", 3)
    assert result.usage.tokens == row.input_tokens + row.output_tokens


def test_what_a_swarms_task_cost_is_counted_once_however_often_it_goes_on(tmp_path: Path) -> None:
    agent, _ = stumbling(tmp_path)
    first = pa.swarm(["Look"], agents=[agent])
    result = pa.resume_swarm(first.id, agents=[agent])

    assert first[0].status == "failed"
    assert result.trace.finished is not None
    assert (result.trace.finished.usage, result.usage.calls) == (result.usage, 3)


def test_a_flow_that_goes_on_has_its_tasks_labels_and_checks(tmp_path: Path) -> None:
    agent, _ = stumbling(tmp_path)
    flow = pa.Flow()
    flow.add_node("only", agent)
    flow.add_edge(pa.BEGIN, "only")
    flow.add_edge("only", pa.DONE_SIGNAL)
    failed = flow.run(pa.Task("Look", [pa.Check.equals("done")], labels={"user": "ann"}))
    result = flow.resume(failed.id)

    assert (failed.status, failed.success, result.status, result.success) == ("failed", None, "finished", True)


def test_a_flow_is_told_to_listeners_only_from_where_it_goes_on(tmp_path: Path) -> None:
    failed = fork(steps([], bad=lambda name: name == "last"), workspace=tmp_path).run()
    heard: list[Event] = []
    fork(steps([]), workspace=tmp_path).resume(failed.id, watch=heard.append)

    assert [event.payload.kind for event in heard] == [
        "run_resumed",
        "agent_started",
        "agent_finished",
        "state_changed",
        "checkpoint_saved",
        "run_finished",
    ]


def test_secrets_that_pass_through_a_flow_are_not_on_disk(tmp_path: Path) -> None:
    key = "ghp_" + "a1B2" * 9
    flow = pa.Flow(workspace=tmp_path)
    flow.add_node("x", lambda state: {"out": state["key"]})
    flow.add_edge(pa.BEGIN, "x")
    flow.add_edge("x", pa.DONE_SIGNAL)
    result = flow.run({"key": key})

    assert result.state["out"] == key
    assert all(key.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_ctrl_c_ends_a_flow_as_interrupted_and_it_goes_on(tmp_path: Path) -> None:
    async def stop(state: Mapping[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        import anyio

        await anyio.sleep_forever()

    flow = pa.Flow(workspace=tmp_path)
    flow.add_node("x", stop)
    flow.add_edge(pa.BEGIN, "x")
    flow.add_edge("x", pa.DONE_SIGNAL)
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    (run,) = pa.Workspace(tmp_path).runs()
    assert run.status == "interrupted"

    calm = pa.Flow(workspace=tmp_path)
    calm.add_node("x", lambda state: {"ok": True})
    calm.add_edge(pa.BEGIN, "x")
    calm.add_edge("x", pa.DONE_SIGNAL)
    assert calm.resume(run.id).status == "finished"


class Ticking(FrozenClock):
    """A clock that goes on by a second whenever somebody looks."""

    def monotonic(self) -> float:
        self.advance(1)
        return super().monotonic()


def told(place: pa.Workspace, say: Callable[[Any], None]) -> pa.Flow:
    """A flow to which something is said while its first node works."""

    def hear(state: Mapping[str, Any]) -> dict[str, Any]:
        (run,) = place.runs(top=True)
        say(place.control(run.id))
        return {"first": True}

    flow = pa.Flow(workspace=place)
    flow.add_node("first", hear)
    flow.add_node("second", lambda state: {"second": True})
    flow.add_edge(pa.BEGIN, "first")
    flow.add_edge("first", "second")
    flow.add_edge("second", pa.DONE_SIGNAL)
    return flow


def test_a_flow_is_paused_between_two_supersteps_and_goes_on(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, clock=Ticking())
    flow = told(place, lambda control: control.pause("lunch", by="ann"))
    paused = flow.run()
    result = flow.resume(paused.id)

    assert (paused.status, paused.reason, paused.state) == ("paused", "paused by ann: lunch", {"first": True})
    assert (result.status, result.state) == ("finished", {"first": True, "second": True})


def test_a_flow_is_ended_by_a_person(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, clock=Ticking())
    flow = told(place, lambda control: control.abort("enough"))
    result = flow.run()

    assert (result.status, result.reason, result.state) == ("cancelled", "ended by a person: enough", {"first": True})
    assert place.run(result.id).status == "cancelled"
    with pytest.raises(CantResume, match=f"{result.id} was ended by a person: enough. That is final"):
        flow.resume(result.id)


def test_a_flow_that_waits_is_ended_with_the_part_that_asks(tmp_path: Path) -> None:
    @pa.tool
    def look(at: str) -> str:
        """Look."""
        return at

    asks = ModelResponse(Message("assistant", (ToolCall("c1", "look", {"at": "it"}),)))
    place = pa.Workspace(tmp_path)
    agent = pa.Agent("a", model=ScriptedModel(asks), tools=[look], critic=None, approvals={"look": "ask"}, workspace=place)
    flow = pa.Flow(workspace=place)
    flow.add_node("fetch", lambda state: {"page": "words of others"}, origin="web")
    flow.add_node("a", agent, retries=1)
    flow.add_edge(pa.BEGIN, "fetch")
    flow.add_edge("fetch", "a")
    flow.add_edge("a", pa.DONE_SIGNAL)
    waits = flow.run({"task": "look"})
    (part,) = (run for run in place.waiting() if run.parent == waits.id)
    place.control(waits.id).abort("no use", by="ann")

    assert (waits.status, place.waiting()) == ("waiting", [])
    assert {(run.status, run.reason) for run in place.runs()} == {("cancelled", "ended by ann: no use")}
    end = place.trace(waits.id).finished
    assert end is not None
    assert (end.origin, end.source, end.usage.calls) == ("web", "fetch", 1)
    assert end.seconds == place.trace(waits.id).of(RunSuspended)[0].seconds
    for go_on in (lambda: flow.resume(waits.id), lambda: agent.resume(part.id)):
        with pytest.raises(CantResume, match="That is final"):
            go_on()


def test_a_part_of_what_a_person_ended_does_not_go_on_by_itself(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, clock=Ticking())

    def fails(request: ModelRequest) -> str:
        (run,) = place.runs(top=True)
        place.control(run.id).abort("enough")
        raise ModelUnreachable("no server")

    agent = pa.Agent("a", model=RuleModel(fails), critic=None, workspace=place)
    ended = pa.swarm(["task 1", "task 2"], agents=[agent], at_once=1)
    part = ended[0].id

    assert (ended.status, place.run(part).status) == ("cancelled", "failed")
    with pytest.raises(CantResume, match=f"{part} is a part of {ended.id}, which was ended by a person: enough. That is final"):
        agent.resume(part)


def test_a_node_whose_run_a_person_ended_is_not_tried_again(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path)

    def says(request: ModelRequest) -> ModelResponse:
        run = next(run for run in place.runs() if run.agent == "a")
        place.control(run.id).abort("enough")
        return ModelResponse(Message("assistant", (ToolCall("c1", "calculator", {"expression": "1"}),)))

    agent = pa.Agent("a", model=RuleModel(says), tools=[pa.CalculatorTool()], critic=None, workspace=place)
    flow = pa.Flow(workspace=place)
    flow.add_node("a", agent, retries=3)
    flow.add_edge(pa.BEGIN, "a")
    flow.add_edge("a", pa.DONE_SIGNAL)
    result = flow.run({"task": "count"})

    assert (result.status, len(result.nodes)) == ("failed", 1)
    assert result.reason == "node 'a' in superstep 1: cancelled: ended by a person: enough"


CONDITION = """
import os, signal, sys
from pathlib import Path
import purpose_agent as pa

place = Path(sys.argv[1])

def pay(state):
    with open(place / "log", "a") as log:
        log.write("paid\\n")
    return {"paid": 1}

def where(state):
    if sys.argv[2] == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"

flow = pa.Flow("till", workspace=place / "ws")
flow.add_node("pay", pay, in_doubt="fail")
flow.add_edge(pa.BEGIN, "pay")
flow.add_conditional_edge("pay", where, {"done": pa.DONE_SIGNAL})
if sys.argv[2] == "dies":
    flow.run({})
else:
    print(flow.resume(pa.Workspace(place / "ws").runs()[0].id).status)
"""


def test_a_node_that_is_done_is_not_done_again_when_the_process_dies_in_the_condition_after_it(tmp_path: Path) -> None:
    def process(what: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", CONDITION, str(tmp_path), what], capture_output=True, text=True, check=False
        )

    assert process("dies").returncode == -signal.SIGKILL
    again = process("goes on")

    assert (again.stdout.strip(), again.stderr) == ("finished", "")
    assert (tmp_path / "log").read_text() == "paid\n"


ENDING = """
import os, signal, sys
from pathlib import Path
import purpose_agent as pa
from purpose_agent.testing.clock import FrozenClock

class Ticking(FrozenClock):
    def monotonic(self):
        self.advance(1)
        return super().monotonic()

place = pa.Workspace(Path(sys.argv[1]) / "ws", clock=Ticking())

def first(state):
    if sys.argv[2] == "dies":
        place.control(place.runs()[0].id).abort("enough")
    return {"first": True}

def watch(event):
    if event.payload.kind == "run_finished":
        os.kill(os.getpid(), signal.SIGKILL)

flow = pa.Flow("till", workspace=place)
flow.add_node("first", first)
flow.add_node("second", lambda state: {"second": True})
flow.add_edge(pa.BEGIN, "first")
flow.add_edge("first", "second")
flow.add_edge("second", pa.DONE_SIGNAL)
if sys.argv[2] == "dies":
    flow.run({}, watch=watch)
else:
    result = flow.resume(place.runs()[0].id)
    print(result.status, result.reason, sorted(result.state))
"""


def test_an_abort_is_not_forgotten_when_the_process_dies_before_the_end_is_saved(tmp_path: Path) -> None:
    def process(what: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", ENDING, str(tmp_path), what], capture_output=True, text=True, check=False)

    assert process("dies").returncode == -signal.SIGKILL
    again = process("goes on")

    assert (again.stdout.strip(), again.stderr) == ("cancelled ended by a person: enough ['first']", "")


def test_a_reducer_runs_when_what_it_merges_is_saved(tmp_path: Path) -> None:
    keeps = MemoryCheckpointer()
    saved: list[int] = []

    def both(old: list[str], new: list[str]) -> list[str]:
        trace = keeps.load(keeps.runs()[0])
        saved.append(0 if trace is None else len(trace.of(AgentFinished)))
        return [*old, *new]

    flow = pa.Flow(merge={"notes": both}, checkpointer=keeps)
    flow.add_node("a", lambda state: {"notes": ["a"]})
    flow.add_edge(pa.BEGIN, "a")
    flow.add_edge("a", pa.DONE_SIGNAL)
    flow.run({"notes": []})

    assert saved == [1]


def test_an_evaluation_leaves_no_run_of_its_flow_whoever_would_keep_it(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path)
    place.teach("Be short.")
    agent = pa.Agent("a", model=RuleModel(lambda request: "ok"), critic=None, workspace=place, mode="evaluation")
    flow = pa.Flow(checkpointer=place.checkpointer)
    flow.add_node("a", agent)
    flow.add_edge(pa.BEGIN, "a")
    flow.add_edge("a", pa.DONE_SIGNAL)

    assert flow.run({"task": "hi"}).status == "finished"
    assert place.runs() == []
