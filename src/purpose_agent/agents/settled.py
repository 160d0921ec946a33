"""What `Workspace.settle` did, to look at and to print."""

from dataclasses import dataclass, field

from purpose_agent.core.memory import Memory
from purpose_agent.core.model import Usage
from purpose_agent.learning.homeostasis import Upkeep
from purpose_agent.learning.learner import Trialled


@dataclass(frozen=True, slots=True)
class Settled:
    """What `settle` did.

    Attributes:
        reflected: Runs that had been waiting for reflection.
        doubtful: Memories that people taught and whose runs mostly fail; they stay in use.
        waiting: Runs that still wait: reflection needs their agent's model, and the agent was not made in this process; or it failed.
        trialled: Memories that were tried, and what became of each.
        skipped: Memories that could not be tried, and why.
        returned: Promoted memories that went back to quarantine.
        reflection: What the model calls of reflection and generalisation cost.
        trials: What the runs of trials cost, those of an unfinished one too.
        runs: How many runs those were.
        generalised: General memories made of particular ones; they are in quarantine then.
        vouched: Others' episodes that turned out to agree with an agent's own experience, and teach since.
        altered: Memories that were found edited in the file, past the gate; they began anew, as imports.
        stopped: What was left for another time because the budget was spent, or "".
        upkeep: What was put away, merged or sent to trial to keep memory within its budget.
        judged: Runs with a known outcome that a critic was asked about, so that its Φ can be read.
        calibrations: Notes for critics that were drawn from their mistakes; they are in quarantine then.
        calibration: What asking the critics cost.
    """

    reflected: tuple[str, ...] = ()
    trialled: tuple[Trialled, ...] = ()
    skipped: tuple[tuple[Memory, str], ...] = ()
    returned: tuple[Memory, ...] = field(default=())
    waiting: tuple[str, ...] = ()
    doubtful: tuple[Memory, ...] = ()
    reflection: Usage = field(default_factory=Usage)
    trials: Usage = field(default_factory=Usage)
    runs: int = 0
    stopped: str = ""
    vouched: int = 0
    generalised: tuple[Memory, ...] = ()
    altered: tuple[Memory, ...] = ()
    upkeep: Upkeep = field(default_factory=Upkeep)
    judged: int = 0
    calibrations: tuple[Memory, ...] = ()
    calibration: Usage = field(default_factory=Usage)

    def summary(self) -> str:
        """One line for each thing done."""
        lines = [
            f"{_line(memory)}: was edited in the file, and is {memory.status} now, as an import" for memory in self.altered
        ]
        lines += [f"reflected on {run_id}" for run_id in self.reflected]
        lines += [
            f"{run_id}: not reflected on: its agent was not made in this process, or reflection failed, as the log says"
            for run_id in self.waiting
        ]
        lines += [f"{_line(memory)}: made of {', '.join(memory.lesson.provenance.parents)}" for memory in self.generalised]
        lines += [f"critics were asked about {self.judged} runs whose outcome is known"] if self.judged else []
        lines += [f"{_line(memory)}: drawn from a critic's mistakes" for memory in self.calibrations]
        lines += [f"{_line(tried.memory)}: {_told(tried)}" for tried in self.trialled]
        lines += [f"{_line(memory)}: not tried, {why}" for memory, why in self.skipped]
        lines += [f"{_line(memory)}: back in quarantine" for memory in self.returned]
        lines += [
            f"{_line(memory)}: taught, but {memory.helped} of {memory.used} runs with it succeeded" for memory in self.doubtful
        ]
        if self.vouched:
            lines.append(f"episodes of others that agree with what was experienced here, and teach since: {self.vouched}")
        lines += _kept(self.upkeep)
        lines += [self.stopped] if self.stopped else []
        lines += [self._cost()] if self.runs or self.reflection.calls or self.calibration.calls else []
        return "\n".join(lines) or "nothing was waiting"

    def _cost(self) -> str:
        reflection, trials, critics = self.reflection, self.trials, self.calibration
        asked = f"; critics {critics.calls} calls and {critics.tokens:,} tokens" if critics.calls else ""
        return (
            f"cost: reflection {reflection.calls} calls and {reflection.tokens:,} tokens; "
            f"trials {self.runs} runs, {trials.calls} calls and {trials.tokens:,} tokens{asked}"
        )


def _line(memory: Memory) -> str:
    first, *others = memory.lesson.text.splitlines()
    more = f", and {len(others)} more lines" if len(others) > 1 else ", and one more line" if others else ""
    return f"{memory.id} ({first[:60]}{more})"


def _kept(upkeep: Upkeep) -> list[str]:
    lines = [f"{_line(other)}: merged into {kept.id}, which says the same" for kept, other in upkeep.merged]
    lines += [f"{_line(memory)}: contradicts {other.id}, {memory.status} now" for memory, other in upkeep.contested]
    lines += [f"{_line(memory)}: hibernates, {why}" for memory, why in upkeep.hibernated]
    lines += [f"{_line(memory)}: taught, and yours to decide about: {why}" for memory, why in upkeep.named]
    return [*lines, "memory is to be looked after further: settle again"] if upkeep.left else lines


def _told(tried: Trialled) -> str:
    report = tried.report
    if report is None:
        return tried.why
    gain = "" if report.mean_gain is None else f", gain {report.mean_gain:+.2f}"
    return f"{tried.why} ({report.wins} wins, {report.losses} losses, {len(report.pairs)} pairs{gain})"
