"""Programs that mean no harm: what they hand back must be the same in any sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from purpose_agent.core.ports import CodeLimits, CodeRunner

LIMITS = CodeLimits(seconds=15.0)


@dataclass(frozen=True, slots=True)
class Benign:
    """A program, and what it must hand back.

    Attributes:
        value: The JSON text of its result.
        packages: What the runner must have declared; skip the program where they are not installed.
        wants: Files it must hand back, with what is in them.
        errors: What must stand on stderr.
    """

    name: str
    code: str
    value: str
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    packages: tuple[str, ...] = ()
    wants: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    errors: str = ""


async def failure(program: Benign, runner: CodeRunner) -> str:
    """What is wrong with the program's result; "" if nothing is."""
    result = await runner.run(program.code, limits=LIMITS, files=program.files, results=tuple(program.wants))
    if result.status != "ok":
        return f"{result.status}: {result.stderr[-300:]}"
    if result.value != program.value:
        return f"handed back {result.value}"
    if program.errors not in result.stderr:
        return f"wrote {result.stderr[-300:]!r} on stderr"
    wrong = [name for name, data in program.wants.items() if result.files.get(name) != data]
    return f"the files {', '.join(wrong)} are wrong or missing" if wrong else ""
