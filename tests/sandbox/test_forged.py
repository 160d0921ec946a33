"""Code that has found the key of its reports: what it says with it changes nothing but its own end."""

import json
import sys

import pytest

from purpose_agent.core.errors import UsageError
from purpose_agent.core.ports import CodeLimits
from purpose_agent.sandbox.levels import WALLS, Level
from purpose_agent.sandbox.sandbox import Sandbox
from tests.attack.escapes.exactly import Exactly

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")]
STOLEN = """
import json, os, sys
frame = sys._getframe()
while "key" not in frame.f_locals: frame = frame.f_back
key = frame.f_locals["key"]
def say(**words): os.write(3, f"{key} {json.dumps(words)}\\n".encode())
"""


@pytest.fixture(params=(*WALLS, "process-only"))
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    level: Level = request.param
    return Exactly(level)


async def test_it_cannot_say_that_it_was_never_run(sandbox: Sandbox) -> None:
    outcome = await sandbox.run(f"{STOLEN}say(refused='no sandbox here')\nprint('I did run')")

    assert (outcome.status, outcome.stdout) == ("ok", "I did run\n")


async def test_it_cannot_say_what_was_in_force(sandbox: Sandbox) -> None:
    honest = (await sandbox.run("pass")).enforced

    assert (await sandbox.run(f"{STOLEN}say(start=['moon base'])")).enforced == honest


async def test_a_value_is_text(sandbox: Sandbox) -> None:
    code = STOLEN + r"""os.write(3, (key + ' {"value": "\\ud800"}\n').encode())"""

    assert (await sandbox.run(code)).value is None


@pytest.mark.parametrize("number", [24, 35, 40, 64])
async def test_any_signal_to_itself_is_an_end_like_others(sandbox: Sandbox, number: int) -> None:
    assert (await sandbox.run(f"import os, time; os.kill(os.getpid(), {number}); time.sleep(5)")).status in (
        "killed",
        "timeout",
    )


@pytest.mark.parametrize(
    "code",
    [
        "import os\nfd = os.open('x', os.O_RDWR | os.O_CREAT)\n"
        "import ctypes; ctypes.CDLL(None).fallocate(fd, 1, ctypes.c_long(0), ctypes.c_long(3 << 30))",
        "import os\nfor n in range(5000): os.mkdir(f'd{n}')",
        "import os\nfor n in range(40): os.mkdir('d' * 200); os.chdir('d' * 200)",
        "import os\nfor n in range(60): open(f'f{n}', 'wb').write(bytes(2_000_000))",
    ],
    ids=["room without size", "folders", "deep", "files"],
)
async def test_the_folder_is_no_way_around_its_limits(sandbox: Sandbox, code: str) -> None:
    wait = "\nimport time\ntime.sleep(0.5)\nresult(sum(e.stat().st_blocks * 512 for e in os.scandir() if e.is_file()))"
    outcome = await sandbox.run(code + wait, limits=CodeLimits(scratch_mb=32, scratch_files=2000))

    assert outcome.status != "ok" or json.loads(outcome.value or "0") < 32 * 2**20


async def test_mistakes_of_the_caller_are_told_as_such() -> None:
    sandbox = Sandbox()
    wrong: list[dict[str, object]] = [
        {"files": {"a": b"", "a/b": b""}},
        {"files": {"a": b"", "./a": b""}},
        {"files": {"x" * 300: b""}},
        {"files": {"a": "text"}},
        {"files": {"a": bytes(70 * 2**20)}},
        {"results": "*.txt"},
        {"results": ["../*"]},
        {"results": ["/etc/passwd"]},
    ]
    for each in wrong:
        with pytest.raises(UsageError):
            await sandbox.run("pass", **each)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("limit", ["seconds", "memory_mb", "processes", "open_files", "scratch_mb", "scratch_files"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_limits_that_are_none_are_refused(limit: str, value: float) -> None:
    with pytest.raises(UsageError, match=limit):
        CodeLimits(**{limit: value})  # pyright: ignore[reportArgumentType]


async def test_a_pattern_that_nothing_matches_is_told(sandbox: Sandbox) -> None:
    assert "*.csv: no file has such a name" in (await sandbox.run("pass", results=["*.csv"])).stderr


async def test_an_execution_that_is_cancelled_before_it_begins_ends_at_once(sandbox: Sandbox) -> None:
    import anyio

    await sandbox.run("pass")
    with anyio.fail_after(10), anyio.move_on_after(0):
        await sandbox.run("result(1)")
