"""Arithmetic for agents, by walking the syntax tree: nothing is executed.

In:  an expression such as `(3 + 4) * sqrt(2) / 7`.
Out: its value as text.
"""

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

from purpose_agent.core.errors import ToolError
from purpose_agent.core.messages import Json
from purpose_agent.core.model import ToolSpec

Number = int | float
LENGTH = 1000
"""Characters of an expression. With `BITS` it bounds the time of the worst one to milliseconds."""
DEPTH = 400
BITS = 4000
"""Size of the largest whole number, about 1200 digits; larger intermediate results are refused, not waited for."""

BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: lambda left, right: left % right,
}
UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: lambda inner: +inner, ast.USub: lambda inner: -inner}
NAMES: Mapping[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}


def _rounded(number: Number, digits: int = 0) -> Number:
    """`round`, which for digits = −10⁹ would work out ten to that power."""
    if abs(digits) > 300:
        raise ValueError("round takes at most 300 digits")
    return round(number, digits) if digits else round(number)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "round": _rounded,
    "min": min,
    "max": max,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "floor": math.floor,
    "ceil": math.ceil,
    "gcd": math.gcd,
}


class CalculatorTool:
    """Evaluates one arithmetic expression: + - * / // % **, parentheses, a few functions and constants."""

    seconds = 5.0
    idempotent = True  # arithmetic

    @property
    def spec(self) -> ToolSpec:
        description = (
            "Evaluate an arithmetic expression. Operators: + - * / // % **. "
            f"Functions: {', '.join(FUNCTIONS)}. Constants: {', '.join(NAMES)}."
        )
        expression: dict[str, Json] = {"type": "string", "description": "For example: (3 + 4) * sqrt(2) / 7"}
        return ToolSpec(
            "calculator",
            description,
            {
                "type": "object",
                "properties": {"expression": expression},
                "required": ["expression"],
                "additionalProperties": False,
            },
        )

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        expression = arguments.get("expression")
        if set(arguments) != {"expression"} or not isinstance(expression, str):
            raise ToolError("calculator takes exactly one argument, expression, a text such as '2 * (3 + 4)'.")
        return {"expression": expression}

    async def call(self, arguments: Mapping[str, Any]) -> str:
        return calculate(arguments["expression"])


def calculate(expression: str) -> str:
    """The value of `expression`.

    Raises:
        ToolError: It is not arithmetic, has no value, or its value is too large.
    """
    text = expression.strip()
    if len(text) > LENGTH:
        raise ToolError(f"The expression has {len(text)} characters; at most {LENGTH} are evaluated. Split it.")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:  # deep nesting shows as one of the last two
        raise ToolError(f"{text!r} can't be read as arithmetic: {error}") from error
    try:
        return str(_value(tree.body, 0))
    except ZeroDivisionError as error:
        raise ToolError(f"{text!r} divides by zero.") from error
    except (ArithmeticError, ValueError, TypeError, RecursionError) as error:
        raise ToolError(f"{text!r} has no value: {error}.") from error


def _value(node: ast.expr, depth: int) -> Number:
    if depth > DEPTH:
        raise ToolError(f"The expression is nested more than {DEPTH} levels deep. Split it.")
    match node:
        case ast.Constant(value=bool() | complex()):
            raise ToolError(f"{ast.unparse(node)!r} is not a real number.")
        case ast.Constant(value=int() | float() as number):
            return _bounded(number)
        case ast.UnaryOp(op=sign, operand=inner) if type(sign) in UNARY:
            return _bounded(UNARY[type(sign)](_value(inner, depth + 1)))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _bounded(_power(_value(left, depth + 1), _value(right, depth + 1)))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in BINARY:
            return _bounded(BINARY[type(sign)](_value(left, depth + 1), _value(right, depth + 1)))
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return _bounded(FUNCTIONS[name](*(_value(argument, depth + 1) for argument in arguments)))
        case _:
            raise ToolError(
                f"{ast.unparse(node)[:80]!r} is not arithmetic. Use numbers, + - * / // % **, and: {', '.join(FUNCTIONS)}."
            )


def _power(base: Number, exponent: Number) -> Number | complex:
    """A power whose size is known before it is computed."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and base.bit_length() * abs(exponent) > 2 * BITS:
        raise ToolError(f"{str(base)[:20]} ** {str(exponent)[:20]} is larger than this calculator goes. As a float it may do.")
    return base**exponent


def _bounded(number: object) -> Number:
    if not isinstance(number, int | float):
        raise ToolError(f"The result is not a real number: {number}.")
    if isinstance(number, int):
        if number.bit_length() <= BITS:
            return number
        raise ToolError(f"A whole number of more than {BITS} bits appears; this calculator does not go that far.")
    if not math.isfinite(number):
        raise ToolError("A number appears that is larger than a float can be.")
    return number
