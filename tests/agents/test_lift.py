"""Lift: what memory does, measured on tasks that nothing was learned from."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.agents.budget import Budget, Purse
from purpose_agent.agents.measuring.lift import split_tasks
from purpose_agent.agents.measuring.report import Cost, LiftPair, LiftReport
from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import ModelRequest, Usage
from purpose_agent.testing.models import RuleModel
from tests.agents.test_worlds import errand, shopper

LESSON = "say Salve first"


def greeting(number: int) -> pa.Task:
    goal = f"Greet guest number {number} of the house."
    return pa.Task(goal, checks=[pa.Check.contains("Salve")], labels={"family": "guests"})


GUESTS = [greeting(number) for number in range(20)]


def follows(request: ModelRequest) -> str:
    """Greets as it was taught; reflects well."""
    if request.purpose == "reflect":
        return json.dumps({"when": "greeting a guest of the house", "then": LESSON})
    return "Salve, guest" if LESSON in request.text else "Hello, guest"


def deaf(request: ModelRequest) -> str:
    return follows(request).replace("Salve,", "Hello,")


def porter(rule: Callable[[ModelRequest], str] = follows) -> pa.Agent:
    return pa.Agent("porter", model=RuleModel(rule), critic=None, workspace="unused")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def gained() -> LiftReport:
    """An agent that follows what it learned, measured once for several tests."""
    return pa.lift(GUESTS, pa.Agent("porter", model=RuleModel(follows), critic=None, workspace="unused"))


def pairs(*outcomes: tuple[bool | None, bool | None]) -> LiftReport:
    return LiftReport(
        4,
        len(outcomes),
        tuple(LiftPair(f"t{n}", f"t{n}", 0, without, with_it) for n, (without, with_it) in enumerate(outcomes)),
    )


def test_an_agent_that_follows_what_it_learned_is_shown_to_gain(gained: LiftReport) -> None:
    report = gained

    assert report.verdict == "lift", report.summary()
    assert report.interval is not None
    assert report.interval[0] > 0
    assert report.p is not None
    assert report.p < 0.01
    assert (report.training, report.held_out, report.losses) == (10, 10, 0)


def test_memories_are_named_with_the_wins_they_were_in(gained: LiftReport) -> None:
    rule, *_ = gained.memories

    assert rule.status == "promoted"
    assert rule.wins == gained.wins > 0
    assert rule.origin.startswith("run_")


def test_an_agent_that_does_not_listen_has_no_lift_and_it_is_said() -> None:
    report = pa.lift(GUESTS, porter(deaf))

    assert (report.verdict, report.wins, report.losses) == ("none", 0, 0)
    assert report.summary().startswith("No lift was found")


def test_the_costs_of_learning_trials_and_measurement_are_told_apart(gained: LiftReport) -> None:
    report = gained

    assert report.learning.runs == 10
    assert report.measurement.runs == 60
    assert report.trials.runs > 0
    assert min(cost.usage.tokens for cost in (report.learning, report.trials, report.measurement)) > 0


def test_by_default_no_workspace_is_touched_and_a_named_one_keeps_what_was_learned(tmp_path: Path) -> None:
    agent = porter()
    pa.lift(GUESTS, agent)
    untouched = list(tmp_path.iterdir())
    report = pa.lift(GUESTS, agent, workspace=tmp_path / "kept")

    assert untouched == []
    assert report.workspace == str(tmp_path / "kept")
    assert pa.Workspace(tmp_path / "kept").memories("promoted") != ()
    assert agent.workspace.path == tmp_path / "unused"


def test_what_a_workspace_knows_is_measured_without_learning_on_tasks_it_has_not_met(tmp_path: Path) -> None:
    pa.lift(GUESTS, porter(), workspace=tmp_path / "kept")
    before = pa.Workspace(tmp_path / "kept").runs(limit=1000)
    report = pa.lift(GUESTS, porter(), workspace=tmp_path / "kept", learn=False)

    assert (report.verdict, report.training, report.held_out) == ("lift", 0, 10)
    assert "10 tasks were learned from" in report.notes[0]
    assert pa.Workspace(tmp_path / "kept").runs(limit=1000) == before


def test_held_out_runs_never_meet_a_task_of_training() -> None:
    training, held_out = split_tasks(GUESTS)

    assert {task.key for task in training}.isdisjoint(task.key for task in held_out)
    assert len(training) == len(held_out) == 10


def test_the_split_does_not_depend_on_the_order_of_the_file() -> None:
    forwards, backwards = split_tasks(GUESTS), split_tasks(GUESTS[::-1])

    assert [{task.key for task in part} for part in forwards] == [{task.key for task in part} for part in backwards]


def test_one_is_told_in_the_singular() -> None:
    assert pa.lift(GUESTS[:1], porter()).conclusion().startswith("Nothing can be told: 1 task is too few")
    assert "1 run, 0 tokens" in str(Cost(1))


def test_with_fewer_than_six_tasks_nothing_is_run_and_nothing_told() -> None:
    agent = porter()
    report = pa.lift(GUESTS[:5], agent)

    assert report.verdict == "unknown"
    assert report.conclusion().startswith("Nothing can be told: 5 tasks are too few")
    assert report.measurement.runs == 0


@pytest.mark.parametrize("budget", [Budget(runs=40), Budget(tokens=2_000)])
def test_a_budget_is_kept_and_what_it_left_out_is_told(budget: Budget) -> None:
    report = pa.lift(GUESTS, porter(), budget=budget)
    runs, tokens = (
        sum(cost.runs for cost in (report.learning, report.trials, report.measurement)),
        (report.learning + report.trials + report.measurement).usage.tokens,
    )

    assert budget.runs is None or runs <= budget.runs
    assert budget.tokens is None or tokens <= budget.tokens * 1.1
    assert any("budget" in note for note in report.notes)
    assert report.pairs


def test_two_memories_can_be_told_apart_by_leaving_each_out(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path / "taught")
    useful, idle = place.teach(f"At the door, {LESSON}."), place.teach("Be polite.")
    report = pa.lift(GUESTS, porter(), workspace=place, learn=False, ablate=True)

    contributions = {memory.id: memory.contribution for memory in report.memories}
    assert contributions == {useful.id: report.gain, idle.id: 0.0}


def test_in_a_world_the_world_judges_and_tasks_have_no_checks(tmp_path: Path) -> None:
    agent = shopper(tmp_path)
    report = pa.lift([errand(number) for number in range(200)], agent, seeds=1, workspace=agent.workspace)

    assert (report.training, report.held_out) == (100, 100)
    assert report.verdict == "lift", report.summary()
    assert all(pair.valued for pair in report.pairs)


def test_checks_in_a_world_are_refused_before_anything_is_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Task 7 .* has checks, and the agent's world judges"):
        pa.lift([*(errand(number) for number in range(6)), GUESTS[0]], shopper(tmp_path))


def test_a_task_nobody_can_judge_is_refused() -> None:
    with pytest.raises(UsageError, match=r"Task 21 .* has no checks"):
        pa.lift([*GUESTS, pa.Task("Sing.")], porter())


def test_without_learning_a_workspace_must_be_named() -> None:
    with pytest.raises(UsageError, match="name a workspace"):
        pa.lift(GUESTS, porter(), learn=False)


def test_a_model_that_fails_is_no_measurement() -> None:
    def broken(request: ModelRequest) -> str:
        raise pa.errors.ModelUnreachable("nobody answers")

    with pytest.raises(pa.errors.ModelError, match="The measurement stopped"):
        pa.lift(GUESTS, pa.Agent("porter", model=RuleModel(broken), critic=None))


def test_three_wins_of_three_are_too_few_to_claim_a_lift() -> None:
    report = pairs(*[(False, True)] * 3)

    assert (report.wins, report.p, report.verdict) == (3, 0.25, "none")


def test_losses_beyond_chance_are_a_harm() -> None:
    assert pairs(*[(True, False)] * 8, *[(True, True)] * 4).verdict == "harm"


def test_a_pair_that_was_not_judged_says_nothing() -> None:
    report = pairs((None, True), (False, None))

    assert (report.gain, report.p, report.verdict) == (None, None, "unknown")


def test_seeds_of_one_task_count_as_one_in_the_test() -> None:
    report = LiftReport(1, 1, tuple(LiftPair("a", "a", seed, False, True) for seed in range(20)))

    assert report.p == 1.0
    assert report.verdict == "unknown"


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("200", Budget(runs=200)),
        ("200 runs", Budget(runs=200)),
        ("50k tokens", Budget(tokens=50_000)),
        ("1_000tokens", Budget(tokens=1_000)),
    ],
)
def test_a_budget_is_read_from_words(text: str, budget: Budget) -> None:
    assert Budget.parse(text, unit="runs") == budget


@pytest.mark.parametrize("text", ["0", "0 runs", "0k tokens"])
def test_a_budget_of_nothing_says_so(text: str) -> None:
    with pytest.raises(UsageError, match="leaves nothing to be done"):
        Budget.parse(text, unit="runs")


@pytest.mark.parametrize("text", ["", "-3", "many", "3 pairs", ",", "1.5k"])
def test_other_words_are_no_budget(text: str) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        Budget.parse(text, unit="runs")


def test_a_purse_has_room_until_its_tokens_are_spent() -> None:
    purse = Purse(Budget(tokens=100))
    purse.pay(Usage(90, 9))
    almost = purse.has_room()
    purse.pay(Usage(1, 1))

    assert (almost, purse.has_room(), purse.left) == (True, False, Budget(tokens=0))


def test_a_memory_whose_trial_was_undecided_is_named_in_the_notes() -> None:
    report = pa.lift(GUESTS, porter(deaf))

    assert any("stays in quarantine, and was not used" in note for note in report.notes)
