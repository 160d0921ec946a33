"""Which tools a description asks for: the package's own are resolved, others are named and left to be written.

In:  a description, the caller's own tools.
Out: tool plans, by the kind of work that needs them; the tools that are there; stubs of the others, which raise.

No server is looked for, and none is made up: what is not here is missing, and is said to be.
"""

import builtins
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from purpose_agent.agents.generated.plan import ToolPlan
from purpose_agent.core.errors import ToolError, UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.model import ToolSpec
from purpose_agent.core.origin import Origin
from purpose_agent.core.ports import CodeRunner
from purpose_agent.core.tool import Effect, Tool, effects_of, make_tool, origin_of

Work: TypeAlias = Literal["gather", "compute", "deliver"]
MOST_OF_A_KIND = 3
"""Tools that one agent is offered: a small model chooses badly among many."""


def _web(name: str, about: str, *parameters: str) -> ToolPlan:
    return ToolPlan(name, about, dict.fromkeys(parameters, "str"), origin="web")


def _sends(name: str, about: str, *parameters: str) -> ToolPlan:
    return ToolPlan(name, about, dict.fromkeys(parameters, "str"), effects=("send",))


BUILTIN: Mapping[str, ToolPlan] = {
    "calculator": ToolPlan("calculator", "Arithmetic.", {"expression": "str"}, builtin="calculator"),
    "python": ToolPlan("python", "Runs Python in a sandbox.", {"code": "str"}, builtin="python"),
    "read_file": ToolPlan("read_file", "Reads a text file.", {"path": "str"}, builtin="read_file", origin="document"),
    "list_files": ToolPlan("list_files", "Lists a folder.", {"path": "str"}, builtin="list_files", origin="document"),
    "write_file": ToolPlan("write_file", "Writes a text file.", {"path": "str", "content": "str"}, builtin="write_file"),
}
RULES: Sequence[tuple[Work, str, ToolPlan]] = (
    ("gather", r"cves?\b|vulnerabilit|advisor", _web("fetch_advisories", "Security advisories of a repository.", "repo")),
    ("gather", r"github|gitlab|repos?\b|repositor", _web("fetch_repository", "What changed in a repository of late.", "repo")),
    ("gather", r"rss|feeds?\b|news\b", _web("fetch_feed", "The newest entries of a feed.", "url")),
    ("gather", r"web|site|internet|online|urls?\b|pages?\b", _web("fetch_page", "The text of a web page.", "url")),
    ("gather", r"papers?\b|arxiv|literature|scholar", _web("search_papers", "Papers about a question.", "query")),
    ("gather", r"metric|uptime|server|latency|disk", _web("fetch_metrics", "Current measurements of a service.", "service")),
    ("gather", r"stock|market|share price|crypto", _web("fetch_prices", "Current prices of a symbol.", "symbol")),
    ("gather", r"weather|forecast", _web("fetch_weather", "The weather at a place.", "place")),
    ("gather", r"databas|sql|warehouse", ToolPlan("query_database", "Rows of a query.", {"sql": "str"}, origin="document")),
    ("gather", r"inbox|incoming e-?mail", _web("read_inbox", "New messages of a mailbox.", "mailbox")),
    ("gather", r"orders?\b|refund|customer", ToolPlan("find_order", "An order.", {"order_id": "str"}, origin="document")),
    ("gather", r"faq|knowledge|polic|product docs", ToolPlan("search_docs", "Passages.", {"query": "str"}, origin="document")),
    ("gather", r"csv|files?\b|folder|json\b|logs?\b|document", BUILTIN["read_file"]),
    ("gather", r"csv|files?\b|folder|documents\b", BUILTIN["list_files"]),
    ("compute", r"total|sum\b|average|mean\b|calculat|number|sales|percent|statistic|cost", BUILTIN["calculator"]),
    ("compute", r"python|code|script|transform|pipeline|clean|convert|pars", BUILTIN["python"]),
    (
        "deliver",
        r"slack|alert|notif|warn|page the|tell the team",
        _sends("send_alert", "Sends a message to the team.", "message"),
    ),
    ("deliver", r"\be-?mail (?:it|them|the)|by e-?mail|mail the", _sends("send_email", "Sends an e-mail.", "to", "text")),
    ("deliver", r"publish|post (?:it|them)", _sends("publish", "Publishes a text.", "title", "text")),
    ("deliver", r"(?:write|save|store|export)\w* .*(?:files?\b|csv|folder)", BUILTIN["write_file"]),
)
RESERVED = frozenset(
    {
        *dir(builtins),
        "pa",
        "Path",
        "FILES",
        "MISSING",
        "PURPOSE",
        "TASK",
        "WORKSPACE",
        "MEMORY",
        "MODELS",
        "USD",
        "KEYWORDS",
        "FALLBACK",
        "written",
        "chosen",
        "make_team",
        "AgentSpec",
        "AgentTeam",
        "specs",
        "make_agents",
        "model",
        "mode",
        "approve",
        "place",
        "agents",
    }
)
"""Names that a saved project uses itself."""
_TYPES: Mapping[object, str] = {"integer": "int", "number": "float", "boolean": "bool"}
_SCHEMA = {kind: name for name, kind in _TYPES.items()}


@dataclass(frozen=True, slots=True)
class StubTool:
    """A tool that is not written yet: whoever calls it gets an error that says so."""

    plan: ToolPlan
    seconds: float = 5.0
    idempotent: bool = True

    @property
    def spec(self) -> ToolSpec:
        properties: dict[str, Json] = {
            name: {"type": cast("str", _SCHEMA.get(kind, "string"))} for name, kind in self.plan.parameters.items()
        }
        schema: dict[str, Json] = {"type": "object", "properties": properties, "required": list(properties)}
        return ToolSpec(self.plan.name, self.plan.about, {**schema, "additionalProperties": False})

    @property
    def origin(self) -> Origin:
        """Of what it would return."""
        return self.plan.origin

    @property
    def effects(self) -> tuple[Effect, ...]:
        """None: it does nothing, so nobody needs to be asked."""
        return ()

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """Whatever it is called with, it is not there."""
        return dict(arguments)

    async def call(self, arguments: Mapping[str, Any]) -> str:
        raise ToolError(self.plan.not_written)


def tools_for(description: str, given: Sequence[Tool | Callable[..., Any]]) -> dict[Work, tuple[ToolPlan, ...]]:
    """The tools that its words ask for, by the work that needs them. The caller's own stand in for those of their name, or gather.

    Raises:
        UsageError: Two of the caller's tools have one name, or one has a name that no program could have.
        InvalidTool: A function can't be offered as a tool.
    """
    own = {plan.name: plan for plan in (_of(tool if isinstance(tool, Tool) else make_tool(tool)) for tool in given)}
    if len(own) < len(given):
        raise UsageError(f"generate(tools=...): two tools have one name; there are {', '.join(sorted(own))}.")
    text = description.casefold()
    found: dict[Work, list[ToolPlan]] = {"gather": [], "compute": [], "deliver": []}
    for work, stem, plan in RULES:
        if re.search(rf"\b(?:{stem})", text) and len(found[work]) < MOST_OF_A_KIND:
            found[work].append(own.pop(plan.name, plan))
    for work, stem, plan in RULES:  # beyond what words ask for: the caller knows better
        if plan.name in own and stem:
            found[work].append(own.pop(plan.name))
    found["gather"] += own.values()
    return {work: tuple(plans) for work, plans in found.items()}


def tools_of(plans: Sequence[ToolPlan], files: Path, runner: CodeRunner | None) -> dict[str, Tool]:
    """What agents are given, by name: those that are there.

    A missing one is not offered. A small model that is offered it, and is told that it is not written, sets about writing it.

    Args:
        files: The folder that file tools see; made if it isn't there.
        runner: Where code runs; None: a `Sandbox`.
    """
    return {plan.name: _tool(plan, files, runner) for plan in plans if not plan.is_missing}


def _tool(plan: ToolPlan, files: Path, runner: CodeRunner | None) -> Tool:
    if plan.given is not None:
        return plan.given
    if plan.builtin == "calculator":
        from purpose_agent.tools.calculator import CalculatorTool

        return CalculatorTool()
    if plan.builtin == "python":
        from purpose_agent.tools.python_exec import PythonExecTool

        return PythonExecTool(runner)
    from purpose_agent.tools.files import ListFilesTool, ReadFileTool, WriteFileTool

    files.mkdir(parents=True, exist_ok=True)
    return {"read_file": ReadFileTool, "write_file": WriteFileTool, "list_files": ListFilesTool}[plan.builtin](files)


def _of(tool: Tool) -> ToolPlan:
    spec = tool.spec
    properties = spec.parameters.get("properties")
    schemas = properties if isinstance(properties, dict) else {}
    if spec.name in RESERVED:
        raise UsageError(
            f"generate(tools=...): {spec.name!r} is no name for a Python program: saved projects use it themselves; give it another."
        )
    for name in (spec.name, *schemas):
        if not (name.isidentifier() and name.isascii()) or keyword.iskeyword(name):
            raise UsageError(
                f"generate(tools=...): {name!r}, of tool {spec.name!r}, is no name for a Python program; give it another."
            )
    kinds = {
        name: _TYPES.get(schema.get("type"), "str") if isinstance(schema, dict) else "str" for name, schema in schemas.items()
    }
    plan = ToolPlan(spec.name, spec.description, kinds, origin=origin_of(tool), effects=effects_of(tool))
    return replace(plan, given=tool)
