"""`runs resume` of what is no agent's run: flows, teams, swarms."""

import runpy
from pathlib import Path

import pytest
from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.agents.any_run import resume_any
from purpose_agent.cli.main import app
from purpose_agent.core.errors import ModelUnreachable
from purpose_agent.core.model import ModelRequest
from purpose_agent.testing.models import RuleModel
from tests.agents.test_jobs import Elsewhere

PROGRAM = """
import os
import purpose_agent as pa
from purpose_agent.core.errors import ModelUnreachable
from purpose_agent.testing.models import RuleModel

def rule(request):
    if os.environ.get("OFFLINE"):
        raise ModelUnreachable("gone")
    return "found it"

scout = pa.Agent("scout", model=RuleModel(rule), critic=None, workspace=@PLACE@)
team = pa.Team.build("seek", [scout])
flow = pa.Flow("seeking")
flow.add_node("seek", scout)
flow.add_edge(pa.BEGIN, "seek")
flow.add_edge("seek", pa.DONE_SIGNAL)
"""


def said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output.replace("\n", " ")


def test_flows_teams_and_swarms_go_on_in_the_program_that_makes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "ws"
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("@PLACE@", repr(str(place))))
    monkeypatch.setenv("OFFLINE", "1")
    made = runpy.run_path(str(program))
    failed = [made["flow"].run("Find it").id, made["team"].run("Find it").id, pa.swarm(["Find it"], agents=[made["scout"]]).id]
    pa.Workspace(place).close()  # as in another process
    monkeypatch.delenv("OFFLINE")

    for run_id, told in zip(failed, ("of the flow 'seeking'", "of a team", "is a swarm of"), strict=True):
        code, without = said("runs", "resume", run_id, "-w", str(place))
        assert (code, told in without, f"runs resume {run_id} --app FILE" in without) == (1, True, True), without
    for run_id in failed:
        code, out = said("runs", "resume", run_id, "--app", str(program), "-w", str(place))
        assert (code, "found it" in out, f"{run_id}: finished" in out) == (0, True, True), out


@pytest.mark.parametrize("name", ["team", "swarm"])
def test_an_agent_that_is_called_like_another_kind_of_run_goes_on(tmp_path: Path, name: str) -> None:
    place = pa.Workspace(tmp_path)
    answers = iter([ModelUnreachable("gone"), "found it"])

    def rule(request: ModelRequest) -> str:
        answer = next(answers)
        if isinstance(answer, ModelUnreachable):
            raise answer
        return answer

    agent = pa.Agent(name, model=RuleModel(rule), critic=None, workspace=place)
    failed = agent.run("Find it")

    assert str(resume_any(place, failed.id)) == "found it"


def test_a_flow_whose_run_an_engine_keeps_goes_on_there(tmp_path: Path) -> None:
    engine = Elsewhere(tmp_path / "worker")
    place = pa.Workspace(tmp_path / "front", engine=engine)
    down = [True]

    def send(state: dict[str, object]) -> dict[str, object]:
        if down.pop():
            raise ConnectionError("gone")
        return {"answer": "sent"}

    def post(folder: pa.Workspace) -> pa.Flow:
        flow = pa.Flow("post", workspace=folder)
        flow.add_node("send", send)
        flow.add_edge(pa.BEGIN, "send")
        flow.add_edge("send", pa.DONE_SIGNAL)
        return flow

    post(pa.Workspace(tmp_path / "worker"))  # the same program, there and here
    failed = post(place).run({})
    assert (failed.status, place.runs()) == ("failed", [])
    down.append(False)

    assert str(resume_any(place, failed.id)) == "sent"
    assert [job.id for job in engine.jobs] == [failed.id, failed.id]
