"""What a run came to, read from its trace."""

from dataclasses import dataclass

from purpose_agent.core.action import Finish, GiveUp, ToolUse, command_of
from purpose_agent.core.memory import Memory, Recalled
from purpose_agent.core.model import Usage
from purpose_agent.core.origin import Taint
from purpose_agent.core.score import CheckResult, Score
from purpose_agent.core.state import State
from purpose_agent.runtime.events import TERMINAL, CallRefused, OptionsListed, RunFinished, RunStarted, RunStatus, StepScored
from purpose_agent.runtime.taints import taint_at, taint_so_far
from purpose_agent.runtime.trace import Step, Trace

SHOWN = 80
"""Characters of an answer in a `repr`."""


@dataclass(frozen=True, slots=True, repr=False)
class TaskResult:
    """A finished run. `str(result)` is its answer.

    Attributes:
        trace: Everything that happened; the rest is read from it.
        recalled: The memories that were in its prompt, and why.
        lessons: What was drawn from it, with the status each had when the run returned.
    """

    trace: Trace
    recalled: tuple[Recalled, ...] = ()
    lessons: tuple[Memory, ...] = ()

    @property
    def _end(self) -> RunFinished:
        end = self.trace.end
        assert end is not None, "a TaskResult is made of a run that is over, or stands still"
        if isinstance(end, RunFinished):
            return end
        answers = [step.action.answer for step in self.trace.steps() if isinstance(step.action, Finish)]
        answer = answers[-1] if answers else None
        return end.as_end(answer)

    @property
    def id(self) -> str:
        """The run's id."""
        return self.trace.run_id

    @property
    def status(self) -> RunStatus:
        """How it ended; "finished" says that the agent stopped by itself, not that it was right."""
        return self._end.status

    @property
    def answer(self) -> str | None:
        """The answer, or None if there is none."""
        return self._end.answer

    @property
    def success(self) -> bool | None:
        """Whether the task's checks hold, or its world says so; None if nobody judged."""
        return self._end.success

    @property
    def final_phi(self) -> float | None:
        """Φ of the last judged state, 0 to 10, or None."""
        return self._end.phi

    @property
    def probability(self) -> float | None:
        """That the task succeeded, 0 to 1, as outcomes taught to read its critic's Φ; None where they have not, or checks judged."""
        scored = self.trace.of(StepScored)
        return scored[-1].score.probability if scored else None

    @property
    def judged_by(self) -> str | None:
        """The critic that scored last, as in `Score.critic`; None if nobody did."""
        scored = self.trace.of(StepScored)
        return scored[-1].score.critic if scored else None

    @property
    def reason(self) -> str:
        """Why it gave up, which limit was reached, or the error; "" for a plain finish."""
        return self._end.reason

    @property
    def taint(self) -> Taint:
        """The lowest origin of all that the run had read, and what had it."""
        return taint_at(self._end) or taint_so_far(self.trace)

    @property
    def usage(self) -> Usage:
        """What the run cost, its members' and its critic's calls included; reflection on it is not."""
        return self._end.usage

    @property
    def trajectory(self) -> tuple[Step, ...]:
        """The steps, first one first."""
        return self.trace.steps()

    @property
    def total_steps(self) -> int:
        """How many decisions were made."""
        return sum(step.action is not None for step in self.trajectory)

    @property
    def final_state(self) -> State:
        """The state at the end."""
        return self.trace.final_state

    @property
    def score(self) -> Score | None:
        """The last judgement, or None."""
        return next((step.score for step in reversed(self.trajectory) if step.score is not None), None)

    @property
    def refused(self) -> tuple[str, ...]:
        """Why calls were not carried out: a line for each."""
        return tuple(f"{call.tool}: {' '.join(call.why.split())}" for call in self.trace.of(CallRefused))

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """What became of the task's checks."""
        return self.score.checks if self.score is not None else ()

    @property
    def seconds(self) -> float:
        """Of work, without the time it stood still; of records of older versions, from the first event to the last by the calendar."""
        if self._end.seconds is not None:
            return self._end.seconds
        end = next(event for event in reversed(self.trace.events) if event.payload.kind in TERMINAL)
        # A clock that was set back in between says less than nothing.
        return max(0.0, (end.at - self.trace.events[0].at).total_seconds())

    def __repr__(self) -> str:
        return f"TaskResult({self.id}, {self.status}, success={self.success}, answer={short(self.answer)})"

    def __str__(self) -> str:
        if self.answer is not None:
            return self.answer
        return f"[{self.status.replace('_', ' ')}{': ' if self.reason else ''}{self.reason}]"

    def summary(self) -> str:
        """The run in a few lines, for people."""
        started = self.trace.of(RunStarted)[0]
        words = ("goal reached", "goal not reached") if self.trace.of(OptionsListed) else ("checks passed", "checks failed")
        verdict = {True: words[0], False: words[1], None: "success unknown"}[self.success]
        phi = "unknown" if self.final_phi is None else f"{self.final_phi:.1f} of 10{_by(self.score)}"
        price = "price unknown" if self.usage.usd is None else f"${self.usage.usd:.4f}"
        likely = "" if self.probability is None else f", success likely to {self.probability:.0%}"
        lines = [
            f"{self.id}: {self.status.replace('_', ' ')}, {verdict}, Φ {phi}{likely}",
            f"{self.total_steps} steps, {self.usage.tokens} tokens, {price}, {self.seconds:.1f} s, by {started.agent} on {started.model}",
        ]
        if self.reason:
            lines.append(f"reason: {self.reason}")
        lines += [f"{step.index}. {_told(step)}" for step in self.trajectory]
        lines += [f"refused: {why}" for why in self.refused]
        lines += [f"recalled: {found.memory.lesson.text} ({found.why})" for found in self.recalled]
        lines += [f"lesson ({memory.status}): {memory.lesson.text}" for memory in self.lessons]
        return "\n".join(lines)


def short(answer: str | None) -> str:
    """An answer in a `repr`."""
    return repr(answer if answer is None or len(answer) <= SHOWN else f"{answer[:SHOWN]}…")


def _by(score: Score | None) -> str:
    """Who judged, and how sure that is; nothing for checks and worlds, which are."""
    if score is None or score.after is None or score.critic == "checks" or score.reward is not None:
        return ""
    known = score.low is not None and score.high is not None and score.low < score.high
    return f" by {score.critic}{f' ({score.low:.1f} to {score.high:.1f})' if known else ''}"


def _told(step: Step) -> str:
    match step.action:
        case ToolUse(calls=calls):
            outcomes = {seen.call_id: "ok" if seen.ok else "failed" for seen in step.observations}
            text = command_of(step.action) or ", ".join(f"{call.name} ({outcomes.get(call.id, 'no result')})" for call in calls)
        case Finish():
            text = "answered"
        case GiveUp(reason=reason):
            text = f"gave up: {reason}"
        case None:
            text = "cut off"
    phi = step.score.after if step.score is not None else None
    return text if phi is None else f"{text}, Φ {phi:.1f}"
