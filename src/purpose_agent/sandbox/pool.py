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
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from typing import Any

from purpose_agent.sandbox import zygote
from purpose_agent.sandbox.levels import Level, library, readable

RENEWED_AFTER = 2000
START_SECONDS = 30.0
MOST_ANSWER = 512 * 2**20


class Refused(Exception):
    """A level can't be had here; the text says why."""


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
            "base": os.path.realpath(tempfile.gettempdir()),
        }
        ours, theirs = socket.socketpair()
        script = os.path.abspath(str(zygote.__file__))
        command = [sys.executable, "-I", "-B", "-S", "-X", "utf8", script, json.dumps(policy), str(theirs.fileno())]
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
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
            raise Refused(str(words.get("failed") or f"the process to fork from did not start ({level})"))

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
        try:
            with self._lock, theirs:
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


_zygotes: dict[tuple[Level, tuple[str, ...]], Zygote] = {}
_refusals: dict[tuple[Level, tuple[str, ...]], str] = {}
_lock = threading.Lock()


def zygote_for(level: Level, packages: tuple[str, ...]) -> Zygote:
    """The process to fork from, started if need be.

    Raises:
        Refused: The level can't be had here.
    """
    key = (level, packages)
    with _lock:
        if key in _refusals:
            raise Refused(_refusals[key])
        found = _zygotes.get(key)
        if found is not None and not found.is_worn:
            return found
        if found is not None:
            del _zygotes[key]
            found.retire()
        try:
            return _zygotes.setdefault(key, Zygote(level, packages))
        except Refused as refused:
            _refusals[key] = str(refused)
            raise


def forget(level: Level, packages: tuple[str, ...], gone: Zygote) -> None:
    """A process to fork from has ended by itself."""
    with _lock:
        if _zygotes.get((level, packages)) is gone:
            del _zygotes[level, packages]
    gone.retire()


def converse(line: socket.socket, second: Mapping[str, Any] | None, job: Mapping[str, Any]) -> dict[str, Any]:
    """Send jobs, and wait until nothing of them is left; the answer, {} if there was none."""
    answer: dict[str, Any] = {}
    with contextlib.suppress(ConnectionError, EOFError):
        for words in (second, job):
            data = json.dumps(words).encode()
            line.sendall(struct.pack("!I", len(data)) + data)
        (size,) = struct.unpack("!I", _exactly(line, 4))
        if size > MOST_ANSWER:
            raise RuntimeError("The sandbox's supervisor answered more than it can have to say.")
        answer = json.loads(_exactly(line, size))
        line.recv(1)  # until it has cleared up
    return answer


def _exactly(line: socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = line.recv(min(size, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def forget_all() -> None:
    """End all of them, and what is known of this machine."""
    with _lock:
        for each in _zygotes.values():
            each.retire()
        _zygotes.clear()
        _refusals.clear()


def _begin_anew() -> None:
    """In a fork of the user's process: the parent's are not ours."""
    global _lock
    _lock = threading.Lock()
    _zygotes.clear()


atexit.register(forget_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
