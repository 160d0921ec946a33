"""`runs show` of flows, swarms and teams, and of what people said to a run."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.cli.main import app
from purpose_agent.testing.models import RuleModel
from tests.engine.given import calls, look_up, scripted


def shown(*words: str) -> str:
    result = CliRunner().invoke(app, ["runs", "show", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def answers(request: pa.ModelRequest) -> str:
    return "It is a tree." if "tree" in request.text else ""


def test_a_flow_is_shown_node_by_node_with_what_each_handed_back(bare: Path) -> None:
    def broken(state: dict[str, object]) -> dict[str, object]:
        raise ValueError("no ink")

    scout = pa.Agent("scout", model=RuleModel(answers), critic=None, workspace=bare)
    flow = pa.Flow("printing")
    flow.add_node("look", scout)
    flow.add_node("print", broken)
    flow.add_edge(pa.BEGIN, "look")
    flow.add_edge("look", "print")
    flow.add_edge("print", pa.DONE_SIGNAL)
    result = flow.run({"task": "Look at the tree"})
    (part,) = [row.id for row in scout.workspace.runs() if row.parent == result.id]

    told = shown(result.id)
    assert "cut off" not in told
    assert "step 1: look: finished in " in told
    assert f', {part}\n  handed back: {{"look": "It is a tree."}}' in told
    assert "step 2: print: failed in " in told
    assert "  error: ValueError: no ink" in told


def test_a_flow_s_parts_are_shown_as_they_came_and_then_its_answer(bare: Path) -> None:
    scout = pa.Agent("scout", model=RuleModel(answers), critic=None, workspace=bare)
    flow = pa.Flow("looking")
    flow.add_node("prepare", lambda state: {"note": "ready"})
    flow.add_node("look", scout)
    flow.add_edge(pa.BEGIN, "prepare")
    flow.add_edge("prepare", "look")
    flow.add_edge("look", pa.DONE_SIGNAL)

    told = shown(flow.run({"task": "Look at the tree"}).id)
    places = [told.index(words) for words in ("step 1: prepare", "step 2: look", "answer: It is a tree.")]
    assert places == sorted(places)


def test_a_swarm_is_shown_task_by_task(bare: Path) -> None:
    scout = pa.Agent("scout", model=RuleModel(answers), critic=None, workspace=bare)
    tasks = [pa.Task("What is the tree?", checks=[pa.Check.contains("tree")]), "What is the bush?"]
    told = shown(pa.swarm(tasks, agents=[scout], workspace=bare).id)

    assert "cut off" not in told
    assert "task 1: scout: finished in " in told
    assert "passed, run_" in told
    assert "  task: What is the tree?\n  handed back: It is a tree." in told
    assert "task 2: scout: gave up in " in told
    assert "1 of 2 tasks finished" in told


def test_a_team_is_shown_turn_by_turn_with_the_run_of_each(bare: Path) -> None:
    team = pa.Team.build("Look.", ["scout", "judge"], model=RuleModel(answers), workspace=bare)
    told = shown(team.run("Look at the tree").id)

    assert "step 1: scout: finished in " in told
    assert "step 2: judge: finished in " in told
    assert told.count("  handed back: It is a tree.") == 2


@pytest.fixture
def spoken_to(bare: Path) -> str:
    """A run that waits, and to which people said something."""

    def agent(*turns: object) -> pa.Agent:
        model = scripted(*turns)  # pyright: ignore[reportArgumentType]
        return pa.Agent("scout", model=model, tools=[look_up], critic=None, workspace=bare, approvals={"look_up": "ask"})

    run_id = agent(calls("tree")).run("Look").id
    agent("done")
    run = pa.Workspace(bare).control(run_id)
    run.teach("Answer in German.", by="Eve")
    run.override_phi(1, 2.5, "it only looks done", by="Eve")
    run.approve(by="Eve")
    return run_id


def test_what_people_said_is_shown_before_the_run_heard_it(spoken_to: str) -> None:
    told = shown(spoken_to)

    assert "said, and not heard yet: Eve teaches (promoted): Answer in German." in told
    assert "said, and not heard yet: Eve says Φ is 2.5: it only looks done, of step 1" in told
    assert "said, and not heard yet: Eve says approved of the call c0" in told


def test_what_people_said_is_shown_once_the_run_heard_it(spoken_to: str) -> None:
    assert CliRunner().invoke(app, ["runs", "resume", spoken_to]).exit_code == 0
    (memory,) = pa.Workspace().memories()

    for told in (shown(spoken_to), shown(spoken_to, "--why")):
        assert f"by Eve (promoted): Answer in German.  [{memory.id}]" in told
        assert "Eve says Φ is 2.5: it only looks done" in told
        assert "not heard yet" not in told
    assert "promoted now" in shown(spoken_to, "--why")


def test_phi_that_a_person_said_of_a_run_that_was_over_is_shown_beside_the_critic_s(bare: Path) -> None:
    agent = pa.Agent("scout", model=RuleModel(answers), critic=None, workspace=bare)
    run_id = agent.run(pa.Task("Look at the tree", checks=[pa.Check.contains("tree")])).id
    assert CliRunner().invoke(app, ["runs", "score", run_id, "1", "3", "--by", "Eve"]).exit_code == 0

    assert "  Eve says Φ is 3.0" in shown(run_id)
    assert "step 1: Eve says Φ is 3.0; checks had said 10.0" in shown(run_id, "--why")
