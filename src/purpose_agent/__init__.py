"""Agents that measurably learn from experience, on your own machine, with no fine-tuning.

    import purpose_agent as pa

    team = pa.purpose("Help me write Python code")
    print(team.run("Write a fibonacci function"))

Names are loaded when first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from purpose_agent.agents.agent import Agent
    from purpose_agent.agents.budget import Budget
    from purpose_agent.agents.compiler import LLMCompiler
    from purpose_agent.agents.councils.quorum import Quorum
    from purpose_agent.agents.measuring.lift import lift
    from purpose_agent.agents.measuring.report import LiftReport
    from purpose_agent.agents.settled import Settled
    from purpose_agent.agents.streaming import RunStream
    from purpose_agent.agents.swarms.result import FailedTask
    from purpose_agent.agents.task_file import load_tasks
    from purpose_agent.agents.teams.purpose import purpose
    from purpose_agent.agents.teams.team import Team
    from purpose_agent.agents.workspace import Workspace
    from purpose_agent.core import errors
    from purpose_agent.core.approval import ApprovalRequest, Approve, Done, Edit, Later, Policy, Reject
    from purpose_agent.core.errors import PurposeAgentError
    from purpose_agent.core.memory import Lesson, Memory, Provenance, Scope
    from purpose_agent.core.model import Model, ModelRequest, ModelResponse, Usage
    from purpose_agent.core.ports import ChoiceEnvironment, CodeLimits, CodeResult, Environment
    from purpose_agent.core.task import Check, Limits, Task
    from purpose_agent.core.tool import Tool, tool
    from purpose_agent.engine.result import TaskResult
    from purpose_agent.memory.budget import MemoryBudget
    from purpose_agent.models.rate_limit import RateLimit
    from purpose_agent.models.routing import Router
    from purpose_agent.protocols.otel import instrument
    from purpose_agent.runtime import events
    from purpose_agent.runtime.checkpoints.jsonl import JsonlCheckpointer
    from purpose_agent.runtime.checkpoints.memory import MemoryCheckpointer
    from purpose_agent.runtime.events import Event
    from purpose_agent.runtime.feed import Lagged
    from purpose_agent.sandbox.sandbox import Sandbox
    from purpose_agent.tools.calculator import CalculatorTool
    from purpose_agent.tools.files import ListFilesTool, ReadFileTool, WriteFileTool
    from purpose_agent.tools.python_exec import PythonExecTool
    from purpose_agent.vocabulary import (
        BEGIN,
        DONE_SIGNAL,
        Council,
        CouncilResult,
        Flow,
        FlowResult,
        Spark,
        SwarmResult,
        resolve_backend,
        resume_swarm,
        resume_swarm_async,
        swarm,
        swarm_async,
    )

    __version__: str

__all__ = [
    "BEGIN",
    "DONE_SIGNAL",
    "Agent",
    "ApprovalRequest",
    "Approve",
    "Budget",
    "CalculatorTool",
    "Check",
    "ChoiceEnvironment",
    "CodeLimits",
    "CodeResult",
    "Council",
    "CouncilResult",
    "Done",
    "Edit",
    "Environment",
    "Event",
    "FailedTask",
    "Flow",
    "FlowResult",
    "JsonlCheckpointer",
    "LLMCompiler",
    "Lagged",
    "Later",
    "Lesson",
    "LiftReport",
    "Limits",
    "ListFilesTool",
    "Memory",
    "MemoryBudget",
    "MemoryCheckpointer",
    "Model",
    "ModelRequest",
    "ModelResponse",
    "Policy",
    "Provenance",
    "PurposeAgentError",
    "PythonExecTool",
    "Quorum",
    "RateLimit",
    "ReadFileTool",
    "Reject",
    "Router",
    "RunStream",
    "Sandbox",
    "Scope",
    "Settled",
    "Spark",
    "SwarmResult",
    "Task",
    "TaskResult",
    "Team",
    "Tool",
    "Usage",
    "Workspace",
    "WriteFileTool",
    "errors",
    "events",
    "instrument",
    "lift",
    "load_tasks",
    "purpose",
    "resolve_backend",
    "resume_swarm",
    "resume_swarm_async",
    "swarm",
    "swarm_async",
    "tool",
]

_HOMES = {
    "BEGIN": "vocabulary",
    "DONE_SIGNAL": "vocabulary",
    "Agent": "agents.agent",
    "ApprovalRequest": "core.approval",
    "Approve": "core.approval",
    "Budget": "agents.budget",
    "CalculatorTool": "tools.calculator",
    "Check": "core.task",
    "ChoiceEnvironment": "core.ports",
    "CodeLimits": "core.ports",
    "CodeResult": "core.ports",
    "Council": "vocabulary",
    "CouncilResult": "vocabulary",
    "Done": "core.approval",
    "Edit": "core.approval",
    "Environment": "core.ports",
    "Event": "runtime.events",
    "FailedTask": "agents.swarms.result",
    "Flow": "vocabulary",
    "FlowResult": "vocabulary",
    "JsonlCheckpointer": "runtime.checkpoints.jsonl",
    "LLMCompiler": "agents.compiler",
    "Lagged": "runtime.feed",
    "Later": "core.approval",
    "Lesson": "core.memory",
    "LiftReport": "agents.measuring.report",
    "Limits": "core.task",
    "ListFilesTool": "tools.files",
    "Memory": "core.memory",
    "MemoryBudget": "memory.budget",
    "MemoryCheckpointer": "runtime.checkpoints.memory",
    "Model": "core.model",
    "ModelRequest": "core.model",
    "ModelResponse": "core.model",
    "Policy": "core.approval",
    "Provenance": "core.memory",
    "PurposeAgentError": "core.errors",
    "PythonExecTool": "tools.python_exec",
    "Quorum": "agents.councils.quorum",
    "RateLimit": "models.rate_limit",
    "ReadFileTool": "tools.files",
    "Reject": "core.approval",
    "Router": "models.routing",
    "RunStream": "agents.streaming",
    "Sandbox": "sandbox.sandbox",
    "Scope": "core.memory",
    "Settled": "agents.settled",
    "Spark": "vocabulary",
    "SwarmResult": "vocabulary",
    "Task": "core.task",
    "TaskResult": "engine.result",
    "Team": "agents.teams.team",
    "Tool": "core.tool",
    "Usage": "core.model",
    "Workspace": "agents.workspace",
    "WriteFileTool": "tools.files",
    "errors": "core.errors",
    "events": "runtime.events",
    "instrument": "protocols.otel",
    "lift": "agents.measuring.lift",
    "load_tasks": "agents.task_file",
    "purpose": "agents.teams.purpose",
    "resolve_backend": "vocabulary",
    "resume_swarm": "vocabulary",
    "resume_swarm_async": "vocabulary",
    "swarm": "vocabulary",
    "swarm_async": "vocabulary",
    "tool": "core.tool",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("purpose-agent")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'purpose_agent' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"purpose_agent.{home}")
    value = module if name in ("errors", "events") else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
