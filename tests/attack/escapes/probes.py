"""What attacks need of the kernel and the user, tried out in this process."""

import ctypes
import os
import platform
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from tests.attack.escapes.attack import Need


def unmet(needs: tuple[Need, ...], uid: int | None = None) -> tuple[Need, ...]:
    """Those of `needs` that this machine, or the user the code runs as, does not offer."""
    return tuple(need for need in needs if not PROBES[need]() or (need == "root" and uid))


def _call(number: int, *words: int) -> int:
    """The error number of a system call; 0 if it worked."""
    libc: Any = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    answer = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(word) for word in words))
    if answer >= 0 and number in (323,):
        os.close(int(answer))
    return ctypes.get_errno() if answer < 0 else 0


def _is_x86() -> bool:
    return sys.platform == "linux" and platform.machine() == "x86_64"


def _has_ia32() -> bool:
    return _is_x86() and os.path.exists("/proc/sys/abi/vsyscall32")


def _there(number: int, *words: int) -> Callable[[], bool]:
    return lambda: _is_x86() and _call(number, *words) not in (1, 38)  # EPERM, ENOSYS


PROBES: dict[Need, Callable[[], bool]] = {
    "root": lambda: os.geteuid() == 0,
    "x86-64": _is_x86,
    "ia32": _has_ia32,
    "x32": _there(0x40000000 + 39),
    "io_uring": _there(425, 0, 0),
    "bpf": _there(321, 99, 0, 0),
    "userfaultfd": _there(323, 0o2000000),
    "keyctl": _there(250, 0, -3, 0),
    "readline": lambda: find_spec("readline") is not None,
    "new calls": _there(463, -1, 0, 0, 0, 0, 0),
}
