"""Where code that we did not write runs.

In:  code, limits, files for its folder.
Out: a `CodeResult`: how the code ended, what it handed back, which level held it and which measures were in force.

The best level of this machine is taken, and nothing below "good" unless it is asked for by name: then `SandboxUnavailable` says why, and
what to do. The README of this room says what each level stops and what it does not, with the tests that show it.
"""

import socket
import sys
from collections.abc import Mapping, Sequence

from purpose_agent.core.errors import UsageError
from purpose_agent.core.ports import CodeLimits, CodeResult, CodeRunner
from purpose_agent.sandbox import pool
from purpose_agent.sandbox.folders import remove_folder
from purpose_agent.sandbox.jobs import exchange, job_of, result_of, shielded
from purpose_agent.sandbox.levels import BY_NAME, WALLS, Level, level_wanted, unavailable


class Sandbox:
    """Runs Python code in a fresh copy of a clean process, locked down; implements `core.ports.CodeRunner`.

    The code sees the standard library, the packages, its files, and `result(value)`, which hands back a JSON value. It can start threads
    but no processes, and has no network (unless the level is "process-only").

    Args:
        level: At least this one, and of several the best that this machine has: None takes what `PURPOSE_AGENT_SANDBOX` says, else
            "good". "bubblewrap", "monty" and "process-only" are taken exactly.
        packages: What the code may import besides the standard library, as it imports them, with all that they need.
        limits: For executions that bring none of their own.
    """

    def __init__(self, level: Level | None = None, *, packages: Sequence[str] = (), limits: CodeLimits | None = None) -> None:
        if level is not None and level not in BY_NAME:
            raise UsageError(f"Sandbox: {level!r} is no level; it is one of {', '.join(BY_NAME)}.")
        if isinstance(packages, str):
            raise UsageError(f"Sandbox(packages={packages!r}): give a list of names, such as [{packages!r}].")
        self.level: Level = level or level_wanted() or "good"
        self.packages = tuple(packages)
        self.limits = limits or CodeLimits()

    @property
    def candidates(self) -> tuple[Level, ...]:
        """The levels that would do, best first."""
        return WALLS[: WALLS.index(self.level) + 1] if self.level in WALLS else (self.level,)

    async def run(
        self,
        code: str,
        *,
        limits: CodeLimits | None = None,
        files: Mapping[str, bytes] | None = None,
        results: Sequence[str] = (),
        second: str | None = None,
    ) -> CodeResult:
        """Run `code` with `files` in its folder, and end everything it started.

        Args:
            results: Patterns (fnmatch) of files in its folder to hand back; never through links.
            second: Code for a second process, which gets a line to the first one and nothing else (`wire.py`).

        Raises:
            SandboxUnavailable: This machine has no level that would do; the code was not run.
            UsageError: A name in `files` leads out of the folder, or there is no interpreter to start.
        """
        import anyio.to_thread

        limits = limits or self.limits
        if (other_way := self._other_way()) is not None:
            return await other_way.run(code, limits=limits, files=files, results=results, second=second)
        job = job_of(code, limits, files, results)
        other = job_of(second, limits, None, (), job["folder"]) if second is not None else None
        level, zygote, line = await shielded(self._line, _hang_up)
        answer = await exchange(line, other, job, zygote.done)
        if not answer and level != "strong":
            await anyio.to_thread.run_sync(remove_folder, job["folder"])
        if answer.get("refused"):
            raise unavailable([(level, str(answer["refused"]))])
        return result_of(answer, level)

    def probe(self) -> tuple[Level, tuple[tuple[Level, str], ...]]:
        """The level that code would run at, and why better ones can't be had. Starts the process to fork from.

        Raises:
            SandboxUnavailable: None of the levels that would do can be had here.
        """
        if self._other_way() is not None:
            return self.level, ()
        refused: list[tuple[Level, str]] = []
        for level in self.candidates:
            try:
                pool.zygote_for(level, self.packages)
            except pool.Refused as error:
                refused.append((level, str(error)))
                continue
            return level, tuple(refused)
        raise unavailable(refused)

    def _other_way(self) -> CodeRunner | None:
        """Who runs code at a level that has no process to fork from."""
        if self.level == "monty":
            from purpose_agent.sandbox.monty import MontyRunner

            return MontyRunner()
        if self.level == "bubblewrap":
            from purpose_agent.sandbox.bubblewrap import Bubblewrap

            return Bubblewrap(packages=self.packages)
        return None

    def _line(self) -> tuple[Level, pool.Zygote, socket.socket]:
        if not sys.executable:
            raise UsageError("There is no Python interpreter to start: sys.executable is empty in this program.")
        for last in (False, True):
            level, _ = self.probe()
            zygote = pool.zygote_for(level, self.packages)
            try:
                return level, zygote, zygote.connect()
            except OSError:
                pool.forget(level, self.packages, zygote)
                if last:
                    raise
        raise AssertionError("unreachable")


def _hang_up(line: tuple[Level, pool.Zygote, socket.socket]) -> None:
    """Nobody wants it any more."""
    _, zygote, ours = line
    ours.close()
    zygote.done()
