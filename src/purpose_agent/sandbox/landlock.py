"""Which files code may reach, kept by the kernel's Landlock (https://docs.kernel.org/userspace-api/landlock.html).

In:  descriptors of what may be read, and of folders that may be written.
Out: this process, and all that it starts, can open nothing else, for good; nor TCP connections, nor abstract sockets, nor send signals
     outside, as far as this kernel's Landlock knows of them.

Every right that the version in use knows is taken away, then some are given back. What Landlock has no say over, in any version: looking
at a file without opening it (stat), its mode, times, owner and extended attributes, the current folder. See `seccomp.py` for those.
Standard library only: it runs where this package can't be imported.
"""

import contextlib
import ctypes
import errno
import os
from collections.abc import Sequence
from typing import NamedTuple

from purpose_agent.sandbox.syscalls import LockdownError, call, no_new_privileges, prepared

NEWEST = 7
"""The newest version whose rights we know. A newer kernel keeps to it."""
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR, MAKE_REG = (
    1 << bit for bit in range(9)
)
MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV = (1 << bit for bit in range(9, 16))
READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SYM | REFER | TRUNCATE
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""What a rule about a file can give; the rest is for folders."""
TCP, SCOPES = 0b11, 0b11
"""Binding and connecting; abstract sockets and signals."""
DEVICES = (
    ("/dev/null", READ_FILE | WRITE_FILE),
    ("/dev/zero", READ_FILE),
    ("/dev/urandom", READ_FILE),
    ("/dev/random", READ_FILE),
)
ASK_VERSION = 1
BENEATH = 1


class Rule(NamedTuple):
    """Something opened with O_PATH, and what may be done with it, and with all below it."""

    path_fd: int
    access: int


def abi() -> int:
    """The version of this kernel's Landlock; 0 where there is none, or it is switched off or kept from us."""
    try:
        return call("Landlock", "landlock_create_ruleset", None, ctypes.c_size_t(0), ctypes.c_uint32(ASK_VERSION))
    except LockdownError:
        return 0


def handled(version: int) -> tuple[int, int, int]:
    """All rights over files and TCP, and all scopes, that a version knows."""
    files = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1
    return files, TCP if version >= 4 else 0, SCOPES if version >= 6 else 0


def restrict(read: Sequence[int], write: Sequence[int], *, files: Sequence[Rule] = (), abi: int) -> tuple[str, ...]:
    """Give up every right to files that is not named, for this thread and all that it starts, and say what is in force.

    Args:
        read: Descriptors of files and folders, opened with O_PATH.
        write: Of folders. In them, files, folders and symbolic links may be made, changed, moved and removed; nothing may be executed.
        files: What else is allowed. The devices that any program expects (`DEVICES`) always are.
        abi: This kernel's version, or an older one to keep to.

    Raises:
        LockdownError: A step failed. Nothing is in force then.
    """
    if abi < 1:
        raise LockdownError("Landlock: this kernel has none, or it is switched off")
    version = min(abi, NEWEST)
    known = _Known(*handled(version))
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = call(
        "Landlock ruleset", "landlock_create_ruleset", ctypes.byref(known), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    devices: list[int] = []
    try:
        _add_all(ruleset, known.files, [*((fd, READ) for fd in read), *((fd, WRITE) for fd in write), *files])
        for path, access in DEVICES:
            with contextlib.suppress(FileNotFoundError):
                devices.append(os.open(path, os.O_PATH | os.O_CLOEXEC))
                _add_all(ruleset, known.files, [(devices[-1], access)])
        no_new_privileges()
        call("Landlock", "landlock_restrict_self", ruleset, ctypes.c_uint32(0))
    finally:
        for fd in (ruleset, *devices):
            os.close(fd)
    return (
        f"landlock-{version}",
        "filesystem",
        *(("tcp",) if known.tcp else ()),
        *(("abstract-sockets", "signals") if known.scopes else ()),
    )


class _Known(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("tcp", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("fd", ctypes.c_int32))


def _add_all(ruleset: int, known: int, rules: Sequence[tuple[int, int]]) -> None:
    """Add rules, as far as the version knows their rights. That of a file keeps only the rights of a file."""
    beneath = _Beneath()
    add = prepared(
        "landlock_add_rule", ctypes.c_int(ruleset), ctypes.c_uint(BENEATH), ctypes.byref(beneath), ctypes.c_uint32(0)
    )
    for fd, access in rules:
        beneath.fd, beneath.access = fd, access & known
        if add() == 0:
            continue
        number = ctypes.get_errno()
        if number == errno.EINVAL and access & known & ~OF_FILES:
            # Rights of folders over a file. Asking the kernel is cheaper than looking at each before.
            beneath.access = access & known & OF_FILES
            if add() == 0:
                continue
            number = ctypes.get_errno()
        raise LockdownError(f"Landlock rule for descriptor {fd}: {os.strerror(number)}", number)
