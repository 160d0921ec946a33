"""The Java processes that play TextWorldExpress, started once and lent out.

In:  the name of a game, and its parameters.
Out: a process that has it loaded; given back, it serves the next one.

Starting one costs a fifth of a second and more, loading another game into it some milliseconds. All end with this
Python process, also when it is killed: each reads from a pipe that only this process holds. A forked child starts its
own. Not here: a bound on how many are alive at once; that is the number of games being played at once.
"""

import atexit
import os
import shutil
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from threading import Lock
from typing import Any, Protocol, cast

from purpose_agent.core.errors import MissingExtra, UsageError

REQUIREMENT = "textworld-express==1.1.0"


class Server(Protocol):
    """What is used here of `TextWorldExpressEnv`."""

    def load(self, gameName: str, gameParams: str) -> None: ...
    def reset(self, *, seed: int, gameFold: str, generateGoldPath: bool) -> tuple[str, dict[str, Any]]: ...
    def step(self, inputStr: str) -> tuple[str, float, bool, dict[str, Any]]: ...
    def getGoldActionSequence(self) -> list[str]: ...
    def getValidSeedsTrain(self) -> list[int]: ...
    def getValidSeedsDev(self) -> list[int]: ...
    def getValidSeedsTest(self) -> list[int]: ...
    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class Lent:
    """One Java process and the game it has loaded."""

    server: Server
    process: "subprocess.Popen[bytes]"
    game: tuple[str, str] = ("", "")

    def load(self, game: str, params: str = "") -> None:
        """Have `game` loaded, with parameters such as "numLocations=1" and else the package's own.

        Raises:
            UsageError: The package has no game of that name.
        """
        if self.game == (game, params):
            return
        try:
            self.server.load(game, params)
        except ValueError as error:
            raise UsageError(f"TextWorldExpress can't load the game {game!r}: {error}.") from error
        self.game = (game, params)

    def seeds(self, fold: str) -> list[int]:
        """The seeds that the package gives to a fold: "train", "dev" or "test"."""
        match fold:
            case "train":
                return self.server.getValidSeedsTrain()
            case "dev":
                return self.server.getValidSeedsDev()
            case "test":
                return self.server.getValidSeedsTest()
            case _:
                raise UsageError(f"TextWorldExpress has the folds train, dev and test, not {fold!r}.")

    def start(self, seed: int, fold: str, gold: bool = False) -> Mapping[str, Any]:
        """A new game; what it shows first. Nothing of the package stops a seed from another fold: ask `seeds`."""
        return self.server.reset(seed=seed, gameFold=fold, generateGoldPath=gold)[1]

    def end(self) -> None:
        """End the process, and see it gone."""
        self.server.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


@dataclass(slots=True)
class GamePool:
    """The owner of all Java processes of this Python process."""

    _idle: list[Lent] = field(default_factory=list[Lent])
    _alive: list[Lent] = field(default_factory=list[Lent])
    _inherited: list[Lent] = field(default_factory=list[Lent])
    _lock: Lock = field(default_factory=Lock)

    def borrow(self, game: str, params: str = "") -> Lent:
        """A process with `game` loaded: an idle one if there is one, else a new one.

        Raises:
            MissingExtra: Java or the package is not installed.
        """
        with self._lock:
            lent = next((idle for idle in self._idle if idle.game == (game, params)), self._idle[-1] if self._idle else None)
            if lent is None:
                lent = _started()
                self._alive.append(lent)
            else:
                self._idle.remove(lent)
        try:
            lent.load(game, params)
        except UsageError:
            self.give_back(lent)
            raise
        return lent

    def give_back(self, lent: Lent) -> None:
        """Let others have it. Twice is once."""
        with self._lock:
            if lent in self._alive and lent not in self._idle:
                self._idle.append(lent)

    @contextmanager
    def lending(self, game: str, params: str = "") -> Generator[Lent]:
        """`borrow` and `give_back`."""
        lent = self.borrow(game, params)
        try:
            yield lent
        finally:
            self.give_back(lent)

    def close(self) -> None:
        """End all of them, idle or not."""
        with self._lock:
            ending, self._alive, self._idle = self._alive, [], []
        for lent in ending:
            lent.end()

    @property
    def processes(self) -> Sequence[int]:
        """Their process ids."""
        return [lent.process.pid for lent in self._alive]

    def forget(self) -> None:
        """In a forked child: leave the parent's processes alone. Kept, for the package ends one that is collected."""
        self._inherited += self._alive
        self._alive, self._idle, self._lock = [], [], Lock()


POOL = GamePool()
atexit.register(POOL.close)
os.register_at_fork(after_in_child=POOL.forget)


def _started() -> Lent:
    """A new Java process, with no game loaded."""
    if shutil.which("java") is None:
        raise MissingExtra(
            "TextWorldExpress runs on Java, and there is no 'java' on the PATH. Install Java 8 or later, "
            "for example with: apt-get install default-jre-headless"
        )
    try:
        package = import_module("textworld_express")
    except ImportError as error:
        raise MissingExtra(f"The text games need a package: pip install {REQUIREMENT}") from error
    server = package.TextWorldExpressEnv(envStepLimit=1_000_000)  # the step budget is the environment's
    # The package offers no other way to its process, and its own `close` doesn't wait for the end.
    process = cast("subprocess.Popen[bytes]", server._gateway.java_process)
    return Lent(cast("Server", server), process)
