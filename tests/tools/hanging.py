"""Tools for `test_child.py`, in a module that another process can import."""

import os
import signal
import sys
from datetime import date, timedelta

from purpose_agent.core.errors import ToolError
from purpose_agent.core.tool import tool


@tool(process=True)
def whoami(greeting: str, times: int = 1) -> dict[str, object]:
    """Who does it, and what was said."""
    print("this goes nowhere near the answer")
    return {"pid": os.getpid(), "said": greeting * times}


@tool(process=True)
async def slowly(n: int) -> int:
    """An async function, in a process of its own."""
    return 2 * n


@tool(process=True)
def refuse() -> str:
    """A failure that was foreseen."""
    raise ToolError("Not today.")


@tool(process=True)
def break_down() -> str:
    """A failure that was not."""
    raise KeyError("lost")


@tool(process=True)
def leave() -> str:
    """Ends the program, as a library might."""
    sys.exit(3)


@tool(process=True)
def drop() -> str:
    """Ends the process without a word."""
    os._exit(3)


@tool(process=True)
def crash() -> str:
    """Is killed by the system."""
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


@tool(process=True)
def hang(path: str) -> str:
    """Forks, says so in a pipe that both hold, and hangs in both."""
    pipe = os.open(path, os.O_WRONLY)
    if os.fork() == 0:
        os.write(pipe, b"f")
    while True:
        signal.pause()


@tool(process=True, seconds=0.05)
def hang_shortly() -> str:
    """Hangs for longer than it may."""
    while True:
        signal.pause()


@tool(process=True)
def leave_behind(path: str) -> str:
    """Answers, and leaves a forked process that holds a pipe."""
    pipe = os.open(path, os.O_WRONLY)
    if os.fork() == 0:
        os.write(pipe, b"f")
        while True:
            signal.pause()
    return "done"


@tool(process=True)
def day_after(day: date) -> date:
    """The next day."""
    return day + timedelta(days=1)
