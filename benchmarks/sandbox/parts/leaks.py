"""What ten thousand executions leave behind: in this process, in those that are forked from, on the machine.

In:  a mix of executions that end in every way there is, some of them cancelled from outside; the best level of this machine.
Out: each thing that is counted, before and after; how many grew; how many executions did not end as they must.

The first executions are not counted: they load modules and start what stays. Orphans of ours become our children, so that none is missed.
"""

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Figures, unmeasured
from benchmarks.sandbox.inventory import ROOM, Growth, compared, settled
from benchmarks.sandbox.options import Options
from purpose_agent.core.errors import SandboxUnavailable
from purpose_agent.core.ports import CodeLimits
from purpose_agent.runtime.sync import run_sync
from purpose_agent.sandbox import pool, tree
from purpose_agent.sandbox.sandbox import Sandbox

EXECUTIONS, QUICK, WARM_UP, AT_ONCE = 10_000, 500, 150, 4
LIMITS = CodeLimits(seconds=5, memory_mb=256, processes=32)
SHORT = CodeLimits(seconds=0.1, memory_mb=256)
WANTED = {
    "leaks_10k": "things that grew over that many executions, of those counted",
    "leaks_counted": "things that are counted",
    "leaks_wrong_ends": "of those executions, how many did not end as they must",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of execution.

    Attributes:
        ends: What its status must be; several where it is a race who ends it.
        cancelled: Seconds after which the caller gives up; None if it waits.
        natively: It gives up by `asyncio`'s own cancellation, from which anyio's shields don't protect.
    """

    name: str
    code: str
    ends: tuple[str, ...]
    limits: CodeLimits = LIMITS
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    results: tuple[str, ...] = ()
    cancelled: float | None = None
    natively: bool = False


OK = Kind("ok", "result(sum(range(1000)))", ("ok",))
ERROR = Kind("error", "raise ValueError('so')", ("error",))
THREADS = """
import threading
found = []
threads = [threading.Thread(target=found.append, args=(n,)) for n in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
result(len(found))
"""
FILES = "import os\nos.makedirs('out/deep')\nfor n in range(20): open(f'out/deep/{n}', 'w').write(open('in/a').read() * 50)"
MIX: tuple[Kind, ...] = (
    *(OK,) * 12,
    *(ERROR,) * 6,
    Kind("many threads", THREADS, ("ok",)),
    *(Kind("files", FILES, ("ok",), files={"in/a": b"12" * 500}, results=("out/deep/1*",)),) * 2,
    Kind(
        "threads that stay",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()",
        ("timeout",),
        SHORT,
    ),
    Kind("timeout", "while True: pass", ("timeout",), SHORT),
    Kind("killed by itself", "import os, signal\nos.abort()", ("killed",)),
    Kind("left early", "import os\nos._exit(3)", ("error",)),
    Kind("memory", "x = bytearray(10**10)", ("memory",)),
    Kind("output", "while True: print('x' * 10_000)", ("output",)),
    Kind("open descriptors", "kept = [open('a', 'w') for _ in range(200)]\nresult(len(kept))", ("ok",)),
    Kind("cancelled", "while True: pass", (), cancelled=0.03),
    Kind("cancelled at once", "result(1)", (), cancelled=0.0),
    Kind("cancelled soon", "result(1)", (), cancelled=0.002),
    Kind("cancelled by asyncio", "while True: pass", (), cancelled=0.03, natively=True),
    Kind("cancelled by asyncio soon", "result(1)", (), cancelled=0.001, natively=True),
)
"""What is run in turn, over and over."""


def measure(options: Options) -> Figures:
    """Ten thousand executions at the best level; 500 with `--quick`."""
    total = QUICK if options.quick else EXECUTIONS
    usual = tempfile.tempdir
    pool.forget_all()
    tree.prctl(tree.SET_CHILD_SUBREAPER, 1)
    try:
        with tempfile.TemporaryDirectory(prefix="leaks-") as folder:
            Path(folder).chmod(0o755)
            tempfile.tempdir = folder  # where nothing but ours is
            level, _ = Sandbox().probe()
            return _measured(level, total)
    except SandboxUnavailable as error:
        return unmeasured(str(error), **WANTED)
    finally:
        tempfile.tempdir = usual
        pool.forget_all()
        tree.prctl(tree.SET_CHILD_SUBREAPER, 0)


def _measured(level: str, total: int) -> Figures:
    run_sync(_run(WARM_UP))
    before = settled()
    wrong = run_sync(_run(total))
    growths = compared(before, settled())
    show(level, total, growths, wrong)
    return {
        "leaks_10k": Figure(WANTED["leaks_10k"], sum(each.grew for each in growths), n=total),
        "leaks_counted": Figure(WANTED["leaks_counted"], len(growths)),
        "leaks_wrong_ends": Figure(WANTED["leaks_wrong_ends"], wrong.total(), n=total),
    }


async def _run(total: int) -> Counter[str]:
    """What ended otherwise than it must, in words."""
    import anyio

    wrong: Counter[str] = Counter()
    turns = iter(range(total))

    async def caller() -> None:
        for number in turns:
            kind = MIX[number % len(MIX)]
            if said := await ending(kind):
                wrong[f"{kind.name}: {said}"] += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(caller)
    return wrong


async def ending(kind: Kind) -> str:
    """How it ended, if it must not; "" if it ended well."""
    import anyio

    sandbox = Sandbox()
    work = sandbox.run(kind.code, limits=kind.limits, files=kind.files, results=kind.results)
    if kind.natively:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(kind.cancelled):
                await work
        return ""
    with anyio.move_on_after(float("inf") if kind.cancelled is None else kind.cancelled):
        done = await work
        if kind.cancelled is None and done.status not in kind.ends:
            return f"{done.status}: {done.stderr.strip()[-200:]}"
    return ""


def show(level: str, total: int, growths: Sequence[Growth], wrong: Counter[str]) -> None:
    """Print each thing, and which executions ended wrongly."""
    title = f'before and after {total} executions at "{level}", {AT_ONCE} at once'
    table = Table("counted", "before", "after", "may grow by", "grew", title=title, title_justify="left")
    for each in growths:
        room = ROOM.get(each.name, 0)
        table.add_row(each.name, f"{each.before:.0f}", f"{each.after:.0f}", str(room), "yes" if each.grew else "no")
    console = Console()
    console.print(table)
    for said, times in wrong.most_common():
        console.print(f"{times} × {said}", markup=False)
