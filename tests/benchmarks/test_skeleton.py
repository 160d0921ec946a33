"""The benchmark measures what it says, writes what it measured, and sees what is lost. Small: numbers are for `make`."""

import asyncio
import json
from pathlib import Path

import pytest

from benchmarks import importing, kills, malformed, overhead, processes, skeleton
from benchmarks.doors import door, porter
from benchmarks.figures import Figure, as_json, share, spread, unmeasured
from purpose_agent.agents.workspace import Workspace

NAMES = {
    "demo_tasks_passed", "demo_rule_before", "demo_rule_after", "demo_seconds", "import_cpu_ms", "import_third_party",
    "run2_us_off", "run2_us_on", "kills", "kill_lost", "processes_lost", "malformed", "malformed_crashes", "cache_share",
}  # fmt: skip


def test_a_figure_is_written_with_its_range_and_what_was_not_measured_as_null() -> None:
    figures = {"speed": Figure("runs a second", 2.5, 2.0, 3.0, 10), **unmeasured("no model", quality="share")}

    document = json.loads(as_json(figures))

    assert set(document) == {"date", "machine", "commit", "figures"}
    assert document["figures"] == {
        "speed": {"value": 2.5, "low": 2.0, "high": 3.0, "n": 10},
        "quality": {"value": None, "low": None, "high": None, "n": None},
    }


def test_a_spread_is_a_median_between_two_percentiles() -> None:
    figure = spread("ms", [5.0, 1.0, 2.0, 3.0, 4.0, 100.0, 6.0, 7.0, 8.0, 9.0, 0.0])

    assert (figure.value, figure.low, figure.high, figure.n) == (5.0, 1.0, 9.0, 11)


def test_a_share_lies_within_its_interval() -> None:
    figure = share("doors", 0, 20)

    assert (figure.value, figure.low, figure.n) == (0.0, 0.0, 20)
    assert figure.high is not None
    assert 0.1 < figure.high < 0.2


def test_all_parts_together_give_all_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each part for itself is tested below; the real ones take minutes, and a real model.
    parts = iter(
        [
            {"demo_tasks_passed", "demo_rule_before", "demo_rule_after", "demo_seconds"},
            {"import_cpu_ms", "import_third_party"},
            {"run2_us_off", "run2_us_on"},
            {"kills", "kill_lost"},
            {"processes_lost"},
            {"malformed", "malformed_crashes"},
            {"cache_share"},
        ]
    )
    for module in skeleton.PARTS.values():
        monkeypatch.setattr(f"benchmarks.{module}.measure", lambda: unmeasured("not now", **dict.fromkeys(next(parts), "")))

    assert skeleton.main(results=tmp_path / "results" / "skeleton.json") == 0

    assert set(json.loads((tmp_path / "results" / "skeleton.json").read_text())["figures"]) == NAMES


def test_a_part_that_does_not_exist_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert skeleton.main(["imports"]) == 2
    assert "Parts: demo, import," in capsys.readouterr().err


def test_the_import_is_measured_and_pulls_in_nothing() -> None:
    figures = importing.measure(times=2)

    assert figures["import_third_party"].value == 0
    assert figures["import_cpu_ms"].n == 2


def test_both_kinds_of_run_are_timed() -> None:
    figures = overhead.measure(blocks=2, runs=5)

    off, on = figures["run2_us_off"].value, figures["run2_us_on"].value
    assert off is not None
    assert on is not None
    assert on > off > 0


def test_nothing_acknowledged_is_lost_by_a_kill() -> None:
    figures = kills.measure(kills=3)

    assert (figures["kills"].value, figures["kill_lost"].value) == (3, 0)


def test_what_is_lost_is_seen(tmp_path: Path) -> None:
    told = kills.Acknowledged()
    result = asyncio.run(porter(Workspace(tmp_path)).run_async(door("doors", 0)))
    told.hear(json.dumps(["run", result.id, "finished", True, len(result.trace.events)]).encode())
    assert list(kills.lost(tmp_path, told)) == []

    told.hear(json.dumps(["run", result.id, "gave_up", False, len(result.trace.events)]).encode())
    told.hear(json.dumps(["run", "run_never", "finished", True, 6]).encode())
    told.hear(json.dumps(["memory", "mem_never", "promoted"]).encode())

    assert list(kills.lost(tmp_path, told)) == [result.id, "run_never", "mem_never"]


def test_processes_that_share_a_workspace_lose_nothing() -> None:
    assert processes.measure(processes=2, runs=20)["processes_lost"].value == 0


@pytest.mark.slow
def test_forty_kills_lose_nothing() -> None:
    assert kills.measure(kills=40, seed=2)["kill_lost"].value == 0


@pytest.mark.slow
def test_four_processes_lose_nothing_in_two_hundred_runs() -> None:
    assert processes.measure()["processes_lost"].value == 0


@pytest.mark.slow
def test_no_malformed_output_does_harm() -> None:
    figures = malformed.measure()

    assert (figures["malformed"].value, figures["malformed_crashes"].value) == (200, 0)


@pytest.mark.slow
@pytest.mark.live
def test_most_of_a_growing_prompt_comes_from_the_cache() -> None:
    from benchmarks import cache

    figure = cache.measure()["cache_share"]

    if figure.value is None:
        pytest.skip(figure.why)
    assert figure.value > 0.5
