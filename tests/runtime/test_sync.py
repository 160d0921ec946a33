"""Blocking calls work from scripts, notebooks and threads; Ctrl-C ends the run, not the loop."""

import asyncio
import contextvars
import gc
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from purpose_agent.core.errors import UsageError
from purpose_agent.runtime.sync import run_sync
from tests.runtime.given import said_by


async def _double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


def test_the_result_comes_back() -> None:
    assert run_sync(_double(21)) == 42


def test_the_exception_comes_back() -> None:
    async def fail() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        run_sync(fail())


def test_an_exit_asked_for_inside_ends_the_caller_and_leaves_the_loop_alive() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        run_sync(leave())

    assert run_sync(_double(1)) == 2


def test_it_works_where_a_loop_is_already_running() -> None:
    async def notebook_cell() -> int:
        return run_sync(_double(4))

    assert asyncio.run(notebook_cell()) == 8


def test_eight_threads_share_one_loop() -> None:
    barrier = threading.Barrier(8, timeout=10)

    async def work(number: int) -> tuple[int, int]:
        return await _double(number), id(asyncio.get_running_loop())

    def call(number: int) -> tuple[int, int]:
        barrier.wait()
        return run_sync(work(number))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(call, range(8)))

    assert [result for result, _ in results] == [0, 2, 4, 6, 8, 10, 12, 14]
    assert len({loop for _, loop in results}) == 1


def test_a_blocking_call_from_inside_is_refused_with_advice() -> None:
    async def tool() -> int:
        return run_sync(_double(1))

    with pytest.raises(UsageError, match="Use the async form"):
        run_sync(tool())
    # A coroutine that was never awaited would warn here, and warnings are errors.
    gc.collect()


def test_a_blocking_call_from_a_thread_of_the_inside_works() -> None:
    async def tool() -> int:
        return await asyncio.to_thread(lambda: run_sync(_double(5)))

    assert run_sync(tool()) == 10


def test_context_variables_of_the_caller_are_seen_inside() -> None:
    who = contextvars.ContextVar("who", default="nobody")
    who.set("caller")

    async def ask() -> str:
        return who.get()

    assert run_sync(ask()) == "caller"


def test_ctrl_c_cancels_waits_for_the_end_and_then_raises() -> None:
    story: list[object] = []

    async def run() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(30)
        except asyncio.CancelledError as cancelled:
            story.append(cancelled.args)
            await asyncio.sleep(0.01)
            story.append("saved")
            raise

    with pytest.raises(KeyboardInterrupt):
        run_sync(run())

    assert story == [("interrupted",), "saved"]
    assert run_sync(_double(1)) == 2


def test_ctrl_c_before_the_first_step_ends_the_call_and_never_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, release = threading.Event(), threading.Event()
    begun: list[bool] = []
    scheduled: list[object] = []

    async def block() -> None:
        busy.set()
        release.wait(10)

    async def never() -> None:
        begun.append(True)

    async def own_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    loop = run_sync(own_loop())
    call_soon = loop.call_soon_threadsafe

    def interrupted(callback: Callable[..., object], *args: object) -> None:
        call_soon(callback, *args)
        scheduled.append(callback)
        if len(scheduled) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        else:
            # Call and interrupt are both waiting for the loop now.
            release.set()

    with ThreadPoolExecutor(1) as pool:
        blocked = pool.submit(lambda: run_sync(block()))
        assert busy.wait(10)
        monkeypatch.setattr(loop, "call_soon_threadsafe", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_sync(never())
        blocked.result(10)

    assert begun == []
    gc.collect()


FORK = """
import asyncio, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks beside threads, which is the point here
from purpose_agent.runtime.sync import run_sync

async def who():
    await asyncio.sleep(0)
    return os.getpid()

assert run_sync(who()) == os.getpid()
child = os.fork()
if child == 0:
    print(run_sync(who()) == os.getpid(), flush=True)
    sys.exit(0)
os.waitpid(child, 0)
print(run_sync(who()) == os.getpid())
"""


def test_a_forked_child_has_a_loop_of_its_own() -> None:
    assert said_by(FORK) == ["True", "True"]
