"""What became of things of several kinds, as one bar for each kind: an SVG that follows the reader's light or dark mode.

In:  for each kind, how many went each way.
Out: a document.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax import saxutils

from purpose_agent.evals.curve import COLOURS, STYLE

WIDTH, LEFT, RIGHT, TOP, ROW, BAR = 760, 120, 30, 54, 40, 26
LEGEND_COLUMNS, LEGEND_ROW = 3, 20


@dataclass(frozen=True, slots=True)
class Bar:
    """One kind, and how many of it went each way, in the order of the legend."""

    name: str
    counts: tuple[int, ...]


def as_bars(title: str, ways: Sequence[str], bars: Sequence[Bar], note: str = "") -> str:
    """A picture as an SVG document; every bar is as long as there are things of its kind.

    Args:
        ways: What the parts of a bar are.
        note: A line below the picture, such as the date and the machine.

    Raises:
        ValueError: There is nothing to draw, or a bar has not one count for each way.
    """
    longest = max((sum(bar.counts) for bar in bars), default=0)
    if not longest or any(len(bar.counts) != len(ways) for bar in bars):
        raise ValueError(f"Give bars of {len(ways)} counts each, one of them above nought; got {list(bars)!r:.200}.")
    legend = TOP + ROW * len(bars) + 24
    height = legend + LEGEND_ROW * -(-len(ways) // LEGEND_COLUMNS) + 24
    unit = (WIDTH - LEFT - RIGHT) / longest
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{saxutils.escape(title)}</title>",
        f"<style>\n{STYLE}\n{_colours(len(ways))}\n</style>",
        '<rect class="ground" width="100%" height="100%"/>',
        f'<text class="title" x="16" y="28">{saxutils.escape(title)}</text>',
    ]
    for number, bar in enumerate(bars):
        parts += _bar(bar, ways, TOP + ROW * number, unit)
    for number, way in enumerate(ways):
        x = 16 + number % LEGEND_COLUMNS * ((WIDTH - 32) // LEGEND_COLUMNS)
        y = legend + number // LEGEND_COLUMNS * LEGEND_ROW
        parts.append(f'<rect class="f{number}" x="{x}" y="{y - 10}" width="14" height="12"/>')
        parts.append(f'<text x="{x + 21}" y="{y}">{saxutils.escape(way)}</text>')
    if note:
        parts.append(f'<text x="16" y="{height - 10}" opacity="0.7">{saxutils.escape(note)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(bar: Bar, ways: Sequence[str], y: int, unit: float) -> list[str]:
    middle = y + BAR // 2 + 4
    parts = [f'<text x="{LEFT - 10}" y="{middle}" text-anchor="end">{saxutils.escape(bar.name)}</text>']
    x = float(LEFT)
    for number, (way, count) in enumerate(zip(ways, bar.counts, strict=True)):
        if count:
            width = round(count * unit, 1)
            said = saxutils.escape(f"{bar.name}, {way}: {count}")
            parts.append(
                f'<rect class="f{number}" x="{round(x, 1)}" y="{y}" width="{width}" height="{BAR}"><title>{said}</title></rect>'
            )
            parts.append(f'<text class="in" x="{round(x + width / 2, 1)}" y="{middle}" text-anchor="middle">{count}</text>')
            x += width
    return parts


def _colours(n: int) -> str:
    light = [f".f{number} {{ fill: {COLOURS[number % len(COLOURS)][0]}; }}" for number in range(n)]
    dark = [f".f{number} {{ fill: {COLOURS[number % len(COLOURS)][1]}; }}" for number in range(n)]
    return "\n".join(
        [
            *light,
            "text.in { fill: #ffffff; }",
            "@media (prefers-color-scheme: dark) {",
            *dark,
            "text.in { fill: #15191e; }",
            "}",
        ]
    )
