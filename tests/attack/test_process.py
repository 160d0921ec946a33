"""Code that won't stop, won't die, or wants too much.

A pipe in the file system tells without waiting for luck whether something still lives: every process of the run holds its
writing end, so the reader sees the end of the file when the last of them is gone.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from purpose_agent.core.ports import CodeLimits
from purpose_agent.sandbox.sandbox import Sandbox

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="what is tested is Linux's")]

FORK_TWICE = """
import os, signal
for sign in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(sign, signal.SIG_IGN)
alive = os.open({pipe!r}, os.O_WRONLY)
told, tell = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        os.write(tell, b"x")
        while True: signal.pause()
    os._exit(0)
os.read(told, 1)
os.write(alive, b"begun")
"""
"""Leaves a daemon behind that has left the session, has no living parent, and ignores polite signals."""
FOR_EVER = "\nwhile True: signal.pause()"


@pytest.fixture
def pipe(tmp_path: Path) -> str:
    path = tmp_path / "alive"
    os.mkfifo(path)
    return str(path)


class Witness:
    """Reads the pipe in a thread."""

    def __init__(self, pipe: str) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.pipe = pipe
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with open(self.pipe, "rb", buffering=0) as file:
            if file.read(5):
                self.begun.set()
            while file.read(100):
                pass
        self.ended.set()


@pytest.fixture
def witness(pipe: str) -> Witness:
    return Witness(pipe)


@pytest.fixture(autouse=True)
def no_folder_is_left(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever happens in these tests, the runs' folders are gone afterwards."""
    place = tmp_path_factory.mktemp("runs")
    monkeypatch.setattr("tempfile.tempdir", str(place))
    yield
    assert list(place.iterdir()) == []


async def ended(witness: Witness) -> bool:
    return await anyio.to_thread.run_sync(witness.ended.wait, 10)


async def test_a_daemon_does_not_outlive_code_that_ends(pipe: str, witness: Witness) -> None:
    outcome = await Sandbox("process-only").run(FORK_TWICE.format(pipe=pipe))

    assert outcome.status == "ok"
    assert await ended(witness)


async def test_a_daemon_does_not_outlive_the_time_limit(pipe: str, witness: Witness) -> None:
    outcome = await Sandbox("process-only").run(FORK_TWICE.format(pipe=pipe) + FOR_EVER, limits=CodeLimits(seconds=0.5))

    assert outcome.status == "timeout"
    assert witness.begun.is_set()
    assert await ended(witness)


async def test_cancellation_ends_the_whole_tree(pipe: str, witness: Witness) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(Sandbox("process-only").run, FORK_TWICE.format(pipe=pipe) + FOR_EVER)
        await anyio.to_thread.run_sync(witness.begun.wait, 10)
        group.cancel_scope.cancel()

    assert witness.begun.is_set()
    assert await ended(witness)


async def test_the_tree_ends_when_our_own_process_is_killed(
    pipe: str, witness: Witness, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = (
        "import sys, tempfile, anyio\nfrom purpose_agent.sandbox.sandbox import Sandbox\n"
        "tempfile.tempdir = sys.argv[2]\nanyio.run(Sandbox('process-only').run, sys.argv[1])"
    )
    place = tmp_path_factory.mktemp("elsewhere")
    ours = subprocess.Popen([sys.executable, "-c", script, FORK_TWICE.format(pipe=pipe) + FOR_EVER, str(place)])  # noqa: ASYNC220
    await anyio.to_thread.run_sync(witness.begun.wait, 10)

    ours.kill()
    ours.wait()

    assert witness.begun.is_set()
    assert await ended(witness)
    with anyio.fail_after(10):  # the folder goes after the processes
        while any(place.iterdir()):  # noqa: ASYNC110
            await anyio.sleep(0.005)


async def test_code_that_kills_its_supervisor_is_ended_all_the_same(pipe: str, witness: Witness) -> None:
    code = FORK_TWICE.format(pipe=pipe) + "os.kill(os.getppid(), 9)" + FOR_EVER

    outcome = await Sandbox("process-only").run(code)

    assert outcome.status == "killed"
    assert outcome.enforced == ()
    assert await ended(witness)


async def test_more_processes_than_allowed_end_the_run(pipe: str, witness: Witness) -> None:
    code = f"""
import os, signal
alive = os.open({pipe!r}, os.O_WRONLY)
for _ in range(30):
    if os.fork() == 0:
        os.setsid()
        while True: signal.pause()
while True: signal.pause()
"""
    outcome = await Sandbox("process-only").run(code, limits=CodeLimits(processes=8))

    assert outcome.status == "killed"
    assert "more than 8 processes and threads" in outcome.stderr
    assert await ended(witness)


async def test_processes_that_have_ended_do_not_count() -> None:
    code = """
import os
for _ in range(20):
    if os.fork() == 0:
        if os.fork() == 0: os._exit(0)
        os._exit(0)
    os.wait()
import time; time.sleep(0.1)
"""
    assert (await Sandbox("process-only").run(code, limits=CodeLimits(processes=8))).status == "ok"


async def test_more_threads_than_allowed_end_the_run() -> None:
    code = "import threading\nwait = threading.Event().wait\nfor _ in range(12): threading.Thread(target=wait).start()"

    assert (await Sandbox("process-only").run(code, limits=CodeLimits(processes=8))).status == "killed"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        pytest.param("while True: pass", "timeout", id="endless loop"),
        pytest.param("import time; time.sleep(60)", "timeout", id="sleep"),
        pytest.param(
            "import threading; threading.Thread(target=threading.Event().wait).start()", "timeout", id="a thread that stays"
        ),
        pytest.param("import atexit, time; atexit.register(time.sleep, 60)", "timeout", id="dawdling at exit"),
        pytest.param(
            "import os, time; os.closerange(0, 20); time.sleep(60)",
            "timeout",
            id="silent",
        ),
        pytest.param("x = ' ' * 10**9", "memory", id="too much memory at once"),
        pytest.param("x = []\nwhile True: x.append(' ' * 10**6)", "memory", id="too much memory bit by bit"),
        pytest.param("while True: print('x' * 10_000)", "output", id="flood"),
        pytest.param("import os\nwhile True: os.write(2, b'x' * 10_000)", "output", id="flood on stderr"),
        pytest.param("result('x' * 5_000_000)", "output", id="a huge value"),
        pytest.param("while True: result('x' * 10_000)", "output", id="flood of values"),
        pytest.param("open('big', 'wb').write(bytes(3_000_000))", "error", id="a large file"),
        pytest.param("open('big', 'wb').truncate(3_000_000)", "error", id="a large file with nothing in it"),
        pytest.param("files = [open('/dev/null') for _ in range(1000)]", "error", id="many open files"),
        pytest.param("def f(): f()\nf()", "error", id="recursion"),
        pytest.param("import os; os.abort()", "killed", id="abort"),
        pytest.param("import os; os.kill(os.getpid(), 9)", "killed", id="suicide"),
        pytest.param("import ctypes; ctypes.string_at(0)", "killed", id="segmentation fault"),
    ],
)
async def test_code_that_wants_too_much_is_told_by_its_status(code: str, status: str) -> None:
    limits = CodeLimits(seconds=0.3 if status == "timeout" else 20.0, memory_mb=256, file_mb=2)

    assert (await Sandbox("process-only").run(code, limits=limits)).status == status


async def test_our_environment_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_API_KEY", "hush")

    outcome = await Sandbox("process-only").run("import os; print(sorted(os.environ), os.environ['HOME'] == os.getcwd())")

    assert outcome.stdout == "['HOME', 'LANG', 'PATH', 'TMPDIR'] True\n"


async def test_our_open_files_are_not_inherited(tmp_path: Path) -> None:
    code = """
import os
for number in range(100):
    if os.path.exists(f'/proc/self/fd/{number}'): print(number, os.readlink(f'/proc/self/fd/{number}'))
"""
    secret = os.open(tmp_path / "secret", os.O_WRONLY | os.O_CREAT)
    os.set_inheritable(secret, True)

    outcome = await Sandbox("process-only").run(code)

    os.close(secret)

    assert [line.split(":")[0] for line in outcome.stdout.splitlines()] == ["0 /dev/null", "1 pipe", "2 pipe", "3 pipe"]


async def test_stdin_is_empty() -> None:
    assert (await Sandbox("process-only").run("import sys; print(repr(sys.stdin.read()))")).stdout == "''\n"


async def test_our_packages_cannot_be_imported() -> None:
    code = """
for name in ("purpose_agent", "pydantic", "anyio"):
    try: __import__(name)
    except ModuleNotFoundError: print(name)
"""
    assert (await Sandbox("process-only").run(code)).stdout == "purpose_agent\npydantic\nanyio\n"


async def test_a_report_without_the_key_is_ignored() -> None:
    code = """
import os
os.write(3, b'0000 {"value": "1", "end": "ok"}\\nrubbish\\n\\xff\\n')
os._exit(0)
"""
    outcome = await Sandbox("process-only").run(code)

    assert (outcome.status, outcome.value) == ("error", None)


@pytest.mark.parametrize(
    "words", ['{"start": 5, "value": 5, "end": {}}', '{"start": [[]]}', "[1]", "[" * 100_000, "\\xff", "5"]
)
async def test_a_false_report_with_the_key_does_no_harm_on_our_side(words: str) -> None:
    stolen = """
import os, sys
frame = sys._getframe()
while "key" not in frame.f_locals: frame = frame.f_back
"""
    code = f"{stolen}os.write(3, frame.f_locals['key'].encode() + b' ' + {words!r}.encode() + b'\\n')\nos._exit(0)"

    outcome = await Sandbox("process-only").run(code)

    assert outcome.status == "error"
    assert "Traceback" not in outcome.stderr  # it did get hold of the key


async def test_a_process_it_starts_cannot_report() -> None:
    code = "import subprocess\nresult(subprocess.run(['/bin/sh', '-c', 'echo x >&3'], stderr=-3, close_fds=False).returncode)"

    assert (await Sandbox("process-only").run(code)).value not in (None, "0")


async def test_a_folder_tree_that_is_hard_to_remove_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """Deeper than recursion and paths go, with a folder nobody may enter, a link outwards, and a loop."""
    (tmp_path / "kept").write_text("kept")
    code = f"""
import os
os.symlink({str(tmp_path)!r}, 'outwards'); os.symlink('.', 'loop')
os.mkdir('closed'); open('closed/file', 'w').close(); os.chmod('closed', 0)
for _ in range(1500):
    os.mkdir('deep'); os.chdir('deep')
"""
    assert (await Sandbox("process-only").run(code)).status in ("ok", "killed")
    assert (tmp_path / "kept").read_text() == "kept"


async def test_a_stopped_process_is_ended(pipe: str, witness: Witness) -> None:
    code = FORK_TWICE.format(pipe=pipe) + f"os.kill(os.getpid(), {signal.SIGSTOP:d})"

    outcome = await Sandbox("process-only").run(code, limits=CodeLimits(seconds=0.5))

    assert outcome.status == "timeout"
    assert await ended(witness)


async def test_a_task_cancelled_in_asyncios_own_way_ends_the_tree_too(pipe: str, witness: Witness) -> None:
    task = asyncio.create_task(Sandbox("process-only").run(FORK_TWICE.format(pipe=pipe) + FOR_EVER))
    await anyio.to_thread.run_sync(witness.begun.wait, 10)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert witness.begun.is_set()
    assert await ended(witness)
