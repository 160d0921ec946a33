"""Trials in live traffic, on request: a coin decides in each run whether it has the memory.

In:  quarantined memories, a task; later the runs, with and without.
Out: which memories a run may be given on trial; the gate's decisions on what such runs showed.

For memories whose tasks can't be run again, and where trials shall cost no runs of their own. At most `MOST_AT_ONCE` are on
trial in one run, each with a coin of its own (a factorial design), so none of them is credited with what another did. A
memory is tried in one way alone, pairs or live traffic, in each stay in quarantine: its share of error is spent once. That
share is fixed before the first coin falls.
"""

from collections.abc import Callable
from dataclasses import dataclass

from purpose_agent.core.errors import GateError
from purpose_agent.core.memory import ExposureReport, Memory, Recalled, TrialReport
from purpose_agent.core.task import Task
from purpose_agent.evals.randomised import report_on
from purpose_agent.learning.learner import Trialled
from purpose_agent.learning.trial_tasks import Memories
from purpose_agent.memory.exposures import Exposures
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.index import Audience
from purpose_agent.memory.recall import would_recall

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
            if not audience.admits(memory.lesson.scope) or not would_recall(memory, task, audience.agent):
                continue
            runs = self.exposures.count(memory.id, memory.version)
            paired, _ = self._noted(memory)
            if paired or runs >= MOST_RUNS:
                continue
            if not runs:
                self.gate.allowance(memory)
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

    def _decided(self, memory: Memory) -> Trialled:
        report = report_on(memory.id, self.exposures.of(memory.id, memory.version), alpha=self.gate.allowance(memory))
        runs = report.shown + report.withheld
        told = f"{_of(report.successes, report.shown)} with it, {_of(report.successes_without, report.withheld)} without"
        try:
            if report.helps:
                return Trialled(self.promote(memory, report), None, f"promoted: it helps in live traffic ({told})")
            if report.harms:
                return Trialled(self.gate.reject(memory, report), None, f"rejected: it harms in live traffic ({told})")
            if runs >= NOTED_AGAIN * self._noted(memory)[1]:
                memory = self.gate.note(memory, report)
        except GateError as error:
            return Trialled(memory, None, f"somebody else decided meanwhile: {error}")
        if runs >= MOST_RUNS:
            return Trialled(memory, None, f"undecided after {runs} runs in live traffic ({told}): it stays in quarantine")
        return Trialled(memory, None, f"undecided in live traffic so far ({told})")

    def _noted(self, memory: Memory) -> tuple[bool, int]:
        """Of its present stay in quarantine: whether it was tried in pairs, and how many runs the last report of live ones had."""
        paired, runs = False, 0
        for entry in self.memories.journal(memory.id):
            if entry.to_status == "quarantined" != entry.from_status:
                paired, runs = False, 0
            elif isinstance(entry.evidence, TrialReport):
                paired = True
            elif isinstance(entry.evidence, ExposureReport):
                runs = entry.evidence.shown + entry.evidence.withheld
        return paired, runs


def _of(successes: int, runs: int) -> str:
    return f"{successes} of {runs} succeeded"
