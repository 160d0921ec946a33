"""What programs say to calls, found out in the sandbox.

In:  programs, calls, a `CodeRunner`.
Out: for each program and call the value, as a Python literal, or None.

In our own process values are only read, as literals; no code runs there.
"""

import ast
import json
import math
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, cast

from purpose_agent.core.ports import CodeLimits, CodeRunner
from purpose_agent.sandbox import probe

Outcome: TypeAlias = str | None
"""A literal; None if the call raised, never returned, said two things, or gave what no literal can say."""
CPU_SECONDS = 0.5
"""Of one program, for all calls together."""
MOST_RESTARTS = 6
MOST_CHARS = 2000


async def outcomes(
    runner: CodeRunner, programs: Sequence[str], calls: Sequence[str], limits: CodeLimits | None = None
) -> list[list[Outcome]]:
    """What each program says to each call, all in one run of the sandbox.

    A program that ends the run (by leaving, or by hanging where no signal gets through) has said what it had said before; the
    others get a run of their own, a few times.
    """
    found: list[list[Outcome]] = []
    for _ in range(MOST_RESTARTS):
        if len(found) == len(programs) or not calls:
            break
        script = (
            f"{_script()}\nprobe({list(programs[len(found) :])!r}, {list(calls)!r}, {CPU_SECONDS!r}, {MOST_CHARS!r}, result)\n"
        )
        said = _rows((await runner.run(script, limits=limits)).value)
        found.extend([_padded(row, len(calls)) for row in said] or [[None] * len(calls)])
    return [*found, *([None] * len(calls) for _ in programs[len(found) :])]


def same(left: Outcome, right: Outcome) -> bool:
    """Both are literals of equal values; floats, also inside of lists, count as equal from one millionth on. True is not 1."""
    if left is None or right is None:
        return False
    try:
        one, two = literal(left), literal(right)
    except ValueError:
        return False
    return _alike(one, two)


def _alike(one: object, two: object) -> bool:
    match one, two:
        case bool(), bool():
            return one is two
        case (bool(), _) | (_, bool()):
            return False
        case (float(), int() | float()) | (int(), float()):
            try:
                return math.isclose(one, two, rel_tol=1e-6, abs_tol=1e-6)
            except OverflowError:  # an integer beyond all floats is near none of them
                return False
        case (list(), list()) | (tuple(), tuple()):
            mine, its = cast("Sequence[object]", one), cast("Sequence[object]", two)
            return len(mine) == len(its) and all(map(_alike, mine, its))
        case dict(), dict():
            left, right = cast("dict[object, object]", one), cast("dict[object, object]", two)
            return left.keys() == right.keys() and all(_alike(left[key], right[key]) for key in left)
        case _:
            return one == two


def literal(text: str) -> object:
    """The value of a Python literal.

    Raises:
        ValueError: It is none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cast(object, ast.literal_eval(text.strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, OverflowError) as error:
        raise ValueError(f"{text[:80]!r} is no literal") from error


@cache
def _script() -> str:
    return Path(probe.__file__).read_text(encoding="utf-8")


def _rows(value: str | None) -> list[list[Outcome]]:
    """What was handed back: for each program that was begun, the values it got to."""
    try:
        rows: Any = json.loads(value or "[]")
        return [[said if isinstance(said, str) else None for said in row] for row in rows]
    except (ValueError, TypeError, RecursionError):
        return []


def _padded(row: list[Outcome], length: int) -> list[Outcome]:
    return (row + [None] * length)[:length]
