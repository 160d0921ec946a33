"""Lessons, reports and a clock for the tests of memory."""

from datetime import UTC, datetime, timedelta

from purpose_agent.core.memory import Case, Lesson, Memory, MemoryKind, Pair, Provenance, Scope, TrialReport
from purpose_agent.core.origin import Origin
from purpose_agent.memory.gate import Gate


class TickingClock:
    """One second later at each look."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def monotonic(self) -> float:
        return self.now().timestamp()


def lesson(
    when: str = "writing a recursive function",
    then: str = "test n=0 first",
    *,
    kind: MemoryKind = "skill_card",
    origin: Origin = "self_verified",
    agents: tuple[str, ...] = (),
    families: tuple[str, ...] = (),
    cases: tuple[Case, ...] = (),
) -> Lesson:
    return Lesson(kind, when, then, Provenance(origin, run_id="run_1"), Scope(agents, families), cases)


def report(memory_id: str, *, e_help: float = 0.5, e_harm: float = 0.5, alpha: float = 0.05, pairs: int = 8) -> TrialReport:
    compared = tuple(Pair(f"task {n}", n, True, False, f"run_with_{n}", f"run_without_{n}") for n in range(pairs))
    return TrialReport(memory_id, compared, pairs, 0, pairs, e_help, e_harm, 1.0, (0.4, 1.0), alpha, tokens=100)


def helping(memory_id: str) -> TrialReport:
    return report(memory_id, e_help=40.0)


def harming(memory_id: str) -> TrialReport:
    return report(memory_id, e_harm=40.0)


def proof(gate: Gate, memory: Memory) -> TrialReport:
    """The report of a trial that was begun as it should be, and shows that the memory helps."""
    rate = gate.allowance(memory)
    return report(memory.id, e_help=2 / rate, alpha=rate)


def put_into_use(gate: Gate, drawn: Lesson) -> Memory:
    """What the gate makes of a lesson that proves itself with as much evidence as it takes."""
    memory = gate.admit(drawn)
    rate = gate.allowance(memory)
    return gate.promote(memory, report(memory.id, e_help=2 / rate, alpha=rate))
