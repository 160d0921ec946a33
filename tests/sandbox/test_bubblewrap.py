"""What code gets in a world that `bwrap` made, where it is installed."""

import json
import os
import shutil
from pathlib import Path

import anyio
import pytest

from purpose_agent.core.errors import SandboxUnavailable, UsageError
from purpose_agent.core.ports import CodeLimits
from purpose_agent.sandbox import tree
from purpose_agent.sandbox.bubblewrap import Bubblewrap

pytestmark = pytest.mark.anyio
LIMITS = CodeLimits(seconds=10, scratch_mb=4)


@pytest.fixture
async def runner() -> Bubblewrap:
    try:
        found = Bubblewrap(limits=LIMITS)
        await found.run("pass")
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    return found


async def test_code_runs_and_says_where(runner: Bubblewrap) -> None:
    outcome = await runner.run("import sys\nprint('ü')\nprint('aside', file=sys.stderr)\nresult({'a': [1, None]})")

    assert (outcome.status, outcome.stdout, outcome.stderr, outcome.value) == ("ok", "ü\n", "aside\n", '{"a": [1, null]}')
    assert outcome.level == "bubblewrap"
    assert {"network-namespace", "pid-namespace", "filesystem", "scratch-size", "address-space"} <= set(outcome.enforced)


async def test_files_go_in_and_those_asked_for_come_back(runner: Bubblewrap) -> None:
    code = "import os\nos.mkdir('out')\nopen('out/a', 'w').write(open('data/b').read() * 2)"

    outcome = await runner.run(code, files={"data/b": b"12"}, results=["out/*"])

    assert (outcome.status, outcome.files) == ("ok", {"out/a": b"1212"})


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("while True: pass", "timeout", "longer than 0.5 s"),
        ("x = bytearray(10**10)", "memory", "MemoryError"),
        ("while True: print('x' * 1000)", "output", "far more than it may"),
        ("import os\nwhile True: os.fork()", "killed", "processes and threads"),
        ("for n in range(9): open(f'{n}', 'wb').write(bytes(10**6))", "error", "No space left"),
        ("open('/outside', 'w')", "error", "Read-only file system"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 80))", "error", "refused"),
        ("import pytest", "error", "No module named"),
    ],
)
async def test_every_end_has_its_status(runner: Bubblewrap, code: str, status: str, word: str) -> None:
    limits = CodeLimits(seconds=0.5) if status == "timeout" else LIMITS

    outcome = await runner.run(code, limits=limits)

    assert (outcome.status, word in outcome.stderr) == (status, True), outcome.stderr


async def test_files_and_processes_of_ours_are_not_there(runner: Bubblewrap, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    code = f"""
import os
result([os.path.exists({str(tmp_path / "secret")!r}), os.path.exists({str(Path.home() / ".bashrc")!r}),
        any(b'pytest' in open(f'/proc/{{n}}/cmdline', 'rb').read() for n in os.listdir('/proc') if n.isdigit())])
"""
    assert json.loads((await runner.run(code)).value or "") == [False, False, False]


async def test_only_the_scratch_folder_can_be_written(runner: Bubblewrap) -> None:
    code = """
import os
mounts = [line.split()[4] for line in open('/proc/self/mountinfo')]
result([place for place in mounts if os.path.isdir(place) and not place.startswith('/proc') and os.access(place, os.W_OK)])
"""
    assert json.loads((await runner.run(code)).value or "") == ["/scratch"]


async def test_there_is_no_second_process(runner: Bubblewrap) -> None:
    with pytest.raises(UsageError, match="second"):
        await runner.run("pass", second="pass")


async def test_without_bwrap_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(name: str) -> None:
        return None

    monkeypatch.setattr(shutil, "which", find_nothing)

    with pytest.raises(SandboxUnavailable, match="no bwrap"):
        Bubblewrap()


async def test_when_bwrap_fails_its_reason_is_told(runner: Bubblewrap, tmp_path: Path) -> None:
    failing = anyio.Path(tmp_path / "bwrap")
    await failing.write_text("#!/bin/sh\necho 'no permission' >&2\nexit 1\n")
    await failing.chmod(0o755)
    runner.bwrap = str(failing)

    with pytest.raises(SandboxUnavailable, match="not run: no permission"):
        await runner.run("pass")


@pytest.mark.skipif(not tree.COUNTS, reason="only Linux tells who is whose child")
@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.5])
async def test_cancelling_ends_all_of_it(runner: Bubblewrap, seconds: float) -> None:
    before = {pid for pid, _ in tree.descendants(os.getpid())}

    with anyio.move_on_after(seconds) as scope:
        await runner.run("while True: pass")

    assert scope.cancelled_caught
    assert {pid for pid, _ in tree.descendants(os.getpid())} - before == set()
