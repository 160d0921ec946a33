"""Curves to look at: every measured point is there, and nothing that was not measured."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.evals.curve import BLOCKS, Point, Series, as_svg, as_text

SVG = "{http://www.w3.org/2000/svg}"
NONE = Series("none", (Point(0, 0.04), Point(200, 0.04)))
FULL = Series("full", (Point(0, 0.04, 0.01, 0.10), Point(100, 0.5, 0.4, 0.6), Point(200, 0.8, 0.7, 0.9)))

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
POINTS = st.dictionaries(st.integers(0, 1000), NUMBERS, min_size=1, max_size=6)
MANY = st.lists(st.tuples(st.text(max_size=40), POINTS), min_size=1, max_size=6)


def series_of(many: list[tuple[str, dict[int, float]]]) -> list[Series]:
    return [Series(name, tuple(Point(x, points[x]) for x in sorted(points))) for name, points in many]


@given(MANY)
def test_every_picture_is_xml_with_a_dot_for_every_point_inside_of_the_frame(many: list[tuple[str, dict[int, float]]]) -> None:
    picture = ElementTree.fromstring(as_svg("success", "tasks", series_of(many)))
    dots = list(picture.iter(f"{SVG}circle"))

    assert len(dots) == sum(len(points) for _, points in many)
    assert all(58 <= float(dot.attrib["cx"]) <= 740 for dot in dots)
    assert all(48 <= float(dot.attrib["cy"]) <= 364 for dot in dots)


@given(MANY, st.integers(40, 120))
def test_no_line_of_text_is_wider_than_asked_for(many: list[tuple[str, dict[int, float]]], width: int) -> None:
    lines = as_text("success", series_of(many), width).splitlines()

    assert len(lines) == len(many) + 2
    assert all(len(line) <= width for line in lines)


def test_a_band_is_drawn_where_there_are_intervals_only() -> None:
    picture = ElementTree.fromstring(as_svg("TWC", "tasks trained on", [NONE, FULL]))

    assert [band.attrib["class"] for band in picture.iter(f"{SVG}polygon")] == ["f1"]


def test_titles_names_labels_and_notes_are_shown_as_they_are() -> None:
    awkward = Series("<full> & co", FULL.points)
    picture = ElementTree.fromstring(as_svg("a < b", "x & y", [awkward], note="2026 <today>"))
    texts = [text.text for text in picture.iter(f"{SVG}text")]

    assert {"a < b", "x & y", "<full> & co", "2026 <today>"} <= set(texts)


def test_a_dot_says_its_value_and_its_interval() -> None:
    assert "full, 100: 50 % (40 % … 60 %)" in as_svg("TWC", "tasks", [FULL])


def test_a_picture_has_colours_for_light_and_for_dark() -> None:
    text = as_svg("TWC", "tasks", [Series(f"condition {number}", NONE.points) for number in range(12)])

    assert text.count("prefers-color-scheme: dark") == 2
    assert ".s8 { fill: none; stroke: #0b62c4; stroke-width: 2; stroke-dasharray: 7 4; }" in text


def test_text_shows_the_way_of_each_series_on_one_scale() -> None:
    lines = as_text("TWC, held-out", [NONE, FULL], width=60).splitlines()

    assert lines[0] == "TWC, held-out"
    assert lines[1].startswith("none ▁▁▁")
    assert lines[1].endswith(" 4 % → 4 %")
    assert lines[2].startswith("full ▁▁")
    assert lines[2].endswith(" 4 % → 80 % (70 % … 90 %)")
    blocks = [BLOCKS.index(letter) for letter in lines[2].split(" ")[1]]
    assert blocks == sorted(blocks)
    assert blocks[-1] == 6
    assert lines[3].split() == ["0", "200"]


def test_nothing_is_drawn_where_a_series_was_not_measured() -> None:
    late = Series("late", (Point(100, 0.5), Point(200, 0.5)))
    row = as_text("TWC", [NONE, late], width=60).splitlines()[2]

    assert row.startswith("late      ")


def test_values_beyond_shares_get_an_axis_of_their_own() -> None:
    loss = Series("loss", (Point(0, 12.5), Point(10, -3)))

    assert "12.5 → -3" in as_text("loss", [loss])
    assert " %" not in as_svg("loss", "steps", [loss])


def test_one_point_is_a_dot_and_no_line() -> None:
    picture = ElementTree.fromstring(as_svg("one", "tasks", [Series("full", (Point(40, 0.5),))]))

    assert list(picture.iter(f"{SVG}polyline")) == []
    assert len(list(picture.iter(f"{SVG}circle"))) == 1


def test_a_picture_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no point to draw"):
        as_svg("empty", "tasks", [])
    with pytest.raises(ValueError, match="no point to draw"):
        as_text("empty", [Series("full", ())])
