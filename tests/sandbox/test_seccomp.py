"""The filter of system calls, and the count of threads: what a process under them can do, seen from outside it."""

import os
import platform
import re
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from errno import EPERM
from pathlib import Path

import pytest

from purpose_agent.sandbox import seccomp
from purpose_agent.sandbox.syscalls import ARCHES, TABLES, LockdownError
from tests.sandbox.locked import FILTER, NOBODY, can_be_nobody, python, run, told

MACHINE = platform.machine()
linux = pytest.mark.skipif(sys.platform != "linux" or MACHINE not in TABLES, reason="there is seccomp on Linux alone")
x86 = pytest.mark.skipif(sys.platform != "linux" or MACHINE != "x86_64", reason="these calls are of x86_64")
OWN_TREE = "seccomp.install(seccomp.program(MACHINE, os.getpid(), own_tree=True))\n"


def decided(code: bytes, number: int, arguments: tuple[int, ...] = (0,) * 6, arch: int = 0) -> int:
    """What the kernel would make of a call: an interpreter of the few instructions we use."""
    data = struct.pack("=IIQ6Q", number, arch, 0, *arguments)
    instructions = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    word, at = 0, 0
    while True:
        what, if_true, if_not, operand = instructions[at]
        at += 1
        match what:
            case seccomp.LOAD:
                (word,) = struct.unpack_from("=I", data, operand)
            case seccomp.AND:
                word &= operand
            case seccomp.RETURN:
                return operand
            case seccomp.IF_EQUAL:
                at += if_true if word == operand else if_not
            case seccomp.IF_ABOVE:
                at += if_true if word > operand else if_not
            case seccomp.IF_AT_LEAST:
                at += if_true if word >= operand else if_not
            case _:
                raise AssertionError(what)


@pytest.mark.parametrize(
    ("machine", "header"),
    [("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), ("aarch64", "/usr/include/asm-generic/unistd.h")],
)
def test_the_numbers_are_those_of_the_kernels_headers(machine: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip("the kernel's headers are not installed")
    found = dict(re.findall(r"#define __NR(?:3264)?_?(\w+)[ \t]+(\d+)", Path(header).read_text("ascii")))
    found["newfstatat"] = found.get("newfstatat", found.get("fstatat"))
    newer = {"fchmodat2"}

    ours = {name: str(number) for name, number in TABLES[machine].items() if name in found or name not in newer}

    assert ours == {name: found.get(name) for name in ours}


@pytest.mark.parametrize("machine", TABLES)
@pytest.mark.parametrize("own_tree", [False, True])
def test_nothing_is_allowed_but_what_is_named(machine: str, own_tree: bool) -> None:
    code = seccomp.program(machine, 77, own_tree=own_tree)
    plain = {*seccomp.PLAIN.split(), *(seccomp.OF_OWN_TREE.split() if own_tree else ())}
    with_tests = {name for name, _ in (*seccomp.RULES, *seccomp.of_own(77))}
    other = {"clone3", *seccomp.NO_ATTRIBUTES.split()}
    names = {number: name for name, number in TABLES[machine].items()}

    allowed = {names.get(number) for number in range(1024) if decided(code, number, arch=ARCHES[machine]) == seccomp.ALLOW}
    errors = {number for number in range(1024) if decided(code, number, arch=ARCHES[machine]) == seccomp.ERRNO | EPERM}

    assert not allowed - plain - with_tests
    assert allowed >= plain & TABLES[machine].keys()
    assert not {names.get(number) for number in errors} & (plain | other)
    assert (plain | with_tests | other) <= TABLES["x86_64"].keys()


@pytest.mark.parametrize("machine", TABLES)
def test_another_architecture_ends_the_process(machine: str) -> None:
    code = seccomp.program(machine, 77)

    assert {decided(code, number, arch=0x40000003) for number in range(512)} == {seccomp.KILL}
    assert {decided(code, number | seccomp.X32, arch=ARCHES[machine]) for number in range(512)} == {seccomp.KILL}


@pytest.mark.parametrize("machine", TABLES)
@pytest.mark.parametrize(
    ("name", "arguments", "allowed"),
    [
        ("openat", (0, 0, os.O_RDONLY), True),
        ("openat", (0, 0, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), True),
        ("openat", (0, 0, os.O_RDONLY | 0o1000), False),
        ("openat", (0, 0, 3), False),
        ("openat", (0, 0, 3 | 0o1000), False),
        ("kill", (77, 9), True),
        ("kill", (0, 9), False),
        ("kill", (2**32 - 1, 9), False),
        ("kill", (78, 9), False),
        ("tgkill", (77, 78, 9), True),
        ("tgkill", (78, 78, 9), False),
        ("sendto", (4, 5, 6, 0, 0, 0), True),
        ("sendto", (4, 5, 6, 0, 1, 0), False),
        ("sendto", (4, 5, 6, 0, 2**32, 0), False),
        ("recvfrom", (4, 5, 6, 0, 2**40, 0), False),
        ("socketpair", (1, 1 | 0o2004000, 0), True),
        ("socketpair", (1, 2, 0), False),
        ("socketpair", (2, 1, 0), False),
        ("fcntl", (4, 4, 0o4000), True),
        ("fcntl", (4, 4, 0o20000), False),
        ("fcntl", (4, 8, 77), False),
        ("ioctl", (0, 0x5401), True),
        ("ioctl", (0, 0x5412), False),
        ("prctl", (15, 1), True),
        ("prctl", (1, 0), False),
        ("prlimit64", (0, 7, 0, 4096), True),
        ("prlimit64", (0, 7, 2**32, 0), True),
        ("prlimit64", (78, 7, 0, 4096), False),
        ("clone", (0x3D0F00,), True),
        ("clone", (0x3D0F00 | 0x10000000,), False),
        ("clone", (0x3D0F00 & ~0x400,), False),
        ("clone", (17,), False),
        ("clone", (0x4111,), False),
        ("close_range", (3, 9, 4), True),
        ("close_range", (3, 9, 2), False),
    ],
)
def test_a_call_is_judged_by_its_arguments(machine: str, name: str, arguments: tuple[int, ...], allowed: bool) -> None:
    code = seccomp.program(machine, 77)

    found = decided(code, TABLES[machine][name], (*arguments, *(0,) * 6)[:6], ARCHES[machine])

    assert found == (seccomp.ALLOW if allowed else seccomp.ERRNO | EPERM)


def test_a_machine_we_know_nothing_of_is_refused() -> None:
    with pytest.raises(LockdownError, match="'s390x'"):
        seccomp.program("s390x", 1)


ORDINARY = """
import asyncio, concurrent.futures, logging, mmap, queue, shutil, signal, socket, sqlite3, tarfile, tempfile, threading, zipfile
from pathlib import Path

tempfile.tempdir = os.getcwd()
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    assert list(pool.map(abs, range(100))) == list(range(100))

async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: None)
    os.kill(os.getpid(), signal.SIGUSR1)
    async with asyncio.timeout(10):
        return await asyncio.gather(asyncio.to_thread(abs, -1), asyncio.sleep(0.001, 2))

assert asyncio.run(main()) == [1, 2]
with sqlite3.connect("numbers.db") as db:
    db.execute("CREATE TABLE number(it)")
    db.execute("INSERT INTO number VALUES (1)")
assert db.execute("SELECT * FROM number").fetchall() == [(1,)]
with zipfile.ZipFile("a.zip", "w") as archive:
    archive.writestr("folder/file.txt", "text")
zipfile.ZipFile("a.zip").extractall("unpacked")
with tarfile.open("a.tgz", "w:gz") as archive:
    archive.add("unpacked")
tarfile.open("a.tgz").extractall("again")
assert Path("again/unpacked/folder/file.txt").read_text() == "text"
shutil.copyfile("a.zip", "b.zip")
shutil.move("b.zip", "c.zip")
shutil.rmtree("again")
Path("touched").touch()
Path("touched").touch()
with tempfile.TemporaryDirectory(), tempfile.NamedTemporaryFile() as one, tempfile.TemporaryFile() as two:
    one.write(b"1")
    two.write(b"2")
one, two = socket.socketpair()
one.sendall(b"x")
assert two.recv(9) == b"x"
with open("mapped", "w+b") as file:
    file.truncate(4096)
    mmap.mmap(file.fileno(), 4096)[0] = 1
signal.setitimer(signal.ITIMER_REAL, 10)
signal.alarm(0)
print("fine")
"""


@linux
def test_ordinary_python_notices_nothing(tmp_path: Path) -> None:
    assert told(FILTER + ORDINARY, tmp_path) == "fine"


@linux
def test_numpy_counts_as_ordinary(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    place = str(Path(numpy.__file__).parent.parent)
    code = f"sys.path.append({place!r})\nimport numpy\nprint(numpy.linalg.det(numpy.eye(300)))"

    assert told(FILTER + code, tmp_path) == "1.0"


@linux
def test_a_user_without_rights_can_install_it(tmp_path: Path) -> None:
    if not can_be_nobody(tmp_path):
        pytest.skip("only root can become somebody without rights")

    assert told(f"{FILTER}print(told(os.fork), told(lambda: os.open('/', 0)))", tmp_path, user=NOBODY) == "EPERM done"


@linux
@pytest.mark.parametrize(
    "act",
    [
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "__import__('subprocess').run(['/bin/true'])",
        "__import__('socket').socket()",
        "__import__('socket').socketpair(type=2)",
        "os.kill(os.getppid(), 0)",
        "os.kill(0, 0)",
        "os.kill(-1, 0)",
        "os.truncate('file', 0)",
        "os.open('file', os.O_RDONLY | os.O_TRUNC)",
        "os.open('file', 3)",
        "os.link('file', 'other')",
        "os.chmod('file', 0o777)",
        "os.utime('file')",
        "os.chown('file', -1, -1)",
        "os.setxattr('file', 'user.a', b'')",
        "os.mkfifo('pipe')",
        "os.memfd_create('memory')",
        "os.pidfd_open(os.getpid())",
        "os.nice(0)",
        "os.setsid()",
        "os.setuid(os.getuid())",
        "os.chroot('/')",
        "call('unshare', 0x10000000)",
        "call('prctl', 1, 0)",
        "call('fcntl', 0, 4, 0o20000)",
        "call('close_range', 900, 901, 2)",
        "call('landlock_create_ruleset', 0, 0, 1)",
        "call('seccomp', 1, 0, 0)",
        "call(425, 1, 0)",
        "call(428, 0, 0, 0)",
    ],
)
def test_what_code_does_not_need_is_not_permitted(act: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("as it was")

    assert told(f"{FILTER}print(told(lambda: {act}))", tmp_path) == "EPERM"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "as it was"


@linux
def test_some_calls_are_said_not_to_exist(tmp_path: Path) -> None:
    code = "print(told(lambda: call('clone3', 0, 0)), told(lambda: os.listxattr('.')))"

    assert told(FILTER + code, tmp_path) == "ENOSYS ENOTSUP"


@linux
def test_in_a_tree_of_its_own_modes_and_times_may_be_changed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("four")
    code = "os.chmod('file', 0o640)\nos.utime('file', (1, 2))\nos.truncate('file', 3)\nos.link('file', 'other')\nprint(told(os.fork))"

    assert told(OWN_TREE + code, tmp_path) == "EPERM"
    found = (tmp_path / "other").stat()
    assert (found.st_mode & 0o777, found.st_size, found.st_nlink, found.st_atime) == (0o640, 3, 2, 1)


@x86
@pytest.mark.parametrize("how", ["call(0x40000000 | 39)", "ctypes.CFUNCTYPE(ctypes.c_int)(address)()"])
def test_calls_of_another_table_end_the_process(how: str, tmp_path: Path) -> None:
    getpid_of_32_bits = """
import mmap
memory = mmap.mmap(-1, 4096, prot=7)
memory.write(bytes.fromhex("b814000000cd80c3"))
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
"""

    assert run(f"{getpid_of_32_bits}{FILTER}{how}", tmp_path).returncode == -signal.SIGSYS


@linux
def test_a_filter_that_the_kernel_does_not_take_is_an_error(tmp_path: Path) -> None:
    code = """
try:
    seccomp.install(b"")
except syscalls.LockdownError as error:
    print(error, error.errno == errno.EINVAL)
"""

    assert told(code, tmp_path) == "system call filter: Invalid argument True"


@linux
def test_a_kernel_without_some_calls_can_be_played(tmp_path: Path) -> None:
    code = """
seccomp.install(seccomp.deny_program(MACHINE, ["landlock_create_ruleset", "unshare"], errno.ENOSYS))
print(landlock.abi(), told(lambda: call("unshare", 0x10000000)), os.waitpid(os.fork() or os._exit(0), 0)[1])
"""

    assert told(code, tmp_path) == "0 ENOSYS 0"


GATE = """
import socket, threading, time
listener = seccomp.install_thread_gate()
assert not os.get_inheritable(listener)
with socket.socket(fileno=int(sys.stdin.readline())) as line:
    socket.send_fds(line, [b"gate"], [listener])
os.close(listener)

def see_them_gone():
    # Python calls a thread ended a moment before it is.
    while len(os.listdir("/proc/self/task")) > 1:
        time.sleep(0)
"""


@contextmanager
def gated(
    code: str, folder: Path, most: int, patience: float = 5.0
) -> Generator[tuple[subprocess.Popen[str], seccomp.ThreadGate]]:
    """A process whose threads are counted here."""
    ours, theirs = socket.socketpair()
    with (
        ours,
        theirs,
        subprocess.Popen(
            python(GATE + FILTER + code),
            cwd=folder,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(f"{theirs.fileno()}\n")
        process.stdin.flush()
        theirs.close()
        _, (listener,), _, _ = socket.recv_fds(ours, 4, 1)
        try:
            yield process, seccomp.ThreadGate(listener, most, patience=patience)
        finally:
            process.kill()
            os.close(listener)


def threads_of(pid: int) -> int:
    found = re.search(r"^Threads:\s+(\d+)", Path(f"/proc/{pid}/status").read_text("ascii"), re.MULTILINE)
    return int(found[1]) if found else 0


@linux
def test_no_more_threads_than_may_be_at_once(tmp_path: Path) -> None:
    code = """
begun, refused, wait = [], 0, threading.Event()
for _ in range(40):
    try:
        threading.Thread(target=lambda: (begun.append(1), wait.wait())).start()
    except RuntimeError:
        refused += 1
print(len(begun), refused, flush=True)
sys.stdin.readline()
wait.set()
see_them_gone()
"""
    most_seen = 0
    with gated(code, tmp_path, most=8, patience=0.001) as (process, gate):
        assert process.stdin is not None
        assert process.stdout is not None
        while gate.refused < 33:
            gate.answer()
            most_seen = max(most_seen, threads_of(process.pid))
        assert process.stdout.readline() == "7 33\n"
        assert (gate.alive, most_seen) == (8, 8)
        process.stdin.write("\n")
        process.stdin.flush()
        while process.poll() is None:
            gate.answer()
        assert process.returncode == 0
    assert gate.alive == 1


@linux
def test_threads_that_ended_make_room_for_others(tmp_path: Path) -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
for _ in range(100):
    with ThreadPoolExecutor(4) as pool:
        barrier = threading.Barrier(4)
        list(pool.map(lambda _: barrier.wait(10), range(4)))
see_them_gone()
print("all of them")
"""
    with gated(code, tmp_path, most=5) as (process, gate):
        while process.poll() is None:
            gate.answer()
        assert process.stdout is not None
        assert process.stdout.read() == "all of them\n"
    assert (gate.alive, gate.refused) == (1, 0)


@linux
def test_who_is_killed_while_it_waits_for_an_answer_is_not_counted(tmp_path: Path) -> None:
    code = "print('now', flush=True)\nthreading.Thread(target=print).start()"
    with gated(code, tmp_path, most=5) as (process, gate):
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        ready = select.poll()  # select() knows no descriptor above 1,023
        ready.register(gate.listener, select.POLLIN)
        ready.poll()
        process.kill()
        process.wait()
        gate.answer()
    assert (gate.alive, gate.refused) == (1, 0)


@linux
def test_a_thread_that_is_interrupted_at_its_end_is_counted_once(tmp_path: Path) -> None:
    # A thread that ends by the bare call, with signals let through, while others send it as many as they can.
    code = """
import signal
signal.signal(signal.SIGUSR1, lambda *_: None)
table, ids = syscalls.TABLES[MACHINE], []

def end():
    ids.append(threading.get_native_id())
    LIBC.syscall(ctypes.c_long(table["exit"]), 0)

for round in range(30):
    threading.Thread(target=end, daemon=True).start()
    while len(ids) <= round:
        time.sleep(0)
    while os.path.exists(f"/proc/self/task/{ids[-1]}"):
        LIBC.syscall(ctypes.c_long(table["tgkill"]), os.getpid(), ids[-1], signal.SIGUSR1)
print("ended", flush=True)
os._exit(0)
"""
    with gated(code, tmp_path, most=2) as (process, gate):
        while process.poll() is None:
            gate.answer()
            assert 1 <= gate.alive <= 2
        assert process.stdout is not None
        assert process.stdout.read() == "ended\n"
    assert (gate.alive, gate.refused) == (1, 0)
