"""What a team of specialists has learned, and from whose runs: rows, and a report for people.

In:  the memories of a workspace with their journals, the names of the agents.
Out: for each heuristic its tier, its value and the agent and run it came from.

Credit is read from the memory's own provenance, which the runtime binds when the lesson is written and nothing changes later; so it
is right after merges, too: the memory that stays has its own, and what was merged into it is named beside it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from purpose_agent.agents.team_record import AgentRecord, Delegated
from purpose_agent.core.memory import CALIBRATION, POLICY, JournalEntry, Memory, MemoryStatus
from purpose_agent.core.origin import TEACHERS, Origin

_MERGED = re.compile(r"^(\S+) says the same and was merged into it")
_SHOWN: tuple[MemoryStatus, ...] = ("promoted", "quarantined")


@dataclass(frozen=True, slots=True)
class Heuristic:
    """Something learned that is in use, or on trial.

    Attributes:
        tier: "strategic", "procedural", "tool".
        value: Posterior mean that a run with it succeeds, 0 to 1.
        agent: From whose run it came; "" for what a person taught or an import brought.
        run_id: That run, or "".
        also: Runs that taught the same, by agent and id.
    """

    memory_id: str
    text: str
    tier: str
    kind: str
    status: MemoryStatus
    value: float
    used: int
    helped: int
    agent: str
    run_id: str
    origin: Origin
    also: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        if self.origin in TEACHERS:
            source = "taught by a person"
        else:
            source = f"from {self.agent or self.origin}{f', run {self.run_id}' if self.run_id else ''}"
        also = f"; also {', '.join(f'{agent}, run {run}' for agent, run in self.also)}" if self.also else ""
        state = "" if self.status == "promoted" else " (on trial, in no prompt yet)"
        return f"[{self.tier}] value {self.value:.2f} ({self.helped} of {self.used}), {source}{also}{state}: {self.text}"


@dataclass(frozen=True, slots=True)
class TeamStats:
    """A team at a glance.

    Attributes:
        agents: Their names.
        shared_replay_size: Runs whose decisions among options are in the replay that the agents share.
        shared_heuristics: Memories in use that the team's agents recall.
        delegations: The last ten tasks, who got each, and why; the newest first.
        per_agent: What each one did.
    """

    agents: tuple[str, ...]
    shared_replay_size: int
    shared_heuristics: int
    delegations: tuple[Delegated, ...]
    per_agent: Mapping[str, AgentRecord]


@dataclass(frozen=True, slots=True)
class LearningReport:
    """What a team learned; `str(report)` is for people.

    Attributes:
        heuristics: In use first, of those the most valuable first; then what is on trial.
        put_away: How many memories of the team's agents are archived or rejected, by status.
    """

    agents: tuple[str, ...]
    heuristics: tuple[Heuristic, ...]
    put_away: Mapping[str, int]

    def of(self, agent: str) -> tuple[Heuristic, ...]:
        """Those that came from that agent's runs."""
        return tuple(each for each in self.heuristics if each.agent == agent)

    def __str__(self) -> str:
        in_use = [each for each in self.heuristics if each.status == "promoted"]
        lines = [
            f"Learned by {', '.join(self.agents)}: {len(in_use)} in use, {len(self.heuristics) - len(in_use)} on trial, "
            f"{self.put_away.get('archived', 0)} archived, {self.put_away.get('rejected', 0)} rejected"
        ]
        lines += [f"{agent}: {sum(each.agent == agent for each in in_use)} in use" for agent in self.agents]
        return "\n".join([*lines, *map(str, self.heuristics)])


def report_on(
    memories: Iterable[Memory],
    agents: Sequence[str],
    journal: Callable[[str], Sequence[JournalEntry]],
    agent_of: Callable[[str], str | None],
) -> LearningReport:
    """The report of `agents`.

    Args:
        memories: All there are.
        agent_of: Whose run that is; None if it is not in the record.
    """
    known = {memory.id: memory for memory in memories}
    ours = [memory for memory in known.values() if concerns(memory, agents)]
    living = [memory for memory in ours if memory.status in _SHOWN]
    heuristics = [_heuristic(memory, journal(memory.id), known, agent_of) for memory in living]
    heuristics.sort(key=lambda each: (_SHOWN.index(each.status), -each.value, each.memory_id))
    away = {status: sum(memory.status == status for memory in ours) for status in ("archived", "rejected")}
    return LearningReport(tuple(agents), tuple(heuristics), away)


def concerns(memory: Memory, agents: Collection[str], team: str = "") -> bool:
    """Whether it is for one of `agents`, or for everybody; what is for teams other than `team`, if one is named, is not."""
    scope = memory.lesson.scope
    if team and scope.teams and team not in scope.teams:
        return False
    return not scope.agents or any(name in agents for name in scope.agents)


def count_shared(memories: Iterable[Memory], agents: Collection[str]) -> int:
    """How many of the promoted ones are recalled by the team; what critics and values learned stays with one agent."""
    return sum(concerns(memory, agents) and memory.lesson.kind not in (CALIBRATION, POLICY) for memory in memories)


def _heuristic(
    memory: Memory, journal: Sequence[JournalEntry], known: Mapping[str, Memory], agent_of: Callable[[str], str | None]
) -> Heuristic:
    lesson, source = memory.lesson, memory.lesson.provenance
    return Heuristic(
        memory.id,
        lesson.text,
        lesson.tier,
        lesson.kind,
        memory.status,
        memory.utility,
        memory.used,
        memory.helped,
        source.agent,
        source.run_id,
        source.origin,
        tuple(_others(memory, journal, known, agent_of)),
    )


def _others(
    memory: Memory, journal: Sequence[JournalEntry], known: Mapping[str, Memory], agent_of: Callable[[str], str | None]
) -> Iterable[tuple[str, str]]:
    """Runs beside its own that taught the same: later ones, those of what was merged into it, and what it was made of."""
    seen = {memory.lesson.provenance.run_id, ""}
    runs = [entry.run_id for entry in journal if entry.why == "the run teaches the same"]
    merged = [found[1] for entry in journal if (found := _MERGED.match(entry.why)) is not None]
    parts = [known[id] for id in (*merged, *memory.lesson.provenance.parents) if id in known]
    for run in (*runs, *(part.lesson.provenance.run_id for part in parts)):
        agent = agent_of(run) if run and run not in seen else None
        seen.add(run)
        if agent is not None:
            yield agent, run
