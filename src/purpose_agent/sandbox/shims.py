"""What of Python's library is made to work where the kernel's way is closed.

Locks of `multiprocessing` are made of those of threads: there are no other processes to share them with. Copies of files leave modes
and times as they come, where those can't be set (level good). Nothing else is changed, and nothing rests on it: code may undo it.
Standard library only: it runs where this package can't be imported.
"""

import contextlib
import importlib
import shutil
import threading
from collections.abc import Callable
from typing import Any

MUTEX = 0
MOST = 2**31 - 1


class ThreadSemaphore:
    """`_multiprocessing.SemLock` for the threads of one process: a semaphore, or a lock that its holder may take again.

    `multiprocessing.synchronize` asks for just these names.
    """

    SEM_VALUE_MAX = MOST
    name = None
    handle = 0

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        self.kind, self.maxvalue = kind, maxvalue
        self._value, self._mine = value, 0
        self._holder = 0
        self._changed = threading.Condition()

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take one, waiting for it if need be."""
        me = threading.get_ident()
        with self._changed:
            if self.kind == MUTEX and self._mine and self._holder == me:
                self._mine += 1
                return True
            if not self._changed.wait_for(lambda: self._value > 0, timeout if block else 0):
                return False
            self._value -= 1
            self._holder, self._mine = me, self._mine + 1
            return True

    def release(self) -> None:
        """Give one back."""
        with self._changed:
            if self.kind == MUTEX:
                if not self._is_mine():
                    raise AssertionError("attempt to release recursive lock not owned by thread")
                if self._mine > 1:
                    self._mine -= 1
                    return
            if self._value >= self.maxvalue:
                raise ValueError("semaphore or lock released too many times")
            self._value += 1
            self._mine = max(0, self._mine - 1)
            self._changed.notify()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _count(self) -> int:
        return self._mine

    def _is_mine(self) -> bool:
        return self._mine > 0 and self._holder == threading.get_ident()

    def _get_value(self) -> int:
        return self._value

    def _is_zero(self) -> bool:
        return self._value == 0

    def _after_fork(self) -> None:
        """There is none."""


def install(*, modes: bool) -> None:
    """Change the library, in the process to fork from.

    Args:
        modes: Whether modes and times can be set.
    """
    importlib.import_module("_multiprocessing").__dict__["SemLock"] = ThreadSemaphore
    if not modes:
        for name in ("copymode", "copystat"):
            setattr(shutil, name, _as_far_as_allowed(getattr(shutil, name)))


def _as_far_as_allowed(function: Callable[..., None]) -> Callable[..., None]:
    def copied(*arguments: Any, **named: Any) -> None:
        with contextlib.suppress(PermissionError):
            function(*arguments, **named)

    copied.__doc__, copied.__name__ = function.__doc__, function.__name__
    return copied
