"""The processes that are forked for each execution: one for a level and its packages, started when first needed.

In:  a level, packages; then jobs.
Out: answers, in a thread of the caller's.

Threads of several event loops may use it at once. A process that has forked often is replaced, and ends when its last execution has.
"""

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from typing import Any, TypeAlias

from purpose_agent.sandbox import frames
from purpose_agent.sandbox.levels import Level, library, readable

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zygote.py")
RENEWED_AFTER = 2000
START_SECONDS = 30.0
GRACE = 60.0
"""Seconds that an execution may take beyond its own, to begin and to be cleared up."""


class Refused(Exception):
    """A level can't be had here; the text says why.

    Attributes:
        for_good: The process to fork from said so itself; else it may be the moment's fault.
    """

    def __init__(self, why: str, *, for_good: bool = True) -> None:
        super().__init__(why)
        self.for_good = for_good


class Zygote:
    """One process to fork from. Starting it takes some tenths of a second."""

    def __init__(self, level: Level, packages: tuple[str, ...]) -> None:
        read, sites = readable(packages)
        policy = {
            "level": level,
            "packages": packages,
            "read": read,
            "sites": sites,
            "library": library(),
        }
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-B", "-S", "-X", "utf8", SCRIPT, json.dumps(policy), str(theirs.fileno())]
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        environment["MALLOC_ARENA_MAX"] = "2"  # each arena takes address space, and threads would each have one
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()
        self._control = ours
        _ours.add(ours)
        self._lock = threading.Lock()
        self._begun = self._running = 0
        self._retired = False
        try:
            self._wait_until_ready(level)
        except BaseException:
            self._end()
            raise

    def _wait_until_ready(self, level: Level) -> None:
        self._control.settimeout(START_SECONDS)
        said = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while not said.endswith(b"\n") and (part := self._control.recv(4096)):
                said += part
        self._control.settimeout(None)
        words: dict[str, Any] = json.loads(said) if said.endswith(b"\n") else {}
        if not words.get("ready"):
            told = words.get("failed")
            raise Refused(str(told or f"the process to fork from did not start ({level})"), for_good=bool(told))

    @property
    def is_worn(self) -> bool:
        """It has forked often enough."""
        return self._begun >= RENEWED_AFTER

    def connect(self) -> socket.socket:
        """The line of a new execution.

        Raises:
            OSError: The process has ended.
        """
        ours, theirs = socket.socketpair()
        _ours.add(ours)
        try:
            with self._lock, theirs:
                if self._retired:
                    raise ConnectionError("this process forks no more")
                socket.send_fds(self._control, [b"x"], [theirs.fileno()])
                self._begun += 1
                self._running += 1
        except OSError:
            ours.close()
            raise
        return ours

    def done(self) -> None:
        """An execution is over."""
        with self._lock:
            self._running -= 1
            over = self._retired and not self._running
        if over:
            self._end()

    def retire(self) -> None:
        """End it when nothing runs any more."""
        with self._lock:
            self._retired = True
            over = not self._running
        if over:
            self._end()

    def kill(self) -> None:
        """End it at once, and all below it."""
        self._process.kill()
        self._process.wait()
        self._control.settimeout(START_SECONDS)
        with contextlib.suppress(TimeoutError, ConnectionError):
            self._control.recv(1)  # the end of it is the end of all of them

    def _end(self) -> None:
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


Key: TypeAlias = tuple[Level, tuple[str, ...]]

_zygotes: dict[Key, Zygote] = {}
_refusals: dict[Key, str] = {}
_starting: dict[Key, threading.Lock] = {}
_lock = threading.Lock()
_ours: "weakref.WeakSet[socket.socket]" = weakref.WeakSet()
"""Sockets that tell others that we live: a fork of this process must not hold them."""


def zygote_for(level: Level, packages: tuple[str, ...]) -> Zygote:
    """The process to fork from, started if need be.

    Raises:
        Refused: The level can't be had here.
    """
    key = (level, packages)
    with _lock:
        turn = _starting.setdefault(key, threading.Lock())
    with turn:
        with _lock:
            if key in _refusals:
                raise Refused(_refusals[key])
            found = _zygotes.get(key)
            if found is not None and not found.is_worn:
                return found
            worn = _zygotes.pop(key, None)
        if worn is not None:
            worn.retire()
        try:
            made = Zygote(level, packages)
        except Refused as refused:
            if refused.for_good:
                with _lock:
                    _refusals[key] = str(refused)
            raise
        with _lock:
            _zygotes[key] = made
        return made


def forget(level: Level, packages: tuple[str, ...], gone: Zygote) -> None:
    """A process to fork from has ended by itself."""
    with _lock:
        if _zygotes.get((level, packages)) is gone:
            del _zygotes[level, packages]
    gone.retire()


def converse(line: socket.socket, second: Mapping[str, Any] | None, job: Mapping[str, Any]) -> dict[str, Any]:
    """Send jobs, and wait until nothing of them is left; the answer, {} if there was none in time."""
    answer: dict[str, Any] = {}
    line.settimeout(job["limits"]["seconds"] + GRACE)
    with contextlib.suppress(ConnectionError, EOFError, TimeoutError):
        for words in (second, job):
            frames.send(line, words)
        answer = frames.receive(line)
        line.recv(1)  # until it has cleared up
    return answer


def forget_all() -> None:
    """End all of them, and forget what is known of this machine."""
    with _lock:
        all_of_them = [*_zygotes.values()]
        _zygotes.clear()
        _refusals.clear()
    for each in all_of_them:
        each.retire()


def _begin_anew() -> None:
    """In a fork of the user's process: the parent's are not ours, and must not seem to be wanted when the parent is gone."""
    global _lock
    _lock = threading.Lock()
    _starting.clear()
    _zygotes.clear()
    for each in [*_ours]:
        each.close()
    _ours.clear()


atexit.register(forget_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
