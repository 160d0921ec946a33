"""The script that judges code inside a runner: the code first, then one assertion after the other.

Its text is sent to a `CodeRunner` in front of a call of `judge`; nothing here runs in our own process. Standard library only.
"""

import ast
import linecache
import reprlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

__hide_from_traceback__ = True  # the runner leaves this file's frames out of the trace

SETUP = (
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
)
"""Statements that prepare and don't claim: they count only when they fail."""

SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
MOST = 500
"""Characters of a detail."""


def judge(code: str, assertions: str, key: str, result: Callable[[object], None]) -> None:
    """Run `code`, then each top-level statement of `assertions` in its names; report after each.

    What is handed to `result`: `{"key", "sources", "passed", "details"}`; `passed` and `details` are as long as the part that
    was reached. A copy is handed over at every step, so that a run that is cut short leaves what was known.
    """
    sources, passed, details = list[str](), list[bool](), list[str]()

    def report() -> None:
        result({"key": key, "sources": sources, "passed": passed, "details": details})

    linecache.cache["<assertions>"] = (len(assertions), None, assertions.splitlines(keepends=True), "<assertions>")
    linecache.cache["<code>"] = (len(code), None, code.splitlines(keepends=True), "<code>")
    statements = _claims(ast.parse(assertions, "<assertions>"))
    sources.extend(
        ast.get_source_segment(assertions, statement) or ast.unparse(statement) for statement, claim in statements if claim
    )
    report()

    module = ModuleType("answer")
    sys.modules["answer"] = module
    names = vars(module)
    names["result"] = _nowhere
    exec(compile(code, "<code>", "exec", dont_inherit=True), names)
    for statement, claim in statements:
        problem = _problem(statement, names)
        if claim:
            passed.append(problem is None)
            details.append(problem or "")
        elif problem is not None:
            place = len(passed)
            sources.insert(place, ast.unparse(statement)[:MOST])
            passed.append(False)
            details.append(problem)
        report()


def _nowhere(value: object) -> None:
    """What `result` is to the judged code: a call that hands back nothing."""


def _claims(tree: ast.Module) -> list[tuple[ast.stmt, bool]]:
    """Each statement, and whether it claims something."""
    return [(statement, not isinstance(statement, SETUP)) for statement in tree.body if not _is_comment(statement)]


def _is_comment(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def _problem(statement: ast.stmt, names: dict[str, Any]) -> str | None:
    """Why the statement doesn't hold; None if it does."""
    try:
        match statement:
            case ast.Assert(test=ast.Compare(left=left, ops=[sign], comparators=[right]), msg=None):
                return _compared(left, sign, right, names)
            case _:
                exec(compile(ast.Module([statement], []), "<assertions>", "exec", dont_inherit=True), names)
    # BLE001: whatever the judged code raises in an assertion, SystemExit included, is why the assertion doesn't hold.
    except BaseException as error:  # noqa: BLE001
        text = _text(error)
        kind = type(error).__name__
        if isinstance(error, AssertionError):
            return text or "not true"
        return f"{kind}: {text}" if text else kind
    return None


def _compared(left: ast.expr, sign: ast.cmpop, right: ast.expr, names: dict[str, Any]) -> str | None:
    """A plain comparison, taken apart so that both sides can be told."""
    sides = [eval(compile(ast.Expression(side), "<assertions>", "eval", dont_inherit=True), names) for side in (left, right)]
    name = SIGNS[type(sign)]
    if eval(f"a {name} b", {"a": sides[0], "b": sides[1]}):
        return None
    return f"{ast.unparse(left)[:MOST]} gave {_shown(sides[0])}; needed {name} {_shown(sides[1])}"


def _shown(value: object) -> str:
    shorten = reprlib.Repr()
    shorten.maxstring = shorten.maxother = 120
    shorten.maxlist = shorten.maxtuple = shorten.maxdict = shorten.maxset = 12
    try:
        return shorten.repr(value)[:MOST]
    # BLE001: a __repr__ of the judged code may raise anything.
    except Exception as error:  # noqa: BLE001
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"


def _text(error: BaseException) -> str:
    try:
        return str(error)[:MOST]
    # BLE001: as may a __str__.
    except Exception:  # noqa: BLE001
        return "its message can't be read"
