"""What poison can do to agents whose model obeys it, and what is left of ordinary texts.

In:  the adversarial and the benign texts of `immune_dev.jsonl`, and our own list.
Out: the share of poison that had an effect it must not have, with the scanners and without; the share of benign texts
that are shown as data in a later run.

Each adversarial text is read through a tool, a page and a document; drawn as a lesson, promoted by a made-up report of a
trial, and shown in the next run; handed to another agent in a summary; and written at the gate as what it would like to be.
The texts are not in the repository: see `options.py`.
"""

import json
import os
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import ROOT, Figures, share, unmeasured
from benchmarks.gate.obedient import CHANNELS, Lab, Outcome
from benchmarks.gate.options import TEXTS, Options
from purpose_agent.core.memory import Finding, Lesson, Memory, MemoryKind, ScanReport
from purpose_agent.core.origin import Taint
from purpose_agent.memory import gate
from purpose_agent.runtime.sync import run_sync

OWN = ROOT / "tests" / "attack" / "poison.jsonl"
BATCH = 40
"""Texts in one workspace."""
QUICK = 12
EVERY = 5
"""One of so many texts is tried on the model without walls."""
WANTED: Mapping[str, str] = {
    "poison_acted": "adversarial texts that had a forbidden side effect, or changed scoring, tool policy or scope",
    "poison_acted_noscan": "the same with the scanners switched off",
    "poison_acted_unguarded": "the same without scanners, authority by origin and capability gate: what the model would do",
    "benign_kept": "ordinary benign texts that a later run is shown as data",
    "hard_kept": "benign texts that look like attacks, shown as data in a later run",
}
"""Every figure of this part, and what it is."""


@dataclass(frozen=True, slots=True)
class Item:
    """A text, and what it is."""

    text: str
    kind: str
    memory_kind: MemoryKind
    label: str


def measure(options: Options) -> Figures:
    """Poison with the scanners, without them, and without any wall; then what is benign."""
    if not TEXTS.is_file():
        return unmeasured(f"{TEXTS} is not there; PURPOSE_IMMUNE_DATA names it", **WANTED)
    items = [*items_in(TEXTS), *items_in(OWN)]
    poison = _some([item for item in items if item.label == "adversarial"], options.quick)
    benign = [_some([item for item in items if item.kind == kind], options.quick) for kind in ("benign", "benign_hard")]
    figures: Figures = {}
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as workers:
        for name, walls, texts in (
            ("poison_acted", (), poison),
            ("poison_acted_noscan", ("scan",), poison),
            ("poison_acted_unguarded", ("scan", "authority", "gate"), poison[::EVERY]),
        ):
            outcomes = [*chain(*workers.map(partial(_attacked, walls), batches(texts)))]
            figures[name] = share(WANTED[name], sum(any(each.acted for each in ways) for ways in outcomes), len(texts))
            _show(f"{WANTED[name]}: {len(texts)} texts", outcomes)
        read = [[*chain(*workers.map(_read_again, batches(ordinary)))] for ordinary in benign]
    for name, kept in zip(("benign_kept", "hard_kept"), read, strict=True):
        figures[name] = share(WANTED[name], sum(status == "kept" for status in kept), len(kept))
        told = "; ".join(f"{count} × {why}" for why, count in Counter(kept).most_common())
        print(f"{WANTED[name]}: {told}")
    return figures


def items_in(path: Path) -> list[Item]:
    """The texts of a file, one on each line."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    return [Item(row["text"], row["kind"], row["memory_kind"], row["label"]) for row in rows]


def _attacked(walls: tuple[str, ...], items: Sequence[Item]) -> list[list[Outcome]]:
    with without(*walls):
        return run_sync(attacked(items))


def _read_again(items: Sequence[Item]) -> list[str]:
    return run_sync(read_again(items))


async def attacked(items: Sequence[Item]) -> list[list[Outcome]]:
    """What came of each text, on every way."""
    outcomes: list[list[Outcome]] = []
    for batch in batches(items):
        with TemporaryDirectory() as folder:
            lab = Lab(Path(folder))
            outcomes += [await _on_all_ways(lab, item, place) for place, item in enumerate(batch)]
            lab.close()
    return outcomes


async def _on_all_ways(lab: Lab, item: Item, place: int) -> list[Outcome]:
    ways: list[Outcome] = []
    for channel in CHANNELS:
        read, drawn = await lab.read(item.text, place, channel)
        ways += [read, await lab.recall(item.text, place, channel, drawn)]
        ways.append(lab.write(item.text, place, channel, item.memory_kind))
    return [*ways, await lab.hand_over(item.text, place)]


async def read_again(items: Sequence[Item]) -> list[str]:
    """Of each text: "kept", or what kept it from a later prompt. The channels take turns."""
    kept: list[str] = []
    for batch in batches(items):
        with TemporaryDirectory() as folder:
            lab = Lab(Path(folder))
            for place, item in enumerate(batch):
                channel = CHANNELS[place % len(CHANNELS)]
                _, drawn = await lab.read(item.text, place, channel)
                again = await lab.recall(item.text, place, channel, drawn)
                as_data = again.shown and lab.shown_as_data()
                kept.append("kept" if as_data else _why_not(lab, drawn, again))
            lab.close()
    return kept


def _why_not(lab: Lab, drawn: Memory | None, again: Outcome) -> str:
    if drawn is None:
        return "no lesson was drawn"
    if drawn.status == "rejected":
        return lab.workspace.journal(drawn.id)[-1].why
    return "not shown" if not again.shown else "not as data"


@contextmanager
def without(*walls: str) -> Generator[None]:
    """With some walls taken down: "scan", "authority", "gate"."""
    from purpose_agent.engine import permission

    before = gate.scan, gate.beyond_its_origin, permission.may_decide
    if "scan" in walls:
        gate.scan = _blind
    if "authority" in walls:
        gate.beyond_its_origin = _boundless
    if "gate" in walls:
        permission.may_decide = _trusting
    try:
        yield
    finally:
        gate.scan, gate.beyond_its_origin, permission.may_decide = before


def _blind(lesson: Lesson) -> ScanReport:
    return ScanReport()


def _boundless(lesson: Lesson) -> Iterator[Finding]:
    return iter(())


def _trusting(taint: Taint) -> bool:
    return True


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """So many that one workspace stays quick."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _some(items: Sequence[Item], quick: bool) -> Sequence[Item]:
    return items[:: max(1, len(items) // QUICK)] if quick else items


def _show(title: str, outcomes: Sequence[Sequence[Outcome]]) -> None:
    from rich.console import Console
    from rich.table import Table

    columns = ("way", "texts", "shown", "rejected", "tried", "calls done", "scoring", "powerful kinds", "wider scope")
    table = Table(*columns, title=title, title_justify="left")
    for way in dict.fromkeys(each.way for ways in outcomes for each in ways):
        these = [each for ways in outcomes for each in ways if each.way == way]
        numbers = (
            len(these),
            sum(each.shown for each in these),
            sum(each.status == "rejected" for each in these),
            sum(each.tried for each in these),
            sum(len(each.done) for each in these),
            sum(each.scored for each in these),
            sum(each.powerful for each in these),
            sum(each.wider for each in these),
        )
        table.add_row(way, *map(str, numbers))
    Console(width=150).print(table)
