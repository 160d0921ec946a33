"""A workflow as it is drawn: nodes, edges, conditions; not yet how it runs.

In:  agents, functions, flows; what leads where.
Out: a plan that can run, or an error that says why not; pictures.
"""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from inspect import iscoroutinefunction
from typing import Any, Literal, get_args

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.flows.calls import Calls, check_work
from purpose_agent.agents.flows.graph import END, START, Branch
from purpose_agent.agents.flows.nodes import Asks, InDoubt, Node, Work
from purpose_agent.agents.flows.runs import Nested, Plan
from purpose_agent.agents.flows.state import Reducer, Shape
from purpose_agent.agents.known import NOWHERE, know
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_function, check_kind, check_list, check_number, check_text, check_whole
from purpose_agent.core.origin import AUTHORITY, Origin
from purpose_agent.core.task import Limits
from purpose_agent.runtime.pool import check_shared


class Drawn:
    """What `Workflow` is before it runs; see there."""

    def __init__(
        self, name: str, state: type | None, merge: Mapping[str, Reducer], max_steps: int, limits: Limits | None
    ) -> None:
        check_text(f"Flow(name={name!r:.80})", name, "give it a name; its runs are found by it")
        check_whole(f"Flow(max_steps={max_steps!r})", max_steps, least=1)
        check_shared(limits, "Flow")
        self._plan = Plan(name, Shape(state, merge), max_steps, limits)
        know(NOWHERE, "flow", name, self)

    def __repr__(self) -> str:
        return f"Flow({self.name!r}, nodes={self._plan.graph.names!r})"

    @property
    def name(self) -> str:
        """What it is recorded under."""
        return self._plan.name

    @property
    def nodes(self) -> tuple[str, ...]:
        """Their names, in the order in which they were added."""
        return tuple(self._plan.graph.names)

    @property
    def drawing(self) -> str:
        """A fingerprint of its nodes and edges: names and kinds, not code. Its runs are gone on with by a flow that has the same."""
        return self._plan.drawing

    def does_as(self, other: "Drawn") -> bool:
        """Both are drawn alike, and their functions are the same code: it does not matter which of the two does the work."""
        mine, theirs = self._plan.nodes, other._plan.nodes
        return self.drawing == other.drawing and all(_code(mine[name].work) == _code(theirs[name].work) for name in mine)

    @property
    def workspace(self) -> Workspace | None:
        """Where it is recorded; None for one of functions alone that was given none."""
        return self._plan.place

    def add_node(
        self,
        name: str,
        work: "Agent | Drawn | Callable[[Any], object]",
        *,
        retries: int = 0,
        timeout: float | None = None,
        task: Callable[[Any], object] | None = None,
        writes: str | None = None,
        verdict: str | None = None,
        in_doubt: InDoubt = "again",
        origin: Origin | None = None,
    ) -> None:
        """Add a node.

        Args:
            work: An agent; a flow; or a function of the state, plain or async, that gives back a dict of what it changes, or None.
                Plain functions run in threads, unless nothing runs beside them.
            retries: So many more attempts after one that failed; each is in the record.
            timeout: Seconds for one attempt. Agents, flows and async functions are stopped; a plain function is given up on, and
                not tried again.
            task: Of an agent: makes its task, a text or a `Task`, of the state; None: the state's "task" or "goal", with all other
                values as inputs. Of a flow: makes its first state.
            writes: The value that an agent's answer goes to, by default that of the node's own name; or a flow's answer, or whatever
                a function gives back.
            verdict: Of an agent: the value that says whether its task's checks passed: True, False, or None where nobody judged. Name one
                to have an answer whose checks failed handed on, for conditions to decide about; without it, such an attempt has failed.
            in_doubt: What becomes of a function that had begun when the process died. "again": it is called again, so twice has to be as
                good as once. "fail": `resume` asks you. Agents and flows go on where they were.
            origin: Whose words a function brings in, such as "web": agents that read them are held to it.

        Raises:
            UsageError: There is such a node already, or it can't be done like that.
        """
        plan = self._plan
        check_text(f"add_node({name!r:.80})", name, "nodes have names of their own")
        if name in (START, END, plan.name) or name in plan.nodes:
            taken = f"nodes have names of their own, none of them {START!r}, {END!r} or that of the flow"
            raise UsageError(f"add_node({name!r}): {taken}. There are {', '.join(plan.graph.names) or 'none'} yet.")
        check_whole(f"add_node({name!r}, retries={retries!r})", retries, least=0)
        check_number(f"add_node({name!r}, timeout={timeout!r})", timeout, none="no limit")
        check_function(f"add_node({name!r}, task={task!r:.80})", task, "the state", none="the state's own 'task' or 'goal'")
        if writes is not None:
            check_text(f"add_node({name!r}, writes={writes!r:.80})", writes, "give the name of a value of the state, or None")
        if in_doubt not in get_args(InDoubt) or (origin is not None and origin not in AUTHORITY):
            raise UsageError(
                f"add_node({name!r}): in_doubt={in_doubt!r} and origin={origin!r} are not both words that it knows."
            )
        target = writes or name if isinstance(work, Agent) else writes
        if target is not None and not plan.shape.has(target):
            raise UsageError(
                f"add_node({name!r}): it would write {target!r}, which the state lacks. Add that to the state, or say writes=..."
            )
        if verdict is not None and (not isinstance(work, Agent) or verdict == target or not plan.shape.has(verdict)):
            raise UsageError(
                f"add_node({name!r}, verdict={verdict!r}): name a value that the state can hold and that its answer does not go to;"
                " only agents' answers have checks."
            )
        plan.nodes[name] = Node(name, self._work_of(name, work, task, writes, verdict, origin), retries, timeout, in_doubt)
        plan.graph.add_node(name)

    def add_edge(self, source: str | Sequence[str], target: str) -> None:
        """Lead from one node to another; from several: `target` waits for all of them.

        Args:
            source: A node, `BEGIN`, or a list of nodes.
            target: A node, or `DONE_SIGNAL`.

        Raises:
            UsageError: There can be no such edge.
        """
        sources = (source,) if isinstance(source, str) else source
        called = f"add_edge({source!r:.80}, {target!r:.80})"
        check_list(called, sources, str, "name nodes, BEGIN or DONE_SIGNAL; to wait for several, name them in a list")
        check_text(called, target, "name the node to lead to, or DONE_SIGNAL")
        self._plan.graph.add_edge(tuple(sources), target)

    def add_conditional_edge(
        self, source: str, condition: Callable[[Any], Hashable | Collection[Hashable]], targets: Mapping[Hashable, str]
    ) -> None:
        """Lead from a node to where `condition` says.

        Args:
            condition: A plain function of the state after the superstep; it gives one label, or a list of them. It is asked once: what
                it said is in the record.
            targets: By label, a node or `DONE_SIGNAL`.

        Raises:
            UsageError: There can be no such edge.
        """
        called = f"add_conditional_edge({source!r:.80}, ...)"
        check_text(called, source, "name the node to come from, or BEGIN")
        check_function(f"{called} has the condition {condition!r:.80}", condition, "the state, which gives a label")
        if iscoroutinefunction(condition):
            raise UsageError(
                f"{called} has the condition {condition!r:.80}, which is async: let a node find out, and ask its value."
            )
        check_kind(f"{called} has the targets {targets!r:.80}", targets, Mapping, "give a dict, by label a node or DONE_SIGNAL")
        self._plan.graph.add_branch(Branch(source, condition, dict(targets)))

    def check(self) -> None:
        """Pass silently if it can run; every run begins with it.

        Raises:
            UsageError: It can't; the message names every node and edge that is wrong.
        """
        self._plan.graph.check()

    def draw(self, kind: Literal["mermaid", "svg"] = "mermaid") -> str:
        """A picture of it: text for Mermaid, or an SVG document.

        Raises:
            UsageError: `kind` is neither "mermaid" nor "svg".
        """
        from purpose_agent.agents.flows.drawing import mermaid, svg

        if kind not in ("mermaid", "svg"):
            raise UsageError(f"draw({kind!r}): it is drawn as 'mermaid' or as 'svg'.")

        return mermaid(self._plan.graph) if kind == "mermaid" else svg(self._plan.graph)

    def _work_of(
        self,
        name: str,
        work: "Agent | Drawn | Callable[[Any], object]",
        task: Callable[[Any], object] | None,
        writes: str | None,
        verdict: str | None,
        origin: Origin | None,
    ) -> Work:
        if isinstance(work, Agent):
            self._is_at(work.workspace)
            return Asks(work, writes or name, self.name, task, verdict)
        if isinstance(work, Drawn):
            if work is self:
                raise UsageError(f"add_node({name!r}): a flow can't be a node of itself.")
            if work.workspace is not None:
                self._is_at(work.workspace)
            work.check()
            return Nested(work._plan, writes, task)
        check_work(name, work)
        if task is not None:
            raise UsageError(
                f"add_node({name!r}, task=...): a function is given the state itself; task is for agents and flows."
            )
        return Calls.of(work, writes=writes, origin=origin)

    def _is_at(self, place: Workspace) -> None:
        """Everything of a flow is in one workspace, where its record is."""
        known = self._plan.place
        if known is not None and known.path != place.path:
            raise UsageError(
                f"The flow {self.name!r} is at {known.path}, and a part of it at {place.path}. Give all one workspace."
            )
        if known is None:
            self._plan.place = place
            place.know("flow", self.name, self)


def _code(work: Work) -> object:
    """What a function does, so far as it can be compared; None for all else."""
    return getattr(work.function, "__code__", work.function) if isinstance(work, Calls) else None
