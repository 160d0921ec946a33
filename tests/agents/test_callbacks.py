"""What a caller's own listeners raise ends no part's run and loses no result."""

from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.agents.callbacks import quietly
from purpose_agent.multi_agent import AgentSpec, AgentTeam
from purpose_agent.testing.models import RuleModel


def agent(place: Path) -> pa.Agent:
    return pa.Spark("a", model=RuleModel(lambda request: "fine"), critic=None, workspace=place)


def breaks(event: pa.Event) -> None:
    if event.payload.kind == "model_called":
        raise RuntimeError("the screen broke")


def test_a_listener_that_raises_ends_no_task_of_a_swarm(tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        pa.swarm(["one", "two"], agents=[agent(tmp_path)], watch=breaks)

    place = pa.Workspace(tmp_path)
    (whole,) = place.runs(top=True)
    assert [str(each) for each in raised.value.exceptions] == ["the screen broke"]
    assert {run.status for run in place.runs()} == {"finished"}
    assert pa.resume_swarm(whole.id, [agent(tmp_path)]).answers == ("fine", "fine")


def test_a_listener_that_raises_ends_no_flow(tmp_path: Path) -> None:
    flow = pa.Flow(workspace=tmp_path)
    flow.add_node("b", agent(tmp_path))
    flow.add_edge(pa.BEGIN, "b")
    flow.add_edge("b", pa.DONE_SIGNAL)

    with pytest.raises(ExceptionGroup, match="complete and saved"):
        flow.run({"task": "do"}, watch=breaks)
    assert {run.status for run in pa.Workspace(tmp_path).runs()} == {"finished"}


def test_a_listener_that_raises_ends_no_turn_of_a_team(tmp_path: Path) -> None:
    team = pa.Team.build("desk", [agent(tmp_path)])
    with pytest.raises(ExceptionGroup, match="complete and saved") as raised:
        team.run("do", watch=breaks)

    assert [str(each) for each in raised.value.exceptions] == ["the screen broke"]
    assert {run.status for run in pa.Workspace(tmp_path).runs()} == {"finished"}


def test_a_listener_that_raises_ends_no_task_of_specialists(tmp_path: Path) -> None:
    model = RuleModel(lambda request: "fine")
    team = AgentTeam([AgentSpec("a")], default_model=model, critic_model="none", persistence_dir=tmp_path)
    with pytest.raises(ExceptionGroup, match="complete and saved"):
        team.run_pipeline([{"purpose": "one"}, {"purpose": "two"}], watch=breaks)

    assert [run.status for run in pa.Workspace(tmp_path).runs()] == ["finished"] * 3


def test_who_is_told_of_results_and_raises_loses_none(tmp_path: Path) -> None:
    told: list[int] = []

    def on_result(place: int, outcome: object) -> None:
        told.append(place)
        raise RuntimeError("the screen broke")

    with pytest.raises(ExceptionGroup) as raised:
        pa.swarm([f"task {number}" for number in range(5)], agents=[agent(tmp_path)], at_once=1, on_result=on_result)

    assert (told, len(raised.value.exceptions)) == ([0], 1)
    runs = pa.Workspace(tmp_path).runs()
    assert (len(runs), {run.status for run in runs}) == (6, {"finished"})


def test_where_the_run_raises_itself_that_is_what_is_raised() -> None:
    def broken() -> None:
        raise RuntimeError("the screen broke")

    def run() -> None:
        with quietly() as callbacks:
            callbacks.quiet(broken)()
            raise ValueError("the run")

    with pytest.raises(ValueError, match="the run") as raised:
        run()
    assert raised.value.__notes__ == ["A callback failed too: RuntimeError: the screen broke"]
