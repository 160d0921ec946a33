"""Learning curves to look at: one picture, or a few lines of text.

In:  named series of points, each with its interval where it has one.
Out: an SVG document that follows the reader's light or dark mode, or plain text for a terminal.

Values between 0 and 1 are taken for shares and drawn on an axis from 0 to 100 %; others get an axis of their own. Not
here: smoothing, and any number that was not measured. Between two points a straight line is drawn, no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.sax import saxutils

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 58, 20, 48, 56
LEGEND_ROW = 20
LEGEND_COLUMNS = 3

COLOURS = (
    ("#0b62c4", "#6cb2ff"),
    ("#b34700", "#ffa45c"),
    ("#0a7f50", "#4fd6a0"),
    ("#9c2a86", "#f08fdc"),
    ("#7a6400", "#e0c64a"),
    ("#5b4bc4", "#b3a8ff"),
    ("#b3152d", "#ff8b98"),
    ("#4d5a66", "#aab7c4"),
)
"""On white, on dark; each has a contrast of at least 4.5 to its ground."""
DASHES = ("", "7 4", "2 3")
"""From the ninth series on, colours come again with another line."""
BLOCKS = "▁▂▃▄▅▆▇█"

STYLE = """\
text { font-family: system-ui, sans-serif; font-size: 12px; fill: #1c2228; } .ground { fill: #ffffff; }
.axis { stroke: #1c2228; } .grid { stroke: #d8dde2; }
text.title { font-size: 15px; font-weight: 600; }
@media (prefers-color-scheme: dark) {
text { fill: #e6eaee; } .ground { fill: #15191e; } .axis { stroke: #e6eaee; } .grid { stroke: #343c45; }
}"""


@dataclass(frozen=True, slots=True)
class Point:
    """One measured value; `low` and `high` are the ends of its interval, or both None."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn as one line. Its points are in order of x."""

    name: str
    points: tuple[Point, ...]


def as_svg(title: str, x_label: str, series: Sequence[Series], note: str = "") -> str:
    """A picture as an SVG document.

    Args:
        note: A line below the picture, such as the date and the machine.

    Raises:
        ValueError: There is no point to draw.
    """
    plot = _Plot(series, rows=ceil(len(series) / LEGEND_COLUMNS) + bool(note))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {plot.height}" role="img">',
        f"<title>{_escaped(title)}</title>",
        f"<style>\n{STYLE}\n{_colour_rules(len(series))}\n</style>",
        '<rect class="ground" width="100%" height="100%"/>',
        f'<text class="title" x="{LEFT}" y="28">{_escaped(title)}</text>',
        *_axes(plot, x_label),
    ]
    parts += [_band(plot, number, each) for number, each in enumerate(series)]
    parts += [line for number, each in enumerate(series) for line in _line(plot, number, each)]
    parts += [line for number, each in enumerate(series) for line in _legend(number, each.name)]
    if note:
        parts.append(f'<text x="{LEFT}" y="{plot.height - 12}" opacity="0.7">{_escaped(note)}</text>')
    return "\n".join([*(part for part in parts if part), "</svg>"]) + "\n"


def as_text(title: str, series: Sequence[Series], width: int = 72) -> str:
    """One row for each series: its name, the way it went, its first and its last value with the interval.

    All rows share both axes. No row is longer than `width`, if `width` is 40 or more; long names are cut.

    Raises:
        ValueError: There is no point to draw.
    """
    plot = _Plot(series)
    ends = [_ends(plot, each.points) for each in series]
    names = min(max(len(each.name) for each in series), max(8, width // 4))
    columns = max(4, width - names - max(len(end) for end in ends) - 2)
    rows = [_cut(_plain(title), width)]
    for each, end in zip(series, ends, strict=True):
        rows.append(f"{_cut(_plain(each.name), names):<{names}} {_spark(plot, each.points, columns)} {end}".rstrip())
    first, last = _number(plot.x_low), _number(plot.x_high) if plot.x_high > plot.x_low else ""
    rows.append(" " * (names + 1) + (first + last.rjust(max(columns - len(first), len(last) + 1))).rstrip())
    return "\n".join(row[:width] for row in rows)


class _Plot:
    """Where a value lies in the picture, and how it is written."""

    def __init__(self, series: Sequence[Series], rows: int = 0) -> None:
        points = [point for each in series for point in each.points]
        if not points:
            raise ValueError("There is no point to draw; give at least one series with one point.")
        self.x_low, self.x_high = min(point.x for point in points), max(point.x for point in points)
        values = [value for point in points for value in (point.y, point.low, point.high) if value is not None]
        self.shares = min(values) >= 0 and max(values) <= 1
        self.y_ticks = [number / 5 for number in range(6)] if self.shares else _ticks(min(values), max(values))
        self.y_low, self.y_high = self.y_ticks[0], self.y_ticks[-1]
        self.height = HEIGHT + rows * LEGEND_ROW

    def x(self, value: float) -> float:
        share = (value - self.x_low) / (self.x_high - self.x_low) if self.x_high > self.x_low else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - BOTTOM - self.level(value) * (HEIGHT - TOP - BOTTOM), 1)

    def level(self, value: float) -> float:
        """Height of a value, 0 to 1."""
        return (value - self.y_low) / (self.y_high - self.y_low)

    def said(self, value: float) -> str:
        return f"{100 * value:.0f} %" if self.shares else _number(value)


def _axes(plot: _Plot, x_label: str) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts: list[str] = []
    for tick in plot.y_ticks:
        parts.append(f'<path class="grid" d="M{LEFT} {plot.y(tick)}H{right}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{plot.y(tick) + 4}" text-anchor="end">{plot.said(tick)}</text>')
    ticks = [tick for tick in _ticks(plot.x_low, plot.x_high) if plot.x_low <= tick <= plot.x_high]
    for tick in ticks or [plot.x_low]:
        parts.append(f'<path class="axis" d="M{plot.x(tick)} {bottom}v5"/>')
        parts.append(f'<text x="{plot.x(tick)}" y="{bottom + 19}" text-anchor="middle">{_number(tick)}</text>')
    parts.append(f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{bottom}H{right}"/>')
    parts.append(f'<text x="{(LEFT + right) / 2}" y="{bottom + 38}" text-anchor="middle">{_escaped(x_label)}</text>')
    return parts


def _band(plot: _Plot, number: int, series: Series) -> str:
    known = [(point.x, point.low, point.high) for point in series.points if point.low is not None and point.high is not None]
    if len(known) < 2:
        return ""
    upper = [f"{plot.x(x)},{plot.y(high)}" for x, _, high in known]
    lower = [f"{plot.x(x)},{plot.y(low)}" for x, low, _ in reversed(known)]
    return f'<polygon class="f{number}" opacity="0.13" points="{" ".join(upper + lower)}"/>'


def _line(plot: _Plot, number: int, series: Series) -> list[str]:
    places = [(plot.x(point.x), plot.y(point.y)) for point in series.points]
    path = " ".join(f"{x},{y}" for x, y in places)
    parts = [f'<polyline class="s{number}" points="{path}"/>'] if len(places) > 1 else []
    for point, (x, y) in zip(series.points, places, strict=True):
        range_ = "" if point.low is None or point.high is None else f" ({plot.said(point.low)} … {plot.said(point.high)})"
        said = f"{series.name}, {_number(point.x)}: {plot.said(point.y)}{range_}"
        parts.append(f'<circle class="f{number}" cx="{x}" cy="{y}" r="3.2"><title>{_escaped(said)}</title></circle>')
    return parts


def _legend(number: int, name: str) -> list[str]:
    x = LEFT + number % LEGEND_COLUMNS * ((WIDTH - LEFT - RIGHT) // LEGEND_COLUMNS)
    y = HEIGHT + 4 + number // LEGEND_COLUMNS * LEGEND_ROW
    return [
        f'<path class="s{number}" d="M{x} {y - 4}h26"/>',
        f'<text x="{x + 33}" y="{y}">{_escaped(_cut(_plain(name), 30))}</text>',
    ]


def _colour_rules(n: int) -> str:
    light: list[str] = []
    dark: list[str] = []
    for number in range(n):
        on_white, on_dark = COLOURS[number % len(COLOURS)]
        dash = DASHES[number // len(COLOURS) % len(DASHES)]
        dashes = f" stroke-dasharray: {dash};" if dash else ""
        light.append(
            f".s{number} {{ fill: none; stroke: {on_white}; stroke-width: 2;{dashes} }} .f{number} {{ fill: {on_white}; }}"
        )
        dark.append(f".s{number} {{ stroke: {on_dark}; }} .f{number} {{ fill: {on_dark}; }}")
    return "\n".join([*light, "@media (prefers-color-scheme: dark) {", *dark, "}"])


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers about a fifth of the way apart, from at or below `low` to at or above `high`."""
    if high - low <= 1e-9 * max(1.0, abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    power = 10.0 ** floor(log10((high - low) / 5))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * 5 >= (high - low) * (1 - 1e-9))
    return [round(number * step, 12) for number in range(floor(low / step), ceil(high / step) + 1)]


def _spark(plot: _Plot, points: Sequence[Point], columns: int) -> str:
    """One block for each column; blank where the series has no points on both sides."""
    cells: list[str] = []
    for column in range(columns):
        value = _between(points, plot.x_low + column / (columns - 1) * (plot.x_high - plot.x_low))
        level = 0.0 if value is None else plot.level(value)
        cells.append(" " if value is None else BLOCKS[min(len(BLOCKS) - 1, int(level * len(BLOCKS)))])
    return "".join(cells)


def _between(points: Sequence[Point], x: float) -> float | None:
    """The height at `x` on the straight line between two points; None beside the series."""
    slack = 1e-9 * max(1.0, abs(x))
    left = next((point for point in reversed(points) if point.x <= x + slack), None)
    right = next((point for point in points if point.x >= x - slack), None)
    if left is None or right is None:
        return None
    if right.x <= left.x:
        return left.y
    return left.y + (x - left.x) / (right.x - left.x) * (right.y - left.y)


def _ends(plot: _Plot, points: Sequence[Point]) -> str:
    if not points:
        return "–"
    last = points[-1]
    range_ = "" if last.low is None or last.high is None else f" ({plot.said(last.low)} … {plot.said(last.high)})"
    return (f"{plot.said(points[0].y)} → " if len(points) > 1 else "") + plot.said(last.y) + range_


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def _plain(text: str) -> str:
    """`text` on one line, without what XML forbids or a terminal would act on."""
    return "".join(letter for letter in text if letter.isprintable())


def _escaped(text: str) -> str:
    return saxutils.escape(_plain(text))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
