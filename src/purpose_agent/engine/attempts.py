"""Another attempt at the answer, within the run.

In:  a run whose answer was judged.
Out: whether it goes on; the conversation then says what failed, and nothing of what was expected.

An answer that is read off its check is not the agent's own. So of a text only is said that it is not the right one; of
an assertion `CALL == VALUE` what the call gave or raised; of any other assertion its place among them. What a check that
is a function says is said on: its words were chosen by whoever wrote it.

After Reflexion (https://arxiv.org/abs/2303.11366), without the reflection: the failed checks are the feedback.
"""

import ast
import re
from dataclasses import replace

from purpose_agent.core.errors import LimitReached
from purpose_agent.core.score import CheckResult, Score
from purpose_agent.critics.checks import failures
from purpose_agent.engine.run import Run
from purpose_agent.sandbox.harness import MOST

ANSWER_CHARS = 80
_RAISED = re.compile(r"[A-Z]\w*(Error|Exception|Exit|Interrupt|Iteration|Warning)(?=:|$)")
_NOT_RUN = ("not reached (", "there is no readable Python code")
"""Beginnings of details that tell of the answer alone."""
_TELLING = (ast.Call, ast.Compare, ast.BoolOp, ast.Lambda, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)
"""An argument with one of these may hold the expected value: `isclose(f(2), 4.0)`, `all(f(x) == y for x, y in …)`."""


def tries_again(run: Run, answer: str) -> bool:
    """Whether the answer failed and another attempt is allowed; then the conversation says what failed."""
    score = run.score
    if score is None or score.passed is not False or len(run.wrong) >= run.meter.limits.retries:
        return False
    try:
        run.meter.check()
    except LimitReached:
        return False
    run.wrong.append(answer)
    run.context.add_failure(untold_failures(score, answer))
    return True


def untold_failures(score: Score, answer: str) -> str:
    """What failed of the answer, in words that don't tell what was expected."""
    return failures(_untold(score, answer))


def _untold(score: Score, answer: str) -> Score:
    """Its checks without what they expect."""
    assertions = [check for check in score.checks if check.kind == "python_tests"]
    checks: list[CheckResult] = []
    place = 0
    for check in score.checks:
        match check.kind:
            case "equals":
                told = replace(check, detail=f"{answer[:ANSWER_CHARS]!r} is not what was expected")
            case "contains":
                told = replace(check, detail="the answer does not contain what it must contain")
            case "matches":
                told = replace(check, detail="the answer does not have the form that it must have")
            case "python_tests":
                place += 1
                told = _assertion(check, f"assertion {place} of {len(assertions)}")
            case _:
                told = check
        checks.append(told)
    return replace(score, checks=tuple(checks))


def _assertion(check: CheckResult, place: str) -> CheckResult:
    """A failed assertion: what the call in it gave, if it is a call compared with a value."""
    if check.passed is not False:
        return check
    if check.detail.startswith(_NOT_RUN):
        return replace(check, spec=place, detail=check.detail)
    call = _call(check.spec)
    if call is not None:
        gave = f"{call[:MOST]} gave "
        if check.detail.startswith(gave):
            # The first "needed", not the last: what was expected may hold the word too, and what is cut off is no loss.
            value = check.detail[len(gave) :].partition("; needed ")[0]
            return replace(check, spec=call, detail=f"gave {value}, which is not right")
        return replace(check, spec=call, detail=f"raised {check.detail}" if _RAISED.match(check.detail) else "does not hold")
    raised = _RAISED.match(check.detail)
    return replace(check, spec=place, detail=f"raised {raised[0]}" if raised else "does not hold")


def _call(source: str) -> str | None:
    """The call in `assert CALL == VALUE`, if nothing in it can be what is expected; None for all other statements."""
    try:
        (statement,) = ast.parse(source).body
    except (SyntaxError, ValueError):
        return None
    match statement:
        case ast.Assert(test=ast.Compare(left=ast.Call() as call, ops=[ast.Eq()]), msg=None) if _is_plain(call):
            return ast.unparse(call)
        case _:
            return None


def _is_plain(call: ast.Call) -> bool:
    """A function of names and values; or one argument more around that, as in `sorted(f(3))`."""
    if not isinstance(call.func, ast.Name) and not (
        isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
    ):
        return False
    match call:
        case ast.Call(args=[ast.Call() as inner], keywords=[]):
            return _is_plain(inner)
        case _:
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            return not any(isinstance(node, _TELLING) for each in given for node in ast.walk(each))
