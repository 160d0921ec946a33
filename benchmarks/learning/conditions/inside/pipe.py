"""The peer's end of the pipe: one JSON object a line, strictly in turns.

In:  `{"method": NAME, "params": {…}}` from the benchmark; its answers to what was asked of it.
Out: `{"result": …}` or `{"failed": TRACEBACK}`; and, while a method runs, `{"call": NAME, "params": {…}}`.

Runs in the peer's environment: nothing but the standard library is imported. What a package prints goes to stderr, so
that it can't be taken for a line of the conversation.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

_lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


class Refused(RuntimeError):
    """The benchmark could not do what it was asked, such as a model that can't take so long a prompt."""


def ask(call: str, **params: object) -> Any:
    """What the benchmark says to `call`.

    Raises:
        Refused: It could not.
    """
    _write({"call": call, "params": params})
    reply = _read()
    if "error" in reply:
        raise Refused(reply["error"])
    return reply["result"]


def serve(methods: Mapping[str, Callable[..., Any]]) -> None:
    """Answer until the benchmark closes its end."""
    while True:
        try:
            request = _read()
        except EOFError:
            return
        try:
            reply: dict[str, object] = {"result": methods[request["method"]](**request["params"])}
        except EOFError:
            return
        # A door: a fault of the package under measurement is one of its results, and is told whole.
        except Exception:  # noqa: BLE001
            reply = {"failed": traceback.format_exc()}
        _write(reply)


def _read() -> dict[str, Any]:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return json.loads(line)


def _write(message: Mapping[str, object]) -> None:
    _lines.write(json.dumps(message) + "\n")
    _lines.flush()
