"""Another attempt within the run: told what failed, not what was expected; the last attempt counts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.action import Finish
from purpose_agent.core.messages import assistant
from purpose_agent.core.model import Capabilities
from purpose_agent.core.task import task_from_json, task_to_json
from purpose_agent.engine.context import answer_tokens
from tests.engine.given import JSON_ONLY, NATIVE, agent, as_json, calls, look_up, scripted
from tests.engine.worlds import runner, setup

pytestmark = pytest.mark.anyio
BLUE = [pa.Check.contains("blue")]


def colour(retries: int, *, steps: int = 20, tokens: int | None = None) -> pa.Task:
    return pa.Task("What colour is it?", checks=BLUE, limits=pa.Limits(steps=steps, tokens=tokens, retries=retries))


async def test_without_retries_the_first_answer_is_the_last() -> None:
    result = await runner().run(setup(scripted("red")), colour(0))

    assert (result.status, result.success, result.total_steps) == ("finished", False, 1)


async def test_a_failed_answer_is_told_what_failed_and_the_next_one_counts() -> None:
    model = scripted("red", "blue")
    result = await runner().run(setup(model), colour(1))

    assert (result.status, result.answer, result.success, result.final_phi) == ("finished", "blue", True, 10.0)
    assert [message.role for message in model.requests[1].messages] == ["system", "user", "assistant", "user"]
    assert model.requests[1].messages[:2] == model.requests[0].messages
    assert "the answer does not contain what it must contain" in model.requests[1].messages[-1].text


async def test_each_attempt_is_in_the_trace_with_its_score() -> None:
    result = await runner().run(setup(scripted("red", "green", "blue")), colour(5))

    assert [step.action.answer for step in result.trajectory if isinstance(step.action, Finish)] == ["red", "green", "blue"]
    assert [step.score.passed for step in result.trajectory if step.score] == [False, False, True]


async def test_no_more_attempts_are_made_than_are_allowed() -> None:
    result = await runner().run(setup(scripted("red", "green", "pink")), colour(2))

    assert (result.status, result.answer, result.success, result.total_steps) == ("finished", "pink", False, 3)


async def test_where_no_step_is_left_the_answer_stands() -> None:
    result = await runner().run(setup(scripted("red")), colour(3, steps=1))

    assert (result.status, result.answer, result.success) == ("finished", "red", False)


async def test_where_no_token_is_left_the_answer_stands() -> None:
    spent = pa.ModelResponse(assistant("red"), usage=pa.Usage(input_tokens=900, output_tokens=100, calls=1))
    result = await runner().run(setup(scripted(spent)), colour(3, tokens=1000))

    assert (result.status, result.answer, result.success) == ("finished", "red", False)


async def test_what_was_expected_is_not_given_away() -> None:
    task = pa.Task("Say the word", checks=[pa.Check.equals("sesame")], limits=pa.Limits(retries=1))
    model = scripted("please", "sesame")
    result = await runner().run(setup(model), task)

    assert result.success is True
    assert "sesame" not in model.requests[1].text
    assert "'please' is not what was expected" in model.requests[1].text


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (pa.Check.contains("Paris"), "- the answer does not contain what it must contain"),
        (pa.Check.matches("^Paris"), "- the answer does not have the form that it must have"),
        (pa.Check.equals("Paris"), "- 'Lyon' is not what was expected"),
    ],
)
async def test_of_a_text_is_told_only_that_it_is_not_the_right_one(check: pa.Check, told: str) -> None:
    model = scripted("Lyon", "Lyon")
    await runner().run(setup(model), pa.Task("The capital?", checks=[check], limits=pa.Limits(retries=1)))

    assert told in model.requests[1].text
    assert "Pari" not in model.requests[1].text


CODE = """
def f(n, exact=True):
    if n < 0:
        raise ValueError("n is negative")
    return [n, 5]
"""


@pytest.mark.parametrize(
    ("assertion", "told"),
    [
        ("assert f(2) == [2, 777]", "- f(2): gave [2, 5], which is not right"),
        ("assert f(2, exact=False) == (777,)", "- f(2, exact=False): gave [2, 5], which is not right"),
        ("assert sorted(f(9)) == [777]", "- sorted(f(9)): gave [5, 9], which is not right"),
        ("assert f(-1) == 777", "- f(-1): raised ValueError: n is negative"),
        ("assert f(2)[0] == 777", "- assertion 2 of 2: does not hold"),
        ("assert f(2) == 777, '777 was expected'", "- assertion 2 of 2: does not hold"),
        ("assert f(2) == 777, 'ValueError: 777'", "- assertion 2 of 2: raised ValueError"),
        ("assert 777 == f(2)", "- assertion 2 of 2: does not hold"),
        ("assert isinstance(f(2)[0] - 777, str) == True", "- assertion 2 of 2: does not hold"),
        ("assert all(f(n) == v for n, v in [(2, 777)]) == True", "- assertion 2 of 2: does not hold"),
        ("for n in (777, -777):\n    assert f(n)", "- assertion 2 of 2: raised ValueError"),
        ("assert f(2) == '; needed == 777'", "- f(2): gave [2, 5], which is not right"),
    ],
)
async def test_of_an_assertion_is_told_what_the_call_gave_and_never_what_it_should_have_given(
    assertion: str, told: str
) -> None:
    model = scripted(CODE, CODE)
    task = pa.Task("Write f(n).", checks=[pa.Check.python(f"assert f\n{assertion}")], limits=pa.Limits(retries=1))
    await runner().run(setup(model), task)

    feedback = model.requests[1].messages[-1].text
    assert told in feedback.splitlines()
    assert "777" not in feedback


async def test_where_there_is_no_code_the_assertions_stay_untold() -> None:
    model = scripted("I can't.", "I can't.")
    task = pa.Task("Write f(n).", checks=[pa.Check.python("assert f(2) == 777")], limits=pa.Limits(retries=1))
    await runner().run(setup(model), task)

    feedback = model.requests[1].messages[-1].text
    assert "no readable Python code" in feedback
    assert "777" not in feedback


async def test_a_choice_that_failed_is_not_offered_again() -> None:
    task = pa.Task("Which?", checks=[pa.Check.equals("b")], choices=["a", "b", "c"], limits=pa.Limits(retries=2))
    model = scripted("a", "c", capabilities=replace(NATIVE, choices=True))
    result = await runner().run(setup(model), task)

    assert (result.success, result.answer) == (True, "b")
    assert [request.choices for request in model.requests] == [("a", "b", "c"), ("b", "c")]


async def test_tools_may_be_used_between_two_attempts(tmp_path: Path) -> None:
    replies = (as_json(answer="red"), as_json(tool="look_up", arguments={"word": "sky"}), as_json(answer="blue"))
    native = scripted("red", calls("sky"), "blue")
    for place, model in enumerate((native, scripted(*replies, capabilities=JSON_ONLY))):
        result = await agent(model, tmp_path / str(place), look_up).attempt(colour(1))

        assert (result.answer, result.success, result.total_steps) == ("blue", True, 3)
        assert result.trace.events == pa.Workspace(tmp_path / str(place)).trace(result.id).events[: len(result.trace.events)]


async def test_a_task_without_checks_is_done_with_its_first_answer() -> None:
    task = pa.Task("Write a poem", limits=pa.Limits(retries=3))

    assert (await runner().run(setup(scripted("Roses are red")), task)).total_steps == 1


def test_retries_travel_with_the_task_and_old_tasks_have_none() -> None:
    task = colour(2)
    old = task_to_json(task)
    del old["limits"]["retries"]

    assert task_from_json(json.loads(json.dumps(task_to_json(task)))) == task
    assert task_from_json(old).limits == pa.Limits()
    for wrong in (-1, 1.5, True, "2"):
        with pytest.raises(pa.errors.UsageError, match="retries="):
            pa.Limits(retries=wrong)  # type: ignore # pyright: ignore


@pytest.mark.parametrize(("window", "most"), [(2_048, 900), (8_192, 2_048), (131_072, 4_096)])
async def test_an_answer_may_be_as_long_as_the_window_suggests(window: int, most: int) -> None:
    capabilities = Capabilities(context_tokens=window, local=True)
    model = scripted("Roses are red", capabilities=capabilities)
    await runner().run(setup(model), pa.Task("Write a poem"))

    assert model.requests[0].max_tokens == answer_tokens(capabilities) == most
