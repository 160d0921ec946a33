"""The curves for people: tables, charts, pictures, and the verdict.

In:  learning curves.
Out: text on the screen; `NAME.svg` for each world and `curves-PART.json` in a folder.

Everything shown is computed from the curves, so that `python -m benchmarks.learning.report FILE ...` shows it again; files of one
part, which have the same name, are shown together.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, machine
from benchmarks.learning.analysis import AT, BASE, CLAIM, Comparison, Summary, Verdict, compare, learns, summarise
from benchmarks.learning.protocol import Curve
from benchmarks.learning.records import load_curves, save_curves
from benchmarks.learning.values import Estimate
from purpose_agent.evals.curve import Point, Series, as_svg, as_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

COLUMNS = 132
"""Where there is no terminal."""
RETRIES = "Retries on the same tasks: they reward memorising"


def publish(
    part: str, curves: Sequence[Curve], out: Path | None = None, console: "Console | None" = None, *, habit: str = ""
) -> tuple[Summary, ...]:
    """Show the curves, and write them if there is a folder to write to. Returns what was computed, for figures.

    Args:
        habit: A condition that learns nothing and still does better than none; what learns is compared with it too.
    """
    summaries = summarise(curves)
    show(part, summaries, compare(curves), console)
    if habit:
        show_claims(compare(curves, habit), habit, console)
    if out is not None:
        save_curves(out / f"curves-{part}.json", curves)
        save_pictures(out, summaries)
    return summaries


def show(part: str, summaries: Sequence[Summary], comparisons: Sequence[Comparison], console: "Console | None" = None) -> None:
    """Print the tables, a chart for each world, and whether each condition learns."""
    from rich.console import Console

    if console is None:
        console = Console()
        console.width = console.width if console.is_terminal else COLUMNS
    apart = [each for each in summaries if each.retries]
    held_out = [each for each in summaries if not each.retries]
    for title, chosen in ((f"{part}: held-out tasks", held_out), (f"{part}: {RETRIES}", apart)):
        if chosen:
            console.print(_success_table(title, chosen), _cost_table(chosen))
    if comparisons:
        console.print(_comparison_table(comparisons))
    for title, series in _charts(summaries):
        console.print(as_text(title, series), markup=False, highlight=False)
        console.print()
    if comparisons:
        console.print(CLAIM, markup=False, highlight=False)
        _print_verdicts(comparisons, BASE, console)


def show_claims(comparisons: Sequence[Comparison], against: str, console: "Console | None" = None) -> None:
    """The comparison with another condition than none, and the claim made against it."""
    from rich.console import Console

    if console is None:
        console = Console()
        console.width = console.width if console.is_terminal else COLUMNS
    console.print(_comparison_table(comparisons))
    console.print(f"The same claim, against {against} instead of no memory:", markup=False, highlight=False)
    _print_verdicts(comparisons, against, console)


def _print_verdicts(comparisons: Sequence[Comparison], against: str, console: "Console") -> None:
    for name in dict.fromkeys(each.condition for each in comparisons):
        console.print(_said(learns(comparisons, name, against), against), markup=False, highlight=False)


def save_pictures(folder: Path, summaries: Sequence[Summary]) -> list[Path]:
    """One picture for each world, retries apart; returns where they are."""
    from datetime import UTC, datetime

    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    note = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}"
    for title, series in _charts(summaries):
        path = folder / (re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") + ".svg")
        path.write_text(as_svg(f"{title}: share solved", "tasks trained on", series, note))
        written.append(path)
    return written


def figure(about: str, summaries: Iterable[Summary], world: str, condition: str) -> Figure:
    """The success of a condition on held-out tasks after all training."""
    for each in summaries:
        if (each.world, each.condition, each.retries) == (world, condition, False):
            return as_figure(about, each.success)
    return Figure(about, None, why=f"{condition} was not run in {world}")


def as_figure(about: str, estimate: Estimate | None) -> Figure:
    """An estimate as a figure; None as one that could not be measured."""
    if estimate is None:
        return Figure(about, None, why="nothing was judged")
    return Figure(about, estimate.value, estimate.low, estimate.high, estimate.n)


def _charts(summaries: Sequence[Summary]) -> list[tuple[str, list[Series]]]:
    charts: dict[str, list[Series]] = {}
    for each in summaries:
        points = tuple(Point(trained, at.value, at.low, at.high) for trained, at in each.curve)
        if points:
            charts.setdefault(each.world + (" retries" if each.retries else ""), []).append(Series(each.condition, points))
    return list(charts.items())


def _success_table(title: str, summaries: Sequence[Summary]) -> "Table":
    table = _table(
        title, "world", "condition", "solved", "95 %", "n", "seeds", *(f"@{trained}" for trained in AT), "area", "score"
    )
    previous = ""
    for each in summaries:
        if each.world != previous and previous:
            table.add_section()
        seeds = [share for share in each.seeds if share is not None]
        table.add_row(
            "" if each.world == previous else each.world + (" (control)" if each.control else ""),
            each.condition,
            _percent(each.success),
            _range(each.success),
            "" if each.success is None else str(each.success.n),
            f"{100 * min(seeds):.0f}–{100 * max(seeds):.0f}" if seeds else "–",
            *(_percent(each.after(trained)) for trained in AT),
            "–" if each.area is None else f"{each.area.value:.2f}",
            "–" if each.score is None else f"{each.score.value:.2f}",
        )
        previous = each.world
    return table


def _cost_table(summaries: Sequence[Summary]) -> "Table":
    table = _table(
        "What it costs: using it, and learning it (for each seed)",
        *("world", "condition", "tokens/solved", "memory tokens/decision", "memory ms/decision"),
        *("trained", "learn tokens", "learn steps", "restart"),
    )
    for each in summaries:
        table.add_row(
            each.world,
            each.condition,
            "–" if each.tokens_per_success is None else f"{each.tokens_per_success:.0f}",
            f"{each.memory_tokens:.0f}",
            f"{each.memory_ms:.2f}",
            str(each.trained),
            f"{each.learn_tokens:.0f}",
            f"{each.learn_steps:.0f}",
            _restart(each),
        )
    return table


def _comparison_table(comparisons: Sequence[Comparison]) -> "Table":
    table = _table(
        f"Against {', '.join(dict.fromkeys(each.against for each in comparisons))}, paired by task and seed, in points",
        *("world", "condition", "difference", "95 %", "tasks won:lost", "p", "p (Holm)", "lost, above noise"),
    )
    for each in comparisons:
        excess = "–" if each.excess_transfer is None else f"{100 * each.excess_transfer:+.1f}"
        table.add_row(
            each.world + (" (control)" if each.control else ""),
            each.condition,
            f"{100 * each.difference.value:+.1f}",
            _range(each.difference),
            f"{each.wins}:{each.losses}",
            f"{each.p:.3g}",
            f"{each.p_adjusted:.3g}",
            f"{100 * each.negative_transfer:.1f}, {excess}",
        )
    return table


def _table(title: str, *columns: str) -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    return Table(*columns, title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))


def _said(verdict: Verdict, against: str) -> str:
    answer = {True: "learns", False: "is not shown to learn", None: "can't be told, no control world was measured"}
    lost = f"; loses in {', '.join(verdict.lost)}" if verdict.lost else ""
    gained = ", ".join(verdict.gained) or "no world"
    return f"  {verdict.condition}: {answer[verdict.learns]}. Better than {against} in {gained}{lost}."


def _restart(summary: Summary) -> str:
    if summary.restart is None:
        return "–"
    return "same" if not summary.restart_changed else f"{100 * summary.restart:+.1f} ({summary.restart_changed} differ)"


def _percent(estimate: Estimate | None) -> str:
    return "–" if estimate is None else f"{100 * estimate.value:.1f} %"


def _range(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return f"{100 * estimate.low:.1f} … {100 * estimate.high:.1f}"


if __name__ == "__main__":
    parts: dict[str, list[Curve]] = {}
    for file in map(Path, sys.argv[1:]):
        parts.setdefault(file.stem.removeprefix("curves-"), []).extend(load_curves(file))
    for part, curves in parts.items():
        publish(part, curves)
