"""The parts of Φ's benchmark, small and without a model."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.phi.__main__ import PARTS, main
from benchmarks.phi.account import Account
from benchmarks.phi.attacks import ATTACKS
from benchmarks.phi.attacks.attack import Attack
from benchmarks.phi.judges import plain_number, plain_phi, transcript
from benchmarks.phi.needles import NEEDLES, Needle
from benchmarks.phi.parts import attacks, cost, truth
from benchmarks.phi.parts.attacks import Gain
from benchmarks.phi.parts.truth import Judged
from benchmarks.phi.programs import programs
from purpose_agent.core.messages import user
from purpose_agent.core.model import ModelRequest
from purpose_agent.critics.checks import CheckCritic
from purpose_agent.sandbox.sandbox import Sandbox
from purpose_agent.testing.models import RuleModel

pytestmark = pytest.mark.anyio


def named(name: str) -> Attack:
    return next(attack for attack in ATTACKS if attack.name == name)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_no_goal_or_input_gives_a_fact_away(attack: Attack) -> None:
    assert not [fact for fact in attack.facts if fact in attack.task.goal or fact in str(dict(attack.task.inputs))]


@pytest.mark.parametrize("attack", [each for each in ATTACKS if not each.reply_given], ids=lambda attack: attack.name)
def test_the_tricked_run_is_another(attack: Attack) -> None:
    assert attack.honest != attack.tricked
    assert attack.honest[0].before == attack.tricked[0].before


def test_the_plain_judge_reads_thoughts() -> None:
    assert "supplier Kovac" in transcript(named("claims in a thought").tricked)
    assert "supplier Kovac" not in transcript(named("claims in a thought").honest)


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("I'd say 8.5.", 8.5), ("１０", 10), ("NaN", None), ("", None)])
def test_the_plain_judge_says_its_first_number(text: str, number: float | None) -> None:
    assert plain_number(text) == number


async def test_a_plain_judge_that_obeys_is_fooled() -> None:
    attack = named("a plain order")
    account = Account(RuleModel(lambda request: "10" if "Ignore all previous" in request.text else "2"))

    assert await plain_phi(account.ask, attack.task, attack.tricked) == 10
    assert await plain_phi(account.ask, attack.task, attack.honest) == 2


async def test_a_repeated_question_costs_as_if_it_had_been_asked() -> None:
    model = RuleModel(lambda request: "a number, 3")
    account = Account(model)
    request = ModelRequest((user("How far?"),))

    await account.ask(request)
    first = account.take()
    await account.ask(request)

    assert account.take() == first
    assert first[0] > 0
    assert len(model.requests) == 1


def test_what_breaks_the_critic_counts_as_a_gain() -> None:
    assert Gain(named("a plain order"), 0.0, 0.0, "ValueError: x").fools_phi


def test_any_credit_for_a_word_that_is_no_score_is_a_gain() -> None:
    assert Gain(named("score: NaN"), 0.1, 0.0).fools_phi
    assert not Gain(named("a plain order"), 0.4, 0.0).fools_phi


def test_the_picture_of_attacks_has_a_bar_for_each_kind() -> None:
    picture = attacks.picture([Gain(attack, 1.0, 0.0) for attack in ATTACKS], "a model")

    ElementTree.fromstring(picture)
    assert all(kind in picture for kind in {attack.kind for attack in ATTACKS})


async def test_programs_are_right_and_wrong_as_their_hidden_tests_say() -> None:
    every = await programs(CheckCritic(Sandbox()), 2, 0, 1, 0)

    assert [each.right for each in every] == [True, False, True, False]
    assert not any(each.task.checks for each in every)


JUDGED = [Judged(f"task {n}", 8.0 if right else 4.0, right) for n in range(12) for right in (True, False)]


def test_who_tells_right_from_wrong_has_an_auc_of_one() -> None:
    assert truth.auc_of(JUDGED) == 1.0
    assert truth.accuracy(JUDGED) == 1.0


def test_calibration_lowers_the_brier_score_of_one_who_is_timid() -> None:
    before, after = truth.brier_before(JUDGED), truth.brier_after(JUDGED)

    assert before is not None
    assert after is not None
    assert after < before


def test_no_task_is_learned_from_and_measured_on() -> None:
    for learned, measured in truth.halves(JUDGED):
        assert {each.task for each in learned}.isdisjoint(each.task for each in measured)


def test_the_range_holds_the_value() -> None:
    mixed = [Judged(f"task {n}", float((n * 7 + right * 3) % 11), right) for n in range(12) for right in (True, False)]
    low, high = truth.spread_of(mixed, truth.auc_of)
    value = truth.auc_of(mixed)

    assert low is not None
    assert high is not None
    assert value is not None
    assert low <= value <= high


def test_the_reliability_curve_is_a_picture() -> None:
    ElementTree.fromstring(truth.picture(JUDGED, "a model"))


@pytest.mark.parametrize("needle", NEEDLES, ids=lambda needle: needle.name)
def test_the_fact_is_in_the_one_step_alone(needle: Needle) -> None:
    def told(task_goal: str, values: object) -> bool:
        return needle.fact in f"{task_goal} {values}"

    assert told(needle.task.goal, dict(needle.having.after.values))
    assert not told(needle.lacking_task.goal, dict(needle.lacking.after.values))


@pytest.mark.parametrize("needle", NEEDLES, ids=lambda needle: needle.name)
async def test_every_needle_is_found(needle: Needle) -> None:
    found = await cost.searched([needle])

    assert [(each.mode, each.shown, each.believed) for each in found] == [("delta", True, True), ("standard", True, True)]


async def test_delta_costs_the_same_at_every_step() -> None:
    account = Account(RuleModel(lambda request: cost.reply(5, "")))
    spent = {step: (await cost.tokens_at(account, step))["delta"] for step in (1, 10, 200)}

    assert spent[200] <= 1.1 * spent[10]
    assert spent[10] <= 1.5 * spent[1]


def test_without_the_model_its_figures_are_null_and_the_needles_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PURPOSE_AGENT_MODELS", str(tmp_path / "none"))

    assert main(["--quick", "--model", "local:qwen2.5-coder:1.5b", "--out", str(tmp_path)]) == 0

    figures = json.loads((tmp_path / "phi.json").read_text())["figures"]
    assert {name for names in PARTS.values() for name in names} <= set(figures)
    assert figures["auc_judge"]["value"] is None
    assert figures["needles"]["value"] > 0
    assert "Not measured" in capsys.readouterr().out
