"""Inputs from type hints, for trying programs against each other.

In:  a task's text and solutions of it, or hints as they are written; a seed; values that the task itself uses.
Out: calls, argument lists, boundary values first, then seeded random ones; the same for the same arguments.

The idea is hypothesis' (types to inputs), for differential testing (McKeeman 1998): what independent programs agree on is
expected of the next. Does not know which inputs a task allows: types don't say.
"""

import ast
import itertools
import math
import random
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import cast

from purpose_agent.critics.examples import DEFINED, Assertion, is_literal, names_in
from purpose_agent.critics.programs import literal

NEGATIVE = re.compile(r"negative|(?<![\w)\]])-\s?\d", re.IGNORECASE)
MOST_HEAD = 400
TRIED_INPUTS = 32
INTS = (0, 1, 2, -1, 3, 10)
FLOATS = (0.0, 1.0, 2.5, -1.5, 0.1)
TEXTS = ("", "a", "Aa", "aab", "a b c", "12")
LETTERS = "aabbcdAB 1"


def invented_calls(text: str, programs: Sequence[str], given: Sequence[Assertion]) -> list[str]:
    """Calls of the asked function with inputs of the types it takes: by its hints, or else by the arguments of `given`."""
    known = {name: node for code in programs for name, node in defined_in(code).items() if node is not None}
    known = {name: node for name, node in known.items() if name in names_in(text)} | _signatures(text)
    used = [(name, shown) for one in given for node in ast.walk(ast.parse(one.call)) for name, shown in _simple_call(node)]
    if not known or not programs:
        return []
    counts = [name for name, _ in used]
    asked = max(reversed(known), key=counts.count)  # of equals the last: what comes before it helps
    arguments = [tuple(literal(ast.unparse(argument)) for argument in shown) for name, shown in used if name == asked]
    hints = _hints(known[asked]) or (list(map(hint_of, arguments[0])) if arguments else [])
    found = inputs(hints, most=TRIED_INPUTS, seen=arguments)
    if not NEGATIVE.search(text):
        # Where a task says nothing of negative numbers, agreement on them is an accident and no part of the task.
        found = [values for values in found if not re.search(r"-\d", repr(values))]
    return [ast.unparse(ast.parse(f"{asked}({', '.join(map(repr, values))})")) for values in found]


def defined_in(code: str) -> dict[str, ast.FunctionDef | None]:
    """The functions (with their signature) and classes that a program defines at its top."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        body = ast.parse(code).body
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name: node if isinstance(node, ast.FunctionDef) else None for node in body if isinstance(node, kinds)}


def inputs(hints: Sequence[str], *, most: int = 20, seed: int = 0, seen: Sequence[object] = ()) -> list[tuple[object, ...]]:
    """Different argument lists for a function with these `hints`; none if one of them isn't understood.

    Args:
        hints: One for each argument, as written: "int", "list[str]", "Optional[dict[str, int]]", "int | None" …
        most: How many, at most.
        seen: Values that the task itself uses: numbers near them and texts of their letters are within its meaning.
    """
    rng = random.Random(seed)
    pool = _Pool(seen)
    trees = [_tree(hint) for hint in hints]
    edges = [[] if tree is None else _edges(tree, pool) for tree in trees]
    if not hints or not all(edges):
        return []
    found: dict[str, tuple[object, ...]] = {}
    rounds = max(len(values) for values in edges)
    for turn in range(rounds):
        arguments = tuple(values[turn % len(values)] for values in edges)
        found.setdefault(repr(arguments), arguments)
    bounded = list(itertools.islice(found, max(1, most // 2)))
    found = {key: found[key] for key in bounded}
    for _ in range(4 * most):
        if len(found) >= most:
            break
        arguments = tuple(_drawn(tree, rng, pool) for tree in trees if tree is not None)
        found.setdefault(repr(arguments), arguments)
    return list(found.values())[:most]


def hint_of(value: object) -> str:
    """The hint that `value` would be an example of; "Any" where none is known."""
    match value:
        case None | bool() | int() | float() | str():
            return type(value).__name__ if value is not None else "None"
        case list() | set():
            items = [*cast("list[object] | set[object]", value)]
            return f"{'list' if isinstance(value, list) else 'set'}[{hint_of(items[0]) if items else 'int'}]"
        case tuple():
            items = cast("tuple[object, ...]", value)
            return f"tuple[{', '.join(map(hint_of, items))}]" if items else "tuple[int, ...]"
        case dict():
            pairs = list(cast("dict[object, object]", value).items())
            return f"dict[{hint_of(pairs[0][0])}, {hint_of(pairs[0][1])}]" if pairs else "dict[str, int]"
        case _:
            return "Any"


class _Pool:
    """The numbers and letters of the values that the task uses."""

    def __init__(self, seen: Sequence[object]) -> None:
        flat = list(_flat(seen))
        self.ints = [value for value in flat if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1000]
        self.floats = [value for value in flat if isinstance(value, float) and math.isfinite(value)]
        self.texts = [value for value in flat if isinstance(value, str) and len(value) <= 80]
        self.letters = "".join(self.texts) or LETTERS


def _flat(value: object) -> list[object]:
    match value:
        case list() | tuple() | set():
            return [inner for item in cast("list[object]", value) for inner in _flat(item)]
        case dict():
            pairs = cast("dict[object, object]", value)
            return [inner for pair in pairs.items() for item in pair for inner in _flat(item)]
        case _:
            return [value]


def is_plain_hint(hint: str) -> bool:
    """Made of known names only."""
    return _tree(hint) is not None


def _tree(hint: str) -> ast.expr | None:
    """A hint as an expression of known names only."""
    try:
        tree = ast.parse(hint.strip().strip("\"'"), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return tree if _edges(tree, _Pool(())) else None


def _parts(tree: ast.expr) -> tuple[str, list[ast.expr]]:
    """("list", [int]) of `List[int]`, ("union", [int, None]) of `int | None`."""
    match tree:
        case ast.Constant(value=None):
            return ("none", [])
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return ("union", [left, right])
        case ast.Attribute(attr=name):
            return (name.lower(), [])
        case ast.Name(id=name):
            return (name.lower(), [])
        case ast.Subscript(value=outer, slice=ast.Tuple(elts=elements)):
            return (_parts(outer)[0], elements)
        case ast.Subscript(value=outer, slice=element):
            return (_parts(outer)[0], [element])
        case _:
            return ("", [])


def _children(name: str, parts: list[ast.expr]) -> list[ast.expr]:
    """Element hints; a bare `list` is one of int, a bare `dict` from str to int."""
    if name == "tuple" and len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is ...:
        return parts[:1] * 2
    if not parts and name in ("list", "sequence", "iterable", "set", "frozenset", "tuple"):
        return [ast.Name("int")]
    return parts or ([ast.Name("str"), ast.Name("int")] if name in ("dict", "mapping") else [])


def _edges(tree: ast.expr, pool: _Pool) -> list[object]:
    """Boundary values, the emptiest first; none for a hint that isn't understood."""
    name, parts = _parts(tree)
    children = _children(name, parts)
    inner = [_edges(child, pool) for child in children]
    if not all(inner):
        return []
    match name:
        case "int":
            return [*INTS]
        case "float":
            return [*FLOATS]
        case "bool":
            return [False, True]
        case "none":
            return [None]
        case "str":
            return [*TEXTS] if not pool.texts else ["", *dict.fromkeys(text[:most] for most in (1, 2) for text in pool.texts)]
        case "optional":
            return [None, *inner[0]]
        case "union":
            return [value for values in inner for value in values]
        case "list" | "sequence" | "iterable":
            few = inner[0]
            return [[], few[1:2] or few[:1], [few[-1], few[-1]], few[:4], [*few[::-1], few[0]]]
        case "tuple":
            fixed: list[object] = [tuple(values[turn % len(values)] for values in inner) for turn in range(4)]
            return fixed if len(parts) > 1 and not isinstance(parts[-1], ast.Constant) else [(), *fixed]
        case "set" | "frozenset":
            return [set[object](), set(map(_hashable, inner[0][:1])), set(map(_hashable, inner[0][:4]))]
        case "dict" | "mapping" if len(inner) == 2:
            keys = [_hashable(key) for key in inner[0]]
            return [dict[object, object](), {keys[0]: inner[1][0]}, dict(zip(keys, itertools.cycle(inner[1]), strict=False))]
        case _:
            return []


def _hashable(value: object) -> object:
    return tuple(map(_hashable, cast("list[object]", value))) if isinstance(value, list) else value


def _drawn(tree: ast.expr, rng: random.Random, pool: _Pool) -> object:
    name, parts = _parts(tree)
    children = _children(name, parts)

    def several(child: ast.expr) -> list[object]:
        return [_drawn(child, rng, pool) for _ in range(rng.randint(1, 7))]

    match name:
        case "int":
            return rng.choice(pool.ints) + rng.randint(-2, 2) if pool.ints and rng.random() < 0.5 else rng.randint(-5, 25)
        case "float":
            return rng.choice(pool.floats) if pool.floats and rng.random() < 0.5 else round(rng.uniform(-10, 30), 2)
        case "bool":
            return rng.random() < 0.5
        case "str":
            whole = rng.choice(pool.texts) if pool.texts and rng.random() < 0.3 else ""
            return whole + "".join(rng.choices(pool.letters, k=rng.randint(1, 8)))
        case "optional":
            return None if rng.random() < 0.2 else _drawn(children[0], rng, pool)
        case "union":
            return _drawn(rng.choice(children), rng, pool)
        case "list" | "sequence" | "iterable":
            return several(children[0])
        case "tuple":
            return tuple(several(children[0])) if len(children) == 1 else tuple(_drawn(child, rng, pool) for child in children)
        case "set" | "frozenset":
            return set(map(_hashable, several(children[0])))
        case "dict" | "mapping":
            return {_hashable(key): _drawn(children[1], rng, pool) for key in several(children[0])}
        case _:
            return None


def _simple_call(node: ast.AST) -> Iterator[tuple[str, list[ast.expr]]]:
    """The name and the arguments of a call that has nothing but literals in it."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            if all(is_literal(ast.unparse(argument)) for argument in arguments):
                yield name, arguments
        case _:
            pass


def _signatures(text: str) -> dict[str, ast.FunctionDef]:
    """The heads of functions written in a task, if they can be read."""
    found: dict[str, ast.FunctionDef] = {}
    for match in DEFINED.finditer(text):
        rest = text[match.start() : match.start() + MOST_HEAD]
        for colon in re.finditer(r":", rest):
            try:
                node = ast.parse(f"{rest[: colon.end()]} pass").body[0]
            except (SyntaxError, ValueError):
                continue
            if isinstance(node, ast.FunctionDef):
                found[match[1]] = node
                break
    return found


def _hints(node: ast.FunctionDef) -> list[str]:
    """Of every argument that must be given; none if one has no hint."""
    needed = node.args.args[: len(node.args.args) - len(node.args.defaults)]
    written = [ast.unparse(argument.annotation) for argument in needed if argument.annotation is not None]
    return written if len(written) == len(needed) else []
