"""A process of its own that locks itself down, as bare as the sandbox's, and how it looks from outside."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import purpose_agent.sandbox

ROOM = str(Path(purpose_agent.sandbox.__file__).parent)
NOBODY = 65534
BOOT = f"""
import ctypes, errno, os, sys, types
for name, path in (("purpose_agent", []), ("purpose_agent.sandbox", [{ROOM!r}])):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = path
from purpose_agent.sandbox import landlock, seccomp, syscalls
MACHINE, LIBC = os.uname().machine, ctypes.CDLL(None, use_errno=True)

def told(act):
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def call(name, *arguments):
    number = name if isinstance(name, int) else syscalls.TABLES[MACHINE][name]
    if LIBC.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, arguments)) < 0:
        raise OSError(ctypes.get_errno(), "")
"""
FILTER = "seccomp.install(seccomp.program(MACHINE, os.getpid()))\n"


def python(code: str, *, user: int | None = None) -> list[str]:
    """The command that runs `code`, with what `BOOT` brings."""
    found = sys.executable if user is None else "/usr/bin/python3"
    return [found, "-I", "-S", "-c", BOOT + code]


def run(code: str, folder: Path, *, user: int | None = None, fds: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
    """What became of `code`.

    Args:
        user: Who runs it, where the tests run as root; None for whoever runs them.
    """
    groups = () if user is not None else None
    return subprocess.run(
        python(code, user=user),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        pass_fds=fds,
        user=user,
        group=user,
        extra_groups=groups,
    )


def told(code: str, folder: Path, *, user: int | None = None, fds: Sequence[int] = ()) -> str:
    """What `code` printed; it must have come to its end."""
    found = run(code, folder, user=user, fds=fds)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def can_be_nobody(folder: Path) -> bool:
    """Whether a user without rights can be tried here."""
    return os.getuid() == 0 and os.path.exists("/usr/bin/python3") and run("", folder, user=NOBODY).returncode == 0
