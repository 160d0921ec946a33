"""The status machine of a memory, as a table: which status may follow which, and what warrants it.

    candidate ──▶ quarantined ──▶ promoted ──▶ archived
        │              │  ▲          │            │
        ▼              ▼  └──────────┴────────────┘
     rejected       rejected                              (and quarantined ──▶ archived)

A person's teaching goes from candidate to promoted at once; everything else gets there through a trial that helps.

Two things lead backwards. A person may bring back what the journal shows (restoration): into use only what a trial or a
teaching had put there, and what was rejected no further than quarantine. And a memory that somebody edited past the
gate (alteration) begins anew, as a candidate.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias, assert_never

from purpose_agent.core.errors import GateError, NotQuarantined, TrialInconclusive
from purpose_agent.core.memory import (
    Alteration,
    Evidence,
    ExposureReport,
    JournalEntry,
    Memory,
    MemoryStatus,
    Restoration,
    ScanReport,
    TrialReport,
)
from purpose_agent.core.origin import TEACHERS

Warrant: TypeAlias = Literal[
    "clean scan", "blocking scan", "teaching", "helping trial", "harming trial", "reason", "restoration", "alteration"
]

_ANEW: Mapping[MemoryStatus, tuple[Warrant, ...]] = {"candidate": ("alteration", "restoration")}

TRANSITIONS: Mapping[MemoryStatus, Mapping[MemoryStatus, tuple[Warrant, ...]]] = {
    "candidate": {
        "quarantined": ("clean scan",),
        "rejected": ("blocking scan",),
        "promoted": ("teaching",),
        "archived": ("reason",),
    },
    "quarantined": {
        "promoted": ("helping trial", "restoration"),
        "rejected": ("harming trial", "restoration"),
        "archived": ("reason",),
        **_ANEW,
    },
    "promoted": {"archived": ("reason",), "quarantined": ("reason",), **_ANEW},
    "archived": {"quarantined": ("reason",), "promoted": ("restoration",), **_ANEW},
    "rejected": {"quarantined": ("restoration",), **_ANEW},
}
"""Any one of the warrants is enough."""


def check_transition(memory: Memory, to: MemoryStatus, evidence: Evidence, why: str) -> None:
    """Pass silently if `memory` may become `to` on this evidence.

    Whether the journal really has the line that a restoration names, and whether the memory was really altered, is for
    the store to see: see `check_shown`.

    Raises:
        NotQuarantined: A trial's report comes with a memory of another status, or it is promoted or rejected from there
            without a restoration.
        TrialInconclusive: The report doesn't carry the decision, or is about another memory.
        GateError: The table has no such step, or its warrant is missing.
    """
    warrant = _warrant(memory.status, to, evidence)
    is_report = isinstance(evidence, TrialReport | ExposureReport)
    if warrant is None or (is_report and to in ("promoted", "rejected") and memory.status != "quarantined"):
        if to in ("promoted", "rejected"):
            raise NotQuarantined(
                f"Memory {memory.id} is {memory.status}; only a quarantined memory can be {to} by a trial."
                + (" Put it in quarantine again first." if memory.status in ("promoted", "archived") else "")
            )
        allowed = ", ".join(TRANSITIONS[memory.status])
        raise GateError(f"Memory {memory.id} is {memory.status} and can't become {to} like that; it can become {allowed}.")
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
        case "restoration":
            _check_restoration(memory, to, evidence)
        case "alteration":
            if not isinstance(evidence, Alteration) or evidence.memory_id != memory.id:
                raise GateError(f"Memory {memory.id} can't begin anew without an alteration or a restoration of its own.")
        case "reason":
            if not why.strip():
                raise GateError(f"Say why memory {memory.id} becomes {to}: the journal keeps the reason.")
        case _:
            assert_never(warrant)


def check_shown(shown: JournalEntry | None, evidence: Restoration) -> None:
    """Pass silently if the line that a restoration names says what the restoration says.

    Args:
        shown: The line of that number, or None if there is none.

    Raises:
        GateError: It doesn't; or the memory became promoted by it without a trial or a teaching.
    """
    named = f"Line {evidence.line} of the journal"
    if shown is None or (shown.memory_id, shown.at, shown.to_status) != (evidence.memory_id, evidence.at, evidence.status):
        raise GateError(f"{named} does not show memory {evidence.memory_id} as {evidence.status}; nothing was restored.")
    if evidence.status == "promoted" and not _proved(shown):
        raise GateError(
            f"{named} shows memory {evidence.memory_id} promoted by neither a trial nor a teaching; put it in quarantine instead."
        )


def _proved(shown: JournalEntry) -> bool:
    """The line itself has what promoted the memory."""
    tried = (
        isinstance(shown.evidence, TrialReport | ExposureReport) and shown.evidence.helps and shown.from_status == "quarantined"
    )
    taught = isinstance(shown.evidence, ScanReport) and shown.evidence.clean and shown.from_status == "candidate"
    return tried or taught


def _warrant(status: MemoryStatus, to: MemoryStatus, evidence: Evidence) -> Warrant | None:
    """What must be shown: the warrant that the evidence speaks for, or else the first one."""
    possible = TRANSITIONS[status].get(to, ())
    if isinstance(evidence, Restoration) and "restoration" in possible:
        return "restoration"
    return possible[0] if possible and possible[0] != "restoration" else None


def _check_restoration(memory: Memory, to: MemoryStatus, evidence: Evidence) -> None:
    if not isinstance(evidence, Restoration) or evidence.memory_id != memory.id:
        raise GateError(f"Memory {memory.id} can't become {to} without a line of its own journal that shows it so.")
    if to == "candidate":
        return  # its lesson is brought back, which is scanned like a new one
    # What was rejected since goes no further than quarantine, whatever it was before.
    enough = ("promoted", "quarantined") if to == "quarantined" else (to,)
    if evidence.status not in enough:
        raise GateError(f"The journal shows memory {memory.id} as {evidence.status} then, which does not make it {to}.")


def _check_report(memory: Memory, evidence: Evidence, *, helping: bool) -> None:
    wanted = "promotion" if helping else "rejection"
    if not isinstance(evidence, TrialReport | ExposureReport):
        raise TrialInconclusive(f"The {wanted} of memory {memory.id} needs the report of its trial.")
    if evidence.memory_id != memory.id:
        raise TrialInconclusive(f"The report is about memory {evidence.memory_id}, not about {memory.id}.")
    alpha = evidence.alpha if helping else evidence.alpha_harm
    # At α of 1 or without a comparison the threshold is met by knowing nothing.
    if not 0 < alpha < 1 or not _compared(evidence):
        raise TrialInconclusive(
            f"The report on memory {memory.id} shows nothing: {_seen(evidence)} at an error rate of {alpha}."
        )
    if not (evidence.helps if helping else evidence.harms):
        value = evidence.e_help if helping else evidence.e_harm
        raise TrialInconclusive(
            f"The {wanted} of memory {memory.id} needs an e-value of {1 / alpha:g}; its trial reached {value:.3g} with {_seen(evidence)}."
        )


def _compared(report: TrialReport | ExposureReport) -> bool:
    return bool(report.pairs) if isinstance(report, TrialReport) else bool(report.shown and report.withheld)


def _seen(report: TrialReport | ExposureReport) -> str:
    if isinstance(report, TrialReport):
        return f"{report.wins} wins and {report.losses} losses in {len(report.pairs)} pairs"
    return f"{report.shown} runs with it and {report.withheld} without it"
