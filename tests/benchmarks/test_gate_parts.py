"""Parts of the gate's benchmark, small and with a model that follows what its prompt shows."""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from benchmarks.figures import Figures
from benchmarks.gate.options import Options
from benchmarks.gate.parts import durability, lessons
from benchmarks.gate.parts.lessons import Fate, Sizes, Story, Told, figures_of, picture, play, show
from benchmarks.gate.picture import Bar, as_bars
from benchmarks.gate.planted import EACH, Kind, planted
from benchmarks.learning.conditions import asked
from benchmarks.learning.worlds.rules import RuleWorld
from purpose_agent.core.model import ModelRequest
from purpose_agent.testing.models import RuleModel

SMALL = Sizes(("lamps",), train=24, held_out=8, runs=400)
FAMILIES = ("doors", "lamps", "keys")


def choose(request: ModelRequest) -> str:
    """Follow the line of the prompt that shares most of its words with the goal; without any, say the first choice."""
    notes, _, goal = request.text.rpartition("\n\n")
    lines: list[tuple[str, str]] = re.findall(r"^- (.+) -> (?:the right answer is )?(\w+)$", notes, re.MULTILINE)
    asked = _words(goal)
    near = [(len(_words(line) & asked) / max(1, len(_words(line))), number) for number, (line, _) in enumerate(lines)]
    best, number = max(near, default=(0.0, 0))
    return lines[number][1] if best > 0.6 and lines[number][1] in request.choices else request.choices[0]


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold())) - {"the", "on", "a"}


@pytest.fixture(scope="module")
def story() -> Story:
    return play("lamps", SMALL, "rule", 0, models=lambda spec: RuleModel(choose))


def of_kind(story: Story, kind: Kind) -> list[Told]:
    return [each for each in story.lessons if each.kind == kind]


def test_four_lessons_of_each_kind_are_mixed_in(story: Story) -> None:
    assert [len(of_kind(story, kind)) for kind in ("placebo", "wrong", "poison")] == [EACH, EACH, EACH]


def test_its_own_rule_is_found_among_them_and_helps(story: Story) -> None:
    assert any(each.promoted for each in of_kind(story, "own"))
    assert sum(story.after) > sum(story.before)


def test_nothing_that_was_mixed_in_is_promoted(story: Story) -> None:
    assert [each for each in story.lessons if each.kind != "own" and each.promoted] == []


def test_what_the_scanners_know_never_comes_to_a_trial(story: Story) -> None:
    stopped = [each for each in of_kind(story, "poison") if each.fate == "stopped by scan"]

    assert stopped
    assert [(each.runs, each.tried) for each in stopped] == [(0, False)] * len(stopped)


def test_trials_cost_runs_and_tokens(story: Story) -> None:
    spent = [each for each in story.lessons if each.runs]

    assert {"wrong", "placebo"} <= {each.kind for each in spent}
    assert all(each.tokens > 0 for each in spent)
    assert sum(each.runs for each in spent) <= SMALL.runs


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_mixed_in_is_what_it_says(family: str) -> None:
    world = RuleWorld(family)
    rule = world.oracle(world.training(1, 0)[0]).splitlines()
    mixed_in = planted(world, "player", random.Random(0))

    for each in mixed_in:
        lines = each.lesson.then.splitlines()[1:]
        assert each.lesson.provenance.origin in ("document", "peer_agent", "web", "tool")
        if each.kind == "placebo":
            assert len(lines) == len(rule)
            assert set(heads(lines)).isdisjoint(heads(rule))
        if each.kind == "wrong":
            assert heads(lines) == heads(rule)
            assert set(lines).isdisjoint(rule)
    assert len({each.lesson.then for each in mixed_in}) == len(mixed_in)


def heads(lines: Sequence[str]) -> list[str]:
    return [line.rsplit(" -> ", 1)[0] for line in lines]


def told(kind: Kind, fate: Fate, *, promoted: bool = False, tried: bool = True) -> Told:
    return Told(kind, fate, promoted, tried, runs=2, tokens=10)


def test_figures_count_what_was_ever_promoted_and_leave_out_drafts_that_made_way() -> None:
    lessons = (
        told("own", "promoted", promoted=True),
        told("own", "archived", tried=False),
        told("placebo", "archived", promoted=True),
        told("placebo", "in quarantine"),
        told("poison", "stopped by scan", tried=False),
    )
    figures = figures_of([Story("doors", lessons, (False, False), (True, False))])

    assert values(figures) == {
        "lessons_own_promoted": 1.0,
        "lessons_placebo_promoted": 0.5,
        "lessons_wrong_promoted": None,
        "lessons_poison_promoted": 0.0,
        "lessons_before": 0.0,
        "lessons_after": 0.5,
    }


def values(figures: Figures) -> dict[str, float | None]:
    return {name: figure.value for name, figure in figures.items()}


def test_people_see_what_became_of_each_kind(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    show([story])

    printed = capsys.readouterr().out
    assert all(kind in printed for kind in ("own", "placebo", "wrong", "poison", "lamps"))


def test_the_picture_has_a_bar_for_each_kind(story: Story) -> None:
    drawn = ElementTree.fromstring(picture([story]))
    titles = [each.text or "" for each in drawn.iter("{http://www.w3.org/2000/svg}title")]

    assert {title.partition(",")[0] for title in titles[1:]} == {"own", "placebo", "wrong", "poison"}


def test_a_bar_is_as_long_as_its_count() -> None:
    drawn = ElementTree.fromstring(as_bars("t", ["a", "b"], [Bar("one", (1, 3)), Bar("two", (0, 2))]))
    bars = [each for each in drawn.iter("{http://www.w3.org/2000/svg}rect") if len(each)]
    widths = [float(each.attrib["width"]) for each in bars]

    assert widths[1] == pytest.approx(3 * widths[0], abs=0.2)
    assert widths[2] == pytest.approx(2 * widths[0], abs=0.2)
    with pytest.raises(ValueError, match="2 counts each"):
        as_bars("t", ["a", "b"], [Bar("one", (0, 0))])


@pytest.mark.parametrize("part", [durability, lessons])
def test_every_figure_is_measured(part: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def resolved(spec: str) -> RuleModel:
        return RuleModel(choose)

    for module in (asked, lessons):
        monkeypatch.setattr(module, "resolve_model", resolved)
    monkeypatch.setattr(lessons, "QUICK", replace(SMALL, train=12, held_out=2, runs=40))
    monkeypatch.setattr(durability, "QUICK_KILLS", 2)

    figures = part.measure(Options(quick=True, out=tmp_path, model="a model that follows rules"))

    assert set(figures) == set(part.WANTED)
