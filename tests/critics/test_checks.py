"""What checks say of an answer: the only thing that decides success."""

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import UsageError
from purpose_agent.core.ports import CodeRunner
from purpose_agent.core.score import CheckResult, Score
from purpose_agent.core.task import Task, task_from_json, task_to_json
from purpose_agent.critics.checks import CheckCritic, failures
from purpose_agent.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.anyio

CODE = "```python\ndef double(n):\n    return n * 2\n```"


async def judged(answer: str, *checks: pa.Check, runner: CodeRunner | None = None) -> Score:
    return await CheckCritic(runner or Sandbox()).judge(Task("Do it", checks=checks), answer, 0.0)


def raising(error: Exception) -> pa.Check:
    def verdict(answer: str) -> bool:
        raise error

    return pa.Check.call(verdict)


@pytest.mark.parametrize(
    ("check", "right", "wrong", "detail"),
    [
        (pa.Check.contains("42"), "it is 42", "it is 41", "does not contain '42'"),
        (pa.Check.matches(r"^\d+$"), "17", "17 apples", "nothing matches"),
        (pa.Check.equals("Yes"), "  yes\n", "yes!", "expected 'Yes', got 'yes!'"),
        (pa.Check.call(str.isdigit), "12", "twelve", "isdigit said no"),
    ],
)
async def test_each_kind_of_check_tells_right_from_wrong(check: pa.Check, right: str, wrong: str, detail: str) -> None:
    good, bad = await judged(right, check), await judged(wrong, check)

    assert (good.passed, good.after, good.checks[0].detail) == (True, 10.0, "")
    assert (bad.passed, bad.after) == (False, 0.0)
    assert detail in bad.checks[0].detail


async def test_each_assertion_counts_for_itself() -> None:
    claims = ["double(1) == 2", "double(2) == 5", "double(0) == 0", "double(3) == 6"]
    score = await judged(CODE, pa.Check.python("\n".join(f"assert {claim}" for claim in claims)))

    assert [check.passed for check in score.checks] == [True, False, True, True]
    assert (score.after, score.passed, score.confidence) == (7.5, False, 1.0)
    assert "double(2) == 5" in failures(score)
    assert "double(0)" not in failures(score)


async def test_phi_is_ten_times_the_share_over_all_checks() -> None:
    score = await judged("red green", pa.Check.contains("red"), pa.Check.contains("blue"), pa.Check.contains("green"))

    assert score.after == pytest.approx(20 / 3)
    assert score.delta == pytest.approx(20 / 3)


async def test_an_answer_without_code_fails_its_assertions() -> None:
    (check,) = (await judged("I would rather not.", pa.Check.python("assert True"))).checks

    assert (check.passed, check.detail) == (False, "there is no readable Python code in the answer")


async def test_assertions_that_can_not_be_run_are_nobodys_failure() -> None:
    score = await judged(CODE, pa.Check("python_tests", "this is no python"))

    assert (score.passed, score.after, score.confidence) == (None, None, 0.0)
    assert "could not be run" in score.checks[0].detail


async def test_a_check_that_could_not_be_run_lowers_the_confidence_and_leaves_success_open() -> None:
    score = await judged(CODE, pa.Check.contains("def"), pa.Check("python_tests", "this is no python"))

    assert (score.passed, score.after, score.confidence) == (None, 10.0, 0.5)


async def test_one_failed_check_is_a_failure_even_beside_one_that_could_not_be_run() -> None:
    assert (await judged(CODE, pa.Check.contains("class"), pa.Check("python_tests", "this is no python"))).passed is False


async def test_code_that_never_ends_fails_what_it_did_not_reach() -> None:
    from purpose_agent.core.ports import CodeLimits

    critic = CheckCritic(Sandbox(), limits=CodeLimits(seconds=0.3))
    task = Task("Loop", checks=[pa.Check.python("assert f() == 1")])
    score = await critic.judge(task, "```python\ndef f():\n    while True: pass\n```", 0.0)

    assert score.passed is False
    assert "not reached (timeout)" in score.checks[0].detail


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (AssertionError("too short"), "too short"),
        (AssertionError(), "verdict raised AssertionError"),
        (ZeroDivisionError("by zero"), "verdict raised ZeroDivisionError: by zero"),
    ],
)
async def test_a_function_that_raises_did_not_pass(error: Exception, detail: str) -> None:
    (check,) = (await judged("x", raising(error))).checks

    assert (check.passed, check.detail) == (False, detail)


@pytest.mark.parametrize("verdict", [True, False])
async def test_an_async_function_is_awaited_for_its_verdict(verdict: bool) -> None:
    async def slow(answer: str) -> bool:
        return verdict

    assert (await judged("x", pa.Check.call(slow))).passed is verdict


async def test_a_function_that_the_record_forgot_is_told_and_not_guessed() -> None:
    task = task_from_json(task_to_json(Task("Do it", checks=[pa.Check.call(str.isdigit)])))
    score = await CheckCritic(Sandbox()).judge(task, "12", 0.0)

    assert score.passed is None
    assert "can't be run again" in score.checks[0].detail


async def test_no_checks_are_no_verdict() -> None:
    score = await judged("x")

    assert (score.passed, score.after, score.confidence) == (None, None, 0.0)


def test_at_most_eight_failures_are_told() -> None:
    score = Score(0.0, 0.0, 1.0, "checks", checks=tuple(CheckResult("contains", str(n), False, f"no {n}") for n in range(20)))

    assert failures(score).splitlines() == [f"- no {n}" for n in range(8)]


@pytest.mark.parametrize("assertions", ["this is no python", "", "def test_it():\n    assert False"])
def test_assertions_that_claim_nothing_are_refused_when_they_are_written(assertions: str) -> None:
    with pytest.raises(UsageError, match=r"Check\.python got"):
        pa.Check.python(assertions)
