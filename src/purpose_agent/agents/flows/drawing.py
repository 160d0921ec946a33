"""Pictures of a workflow: text for Mermaid, and SVG.

In:  its graph.
Out: a text. No layout engine: a node stands in the row of its shortest way from the beginning, and lines that lead back go round.
"""

from collections.abc import Iterator
from html import escape
from typing import Final

from purpose_agent.agents.flows.graph import END, START, Graph

_NAMES: Final = {START: "BEGIN", END: "DONE"}
_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN = 140, 36, 40, 56, 24
_LETTERS: Final = 18
"""So many of a node's name have room in its box."""


def mermaid(graph: Graph) -> str:
    """A flowchart, as GitHub and most editors draw it."""
    ids = {name: f"n{number}" for number, name in enumerate((START, *graph.names, END))}
    lines = ["flowchart TD"]
    for name, id in ids.items():
        text = _quoted(_NAMES.get(name, name))
        lines.append(f"    {id}([{text}])" if name in _NAMES else f"    {id}[{text}]")
    for source, target, label, kind in _lines(graph):
        arrow = {"plain": "-->", "all": "==>", "choice": "-.->"}[kind]
        told = f"|{_quoted(label)}|" if label else ""
        lines.append(f"    {ids[source]} {arrow}{told} {ids[target]}")
    return "\n".join(lines) + "\n"


def svg(graph: Graph) -> str:
    """A document of its own. Dashed lines are chosen by a condition, thick ones wait for each other."""
    places, width, height = _places(graph)
    shapes: list[str] = []
    for number, (source, target, label, kind) in enumerate(_lines(graph)):
        shapes += _line(places[source], places[target], label, kind, width + 12 + 10 * (number % 6))
    for name, (x, y) in places.items():
        text = _NAMES.get(name, name)
        short = text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
        radius = _HEIGHT // 2 if name in _NAMES else 6
        shapes.append(
            f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="{radius}" class="node"/>'
            f'<text x="{x + _WIDTH // 2}" y="{y + _HEIGHT // 2 + 5}"><title>{escape(text)}</title>{escape(short)}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 100}" height="{height}" viewBox="0 0 {width + 100} {height}">'
        "<style>text{font:14px sans-serif;text-anchor:middle;fill:#222}.label{font-size:12px;fill:#555}"
        ".node{fill:#f4f6f8;stroke:#456}path{fill:none;stroke:#456;marker-end:url(#to)}.all{stroke-width:2.5}"
        ".choice{stroke-dasharray:5 4}</style>"
        '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"'
        ' markerUnits="userSpaceOnUse"><path d="M0 0 8 4 0 8z" style="fill:#456;stroke:none;marker-end:none"/></marker></defs>'
        f"{''.join(shapes)}</svg>\n"
    )


def _lines(graph: Graph) -> Iterator[tuple[str, str, str, str]]:
    """Every line to draw: from, to, its label, its kind."""
    for edge in graph.edges:
        for source in edge.sources:
            yield source, edge.target, "", "all" if len(edge.sources) > 1 else "plain"
    for branch in graph.branches:
        for label, target in branch.targets.items():
            yield branch.source, target, str(label), "choice"


def _places(graph: Graph) -> tuple[dict[str, tuple[int, int]], int, int]:
    """Where each node's box begins, and the size of it all."""
    rows: dict[str, int] = {START: 0}
    waiting = [START]
    ways = graph.ways()
    while waiting:
        here = waiting.pop(0)
        for source, target in ways:
            if source == here and target not in rows:
                rows[target] = rows[here] + 1
                waiting.append(target)
    last = max(rows.values())
    for name in graph.names:
        rows.setdefault(name, last + 1)  # not reached: it is drawn all the same
    rows[END] = max((row for name, row in rows.items() if name != END), default=0) + 1
    by_row: dict[int, list[str]] = {}
    for name in (START, *graph.names, END):
        by_row.setdefault(rows[name], []).append(name)
    widest = max(len(names) for names in by_row.values())
    width = 2 * _MARGIN + widest * _WIDTH + (widest - 1) * _ACROSS
    places: dict[str, tuple[int, int]] = {}
    for row, names in by_row.items():
        left = (width - len(names) * _WIDTH - (len(names) - 1) * _ACROSS) // 2
        for column, name in enumerate(names):
            places[name] = left + column * (_WIDTH + _ACROSS), _MARGIN + row * (_HEIGHT + _DOWN)
    return places, width, 2 * _MARGIN + (max(by_row) + 1) * (_HEIGHT + _DOWN) - _DOWN


def _line(source: tuple[int, int], target: tuple[int, int], label: str, kind: str, outside: int) -> list[str]:
    (x1, y1), (x2, y2) = source, target
    if y2 > y1:
        from_x, from_y, to_x, to_y = x1 + _WIDTH // 2, y1 + _HEIGHT, x2 + _WIDTH // 2, y2
        bend = (to_y - from_y) // 2
        path = f"M{from_x} {from_y}C{from_x} {from_y + bend} {to_x} {to_y - bend} {to_x} {to_y}"
        at = (from_x + to_x) // 2, (from_y + to_y) // 2
    else:
        from_y, to_y = y1 + _HEIGHT // 2, y2 + _HEIGHT // 2
        path = f"M{x1 + _WIDTH} {from_y}C{outside} {from_y} {outside} {to_y} {x2 + _WIDTH} {to_y}"
        at = outside, (from_y + to_y) // 2
    shapes = [f'<path d="{path}" class="{kind}"/>']
    if label:
        shapes.append(f'<text x="{at[0]}" y="{at[1]}" class="label">{escape(label)}</text>')
    return shapes


def _quoted(text: str) -> str:
    """As Mermaid takes any text."""
    return '"' + text.replace("#", "#35;").replace('"', "#quot;").replace("\n", " ") + '"'
