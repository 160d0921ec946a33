"""Each assertion is judged on its own."""

import pytest

from purpose_agent.core.ports import CodeLimits
from purpose_agent.sandbox.assertions import AssertionRun, run_assertions
from purpose_agent.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.anyio

ONE_OFF = "def double(n):\n    return n * 2 if n < 3 else n * 2 + 1\n"


async def judged(code: str, assertions: str, seconds: float = 10.0) -> AssertionRun:
    return await run_assertions(Sandbox(), code, assertions, CodeLimits(seconds=seconds))


async def test_a_failure_does_not_hide_the_assertions_after_it() -> None:
    run = await judged(ONE_OFF, "assert double(1) == 2\nassert double(3) == 6\nassert double(2) == 4")

    assert [(result.source, result.passed) for result in run.results] == [
        ("assert double(1) == 2", True),
        ("assert double(3) == 6", False),
        ("assert double(2) == 4", True),
    ]
    assert not run.passed
    assert run.share == pytest.approx(2 / 3)


async def test_all_holding_is_a_pass() -> None:
    run = await judged(ONE_OFF, "import math\nassert double(1) == 2\nassert math.isclose(double(0.5), 1)")

    assert run.passed
    assert run.share == 1.0


@pytest.mark.parametrize(
    ("assertion", "detail"),
    [
        ("assert double(3) == 6", "double(3) gave 7; needed == 6"),
        ("assert double(3) in (6, 8)", "double(3) gave 7; needed in (6, 8)"),
        ("assert double(3) == 6, 'six was wanted'", "six was wanted"),
        ("assert double", ""),
        ("assert not double", "not true"),
        ("assert double(None) == 6", "TypeError: '<' not supported between instances of 'NoneType' and 'int'"),
        ("for n in (1, 3): assert double(n) == 2 * n, n", "3"),
        ("exit(0)", "SystemExit: 0"),
    ],
)
async def test_a_failed_assertion_says_why(assertion: str, detail: str) -> None:
    run = await judged(ONE_OFF, assertion)

    assert [result.detail for result in run.results] == [detail]
    assert run.passed == (detail == "")


async def test_a_call_is_a_claim_and_a_definition_is_not() -> None:
    run = await judged(ONE_OFF, "def check(f):\n    assert f(1) == 2\n    assert f(3) == 6\n\ncheck(double)")

    assert [(result.source, result.passed) for result in run.results] == [("check(double)", False)]


async def test_preparation_that_fails_counts_as_failed() -> None:
    run = await judged(ONE_OFF, "value = halve(2)\nassert double(1) == 2")

    assert [(result.source, result.passed) for result in run.results] == [
        ("value = halve(2)", False),
        ("assert double(1) == 2", True),
    ]
    assert not run.passed


async def test_the_main_part_of_the_code_is_not_run() -> None:
    assert (await judged("x = 1\nif __name__ == '__main__':\n    exit(input())", "assert x == 1")).passed


@pytest.mark.parametrize("assertions", ["", "import math\nx = 1", "assert ("])
async def test_assertions_that_claim_nothing_are_no_pass(assertions: str) -> None:
    run = await judged("x = 1", assertions)

    assert run.results == ()
    assert not run.passed


async def test_what_was_reached_before_an_endless_loop_is_known() -> None:
    run = await judged(
        "def f(n):\n    while n: pass", "assert f(0) is None\nassert f(1) is None\nassert f(0) is None", seconds=0.5
    )

    assert run.status == "timeout"
    assert [result.passed for result in run.results] == [True, False, False]
    assert run.results[2].detail == "not reached (timeout): Ended: it took longer than 0.5 s."


async def test_a_trace_of_the_code_has_none_of_our_frames() -> None:
    run = await judged("def f():\n    raise ValueError('x')\nf()", "assert True")

    assert run.result.stderr.splitlines()[1] == '  File "<code>", line 3, in <module>'
    assert run.results[0].detail == "not reached (error): ValueError: x"
