"""The corpus of attacks and benign programs on every runner: as this user, or as another in a process of its own.

In:  which users, how many attacks.
Out: an `Attempt` for each attack, runner and user, as the host's canaries judged it.

Run as a script it tries all of them as whoever runs it, and writes a line of JSON for each: that is how another user's are had.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.figures import ROOT
from purpose_agent.core.errors import SandboxUnavailable, UsageError
from tests.attack.escapes import ATTACKS, BENIGN, FAMILIES, Attack, Benign
from tests.attack.escapes.__main__ import Runner, try_one
from tests.attack.escapes.bare import BareRunner
from tests.attack.escapes.benign import failure
from tests.attack.escapes.exactly import Exactly

RUNNERS: tuple[Runner, ...] = ("bare", "process-only", "good", "strong")
NOBODY = 65534
PYTHONS = (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3")
MOST_BENIGN_QUICK = 3


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attack or benign program on one runner.

    Attributes:
        family: "benign" for a program that means no harm.
        tried: False where the machine lacks what it needs.
        succeeded: An attack: the canaries say so. A program: it handed back what it must.
        why: What was seen.
    """

    uid: int
    runner: str
    family: str
    name: str
    core: bool
    tried: bool
    succeeded: bool
    why: str


def chosen(quick: bool) -> tuple[tuple[Attack, ...], tuple[Benign, ...]]:
    """All of the corpus; or, to see that it runs, one attack of each family and some programs."""
    if not quick:
        return ATTACKS, BENIGN
    return tuple(next(one for one in ATTACKS if one.family == family) for family in FAMILIES), BENIGN[:MOST_BENIGN_QUICK]


def as_us(quick: bool) -> Iterator[Attempt]:
    """Every attack and program on every runner that this machine has, as this process's user."""
    attacks, programs = chosen(quick)
    for runner in RUNNERS:
        if _lacks(runner):
            continue
        for attack in attacks:
            yield asyncio.run(_attack(attack, runner))
        for program in programs:
            yield asyncio.run(_benign(program, runner))


def _lacks(runner: Runner) -> str:
    if runner == "bare":
        return ""
    try:
        Exactly(runner).probe()
    except SandboxUnavailable as error:
        return str(error)
    return ""


async def _attack(attack: Attack, runner: Runner) -> Attempt:
    try:
        done = await try_one(attack, runner)
        tried, succeeded, why = not done.missing, done.succeeded, done.why
    except (RuntimeError, SandboxUnavailable) as error:
        # Nobody could judge: on the bare child it counts as not real, behind a wall as an escape. Against us both times.
        tried, succeeded, why = True, runner != "bare", f"not judged: {type(error).__name__}: {error}"
    return Attempt(os.geteuid(), runner, attack.family, attack.name, attack.core, tried, succeeded, why)


async def _benign(program: Benign, runner: Runner) -> Attempt:
    tried = True
    try:
        if runner == "bare":
            with contextlib.closing(BareRunner()) as bare:
                why = await failure(program, bare)
        else:
            why = await failure(program, Exactly(runner, packages=program.packages))
    except UsageError as error:  # a package isn't installed here
        why, tried = str(error), False
    return Attempt(os.geteuid(), runner, "benign", program.name, True, tried, not why, why)


def as_nobody(quick: bool) -> tuple[list[Attempt], str]:
    """The same as a user without rights; or why that can't be."""
    if os.geteuid() != 0:
        return [], f"only root can become another user; this is {os.geteuid()}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        for python in PYTHONS:
            if Path(python).exists() and _works(python, folder):
                lines = _run(python, folder, "-m", "benchmarks.sandbox.attempts", *(["--quick"] if quick else [])).splitlines()
                return [Attempt(**json.loads(line)) for line in lines], ""
    return [], f"user {NOBODY} can start none of {', '.join(PYTHONS)} with this package's dependencies"


def _works(python: str, folder: str) -> bool:
    try:
        _run(python, folder, "-c", "import pydantic, anyio, tests.attack.escapes")
    except (subprocess.CalledProcessError, OSError):
        return False
    return True


def _run(python: str, folder: str, *arguments: str) -> str:
    """What a Python of that user's writes on stdout, with our packages on its path."""
    paths = [str(ROOT), str(ROOT / "src"), *(path for path in sys.path if path.endswith("-packages"))]
    done = subprocess.run(
        [python, "-B", *arguments],
        cwd=ROOT,
        env={"PATH": os.defpath, "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(paths)},
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if arguments[0] == "-m" else subprocess.DEVNULL,
        check=True,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    for each in as_us("--quick" in sys.argv):
        print(json.dumps(asdict(each)), flush=True)
