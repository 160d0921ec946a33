"""Ways to run `result(1)`, ours and others', each as one coroutine that does it and says whether it worked.

In:  what this machine has.
Out: the ways by their names; and why the others are missing.
"""

import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from purpose_agent.core.errors import MissingExtra, SandboxUnavailable
from purpose_agent.core.ports import CodeRunner
from purpose_agent.sandbox.bubblewrap import Bubblewrap
from purpose_agent.sandbox.levels import Level
from purpose_agent.sandbox.monty import MontyRunner
from tests.attack.escapes.exactly import Exactly

Way: TypeAlias = Callable[[], Awaitable[bool]]
OURS: tuple[Level, ...] = ("strong", "good", "process-only")
BARE, BUBBLEWRAP, MONTY, MONTY_ALONE = "python -I -c", "bubblewrap (ours)", "monty (ours)", "monty (its pool)"
CODE = "result(1)"
MONTY_SCRIPT = """
import sys
from pydantic_monty import Monty
with Monty() as pool:
    for _ in sys.stdin:
        with pool.checkout() as session:
            found = []
            session.feed_run("result(1)", external_lookup={"result": found.append})
            print(*found, flush=True)
"""


def ways() -> tuple[dict[str, Way], list[str]]:
    """Those that this machine has, and why the others are missing. At most one at a time may be asked of `MONTY_ALONE`."""
    found: dict[str, Way] = {}
    missing: list[str] = []
    for level in OURS:
        sandbox = Exactly(level)
        try:
            sandbox.probe()
        except SandboxUnavailable as error:
            missing.append(str(error))
            continue
        found[level] = _run_by(sandbox)
    found[BARE] = _bare
    try:
        found[BUBBLEWRAP] = _run_by(Bubblewrap())
    except SandboxUnavailable as error:
        missing.append(str(error))
    try:
        found[MONTY] = _run_by(MontyRunner())
    except MissingExtra as error:
        missing.append(str(error))
    return found, missing


def _run_by(runner: CodeRunner) -> Way:
    async def run() -> bool:
        done = await runner.run(CODE)
        return (done.status, done.value) == ("ok", "1")

    return run


async def _bare() -> bool:
    """What a child process costs that nothing holds."""
    import anyio

    done = await anyio.run_process([sys.executable, "-I", "-c", "print(1)"], check=False)
    return (done.returncode, done.stdout) == (0, b"1\n")


class MontyAlone:
    """Monty as its own README uses it: a pool of workers that stay, without a process of ours between.

    The pool lives in a process of its own here, so that it can't disturb what is measured beside it; the way there is counted.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", MONTY_SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    async def run(self) -> bool:
        """One execution. It blocks the loop for some milliseconds, which nothing else needs."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("Popen gave no pipes")
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._process.stdout.readline() == "1\n"

    def close(self) -> None:
        """End it."""
        self._process.communicate()
