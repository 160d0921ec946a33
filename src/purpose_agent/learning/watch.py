"""Promoted memories stay on trial: which of them no longer hold, or do harm.

In:  the runs that had them, and those that a coin left without them.
Out: memories sent back to quarantine through the gate, with the figures; the next trial decides about them anew.

Two questions are asked of each. Has the share of its runs that succeed fallen below what it was when it was promoted, or
since (`evals/falls.py`)? And do runs without it go better than those with it (`evals/randomised.py`)? The first finds a
world that has changed within a few runs, whoever is to blame; the second is slow and sure. Only runs since its last
promotion count. What a person taught is never sent back: it is named where its runs mostly fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from purpose_agent.core.errors import GateError
from purpose_agent.core.exposure import Exposure
from purpose_agent.core.memory import Evidence, ExposureReport, Memory, TrialReport
from purpose_agent.core.origin import TEACHERS
from purpose_agent.evals.falls import THRESHOLD, find_fall
from purpose_agent.evals.randomised import ALPHA, e_values, report_on
from purpose_agent.learning.trial_tasks import Memories
from purpose_agent.memory.exposures import Exposures
from purpose_agent.memory.gate import Gate

WATCH = "watch"
"""Its name in the journal."""
WATCH_USES = 8
WATCH_UTILITY = 0.25
"""Of what people taught: below it, after so many judged uses, they are told."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the watch found.

    Attributes:
        returned: Memories that went back to quarantine.
        doubtful: Memories that people taught and whose runs mostly fail; they stay in use.
    """

    returned: tuple[Memory, ...] = ()
    doubtful: tuple[Memory, ...] = ()


def watch(memories: Memories, exposures: Exposures, gate: Gate) -> Watched:
    """Look at the promoted memories whose runs do not all succeed."""
    returned: list[Memory] = []
    doubtful: list[Memory] = []
    for memory in memories.list("promoted"):
        if memory.lesson.provenance.origin in TEACHERS:
            if memory.used >= WATCH_USES and memory.utility < WATCH_UTILITY:
                doubtful.append(memory)
        elif memory.helped < memory.used:
            seen = exposures.of(memory.id, memory.version)
            try:
                sent_back = _fallen(memory, seen, memories, gate) or _harmful(memory, seen, gate)
            except GateError:
                continue  # somebody else changed it meanwhile: the next look is at what it is then
            returned += [sent_back] if sent_back is not None else []
    return Watched(tuple(returned), tuple(doubtful))


def _fallen(memory: Memory, seen: Sequence[Exposure], memories: Memories, gate: Gate) -> Memory | None:
    """Send it back if its runs succeed less than they did."""
    shown = [each for each in seen if each.shown]
    successes, n = record_of(memory, memories)
    fall = find_fall(successes, n, [bool(each.success) for each in shown])
    if fall is None:
        return None
    before = f", and {fall.successes_before} of {fall.before} before" if fall.before else ""
    why = (
        f"on watch: its runs succeed less than they did: {fall.successes_since} of the last {fall.since}{before}"
        f" (e-detector {fall.e_value:.4g}, threshold {THRESHOLD:g})"
    )
    return gate.quarantine(memory, why, actor=WATCH, run_id=shown[fall.before - n].run_id)


def _harmful(memory: Memory, seen: Sequence[Exposure], gate: Gate) -> Memory | None:
    """Send it back if runs go better without it."""
    if e_values(seen)[1] < 1 / ALPHA:
        return None
    report = report_on(memory.id, seen, alpha=ALPHA)
    why = (
        f"on watch: it harms: {report.successes} of {report.shown} runs with it succeeded, and {report.successes_without} of"
        f" {report.withheld} from which a coin withheld it (e-value {report.e_harm:.3g})"
    )
    return gate.quarantine(memory, why, actor=WATCH, evidence=report)


def record_of(memory: Memory, memories: Memories) -> tuple[int, int]:
    """The runs with it in the trial that promoted it last: how many succeeded, of how many.

    Of a revision that took the place of what was proved: its own, not those of the proof.
    """
    evidence: Evidence = None
    noted: TrialReport | None = None
    for entry in memories.journal(memory.id):
        if entry.to_status == "promoted" != entry.from_status:
            evidence = entry.evidence
            if isinstance(evidence, TrialReport) and noted is not None and evidence.pairs[: len(noted.pairs)] != noted.pairs:
                evidence = noted
        elif entry.to_status == entry.from_status and isinstance(entry.evidence, TrialReport):
            noted = entry.evidence
    match evidence:
        case TrialReport(pairs=pairs):
            judged = [pair.with_memory for pair in pairs if pair.with_memory is not None]
            return sum(judged), len(judged)
        case ExposureReport(successes=successes, shown=shown):
            return successes, shown
        case _:
            return 0, 0
