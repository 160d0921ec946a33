"""The special methods by name, for both sides of the line. Standard library only: see `wire.py`."""

from collections.abc import Callable
from typing import Any, cast

__hide_from_traceback__ = True

type_of = cast("Callable[[object], Any]", type)

VALUES: tuple[Any, ...] = (int, float, complex, str, bytes, tuple, frozenset)
HOLDERS: tuple[Any, ...] = (list, dict, set, bytearray)
"""Bases of classes whose objects are values, and of those whose objects hold some."""

_COUNTING = (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "divmod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
)
_ALONE = (
    *("neg", "pos", "abs", "invert", "int", "float", "complex", "index", "round", "trunc", "floor", "ceil", "bool", "hash"),
    *("len", "iter", "next", "reversed", "getitem", "setitem", "delitem"),
    *("call", "enter", "exit", "str", "repr", "format", "bytes", "fspath"),
)
COMPARING = ("__eq__", "__ne__")
OPERAND = frozenset(
    (
        *(f"__{way}{name}__" for name in _COUNTING for way in ("", "r", "i")),
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__contains__",
    )
)
"""Methods that are told a value which may be the expected one."""
SPECIAL = frozenset((*COMPARING, *OPERAND, *(f"__{name}__" for name in _ALONE)))
VERDICTS = frozenset(
    (
        *("startswith", "endswith", "count", "index", "find", "rfind", "rindex", "is_integer", "equals"),
        *("issubset", "issuperset", "isdisjoint", "union", "intersection", "difference", "symmetric_difference"),
    )
)
"""Public methods that are told what is expected, and answer whether it is so."""
