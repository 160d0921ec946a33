"""The text of a saved project's files that do something: its flow, its evals, its run.

The rule of `source.py` holds: texts are literals, names are identifiers.
"""

import inspect
from collections.abc import Mapping, Sequence

from purpose_agent.agents.flows.graph import END, START
from purpose_agent.agents.generated.plan import CHECKS, AskNode, BranchPlan, Case, CountNode, SayNode, SystemPlan, label_in
from purpose_agent.agents.generated.source import literal, name
from purpose_agent.core.task import Check

_CHECKS = {"python_tests": "python", "contains": "contains", "matches": "matches", "equals": "equals"}


def flow_py(plan: SystemPlan) -> str:
    """What leads where."""
    functions = [_function(node) for node in plan.graph.nodes if not isinstance(node, AskNode)]
    functions += [_condition(branch) for branch in plan.graph.branches]
    nodes = "".join(f"    {_node(node)}\n" for node in plan.graph.nodes)
    edges = "".join(f"    flow.add_edge({_sources(edge.sources)}, {_end(edge.target)})\n" for edge in plan.graph.edges)
    branches = "".join(_branch(branch) for branch in plan.graph.branches)
    label = f"\n\n{inspect.getsource(label_in)}" if plan.graph.branches else ""
    opening = "import re\n\n" if plan.graph.branches else ""
    return f'''"""The flow: who works when, and what decides where it goes on."""

{opening}import purpose_agent as pa
from agents import TASK


def first_state(given):
    """The state a run begins with."""
    return {{"task": TASK, "input": given}}
{label}{"".join(f"{chr(10)}{chr(10)}{each}" for each in functions)}

def make_flow(agents):
    """The flow, with those agents in it."""
    flow = pa.Flow({literal(plan.name)})
{nodes}{edges}{branches}    return flow
'''


def _node(node: AskNode | SayNode | CountNode) -> str:
    if isinstance(node, AskNode):
        return f"flow.add_node({literal(node.name)}, agents[{literal(node.agent)}], writes={literal(node.writes)})"
    return f"flow.add_node({literal(node.name)}, {name(node.name)})"


def _function(node: SayNode | CountNode) -> str:
    if isinstance(node, SayNode):
        return f'def {name(node.name)}(state):\n    """A fixed answer."""\n    return {{"answer": {literal(node.text)}}}\n'
    key = literal(node.name)
    return f'def {name(node.name)}(state):\n    """One more round."""\n    return {{{key}: state.get({key}, 0) + 1}}\n'


def _condition(branch: BranchPlan) -> str:
    labels = f"[{', '.join(map(literal, branch.targets))}]"
    lines = [f"def after_{name(branch.source)}(state):", f'    """Where it goes on, by what {name(branch.reads)} says."""']
    read = f"label_in(state[{literal(branch.reads)}], {labels}, {literal(branch.otherwise)})"
    if not branch.counter:
        return "\n".join([*lines, f"    return {read}"]) + "\n"
    lines += [
        f"    said = {read}",
        f"    if said == {literal(branch.otherwise)} and state[{literal(branch.counter)}] >= {branch.most}:",
        f"        return {literal(branch.ends)}",
        "    return said",
    ]
    return "\n".join(lines) + "\n"


def _branch(branch: BranchPlan) -> str:
    targets = ", ".join(f"{literal(label)}: {_end(target)}" for label, target in branch.ways.items())
    return f"    flow.add_conditional_edge({literal(branch.source)}, after_{name(branch.source)}, {{{targets}}})\n"


def _sources(sources: Sequence[str]) -> str:
    return _end(sources[0]) if len(sources) == 1 else f"[{', '.join(map(_end, sources))}]"


def _end(node: str) -> str:
    return {START: "pa.BEGIN", END: "pa.DONE_SIGNAL"}.get(node) or literal(node)


def evals_py(plan: SystemPlan) -> str:
    """How it is tried."""
    used = [
        each for each in CHECKS if any(check.spec == each and check.function for case in plan.cases for check in case.checks)
    ]
    functions = "".join(f"\n\n{inspect.getsource(CHECKS[each])}" for each in used)
    cases = "".join(_case(case) for case in plan.cases)
    return f'''"""Eval cases: python evals.py [--model MODEL]. The exit status is 1 unless all of them pass."""

import argparse
import sys

import purpose_agent as pa
from agents import TASK, make_agents
from flow import make_flow
from purpose_agent.mas_generator import Case, evaluate
from tools import MISSING
{functions}

# The examples are made up. Add some of your own: what you want to be sure of.
CASES = [
{cases}]


def main():
    parser = argparse.ArgumentParser(description="Try each agent, and the whole flow.")
    parser.add_argument("--model", help="such as ollama:qwen3:1.7b; the best on this machine if none is named")
    model = parser.parse_args().model
    if MISSING:
        print("Not written yet, see tools.py:", ", ".join(MISSING.values()), file=sys.stderr)
    agents = make_agents(model, mode="evaluation")
    report = evaluate(CASES, agents, make_flow(agents), TASK, watch=lambda result: print(result, flush=True))
    print(report.counts)
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
'''


def _case(case: Case) -> str:
    checks = "".join(f"            {_check(check)},\n" for check in case.checks)
    lines = [f"        {literal(case.name)},", f"        {literal(case.given, 8)},", f"        (\n{checks}        ),"]
    lines += [f"        agent={literal(case.agent)},"] if case.agent else []
    lines += [f"        state={_texts(case.state)},"] if case.state else []
    return "    Case(\n" + "\n".join(lines) + "\n    ),\n"


def _texts(state: Mapping[str, str]) -> str:
    rows = "".join(f"            {literal(key)}: {literal(value, 12)},\n" for key, value in state.items())
    return f"{{\n{rows}        }}"


def _check(check: Check) -> str:
    if check.kind == "callable":
        return f"pa.Check.call({name(check.spec)})"
    return f"pa.Check.{_CHECKS[check.kind]}({literal(check.spec, 12)})"


RUN_PY = '''"""Run the system once: python run.py "what it should look at" [--model MODEL] [--ask]; or go on: --resume ID."""

import argparse
import sys

import purpose_agent as pa
from agents import make_agents
from flow import first_state, make_flow
from purpose_agent.agents.terminal import terminal
from tools import MISSING


def main():
    parser = argparse.ArgumentParser(description="Run the system once, or go on with a run.")
    parser.add_argument("input", nargs="?", help="what it should look at")
    parser.add_argument("--resume", metavar="ID", help="go on with that run instead: one that failed, waits, or was stopped")
    parser.add_argument("--model", help="such as ollama:qwen3:1.7b; the best on this machine if none is named")
    parser.add_argument("--ask", action="store_true", help="ask here before a tool sends; else such a call may be refused")
    given = parser.parse_args()
    if (given.input is None) == (given.resume is None):
        parser.error("say what it should look at, or --resume ID")
    if MISSING:
        print("Not written yet, see tools.py:", ", ".join(MISSING.values()), file=sys.stderr)
    try:
        flow = make_flow(make_agents(given.model, approve=terminal() if given.ask else None))
        result = flow.resume(given.resume) if given.resume else flow.run(first_state(given.input))
    except pa.errors.PurposeAgentError as error:
        print(error, file=sys.stderr)
        return 2
    print(result)
    print(result.summary(), file=sys.stderr)
    return 0 if result.status == "finished" else 1


if __name__ == "__main__":
    sys.exit(main())

FLOW = make_flow(make_agents())  # for: purpose-agent runs resume ID -w workspace --app run.py
'''
