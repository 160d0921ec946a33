"""The drawing of a workflow: nodes and edges, and which nodes come next.

In:  nodes, edges, conditions.
Out: whether that can run; the nodes of the first superstep, and those that follow the ones that are done.

Nothing runs here. Conditions are asked once, with the state at a superstep's end; what they said is recorded, and a run that is
resumed goes by the record.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

from purpose_agent.core.errors import UsageError

START: Final = "BEGIN"
END: Final = "DONE"


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another; from several: their target waits until all of them have come."""

    sources: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True)
class Branch:
    """An edge that a condition chooses.

    Attributes:
        choose: Of the state: one of the labels, or a list of them.
        targets: By label.
    """

    source: str
    choose: Callable[[Any], Hashable | Collection[Hashable]]
    targets: Mapping[Hashable, str]

    @property
    def name(self) -> str:
        """What the condition is called in its program."""
        return called(self.choose)

    def said(self, state: object) -> object:
        """What it says of that state.

        Raises:
            UsageError: It raised something, which is the cause.
        """
        try:
            return self.choose(state)
        # A door: a condition is the author's function, and the message has to say which one it was.
        except Exception as error:
            raise UsageError(
                f"The condition {self.name} after node {self.source!r} failed on {seen(state)}: {type(error).__name__}: {error}"
            ) from error


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a condition said after `source` was done."""

    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True)
class Next:
    """What follows a superstep.

    Attributes:
        active: The nodes of the next one, in the order in which they were added.
        chosen: What conditions said.
    """

    active: tuple[str, ...]
    chosen: tuple[Chosen, ...] = ()


@dataclass(slots=True)
class Graph:
    """Nodes by name and what leads where. It changes while it is drawn, and not while it runs."""

    names: list[str] = field(default_factory=list[str])
    edges: list[Edge] = field(default_factory=list[Edge])
    branches: list[Branch] = field(default_factory=list[Branch])
    _from: dict[str, list[Edge]] = field(default_factory=dict[str, list[Edge]])
    _choices: dict[str, list[Branch]] = field(default_factory=dict[str, list[Branch]])
    _is_checked: bool = False

    def add_node(self, name: str) -> None:
        """A place; what is done there is not known here."""
        self.names.append(name)
        self._is_checked = False

    def add_edge(self, sources: tuple[str, ...], target: str) -> None:
        """Lead from `sources`, all of them, to `target`."""
        called = f"add_edge({sources[0]!r}, {target!r})" if len(sources) == 1 else f"add_edge({list(sources)!r}, {target!r})"
        if not sources or len(set(sources)) < len(sources):
            raise UsageError(f"{called}: name at least one node to come from, and none twice.")
        if END in sources or target == START:
            raise UsageError(f"{called}: an edge leads away from BEGIN and to DONE_SIGNAL, not the other way round.")
        if START in sources and len(sources) > 1:
            raise UsageError(f"{called}: BEGIN is there before all else; leave it out of what is waited for.")
        edge = Edge(sources, target)
        if edge in self.edges:
            raise UsageError(f"{called}: that edge is there already.")
        self.edges.append(edge)
        for source in sources:
            self._from.setdefault(source, []).append(edge)
        self._is_checked = False

    def add_branch(self, branch: Branch) -> None:
        """Lead from a node to where its condition says."""
        called = f"add_conditional_edge({branch.source!r}, {branch.name}, ...)"
        if branch.source == END or START in branch.targets.values():
            raise UsageError(f"{called}: an edge leads away from BEGIN and to DONE_SIGNAL, not the other way round.")
        if not branch.targets:
            raise UsageError(f"{called}: give each label that it may say a node to go to.")
        self.branches.append(branch)
        self._choices.setdefault(branch.source, []).append(branch)
        self._is_checked = False

    def check(self) -> None:
        """Pass silently if this can run.

        Raises:
            UsageError: It can't; the message has all that is wrong with it.
        """
        if self._is_checked:
            return
        wrong = [*self._unknown(), *self._unreachable(), *self._endless()] if self.names else ["it has no nodes"]
        if wrong:
            raise UsageError(f"The flow can't run: {'; '.join(wrong)}.")
        self._is_checked = True

    def first(self, state: Callable[[], object]) -> Next:
        """The nodes of the first superstep."""
        return self.after((), state, arrivals={}, began=True)

    def after(
        self, done: Collection[str], state: Callable[[], object], *, arrivals: dict[Edge, set[str]], began: bool = False
    ) -> Next:
        """The nodes that follow those that are done.

        Args:
            state: Gives it as conditions see it.
            arrivals: Who has come already at edges that wait for several; it is brought up to date.
            began: What follows the beginning itself.

        Raises:
            UsageError: A condition failed, or said something that is none of its labels.
        """
        sources = (START,) if began else done
        chosen = [
            Chosen(branch.source, branch.targets[label], str(label))
            for source in sources
            for branch in self._choices.get(source, ())
            for label in _labels(branch, branch.said(state()))
        ]
        return Next(self.following(done, [each.target for each in chosen], arrivals=arrivals, began=began), tuple(chosen))

    def following(
        self, done: Collection[str], chosen: Iterable[str], *, arrivals: dict[Edge, set[str]], began: bool = False
    ) -> tuple[str, ...]:
        """As `after`, where it is known what the conditions said."""
        targets = set(chosen)
        for source in (START,) if began else done:
            for edge in self._from.get(source, ()):
                if len(edge.sources) == 1:
                    targets.add(edge.target)
                    continue
                come = arrivals.setdefault(edge, set())
                come.add(source)
                if len(come) == len(edge.sources):
                    targets.add(edge.target)
                    del arrivals[edge]
        targets.discard(END)
        if len(targets) == 1:
            return tuple(targets)
        return tuple(name for name in self.names if name in targets)

    @property
    def is_line(self) -> bool:
        """At most one node is active at a time, unless a condition says several labels."""
        ways = [edge.sources[0] for edge in self.edges] + [branch.source for branch in self.branches]
        return len(set(ways)) == len(ways) and all(len(edge.sources) == 1 for edge in self.edges)

    def ways(self) -> tuple[tuple[str, str], ...]:
        """Every way from one place to another, whatever conditions say."""
        plain = [(source, edge.target) for edge in self.edges for source in edge.sources]
        return (*plain, *((branch.source, target) for branch in self.branches for target in branch.targets.values()))

    def _unknown(self) -> list[str]:
        known = {*self.names, START, END}
        found = [
            f"an edge leads {'from' if at_start else 'to'} {name!r}, and there is no such node"
            for source, target in self.ways()
            for at_start, name in ((True, source), (False, target))
            if name not in known
        ]
        return list(dict.fromkeys(found))

    def _unreachable(self) -> list[str]:
        ways = self.ways()
        if not any(source == START for source, _ in ways):
            return ["no edge leads away from BEGIN"]
        reached = _reached({START}, ways)
        lost = [f"node {name!r} can't be reached from BEGIN" for name in self.names if name not in reached]
        starts = {source for source, _ in ways}
        ends = [
            f"no edge leads away from node {name!r} (if the flow ends there: add_edge({name!r}, DONE_SIGNAL))"
            for name in self.names
            if name not in starts
        ]
        return [*lost, *ends]

    def _endless(self) -> list[str]:
        ways = self.ways()
        starts = {source for source, _ in ways}
        to_the_end = _reached({END, *(name for name in self.names if name not in starts)}, [(b, a) for a, b in ways])
        return [f"from node {name!r} no way leads to DONE_SIGNAL" for name in self.names if name not in to_the_end]


def called(function: object) -> str:
    """What a function is called in its program."""
    while isinstance(function, partial):
        function = cast("partial[object]", function).func
    return str(getattr(function, "__name__", type(function).__name__))


def seen(state: object) -> str:
    """What a state has, by name; its values are nobody's business in a message."""
    fields = cast("object", state if isinstance(state, Mapping) else getattr(state, "__dict__", ()))
    names = sorted(map(str, cast("Iterable[object]", fields)))
    return f"a state with {', '.join(map(repr, names))}" if names else "an empty state"


def fingerprint(graph: Graph, nodes: Sequence[tuple[str, str]]) -> str:
    """16 hex digits of nodes, with their kinds, and of what leads where.

    Args:
        nodes: By name, the kind.
    """
    from hashlib import sha256

    edges = sorted((sorted(edge.sources), edge.target) for edge in graph.edges)
    branches = sorted(
        (branch.source, sorted((repr(label), target) for label, target in branch.targets.items())) for branch in graph.branches
    )
    return sha256(repr((sorted(nodes), edges, branches)).encode(errors="replace")).hexdigest()[:16]


def _reached(reached: set[str], ways: Sequence[tuple[str, str]]) -> set[str]:
    """All that can be come to from `reached`."""
    targets: dict[str, list[str]] = {}
    for source, target in ways:
        targets.setdefault(source, []).append(target)
    waiting = list(reached)
    while waiting:
        fresh = [target for target in targets.get(waiting.pop(), ()) if target not in reached]
        reached.update(fresh)
        waiting += fresh
    return reached


def _labels(branch: Branch, said: object) -> list[Hashable]:
    """What a condition said, as labels of its own."""
    several: list[object] = list(said) if isinstance(said, list | tuple | set | frozenset) else [said]  # pyright: ignore[reportUnknownArgumentType]
    labels: list[Hashable] = []
    for label in several:
        if not isinstance(label, Hashable) or label not in branch.targets:
            known = ", ".join(map(repr, branch.targets))
            raise UsageError(
                f"The condition {branch.name} after node {branch.source!r} said {label!r}; its labels are {known}."
            )
        labels.append(label)
    if not labels:
        raise UsageError(f"The condition {branch.name} after node {branch.source!r} named no label; say where to go.")
    return labels
