"""Which system calls code may make, and how many threads it may have.

In:  a machine, a process id; later, questions of the kernel about threads.
Out: filters for seccomp(2), as the classic BPF that the kernel runs before every system call; a count of threads.

Nothing is allowed that is not named here. Landlock (`landlock.py`) says which files a call may reach; so what Landlock does not govern,
such as changing the mode or the times of a file, is allowed only where everything but the own folder is mounted read-only
(`own_tree`). A filter sees numbers, never what a pointer leads to.

The kernel asks all filters of a process, and takes the strictest answer. Killing is stricter than an error, an error is stricter than a
question to another process, and that is stricter than leave. So the count of threads hears only of threads that may be started at all.

Standard library only: it runs where this package can't be imported.
"""

import ctypes
import errno
import fcntl
import os
import select
import struct
import time
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TypeAlias

from purpose_agent.sandbox.syscalls import ARCHES, LockdownError, call, here, no_new_privileges, numbers

KILL, ERRNO, ASK, ALLOW = 0x80000000, 0x00050000, 0x7FC00000, 0x7FFF0000
LOAD, AND, RETURN, IF_EQUAL, IF_ABOVE, IF_AT_LEAST = 0x20, 0x54, 0x06, 0x15, 0x25, 0x35
NUMBER, ARCH, ARGUMENTS = 0, 4, 16
"""Where `struct seccomp_data` has them."""
X32 = 0x40000000
"""From here on, numbers on x86_64 mean a second table, of 32-bit pointers."""
WORD = 0xFFFFFFFF
SET_FILTER, NEW_LISTENER, WAIT_KILLABLE = 1, 1 << 3, 1 << 5
RECEIVE, SEND, CONTINUE = 0xC0502100, 0xC0182101, 1
NOTICE, REPLY = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")

Instruction: TypeAlias = tuple[int, int, int, int]
"""Code, how many to skip if true, how many if not, operand."""
Test: TypeAlias = tuple[int, int, tuple[int, ...]]
"""Offset of a word of the arguments, what to look at in it, what that may be."""
Rule: TypeAlias = tuple[str, tuple[Test, ...]]
"""A call, and tests that its arguments all pass."""

# Numbers of the kernel's headers, the same on both machines.
WRITE_ONLY, READ_WRITE, TRUNCATE, ASYNC = 1, 2, 0o1000, 0o20000
ACCESS = WRITE_ONLY | READ_WRITE
ONLY_A_PATH = 0o10000000
F_SETFL = 4
F_COMMANDS = (0, 1, 2, 3, 5, 6, 7, 36, 37, 38, 1030, 1032)
"""F_DUPFD F_GETFD F_SETFD F_GETFL F_GETLK F_SETLK F_SETLKW, F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW, F_DUPFD_CLOEXEC F_GETPIPE_SZ."""
IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX."""
PRCTLS = (3, 15, 16, 21, 39, 0x53564D41)
"""PR_GET_DUMPABLE PR_SET_NAME PR_GET_NAME PR_GET_SECCOMP PR_GET_NO_NEW_PRIVS PR_SET_VMA."""
ARCH_PRCTLS = (0x1003, 0x1004, 0x1011, 0x1021, 0x1022)
"""ARCH_GET_FS ARCH_GET_GS ARCH_GET_CPUID ARCH_GET_XCOMP_SUPP ARCH_GET_XCOMP_PERM."""
UNIX, STREAM, STREAM_FLAGS = 1, 1, 0o2004000
CLONE_UNSHARES = 2
THREAD = 0x100 | 0x200 | 0x400 | 0x10000
"""CLONE_VM CLONE_FS CLONE_FILES CLONE_THREAD: memory, folder and descriptors in common, and the process."""
NO_THREAD = 0x80 | 0x2000 | 0x4000 | 0x8000 | 0x20000 | 0x7E000000
"""CLONE_NEWTIME CLONE_PTRACE CLONE_VFORK CLONE_PARENT CLONE_NEWNS, and the six other CLONE_NEW*."""

FILES = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 close lseek fstat newfstatat stat lstat statx access
    faccessat faccessat2 readlink readlinkat getcwd chdir fchdir getdents64 mkdir mkdirat rmdir unlink unlinkat rename renameat
    renameat2 symlink symlinkat creat ftruncate fsync fdatasync fadvise64 flock copy_file_range sendfile fstatfs statfs umask
"""
MEMORY = "mmap munmap mremap mprotect madvise brk msync"
SIGNALS = "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait rt_sigpending rt_sigsuspend sigaltstack pause setitimer getitimer alarm"
CLOCKS = "nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times restart_syscall"
THREADS = """
    futex set_robust_list rseq set_tid_address sched_yield sched_getaffinity membarrier getcpu exit exit_group wait4 waitid
"""
PIPES = """
    pipe pipe2 dup dup2 dup3 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2 shutdown
"""
KNOWLEDGE = """
    getpid gettid getppid getuid geteuid getgid getegid getgroups getpgrp getrusage getrlimit uname sysinfo getrandom
"""
PLAIN = " ".join((FILES, MEMORY, SIGNALS, CLOCKS, THREADS, PIPES, KNOWLEDGE))
OF_OWN_TREE = "truncate link linkat chmod fchmod fchmodat fchmodat2 utimensat utime utimes futimesat"
NO_ATTRIBUTES = "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr"
"""Answered as by a file system that has none: who copies a file asks, and goes on."""


def low(argument: int, *values: int, mask: int = WORD) -> Test:
    """An argument that the kernel takes as an int is one of `values`, as far as `mask` goes."""
    return ARGUMENTS + 8 * argument, mask, values


def null(argument: int) -> tuple[Test, Test]:
    """An argument of 64 bits, such as a pointer, is 0."""
    return low(argument, 0), (ARGUMENTS + 8 * argument + 4, WORD, (0,))


def opening(argument: int) -> Test:
    """The flags of open(2) are harmless.

    Not O_RDONLY with O_TRUNC: before its third version, Landlock took that for reading. Not 3, which means neither reading nor writing:
    Landlock does not look at it, and a device may notice that it was opened.
    """
    wanted = (0, WRITE_ONLY, READ_WRITE, WRITE_ONLY | TRUNCATE, READ_WRITE | TRUNCATE)
    return low(argument, *wanted, mask=ACCESS | TRUNCATE)


RULES: tuple[Rule, ...] = (
    ("open", (opening(1),)),
    ("openat", (opening(2),)),
    ("close_range", (low(2, 0, mask=CLONE_UNSHARES),)),  # a table of its own would have a limit of its own
    ("fcntl", (low(1, *F_COMMANDS),)),
    ("fcntl", (low(1, F_SETFL), low(2, 0, mask=ASYNC))),
    ("ioctl", (low(1, *IOCTLS),)),
    ("get_robust_list", (low(0, 0),)),
    # asyncio wakes itself through a pair of sockets, and so do others. Without addresses they are pipes.
    ("socketpair", (low(0, UNIX), low(1, STREAM, mask=WORD & ~STREAM_FLAGS))),
    ("sendto", null(4)),
    ("recvfrom", null(4)),
    ("prctl", (low(0, *PRCTLS),)),
    ("arch_prctl", (low(0, *ARCH_PRCTLS),)),
    ("clone", (low(0, THREAD, mask=THREAD | NO_THREAD),)),
)
"""Calls that are allowed with some arguments. Of a name that stands here twice, one rule is enough."""


def of_own(pid: int) -> tuple[Rule, ...]:
    """Calls that are allowed on this process alone."""
    return (
        ("kill", (low(0, pid),)),
        ("tgkill", (low(0, pid),)),
        ("getpgid", (low(0, 0, pid),)),
        ("getsid", (low(0, 0, pid),)),
        ("prlimit64", (low(0, 0, pid),)),  # a hard limit can't be raised
    )


def program(machine: str, pid: int, *, own_tree: bool = False) -> bytes:
    """The filter that code runs under: what it does not allow fails with EPERM, or ends the process if it is of another architecture.

    Args:
        machine: As `os.uname().machine` has it.
        pid: Of the process that will install it, as that process sees it: the only one it may send signals to.
        own_tree: Whether everything but its own folder is mounted read-only, so that changing modes and times, and linking, are harmless.

    Raises:
        LockdownError: We don't know the machine.
    """
    return _assembled([*_head(machine), *_answers_if(machine, of_own(pid))]) + _rest(machine, own_tree)


@cache
def _rest(machine: str, own_tree: bool) -> bytes:
    """What is the same for every process. Made once, by whoever calls `program` before it forks."""
    plain = f"{PLAIN} {OF_OWN_TREE}" if own_tree else PLAIN
    # Those with tests first: the kernel keeps in mind what it need not compute, and then the others cost nothing.
    code = _answers_if(machine, RULES)
    code += _answer(_found(machine, plain.split()), ALLOW)
    # clone3 has its flags in memory, where a filter can't see them; without it, the C library takes clone.
    code += _answer(_found(machine, ["clone3"]), ERRNO | errno.ENOSYS)
    code += _answer(_found(machine, NO_ATTRIBUTES.split()), ERRNO | errno.ENOTSUP)
    return _assembled([*code, (RETURN, 0, 0, ERRNO | errno.EPERM)])


def deny_program(machine: str, names: Iterable[str], number: int) -> bytes:
    """A filter that answers `names` with an error, and allows everything else: for tests, this kernel as if it had no such calls.

    Args:
        number: The error, such as `errno.ENOSYS`.

    Raises:
        LockdownError: We don't know the machine.
    """
    return _assembled([*_head(machine), *_answer(_found(machine, names), ERRNO | number), (RETURN, 0, 0, ALLOW)])


def gate_program(machine: str) -> bytes:
    """The filter that has another process asked before a thread begins, and told before one ends.

    Raises:
        LockdownError: We don't know the machine.
    """
    code = [*_head(machine), *_answer(_found(machine, ["clone", "exit"]), ASK)]
    return _assembled([*code, *_answer(_found(machine, ["clone3"]), ERRNO | errno.ENOSYS), (RETURN, 0, 0, ALLOW)])


def install(code: bytes) -> None:
    """Put this thread, and all that it starts, under a filter, for good.

    Raises:
        LockdownError: The kernel refused; `errno` tells why.
    """
    _install("system call filter", code, 0)


def install_thread_gate() -> int:
    """Have the threads counted from now on, and return the descriptor on which the kernel asks: one for a `ThreadGate`.

    Nobody may hold it in this process when the code runs, and whoever answers must be there before: until then, threads wait. Install it
    before the main filter, which does not allow this.

    Raises:
        LockdownError: The kernel refused; with EBUSY, somebody outside, such as the container's keeper, has a filter that asks already.
    """
    code = gate_program(os.uname().machine)
    try:
        return _install("thread count", code, NEW_LISTENER | WAIT_KILLABLE)
    except LockdownError as error:
        if error.errno != errno.EINVAL:
            raise
    return _install("thread count", code, NEW_LISTENER)  # before Linux 5.19


class ThreadGate:
    """Counts the threads of one process, in another one that watches it.

    Args:
        listener: What `install_thread_gate` returned, in the other process.
        most: How many threads there may be, the first one included.
        patience: Seconds that a thread too many is kept waiting for another one's end. A thread whose end Python has told already may
            take a moment to be gone: a pool that follows on another would sometimes be refused.

    Attributes:
        alive: Threads there are. One that ends is not counted from its last call on; for a moment the kernel may still show it. One
            that was let begin and that the kernel could not make after all stays counted.
        refused: How many were not let begin.
    """

    def __init__(self, listener: int, most: int, *, patience: float = 0.02) -> None:
        self.listener, self.most, self.patience = listener, most, patience
        self.alive, self.refused = 1, 0
        self._ended: set[int] = set()
        self._poll = select.poll()
        self._poll.register(listener, select.POLLIN)
        self._clone = here()["clone"]

    def answer(self) -> None:
        """Answer what the kernel asks, if it asks. Waits for nothing, but for `patience` before a refusal."""
        waiting: list[int] = []
        until = time.monotonic() + self.patience
        left = 0.0
        while left >= 0 and self._is_asked(left):
            self._take(waiting)
            while waiting and self.alive < self.most:
                self.alive += self._reply(waiting.pop(0), 0, CONTINUE)
            if not waiting:
                return
            left = until - time.monotonic()
        for asked in waiting:
            self.refused += self._reply(asked, -errno.EAGAIN, 0)

    def _is_asked(self, seconds: float) -> bool:
        return any(happened & select.POLLIN for _, happened in self._poll.poll(seconds * 1000))

    def _take(self, waiting: list[int]) -> None:
        """Read a question: who wants to begin is put into `waiting`, who ends may go on."""
        notice = bytearray(NOTICE.size)
        try:
            fcntl.ioctl(self.listener, RECEIVE, notice)
        except FileNotFoundError:  # whoever asked was killed, or interrupted; then it asks again
            return
        asked, thread, _, number, *_ = NOTICE.unpack(notice)
        if number == self._clone:
            waiting.append(asked)
        # Before Linux 6.17 a signal at the right moment has an answered question asked again. A thread ends once.
        elif self._reply(asked, 0, CONTINUE) and thread not in self._ended:
            self._ended.add(thread)
            self.alive -= 1

    def _reply(self, asked: int, error: int, flags: int) -> bool:
        """Whether whoever asked was still there to hear it."""
        try:
            fcntl.ioctl(self.listener, SEND, REPLY.pack(asked, 0, error, flags))
        except FileNotFoundError:
            return False
        return True


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def _install(step: str, code: bytes, flags: int) -> int:
    no_new_privileges()
    wanted = _Program(len(code) // 8, code)
    return call(step, "seccomp", ctypes.c_uint(SET_FILTER), ctypes.c_ulong(flags), ctypes.byref(wanted))


def _found(machine: str, names: Iterable[str]) -> list[int]:
    """The numbers of those that this machine has."""
    table = numbers(machine)
    return [table[name] for name in names if name in table]


def _head(machine: str) -> list[Instruction]:
    """End the process for a number that belongs to another table than ours."""
    numbers(machine)
    return [
        (LOAD, 0, 0, ARCH),
        (IF_EQUAL, 1, 0, ARCHES[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (IF_AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, KILL),
    ]


def _answer(wanted: Sequence[int], answer: int) -> list[Instruction]:
    """Answer any of these calls; else go on. Numbers that follow each other are asked for together."""
    spans: list[list[int]] = []
    for number in sorted(wanted):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    code: list[Instruction] = [(LOAD, 0, 0, NUMBER)]
    for first, last in spans:
        code += [(IF_AT_LEAST, 0, 2, first), (IF_ABOVE, 1, 0, last), (RETURN, 0, 0, answer)]
    return code


def _answers_if(machine: str, rules: Iterable[Rule]) -> list[Instruction]:
    """Allow a call whose arguments pass all tests of a rule; else go on."""
    table = numbers(machine)
    found: list[Instruction] = []
    for name, tests in rules:
        if name not in table:
            continue
        code: list[Instruction] = [(RETURN, 0, 0, ALLOW)]
        for offset, mask, values in reversed(tests):
            *others, last = values
            look: list[Instruction] = [(LOAD, 0, 0, offset), *([(AND, 0, 0, mask)] if mask != WORD else [])]
            asks: list[Instruction] = [(IF_EQUAL, len(others) - at, 0, value) for at, value in enumerate(others)]
            code = [*look, *asks, (IF_EQUAL, 0, len(code), last), *code]
        found += [(LOAD, 0, 0, NUMBER), (IF_EQUAL, 0, len(code), table[name]), *code]
    return found


def _assembled(code: Iterable[Instruction]) -> bytes:
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
