"""What code gets at each level that this machine has, and that nothing below the asked level is taken in silence."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

import purpose_agent as pa
from purpose_agent.core.errors import SandboxUnavailable, UsageError
from purpose_agent.core.ports import CodeLimits
from purpose_agent.sandbox import pool
from purpose_agent.sandbox.levels import WALLS, Level, library
from purpose_agent.sandbox.sandbox import Sandbox
from tests.attack.escapes.exactly import Exactly

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")]
LEVELS: tuple[Level, ...] = (*WALLS, "process-only")


def at(level: Level) -> Sandbox:
    sandbox = Exactly(level)
    try:
        sandbox.probe()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    return sandbox


@pytest.fixture(params=LEVELS)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return at(request.param)


@pytest.fixture(params=WALLS)
def walled(request: pytest.FixtureRequest) -> Sandbox:
    return at(request.param)


async def test_code_runs_and_says_where(sandbox: Sandbox) -> None:
    outcome = await sandbox.run("import sys\nprint('ü')\nprint('aside', file=sys.stderr)\nresult({'a': [1, None]})")

    assert (outcome.status, outcome.stdout, outcome.stderr, outcome.value) == ("ok", "ü\n", "aside\n", '{"a": [1, null]}')
    assert outcome.level == sandbox.level
    assert {"address-space", "cpu-seconds", "clean-environment", "closed-descriptors", "no-new-privileges"} <= set(
        outcome.enforced
    )


async def test_the_walls_are_named(walled: Sandbox) -> None:
    enforced = set((await walled.run("pass")).enforced)

    assert {"seccomp", "filesystem", "no-capabilities", "thread-count"} <= enforced
    assert ("mount-namespace" in enforced) == (walled.level == "strong")


async def test_files_go_in_and_those_asked_for_come_back(sandbox: Sandbox) -> None:
    code = """
import os
os.makedirs('out/deep')
open('out/deep/sum.txt', 'w').write(open('data/in.txt').read() * 2)
open('other.txt', 'w').write('not asked for')
"""
    outcome = await sandbox.run(code, files={"data/in.txt": b"12"}, results=["out/*"])

    assert (outcome.status, outcome.files) == ("ok", {"out/deep/sum.txt": b"1212"})


async def test_links_do_not_come_back(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    code = f"""
import os
os.symlink({str(tmp_path / "secret")!r}, 'a.txt')
os.symlink({str(tmp_path)!r}, 'folder')
try: os.mkfifo('pipe.txt')
except OSError: pass
open('b.txt', 'w').write('mine')
try: os.link('b.txt', 'c.txt')
except OSError: pass
"""
    outcome = await sandbox.run(code, results=["*"])

    assert not any(b"hush" in data for data in outcome.files.values())
    assert set(outcome.files) <= {"b.txt"}
    assert "a.txt: not an ordinary file" in outcome.stderr


async def test_files_that_are_too_much_do_not_come_back(sandbox: Sandbox) -> None:
    outcome = await sandbox.run(
        "open('a', 'wb').write(bytes(900_000)); open('b', 'wb').write(bytes(900_000))",
        limits=CodeLimits(results_mb=1),
        results=["*"],
    )

    assert set(outcome.files) == {"a"}
    assert "b: 900000 bytes, more than may come back" in outcome.stderr


async def test_nothing_is_left_for_the_next_one(sandbox: Sandbox) -> None:
    first = """
import builtins, json, os, random, sys
builtins.left = json.left = random.left = 1
sys.modules['left'] = json
os.environ['LEFT'] = '1'
open('left', 'w').write('1')
os.chdir('/')
"""
    second = """
import builtins, json, os, random, sys
result([hasattr(builtins, 'left'), hasattr(json, 'left'), 'left' in sys.modules, 'LEFT' in os.environ, os.listdir()])
"""
    await sandbox.run(first)

    assert json.loads((await sandbox.run(second)).value or "") == [False, False, False, False, []]


async def test_executions_have_numbers_of_their_own(sandbox: Sandbox) -> None:
    values = {(await sandbox.run("import random, uuid; result([random.random(), str(uuid.uuid4())])")).value for _ in range(3)}

    assert len(values) == 3


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("while True: pass", "timeout"),
        ("import time; time.sleep(60)", "timeout"),
        ("x = ' ' * 10**9", "memory"),
        ("while True: print('x' * 10_000)", "output"),
        ("open('big', 'wb').write(bytes(3_000_000))", "error"),
        ("files = [open('/dev/null') for _ in range(1000)]", "error"),
        ("import os; os._exit(0)", "error"),
        ("import sys; sys.exit(0)", "error"),
        ("import os; os.kill(os.getpid(), 9)", "killed"),
        ("import os; os.abort()", "killed"),
        ("import ctypes; ctypes.string_at(0)", "killed"),
        ("import atexit, time; atexit.register(time.sleep, 60)", "timeout"),
    ],
)
async def test_code_that_wants_too_much_is_told_by_its_status(sandbox: Sandbox, code: str, status: str) -> None:
    limits = CodeLimits(seconds=0.3 if status == "timeout" else 20.0, memory_mb=256, file_mb=2)

    assert (await sandbox.run(code, limits=limits)).status == status


async def test_threads_up_to_the_limit_and_not_one_more(walled: Sandbox) -> None:
    code = """
import threading
stop, started = threading.Event(), 0
try:
    for _ in range(40):
        threading.Thread(target=stop.wait).start()
        started += 1
except RuntimeError:
    pass
stop.set()
result(started)
"""
    assert (await walled.run(code, limits=CodeLimits(processes=8))).value == "7"


async def test_threads_that_have_ended_make_room(walled: Sandbox) -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
total = 0
for _ in range(30):
    with ThreadPoolExecutor(4) as pool:
        total += sum(pool.map(abs, range(10)))
result(total)
"""
    assert (await walled.run(code, limits=CodeLimits(processes=8))).value == "1350"


async def test_a_folder_that_grows_too_large_ends_the_run_or_the_writing(walled: Sandbox) -> None:
    code = "import time\nfor n in range(100):\n    open(f'f{n}', 'wb').write(bytes(10**6)); time.sleep(0.01)\nresult(1)"
    outcome = await walled.run(code, limits=CodeLimits(scratch_mb=4))

    assert outcome.status in ("error", "killed")
    assert outcome.value is None


async def test_asyncio_and_sqlite_work(walled: Sandbox) -> None:
    code = """
import asyncio, sqlite3
async def double(n):
    await asyncio.sleep(0.001)
    return 2 * n
async def main(): return sum(await asyncio.gather(*map(double, range(5))))
db = sqlite3.connect('some.db')
db.execute('create table t (n)')
with db: db.execute('insert into t values (?)', (asyncio.run(main()),))
result(db.execute('select n from t').fetchone()[0])
"""
    outcome = await walled.run(code)

    assert outcome.value == "20", outcome.stderr


async def test_a_cancelled_execution_is_over_when_the_cancellation_is(sandbox: Sandbox, tmp_path: Path) -> None:
    with anyio.move_on_after(0.3) as scope:
        await sandbox.run("while True: pass", limits=CodeLimits(seconds=60))

    assert scope.cancelled_caught
    assert (await sandbox.run("result(1)")).value == "1"


async def test_many_at_once(sandbox: Sandbox) -> None:
    values: list[str | None] = []

    async def one(number: int) -> None:
        values.append((await sandbox.run(f"open('mine', 'w').write('{number}')\nresult(int(open('mine').read()))")).value)

    async with anyio.create_task_group() as group:
        for number in range(16):
            group.start_soon(one, number)

    assert sorted(values, key=str) == sorted(map(str, range(16)))


async def test_a_fork_process_that_died_is_replaced(sandbox: Sandbox) -> None:
    await sandbox.run("pass")
    zygote = pool.zygote_for(sandbox.level, ())
    zygote.kill()

    assert (await sandbox.run("result(1)")).value == "1"


async def test_two_event_loops_share_it(sandbox: Sandbox) -> None:
    def elsewhere() -> str | None:
        return anyio.run(sandbox.run, "result(2)").value

    assert await anyio.to_thread.run_sync(elsewhere) == "2"
    assert (await sandbox.run("result(1)")).value == "1"


# Refusing.


@pytest.fixture
def anew() -> Iterator[None]:
    """Nothing is known of this machine's levels, before and after."""
    pool.forget_all()
    yield
    pool.forget_all()


@pytest.mark.usefixtures("anew")
async def test_a_level_that_cannot_be_had_is_refused_and_the_next_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = pool.Zygote

    def without_namespaces(level: Level, packages: tuple[str, ...]) -> pool.Zygote:
        if level == "strong":
            raise pool.Refused("user namespace: Operation not permitted")
        return begin(level, packages)

    monkeypatch.setattr(pool, "Zygote", without_namespaces)
    level, refused = Sandbox("good").probe()

    assert (level, refused) == ("good", (("strong", "user namespace: Operation not permitted"),))
    with pytest.raises(SandboxUnavailable, match="Operation not permitted"):
        await Sandbox("strong").run("pass")


def test_the_setting_of_the_machine_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURPOSE_AGENT_SANDBOX", "process-only")
    assert Sandbox().level == "process-only"
    assert Sandbox("strong").level == "strong"

    monkeypatch.setenv("PURPOSE_AGENT_SANDBOX", "no walls")
    with pytest.raises(UsageError, match="is no level"):
        Sandbox()


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="is no level"):
        Sandbox("medium")  # pyright: ignore[reportArgumentType]


async def test_a_package_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="can't be imported here"):
        await Sandbox(packages=["no_such_package"]).run("pass")


async def test_declared_packages_can_be_imported_and_others_cannot(walled: Sandbox) -> None:
    with_package = Exactly(walled.level, packages=["json_repair"])
    code = "import json_repair\nresult(json_repair.loads('[42'))"

    assert (await with_package.run(code)).value == "[42]"
    assert (await walled.run(code)).status == "error"
    assert (await with_package.run("import pydantic")).status == "error"


def test_it_is_at_hand() -> None:
    assert pa.Sandbox is Sandbox


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take on another user")
async def test_the_tripwire_tells_what_was_tried_where_there_is_no_wall() -> None:
    code = "import subprocess\nopen('mine', 'w')\nopen('/etc/hostname')\nsubprocess.run(['true'])"
    attempts = (await at("process-only").run(code)).attempts

    assert any("/etc/hostname" in attempt for attempt in attempts)
    assert any("subprocess.Popen" in attempt for attempt in attempts)
    assert not any("mine" in attempt for attempt in attempts)


KERNEL = """
import errno, os
from purpose_agent.sandbox import seccomp
seccomp.install(seccomp.deny_program(os.uname().machine, {names!r}, errno.{error}))
import anyio
from purpose_agent.sandbox.sandbox import Sandbox
try:
    outcome = anyio.run(Sandbox().run, "open('/tmp/{mark}', 'w')\\nresult(1)")
    print(outcome.level, outcome.value)
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("names", "error", "told"),
    [
        (["landlock_create_ruleset"], "ENOSYS", ["SandboxUnavailable", "no Landlock", "PURPOSE_AGENT_SANDBOX=process-only"]),
        (["landlock_restrict_self"], "EPERM", ["SandboxUnavailable", "Landlock: Operation not permitted"]),
        (["landlock_add_rule"], "ENOSYS", ["SandboxUnavailable", "Landlock rule"]),
        (["seccomp"], "ENOSYS", ["SandboxUnavailable", "thread count"]),
        (["unshare"], "EPERM", ["good None"]),
        (["pivot_root"], "EPERM", ["good None"]),
    ],
)
def test_on_a_lesser_kernel_code_runs_at_the_next_level_or_not_at_all(names: list[str], error: str, told: list[str]) -> None:
    mark = f"purpose-{os.urandom(8).hex()}"
    script = KERNEL.format(names=names, error=error, mark=mark)
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert all(words in said.stdout for words in told), said
    assert not Path("/tmp", mark).exists()


async def test_a_library_that_was_touched_since_is_still_found(walled: Sandbox) -> None:
    await walled.run("pass")
    _touch_the_library()

    assert (await walled.run("import asyncio, sqlite3, unittest\nresult(1)")).value == "1"


async def test_a_library_that_changes_while_code_runs_is_still_found(walled: Sandbox) -> None:
    code = (
        "import importlib\nimportlib.invalidate_caches()  # as if all folders had changed\nimport sqlite3, unittest\nresult(1)"
    )

    outcome = await walled.run(code)

    assert outcome.value == "1", outcome.stderr


def _touch_the_library() -> None:
    touched = Path(library(), "touched-by-a-test.tmp")
    try:
        touched.touch()
        touched.unlink()
    except PermissionError:
        pytest.skip("the library is not this user's")


async def test_executions_of_a_loop_share_their_threads(sandbox: Sandbox) -> None:
    from purpose_agent.sandbox import jobs

    await sandbox.run("pass")
    limiter = jobs.limiter("talk")
    await sandbox.run("pass")

    assert jobs.limiter("talk") is limiter
