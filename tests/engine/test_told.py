"""Choices by what learned rules say, weighed with what the model makes of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import purpose_agent as pa
from purpose_agent.core.memory import Condition, Lesson, Memory, Provenance, Recalled, RuleLine, Scope
from purpose_agent.core.messages import assistant
from purpose_agent.core.model import ModelResponse
from purpose_agent.core.origin import Origin
from purpose_agent.critics.checks import CheckCritic
from purpose_agent.engine.result import TaskResult
from purpose_agent.engine.runner import Runner
from purpose_agent.engine.scoring import Scoring
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.events import ModelOverruled, RunMode, ValuesWouldChoose
from purpose_agent.sandbox.sandbox import Sandbox
from tests.engine.given import NATIVE, scripted
from tests.engine.worlds import Taught, setup

pytestmark = pytest.mark.anyio
CHOOSES = replace(NATIVE, choices=True)
KEYS = pa.Task("Which way with the steel key?", checks=[pa.Check.equals("East")], choices=["North", "East", "South"])
STEEL = RuleLine((Condition("steel"),), "east")


def rule(
    *lines: RuleLine,
    name: str = "mem_1",
    origin: Origin = "self_verified",
    of: Sequence[str] = ("walker",),
    families: Sequence[str] = (),
) -> Memory:
    lesson = Lesson("skill_card", "", "a rule", Provenance(origin), Scope(tuple(of), tuple(families)), lines=lines)
    return Memory(name, lesson, "promoted", datetime(2026, 1, 1, tzinfo=UTC))


async def chosen(
    *known: Memory,
    task: pa.Task = KEYS,
    values: Taught | None = None,
    may_use: bool = True,
    mode: RunMode = "learning",
    answers: tuple[ModelResponse | str, ...] = (),
) -> TaskResult:
    def recall(*_: object, **__: object) -> list[Recalled]:
        return [Recalled(memory, 1.0, 1.0) for memory in known]

    runner = Runner(scoring=Scoring(CheckCritic(Sandbox())), clock=SystemClock(), recall=recall, record=None, values=values)
    model = scripted(*(answers or (likely(North=0.6, East=0.35, South=0.05),)), capabilities=CHOOSES)
    return await runner.run(setup(model), task, values=None if values is None else may_use, mode=mode)


def likely(**shares: float) -> ModelResponse:
    return ModelResponse(assistant(max(shares, key=lambda name: shares[name])), probabilities=shares)


@pytest.mark.parametrize("mode", ["learning", "validation", "evaluation"])
async def test_the_model_s_favourite_yields_to_a_rule_and_the_record_says_so(mode: RunMode) -> None:
    result = await chosen(rule(STEEL), mode=mode)

    assert (result.answer, result.success) == ("East", True)
    assert result.trace.of(ModelOverruled) == (ModelOverruled("East", "North", ("mem_1",)),)


async def test_a_model_that_is_sure_is_not_overruled() -> None:
    result = await chosen(rule(STEEL), answers=(likely(North=0.9999, East=0.00001, South=0.0),))

    assert result.answer == "North"
    assert result.trace.of(ModelOverruled) == ()


async def test_where_both_say_the_same_there_is_nothing_to_tell() -> None:
    result = await chosen(rule(STEEL), answers=(likely(North=0.1, East=0.9, South=0.0),))

    assert result.answer == "East"
    assert result.trace.of(ModelOverruled) == ()


@pytest.mark.parametrize(
    "known",
    [
        rule(RuleLine((Condition("brass"),), "east")),  # fits nothing here
        rule(RuleLine((Condition("steel"),), "upward")),  # is not to be had
        rule(STEEL, origin="web"),  # is somebody else's word
        rule(STEEL, of=["runner"]),  # is lent by a mate, and was tried on that one
        rule(RuleLine((), "east")),  # says "otherwise", of tasks that may be of another kind
        rule(),  # a lesson in words
    ],
    ids=["another key", "no choice", "of others", "of a mate", "otherwise", "in words"],
)
async def test_what_says_nothing_about_the_choices_or_is_not_ours_chooses_nothing(known: Memory) -> None:
    result = await chosen(known)

    assert result.answer == "North"


async def test_two_rules_that_agree_weigh_as_one_and_are_both_named() -> None:
    agreed = await chosen(rule(STEEL), rule(STEEL, name="mem_2"))
    sure = await chosen(rule(STEEL), rule(STEEL, name="mem_2"), answers=(likely(North=0.999, East=0.001, South=0.0),))

    assert agreed.trace.of(ModelOverruled)[0].memory_ids == ("mem_1", "mem_2")
    assert sure.answer == "North"


async def test_where_two_rules_disagree_the_model_decides_between_them() -> None:
    other = rule(RuleLine((), "South"), name="mem_2", families=["keys"])

    assert (await chosen(rule(STEEL), other)).answer == "East"


async def test_values_of_other_options_weigh_against_a_rule() -> None:
    against = Taught({"North": (0.9, ("run_1",)), "East": (-0.5, ()), "South": (0.0, ())})

    assert (await chosen(rule(STEEL), values=against)).answer == "North"


async def test_a_value_and_a_rule_that_say_the_same_count_once() -> None:
    same = Taught({"East": (1.0, ("run_1",))})
    sure = (likely(North=0.999, East=0.001, South=0.0),)

    assert (await chosen(rule(STEEL), values=same, answers=sure)).answer == "North"


async def test_a_rule_is_not_said_to_have_decided_what_values_would_have() -> None:
    same = Taught({"East": (1.0, ("run_1",))})
    result = await chosen(rule(STEEL), values=same)

    assert result.answer == "East"
    assert result.trace.of(ModelOverruled) == ()


async def test_what_values_would_choose_has_the_rule_beside_them() -> None:
    values = Taught({"South": (0.5, ("run_1",))})
    result = await chosen(rule(STEEL), values=values, may_use=False)

    assert result.answer == "East"
    assert result.trace.of(ValuesWouldChoose) == (ValuesWouldChoose("East"),)


async def test_of_two_choices_that_differ_in_case_the_one_that_is_written_so_is_meant() -> None:
    task = replace(KEYS, choices=("EAST", "east"), checks=[pa.Check.equals("east")])
    result = await chosen(rule(STEEL), task=task, answers=(likely(EAST=0.7, east=0.3),))

    assert result.answer == "east"


async def test_a_second_attempt_is_not_led_back_to_what_was_wrong() -> None:
    task = replace(KEYS, checks=[pa.Check.equals("South")], limits=pa.Limits(retries=1))
    result = await chosen(
        rule(STEEL), task=task, answers=(likely(North=0.6, East=0.35, South=0.05), likely(North=0.3, South=0.7))
    )

    assert (result.answer, result.success) == ("South", True)
