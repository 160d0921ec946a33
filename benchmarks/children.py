"""Processes that are killed in the middle of their work, and processes that work at the same moment.

In:  what a process does, as a function that is given a pipe as its last argument.
Out: what it said on that pipe, message by message.

A process says one message when it is ready, which is not passed on; whatever comes after it counts. Not here: what the
messages mean.
"""

import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from signal import SIGKILL
from typing import TypeAlias

Work: TypeAlias = Callable[..., None]
"""Called as `work(*arguments, pipe)`."""
READY, GO = b"ready", b"go"
MODULES = [
    "benchmarks.kills",
    "benchmarks.gate.work",
    "purpose_agent.learning.reflect",
    "purpose_agent.models.decode",
    "purpose_agent.prompts.loader",
    "anyio",
    "apsw",
    "pydantic",
]
"""Loaded once and then forked: a process that is killed after some milliseconds must not spend them on imports."""


def killed(work: Work, arguments: Sequence[object], *, seconds: float, after: int = 0) -> list[bytes]:
    """Start a process, and kill it (SIGKILL) so many seconds after it was ready; what it said until then.

    Args:
        after: The seconds begin when it has said so many messages: a busy machine must not leave it without work.

    Raises:
        ChildFailed: It ended before it was killed: it is to work on until then.
    """
    context = _context()
    ear, mouth = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(*arguments, mouth), daemon=True)
    process.start()
    mouth.close()
    said: list[bytes] = []
    is_ready = _heard(ear) is not None
    while is_ready and len(said) < after and (message := _heard(ear)) is not None:
        said.append(message)
    time.sleep(seconds)
    process.kill()
    process.join()
    ended = process.exitcode
    process.close()
    while (message := _heard(ear)) is not None:
        said.append(message)
    ear.close()
    if ended != -SIGKILL:
        raise ChildFailed(f"{work.__name__} ended by itself, with exit code {ended}; its own output says why.")
    return said


def at_once(work: Work, calls: Sequence[Sequence[object]]) -> list[list[bytes]]:
    """Start a process for each of `calls`, let all go at the same moment, and hear them to their end.

    A process waits for `GO` after it was ready. One that dies has said what it said; its exit code is not looked at.
    """
    context = _context()
    pipes = [context.Pipe() for _ in calls]
    processes = [
        context.Process(target=work, args=(*arguments, there), daemon=True)
        for arguments, (_, there) in zip(calls, pipes, strict=True)
    ]
    for process in processes:
        process.start()
    said: dict[Connection, list[bytes]] = {here: [] for here, _ in pipes}
    for here, there in pipes:
        there.close()
        here.recv_bytes()
    for here in said:
        here.send_bytes(GO)
    talking = list(said)
    while talking:
        for here in wait(talking):
            assert isinstance(here, Connection)
            if (message := _heard(here)) is None:
                here.close()
                talking.remove(here)
            else:
                said[here].append(message)
    for process in processes:
        process.join()
    return list(said.values())


class ChildFailed(RuntimeError):
    """A process did not do what it was started for."""


def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(MODULES)
    return context


def _heard(ear: Connection) -> bytes | None:
    """The next message; None if the other end is closed and nothing is left."""
    try:
        return ear.recv_bytes()
    except EOFError:
        return None
