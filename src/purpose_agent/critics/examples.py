"""Assertions that a task carries in itself: its examples, and the names it speaks of.

In:  a task's text.
Out: the functions it names, calls with what they must give, each as an `Assertion`.

Nothing is run, and no model is asked.
"""

import ast
import builtins
import keyword
import re
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from purpose_agent.critics.programs import literal

Origin: TypeAlias = Literal["example", "model", "agreement"]

MOST_LINE = 400
HARMLESS = {"set", "list", "tuple", "dict", "float", "sorted", "len", "range", "str", "int", "abs", "round", "sum"}
"""Builtins that an assertion may use; all else it calls must be named by the task."""
SIGN = re.compile(
    r"`?\s*(?:===?|=>|-+>|→|➞|➜|⇒|=|(?:should|must|will)\s+(?:return|be|give|equal)|returns?|gives?|yields?|equals?|is)\s*`?"
)
AFTER = re.compile(r"\s*(?:$|[.,;:)\]}#\"'`&]|(?:and|or|but|because|since|while|whereas)\b)")
DEFINED = re.compile(r"\bdef\s+([A-Za-z_]\w*)\s*\(")
NAMED = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b([A-Za-z_]\w*)\(",
        r"`([A-Za-z_]\w*)`",
        r"\b(?:called|named)\s+['\"]?([A-Za-z_]\w*)",
        r"\b(?:function|class|method)\s+['\"]?([A-Za-z_]\w*)",
    )
)
"""How a task speaks of a function, the surest way first."""
NO_NAMES = frozenset(
    {
        "a",
        "an",
        "the",
        "this",
        "that",
        "these",
        "those",
        "to",
        "which",
        "who",
        "whose",
        "for",
        "with",
        "without",
        "of",
        "in",
        "on",
    }
    | {"at", "by", "as", "from", "and", "is", "are", "it", "its", "should", "must", "will", "can", "has", "takes", "taking"}
    | {
        "returns",
        "returning",
        "gives",
        "computes",
        "calculates",
        "named",
        "called",
        "using",
        "where",
        "when",
        "if",
        "so",
        "such",
    }
    | {"below", "above", "here", "also", "only", "definition", "body", "signature", "name", "argument", "object"}
)
"""What may follow "function", and is no name."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a call of the asked function must give.

    Attributes:
        call: An expression that calls something the task names.
        expected: A Python literal.
        origin: The task's own example, the model's proposal, or what independent solutions agree on.
        weight: How likely it is right, 0 to 1.
    """

    call: str
    expected: str
    origin: Origin
    weight: float = 1.0

    @property
    def source(self) -> str:
        """As a line of Python; a float need not be hit exactly."""
        value = literal(self.expected)
        if isinstance(value, float):
            return f"assert abs({self.call} - {self.expected}) <= {1e-6 * max(1.0, abs(value))!r}"
        return f"assert {self.call} == {self.expected}"


def names_in(text: str) -> tuple[str, ...]:
    """The functions and classes a task names, the asked one first: those it defines if it defines any, else all it speaks of.

    Of several definitions the last is the asked one: what comes before it helps.
    """
    found = DEFINED.findall(text)[::-1] or [name for pattern in NAMED for name in pattern.findall(text)]
    return tuple(
        dict.fromkeys(
            name for name in found if not keyword.iskeyword(name) and name not in NO_NAMES and not hasattr(builtins, name)
        )
    )


def examples_in(text: str, names: Collection[str]) -> list[Assertion]:
    """The examples written in a task: doctests, and calls followed by "==", "=>", "returns" … and a literal."""
    found: dict[str, Assertion] = {}
    for call, expected in (*_doctests(text), *_told(text, names)):
        plain = plain_call(call, names)
        if plain is not None and is_literal(expected):
            found.setdefault(plain, Assertion(plain, expected.strip(), "example"))
    return list(found.values())


def _doctests(text: str) -> Iterator[tuple[str, str]]:
    lines = [line.strip() for line in text.splitlines()]
    for place, line in enumerate(lines):
        if line.startswith(">>>"):
            below: list[str] = []
            for said in lines[place + 1 :]:
                if not said or said.startswith((">>>", '"""', "'''", "```")):
                    break
                below.append(said)
            # The whole of it, or its first line, where prose follows without an empty line.
            yield line[3:], next((said for said in (" ".join(below), *below[:1]) if is_literal(said)), "")


def _told(text: str, names: Collection[str]) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line.strip().startswith(">>>"):
            continue
        for match in re.finditer(r"\b([A-Za-z_]\w*)\(", line[:MOST_LINE]):
            if match[1] not in names:
                continue
            rest = line[match.start() : match.start() + MOST_LINE]
            ends = [place + 1 for place, letter in enumerate(rest) if letter == ")"]
            end = next((end for end in ends if _expression(rest[:end]) is not None), None)
            if end is not None and (sign := SIGN.match(rest, end)):
                yield rest[:end], _first_literal(rest[sign.end() :])


def _first_literal(text: str) -> str:
    """The longest literal that `text` opens with and that ends where a word or a clause does; "" if none."""
    for end in range(len(text), 0, -1):
        said = text[:end]
        bare_tuple = "," in said and not said.lstrip().startswith(("(", "[", "{", "'", '"'))
        if not bare_tuple and said[-1] not in ".,; " and AFTER.match(text, end) and is_literal(said):
            return said
    return ""


def _expression(text: str) -> ast.expr | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a task is not our warning
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def is_literal(text: str) -> bool:
    """`text` is a Python literal, and not empty."""
    try:
        literal(text)
    except ValueError:
        return False
    return bool(text.strip())


def plain_call(call: str, names: Collection[str]) -> str | None:
    """`call` in one spelling, if it calls one of `names` and needs nothing but them and harmless builtins."""
    tree = _expression(call)
    if tree is None:
        return None
    calls = False
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name not in names and name not in HARMLESS:
                return None
            case ast.Attribute(attr=name) if name.startswith("_"):
                return None
            case ast.Call(func=ast.Name(id=name)):
                calls = calls or name in names
            case ast.Lambda() | ast.NamedExpr() | ast.Pow() | ast.LShift():
                return None
            case _:
                pass
    return ast.unparse(tree) if calls else None
