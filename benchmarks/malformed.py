"""Two hundred outputs that are no action, each from a model that says nothing else.

Whatever it says, the run ends by itself, gives a reason, and earns nothing: no success, no credit for the memory in its
prompt, nothing raised. Each output is tried on an agent that asks for JSON. Outputs of the native form are tried on one
that offers its tools natively, too; there, text without a call is an answer, so for other outputs only success counts.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Figures
from purpose_agent.agents.agent import Agent
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.model import Capabilities
from purpose_agent.core.task import Check, Limits, Task
from purpose_agent.engine.result import TaskResult
from purpose_agent.testing.models import RuleModel
from tests.malformed import ADD, Malformed, corpus

TASK = Task("Add 1 and 2.", checks=[Check.equals("3")], limits=Limits(steps=3))


def measure() -> Figures:
    """All of them, both ways."""
    outputs = corpus()
    with TemporaryDirectory() as folder:
        troubles = asyncio.run(_all(outputs, Path(folder)))
    for trouble in troubles:
        print(trouble)
    return {
        "malformed": Figure("malformed outputs tried", len(outputs)),
        "malformed_crashes": Figure("crashes, endless runs and undeserved successes", len(troubles), n=len(outputs)),
    }


async def _all(outputs: list[Malformed], folder: Path) -> list[str]:
    return [
        f"{output.name}, {'native' if native else 'JSON'}: {trouble}"
        for native in (False, True)
        for output in outputs
        for trouble in await violations(output, native=native, workspace=Workspace(folder / str(native)))
    ]


async def violations(output: Malformed, *, native: bool, workspace: Workspace) -> list[str]:
    """What went wrong with one output, in words; [] if it was met as it should be."""
    model = RuleModel(lambda request: output.response(), capabilities=Capabilities(native_tools=native))
    agent = Agent("adder", model=model, tools=[ADD], workspace=workspace, critic=None)
    taught = workspace.teach("whole numbers only")
    before = workspace.memory(taught.id)
    try:
        result = await agent.run_async(TASK)
    # A door: any exception whatever is what is counted here.
    except Exception as error:  # noqa: BLE001
        return [f"raised {type(error).__name__}: {str(error)[:200]}"]
    found = list(_broken(result, is_answer=native and not output.tool_calls and bool(output.text.strip())))
    after = workspace.memory(taught.id)
    if (after.used, after.helped) != (before.used + 1, before.helped):
        found.append(f"the memory in its prompt went from {before.helped}/{before.used} to {after.helped}/{after.used}")
    if workspace.run(result.id).status != result.status:
        found.append(f"the record says {workspace.run(result.id).status}")
    return found


def _broken(result: TaskResult, *, is_answer: bool) -> Iterator[str]:
    if result.success is not False:
        yield f"success is {result.success}"
    if is_answer:
        return
    if result.status not in ("gave_up", "exhausted"):
        yield f"it ended as {result.status}"
    if not result.reason:
        yield "it gives no reason"
