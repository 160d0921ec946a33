"""The gate's benchmark as a whole, and its figures of error and power on a few simulated memories."""

import json
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.figures import Figures, share
from benchmarks.gate import __main__ as gate
from benchmarks.gate.options import Options
from benchmarks.gate.parts import errors
from benchmarks.gate.simulated import Hypothesis, knowing, mcnemar_pairs, mixed, ours, trial
from purpose_agent.evals.stats import mcnemar_exact

NAMES = [
    "null_promoted",
    "null_promoted_fdr",
    "harm_promoted",
    "pairs_20",
    "pairs_40",
    "pairs_70",
    "oracle_ratio",
    "drift_runs_to_demote",
    "poison_acted",
    "poison_acted_noscan",
    "benign_kept",
    "hard_kept",
    "insert_ms_100k",
    "recall_ms_10k",
    "recall_ms_100k",
    "recall_hit10",
    "kill_lost",
]


def test_every_figure_of_errors_is_measured() -> None:
    figures = errors.measure(Options(quick=True))

    assert list(figures) == list(errors.WANTED)
    assert set(gate.PARTS["errors"]) <= set(figures)
    assert all(figure.value is not None for figure in figures.values())


def test_the_same_seed_gives_the_same_figures() -> None:
    assert errors.measure(Options(quick=True, seed=4)) == errors.measure(Options(quick=True, seed=4))


def test_who_knows_both_rates_stakes_what_grows_fastest() -> None:
    memory = Hypothesis(0.5, 0.3)
    best = knowing(memory)
    # 35 wins and 15 losses of a hundred pairs, as expected: no other fixed stake has made more of them.
    assert all(best(35, 15) >= mixed((stake / 100,))(35, 15) for stake in range(1, 100))


def test_a_trial_ends_with_the_pair_that_decides() -> None:
    assert trial(iter([1, 0, 1, 1, 1, 1, 1]), ours, most=7).pairs == 6
    assert trial(iter([-1] * 9), ours, most=9).pairs == 5
    assert trial(iter([-1] * 9), ours, most=9, harm=None).pairs == 9
    assert trial(iter([0] * 9), ours, most=9, futile=True).pairs == 5


def test_pairs_for_a_fixed_number_agree_with_what_is_drawn() -> None:
    memory, rng = Hypothesis(0.7, 0.3), random.Random(5)
    n = mcnemar_pairs(memory, 0.5)

    def found(pairs: int) -> float:
        hits = 0
        for _ in range(4000):
            outcomes = [outcome for outcome, _ in zip(memory.pairs(rng), range(pairs), strict=False)]
            wins, losses = outcomes.count(1), outcomes.count(-1)
            hits += wins > losses and mcnemar_exact(wins, losses) <= 0.1  # two-sided: twice the one-sided
        return hits / 4000

    assert found(n) > 0.47
    assert found(n - 2) < 0.53


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Options]]:
    """Parts that measure nothing but one figure each; what they were asked for. The last one is missing."""
    asked: list[tuple[str, Options]] = []
    for name, wanted in gate.PARTS.items():

        def measured(options: Options, name: str = name, wanted: tuple[str, ...] = wanted) -> Figures:
            asked.append((name, options))
            return {figure: share("of four", 3, 4) for figure in (*wanted, f"{name}_more")}

        part = ModuleType(name)
        vars(part).update(measure=measured, WANTED={f"{name}_more": "of four"})
        monkeypatch.setitem(sys.modules, f"benchmarks.gate.parts.{name}", part)
    monkeypatch.setitem(sys.modules, "benchmarks.gate.parts.durability", None)
    return asked


def test_all_parts_together_write_every_figure_of_the_gate(
    parts: list[tuple[str, Options]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate.main(["--seed", "7"], tmp_path / "gate.json", tmp_path / "pictures") == 0

    figures = json.loads((tmp_path / "gate.json").read_text())["figures"]
    assert set(NAMES) <= set(figures)
    assert figures["kill_lost"]["value"] is None
    assert figures["null_promoted"] == {
        "value": 0.75,
        "low": pytest.approx(0.3006, abs=1e-3),
        "high": pytest.approx(0.9544, abs=1e-3),
        "n": 4,
    }
    assert {options for _, options in parts} == {Options(False, "local:qwen2.5-coder:1.5b", tmp_path / "pictures", 7)}
    assert "Not measured: durability broke" in " ".join(capsys.readouterr().out.split())


def test_some_parts_or_a_quick_look_write_nothing(parts: list[tuple[str, Options]], tmp_path: Path) -> None:
    assert gate.main(["errors"], tmp_path / "gate.json", tmp_path) == 0
    assert gate.main(["--quick"], tmp_path / "gate.json", tmp_path) == 0

    assert parts[0] == ("errors", Options())
    assert list(tmp_path.iterdir()) == []


def test_a_figure_that_a_part_forgot_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def nothing(options: Options) -> Figures:
        return {}

    part = ModuleType("drift")
    vars(part).update(measure=nothing, WANTED={"drift_runs_to_demote": "runs"})
    monkeypatch.setitem(sys.modules, "benchmarks.gate.parts.drift", part)

    assert gate.main(["drift"]) == 0
    assert "drift said nothing about drift_runs_to_demote" in capsys.readouterr().out


def test_a_part_that_does_not_exist_is_named(parts: list[tuple[str, Options]], capsys: pytest.CaptureFixture[str]) -> None:
    assert gate.main(["dreams"]) == 2
    assert "no part called dreams" in capsys.readouterr().err
    assert parts == []
