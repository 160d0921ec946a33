"""What a generated system is, as plain data: agents, a graph, tools, eval cases, budgets, who is asked for what.

In:  a template, and what was read from a description (`generator.py`).
Out: a `SystemPlan`, from which flows, teams and files are made. Every name in it is an identifier, every text is one line.

Nothing here runs.
"""

import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from purpose_agent.agents.flows.graph import END, START
from purpose_agent.core.origin import Origin
from purpose_agent.core.task import Check
from purpose_agent.core.tool import Effect, Tool
from purpose_agent.memory.budget import MemoryBudget

MOST_NAME = 32
MOST_DESCRIPTION = 2_000
PART = "Do your part, and nothing else, on the input below. It is one part of this:"
INPUT = "input"
"""In the state: what the system is to look at."""
_TAKEN = frozenset(
    {START.lower(), END.lower(), INPUT, "task", "goal", "answer", "flow", "team", "pa", "tools", "agents", "evals", "run"}
)


@dataclass(frozen=True, slots=True)
class ToolPlan:
    """A tool.

    Attributes:
        parameters: By name, a Python type: "str", "int", "float" or "bool".
        builtin: Which of the package's own it is: "calculator", "python", "read_file", "write_file" or "list_files"; "" for none.
        given: The caller's own.
    """

    name: str
    about: str
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    builtin: str = ""
    origin: Origin = "tool"
    effects: tuple[Effect, ...] = ()
    given: Tool | None = field(default=None, compare=False)

    @property
    def is_missing(self) -> bool:
        """It has to be written first."""
        return not self.builtin and self.given is None

    @property
    def signature(self) -> str:
        """Such as "fetch_page(url: str) -> str"."""
        return f"{self.name}({', '.join(f'{name}: {kind}' for name, kind in self.parameters.items())}) -> str"

    @property
    def not_written(self) -> str:
        """What its stub raises."""
        return f"not implemented: {self.signature}; write it in tools.py"


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """An agent.

    Attributes:
        slot: Its place in the template, whatever it is called.
        role: The instructions.
        keywords: Words of a task that ask for it.
        tools: Names.
        max_steps: Of one run.
        is_last: It gives the system's answer, which Φ is asked about.
    """

    slot: str
    name: str
    role: str
    keywords: tuple[str, ...]
    tools: tuple[str, ...] = ()
    max_steps: int = 6
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class AskNode:
    """An agent works; its answer is the value `writes`."""

    name: str
    agent: str
    writes: str


@dataclass(frozen=True, slots=True)
class SayNode:
    """A fixed answer."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class CountNode:
    """One more round, in the value of its own name."""

    name: str


NodePlan: TypeAlias = AskNode | SayNode | CountNode


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """From one node, or from several that are waited for, to another."""

    sources: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True)
class BranchPlan:
    """Where a label leads that an agent wrote.

    Attributes:
        reads: The value in which the label is looked for.
        targets: By label.
        otherwise: The label that holds where none is found: that of the careful way.
        counter: The node that counts rounds; "" for none.
        most: After so many rounds `otherwise` leads to `ends` instead of another round.
    """

    source: str
    reads: str
    targets: Mapping[str, str]
    otherwise: str
    counter: str = ""
    most: int = 0
    ends: str = ""

    @property
    def ways(self) -> Mapping[str, str]:
        """All of them, by what the condition says: a label, or the name of the node after the last round."""
        return {**self.targets, self.ends: self.ends} if self.counter else self.targets


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in the order in which they are added, and what leads where."""

    nodes: tuple[NodePlan, ...]
    edges: tuple[EdgePlan, ...]
    branches: tuple[BranchPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """Something a system should be able to do.

    Attributes:
        agent: Who does it; "" is the whole flow.
        given: The input.
        state: What earlier nodes would have written, for an agent's case.
        checks: What must hold of the answer.
    """

    name: str
    given: str
    checks: tuple[Check, ...]
    agent: str = ""
    state: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """Who is asked, and which model.

    Attributes:
        keywords: By agent: the words of a task that ask for it.
        fallback: The agent that is asked where no word does.
        models: Specs, the smallest first; local ones are tried before all others. (): the best on this machine.
        usd: That a run may be expected to cost, or None.
    """

    keywords: Mapping[str, tuple[str, ...]]
    fallback: str
    models: tuple[str, ...] = ()
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class SystemPlan:
    """A whole system.

    Attributes:
        template: The shape it was made from.
        notes: What was chosen, and what could not be read; for people.
    """

    name: str
    description: str
    template: str
    agents: tuple[AgentPlan, ...]
    graph: Graph
    tools: tuple[ToolPlan, ...]
    cases: tuple[Case, ...]
    memory: MemoryBudget
    routing: RoutingPolicy
    notes: tuple[str, ...] = ()

    @property
    def goal(self) -> str:
        """What every agent is told to do. A small model that is told the description alone plans the whole of it."""
        return f"{PART} {self.description}"


def one_line(text: str, most: int) -> str:
    """Its words on one line, without characters that can't be seen, in at most so many characters."""
    seen = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(seen.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def identifier(text: str, otherwise: str) -> str:
    """A name that Python, a model and a file can have; `otherwise` where nothing of `text` is left."""
    words = re.findall(r"[a-z][a-z0-9]*", text.casefold())
    name = "_".join(words)[:MOST_NAME].strip("_")
    return (
        name if name and not keyword.iskeyword(name) and not keyword.issoftkeyword(name) and name not in _TAKEN else otherwise
    )


def is_short(answer: str) -> bool:
    """At most 150 words."""
    return 0 < len(answer.split()) <= 150


def is_sentence(answer: str) -> bool:
    """It says something: four words or more."""
    return len(answer.split()) >= 4


def has_no_label(answer: str) -> bool:
    """It is a text for readers: no verdict of an agent stands at its beginning."""
    return bool(answer.strip()) and not answer.lstrip(" *#`").startswith(("APPROVED", "REVISE", "ALERT", "QUIET"))


CHECKS: Mapping[str, Callable[[str], object]] = {"is_short": is_short, "is_sentence": is_sentence, "has_no_label": has_no_label}
"""Functions that cases use; a saved project has them in its evals.py."""


def label_in(text: object, labels: list[str], otherwise: str) -> str:
    """The label that a text begins with, or that is its last line; `otherwise` where there is none, or another one is in it too.

    A label within a sentence is denied, or quoted from a page, as often as it is meant.
    """
    text, label = str(text), "|".join(labels)
    if len(set(re.findall(rf"\b(?:{label})\b", text))) != 1:
        return otherwise
    first = re.match(rf"[\s*_#]*({label})[*_]*(?:\s*(?:[.:;!\n–—-]|\Z)|\s+(?!I\b)[A-Z])", text)
    last = re.search(rf"[^:\s]\s*\n[\s*_#]*({label})[*_]*[.!]?\s*\Z", text)
    found = first or last
    return found[1] if found else otherwise
