"""What a lesson may be, by where it came from.

In:  a lesson at the gate.
Out: in what it goes beyond its origin.

Looked at are kind and reach alone, never words: this holds whatever a scanner sees or fails to see.
"""

from collections.abc import Iterator

from purpose_agent.core.memory import Finding, Lesson, MemoryKind
from purpose_agent.core.origin import OWN

POWERFUL: frozenset[MemoryKind] = frozenset({"purpose_contract", "critic_calibration", "tool_policy"})
"""What changes the purpose, how work is judged, or how tools and options are chosen."""


def beyond_its_origin(lesson: Lesson) -> Iterator[Finding]:
    """Reasons to refuse the lesson; none for people's words and for what agents saw of their own work.

    From all others no powerful kind is taken, nothing that is for anybody but the one agent it came to, and nothing in words
    that applies whatever the task. A rule of lines and demonstrations carry their situations in themselves. An import may
    name no agent: then nobody tries it, and it waits in quarantine.
    """
    provenance, scope = lesson.provenance, lesson.scope
    if provenance.origin in OWN:
        return
    source = f"{provenance.origin}{f' ({provenance.source[:40]})' if provenance.source else ''}"
    if lesson.kind in POWERFUL:
        yield Finding("scope_overreach", "powerful_origin", "block", f"{lesson.kind} from {source}")
    if provenance.parents:
        yield Finding("scope_overreach", "general_origin", "block", f"a general memory from {source}")
    elif _is_wider(lesson):
        reach = ", ".join(scope.agents) or "all agents"
        yield Finding("scope_overreach", "wider_than_its_run", "block", f"for {reach[:20]}, from {source}")
    if not (lesson.when.strip() or lesson.lines or lesson.cases or scope.families):
        yield Finding("scope_overreach", "always_on", "block", f"no situation, from {source}")


def _is_wider(lesson: Lesson) -> bool:
    agent, agents = lesson.provenance.agent, lesson.scope.agents
    return agents != (agent,) if agent else not agents and lesson.provenance.origin != "import"
