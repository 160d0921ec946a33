"""Code with one mistake put in.

In:  Python source that is right.
Out: copies that differ from it in one place: a comparison flipped, a number off by one, a negation dropped, an operator or a
     constant swapped.

Everything around the place stays letter for letter, so comments and docstrings give nothing away. A mutant need not be wrong:
`x <= 3` for whole numbers is `x < 4`. Whoever wants a broken one runs the tests on it.
"""

import ast
from collections.abc import Iterator

COMPARISONS: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
}
OPERATORS: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.Add(),
    ast.FloorDiv: ast.Mod(),
    ast.Mod: ast.FloorDiv(),
}


def mutants(source: str, *, first_line: int = 1) -> tuple[str, ...]:
    """All copies of `source` with one mistake at or after line `first_line`, in the order of the places, all different.

    Raises:
        SyntaxError: `source` is not Python.
    """
    found: dict[str, None] = {}
    for node in _in_order(ast.parse(source)):
        if isinstance(node, ast.expr) and node.lineno >= first_line:
            for text in _mistaken(node):
                found[_replaced(source, node, text)] = None
    return tuple(copy for copy in found if copy != source and _is_python(copy))


def _in_order(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those of f-strings, whose places are not known before Python 3.12."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ast.JoinedStr):
            yield from _in_order(child)


def _mistaken(node: ast.expr) -> Iterator[str]:
    """What could stand in the place of `node` by mistake."""
    match node:
        case ast.Compare(left=left, ops=[only], comparators=comparators):
            yield ast.unparse(ast.Compare(left, [COMPARISONS[type(only)]], comparators))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"({ast.unparse(operand)})"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            yield f"({ast.unparse(ast.BinOp(left, OPERATORS[type(op)], right))})"
        case ast.BoolOp(op=op, values=values):
            yield f"({ast.unparse(ast.BoolOp(ast.And() if isinstance(op, ast.Or) else ast.Or(), values))})"
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value)):
            yield str(value + 1)
            if value > 0:
                yield str(value - 1)
        case ast.Constant(value=str(value)) if value:
            yield repr(value[:-1])
        case _:
            pass


def _replaced(source: str, node: ast.expr, text: str) -> str:
    """`source` with `text` in the place of `node`; columns count bytes."""
    lines = source.encode().splitlines(keepends=True)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + text.encode() + after).decode()


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True
