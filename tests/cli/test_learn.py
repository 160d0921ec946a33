"""`learn`: what waits in a workspace is learned in another process than the one that ran it."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.cli.learn import wait_until_idle
from purpose_agent.cli.main import app
from purpose_agent.core.task import task_from_json
from purpose_agent.models.openai_compatible import OpenAICompatibleModel
from purpose_agent.runtime.sync import run_sync
from purpose_agent.testing.models import RuleModel
from tests.cli.ruled import LESSON, greets, guests
from tests.engine.worlds import Corridor
from tests.models.wire import ChatServer, Reply, serving


@pytest.fixture
def server(bare: Path) -> Generator[ChatServer]:
    """A model that learns; it is not this machine's default."""
    with serving(Reply(body=greets)) as server:
        yield server


def _task() -> pa.Task:
    (data,) = guests(1)
    return task_from_json({**data, "checks": [{"kind": "contains", "spec": "Salve"}], "labels": {"family": "guests"}})


def _run_and_leave(folder: Path, agent: pa.Agent) -> None:
    """A run whose lesson waits for its trial, made by a process that is gone."""
    agent.run(_task())
    agent.workspace.close()
    if isinstance(agent.model, OpenAICompatibleModel):
        run_sync(agent.model.aclose())
    assert [memory.status for memory in pa.Workspace(folder).memories()] == ["quarantined"]


def _says(request: pa.ModelRequest) -> str:
    if request.purpose == "reflect":
        return f'{{"when": "greeting a guest of the house", "then": "{LESSON}"}}'
    return "Hello, guest"


def _porter(folder: Path, server: ChatServer) -> pa.Agent:
    return pa.Agent("porter", role="You are the porter.", model=f"{server.url}#tiny-1b", critic=None, workspace=folder)


def test_a_new_process_tries_what_waits_with_the_agent_of_the_record(bare: Path, server: ChatServer) -> None:
    _run_and_leave(bare, _porter(bare, server))
    result = CliRunner().invoke(app, ["learn"])

    assert result.exit_code == 0, result.output
    assert "promoted: it helps" in result.stdout
    assert "cost: reflection 0 calls and 0 tokens; trials " in result.stdout
    assert [memory.lesson.then for memory in pa.Workspace(bare).memories("promoted")] == [LESSON]


def test_the_agent_is_made_again_with_its_role_and_model(bare: Path, server: ChatServer) -> None:
    _run_and_leave(bare, _porter(bare, server))
    CliRunner().invoke(app, ["learn"])

    last = server.asked[-1].body
    assert last["model"] == "tiny-1b"
    assert "You are the porter." in str(last["messages"])


def test_a_budget_stops_a_trial_and_the_next_call_goes_on_with_it(bare: Path, server: ChatServer) -> None:
    _run_and_leave(bare, _porter(bare, server))
    first = CliRunner().invoke(app, ["learn", "--budget", "4 runs"])
    (waiting,) = pa.Workspace(bare).memories()
    second = CliRunner().invoke(app, ["learn"])

    assert "the budget of 4 runs is spent" in first.stdout
    assert "trials 4 runs" in first.stdout
    assert waiting.status == "quarantined"
    assert "promoted: it helps" in second.stdout


def test_an_agent_with_tools_is_left_and_it_is_said(bare: Path, server: ChatServer) -> None:
    agent = pa.Agent("porter", model=f"{server.url}#tiny-1b", tools=[pa.CalculatorTool()], critic=None, workspace=bare)
    _run_and_leave(bare, agent)
    result = CliRunner().invoke(app, ["learn"])

    assert result.exit_code == 0, result.output
    assert "porter: left, it has tools (calculator)" in result.stderr
    assert "not tried, no agent called 'porter'" in result.stdout


def test_an_agent_whose_model_is_gone_is_left_and_it_is_said(bare: Path) -> None:
    model = RuleModel(_says, name="nowhere:model")
    _run_and_leave(bare, pa.Agent("porter", model=model, critic=None, workspace=bare))
    result = CliRunner().invoke(app, ["learn"])

    assert "porter: left, its model 'nowhere:model' can't be had" in result.stderr


def test_another_model_can_be_named_for_all(bare: Path, server: ChatServer) -> None:
    model = RuleModel(_says, name="gone")
    _run_and_leave(bare, pa.Agent("porter", model=model, critic=None, workspace=bare))
    result = CliRunner().invoke(app, ["learn", "--model", f"{server.url}#tiny-1b"])

    assert "promoted: it helps" in result.stdout, result.output


def test_a_trial_that_broke_is_told_and_ends_with_one(bare: Path, server: ChatServer) -> None:
    _run_and_leave(bare, _porter(bare, server))
    result = CliRunner().invoke(app, ["learn", "--model", "http://127.0.0.1:1/v1#tiny-1b"])

    assert result.exit_code == 1, result.output
    assert "The trial of" in result.stdout
    assert [memory.status for memory in pa.Workspace(bare).memories()] == ["quarantined"]


def test_with_no_model_only_what_needs_none_is_tried(bare: Path, server: ChatServer) -> None:
    _run_and_leave(bare, _porter(bare, server))
    guesser = pa.Agent("guesser", model="none", workspace=bare)
    for number in range(30):
        checks = [pa.Check.equals("left")]
        guesser.run(pa.Task(f"Door {number}?", checks=checks, choices=["left", "right", "up"], labels={"family": "doors"}))
    guesser.workspace.close()
    asked = len(server.asked)
    result = CliRunner().invoke(app, ["learn", "--model", " None"])

    assert result.exit_code == 0, result.output
    assert "porter: left, what it learned is for its model" in result.stderr
    assert len(server.asked) == asked
    (policy,) = pa.Workspace(bare).memories(kind="tool_policy")
    assert pa.Workspace(bare).journal(policy.id)[-1].evidence is not None


def test_an_agent_in_a_world_is_left_in_the_same_words_as_one_with_tools(bare: Path) -> None:
    walker = pa.Agent("walker", model="none", environment=Corridor, workspace=bare)
    for number in range(24):
        walker.run(pa.Task(f"Reach the end {number}", limits=pa.Limits(steps=12), labels={"family": "rooms"}), seed=number)
    walker.workspace.close()
    result = CliRunner().invoke(app, ["learn"])

    assert "walker: left, it acts in a world, which is not in the record: settle in the program that has it" in result.stderr
    assert "not tried, no agent called 'walker'" in result.stdout


@pytest.mark.usefixtures("bare")
def test_where_nothing_waits_it_is_said() -> None:
    assert CliRunner().invoke(app, ["learn"]).stdout == "nothing was waiting\n"


def test_idle_learning_works_at_the_lowest_priority(bare: Path, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(os, "nice", asked.append)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    _run_and_leave(bare, _porter(bare, server))
    result = CliRunner().invoke(app, ["learn", "--idle"])

    assert asked == [19]
    assert "promoted: it helps" in result.stdout


def test_idle_means_that_less_than_half_of_the_cores_are_busy() -> None:
    loads, pauses = [3.0, 2.1, 1.9], list[float]()
    wait_until_idle(load=lambda: loads.pop(0), pause=pauses.append, cores=4)

    assert (loads, len(pauses)) == ([], 2)
