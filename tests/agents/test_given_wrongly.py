"""What can't be meant is refused by the call that gives it, in words that say what was given and what is allowed."""

import math
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import UsageError
from purpose_agent.runtime.feed import Feed
from purpose_agent.testing.models import RuleModel, ScriptedModel

any_: Any = pa
"""The public names, for calls that no type checker lets pass."""


def clerk(place: Path) -> pa.Agent:
    return pa.Agent("clerk", model=RuleModel(lambda request: "done"), critic=None, workspace=place)


def refused(call: Callable[[], object], given: str, allowed: str) -> None:
    with pytest.raises(UsageError) as told:
        call()
    assert given in str(told.value)
    assert allowed in str(told.value)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        *(("steps", value, "a whole number from 1") for value in ("3", 2.5, True, None, 0, -1, math.nan)),
        *(("retries", value, "a whole number from 0") for value in ("1", 0.5, False, None, -1)),
        *(
            (field, value, "a number above 0, or None for no limit")
            for field in ("seconds", "tokens", "usd")
            for value in ("1", True, 0, -1, math.nan, ())
        ),
    ],
)
def test_limits_are_numbers(field: str, value: object, allowed: str) -> None:
    refused(lambda: any_.Limits(**{field: value}), f"Limits({field}={value!r})", allowed)


@pytest.mark.parametrize(
    ("call", "given", "allowed"),
    [
        (lambda: any_.Edit("junk"), "Edit('junk')", "arguments by name, as a dict"),
        (lambda: any_.Edit(None), "Edit(None)", "arguments by name, as a dict"),
        (lambda: any_.Edit({1: "a"}), "Edit({1: 'a'})", "arguments by name, as a dict"),
        (lambda: any_.Edit({"amount": math.nan}), "Edit({'amount': nan})", "kept as JSON"),
        (lambda: any_.Edit({"amount": object()}), "Edit(", "kept as JSON"),
        (lambda: any_.Reject(3), "Reject(3)", "in words"),
        (lambda: any_.Done({"paid": 5}), "Done({'paid': 5})", "in words"),
        (lambda: any_.Task(3), "Task(goal=3)", "say in words what is wanted"),
        (lambda: any_.Task("x", limits=3), "limits=3", "Limits(steps=10, seconds=60)"),
        (lambda: any_.Budget(runs="3"), "Budget(runs='3')", "a whole number from 0, or None"),
        (lambda: any_.RateLimit(requests_per_minute="60"), "requests_per_minute='60'", "a number above 0, or None"),
        (lambda: any_.RateLimit(tokens_per_minute=True), "tokens_per_minute=True", "a number above 0, or None"),
        (lambda: any_.Workspace(3), "Workspace(3)", "the path of a folder"),
        (lambda: any_.Workspace("ws", holdout="half"), "Workspace(holdout='half')", "a number from 0 to below 0.5"),
        (lambda: any_.Workspace("ws", holdout=0.5), "Workspace(holdout=0.5)", "from 0 to below 0.5"),
        (lambda: any_.Workspace("ws", engine="foo:"), "'foo:'", "Say 'local', or 'dbos:'"),
        (lambda: any_.Workspace("ws", engine="dbos:"), "''", "postgresql://user:password@host:5432/name"),
        (lambda: any_.Workspace("ws", engine=3), "Workspace(engine=3)", "'local', 'dbos:postgresql://"),
        (lambda: Feed().read(after="1"), "after='1'", "a whole number from 0"),  # pyright: ignore[reportArgumentType]
        (lambda: Feed().read(capacity=1.5), "capacity=1.5", "a whole number from 1"),  # pyright: ignore[reportArgumentType]
        (lambda: Feed().read(timeout="1"), "timeout='1'", "a number of 0 or more"),  # pyright: ignore[reportArgumentType]
        (lambda: Feed().read(visibility="all"), "visibility='all'", "'public'"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_plain_data_says_what_it_takes(
    call: Callable[[], object], given: str, allowed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    refused(call, given, allowed)


@pytest.mark.parametrize(
    ("arguments", "given", "allowed"),
    [
        ({"name": 3}, "Agent(name=3)", "give it a name"),
        ({"limits": {"steps": 3}}, "Agent(limits={'steps': 3})", "Limits(steps=10"),
        ({"temperature": "hot"}, "Agent(temperature='hot')", "a number of 0 or more, or None"),
        ({"temperature": math.nan}, "Agent(temperature=nan)", "a number of 0 or more, or None"),
        ({"approve": "yes"}, "Agent(approve='yes')", "a function of an ApprovalRequest, or None"),
        ({"approvals": "ask"}, "Agent(approvals='ask')", "by the name of a tool"),
        ({"tools": print}, "Agent(tools=<built-in function print>)", "a list of tools"),
        ({"workspace": 3}, "Workspace(3)", "the path of a folder"),
    ],
)
def test_an_agent_says_what_it_takes(arguments: dict[str, object], given: str, allowed: str, tmp_path: Path) -> None:
    refused(
        lambda: any_.Agent(**{"name": "clerk", "workspace": tmp_path, "model": ScriptedModel(), **arguments}), given, allowed
    )


@pytest.mark.parametrize(
    ("arguments", "given", "allowed"),
    [
        ({"name": 3}, "Flow(name=3)", "give it a name"),
        ({"max_steps": "3"}, "Flow(max_steps='3')", "a whole number from 1"),
        ({"max_steps": True}, "Flow(max_steps=True)", "a whole number from 1"),
        ({"checkpointer": "x"}, "Flow(checkpointer='x')", "it has no append, load, runs. Give a checkpointer"),
        ({"checkpointer": pa.MemoryCheckpointer}, "Flow(checkpointer=<class", "it is a class; make one of it"),
        ({"engine": "foo:"}, "'foo:'", "Say 'local', or 'dbos:'"),
        ({"engine": object()}, "Flow(engine=<object", "an engine of your own"),
        ({"merge": "notes"}, "Flow(merge='notes')", "operator.add"),
        ({"merge": {"notes": 3}}, "Flow(merge={'notes': 3})", "a function of what was there and what is new"),
        ({"state": 3}, "Flow(state=3)", "a TypedDict, a dataclass or a pydantic model"),
    ],
)
def test_a_flow_says_what_it_takes(arguments: dict[str, object], given: str, allowed: str) -> None:
    refused(lambda: any_.Flow(**arguments), given, allowed)


DRAWN: list[tuple[Callable[[Any], object], str, str]] = [
    (lambda flow: flow.add_node(3, print), "add_node(3)", "names of their own"),
    (lambda flow: flow.add_node("b", print, retries=-1), "retries=-1", "a whole number from 0"),
    (lambda flow: flow.add_node("b", print, retries="1"), "retries='1'", "a whole number from 0"),
    (lambda flow: flow.add_node("b", print, timeout="1"), "timeout='1'", "a number above 0, or None"),
    (lambda flow: flow.add_node("b", print, timeout=0), "timeout=0", "a number above 0, or None"),
    (lambda flow: flow.add_node("b", print, timeout=math.nan), "timeout=nan", "a number above 0, or None"),
    (lambda flow: flow.add_node("b", print, writes=3), "writes=3", "the name of a value of the state"),
    (lambda flow: flow.add_node("b", print, task="x"), "task='x'", "a function of the state"),
    (lambda flow: flow.add_edge(1, "a"), "add_edge(1, 'a')", "name nodes, BEGIN or DONE_SIGNAL"),
    (lambda flow: flow.add_edge(["a", 1], "a"), "add_edge(['a', 1], 'a')", "name nodes, BEGIN or DONE_SIGNAL"),
    (lambda flow: flow.add_edge("a", None), "add_edge('a', None)", "DONE_SIGNAL"),
    (lambda flow: flow.add_conditional_edge("a", "x", {"x": "a"}), "the condition 'x'", "a function of the state"),
    (lambda flow: flow.add_conditional_edge("a", len, ["a"]), "the targets ['a']", "a dict, by label"),
    (lambda flow: flow.draw("png"), "draw('png')", "'mermaid' or as 'svg'"),
    (lambda flow: flow.run({}, watch="x"), "watch='x'", "a function of an event"),
    (lambda flow: flow.resume(flow), "resume(Flow('flow'", "the id of a run"),
    (lambda flow: flow.resume("run_1", again="a"), "again='a'", "again=['a']"),
]


@pytest.mark.parametrize(("draw", "given", "allowed"), DRAWN)
def test_what_is_drawn_and_done_with_a_flow_says_what_it_takes(draw: Callable[[Any], object], given: str, allowed: str) -> None:
    flow = pa.Flow(merge={"notes": operator.add})
    flow.add_node("a", lambda state: None)
    flow.add_edge(pa.BEGIN, "a")
    flow.add_edge("a", pa.DONE_SIGNAL)

    refused(lambda: draw(flow), given, allowed)


@pytest.mark.parametrize(
    ("arguments", "given", "allowed"),
    [
        ({"tasks": "abc"}, "swarm(tasks='abc')", "a list of tasks"),
        ({"tasks": pa.Task("abc")}, "swarm(tasks=Task(", "a list of tasks"),
        ({"tasks": ["a", 3]}, "swarm(tasks=['a', 3])", "a list of tasks"),
        ({"tasks": []}, "swarm(tasks=[])", "a list of tasks"),
        ({"agents": "clerk"}, "swarm(agents='clerk')", "a list of agents"),
        ({"agents": []}, "swarm(agents=[])", "a list of agents, at least one"),
        ({"at_once": 0}, "swarm(at_once=0)", "a whole number from 1, or None"),
        ({"at_once": "2"}, "swarm(at_once='2')", "a whole number from 1, or None"),
        ({"seed": "x"}, "swarm(seed='x')", "a whole number, or None"),
        ({"engine": "foo:"}, "'foo:'", "Say 'local', or 'dbos:'"),
        ({"watch": "x"}, "swarm(watch='x')", "a function of an event"),
        ({"on_result": 3}, "swarm(on_result=3)", "a function of a task's place"),
    ],
)
def test_a_swarm_says_what_it_takes_and_nothing_is_recorded(
    arguments: dict[str, object], given: str, allowed: str, tmp_path: Path
) -> None:
    agent = clerk(tmp_path)

    refused(lambda: any_.swarm(**{"tasks": ["a"], "agents": [agent], **arguments}), given, allowed)

    assert agent.workspace.runs() == []


def test_an_agents_run_says_what_it_takes_and_nothing_is_recorded(tmp_path: Path) -> None:
    agent: Any = clerk(tmp_path)

    refused(lambda: agent.run(3), "3 is no task", "a Task")
    refused(lambda: agent.run("a", watch="x"), "watch='x'", "a function of an event")
    refused(lambda: agent.run("a", seed="x"), "seed='x'", "a whole number, or None")
    refused(lambda: agent.stream("a", capacity="2"), "capacity='2'", "a whole number from 1")
    refused(lambda: agent.stream(3), "3 is no task", "a Task")
    assert agent.workspace.runs() == []
    done = agent.run("a")
    refused(lambda: agent.resume(done), "resume(", f"That of this one is {done.id!r}")


def test_a_team_says_what_it_takes(tmp_path: Path) -> None:
    team: Any = pa.Team.build("to write", [clerk(tmp_path)])

    refused(lambda: any_.Team.build("to write", "writer", workspace=tmp_path), "agents='writer'", "['writer', 'editor']")
    refused(lambda: team.run("a", seed=True), "seed=True", "a whole number, or None")
    refused(lambda: team.stream(3), "3 is no task", "a Task")
    refused(lambda: team.run("a", watch="x"), "watch='x'", "a function of an event")
    assert team.workspace.runs() == []
    refused(lambda: team.resume(3), "resume(3)", "the id of a run")


def test_a_council_says_what_it_takes_and_nothing_is_recorded(tmp_path: Path) -> None:
    members = [pa.Agent(name, model=RuleModel(lambda request: "yes"), critic=None, workspace=tmp_path) for name in ("a", "b")]
    council: Any = pa.Council(members)

    refused(lambda: council.run("Which?", rounds="3"), "run(rounds='3')", "a whole number from 1")
    refused(lambda: council.run("Which?", seed="x"), "seed='x'", "a whole number, or None")
    refused(lambda: council.run("Which?", options="aa"), "options='aa'", "no option or several, as a list of texts")
    refused(lambda: council.run(3), "3 is no task", "a Task")
    assert members[0].workspace.runs() == []
