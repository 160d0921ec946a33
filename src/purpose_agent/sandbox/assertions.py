"""Does code do what assertions say? Told for each of them.

In:  code, assertions, a `CodeRunner`.
Out: an `AssertionRun`; nothing counts as passed that was not reached.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from purpose_agent.core.ports import CodeLimits, CodeResult, CodeRunner, CodeStatus
from purpose_agent.sandbox import answerer, codec, describing, harness, remote, specials, standins, wire

JUDGE = (specials, codec, wire, standins, remote, harness)
ANSWERER = (specials, codec, wire, describing, answerer)
"""The files of this room that run on either side, in the order of their imports."""


@dataclass(frozen=True, slots=True)
class AssertionResult:
    """One top-level statement of the assertions.

    Attributes:
        detail: Why it doesn't hold, or was not reached; "" if it holds.
    """

    source: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class AssertionRun:
    """What became of all of them.

    Attributes:
        status: Of the execution: "ok" means that every assertion was reached, not that it holds.
        results: In the order written. Empty if the assertions could not be read, or claim nothing.
    """

    status: CodeStatus
    results: tuple[AssertionResult, ...]
    result: CodeResult

    @property
    def passed(self) -> bool:
        """All were reached, all hold, and there was at least one."""
        return self.status == "ok" and bool(self.results) and all(result.passed for result in self.results)

    @property
    def share(self) -> float:
        """The part that holds, 0 to 1; 0.0 if there were none."""
        return sum(result.passed for result in self.results) / len(self.results) if self.results else 0.0


async def run_assertions(
    runner: CodeRunner,
    code: str,
    assertions: str,
    limits: CodeLimits | None = None,
    files: Mapping[str, bytes] | None = None,
) -> AssertionRun:
    """Run `code`, then every top-level statement of `assertions` in its names, each on its own.

    Imports, definitions and assignments prepare; they count only if they fail. Everything else is a claim: an `assert`, a loop
    around one, a call such as `check(candidate)`. The code runs as a module called `answer`, so its
    `if __name__ == "__main__":` part does not. `limits` are for all of it together.

    Code that prints, exits, raises, loops or dies does not pass: what counts is handed back by the assertions themselves.
    The assertions run in one process and the code in another, which is never told what is expected: values are compared where
    the code isn't. So it gains nothing from replaced builtins, objects that equal everything, or searching memory; what it can
    do is return values, right or wrong ones. An object of a class of the code's equals no plain value, whatever its `__eq__`
    says, and two of them are equal if the class says so. See README.md for what stays open.

    The code's process is one more than `limits.processes` allows.
    """
    key = secrets.token_hex(16)
    script = f"{_judge()}\njudge({code!r}, {assertions!r}, {key!r}, result)\n"
    limits = limits and replace(limits, processes=limits.processes + 1)
    result = await runner.run(script, limits=limits, files=files, second=_answerer())
    return AssertionRun(result.status, _results(result, key), result)


@cache
def _judge() -> str:
    return f"{_bundle(JUDGE)}\nfrom purpose_agent.sandbox.harness import judge\n"


@cache
def _answerer() -> str:
    return f"{_bundle(ANSWERER)}\nfrom purpose_agent.sandbox.answerer import main\nmain()\n"


def _bundle(files: Sequence[ModuleType]) -> str:
    """A script that makes these files of this room importable where the package isn't."""
    texts = {file.__name__: Path(str(file.__file__)).read_text(encoding="utf-8") for file in files}
    return (
        "__hide_from_traceback__ = True\n"
        "import sys, types\n"
        "for name in ('purpose_agent', 'purpose_agent.sandbox'):\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        "    sys.modules[name].__path__ = []\n"
        f"for name, text in {texts!r}.items():\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        "    exec(compile(text, name, 'exec'), vars(sys.modules[name]))\n"
    )


def _results(result: CodeResult, key: str) -> tuple[AssertionResult, ...]:
    """What was handed back under this run's key; what is missing did not pass."""
    try:
        words: Any = json.loads(result.value or "null")
        if words["key"] != key:
            return ()
        results = [AssertionResult(str(source), False, _why_missing(result)) for source in words["sources"]]
        for place, (passed, detail) in enumerate(zip(words["passed"], words["details"], strict=True)):
            results[place] = AssertionResult(results[place].source, passed is True, str(detail))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):  # nothing, or nothing of ours, was handed back
        return ()
    return tuple(results)


def _why_missing(result: CodeResult) -> str:
    last = result.stderr.strip().splitlines()[-1:] or ["no reason given"]
    return f"not reached ({result.status}): {last[0][:300]}"
