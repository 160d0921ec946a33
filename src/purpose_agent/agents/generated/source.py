"""The text of a saved project's files: tools, agents, README. The others are in `source_runs.py`.

In:  a `SystemPlan`.
Out: Python that reads as if somebody had written it, by file name.

Nothing of a description, or of what a model said, becomes code: such words appear as literals alone, made by `literal`, in which what
is not printable is escaped. Names in code are identifiers that a template or a tool has, and are checked once more here.
"""

from textwrap import indent

from purpose_agent.agents.generated.plan import (
    PART,
    AgentPlan,
    SystemPlan,
    ToolPlan,
)

WIDTH = 100
BUILTIN = {
    "calculator": "pa.CalculatorTool()",
    "python": "pa.PythonExecTool()",
    "read_file": "pa.ReadFileTool(FILES)",
    "write_file": "pa.WriteFileTool(FILES)",
    "list_files": "pa.ListFilesTool(FILES)",
}


def literal(text: str, columns: int = 0) -> str:
    """A Python literal of a text, over several lines if it is long.

    Args:
        columns: How far it is indented.
    """
    if len(text) <= WIDTH - columns:
        return _quoted(text)
    pieces, piece = list[str](), ""
    for word in text.split(" "):
        if piece and len(piece) + len(word) > WIDTH - columns - 8:
            pieces.append(piece)
            piece = ""
        piece += f"{word} "
    pieces.append(piece[:-1])
    lines = "\n".join(" " * (columns + 4) + _quoted(each) for each in pieces)
    return f"(\n{lines}\n{' ' * columns})"


def _quoted(text: str) -> str:
    if "\\" in text and text.isprintable() and '"' not in text and not text.endswith("\\"):
        return f'r"{text}"'  # in a raw literal only its own quote ends it
    shown = repr(text)
    return f'"{shown[1:-1]}"' if "'" not in text and '"' not in text else shown


def name(text: str) -> str:
    """That name, which may stand in code."""
    if not (text.isidentifier() and text.isascii()):
        raise AssertionError(f"{text!r} would be code")
    return text


def tools_py(plan: SystemPlan) -> str:
    """What agents may do, with stubs for what is missing."""
    stubs = [tool for tool in plan.tools if not tool.builtin]
    built = [tool for tool in plan.tools if tool.builtin]
    has_files = any("FILES" in BUILTIN[tool.builtin] for tool in built)
    parts = [_TOOLS_DOC]
    imports = [*(["from pathlib import Path\n"] if has_files else []), *(["import purpose_agent as pa"] if plan.tools else [])]
    parts += ["\n".join(imports)] if imports else []
    if has_files:
        parts.append('FILES = Path(__file__).with_name("files")\nFILES.mkdir(exist_ok=True)')
    listed = "".join(f"    {literal(tool.name)}: {literal(tool.signature)},\n" for tool in stubs)
    parts.append(f"MISSING: dict[str, str] = {{{chr(10) if listed else ''}{listed}}}")
    if built:
        parts.append("\n".join(f"{name(tool.name)} = {BUILTIN[tool.builtin]}" for tool in built))
    functions = [_stub(tool) for tool in stubs] + [_WRITTEN] * bool(plan.tools)
    return "\n\n".join(parts) + "".join(f"\n\n\n{each}" for each in functions) + "\n"


_TOOLS_DOC = '''"""What the agents may do.

Write what is missing here: give back text, and take it out of MISSING. No agent is offered a tool that can only fail.
"""'''
_TO_WRITE = """
## To be written

No agent is offered these until you have written them in `tools.py` and taken them out of `MISSING` there; called before, they raise:

"""
_ASKS = """
Tools that send need a person once a run has read what others wrote: `run.py --ask` asks you at the terminal. Without it such a call is
refused, and a line of the summary says so, whatever the answer claims.
"""
_WRITTEN = '''def written(*tools):
    """Those that are not missing."""
    return [tool for tool in tools if tool.spec.name not in MISSING]'''


def _stub(tool: ToolPlan) -> str:
    parameters = ", ".join(f"{name(each)}: {name(kind)}" for each, kind in tool.parameters.items())
    said = [f"origin={literal(tool.origin)}"] if tool.origin != "tool" else []
    said += [f"effects=({', '.join(literal(each) for each in tool.effects)},)"] if tool.effects else []
    about = literal(" ".join(tool.about.split()), 4)
    return "\n".join(
        (
            f"@pa.tool({', '.join(said)})" if said else "@pa.tool",
            f"def {name(tool.name)}({parameters}) -> str:",
            # A plain literal is a docstring too, unless it stands in brackets.
            f"    {about}" if not about.startswith("(") else f"    {_quoted(' '.join(tool.about.split())[:WIDTH])}",
            f"    raise pa.errors.ToolError({literal(tool.not_written)})",
        )
    )


def agents_py(plan: SystemPlan) -> str:
    """Who is in it."""
    used = sorted({tool for agent in plan.agents for tool in agent.tools})
    imports = (
        "from pathlib import Path\n\nimport purpose_agent as pa\nfrom purpose_agent.multi_agent import AgentSpec, AgentTeam\n"
    )
    imports += f"from tools import {', '.join(map(name, [*used, 'written']))}\n" if used else ""
    memory = ", ".join(f"{each}={getattr(plan.memory, each)}" for each in ("promoted", "family", "quarantined", "values"))
    keywords = "".join(
        f"    {literal(each)}: [{', '.join(map(literal, words))}],\n" for each, words in plan.routing.keywords.items()
    )
    models = ", ".join(map(literal, plan.routing.models))
    agents = "".join(_agent(agent) for agent in plan.agents)
    return f'''"""The agents, which model they have, how much they may remember, and who is asked for what."""

{imports}
PURPOSE = {literal(plan.description)}
TASK = f"{PART} {{PURPOSE}}"
WORKSPACE = Path(__file__).with_name("workspace")
MEMORY = pa.MemoryBudget({memory})

# The smallest first; local ones are tried before all others. Empty: the best on this machine.
MODELS: list[str] = [{models}]
USD: float | None = {plan.routing.usd!r}

# Words of a task that ask for an agent, and who is asked where there are none.
KEYWORDS = {{
{keywords}}}
FALLBACK = {literal(plan.routing.fallback)}


def chosen(model):
    """The model that was named, else those of MODELS, else None: the best on this machine."""
    return pa.Router(MODELS, budget=USD) if model is None and MODELS else model


def make_agents(model=None, mode="learning", approve=None):
    """The agents, by name. They share one workspace, and what they learn.

    approve: asks a person about calls of tools that send; see docs/people.md of purpose_agent. None: such calls are refused once a
    run has read what others wrote.
    """
    model = chosen(model)
    place = pa.Workspace(WORKSPACE, memory_budget=MEMORY)
    agents = [
{agents}    ]
    return {{agent.name: agent for agent in agents}}


def make_team(model=None, approve=None):
    """The same agents without the flow: each task goes to one of them, by KEYWORDS, a model's choice, or to FALLBACK."""
    agents = sorted(make_agents(model).values(), key=lambda agent: agent.name != FALLBACK)
    specs = [
        AgentSpec(agent.name, agent.role.partition(". ")[2], agent.tools, None, KEYWORDS[agent.name], agent.limits.steps)
        for agent in agents
    ]
    return AgentTeam(specs, chosen(model), persistence_dir=WORKSPACE, approve=approve)
'''


def _agent(agent: AgentPlan) -> str:
    critic = '"self" if mode == "learning" else None' if agent.is_last else "None"
    return f"""        pa.Spark(
            {literal(agent.name)},
            role={literal(agent.role, 12)},
            model=model,
            tools={f"written({', '.join(map(name, agent.tools))})" if agent.tools else "[]"},
            critic={critic},
            limits=pa.Limits(steps={agent.max_steps}),
            workspace=place,
            mode=mode,
            approve=approve,
        ),
"""


def readme_md(plan: SystemPlan, drawing: str) -> str:
    """What it is, for people. A description is shown as an indented block, in which nothing is markup."""
    missing = [tool for tool in plan.tools if not tool.builtin]
    # A block that begins with four blanks, on one line: no fence, link or tag of a description comes to life.
    agents = indent("\n".join(f"{agent.name} [{', '.join(agent.tools)}]: {agent.role}" for agent in plan.agents), "    ")
    to_write = "".join(f"- `{tool.signature}`\n" for tool in missing)
    asks = _ASKS if any(tool.effects for tool in plan.tools) else ""
    todo = f"{_TO_WRITE}{to_write}" if missing else ""
    return f"""# {plan.name}

    {plan.description}

Generated from the template `{plan.template}`; yours to change.

```sh
pip install "purpose-agent>=4.0.0.dev0"  # not on PyPI yet: pip install -e . in a checkout of it
python run.py "what it should look at"   # --model ollama:qwen3:1.7b, or any other
python run.py --resume ID                # goes on with a run that failed, waits, or was stopped
python evals.py                          # each agent and the whole flow, tried
```
{asks}{todo}
## Files

- `agents.py`: the agents, models, memory budget, keywords; the same agents as a team
- `flow.py`: who works when
- `tools.py`: what the agents may do
- `evals.py`: cases, with what must hold of the answers
- `workspace/`: what it ran and learned; made by the first run

## Agents

{agents}

## Flow

```mermaid
{drawing}
```
"""
