"""The status machine of a memory, as a table: which status may follow which, and what warrants it.

    candidate ──▶ quarantined ──▶ promoted ──▶ archived
        │              │  ▲          │            │
        ▼              ▼  └──────────┴────────────┘
     rejected       rejected                              (and quarantined ──▶ archived)

A person's teaching goes from candidate to promoted at once; everything else gets there through a trial that helps.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias, assert_never

from purpose_agent.core.errors import GateError, NotQuarantined, TrialInconclusive
from purpose_agent.core.memory import Evidence, Memory, MemoryStatus, ScanReport, TrialReport
from purpose_agent.core.origin import TEACHERS

Warrant: TypeAlias = Literal["clean scan", "blocking scan", "teaching", "helping trial", "harming trial", "reason"]

TRANSITIONS: Mapping[MemoryStatus, Mapping[MemoryStatus, Warrant]] = {
    "candidate": {"quarantined": "clean scan", "rejected": "blocking scan", "promoted": "teaching"},
    "quarantined": {"promoted": "helping trial", "rejected": "harming trial", "archived": "reason"},
    "promoted": {"archived": "reason", "quarantined": "reason"},
    "archived": {"quarantined": "reason"},
    "rejected": {},
}


def check_transition(memory: Memory, to: MemoryStatus, evidence: Evidence, why: str) -> None:
    """Pass silently if `memory` may become `to` on this evidence.

    Raises:
        NotQuarantined: A trial's report comes with a memory of another status.
        TrialInconclusive: The report doesn't carry the decision, or is about another memory.
        GateError: The table has no such step, or its warrant is missing.
    """
    warrant = TRANSITIONS[memory.status].get(to)
    if warrant is None or (isinstance(evidence, TrialReport) and memory.status != "quarantined"):
        if to in ("promoted", "rejected"):
            raise NotQuarantined(
                f"Memory {memory.id} is {memory.status}; only a quarantined memory can be {to} by a trial."
                + (" Put it in quarantine again first." if memory.status in ("promoted", "archived") else "")
            )
        allowed = ", ".join(TRANSITIONS[memory.status]) or "nothing: that is final"
        raise GateError(f"Memory {memory.id} is {memory.status} and can't become {to}; it can become {allowed}.")
    match warrant:
        case "clean scan":
            if not (isinstance(evidence, ScanReport) and evidence.clean):
                raise GateError(f"Memory {memory.id} can't enter quarantine without a clean scan.")
        case "blocking scan":
            if not isinstance(evidence, ScanReport) or evidence.clean:
                raise GateError(f"Memory {memory.id} can't be rejected by a scan that blocks nothing.")
        case "teaching":
            origin = memory.lesson.provenance.origin
            if origin not in TEACHERS or not isinstance(evidence, ScanReport) or not evidence.clean:
                raise GateError(
                    f"Memory {memory.id} comes from {origin!r}; only what a user or the operator teaches is promoted without a trial, "
                    "and only after a clean scan."
                )
        case "helping trial" | "harming trial":
            _check_report(memory, evidence, helping=warrant == "helping trial")
        case "reason":
            if not why.strip():
                raise GateError(f"Say why memory {memory.id} becomes {to}: the journal keeps the reason.")
        case _:
            assert_never(warrant)


def _check_report(memory: Memory, evidence: Evidence, *, helping: bool) -> None:
    wanted = "promotion" if helping else "rejection"
    if not isinstance(evidence, TrialReport):
        raise TrialInconclusive(f"The {wanted} of memory {memory.id} needs the report of its trial.")
    if evidence.memory_id != memory.id:
        raise TrialInconclusive(f"The report is about memory {evidence.memory_id}, not about {memory.id}.")
    # At α of 1 or without a pair the threshold is met by knowing nothing.
    if not 0 < evidence.alpha < 1 or not evidence.pairs:
        raise TrialInconclusive(
            f"The report on memory {memory.id} shows nothing: {len(evidence.pairs)} pairs at an error rate of {evidence.alpha}."
        )
    if not (evidence.helps if helping else evidence.harms):
        value = evidence.e_help if helping else evidence.e_harm
        raise TrialInconclusive(
            f"The {wanted} of memory {memory.id} needs an e-value of {1 / evidence.alpha:g}; "
            f"its trial reached {value:.3g} with {evidence.wins} wins and {evidence.losses} losses in {len(evidence.pairs)} pairs."
        )
