"""`run`, `runs list`, `runs show`: through the real engine, with a model on a loopback server."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.cli.main import app
from purpose_agent.cli.why import told_why
from purpose_agent.core.memory import Case, Condition, Lesson, Likeness, Provenance, RuleLine, Scope
from purpose_agent.core.messages import assistant
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.core.values import Ranked
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import Event, ModelOverruled, ValuesConsulted
from purpose_agent.runtime.trace import Trace
from purpose_agent.testing.models import RuleModel
from tests.cli.ruled import LESSON
from tests.learning.given import drawn
from tests.models.wire import PATIENCE, ChatServer, Reply, serving

TASK = "Write a Python function is_leap(year)."


def _tests(folder: Path, text: str) -> str:
    path = folder / "checks.py"
    path.write_text(text, "utf-8")
    return str(path)


def _last_run(folder: Path) -> str:
    listed = CliRunner().invoke(app, ["runs", "list", "-w", str(folder)])
    return next(line.split()[0] for line in listed.stdout.splitlines() if line.startswith("run_"))


@pytest.mark.usefixtures("model")
def test_an_answer_that_passes_its_tests_ends_with_nought(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--tests", _tests(tmp_path, "assert is_leap(2000)"), "--no-settle"])

    assert result.exit_code == 0, result.output
    assert "def is_leap(year):" in result.stdout
    assert "finished, passed, Φ 10.0" in result.stdout


@pytest.mark.usefixtures("model")
def test_an_answer_that_fails_its_tests_ends_with_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--tests", _tests(tmp_path, "assert is_leap(1999)"), "--no-settle"])

    assert result.exit_code == 1
    assert ", failed, Φ 0.0" in result.stdout


@pytest.mark.usefixtures("model")
def test_an_answer_nobody_judged_is_not_a_failure() -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--no-settle"])

    assert result.exit_code == 0, result.output
    assert "success unknown" in result.stdout


@pytest.mark.usefixtures("model")
def test_json_is_one_object_and_watching_stays_out_of_it(tmp_path: Path) -> None:
    command = ["run", TASK, "--tests", _tests(tmp_path, "assert is_leap(2000)"), "--json", "--watch"]
    result = CliRunner().invoke(app, command)

    data = json.loads(result.stdout)
    assert (data["status"], data["success"], data["phi"]) == ("finished", True, 10.0)
    assert "Φ" in result.stderr


@pytest.mark.usefixtures("model")
def test_watching_tells_each_event_on_one_line() -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--watch", "--no-settle"])

    assert "asked the model (act)" in result.stdout


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("text", ["", "  \n"], ids=["empty", "blank"])
def test_a_file_without_assertions_is_a_wrong_call(tmp_path: Path, text: str) -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--tests", _tests(tmp_path, text)])

    assert result.exit_code == 2
    assert "is empty" in result.stderr


@pytest.mark.usefixtures("bare")
def test_without_a_model_a_run_is_refused_in_words() -> None:
    result = CliRunner().invoke(app, ["run", TASK])

    assert result.exit_code == 1
    assert result.stderr.startswith("No model was found.")


@pytest.mark.usefixtures("bare")
def test_to_have_a_task_done_takes_a_model() -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--model", "none"])

    assert result.exit_code == 2
    assert result.stderr.startswith("'none' is no model, and this needs one")


@pytest.mark.usefixtures("bare")
def test_a_model_that_costs_money_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "key")

    result = CliRunner().invoke(app, ["run", TASK])

    assert result.exit_code == 1
    assert "mistral" in result.stderr


@pytest.mark.usefixtures("bare")
def test_a_model_that_does_not_answer_is_a_message() -> None:
    result = CliRunner().invoke(app, ["run", TASK, "--model", "http://127.0.0.1:1/v1#tiny-1b", "--no-settle"])

    assert result.exit_code == 1
    assert "127.0.0.1:1" in result.output
    assert "Traceback" not in result.output


def test_listing_a_workspace_that_is_not_there_says_so_and_makes_none(bare: Path) -> None:
    result = CliRunner().invoke(app, ["runs", "list"])

    assert result.exit_code == 0
    assert result.stdout == f"No runs yet in {bare}.\n"
    assert not bare.exists()


@pytest.mark.usefixtures("model")
def test_a_run_is_shown_with_its_steps_and_scores(tmp_path: Path, bare: Path) -> None:
    CliRunner().invoke(app, ["run", TASK, "--tests", _tests(tmp_path, "assert is_leap(2000)"), "--no-settle"])

    shown = CliRunner().invoke(app, ["runs", "show", _last_run(bare)])

    assert shown.exit_code == 0, shown.output
    assert "finished, passed, Φ 10.0" in shown.stdout
    assert f"task: {TASK}" in shown.stdout
    assert "step 1: " in shown.stdout


@pytest.mark.usefixtures("model")
def test_all_events_of_a_run_can_be_had_as_lines_of_json(bare: Path) -> None:
    CliRunner().invoke(app, ["run", TASK, "--no-settle"])

    shown = CliRunner().invoke(app, ["runs", "show", _last_run(bare), "--events"])

    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


def _taught_porter(folder: Path) -> tuple[str, str]:
    """An agent that failed, learned, and then succeeded: the ids of both runs."""

    def says(request: pa.ModelRequest) -> str:
        if request.purpose == "reflect":
            return json.dumps({"when": "greeting a guest of the house", "then": LESSON})
        return "Salve, guest" if LESSON in request.text else "Hello, guest"

    agent = pa.Agent("porter", model=RuleModel(drawn(says)), critic=None, workspace=folder)
    task = pa.Task("Greet a guest of the house.", checks=[pa.Check.contains("Salve")])
    first = agent.run(task)
    agent.workspace.settle()
    return first.id, agent.run(task).id


def test_what_a_run_had_learned_is_traced_to_the_run_that_taught_it(bare: Path) -> None:
    taught, used = _taught_porter(bare)
    (memory,) = pa.Workspace(bare).memories()
    shown = CliRunner().invoke(app, ["runs", "show", used, "--why"])

    assert shown.exit_code == 0, shown.output
    assert f"{memory.id}: promoted then, promoted now" in shown.stdout
    assert f"When greeting a guest of the house: {LESSON}" in shown.stdout
    assert f"from: {taught} (self_verified), failed, porter on rule" in shown.stdout
    assert "task: Greet a guest of the house." in shown.stdout
    assert "failed: " in shown.stdout
    assert re.search(r"trial: \d+ wins, 0 losses in \d+ pairs on 1 task; e-value that it helps \d", shown.stdout)


def test_a_memory_that_changed_since_is_told_as_it_was_then(bare: Path) -> None:
    _, used = _taught_porter(bare)
    (memory,) = pa.Workspace(bare).memories()
    database = Database(bare / DATABASE)
    Gate(MemoryStore(database, SystemClock()), SystemClock()).archive(memory, "a test has no more use for it")
    shown = CliRunner().invoke(app, ["runs", "show", used, "--why"])

    assert f"{memory.id}: promoted then, archived now" in shown.stdout


def test_the_solved_cases_behind_a_memory_lead_to_their_runs(bare: Path) -> None:
    agent = pa.Agent("porter", model=RuleModel(lambda request: "push"), critic=None, workspace=bare)
    task = pa.Task("The red door.", checks=[pa.Check.equals("push")], choices=["push", "pull"], labels={"family": "doors"})
    solved = agent.run(task)
    case = Case("The red door.", "push")
    origin = Provenance("user", solved.id, "porter")
    lesson = Lesson("skill_card", "", "- red door -> push", origin, Scope(("porter",), ("doors",)), (case,))
    Gate(MemoryStore(Database(bare / DATABASE), SystemClock()), SystemClock()).teach(lesson)
    used = agent.run(task)
    shown = CliRunner().invoke(app, ["runs", "show", used.id, "--why"])

    assert f"case: The red door. → push  [{solved.id}]" in shown.stdout, shown.output
    assert "trial: none" in shown.stdout


def test_of_a_rule_the_line_that_was_in_the_prompt_is_told_and_what_it_chose(bare: Path) -> None:
    def favourite(request: ModelRequest) -> ModelResponse:
        return ModelResponse(assistant("pull"), probabilities={"pull": 0.7, "push": 0.3})

    agent = pa.Agent("porter", model=RuleModel(favourite), critic=None, workspace=bare)
    task = pa.Task("The red door.", checks=[pa.Check.equals("push")], choices=["push", "pull"], labels={"family": "doors"})
    first = agent.run(task)
    lines = (
        RuleLine((Condition("blue"),), "pull"),
        RuleLine((Condition("red"),), "push", like=Likeness(("The red door.", "A door, red."), "none/1")),
        RuleLine((Condition("red"),), "push"),
    )
    lesson = Lesson("skill_card", "", "", Provenance("user", "", "porter"), Scope(("porter",), ("doors",)), lines=lines)
    Gate(MemoryStore(Database(bare / DATABASE), SystemClock()), SystemClock()).teach(lesson)
    used = agent.run(task)
    why = CliRunner().invoke(app, ["runs", "show", used.id, "--why"]).stdout
    shown = CliRunner().invoke(app, ["runs", "show", used.id]).stdout

    assert (first.answer, used.answer) == ("pull", "push")
    assert "here: red -> the right answer is push" in why
    assert f"case: The red door. → push  [{first.id}]" in why
    assert "case: A door, red. → push  [run unknown]" in why
    for command, told in (("why", "case: The"), ("show", "case:     The")):
        assert (
            f"{told} red door. → push  [{first.id}]"
            in CliRunner().invoke(app, ["memories", command, used.recalled[0].memory.id]).stdout
        )
    assert re.search(r"step 1 chooses push by mem_\w+; the model alone: pull", why)
    assert re.search(r"step 1: answers: push\n  chooses push by mem_\w+; the model alone: pull", shown)


def test_long_cases_that_begin_alike_are_each_told_with_their_own_run(bare: Path) -> None:
    letters = [f"{'To whom it may concern. ' * 60}The {word} is broken." for word in ("lamp", "heater")]
    agent = pa.Agent("clerk", model=RuleModel(lambda _: "repair"), critic=None, workspace=bare)
    runs = [agent.run(pa.Task(each, checks=[pa.Check.equals("repair")], labels={"family": "letters"})) for each in letters]
    cases = tuple(Case(each, "repair") for each in letters)
    lesson = Lesson("episodic_case", "", "", Provenance("user", "", "clerk"), Scope(("clerk",), ("letters",)), cases=cases)
    memory = Gate(MemoryStore(Database(bare / DATABASE), SystemClock()), SystemClock()).teach(lesson)
    told = CliRunner().invoke(app, ["memories", "why", memory.id]).stdout
    shown = CliRunner().invoke(app, ["memories", "show", memory.id]).stdout

    assert all(f"case:     {letter} → repair  [{run.id}]" in shown for letter, run in zip(letters, runs, strict=True))
    assert re.findall(r"^case: .*  \[(\w+)\]$", told, re.MULTILINE) == [run.id for run in runs]


def test_values_that_a_run_looked_up_lead_to_the_runs_behind_them_also_of_other_workspaces() -> None:
    seen = ValuesConsulted((Ranked("go north", 0.5, 0.1, ("run_1", "run_2")), Ranked("wait", 0.0, 1.0)), 9)
    event = Event("evt_1", "run_3", 1, datetime(2026, 1, 1, tzinfo=UTC), "player", 2, seen)

    told = told_why(pa.Workspace("nowhere"), Trace((event,)))

    assert "step 2, the best of 9 options:" in told
    assert "go north: 0.50 ± 0.10, from run_1 (of another workspace), run_2 (of another workspace)" in told
    assert "wait: 0.00 ± 1.00, from options like it" in told


def test_a_choice_that_a_rule_made_against_the_model_is_told() -> None:
    event = Event(
        "evt_1", "run_3", 1, datetime(2026, 1, 1, tzinfo=UTC), "porter", 2, ModelOverruled("east", "west", ("mem_1",))
    )

    assert told_why(pa.Workspace("nowhere"), Trace((event,))) == "step 2 chooses east by mem_1; the model alone: west"


@pytest.mark.usefixtures("model")
def test_a_run_that_had_learned_nothing_says_so(bare: Path) -> None:
    CliRunner().invoke(app, ["run", TASK, "--no-settle"])
    shown = CliRunner().invoke(app, ["runs", "show", _last_run(bare), "--why"])

    assert "This run used nothing that was learned." in shown.stdout


@pytest.mark.usefixtures("model")
def test_a_run_that_is_not_there_is_not_found() -> None:
    result = CliRunner().invoke(app, ["runs", "show", "run_nope"])

    assert result.exit_code == 1
    assert "run_nope" in result.stderr


def test_ctrl_c_ends_a_run_in_peace_and_keeps_it(bare: Path) -> None:
    with serving(Reply(pieces=[" "], ending="waits")) as server:
        command = [sys.executable, "-m", "purpose_agent", "run", TASK, "--model", f"{server.url}#tiny-1b"]
        child = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert server.arrived.wait(PATIENCE)
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=PATIENCE)

    assert child.returncode == 130, stderr
    assert "Stopped." in stderr
    assert "Traceback" not in stderr
    assert "interrupted" in CliRunner().invoke(app, ["runs", "list", "-w", str(bare)]).stdout


def test_the_server_is_asked_for_the_model_that_was_named(model: ChatServer) -> None:
    CliRunner().invoke(app, ["run", TASK, "--model", f"{model.url}#other", "--no-settle"])

    assert {asked.body["model"] for asked in model.asked if asked.body} == {"other"}
