"""Where two runs part.

In:  two traces.
Out: the first step in which they differ, what differs in each step, and how they ended.

Compared is what was decided, what came back, how it was scored and what state was left; not times, ids and prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from purpose_agent.core.action import Action, Finish, GiveUp, Observation, ToolUse
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Usage
from purpose_agent.core.state import diff
from purpose_agent.runtime.events import RunFinished, RunStarted
from purpose_agent.runtime.trace import Step, Trace


@dataclass(frozen=True, slots=True)
class StepDifference:
    """One step of both runs; None where a run has no such step.

    Attributes:
        differs: What does: any of "action", "observations", "score" and "state"; () if nothing does.
        state: Names of values that are not the same after it.
    """

    index: int
    first: Step | None
    second: Step | None
    differs: tuple[str, ...]
    state: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunDifference:
    """Two runs beside each other.

    Attributes:
        settings: What they began with and does not agree: by its name, both values.
        steps: All steps of the longer one.
        parts_at: The first step in which anything differs; None: in none.
        ends: Status and answer of each; the status is None of a run that has not ended.
    """

    first: str
    second: str
    settings: tuple[tuple[str, Json, Json], ...]
    steps: tuple[StepDifference, ...]
    parts_at: int | None
    ends: tuple[tuple[str | None, str | None], tuple[str | None, str | None]]
    usage: tuple[Usage, Usage]

    @property
    def same(self) -> bool:
        """They did the same, and came to the same."""
        return self.parts_at is None and self.ends[0] == self.ends[1]


def difference(first: Trace, second: Trace) -> RunDifference:
    """Compare two runs step by step."""
    of_first, of_second = first.steps(), second.steps()
    steps = tuple(
        _compared(index + 1, _at(of_first, index), _at(of_second, index)) for index in range(max(len(of_first), len(of_second)))
    )
    return RunDifference(
        first.run_id,
        second.run_id,
        _settings(first.of(RunStarted)[0], second.of(RunStarted)[0]),
        steps,
        next((step.index for step in steps if step.differs), None),
        (_end(first), _end(second)),
        (first.usage, second.usage),
    )


def _at(steps: Sequence[Step], index: int) -> Step | None:
    return steps[index] if index < len(steps) else None


def _compared(index: int, first: Step | None, second: Step | None) -> StepDifference:
    if first is None or second is None:
        return StepDifference(index, first, second, ("action",))
    changed = diff(first.after, second.after)
    names = tuple(sorted({*changed.added, *changed.removed, *changed.changed}))
    parts = (
        ("action", _plain(first.action) != _plain(second.action)),
        ("observations", _seen(first.observations) != _seen(second.observations)),
        ("score", (first.score and first.score.after) != (second.score and second.score.after)),
        ("state", bool(names)),
    )
    return StepDifference(index, first, second, tuple(name for name, differs in parts if differs), names)


def _plain(action: Action | None) -> object:
    """A decision without ids and thoughts."""
    match action:
        case ToolUse(calls=calls):
            return [(call.name, dict(call.arguments)) for call in calls]
        case Finish(answer=answer):
            return answer
        case GiveUp(reason=reason):
            return ("gave up", reason)
        case None:
            return None


def _seen(observations: Sequence[Observation]) -> list[tuple[str, str, bool]]:
    return [(each.tool, each.content, each.ok) for each in observations]


def _settings(first: RunStarted, second: RunStarted) -> tuple[tuple[str, Json, Json], ...]:
    pairs: tuple[tuple[str, Json, Json], ...] = (
        ("agent", first.agent, second.agent),
        ("model", first.model, second.model),
        ("goal", first.task.get("goal"), second.task.get("goal")),
        ("seed", first.seed, second.seed),
        ("temperature", first.temperature, second.temperature),
        ("tools", list(first.tools), list(second.tools)),
        ("role", first.role, second.role),
    )
    return tuple(pair for pair in pairs if pair[1] != pair[2])


def _end(trace: Trace) -> tuple[str | None, str | None]:
    end = trace.end
    return end.status if end is not None else None, end.answer if isinstance(end, RunFinished) else None
