"""The parts of a benchmark: modules with `WANTED`, their figures and what they are, and `measure(options)`, which has them.

In:  the names that were asked for, the modules, options.
Out: figures, shown as tables; all of them written down. A part that is missing or breaks is told, and its figures are null.
"""

import sys
import traceback
from argparse import ArgumentParser
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

from benchmarks.figures import Figures, as_json, commit, machine, show, unmeasured

Part: TypeAlias = tuple[str, tuple[str, ...]]
"""The module, and the figures that it must have; its own `WANTED` may name more."""


class NotThere(Exception):
    """What was asked for on the command line does not exist."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says that all benchmarks understand.

    Attributes:
        names: Of parts; () for all.
        out: Where to write instead.
    """

    names: tuple[str, ...]
    quick: bool
    out: Path | None

    def is_whole(self, parts: Collection[str]) -> bool:
        """All parts, to be kept: what a quick look measured must not take the place of real numbers."""
        return set(self.names or parts) == set(parts) and (not self.quick or self.out is not None)

    def pictures(self, parts: Collection[str], usual: Path) -> Path | None:
        """Where pictures are written; None: nowhere."""
        return self.out or (usual if self.is_whole(parts) else None)


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured, for parts that need to know no more.

    Attributes:
        quick: A little of everything, to see that it runs; the numbers mean nothing.
    """

    quick: bool = False

    def of(self, full: int, quick: int) -> int:
        """How many."""
        return quick if self.quick else full


def parser(name: str, about: str, parts: Collection[str]) -> ArgumentParser:
    """What all benchmarks understand.

    Args:
        name: Of the package, such as "benchmarks.sandbox".
    """
    parser = ArgumentParser(f"python -m {name}", description=about)
    parser.add_argument("part", nargs="*", help=f"one of {', '.join(parts)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it runs")
    parser.add_argument("--out", type=Path, help="write to this folder instead")
    return parser


def run_amounts(name: str, about: str, wanted: Mapping[str, tuple[str, ...]], arguments: Sequence[str], file: Path) -> int:
    """A benchmark whose parts are the modules of a package and are told an `Amount`. Returns the exit status.

    Args:
        name: Of the package.
        wanted: By module, the figures that it must have.
        file: Of the figures.
    """
    given = parser(name, about, wanted).parse_args(arguments)
    parts: dict[str, Part] = {part: (f"{name}.{part}", figures) for part, figures in wanted.items()}
    told = "quick" if given.quick else "in full"
    return run(Asked(tuple(given.part), given.quick, given.out), parts, Amount(given.quick), told, file)


def run(asked: Asked, parts: Mapping[str, Part], options: object, told: str, file: Path) -> int:
    """Measure, show, write. Returns the exit status: 2 for what doesn't exist.

    Args:
        options: As every part gets it.
        told: What of the options is said at first, such as "seed 0".
        file: Of the figures; its name counts where another folder was asked for.
    """
    unknown = [name for name in asked.names if name not in parts]
    if unknown:
        print(f"There is no part called {', '.join(unknown)}. Parts: {', '.join(parts)}.", file=sys.stderr)
        return 2
    print(f"{machine()}, commit {commit()}, {told}", flush=True)
    figures: Figures = {}
    for name, (module, wanted) in parts.items():
        if not asked.names or name in asked.names:
            try:
                figures |= measured(name, module, options, wanted)
            except NotThere as error:
                print(error, file=sys.stderr)
                return 2
    if asked.is_whole(parts):
        write(figures, asked.out / file.name if asked.out else file)
    return 0


def measured(name: str, module: str, options: object, wanted: Iterable[str] = ()) -> Figures:
    """The figures of one part.

    Args:
        name: What it is called on the command line.
        module: Where it is. Imported only now: a part that needs a package must not stop the others.
        wanted: Figures it must have, whatever its own list says; they are null if it can't be imported.
    """
    started = perf_counter()
    missing = dict.fromkeys(wanted, f"see the part {name}")
    about: Mapping[str, str] = missing
    try:
        part = import_module(module)
        about = missing | part.WANTED
        measure: Callable[[object], Figures] = part.measure
        figures = measure(options)
    except NotThere:
        raise
    # BLE001: this is the door, and hours of the other parts must not be lost with this one.
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        figures = unmeasured(f"{name} broke: {type(error).__name__}: {error}", **about)
    silent = {figure: said for figure, said in about.items() if figure not in figures}
    figures |= unmeasured(f"{name} said nothing about {', '.join(silent)}", **silent)
    show(name, figures)
    print(f"{name}: {perf_counter() - started:.0f} s", flush=True)
    return figures


def write(figures: Figures, target: Path) -> None:
    """Keep the figures, and say where."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(as_json(figures))
    print(f"Written: {target}")


def count(text: str) -> int:
    """A number of the command line, from 1."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
