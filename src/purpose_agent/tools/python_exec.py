"""Python as a tool.

In:  code from a model.
Out: what it printed and handed back; if it failed, the end of its trace as a `ToolError`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from purpose_agent.core.errors import ToolError
from purpose_agent.core.messages import Json
from purpose_agent.core.model import ToolSpec
from purpose_agent.core.ports import CodeLimits, CodeResult, CodeRunner

TRACE_LINES = 12
TAIL_CHARS = 4000

WHY: Mapping[str, str] = {
    "error": "The code failed.",
    "timeout": "The code took too long and was ended.",
    "memory": "The code needed more memory than it may use.",
    "output": "The code wrote too much and was ended.",
    "killed": "The code was ended.",
}


class PythonExecTool:
    """Runs code in a fresh interpreter; nothing is kept between calls.

    Declares no effects: what code does ends with its runner, as far as that is tight (see `sandbox/README.md`). For the same reason
    it is idempotent: a run that was cut off left nothing behind that a second one could meet.

    Args:
        runner: Where it runs; a `Sandbox` if None.
        seconds: Wall time of the code, above 0.
        limits: The other limits; their own `seconds` are not used.
    """

    idempotent = True

    def __init__(self, runner: CodeRunner | None = None, seconds: float = 10, *, limits: CodeLimits | None = None) -> None:
        if runner is None:
            from purpose_agent.sandbox.sandbox import Sandbox

            runner = Sandbox()
        self.runner = runner
        self.limits = replace(limits or CodeLimits(), seconds=seconds)
        # The runner ends the code and says so; the executor's own limit is for a runner that hangs.
        self.seconds = seconds + 20

    @property
    def spec(self) -> ToolSpec:
        code: dict[str, Json] = {"type": "string", "description": "A whole program. Print what you want to see."}
        return ToolSpec(
            "python",
            "Run Python 3 code in a fresh interpreter with the standard library, and see what it prints. "
            "Call result(value) to hand back a JSON value. Variables and files are not kept for the next call.",
            {"type": "object", "properties": {"code": code}, "required": ["code"], "additionalProperties": False},
        )

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        code = arguments.get("code")
        if set(arguments) != {"code"} or not isinstance(code, str):
            raise ToolError("python takes exactly one argument, code, the text of the program.")
        return {"code": code}

    async def call(self, arguments: Mapping[str, Any]) -> str:
        result = await self.runner.run(arguments["code"], limits=self.limits)
        shown = _shown(result)
        if result.status != "ok":
            raise ToolError(shown)
        return shown


def _shown(result: CodeResult) -> str:
    """The outcome in a few lines: why it failed, what was printed, what was handed back, the end of stderr."""
    stdout, stderr = result.stdout.rstrip("\n"), result.stderr.strip("\n")
    parts: list[str] = []
    if result.status != "ok":
        parts.append(WHY[result.status])
        stdout = stdout[-TAIL_CHARS:]
    if stdout:
        parts.append(stdout if result.status == "ok" and not stderr else f"stdout:\n{stdout}")
    if result.value is not None:
        parts.append(f"result: {result.value}")
    if stderr:
        lines = stderr.splitlines()
        mark = ["…"] if len(lines) > TRACE_LINES else []
        tail = "\n".join([*mark, *lines[-TRACE_LINES:]])[-TAIL_CHARS:]
        parts.append(f"stderr:\n{tail}")
    return "\n".join(parts) or "The code ran to its end and printed nothing. Print what you want to see."
