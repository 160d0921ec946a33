"""What Landlock keeps from a process, seen from outside it."""

import os
import platform
import signal
import socket
import sys
from pathlib import Path

import pytest

from purpose_agent.sandbox import landlock
from purpose_agent.sandbox.syscalls import TABLES
from tests.sandbox.locked import NOBODY, can_be_nobody, run, told

HERE = landlock.abi()
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in TABLES or HERE < 1, reason="this kernel has no Landlock"
)
LOCKED = """
import shutil, signal, socket

def opened(*paths):
    return [os.open(path, os.O_PATH) for path in paths]

found = landlock.restrict(opened("public", "one/page"), opened("own"), abi=landlock.abi())
"""


@pytest.fixture
def ground(tmp_path: Path) -> Path:
    """A folder that may be read, one that may be written, and two that have nothing to do with it, but for one page."""
    for name in ("public", "own", "private", "one"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page").write_text(f"of {name}")
    (tmp_path / "one" / "other").write_text("secret")
    tmp_path.chmod(0o755)
    (tmp_path / "own").chmod(0o777)
    return tmp_path


def needs(version: int) -> pytest.MarkDecorator:
    return pytest.mark.skipif(version > HERE, reason=f"needs version {version} of Landlock, and here is {HERE}")


def test_all_that_is_in_force_is_told(ground: Path) -> None:
    names = ["filesystem", *(["tcp"] if HERE >= 4 else []), *(["abstract-sockets", "signals"] if HERE >= 6 else [])]

    assert told(f"{LOCKED}print(*found)", ground).split() == [f"landlock-{min(HERE, 7)}", *names]


@pytest.mark.parametrize(
    ("version", "tcp", "scopes"), [(1, False, False), (3, False, False), (4, True, False), (6, True, True)]
)
def test_an_older_version_can_be_kept_to(version: int, tcp: bool, scopes: bool, ground: Path) -> None:
    if version > HERE:
        pytest.skip("this kernel's Landlock is older")
    code = f"""
found = landlock.restrict([], [os.open("own", os.O_PATH)], abi={version})
with open("own/new", "w") as file:
    file.write("x")
print(found[0], "tcp" in found, "signals" in found, told(lambda: open("public/page")))
"""
    assert told(code, ground) == f"landlock-{version} {tcp} {scopes} EACCES"
    assert (ground / "own" / "new").read_text() == "x"


def test_what_is_named_can_be_used(ground: Path) -> None:
    code = """
print(open("public/page").read(), os.listdir("public"), open("one/page").read(), sorted(os.listdir("own")), sep="|")
os.makedirs("own/deep/down")
with open("own/deep/down/file", "w") as file:
    file.write("new")
os.rename("own/deep/down/file", "own/deep/file")
os.symlink("deep/file", "own/link")
with open("own/page", "r+") as file:
    file.truncate(2)
shutil.rmtree("own/deep/down")
with open("/dev/null", "w") as nothing:
    nothing.write("x")
open("/dev/urandom", "rb").read(1)
"""
    assert told(LOCKED + code, ground) == "of public|['page']|of one|['page']"
    assert (ground / "own" / "link").read_text() == "new"
    assert (ground / "own" / "page").read_text() == "of"
    assert not (ground / "own" / "deep" / "down").exists()


@pytest.mark.parametrize(
    ("act", "answer"),
    [
        ("open('private/page')", "EACCES"),
        ("open('one/other')", "EACCES"),
        ("os.listdir('.')", "EACCES"),
        ("os.listdir('one')", "EACCES"),
        ("open('/etc/passwd')", "EACCES"),
        ("open('/proc/self/environ')", "EACCES"),
        ("open('own/../private/page')", "EACCES"),
        ("open('public/page', 'r+')", "EACCES"),
        ("open('public/new', 'w')", "EACCES"),
        ("open('one/page', 'a')", "EACCES"),
        ("os.mkdir('public/new')", "EACCES"),
        ("os.unlink('public/page')", "EACCES"),
        ("os.symlink('page', 'public/new')", "EACCES"),
        ("os.rename('own/page', 'public/new')", "EACCES"),
        ("os.rename('private/page', 'own/new')", "EACCES"),
        pytest.param("os.link('private/page', 'own/new')", "EXDEV", marks=needs(2)),
        pytest.param("os.truncate('public/page', 0)", "EACCES", marks=needs(3)),
        pytest.param("os.open('public/page', os.O_TRUNC)", "EACCES", marks=needs(3)),
        ("os.mkfifo('own/pipe')", "EACCES"),
        ("socket.socket(1).bind('own/socket')", "EACCES"),
        ("os.execv('/bin/true', ['true'])", "EACCES"),
        ("os.symlink('../private/page', 'own/new') or open('own/new')", "EACCES"),
        ("open('/dev/zero', 'w')", "EACCES"),
    ],
)
def test_nothing_else_can_be_reached(act: str, answer: str, ground: Path) -> None:
    assert told(f"{LOCKED}print(told(lambda: {act}))", ground) == answer
    for name in ("public", "own", "private", "one"):
        assert (ground / name / "page").read_text() == f"of {name}"
    assert [*os.listdir(ground / "public"), *os.listdir(ground / "private")] == ["page", "page"]


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root could make devices")
@pytest.mark.parametrize("kind", ["S_IFCHR", "S_IFBLK"])
def test_not_even_root_makes_devices(kind: str, ground: Path) -> None:
    code = f"import stat\nprint(told(lambda: os.mknod('own/device', stat.{kind} | 0o600, os.makedev(1, 3))))"

    assert told(LOCKED + code, ground) == "EACCES"


def test_a_program_in_the_own_folder_does_not_run(ground: Path) -> None:
    (ground / "own" / "program").write_text("#!/bin/true\n")
    (ground / "own" / "program").chmod(0o755)

    assert told(f"{LOCKED}print(told(lambda: os.execv('own/program', ['program'])))", ground) == "EACCES"


def test_what_else_is_allowed_can_be_told(ground: Path) -> None:
    code = """
rule = landlock.Rule(os.open("private", os.O_PATH), landlock.READ_DIR)
landlock.restrict([], [], files=[rule], abi=landlock.abi())
print(os.listdir("private"), told(lambda: open("private/page")))
"""
    assert told(code, ground) == "['page'] EACCES"


@needs(4)
def test_no_tcp(ground: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        code = f"""
print(told(lambda: socket.create_connection(("127.0.0.1", {port}))), told(lambda: socket.socket().bind(("127.0.0.1", 0))))
"""
        assert told(LOCKED + code, ground) == "EACCES EACCES"
        with pytest.raises(BlockingIOError):
            server.accept()


@needs(6)
def test_no_abstract_sockets_of_others(ground: Path) -> None:
    name = f"\0purpose-agent-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        server.setblocking(False)
        code = f"print(told(lambda: socket.socket(socket.AF_UNIX).connect({name!r})))"

        assert told(LOCKED + code, ground) == "EPERM"
        with pytest.raises(BlockingIOError):
            server.accept()


@needs(6)
def test_no_signals_to_others_but_to_itself(ground: Path) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    try:
        code = """
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
print(*(told(lambda: os.kill(pid, signal.SIGUSR1)) for pid in (os.getppid(), os.getpid())))
"""

        assert told(LOCKED + code, ground) == "EPERM done"
        assert not seen
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_user_without_rights_can_do_it(ground: Path) -> None:
    if not can_be_nobody(ground):
        pytest.skip("only root can become somebody without rights")
    code = "print(told(lambda: open('private/page')), told(lambda: open('public/page')), told(lambda: open('own/new', 'w')))"

    assert told(LOCKED + code, ground, user=NOBODY) == "EACCES done done"


def test_a_step_that_fails_is_named_and_leaves_everything_as_it_was(ground: Path) -> None:
    code = """
for descriptor, version in ((999, landlock.abi()), (0, 0)):
    try:
        landlock.restrict([descriptor], [], abi=version)
    except syscalls.LockdownError as error:
        print(error)
print(told(lambda: open("private/page")), told(lambda: os.fstat(3)))
"""
    assert told(code, ground).splitlines() == [
        "Landlock rule for descriptor 999: Bad file descriptor",
        "Landlock: this kernel has none, or it is switched off",
        "done EBADF",
    ]


def test_a_kernel_without_it_has_version_0(ground: Path) -> None:
    code = """
names = [name for name in syscalls.TABLES[MACHINE] if name.startswith("landlock_")]
seccomp.install(seccomp.deny_program(MACHINE, names, errno.ENOSYS))
print(landlock.abi())
landlock.restrict([], [], abi=7)
"""
    found = run(code, ground)

    assert found.stdout == "0\n"
    assert found.stderr.endswith("LockdownError: Landlock ruleset: Function not implemented\n")
