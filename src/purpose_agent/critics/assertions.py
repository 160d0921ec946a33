"""Falsification: a program is worth what it survives of honest attempts to break it.

In:  a task, an answer with code, a model to ask, a sandbox.
Out: a `Score`: 10 × the weighted share of assertions survived, with its 90 % range; None if no valid assertion could be had.

After Popper (Logik der Forschung, 1934): no number of tests proves a program, and one may refute it; so assertions are meant to break
it, and count only if they are valid and some wrong program fails them (suites.py). All of them come from the task: what the answer
asserts, prints or says of itself is code under test and nothing else. An invalid assertion counts against nobody. The code never
meets an expected value: it runs in the sandbox and hands back what its calls gave, as literals that are compared here. So it can't
win by equality, by replaced builtins or by leaving early; it can only give right values.
"""

import math
from collections.abc import Sequence

from purpose_agent.core.ports import CodeLimits, CodeRunner
from purpose_agent.core.score import MAX_PHI, CheckResult, Score
from purpose_agent.core.task import Task
from purpose_agent.critics.asking import Ask
from purpose_agent.critics.examples import Assertion
from purpose_agent.critics.interface import Interface, interface_of
from purpose_agent.critics.programs import Outcome, outcomes, same
from purpose_agent.critics.suites import Suite, build_suite, task_text

FEW = 3
MOST_SUITES = 128
MOST_TURNS = 3


class Falsifier:
    """Judges answers that hold Python code; keeps the suite of a task, so that a second attempt at it asks no model.

    Two judgements of one task at the same time may both build its suite; the later one is kept.
    """

    def __init__(self, runner: CodeRunner, *, limits: CodeLimits | None = None) -> None:
        self._runner = runner
        self._limits = limits
        self._suites: dict[tuple[str, str, str], Suite] = {}

    async def judge(self, ask: Ask, task: Task, answer: str, phi_before: float | None, *, model: str = "") -> Score | None:
        """Φ of a finished task. None if no valid assertion could be had.

        Args:
            model: Which one is asked: what another one proposed is not used.

        Raises:
            ModelError: The critic's model could not answer.
        """
        from purpose_agent.models.decode import extract_code

        code = extract_code(answer)
        if code is None:
            missing = CheckResult(
                "python_tests", "readable Python code", False, "there is no readable Python code in the answer"
            )
            return Score(phi_before, 0.0, 1.0, "falsification", checks=(missing,), flags=("no_code",), low=0.0, high=0.0)
        interface = await interface_of(self._runner, task_text(task), code, self._limits)
        suite = await self.suite(ask, task, interface, model=model)
        if not suite.assertions:
            return None
        flags = (*(("few_assertions",) if len(suite.assertions) < FEW else ()), *(() if suite.solutions else ("no_solutions",)))
        checks = await self._checks(code if interface is None else interface.adapt(code), suite.assertions)
        weights = [one.weight for one in suite.assertions]
        survived = math.fsum(weight for weight, check in zip(weights, checks, strict=True) if check.passed)
        fallen = math.fsum(weight for weight, check in zip(weights, checks, strict=True) if not check.passed)
        low, share, high = survival(survived, fallen)
        return Score(
            before=phi_before,
            after=MAX_PHI * share,
            confidence=1.0 - (high - low),
            critic="falsification",
            checks=tuple(checks),
            flags=flags,
            low=MAX_PHI * low,
            high=MAX_PHI * high,
        )

    async def suite(self, ask: Ask, task: Task, interface: Interface | None = None, *, model: str = "") -> Suite:
        """The assertions `task` is judged by; built at the first call, by 1 + 3 model calls.

        Args:
            interface: How the answer is called, where the task doesn't say it.
        """
        text = task_text(task) if interface is None else f"{task_text(task)}\n\n{interface.head}"
        # By what is asked, not by the task's id: two tasks of one id may ask for different things.
        asked = (Task(task.goal, inputs=task.inputs).key, interface.head if interface is not None else "", model)
        found = self._suites.pop(asked, None) or await build_suite(ask, self._runner, text, self._limits)
        self._suites[asked] = found
        while len(self._suites) > MOST_SUITES:
            del self._suites[next(iter(self._suites))]
        return found

    async def _checks(self, code: str, assertions: Sequence[Assertion]) -> list[CheckResult]:
        """What became of each. The code is asked for values; that they are the expected ones is found out here, where it can't look.

        A call that never ends, or ends the program, takes what comes after it along. That is asked again, so that one endless input is
        one failure; unless it is the first, which is taken for a program that never ends.
        """
        said: list[Outcome] = []
        for turn in range(1, MOST_TURNS + 1):
            calls = [one.call for one in assertions[len(said) :]]
            (row,) = await outcomes(self._runner, [code], calls, self._limits)
            reached = next((place for place in range(len(row), 0, -1) if row[place - 1] is not None), 0)
            said += row if turn == MOST_TURNS or reached == 0 else row[: reached + 1]
            if len(said) == len(assertions):
                break
        return [_compared(one, value) for one, value in zip(assertions, said, strict=True)]


def _compared(assertion: Assertion, value: Outcome) -> CheckResult:
    if same(value, assertion.expected):
        return CheckResult("python_tests", assertion.source, True)
    gave = "no value" if value is None else value
    return CheckResult("python_tests", assertion.source, False, f"{assertion.call} gave {gave}; needed == {assertion.expected}")


def survival(survived: float, fallen: float) -> tuple[float, float, float]:
    """The 5 % quantile, the share survived, and the 95 % quantile; weights may be fractions.

    The quantiles are those of Beta(1 + survived, 1 + fallen), the posterior of the share after a flat prior. Where all or none
    survived, the share itself lies outside of them; the range is then stretched to hold it.
    """
    share = survived / (survived + fallen)
    low, high = (beta_quantile(level, 1 + survived, 1 + fallen) for level in (0.05, 0.95))
    return min(low, share), share, max(high, share)


def beta_quantile(level: float, a: float, b: float) -> float:
    """Where Beta(a, b) reaches `level`, 0 to 1, to twelve digits: by bisection, since its distribution function rises."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if beta_cdf(middle, a, b) < level else (low, middle)
    return (low + high) / 2


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz's method; DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_cdf(1.0 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1))
    total = d
    for m in range(1, 300):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            c, d = 1.0 + step / c, 1.0 / (1.0 + step * d)
            total *= c * d
        if abs(c * d - 1.0) < 1e-14:
            break
    return front * total
