"""Ways to learn, each on a tiny world with a model that follows what its prompt shows."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.figures import Figures
from benchmarks.learning import __main__ as learning
from benchmarks.learning.conditions import ours
from benchmarks.learning.conditions.asked import Asked, shared
from benchmarks.learning.conditions.games import POISONED, TRUSTING, UNTAUGHT, Gold, PoisonedPlayer, inverted
from benchmarks.learning.conditions.ours import NAME, OurPlayer, Ours
from benchmarks.learning.conditions.shown import EPISODES
from benchmarks.learning.options import Options
from benchmarks.learning.parts import code, jobs, rules
from benchmarks.learning.protocol import Curve, draw, measure
from benchmarks.learning.worlds.rules import RuleWorld
from benchmarks.parts import NotThere
from purpose_agent.core.action import Action, command_of
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.state import State
from purpose_agent.core.task import Check, Task
from purpose_agent.core.values import Episode, Experienced
from purpose_agent.runtime.sync import run_sync
from purpose_agent.testing.models import RuleModel

WORLD = RuleWorld("lamps")
TRAIN, HELD_OUT = 24, 8


def choose(request: ModelRequest) -> str:
    """Follow the line of the prompt that shares most of its words with the goal; without any, say the first choice."""
    notes, _, goal = request.text.rpartition("\n\n")
    lines: list[tuple[str, str]] = re.findall(r"^- (.+) -> (?:the right answer is )?(\w+)$", notes, re.MULTILINE)
    asked = _words(goal)
    near = [(len(_words(line) & asked) / len(_words(line)), number) for number, (line, _) in enumerate(lines)]
    best, number = max(near, default=(0.0, 0))
    return lines[number][1] if best > 0.6 and lines[number][1] in request.choices else request.choices[0]


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold())) - {"the", "on", "a"}


@dataclass
class Asking:
    """Conditions that ask a model of the test's; what was trained once is there for all tests."""

    model: RuleModel
    root: Path
    trained: dict[str, Curve] = field(default_factory=dict[str, Curve])

    def named(self, spec: str) -> RuleModel:
        return self.model

    def of(self, condition: Ours) -> Ours:
        return replace(condition, models=self.named)

    def curve(self, condition: Ours) -> Curve:
        """After training, in a folder called like the condition."""
        if condition.name not in self.trained:
            self.trained[condition.name] = self._measured(condition, TRAIN, condition.name)
        return self.trained[condition.name]

    def look(self, condition: Ours, at: Ours | None = None) -> Curve:
        """Without training, at what another condition learned."""
        if at is not None:
            self.curve(at)
        return self._measured(condition, 0, at.name if at is not None else condition.name)

    def player(self, condition: Ours, at: Ours | None = None) -> OurPlayer:
        """In the folder of `at`, after its training."""
        if at is not None:
            self.curve(at)
        return self.of(condition).open(WORLD, self.root / (at or condition).name, "rule", 0)

    def _measured(self, condition: Ours, train: int, folder: str) -> Curve:
        return measure(
            WORLD,
            self.of(condition),
            model="rule",
            seed=0,
            train=train,
            at=(),
            held_out=WORLD.held_out(HELD_OUT, "dev"),
            folder=self.root / folder,
            restart=train > 0,
        )


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    return Asking(RuleModel(choose), tmp_path_factory.mktemp("conditions"))


def solved(curve: Curve) -> float:
    return sum(outcome.success is True for outcome in curve.final) / len(curve.final)


def test_the_whole_system_finds_the_rule_and_still_knows_it_after_a_restart(asking: Asking) -> None:
    curve = asking.curve(ours.FULL)

    assert solved(curve) == 1.0
    assert curve.restarted is not None
    assert [outcome.success for outcome in curve.restarted] == [True] * HELD_OUT
    assert curve.settle_steps > 0
    assert all(outcome.memory_tokens > 0 for outcome in curve.final)
    assert all(outcome.memory_tokens == 0 for outcome in curve.points[0][1])


def test_no_memory_stays_where_it_was_whatever_it_is_trained_on(asking: Asking) -> None:
    curve = asking.curve(ours.NONE)

    assert [each.success for each in curve.final] == [each.success for each in curve.points[0][1]]
    assert sum(outcome.memory_tokens for outcome in curve.final) == 0
    assert not asking.player(ours.NONE).place.runs()


def test_a_placebo_is_as_long_as_the_rule_and_right_by_chance(asking: Asking) -> None:
    full = asking.curve(ours.FULL)
    placebo = asking.look(ours.PLACEBO, ours.FULL)

    assert 0 < solved(placebo) < 0.7
    lengths = [sum(each.memory_tokens for each in curve.final) / HELD_OUT for curve in (full, placebo)]
    assert lengths[1] == pytest.approx(lengths[0], abs=2)


def test_the_oracle_is_told_the_rule_and_need_not_learn(asking: Asking) -> None:
    assert solved(asking.look(ours.ORACLE)) == 1.0


def test_without_a_trial_lessons_are_used_at_once(asking: Asking) -> None:
    curve = asking.curve(ours.UNGATED)

    assert solved(curve) == 1.0
    assert curve.settle_steps == 0
    assert {memory.status for memory in asking.player(ours.UNGATED, ours.UNGATED).place.memories()} <= {
        "quarantined",
        "archived",
    }


def test_raw_episodes_are_the_nearest_solved_cases_and_no_lesson(asking: Asking) -> None:
    player = asking.player(ours.EPISODES, ours.UNGATED)
    task = WORLD.held_out(1, "dev")[0]

    player.perform(task, 0)

    lines = re.findall(r"^- .+ -> (?:the right answer is )?\w+$", asking.model.requests[-1].text, re.MULTILINE)
    assert len(lines) == EPISODES
    nearest = _words(lines[-1]) & _words(task.goal)
    assert all(len(nearest) >= len(_words(line) & _words(task.goal)) - 1 for line in lines)


def test_a_greedy_gate_decides_by_one_pair_of_runs_and_remembers_it(asking: Asking) -> None:
    player = asking.player(ours.GREEDY)
    for task in WORLD.training(TRAIN, 0):
        player.learn(task)
    player.settle()
    waiting = player.place.memories("quarantined", "skill_card")
    again = asking.of(ours.GREEDY).open(WORLD, asking.root / "greedy", "rule", 0)

    assert player.spent_steps == 2 * len(waiting) > 0
    assert again.place.kept == player.place.kept <= {memory.id for memory in waiting}
    assert not again.place.memories("promoted")


def test_retries_are_told_that_they_failed_and_nothing_of_what_was_right(asking: Asking) -> None:
    curve = asking.look(ours.REFLEXION)

    assert solved(curve) >= 0.75  # three attempts at four answers
    assert max(outcome.steps for outcome in curve.final) == 1 + ours.RETRIES
    assert not asking.player(ours.REFLEXION).place.runs()


def test_a_part_that_is_left_out_does_not_show_in_a_prompt(asking: Asking) -> None:
    without = asking.look(replace(ours.MINUS_RULES, values=False), ours.FULL)

    assert sum(outcome.memory_tokens for outcome in without.final) == 0


def test_a_rule_that_is_only_shown_stands_in_the_prompt_as_it_did_and_chooses_nothing(asking: Asking) -> None:
    full, shown = asking.look(ours.FULL), asking.look(ours.MINUS_WEIGHING, ours.FULL)

    assert [each.memory_tokens for each in shown.final] == [each.memory_tokens for each in full.final]
    assert sum(each.memory_tokens for each in shown.final) > 0


def test_evaluation_writes_nothing(asking: Asking) -> None:
    player = asking.player(ours.UNGATED, ours.UNGATED)
    before = len(player.place.runs()), player.place.memories()

    for task in WORLD.held_out(HELD_OUT, "dev"):
        player.perform(task, draw(0, task))

    assert (len(player.place.runs()), player.place.memories()) == before


def test_a_question_that_was_answered_is_not_asked_again() -> None:
    model = RuleModel(choose)
    asked = Asked(model)
    request = ModelRequest(messages=(), choices=("left", "right"), seed=1)

    answers = [
        run_sync(asked.generate(each)).text for each in (request, replace(request, seed=2), replace(request, choices=("up",)))
    ]

    assert answers == ["left", "left", "up"]
    assert (len(model.requests), asked.spared) == (2, 1)
    assert shared("none") == "none"


class Hall(ChoiceEnvironment):
    """Three doors; the one that is named in the goal leads out."""

    def __init__(self, door: str) -> None:
        self._door = door

    def reset(self) -> State:
        return State({"at": "hall", "steps": 0})

    def execute(self, action: Action, current_state: State) -> State:
        steps = current_state.values["steps"]
        assert isinstance(steps, int)
        return current_state.with_values(at=command_of(action) or "", steps=steps + 1)

    def is_terminal(self, state: State) -> bool:
        return state.values["at"] == self._door or state.values["steps"] == 2

    def situation(self, state: State) -> str:
        return f"You stand at the {state.values['at']}."

    def admissible(self, state: State) -> Sequence[str]:
        return ("oak door", "pine door", "glass door")

    def reward(self, state: State) -> float:
        return 1.0 if state.values["at"] == self._door else 0.0

    def succeeded(self, state: State) -> bool | None:
        return state.values["at"] == self._door

    def achieved(self, state: State) -> Sequence[str]:
        return ()


@dataclass(frozen=True)
class Halls:
    """A way out behind the same door every time."""

    name: str = "halls"
    control: bool = False
    steps: int = 2

    def training(self, n: int, seed: int) -> Sequence[Task]:
        return [Task("Find the way out.", labels={"family": "halls"}, id=f"train-{seed}-{number}") for number in range(n)]

    def held_out(self, n: int, fold: str) -> Sequence[Task]:
        return [Task("Find the way out.", labels={"family": "halls"}, id=f"{fold}-{number}") for number in range(n)]

    def environment(self, task: Task) -> ChoiceEnvironment:
        return Hall("glass door")

    def oracle(self, task: Task) -> str:
        return "glass door"


def played(condition: Ours | Gold, folder: Path, train: int = 12) -> Curve:
    world = Halls()
    return measure(
        world, condition, model="none", seed=0, train=train, at=(), held_out=world.held_out(10, "dev"), folder=folder
    )


def test_without_a_model_values_are_learned_by_either_estimator(tmp_path: Path) -> None:
    learnt = replace(ours.UNGATED), ours.KNN
    curves = [played(condition, tmp_path / condition.name) for condition in learnt]

    assert [sum(outcome.steps for outcome in curve.final) for curve in curves] == [10, 10]
    assert all(solved(curve) == 1.0 and curve.learn_tokens == 0 for curve in curves)
    assert all(outcome.memory_seconds > 0 for curve in curves for outcome in curve.final)


def test_untaught_values_try_what_was_not_tried(tmp_path: Path) -> None:
    curve = played(UNTAUGHT, tmp_path, train=0)

    assert 0 < solved(curve) < 1  # two of three doors
    assert sum(outcome.score or 0 for outcome in curve.final) == solved(curve) * 10


def test_the_way_to_the_goal_is_walked_without_learning(tmp_path: Path) -> None:
    curve = played(Gold(), tmp_path, train=2)

    assert (solved(curve), curve.learn_tokens, curve.final[0].steps) == (1.0, 0, 1)


@pytest.mark.parametrize("condition", [POISONED, TRUSTING])
def test_a_share_of_the_training_is_what_a_peer_says_turned_round(condition: Ours, tmp_path: Path) -> None:
    player = condition.open(Halls(), tmp_path, "none", 0)
    assert isinstance(player, PoisonedPlayer)

    for task in Halls().training(30, 0):
        player.learn(task)

    learned, own = player.place.experience(NAME), len(player.place.runs())
    told = [each for each in learned if any(step.reward < 0 for step in each.steps)]
    assert 0 < 30 - own < 20
    assert len(learned) == (30 if condition is TRUSTING else own)
    assert len(told) <= 30 - own
    assert bool(told) == (condition is TRUSTING)
    assert player.perform(Halls().held_out(1, "dev")[0], 0).steps > 0


def test_what_is_turned_round_twice_is_as_it_was() -> None:
    episode = Episode("run", "goal", "family", (Experienced("here", "go", 1.0), Experienced("there", "stay", 0.0)), True)

    (once,) = inverted([episode])

    assert ([step.reward for step in once.steps], once.success) == ([-1.0, 0.0], False)
    assert inverted([once]) == [episode]


def test_a_family_is_measured_under_all_conditions_and_read_as_figures(asking: Asking) -> None:
    sizes = rules.Sizes(1, (), 24, (12, 24), 4)
    curves = rules.play("lamps", "dev", "rule", sizes, asking.named)

    assert [curve.condition for curve in curves] == [
        "none",
        "oracle",
        "full",
        "placebo",
        "full-minus-weighing",
        "episodes",
        "ungated",
    ]
    assert all([trained for trained, _ in curve.points][-1] == 24 for curve in curves)
    summaries = rules.summarise(curves)
    figures = rules.figures_of(summaries, rules.summarise([replace(curve, world=rules.ALL) for curve in curves]))
    assert set(figures) == set(rules.WANTED)
    assert (figures["rules_full"].value, figures["rules_oracle"].value) == (1.0, 1.0)
    assert figures["rules_train_tasks"].value in (12, 24)


def test_code_is_measured_before_and_after(asking: Asking) -> None:
    class Sums(Halls):
        def training(self, n: int, seed: int) -> Sequence[Task]:
            return [_sum(f"train-{number}") for number in range(n)]

        def held_out(self, n: int, fold: str) -> Sequence[Task]:
            return [_sum(f"{fold}-{number}") for number in range(n)]

        def environment(self, task: Task) -> ChoiceEnvironment | None:  # type: ignore[override]
            return None

    model = RuleModel(lambda request: "5" if "remember" in request.text else '{"when": "adding", "then": "remember to carry"}')
    curves = code.play(0, "dev", "rule", code.Sizes(1, 3, 2, 8), lambda spec: model, Sums())

    assert [curve.condition for curve in curves] == ["none", "full"]
    assert solved(curves[0]) == 0.0


def _sum(id: str) -> Task:
    return Task(f"Add 2 and 3. ({id})", checks=[Check.contains("5")], labels={"family": "sums"}, id=id)


def test_a_job_that_breaks_is_named_and_takes_nothing_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    measured = jobs.run_jobs(rules.play, [("nowhere", ("nowhere", "dev", "none", rules.Sizes(1)))], workers=1)

    assert measured.curves == []
    assert "No family of house rules is called 'nowhere'" in measured.failed["nowhere"]
    assert "1/1] nowhere: UsageError" in capsys.readouterr().out


def test_only_the_jobs_that_are_asked_for_are_done() -> None:
    calls = [(name, (name, "dev", "none", rules.Sizes(1))) for name in ("nowhere", "elsewhere", "anywhere")]

    assert set(jobs.run_jobs(rules.play, calls, ("now", "any"), workers=1).failed) == {"nowhere", "anywhere"}
    with pytest.raises(NotThere, match=r"No job's name contains 'there'\. Jobs: nowhere; elsewhere; anywhere"):
        jobs.run_jobs(rules.play, calls, ("now", "there"))


def test_a_job_that_is_not_there_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def measured(options: Options) -> Figures:
        raise NotThere(f"No job's name contains {options.only[0]!r}.")

    part = ModuleType("rules")
    vars(part).update(measure=measured, WANTED={})
    monkeypatch.setitem(sys.modules, "benchmarks.learning.parts.rules", part)

    assert learning.main(["rules", "--only", "nowhere"]) == 2
    assert capsys.readouterr().err == "No job's name contains 'nowhere'.\n"


def test_a_part_that_breaks_is_told_and_its_figures_are_null(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(options: Options) -> Figures:
        raise ZeroDivisionError("no tasks")

    part = ModuleType("text")
    vars(part).update(measure=broken, WANTED={"twc_none": "games won"})
    monkeypatch.setitem(sys.modules, "benchmarks.learning.parts.text", part)

    assert learning.main(["text"]) == 0

    said = capsys.readouterr().out
    assert "twc_none" in said
    assert "text broke: ZeroDivisionError: no tasks" in said
