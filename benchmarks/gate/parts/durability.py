"""Durability: a process is killed (SIGKILL) again and again in the middle of gate work, and many work at once.

In:  a seed.
Out: acknowledged changes of memories that are missing, and histories that can't be.

After each kill the file is opened as a new process would open it, and looked at as a whole; then the next process goes on
with it. The moments are drawn with the seed; what the process is doing then depends on the machine. A power cut is
another matter (see `runtime/database.py`), and is not tried.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.children import at_once, killed
from benchmarks.figures import Figure, Figures
from benchmarks.gate.ledger import ledger_of
from benchmarks.gate.options import Options
from benchmarks.gate.work import DONE, REFUSED, Told, told, work_for_a_while, work_until_killed

KILLS, QUICK_KILLS = 300, 10
MOST_HEARD, LONGEST_SECONDS = 60, 0.006
"""A process is killed after it has said from 0 to so many things, and then from 0 to so many seconds, which is time for
several changes more. Before the first it opens the workspace."""
LIVES = 60
"""So many processes are killed in one workspace; then comes a new one, so that births of a file are hit too."""
MOST_TOLD = 20
PROCESSES, QUICK_PROCESSES = 8, 2
ACTS, QUICK_ACTS = 250, 20
"""Attempts at a change in each of the processes that work at once."""
WANTED = {
    "kill_lost": "acknowledged changes of memories that were lost by kill -9 in the middle of gate work",
    "kill_faults": "memories with an impossible history after kill -9: off the table, promoted twice, half changed",
    "crowd_lost": "acknowledged changes of memories that were lost with 8 processes on one workspace",
    "crowd_faults": "memories with an impossible history after 8 processes worked on one workspace",
}
"""Every figure of this part, and what it is."""


@dataclass(slots=True)
class Seen:
    """What came of it.

    Attributes:
        acknowledged: Changes that a process said it had made.
        refused: Attempts that came second, and were told so.
    """

    acknowledged: int = 0
    refused: int = 0
    lost: set[Told] = field(default_factory=set[Told])
    faults: set[str] = field(default_factory=set[str])

    def look(self, folder: Path, said: Sequence[bytes], before: Sequence[Told] = ()) -> list[Told]:
        """Compare what is in the folder with what was said there now and `before`; returns all of it."""
        changes = [told(line) for line in said if line not in (REFUSED, DONE)]
        self.acknowledged += len(changes)
        self.refused += said.count(REFUSED)
        everything = [*before, *changes]
        ledger = ledger_of(folder)
        self.lost |= set(ledger.missing(everything))
        self.faults |= set(ledger.faults())
        return everything

    def figures(self, name: str) -> Figures:
        """Its two figures."""
        lost, faults = f"{name}_lost", f"{name}_faults"
        return {
            lost: Figure(WANTED[lost], len(self.lost), n=self.acknowledged),
            faults: Figure(WANTED[faults], len(self.faults)),
        }

    def in_words(self) -> str:
        """One line, and one for each of the first things that are wrong."""
        wrong = [*(f"lost: {each}" for each in self.lost), *self.faults][:MOST_TOLD]
        head = f"{self.acknowledged} changes acknowledged, {self.refused} attempts refused, {len(self.lost)} lost"
        return "\n  ".join([f"{head}, {len(self.faults)} faults", *wrong])


def measure(options: Options) -> Figures:
    """Kills first, then the crowd."""
    kills = QUICK_KILLS if options.quick else KILLS
    began = perf_counter()
    after_kills = kill_again_and_again(kills, options.seed)
    print(f"{kills} kills in {perf_counter() - began:.0f} s: {after_kills.in_words()}", flush=True)
    processes, acts = (QUICK_PROCESSES, QUICK_ACTS) if options.quick else (PROCESSES, ACTS)
    began = perf_counter()
    after_crowd = work_together(processes, acts, options.seed)
    print(f"{processes} processes for {perf_counter() - began:.1f} s: {after_crowd.in_words()}", flush=True)
    return {**after_kills.figures("kill"), **after_crowd.figures("crowd")}


def kill_again_and_again(kills: int, seed: int) -> Seen:
    """Kill, look at everything, go on."""
    chance = random.Random(f"durability/{seed}")
    seen = Seen()
    done = 0
    while done < kills:
        with TemporaryDirectory() as folder:
            everything: list[Told] = []
            for _ in range(min(LIVES, kills - done)):
                done += 1
                name = f"life {done}"
                said = killed(
                    work_until_killed,
                    (Path(folder), name, f"{seed}/{name}"),
                    after=chance.randint(0, MOST_HEARD),
                    seconds=chance.uniform(0, LONGEST_SECONDS),
                )
                everything = seen.look(Path(folder), said, everything)
    return seen


def work_together(processes: int, acts: int, seed: int) -> Seen:
    """Processes that want the same memories."""
    seen = Seen()
    with TemporaryDirectory() as folder:
        names = [f"process {number}" for number in range(processes)]
        said = at_once(work_for_a_while, [(Path(folder), name, f"{seed}/{name}", acts) for name in names])
        for name, lines in zip(names, said, strict=True):
            if lines[-1:] != [DONE]:
                seen.faults.add(f"{name} died")
        seen.look(Path(folder), [line for lines in said for line in lines])
    return seen
