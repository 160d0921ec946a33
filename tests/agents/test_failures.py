"""What goes wrong around a run ends it in a status with a name, and loses nothing that was done.

Not here: kill -9 at any instant, and the process groups of tools that have a process of their own.
"""

import asyncio
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import purpose_agent as pa
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.core.errors import RunTaken, WorkspaceError
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, TextDelta
from purpose_agent.core.task import Limits
from purpose_agent.models.openai_compatible import OpenAICompatibleModel
from purpose_agent.multi_agent import AgentSpec, AgentTeam
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import CheckpointSaved, Event, ModelCalled, RunFinished, RunResumed, ToolReturned, ToolStarted
from purpose_agent.runtime.owner import this_process
from purpose_agent.runtime.record import PENDING, RunRecord
from purpose_agent.runtime.trace import Trace
from purpose_agent.testing.clock import START
from purpose_agent.testing.models import RuleModel, ScriptedModel
from tests.models.wire import Reply, serving

ROOT = Path(__file__).parents[2]
SHORT = 0.05
"""Seconds of a limit that is to be reached; how long it takes in truth is not looked at."""


def call(name: str, id: str, **arguments: Any) -> ModelResponse:
    return ModelResponse(Message("assistant", (ToolCall(id, name, arguments),)))


def noting(file: Path) -> Callable[..., str]:
    def note(word: str) -> str:
        """Write a word down."""
        with file.open("a") as opened:
            opened.write(f"{word}\n")
        return f"noted {word}"

    return note


def whole(trace: Trace) -> Trace:
    """The trace, if its numbers have no gap."""
    assert [event.seq for event in trace.events] == list(range(1, len(trace.events) + 1))
    return trace


def contents(trace: Trace) -> list[str]:
    return [each.observation.content for each in trace.of(ToolReturned)]


# In processes of their own: signals, disks


CHILD = """
import asyncio, resource, subprocess, sys
from pathlib import Path

import purpose_agent as pa
from purpose_agent.core.errors import WorkspaceError
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import ModelResponse
from purpose_agent.testing.models import RuleModel, ScriptedModel

folder = Path(sys.argv[1])

def call(name, id, **arguments):
    return ModelResponse(Message("assistant", (ToolCall(id, name, arguments),)))

@pa.tool
def note(word: str) -> str:
    "Write a word down."
    with (folder / "notes").open("a") as file:
        file.write(word + "\\n")
    return "noted " + word

@pa.tool(idempotent=True)
async def wait() -> str:
    "Never comes back."
    print("waiting", flush=True)
    await asyncio.Event().wait()

@pa.tool(name="wait", idempotent=True)
def block() -> str:
    "Never comes back, and can't be cancelled."
    import threading
    print("waiting", flush=True)
    threading.Event().wait()

def agent(*answers, tools=()):
    return pa.Agent("porter", model=ScriptedModel(*answers), critic=None, workspace=folder / "workspace", tools=list(tools))
"""
WAITS = "agent(call('note', 'c1', word='one'), call('wait', 'c2'), tools=[note, {tool}]).run('Note a word, then wait')"
WAITS_ASYNC = WAITS.replace(").run(", ").run_async(")


def _child(script: str, folder: Path, *before: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*before, sys.executable, "-c", CHILD + textwrap.dedent(script), str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _signalled(script: str, folder: Path, number: signal.Signals) -> int:
    """How the process ended that got the signal while its run waited for a tool."""
    process = _child(script, folder)
    assert process.stdout is not None
    heard = process.stdout.readline()
    if heard != "waiting\n":
        pytest.fail(f"{heard}{process.communicate(timeout=30)[1]}")
    process.send_signal(number)
    process.communicate(timeout=30)
    return process.returncode


def _goes_on(folder: Path) -> pa.TaskResult:
    """The one run there is, resumed by an agent whose tool comes back."""

    @pa.tool(idempotent=True)
    def wait() -> str:
        """Come back."""
        return "waited"

    workspace = pa.Workspace(folder / "workspace")
    (run,) = workspace.runs()
    porter = pa.Agent(
        "porter",
        model=ScriptedModel("done"),
        critic=None,
        workspace=workspace,
        tools=[noting(folder / "notes"), wait],
    )
    return porter.resume(run.id)


@pytest.mark.parametrize(
    ("script", "number", "ends_as"),
    [
        (WAITS.format(tool="wait"), signal.SIGINT, "interrupted"),
        (WAITS.format(tool="block"), signal.SIGINT, "interrupted"),
        (f"asyncio.run({WAITS_ASYNC.format(tool='wait')})", signal.SIGINT, "cancelled"),
        (WAITS.format(tool="wait"), signal.SIGTERM, "interrupted"),
        (f"asyncio.run({WAITS_ASYNC.format(tool='wait')})", signal.SIGTERM, "interrupted"),
    ],
    ids=["ctrl-c", "ctrl-c in a thread", "ctrl-c in asyncio", "sigterm", "sigterm in asyncio"],
)
def test_a_run_whose_process_is_told_to_stop_keeps_what_was_done_and_goes_on_later(
    script: str, number: signal.Signals, ends_as: str, tmp_path: Path
) -> None:
    code = _signalled(script, tmp_path, number)

    workspace = pa.Workspace(tmp_path / "workspace")
    (run,) = workspace.runs()
    trace = whole(workspace.trace(run.id))
    assert code != 0
    assert (run.status, run.steps) == (ends_as, 2)
    assert contents(trace)[:1] == ["noted one"]
    assert [begun.call_id for begun in trace.of(ToolStarted)] == [trace.of(ToolReturned)[0].observation.call_id, "c2"]

    result = _goes_on(tmp_path)
    assert (result.status, result.answer) == ("finished", "done")
    assert contents(whole(result.trace)) == ["noted one", "waited"]
    assert (tmp_path / "notes").read_text() == "one\n"
    assert workspace.run(run.id).status == "finished"


FULL = """
ballast = folder / "ballast"

def fill_by_limit():
    size = max(path.stat().st_size for path in (folder / "workspace").rglob("*") if path.is_file())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def free_by_limit():
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

def fill_by_disk():
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 512):
                pass
        except OSError:
            pass

def free_by_disk():
    ballast.unlink()

@pa.tool
def fill() -> str:
    "Fill the disk."
    fill_by_{way}()
    return "f" * 6000

porter = agent(
    call("note", "c1", word="one"), call("fill", "c2"), call("note", "c3", word="two"), "done", tools=[note, fill]
)
try:
    porter.run("Note a word, fill the disk, note a word")
except WorkspaceError as error:
    print("raised:", error)
(run,) = porter.workspace.runs()
print("status:", run.status)
print("kept:", [each.observation.content[:9] for each in porter.workspace.trace(run.id).of(pa_events.ToolReturned)])
print("notes:", (folder / "notes").read_text().split())
free_by_{way}()

@pa.tool(idempotent=True, name="fill")
def filled() -> str:
    "Nothing any more."
    return "freed"

later = pa.Agent("porter", model=ScriptedModel(call("note", "c3", word="two"), "done"), critic=None, workspace=porter.workspace,
    tools=[note, filled], approve=lambda request: True)
result = later.resume(run.id)
print("resumed:", result.status, result.answer, [each.observation.content[:9] for each in result.trace.of(pa_events.ToolReturned)])
print("notes:", (folder / "notes").read_text().split())
print("order:", [event.seq for event in result.trace.events] == list(range(1, len(result.trace.events) + 1)))
"""
ON_A_SMALL_DISK = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")


def _can_mount(tmp_path: Path) -> bool:
    """This machine lets us have a small disk of our own."""
    try:
        done = subprocess.run(
            [*ON_A_SMALL_DISK, f"mount -t tmpfs -o size=1m none {tmp_path}"], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0


def _said(process: "subprocess.Popen[str]") -> dict[str, list[str]]:
    """What it said, by the word before the colon."""
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    said: dict[str, list[str]] = {}
    for line in output.splitlines():
        word, _, rest = line.partition(": ")
        said.setdefault(word, []).append(rest)
    return said


@pytest.mark.parametrize("way", ["limit", "disk"])
def test_a_full_disk_ends_the_run_as_interrupted_and_once_there_is_room_it_goes_on(way: str, tmp_path: Path) -> None:
    script = "import purpose_agent.runtime.events as pa_events\n" + FULL.replace("{way}", way)
    if way == "limit":
        said = _said(_child(script, tmp_path))
    else:
        if not _can_mount(tmp_path):
            pytest.skip("a small disk needs a user namespace, which this machine doesn't give")
        on_disk = f'mount -t tmpfs -o size=700k none {tmp_path} && exec "$@"'
        said = _said(_child(script, tmp_path, *ON_A_SMALL_DISK, on_disk, "sh"))

    assert len(said["raised"]) == 1
    assert DATABASE in said["raised"][0]
    assert said["status"] == ["interrupted"]
    assert said["kept"] == ["['noted one']"]
    assert said["resumed"][0].startswith("finished done ['noted one', ")
    assert said["resumed"][0].endswith("'noted two']")
    assert said["notes"] == ["['one']", "['one', 'two']"]
    assert said["order"] == ["True"]


READ_ONLY = """
try:
    agent("done").run("Say done")
except WorkspaceError as error:
    print("raised:", error)
"""


def test_on_a_disk_that_cannot_be_written_no_run_begins_and_the_error_says_why(tmp_path: Path) -> None:
    if not _can_mount(tmp_path):
        pytest.skip("a disk of its own needs a user namespace, which this machine doesn't give")
    for made in ("", f"mkdir {tmp_path}/workspace &&"):
        on_disk = f'mount -t tmpfs none {tmp_path} && {made} mount -o remount,ro {tmp_path} && exec "$@"'
        said = _said(_child(READ_ONLY, tmp_path, *ON_A_SMALL_DISK, on_disk, "sh"))

        assert "choose another workspace" in said["raised"][0]
        assert str(tmp_path / "workspace") in said["raised"][0]


def test_a_workspace_where_nothing_can_be_made_is_refused(tmp_path: Path) -> None:
    agent = pa.Agent("porter", model=ScriptedModel("done"), critic=None, workspace="/proc/purpose-agent")

    with pytest.raises(WorkspaceError, match="can't be made"):
        agent.run("Say done")


# Clocks


class JumpingClock:
    """Its calendar is set a day forward and a day back again and again; its seconds pass as they should."""

    def __init__(self) -> None:
        self.asked = 0
        self.seconds = 0.0

    def now(self) -> datetime:
        self.asked += 1
        return START + timedelta(days=(0, 1, -1)[self.asked % 3], seconds=self.seconds)

    def monotonic(self) -> float:
        self.seconds += 0.125
        return self.seconds


def test_a_clock_that_is_set_forward_and_back_changes_neither_order_nor_seconds(tmp_path: Path) -> None:
    workspace = pa.Workspace(tmp_path / "workspace", clock=JumpingClock())
    model = ScriptedModel(call("note", "c1", word="one"), call("note", "c2", word="two"), "done")
    porter = pa.Agent(
        "porter",
        model=model,
        critic=None,
        workspace=workspace,
        tools=[noting(tmp_path / "notes")],
        limits=Limits(seconds=600),
    )

    result = porter.run("Note two words")

    row, trace = workspace.run(result.id), whole(workspace.trace(result.id))
    assert (result.status, row.status) == ("finished", "finished")
    assert len({event.at.date() for event in trace.events}) == 3
    assert 0 < result.seconds < 60
    assert row.seconds is not None
    assert 0 < row.seconds < 60
    assert [saved.seconds for saved in trace.of(CheckpointSaved)] == sorted(
        saved.seconds for saved in trace.of(CheckpointSaved)
    )
    assert all(called.seconds >= 0 for called in trace.of(ModelCalled))
    assert contents(trace) == ["noted one", "noted two"]


def test_a_run_of_an_older_record_has_no_negative_seconds() -> None:
    text = (ROOT / "tests" / "runtime" / "old" / "version_1.jsonl").read_bytes()
    trace = Trace.from_jsonl(text)
    early = tuple(_at(event, START) if event.payload.kind == "run_finished" else event for event in trace.events)

    assert pa.TaskResult(Trace(early)).seconds == 0.0


def _at(event: Event, at: datetime) -> Event:
    return replace(event, at=at.replace(year=2020))


# Models and tools that hang


class HangingModel:
    """Answers once, then never again."""

    name = "hanging"
    capabilities = Capabilities(local=True)

    def __init__(self, first: ModelResponse) -> None:
        self._first = ScriptedModel(first)

    async def generate(self, request: ModelRequest) -> ModelResponse:
        if not self._first.requests:
            return await self._first.generate(request)
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        yield await self.generate(request)


def test_a_model_that_hangs_ends_the_run_at_its_limit_with_what_was_done(tmp_path: Path) -> None:
    porter = pa.Agent(
        "porter",
        model=HangingModel(call("note", "c1", word="one")),
        critic=None,
        workspace=tmp_path / "workspace",
        tools=[noting(tmp_path / "notes")],
        limits=Limits(seconds=SHORT),
    )

    result = porter.run("Note a word")

    assert result.status == "exhausted"
    assert f"{SHORT:g} seconds" in result.reason
    assert porter.workspace.run(result.id).status == "exhausted"
    assert set(contents(whole(porter.workspace.trace(result.id)))) <= {"noted one"}


def test_a_server_that_hangs_in_the_middle_of_an_answer_is_hung_up_on_at_the_limit(tmp_path: Path) -> None:
    with serving(Reply(pieces=['{"id": "chatcmpl'], ending="waits")) as server:
        model = OpenAICompatibleModel("test:tiny", model="tiny", base_url=server.url)
        porter = pa.Agent(
            "porter", model=model, critic=None, workspace=tmp_path / "workspace", limits=Limits(seconds=SHORT * 10)
        )

        result = porter.run("Say done")

        assert result.status == "exhausted"
        assert server.left.wait(20), "the connection is still open"


def test_a_tool_that_hangs_is_told_to_the_model_and_the_run_goes_on(tmp_path: Path) -> None:
    forever = threading.Event()

    @pa.tool(seconds=SHORT)
    def block() -> str:
        """Never come back."""
        forever.wait(60)
        return "too late"

    @pa.tool(seconds=SHORT)
    async def wait() -> str:
        """Never come back."""
        await asyncio.Event().wait()
        return "too late"

    model = ScriptedModel(call("block", "c1"), call("wait", "c2"), "done")
    porter = pa.Agent("porter", model=model, critic=None, workspace=tmp_path / "workspace", tools=[block, wait])
    try:
        result = porter.run("Wait")
    finally:
        forever.set()

    assert (result.status, result.answer) == ("finished", "done")
    assert contents(whole(porter.workspace.trace(result.id))) == [
        "block timed out after 0.05 s.",
        "wait timed out after 0.05 s.",
    ]


def test_a_tool_that_hangs_longer_than_the_run_may_ends_it_at_its_limit(tmp_path: Path) -> None:
    @pa.tool
    async def wait() -> str:
        """Never come back."""
        await asyncio.Event().wait()
        return "too late"

    porter = pa.Agent(
        "porter",
        model=ScriptedModel(call("wait", "c1")),
        critic=None,
        workspace=tmp_path / "workspace",
        tools=[wait],
        limits=Limits(seconds=SHORT * 4),
    )

    result = porter.run("Wait")

    trace = whole(porter.workspace.trace(result.id))
    assert (result.status, porter.workspace.run(result.id).status) == ("exhausted", "exhausted")
    assert ([begun.tool for begun in trace.of(ToolStarted)], contents(trace)) == (["wait"], [])


# Listeners, other processes


def test_a_listener_that_raises_costs_the_run_nothing_and_is_heard_of_at_the_end(tmp_path: Path) -> None:
    porter = pa.Agent("porter", model=ScriptedModel("done"), critic=None, workspace=tmp_path / "workspace")

    def fail(event: Event) -> None:
        raise LookupError("no such colour")

    with pytest.raises(ExceptionGroup) as raised:
        porter.run("Say done", watch=fail)

    (run,) = porter.workspace.runs()
    assert (run.status, run.answer) == ("finished", "done")
    assert whole(porter.workspace.trace(run.id)).finished is not None
    assert [str(error) for error in raised.value.exceptions] == ["no such colour"]


def test_a_run_that_another_process_has_gone_on_with_leaves_that_ones_record_alone(tmp_path: Path) -> None:
    other = RunRecord(Database(tmp_path / "workspace" / DATABASE))
    seen: list[Event] = []

    @pa.tool
    def overtake() -> str:
        """Go on with the run as another process would."""
        last = seen[-1]
        resumed = replace(last, id="evt_other", seq=last.seq + 1, payload=RunResumed(this_process(), 0, "died"))
        other.append([resumed])
        return "overtaken"

    porter = pa.Agent(
        "porter",
        model=ScriptedModel(call("overtake", "c1"), "done"),
        critic=None,
        workspace=tmp_path / "workspace",
        tools=[overtake],
    )

    with pytest.raises(RunTaken):
        porter.run("Go on", watch=seen.append)

    (run,) = porter.workspace.runs()
    trace = whole(porter.workspace.trace(run.id))
    assert trace.events[-1].id == "evt_other"
    assert (run.status, trace.of(RunFinished)) == ("running", ())


# Reflection


def judged_wrong(goal: str) -> pa.Task:
    return pa.Task(goal, checks=[pa.Check.contains("never said")])


def judged_state(state: object) -> pa.Task:
    return judged_wrong("One")


def run_of(kind: str, model: RuleModel, place: pa.Workspace) -> list[str]:
    """What was answered by work of that kind."""
    agent = pa.Agent("a", model=model, critic=None, workspace=place)
    match kind:
        case "agent":
            return [str(agent.run(judged_wrong("One")))]
        case "swarm":
            return list(map(str, pa.swarm([judged_wrong("One"), judged_wrong("Two")], agents=[agent], at_once=1)))
        case "flow":
            flow = pa.Flow("f", workspace=place)
            flow.add_node("a", agent, task=judged_state)
            flow.add_edge(pa.BEGIN, "a")
            flow.add_edge("a", pa.DONE_SIGNAL)
            flow.run({})
            return [str(run.answer) for run in place.runs() if run.agent == "a"]
        case "team":
            team = pa.Team.build("Answer", ["a"], model=model, workspace=place)
            return [str(team.run(judged_wrong("One")))]
        case _:
            specialists = AgentTeam([AgentSpec("a")], default_model=model, critic_model="none", persistence_dir=place)
            return list(
                map(
                    str, specialists.run_pipeline([{"purpose": judged_wrong("One")}, {"purpose": "Two"}], on_failure="continue")
                )
            )


@pytest.mark.parametrize("kind", ["agent", "swarm", "flow", "team", "pipeline"])
def test_a_bug_while_reflecting_loses_no_work_and_is_told_and_settle_tries_again(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    is_broken = [True]

    def rule(request: ModelRequest) -> str:
        if request.purpose != "reflect":
            return "said"
        if is_broken:
            raise RuntimeError("a bug in reflection")
        return "{}"

    place = pa.Workspace(tmp_path)
    answers = run_of(kind, RuleModel(rule), place)
    waiting = [run for run in place.runs() if run.reflected == PENDING and run.success is False]

    assert set(answers) == {"said"}
    assert waiting
    assert "failed, and is tried again by settle(): RuntimeError: a bug in reflection" in caplog.text
    assert set(place.settle().waiting) >= {run.id for run in waiting}
    is_broken.clear()
    assert set(place.settle().reflected) >= {run.id for run in waiting}
