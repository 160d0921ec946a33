"""Several pieces of work at once, all of which end before this does.

In:  coroutines.
Out: nothing; the first exception of any, once the others were stopped.

As `asyncio.TaskGroup`, with two differences. Whoever stops it says why, and each piece hears that: Ctrl-C ends its run as
"interrupted". And what it raises is what a single piece raised, and no group.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def side_by_side(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of them."""
    tasks = [asyncio.create_task(work) for work in works]
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError as error:
        await _stop(tasks, error.args[0] if error.args else None)
        raise
    broken = [task for task in tasks if task.done() and not task.cancelled() and task.exception() is not None]
    if broken:
        await _stop(tasks, None)
    for task in (*broken, *tasks):
        task.result()


async def _stop(tasks: Iterable["asyncio.Task[None]"], why: str | None) -> None:
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel(why)
    if left:
        await asyncio.wait(left)
    for task in left:
        if not task.cancelled():
            task.exception()  # looked at, so that nobody calls it forgotten: the first one is what is told
