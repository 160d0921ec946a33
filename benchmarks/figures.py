"""One number with its range, and what is done with several."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from purpose_agent.evals.stats import wilson

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number.

    Attributes:
        about: What it is, for people, with its unit.
        value: None if it could not be measured; `why` then says why not.
        low: Lower end of its range, where it has one.
        n: Out of how many, or from how many, where that makes sense.
    """

    about: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    why: str = ""


Figures = dict[str, Figure]


def unmeasured(why: str, **about: str) -> Figures:
    """Figures that could not be had, all for one reason."""
    return {name: Figure(each, None, why=why) for name, each in about.items()}


def spread(about: str, values: Sequence[float]) -> Figure:
    """The median of several measurements, with their 10th and 90th percentile."""
    tenths = quantiles(values, n=10, method="inclusive")
    return Figure(about, median(values), tenths[0], tenths[-1], len(values))


def share(about: str, hits: int, n: int) -> Figure:
    """A share, 0 to 1, with its 95 % interval."""
    return Figure(about, hits / n, *wilson(hits, n), n)


def as_json(figures: Mapping[str, Figure]) -> str:
    """The figures with date, machine and commit."""
    document = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "commit": commit(),
        "figures": {
            name: {"value": figure.value, "low": figure.low, "high": figure.high, "n": figure.n}
            for name, figure in figures.items()
        },
    }
    return json.dumps(document, indent=2) + "\n"


def show(title: str, figures: Mapping[str, Figure]) -> None:
    """Print a table, and the reasons of what is missing below it."""
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value", "range", "n", "what it is", title=title, title_justify="left")
    for name, figure in figures.items():
        range_ = "" if figure.low is None or figure.high is None else f"{_short(figure.low)} … {_short(figure.high)}"
        table.add_row(name, _short(figure.value), range_, "" if figure.n is None else str(figure.n), figure.about)
    console = Console()
    console.print(table)
    for why in dict.fromkeys(figure.why for figure in figures.values() if figure.why):
        console.print(f"Not measured: {why}", markup=False)


def machine() -> str:
    """Processor, cores, system and Python."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def commit() -> str:
    """The commit that is checked out, with a + if files differ from it; "unknown" outside of a repository."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--", "src", "benchmarks", "examples") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _short(value: float | None) -> str:
    if value is None:
        return "–"
    return str(int(value)) if value == int(value) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
