"""The instrument says yes to what learns and no to what doesn't, on worlds small enough to be checked by hand."""

import io
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

import pytest
from rich.console import Console

from benchmarks.figures import Figures, share
from benchmarks.learning import __main__ as learning
from benchmarks.learning.analysis import compare, learns, summarise
from benchmarks.learning.options import Options
from benchmarks.learning.protocol import Budget, Condition, Curve, Outcome, Player, World, measure
from benchmarks.learning.records import load_curves, save_curves
from benchmarks.learning.report import figure, publish
from benchmarks.learning.values import pooled
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.task import Check, Task
from tests.benchmarks.curves import curve_of

COLOURS = ("red", "blue", "green", "black")


class Doors:
    """Each colour has its way; in the control world each door has its own, so that nothing can be learned."""

    steps = 1

    def __init__(self, name: str, control: bool = False) -> None:
        self.name = name
        self.control = control

    def door(self, number: int) -> Task:
        colour = COLOURS[number % len(COLOURS)]
        decides = str(number) if self.control else colour
        way = "left" if crc32(f"{self.name} {decides}".encode()) % 2 else "right"
        return Task(f"{colour} door {number}", [Check.equals(way)], choices=["left", "right"], id=f"{self.name} {number}")

    def training(self, n: int, seed: int) -> Sequence[Task]:
        numbers = list(range(1000, 1000 + n))
        random.Random(seed).shuffle(numbers)
        return [self.door(number) for number in numbers]

    def held_out(self, n: int, fold: str) -> Sequence[Task]:
        return [self.door(number) for number in range(n)]

    def environment(self, task: Task) -> ChoiceEnvironment | None:
        return None

    def oracle(self, task: Task) -> str:
        return task.checks[0].spec


class Porter:
    """Goes the way it knows for the colour, or guesses; what it was told waits until it settles."""

    spent_steps = 0

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.known: dict[str, str] = json.loads(file.read_text()) if file and file.exists() else {}
        self.waiting: dict[str, str] = {}

    def learn(self, task: Task) -> Outcome:
        if self.file:
            self.waiting[task.goal.split()[0]] = task.checks[0].spec
        return self.perform(task, 0)

    def settle(self) -> int:
        self.known |= self.waiting
        self.spent_steps += 2
        if self.file:
            self.file.write_text(json.dumps(self.known))
        return 100

    def perform(self, task: Task, seed: int) -> Outcome:
        known = self.known.get(task.goal.split()[0])
        answer = known or random.Random(seed).choice(task.choices)
        success = answer == task.checks[0].spec
        return Outcome(success, None, 1, 10, 5 if known else 0, 0.002, 0.01)

    def close(self) -> None:
        self.known = {}


class Learner:
    def __init__(self, name: str, file: str | None) -> None:
        self.name = name
        self.file = file

    def open(self, world: World, folder: Path, model: str, seed: int) -> Player:
        return Porter(folder / self.file if self.file else None)


NONE, FULL = Learner("none", None), Learner("full", "known.json")
WORLDS = (Doors("doors"), Doors("gates"), Doors("coins", control=True))


def run(world: World, condition: Condition, folder: Path, seed: int = 0, train: int = 8, **more: Any) -> Curve:
    settings: dict[str, Any] = {"at": (4,), "held_out": world.held_out(24, "dev"), "budget": None, "retries": False} | more
    place = folder / world.name / condition.name / str(seed)
    return measure(world, condition, model="none", seed=seed, train=train, folder=place, **settings)


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> list[Curve]:
    folder = tmp_path_factory.mktemp("players")
    return [run(world, each, folder, seed) for world in WORLDS for each in (NONE, FULL) for seed in range(3)]


def test_a_condition_that_finds_the_rules_learns_and_one_that_finds_none_does_not(curves: list[Curve]) -> None:
    verdict = learns(compare(curves), "full")

    assert (verdict.learns, verdict.gained, verdict.lost) == (True, ("doors", "gates"), ())
    assert (
        learns(compare([*curves, *(curve_of("idle", "+-" * 12, world=name) for name in ("doors", "gates"))]), "idle").learns
        is False
    )


def test_the_summary_says_how_good_it_became_and_what_it_cost(curves: list[Curve]) -> None:
    full = next(each for each in summarise(curves) if (each.world, each.condition) == ("doors", "full"))

    assert full.success is not None
    assert (full.success.value, full.success.n, full.seeds) == (1.0, 72, (1.0, 1.0, 1.0))
    assert full.trained_until(0.99) in (4, 8)
    assert full.after(25) is None
    assert full.tokens_per_success == 10
    assert (full.memory_tokens, full.memory_ms) == (5, pytest.approx(2.0))
    assert (full.learn_tokens, full.learn_steps) == (8 * 10 + 2 * 100, 8 + 2 * 2)
    assert full.restart == 0


def test_before_training_all_conditions_do_the_same_since_they_have_the_same_seeds(curves: list[Curve]) -> None:
    first = {(curve.condition, curve.seed): curve.points[0][1] for curve in curves if curve.world == "doors"}

    assert all(first["none", seed] == first["full", seed] for seed in range(3))
    assert first["none", 0] != first["none", 1]


def test_the_tables_name_everything_and_the_files_hold_all_that_they_are_made_of(curves: list[Curve], tmp_path: Path) -> None:
    screen = io.StringIO()
    retry = run(WORLDS[0], FULL, tmp_path / "retries", held_out=WORLDS[0].held_out(4, "dev"), retries=True)
    shown = publish("rules", [*curves, retry], tmp_path / "out", Console(file=screen, width=132))

    printed = screen.getvalue()
    assert "full: learns. Better than none in doors, gates." in printed
    assert "coins (control)" in printed
    assert printed.count("they reward memorising") == 1
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"curves-rules.json", "doors.svg", "gates.svg", "coins.svg", "doors-retries.svg"}
    again = load_curves(tmp_path / "out" / "curves-rules.json")
    assert summarise(again)[0].curve == shown[0].curve
    assert compare(again) == compare(curves)


def test_a_figure_is_the_success_with_its_interval_or_says_why_there_is_none(curves: list[Curve]) -> None:
    summaries = summarise(curves)
    full = figure("held-out doors", summaries, "doors", "full")

    assert (full.value, full.high, full.n) == (1.0, 1.0, 72)
    assert full.low is not None
    assert 0.8 < full.low < 0.9  # as for 24 tasks, not for 72
    assert figure("held-out doors", summaries, "doors", "oracle").why == "oracle was not run in doors"


def test_curves_come_back_from_disk_with_all_that_the_tables_need(tmp_path: Path) -> None:
    mixed = (
        Outcome(True, 0.5, 3, 10, 2, 0.25, 1.5),
        Outcome(None, None, 1, 0, 0, 0.25, 1.5),
        Outcome(False, 1.0, 2, 5, 0, 0.25, 1.5),
    )
    curve = Curve("full", "twc", True, 4, ("a", "b", "c"), ((0, mixed), (5, mixed[::-1])), mixed[:1], 7, 3, 0.5, mixed, True)

    save_curves(tmp_path / "new" / "curves.json", [curve, curve_of("none", "+-?")])

    assert load_curves(tmp_path / "new" / "curves.json") == [curve, curve_of("none", "+-?")]
    assert set(json.loads((tmp_path / "new" / "curves.json").read_text())) == {
        "date",
        "machine",
        "commit",
        "versions",
        "curves",
    }


def test_what_is_forgotten_in_a_restart_is_seen(tmp_path: Path) -> None:
    class Forgetful(Learner):
        def open(self, world: World, folder: Path, model: str, seed: int) -> Player:
            (folder / "known.json").unlink(missing_ok=True)
            return super().open(world, folder, model, seed)

    (summary,) = summarise([run(WORLDS[0], Forgetful("forgetful", "known.json"), tmp_path)])

    assert summary.restart is not None
    assert summary.restart < -0.2
    assert summary.restart_changed == round(-24 * summary.restart)


def test_training_ends_when_the_budget_does(tmp_path: Path) -> None:
    by_tokens = run(WORLDS[0], FULL, tmp_path / "tokens", train=20, at=(4, 10, 15), budget=Budget(tokens=200))
    by_steps = run(WORLDS[0], FULL, tmp_path / "steps", train=20, at=(4, 10, 15), budget=Budget(steps=5))

    # 4 tasks and a settlement are 140 tokens and 6 steps.
    assert (len(by_tokens.training), len(by_steps.training)) == (10, 4)
    assert [trained for trained, _ in by_steps.points] == [0, 4, 10, 15, 20]
    assert by_steps.points[1][1] == by_steps.points[-1][1]


def test_a_task_on_both_sides_is_refused_unless_it_is_a_retry_curve(tmp_path: Path) -> None:
    both = WORLDS[0].training(24, 0)
    with pytest.raises(ValueError, match="trains on held-out tasks: doors 10"):
        run(WORLDS[0], FULL, tmp_path, held_out=both)

    again = run(WORLDS[0], FULL, tmp_path, held_out=both[:4], retries=True)
    assert again.retries
    assert compare([again, curve_of("none", "++++")]) == ()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"at": (9,)}, "Checkpoints"),
        ({"held_out": []}, "no held-out tasks"),
        ({"held_out": [WORLDS[0].door(1), WORLDS[0].door(1)]}, "twice"),
    ],
)
def test_what_can_not_be_measured_is_refused(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(WORLDS[0], FULL, tmp_path, **more)


def test_several_worlds_can_be_taken_as_one(curves: list[Curve]) -> None:
    both = pooled([curve for curve in curves if curve.world != "coins"], "rules")
    full = next(each for each in summarise(both) if each.condition == "full")

    assert len(both) == 6
    assert full.success is not None
    assert (full.world, full.success.n, full.trained) == ("rules", 2 * 72, 16)
    assert [trained for trained, _ in full.curve] == [0, 4, 8]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Options]]:
    """Parts that measure nothing; what they were asked for."""
    asked: list[tuple[str, Options]] = []
    for name, module in learning.PARTS.items():

        def measured(options: Options, name: str = name) -> Figures:
            asked.append((name, options))
            return {f"{name}_full": share("held-out", 3, 4)}

        part = ModuleType(module)
        vars(part)["measure"] = measured
        vars(part)["WANTED"] = {}
        monkeypatch.setitem(sys.modules, f"benchmarks.learning.parts.{module}", part)
    return asked


def test_all_parts_together_write_the_figures(parts: list[tuple[str, Options]], tmp_path: Path) -> None:
    assert learning.main(["--seeds", "3"], tmp_path / "learning.json", tmp_path / "pictures") == 0

    figures = json.loads((tmp_path / "learning.json").read_text())["figures"]
    assert list(figures) == ["rules_full", "text_full", "transfer_full", "code_full", "published_full"]
    assert [options for _, options in parts] == [Options("dev", False, 3, tmp_path / "pictures")] * 5


def test_some_parts_write_nothing_and_say_how_long_they_took(
    parts: list[tuple[str, Options]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert learning.main(["text", "--fold", "other", "--full"], tmp_path / "learning.json", tmp_path) == 0

    assert parts == [("text", Options("other", True, 5, None))]
    assert list(tmp_path.iterdir()) == []
    assert "text: 0 s" in capsys.readouterr().out


def test_some_jobs_are_asked_of_one_part(
    parts: list[tuple[str, Options]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert learning.main(["rules", "--only", "doors", "--only", "keys"], tmp_path / "learning.json", tmp_path) == 0
    with pytest.raises(SystemExit):
        learning.main(["--only", "doors"], tmp_path / "learning.json", tmp_path)

    assert parts == [("rules", Options(only=("doors", "keys")))]
    assert list(tmp_path.iterdir()) == []
    assert "--only needs one part" in capsys.readouterr().err


def test_a_model_that_cannot_be_had_stops_it_before_anything_is_measured(
    parts: list[tuple[str, Options]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        learning.main(["rules", "--model", "local:dreams"])

    assert "--model: The catalogue has no model 'dreams'" in capsys.readouterr().err
    assert parts == []


def test_a_part_that_does_not_exist_is_named(parts: list[tuple[str, Options]], capsys: pytest.CaptureFixture[str]) -> None:
    assert learning.main(["dreams"]) == 2
    assert "no part called dreams" in capsys.readouterr().err
    assert parts == []
