"""What code gets at the level "monty": a part of Python, limits, and nothing to reach."""

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.core.ports import CodeLimits
from purpose_agent.sandbox import tree
from purpose_agent.sandbox.monty import MontyRunner

pytestmark = pytest.mark.anyio
LIMITS = CodeLimits(seconds=5, memory_mb=64)
SHORT = CodeLimits(seconds=0.3, memory_mb=64)
linux = pytest.mark.skipif(not tree.COUNTS, reason="only Linux tells who is whose child")


@pytest.fixture
def runner() -> MontyRunner:
    try:
        return MontyRunner(LIMITS)
    except MissingExtra as error:
        pytest.skip(str(error))


@pytest.fixture
def watched() -> Iterator[set[int]]:
    """Nothing that the test started is left at its end."""
    before = below()
    yield before
    assert below() - before == set()


def below() -> set[int]:
    return {pid for pid, _ in tree.descendants(os.getpid())}


async def both_processes(before: set[int]) -> None:
    """Until the process of the client and the worker are there."""
    with anyio.fail_after(10):
        # ASYNC110: only the kernel knows of them, and it sends no event.
        while len(below() - before) < 2:  # noqa: ASYNC110
            await anyio.sleep(0.01)


async def test_code_runs_and_says_where(runner: MontyRunner, watched: set[int]) -> None:
    outcome = await runner.run("import sys\nprint('ü')\nprint('aside', file=sys.stderr)\nresult({'a': [1, None]})")

    assert (outcome.status, outcome.stdout, outcome.stderr, outcome.value) == ("ok", "ü\n", "aside\n", '{"a": [1, null]}')
    assert outcome.level == "monty"
    assert {"interpreter", "interpreter-memory", "wall-time", "output", "clean-environment"} <= set(outcome.enforced)


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("while True: pass", "timeout", "longer than 0.3 s"),
        ("import time\ntime.sleep(9)", "timeout", "longer than 0.3 s"),
        ("x = [0] * 10**9", "memory", "MemoryError"),
        ("x = []\nwhile True: x.append('a' * 1000)", "memory", "MemoryError"),
        ("while True: print('x' * 1000)", "output", "far more than it may"),
        ("result('a' * 5_000_000)", "output", "far more than it may"),
        ("raise ValueError('so')", "error", "ValueError: so"),
        ("raise TimeoutError('so')", "error", "TimeoutError: so"),
        ("x =", "error", "SyntaxError"),
        ("def f(): return f()\nf()", "error", "RecursionError"),
        ("def f():\n    yield 1", "error", "yield"),
        ("import socket", "error", "No module named 'socket'"),
        ("result({1})", "error", "result() takes JSON values"),
        ("result(float('nan'))", "error", "result() takes JSON values"),
    ],
)
async def test_every_end_has_its_status(runner: MontyRunner, watched: set[int], code: str, status: str, word: str) -> None:
    limits = SHORT if status == "timeout" else LIMITS

    outcome = await runner.run(code, limits=limits)

    assert (outcome.status, word in outcome.stderr) == (status, True), outcome.stderr


async def test_what_was_printed_before_the_end_is_kept(runner: MontyRunner) -> None:
    outcome = await runner.run("print('first')\nresult(1)\nwhile True: pass", limits=SHORT)

    assert (outcome.status, outcome.stdout, outcome.value) == ("timeout", "first\n", "1")


async def test_long_output_is_cut_and_counted(runner: MontyRunner) -> None:
    outcome = await runner.run("print('x' * 3000)", limits=CodeLimits(output_chars=1000))

    assert (outcome.status, outcome.truncated) == ("ok", 2001)
    assert "2001 characters left out" in outcome.stdout


@pytest.mark.parametrize(
    "code",
    [
        "result(open({path!r}).read())",
        "import pathlib\nresult(pathlib.Path({path!r}).read_text())",
        "open({path!r}, 'w').write('mine')",
        "import os\nresult(os.environ['SECRET'])",
        "import os\nresult(os.listdir('/'))",
    ],
)
async def test_there_is_nothing_to_reach(
    runner: MontyRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setenv("SECRET", "hush")
    secret = tmp_path / "secret"
    secret.write_text("hush")

    outcome = await runner.run(code.replace("{path!r}", repr(str(secret))))

    assert (outcome.status, outcome.value, secret.read_text()) == ("error", None, "hush")


async def test_nothing_is_left_for_the_next_one(runner: MontyRunner) -> None:
    await runner.run("left = 1")

    assert "NameError" in (await runner.run("result(left)")).stderr


async def test_what_it_has_not_is_refused(runner: MontyRunner) -> None:
    with pytest.raises(UsageError, match=r"^files: "):
        await runner.run("pass", files={"a": b""})
    with pytest.raises(UsageError, match=r"^results: "):
        await runner.run("pass", results=["*"])
    with pytest.raises(UsageError, match=r"^second: "):
        await runner.run("pass", second="pass")


async def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(name: str, package: str | None = None) -> None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", find_nothing)

    with pytest.raises(MissingExtra, match=r"purpose-agent\[monty\]"):
        MontyRunner()


@linux
async def test_cancelling_ends_all_of_it(runner: MontyRunner, watched: set[int]) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(runner.run, "while True: pass")
        await both_processes(watched)
        tasks.cancel_scope.cancel()


@linux
async def test_an_end_from_outside_is_told(runner: MontyRunner, watched: set[int]) -> None:
    ended: list[str] = []

    async def run() -> None:
        ended.append((await runner.run("while True: pass")).status)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await both_processes(watched)
        os.kill(min(below() - watched), signal.SIGKILL)  # the process of the client; the worker is left alone

    assert ended == ["killed"]


async def test_several_at_once_do_not_meet(runner: MontyRunner, watched: set[int]) -> None:
    values: dict[int, str | None] = {}

    async def one(number: int) -> None:
        values[number] = (await runner.run(f"x = {number}\nresult(x * x)")).value

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(one, number)

    assert values == {number: str(number * number) for number in range(4)}
