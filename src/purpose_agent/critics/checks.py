"""The task's own checks, run on the answer. No model is asked.

In:  a task with checks, an answer.
Out: what became of each check; Φ is 10 × the share that held.

Each assertion of a Python check counts for itself. The judged code runs in a process of its own and never meets the assertions; what the
present level of containment does not stop is in sandbox/README.md.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import assert_never, cast

from purpose_agent.core.ports import CodeLimits, CodeRunner
from purpose_agent.core.score import MAX_PHI, CheckResult, Score
from purpose_agent.core.task import Check, Task


class CheckCritic:
    """Runs checks, those with code in `runner`."""

    def __init__(self, runner: CodeRunner, *, limits: CodeLimits | None = None) -> None:
        self._runner = runner
        self._limits = limits

    async def judge(self, task: Task, answer: str, phi_before: float | None) -> Score:
        """Score a finished task by its checks.

        Φ is None if no check could be run. Confidence is the share of checks that could be.
        """
        results: list[CheckResult] = []
        for check in task.checks:
            results.extend(await self._run(check, answer))
        known = [result.passed for result in results if result.passed is not None]
        return Score(
            before=phi_before,
            after=MAX_PHI * sum(known) / len(known) if known else None,
            confidence=len(known) / len(results) if results else 0.0,
            critic="checks",
            checks=tuple(results),
        )

    async def _run(self, check: Check, answer: str) -> Sequence[CheckResult]:
        match check.kind:
            case "contains":
                return [_told(check, check.spec in answer, f"the answer does not contain {check.spec!r}")]
            case "matches":
                return [_told(check, re.search(check.spec, answer) is not None, f"nothing matches {check.spec!r}")]
            case "equals":
                right = answer.strip().casefold() == check.spec.strip().casefold()
                return [_told(check, right, f"expected {check.spec!r}, got {_short(answer)!r}")]
            case "callable":
                return [await _called(check, answer)]
            case "python_tests":
                return await self._python(check, answer)
            case _:
                assert_never(check.kind)

    async def _python(self, check: Check, answer: str) -> Sequence[CheckResult]:
        from purpose_agent.models.decode import extract_code
        from purpose_agent.sandbox.assertions import run_assertions

        code = extract_code(answer)
        if code is None:
            return [CheckResult("python_tests", check.spec, False, "there is no readable Python code in the answer")]
        run = await run_assertions(self._runner, code, check.spec, self._limits)
        if not run.results:
            return [
                CheckResult("python_tests", check.spec, None, f"the assertions could not be run: {run.result.stderr[-300:]}")
            ]
        return [CheckResult("python_tests", result.source, result.passed, result.detail) for result in run.results]


def failures(score: Score) -> str:
    """The failed checks of a score as lines of text, at most eight."""
    failed = [check for check in score.checks if check.passed is False]
    lines = [f"- {check.spec}: {check.detail}" if check.kind == "python_tests" else f"- {check.detail}" for check in failed[:8]]
    return "\n".join(lines)


async def _called(check: Check, answer: str) -> CheckResult:
    if check.function is None:
        return CheckResult(
            "callable", check.spec, None, f"the function {check.spec} is not part of the record; it can't be run again"
        )
    import anyio.to_thread

    function: Callable[[str], object] = check.function
    try:
        said = await anyio.to_thread.run_sync(function, answer, abandon_on_cancel=True)
        # A coroutine is something true: an async check would pass without having been run.
        verdict = bool(await cast("Awaitable[object]", said) if inspect.isawaitable(said) else said)
    except AssertionError as error:
        return CheckResult("callable", check.spec, False, str(error) or f"{check.spec} raised AssertionError")
    # A door: a check is a user's function. What it raises on this answer is told, and never counts as passed.
    except Exception as error:  # noqa: BLE001
        return CheckResult("callable", check.spec, False, f"{check.spec} raised {type(error).__name__}: {error}")
    return _told(check, verdict, f"{check.spec} said no")


def _told(check: Check, passed: bool, detail: str) -> CheckResult:
    return CheckResult(check.kind, check.spec, passed, "" if passed else detail)


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else text[:most] + "…"
