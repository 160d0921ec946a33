"""Runs that stopped are gone on with by the commands that the command line itself says."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import purpose_agent as pa
from purpose_agent.cli.main import app
from purpose_agent.runtime.events import RunStarted
from purpose_agent.testing.models import ScriptedModel
from tests.cli.conftest import CORRECT
from tests.engine.given import calls, look_up, scripted
from tests.models.wire import PATIENCE, Reply, completion, serving

PROGRAM = '''
import os
import signal
import sys

import purpose_agent as pa
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import ModelResponse
from purpose_agent.testing.models import RuleModel


@pa.tool
def pay(to: str) -> str:
    """Pay somebody."""
    with open("paid", "a") as file:
        file.write(to + " ")
    if os.environ.get("DIES"):
        os.kill(os.getpid(), signal.SIGKILL)
    return "paid " + to


def rule(request):
    if "paid " in request.text or "settled" in request.text:
        return "done: " + ("settled" if "settled" in request.text else "paid")
    return ModelResponse(Message("assistant", (ToolCall("c1", "pay", {"to": "Ann"}),)))


def send(state):
    with open("sent", "a") as file:
        file.write("one ")
    if os.environ.get("DIES"):
        os.kill(os.getpid(), signal.SIGKILL)
    return {"sent": True}


clerk = pa.Agent("clerk", model=RuleModel(rule), tools=[pay], critic=None)
office = pa.Flow("office")
office.add_node("work", clerk)
office.add_edge(pa.BEGIN, "work")
office.add_edge("work", pa.DONE_SIGNAL)
post = pa.Flow("post", workspace=clerk.workspace)
post.add_node("send", send, in_doubt="fail")
post.add_edge(pa.BEGIN, "send")
post.add_edge("send", pa.DONE_SIGNAL)

if __name__ == "__main__":
    {"clerk": clerk, "office": office, "post": post}[sys.argv[1]].run("Pay Ann" if sys.argv[1] == "clerk" else {"task": "Pay Ann"})
'''


def said(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def commands(text: str, verb: str = "resume") -> list[list[str]]:
    """The commands that were said, as arguments."""
    return [shlex.split(found) for found in re.findall(rf"purpose-agent (runs {verb} .*)", text)]


def killed_in_a_call(folder: Path, who: str) -> str:
    """The id of a run of the program's agent or flow whose process was killed in the middle of a call."""
    (folder / "program.py").write_text(PROGRAM)
    done = subprocess.run([sys.executable, "program.py", who], cwd=folder, env={**os.environ, "DIES": "1"}, check=False)
    assert done.returncode == -signal.SIGKILL
    (row,) = pa.Workspace().runs(top=True)
    return row.id


@pytest.mark.parametrize(
    ("model", "answer", "how"),
    [("tiny-1b", CORRECT, ()), ("big-70b", json.dumps({"answer": CORRECT}), ("--stream",))],
    ids=["small model", "large one with Python as a tool, streamed"],
)
def test_a_run_that_ctrl_c_stopped_goes_on_by_the_command_that_it_said(
    bare: Path, model: str, answer: str, how: tuple[str, ...]
) -> None:
    with serving(Reply(pieces=[" "], ending="waits"), Reply(body=completion(answer))) as server:
        command = [sys.executable, "-m", "purpose_agent", "run", "Write a Python function is_leap(year)."]
        chosen = ["--model", f"{server.url}#{model}", "-w", "my place", "--no-settle", *how]
        child = subprocess.Popen([*command, *chosen], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert server.arrived.wait(PATIENCE)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=PATIENCE)
        assert child.returncode == 130, told
        (go_on,) = commands(told)

        result = said(*go_on)

    assert (result.exit_code, "def is_leap" in result.stdout) == (0, True), result.output
    (run,) = pa.Workspace(bare.parent / "my place").runs(top=True)
    assert (run.id, run.status) == (go_on[2], "finished")


def test_a_team_that_was_given_functions_is_not_made_again_without_them(bare: Path) -> None:
    tools = [look_up]
    team = pa.purpose("Answer questions.", model=ScriptedModel(ConnectionError("gone")), tools=tools, workspace=bare)
    with pytest.raises(ConnectionError):
        team.run("What is a tree?")
    (run,) = team.workspace.runs(top=True)
    assert team.workspace.trace(run.id).of(RunStarted)[0].recipe == {}
    team.workspace.close()  # as in another process

    assert "--app FILE" in said("runs", "show", run.id).stdout
    refused = said("runs", "resume", run.id)
    assert (refused.exit_code, "Name the program that makes it" in refused.stderr) == (1, True), refused.output


def test_a_team_whose_model_is_gone_says_that_it_is(bare: Path) -> None:
    team = pa.purpose("Answer questions.", model=ScriptedModel(ConnectionError("gone")), workspace=bare)
    with pytest.raises(ConnectionError):
        team.run("What is a tree?")
    (run,) = team.workspace.runs(top=True)
    team.workspace.close()

    refused = said("runs", "resume", run.id)
    assert (refused.exit_code, "its model 'scripted' can't be had" in refused.stderr) == (1, True), refused.output


def test_a_run_that_waits_says_how_to_answer_and_a_flow_leads_to_the_part_that_asks(bare: Path) -> None:
    def flow(*turns: object) -> pa.Flow:
        model = scripted(*turns)  # pyright: ignore[reportArgumentType]
        agent = pa.Agent("scout", model=model, tools=[look_up], critic=None, workspace=bare, approvals={"look_up": "ask"})
        made = pa.Flow("looking")
        made.add_node("look", agent)
        made.add_edge(pa.BEGIN, "look")
        made.add_edge("look", pa.DONE_SIGNAL)
        return made

    run_id = flow(calls("tree")).run({"task": "Look"}).id
    (part,) = [row.id for row in pa.Workspace(bare).runs() if row.parent == run_id]

    for shown in (
        said("runs", "show", run_id),
        said("runs", "show", part),
        said("runs", "questions"),
        said("runs", "questions", run_id),
    ):
        assert commands(shown.stdout, "approve") == [["runs", "approve", part]], shown.stdout
        assert commands(shown.stdout) == [["runs", "resume", run_id, "--app", "FILE"]]
    shown = said("runs", "show", run_id).stdout
    assert f"step 1: look: waiting, {part}" in shown
    assert "scout asks: look_up(word='tree')." in shown

    approved = said("runs", "approve", run_id)  # of the part, as it is the only one that asks
    assert commands(approved.stdout) == [["runs", "resume", run_id, "--app", "FILE"]]
    flow("It is a tree.")
    resumed = said("runs", "resume", run_id)
    assert (resumed.exit_code, "It is a tree." in resumed.stdout) == (0, True), resumed.output
    assert 'handed back: {"look": "It is a tree."}' in said("runs", "show", run_id).stdout


@pytest.mark.parametrize("who", ["clerk", "office"])
def test_a_call_in_flight_is_done_again_or_said_to_be_done(bare: Path, tmp_path: Path, who: str) -> None:
    run_id = killed_in_a_call(tmp_path, who)

    stopped = said("runs", "resume", run_id, "--app", "program.py")
    assert stopped.exit_code == 1
    assert "nobody knows whether" in stopped.stdout
    assert len(commands(stopped.stdout, "approve")) == len(commands(stopped.stdout, "done")) == 1
    assert commands(stopped.stdout) == [["runs", "resume", run_id, "--app", "program.py"]]
    assert (tmp_path / "paid").read_text() == "Ann "

    result = said("runs", "resume", run_id, "--app", "program.py", "--again")
    assert (result.exit_code, "done: paid" in result.stdout) == (0, True), result.output
    assert (tmp_path / "paid").read_text() == "Ann Ann "


@pytest.mark.parametrize("who", ["clerk", "office"])
def test_a_call_in_flight_that_is_done_is_not_made_again(bare: Path, tmp_path: Path, who: str) -> None:
    run_id = killed_in_a_call(tmp_path, who)

    result = said("runs", "resume", run_id, "--app", "program.py", "--done", "settled by hand")
    assert (result.exit_code, "done: settled" in result.stdout) == (0, True), result.output
    assert (tmp_path / "paid").read_text() == "Ann "


@pytest.mark.parametrize(("how", "sent"), [(("--again",), "one one "), (("--done", '{"sent": true}'), "one ")])
def test_a_node_in_doubt_is_run_again_or_said_to_be_done(bare: Path, tmp_path: Path, how: tuple[str, ...], sent: str) -> None:
    run_id = killed_in_a_call(tmp_path, "post")

    shown = said("runs", "show", run_id).stdout
    assert "send had begun when its process ended" in shown
    assert commands(shown) == [
        ["runs", "resume", run_id, "--app", "FILE", "--again"],
        ["runs", "resume", run_id, "--app", "FILE", "--done", "JSON"],
    ]
    assert said("runs", "resume", run_id, "--app", "program.py").exit_code == 1
    result = said("runs", "resume", run_id, "--app", "program.py", *how)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "sent").read_text() == sent


def test_what_is_said_of_nothing_in_flight_is_refused(bare: Path) -> None:
    failed = pa.Agent("scout", model=ScriptedModel(ConnectionError("gone")), critic=None, workspace=bare)
    with pytest.raises(ConnectionError):
        failed.run("Look")
    (run,) = failed.workspace.runs()

    refused = said("runs", "resume", run.id, "--again")
    assert (refused.exit_code, "was in flight" in refused.stderr) == (2, True), refused.output
    assert said("runs", "resume", run.id, "--again", "--done", "x").exit_code == 2
