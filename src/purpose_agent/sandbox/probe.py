"""The script that asks programs for values inside a runner: each program, then each call in its names.

Its text is sent to a `CodeRunner` in front of a call of `probe`; nothing here runs in our own process. Standard library only.
"""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any, cast


def probe(programs: list[str], calls: list[str], seconds: float, most: int, result: Callable[[object], None]) -> None:
    """Ask each program each call, twice, and hand back what it said as literals after each program.

    Args:
        seconds: Of CPU time, for one program and all calls.
        most: Characters of a literal.
        result: Takes a list for each program that was begun: a literal, or None, for each call.
    """

    class Slow(BaseException):
        pass

    def ring(*_: object) -> None:
        raise Slow

    def told(value: object) -> str:
        kind, inside = type(value), cast("Any", value)
        if value is None or kind in (bool, int, str) or (kind is float and abs(inside) < float("inf")):
            return repr(value)
        if issubclass(kind, list):
            return f"[{', '.join(map(told, inside))}]"
        if issubclass(kind, tuple):
            return f"({''.join(told(item) + ', ' for item in inside)})"
        if issubclass(kind, (set, frozenset)):
            return "{" + ", ".join(sorted(map(told, inside))) + "}" if value else "set()"
        if issubclass(kind, dict):
            return "{" + ", ".join(sorted(f"{told(key)}: {told(inside[key])}" for key in inside)) + "}"
        raise ValueError("no literal says this")

    warnings.simplefilter("ignore")
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 — as long as the process lives
    signal.signal(signal.SIGPROF, ring)
    rows: list[list[str | None]] = []
    for program in programs:
        row: list[str | None] = []
        rows.append(row)
        result(rows)
        names: dict[str, object] = {"__name__": "answer"}
        try:
            # CPU time, so that a busy machine changes nothing; again and again, for code that catches everything.
            signal.setitimer(signal.ITIMER_PROF, seconds, 0.05)
            # S102, S307: this runs in the sandbox.
            exec(compile(program, "<program>", "exec", dont_inherit=True), names)
            for call in calls:
                try:
                    one, two = (told(eval(call, names)) for _ in range(2))
                    row.append(one if one == two and len(one) <= most else None)
                except Slow:
                    raise
                except BaseException:  # noqa: BLE001
                    row.append(None)
        except BaseException:  # noqa: BLE001
            pass
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        row.extend([None] * (len(calls) - len(row)))
    result(rows)
