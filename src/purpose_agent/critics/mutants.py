"""Programs that are wrong by one small change.

In:  Python code, a seed.
Out: up to a given number of different programs, each one edit away.

An assertion that no mutant fails tells nothing. After mutation testing (DeMillo, Lipton and Sayward 1978, "Hints on test data
selection"). Some mutants are as right as the original: that is not decided here, and nothing is run.
"""

import ast
import copy
import random
import warnings
from collections.abc import Callable, Iterator
from typing import TypeAlias

Edit: TypeAlias = Callable[[ast.AST], None]
"""Changes the node in the place it was found in, in a copy of the tree."""

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
ARITHMETIC: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.Div: (ast.FloorDiv,),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitXor: (ast.BitOr,),
}


def mutants(code: str, *, most: int = 12, seed: int = 0) -> list[str]:
    """At most `most` programs that differ from `code`, and from each other, by one change. Code that is no Python has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a model's code is not our warning
            tree = ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and _says_nothing(node)}
    edits = [(place, edit) for place, node in enumerate(ast.walk(tree)) if id(node) not in texts for edit in _edits(node)]
    random.Random(seed).shuffle(edits)
    original = ast.unparse(tree)
    found: dict[str, None] = {}
    for place, edit in edits:
        if len(found) >= most:
            break
        changed = copy.deepcopy(tree)
        edit(_node(changed, place))
        text = ast.unparse(ast.fix_missing_locations(changed))
        if text != original:
            found[text] = None
    return list(found)


def _node(tree: ast.AST, place: int) -> ast.AST:
    return next(node for index, node in enumerate(ast.walk(tree)) if index == place)


def _edits(node: ast.AST) -> Iterator[Edit]:
    match node:
        case ast.Compare():
            for place, sign in enumerate(node.ops):
                for other in COMPARISONS[type(sign)]:
                    yield _setting("ops", other(), place)
        case ast.BinOp() | ast.AugAssign():
            for other in ARITHMETIC.get(type(node.op), ()):
                yield _setting("op", other())
        case ast.BoolOp():
            yield _setting("op", ast.And() if isinstance(node.op, ast.Or) else ast.Or())
        case ast.If() | ast.While() | ast.IfExp():
            yield _setting("test", ast.UnaryOp(ast.Not(), node.test))
        case ast.Constant():
            for value in _other_constants(node.value):
                yield _setting("value", value)
        case ast.Call(func=ast.Name(id="range"), args=[*_, last]):
            for step in (-1, 1):
                yield _setting("args", _moved(last, step), len(node.args) - 1)
        case ast.Slice():
            for name, bound in (("lower", node.lower), ("upper", node.upper)):
                if bound is not None:
                    yield _setting(name, _moved(bound, 1))
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield _setting("value", ast.Constant(None))
            yield _setting("value", ast.Constant(0))
            yield _setting("value", ast.List([], ast.Load()))
        case _:
            pass
    yield from _dropped_statements(node)


def _setting(name: str, value: object, place: int | None = None) -> Edit:
    """Put `value` into a field of the node, or into one place of a field that is a list."""

    def edit(node: ast.AST) -> None:
        fresh = copy.deepcopy(value)
        if place is None:
            setattr(node, name, fresh)
        else:
            getattr(node, name)[place] = fresh

    return edit


def _moved(bound: ast.expr, step: int) -> ast.expr:
    return ast.BinOp(bound, ast.Add() if step > 0 else ast.Sub(), ast.Constant(1))


def _other_constants(value: object) -> tuple[object, ...]:
    match value:
        case bool():
            return (not value,)
        case int() | float():
            return (value + 1, value - 1)
        case str():
            return (f"{value}x",) if value else ("x",)
        case _:
            return ()


def _dropped_statements(node: ast.AST) -> Iterator[Edit]:
    # Of what is inside functions: without a definition or an import nothing would run at all.
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.For | ast.While | ast.If | ast.With | ast.Try):
        for place, statement in enumerate(node.body):
            if not isinstance(statement, ast.Pass) and not _says_nothing(statement):
                yield _setting("body", ast.Pass(), place)


def _says_nothing(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
