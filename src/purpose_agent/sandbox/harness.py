"""The judge inside a runner: tries one assertion after the other on code that another process holds.

In:  code, assertions, a line to the code's process, where to report.
Out: for each assertion whether it holds, told after each.

The code and what is expected of it never share a process. Before an assertion is evaluated, the code is loaded by the other one, which
was given nothing but a way to answer (`answerer.py`); here its names are stand-ins (`remote.py`), and values are compared here.

Its text, and that of the files it imports, is sent to a `CodeRunner`; nothing here runs in our own process. Standard library only.
"""

import ast
import builtins
import importlib.machinery
import linecache
import os
import reprlib
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from purpose_agent.sandbox.remote import LIBRARY, Judge, RemoteModule
from purpose_agent.sandbox.wire import ENDED, INCOMING, OUTGOING, Broken

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
    """Have the other process load `code`, then try each top-level statement of `assertions` in its names; report after each.

    What is handed to `result`: `{"key", "sources", "passed", "details"}`; `passed` and `details` are as long as the part that
    was reached. A copy is handed over at every step, so that a run that is cut short leaves what was known.
    """
    sources, passed, details = list[str](), list[bool](), list[str]()

    def report() -> None:
        result({"key": key, "sources": sources, "passed": passed, "details": details})

    linecache.cache["<assertions>"] = (len(assertions), None, assertions.splitlines(keepends=True), "<assertions>")
    statements = _claims(ast.parse(assertions, "<assertions>"))
    sources.extend(
        ast.get_source_segment(assertions, statement) or ast.unparse(statement) for statement, claim in statements if claim
    )
    report()

    # The code's process may send what Ctrl-C sends; here it must not look like an exception of the code's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    peer = Judge(INCOMING, OUTGOING, ENDED)
    try:
        names = Names(peer, peer.ask("load", code), statements)
        for statement, claim in statements:
            problem = _problem(statement, names)
            problem = peer.gone or peer.swallowed or problem
            peer.swallowed = ""
            if claim or problem:
                place = len(passed)
                if not claim:
                    sources.insert(place, ast.unparse(statement)[:MOST])
                passed.append(problem is None)
                details.append(problem or "")
            report()
            if peer.gone:
                raise Broken(peer.gone)
    finally:
        peer.close()


class Names(dict[str, Any]):
    """What the assertions' names stand for: their own, else the code's, asked anew each time, else Python's.

    A builtin that the code has named anew is Python's here, unless the assertions use no other name of the code's: then it is what
    they are about. A module of the library is imported here, whatever the code calls by its name.
    """

    def __init__(self, peer: Judge, defined: list[str], statements: Sequence[tuple[ast.stmt, bool]]) -> None:
        super().__init__(__name__="answer", result=_nowhere)
        self.peer = peer
        nodes = [node for statement, _ in statements for node in ast.walk(statement)]
        mentioned = {node.id for node in nodes if isinstance(node, ast.Name)}
        mentioned |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        mentioned |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
        self.modules = {
            node.value.id for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        } & LIBRARY
        used = mentioned & set(defined) - {"result"}
        self.builtins_are_the_codes = not any(not hasattr(builtins, name) and name not in self.modules for name in used)
        sys.modules["answer"] = RemoteModule("answer", self.find, defined)
        # Modules come from the library alone: in its folder the code could have put another `fractions.py`.
        sys.path[:] = [path for path in sys.path if path and os.path.realpath(path) != os.path.realpath(os.getcwd())]
        sys.meta_path.append(Finder(peer))
        for name in used:
            if name.lstrip("_")[:1].isupper():
                found = self.find(name)
                if isinstance(found, type) and found in peer.numbers:
                    peer.named.add(found)
        if {"random", "seed"} <= mentioned:
            self._seed_both()

    def __missing__(self, name: str) -> Any:
        if name.startswith("__") or (hasattr(builtins, name) and not self.builtins_are_the_codes):
            raise KeyError(name)
        try:
            return self.find(name)
        except AttributeError:
            raise KeyError(name) from None

    def find(self, name: str) -> Any:
        """What the code calls by this name."""
        if name in self.modules:
            return __import__(name)
        if self.builtins_are_the_codes and not hasattr(builtins, name):
            # It wasn't among the names the code said it has, or Python's builtins would count.
            raise AttributeError(f"module 'answer' has no attribute {name!r}")
        try:
            origin, where, value = self.peer.asked("name", name)
        except KeyError:
            raise AttributeError(f"module 'answer' has no attribute {name!r}") from None
        if origin == "library":
            module, _, member = str(where).partition(":")
            if module in LIBRARY and (not member or member == name):
                return getattr(__import__(module), member) if member else __import__(module)
        return value

    def _seed_both(self) -> None:
        import random

        here = random.seed

        def seed(*arguments: Any, **named: Any) -> None:
            here(*arguments, **named)
            self.peer.asked("call", self.peer.asked("get", self.peer.asked("import", "random"), "seed"), arguments, named)

        random.seed = seed


class Finder:
    """Finds the modules in the code's folder: on the code's side."""

    def __init__(self, peer: Judge) -> None:
        self.peer = peer

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """Any module that the code's side can import."""
        if name.partition(".")[0] in sys.stdlib_module_names:
            return None
        try:
            self.found = self.peer.asked("import", name)
        except ImportError:
            return None
        return importlib.machinery.ModuleSpec(name, self)  # pyright: ignore[reportArgumentType]  # has what a loader needs

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> RemoteModule:
        """A module that asks."""
        found = self.found
        return RemoteModule(spec.name, partial(getattr, found), self.peer.asked("call", dir, (found,), {}))

    def exec_module(self, module: RemoteModule) -> None:
        """It was executed where it lives."""


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
