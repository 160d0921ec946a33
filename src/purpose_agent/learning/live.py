"""Trials in live traffic, on request: a coin decides in each run whether it has the memory.

In:  quarantined memories, a task; later the runs, with and without.
Out: which memories a run may be given on trial; the gate's decisions on what such runs showed.

For memories whose tasks can't be run again, and where trials shall cost no runs of their own. At most `MOST_AT_ONCE` are on
trial in one run, each with a coin of its own (a factorial design), so none of them is credited with what another did. A
memory is tried in one way alone, pairs or live traffic, in each stay in quarantine: its share of error is spent once. That
share is fixed before the first coin falls. What is somebody else's word (`core.origin.OWN`) is tried only on the one agent that
it names; and only runs that are judged have anything on trial (`engine/recalling.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from purpose_agent.core.errors import GateError
from purpose_agent.core.memory import CALIBRATION, ExposureReport, Memory, Recalled, TrialReport
from purpose_agent.core.origin import OWN
from purpose_agent.core.task import Task
from purpose_agent.evals.randomised import report_on
from purpose_agent.learning.learner import Trialled
from purpose_agent.learning.trial_tasks import Memories
from purpose_agent.memory.exposures import Exposures
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.index import Audience
from purpose_agent.memory.recall import would_recall
from purpose_agent.memory.trials import present_stay

MOST_AT_ONCE = 3
MOST_RUNS = 400
"""Judged runs, with and without; what is undecided then stays in quarantine."""
NOTED_AGAIN = 1.5
"""An undecided report is kept in the journal when it has so many times the runs of the last one."""


@dataclass(frozen=True, slots=True)
class LiveTrials:
    """Trials by the runs that people ask for.

    Attributes:
        promote: Puts a memory into use on the strength of a report, with all that follows from it.
    """

    memories: Memories
    exposures: Exposures
    gate: Gate
    promote: Callable[[Memory, ExposureReport], Memory]

    def candidates(self, task: Task, audience: Audience) -> list[Recalled]:
        """What a run of `task` by `audience` may be given on trial: those that have waited longest."""
        found: list[Recalled] = []
        for memory in self.memories.list("quarantined"):
            if (
                memory.lesson.kind == CALIBRATION
                or not _may_be_shown(memory, audience)
                or not would_recall(memory, task, audience.agent)
            ):
                continue
            runs = self.exposures.count(memory.id, memory.version)
            paired, _ = self._noted(memory)
            if paired or runs >= MOST_RUNS:
                continue
            if not runs and not self._has_begun(memory):
                continue
            found.append(Recalled(memory, 1.0, memory.utility * memory.trust))
            if len(found) == MOST_AT_ONCE:
                break
        return found

    def is_live(self, memory: Memory) -> bool:
        """Whether a coin was thrown for it in its present stay in quarantine."""
        return self.exposures.count(memory.id, memory.version) > 0

    def decide(self) -> list[Trialled]:
        """Look at each memory on live trial; the gate promotes or rejects, or it goes on."""
        return [self._decided(memory) for memory in self.memories.list("quarantined") if self.is_live(memory)]

    def _has_begun(self, memory: Memory) -> bool:
        """Whether its account is open now; not if somebody else decided on it since it was read: the run does without it."""
        try:
            self.gate.allowance(memory)
        except GateError:
            return False
        return True

    def _decided(self, memory: Memory) -> Trialled:
        try:
            return self._looked_at(memory)
        except GateError as error:
            # Such as the promotion of another one, a moment ago, whose place it would have taken.
            return Trialled(self.memories.get(memory.id), None, f"decided meanwhile: {error}")

    def _looked_at(self, memory: Memory) -> Trialled:
        """What the gate says now.

        Raises:
            GateError: It is not as it was when it was read.
        """
        report = report_on(memory.id, self.exposures.of(memory.id, memory.version), alpha=self.gate.allowance(memory))
        runs = report.shown + report.withheld
        told = f"{_of(report.successes, report.shown)} with it, {_of(report.successes_without, report.withheld)} without"
        if report.helps:
            return Trialled(self.promote(memory, report), None, f"promoted: it helps in live traffic ({told})")
        if report.harms:
            return Trialled(self.gate.reject(memory, report), None, f"rejected: it harms in live traffic ({told})")
        keep = self.gate.note if runs >= NOTED_AGAIN * self._noted(memory)[1] else self.gate.pause
        memory = keep(memory, report)
        if runs >= MOST_RUNS:
            return Trialled(memory, None, f"undecided after {runs} runs in live traffic ({told}): it stays in quarantine")
        return Trialled(memory, None, f"undecided in live traffic so far ({told})")

    def _noted(self, memory: Memory) -> tuple[bool, int]:
        """Of its present stay in quarantine: whether it was tried in pairs, and how many runs the last report of live ones had."""
        # Not the line that it came with: that may tell of harm in the watch.
        evidence = [entry.evidence for entry in present_stay(self.memories.journal(memory.id))[1:]]
        live = [report for report in evidence if isinstance(report, ExposureReport)]
        runs = live[-1].shown + live[-1].withheld if live else 0
        return any(isinstance(report, TrialReport) for report in evidence), runs


def _may_be_shown(memory: Memory, audience: Audience) -> bool:
    """Whether it is for that audience; somebody else's word only where it was drawn for exactly that agent."""
    scope = memory.lesson.scope
    is_own = memory.lesson.provenance.origin in OWN
    return audience.admits(scope) and (is_own or scope.agents == (audience.agent,))


def _of(successes: int, runs: int) -> str:
    return f"{successes} of {runs} succeeded"
