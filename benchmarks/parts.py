"""One part of a benchmark: a module with `WANTED`, its figures and what they are, and `measure(options)`, which has them.

In:  the module's name, options.
Out: its figures, shown as a table. A part that is missing or breaks is told, and its figures are null.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from time import perf_counter

from benchmarks.figures import Figures, as_json, show, unmeasured


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
