"""What a team's run goes by: how the team works, and what the record says of one that goes on.

In:  the run's events so far; none, of a run that begins.
Out: the task, who spoke first, the passages that were found, what a turn has kept.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from purpose_agent.agents.recipe import Recipe
from purpose_agent.agents.team_record import TEAM
from purpose_agent.agents.teams.artefacts import Makes
from purpose_agent.core.errors import CantResume
from purpose_agent.core.messages import Json
from purpose_agent.core.task import Task, task_from_json
from purpose_agent.retrieval.passages import Passage, Passages
from purpose_agent.runtime.events import AgentStarted, RunStarted, StateChanged
from purpose_agent.runtime.trace import Trace

SOURCES = "sources"
"""The value of a run's state that has the passages which were found."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a team works, as far as its runs need it.

    Attributes:
        makes: By member: what its answers are; a draft, if nothing is said.
        knowledge: Documents to work from.
        state: What a run's first state has, beside the inputs of its task.
        recipe: What makes the team again.
    """

    makes: Mapping[str, Makes] = field(default_factory=dict[str, Makes])
    knowledge: Passages | None = None
    state: Mapping[str, Json] = field(default_factory=dict[str, Json])
    recipe: Recipe | None = None


def recorded_task(trace: Trace, names: Collection[str], task: Task | None) -> Task:
    """The task of a run that goes on: the one that is given, or as the record has it.

    Raises:
        CantResume: It is not of a team of these members, or has a task that is not in the record.
    """
    check_members(trace, names)
    recorded = task_from_json(trace.of(RunStarted)[0].task)
    if task is None and any(check.kind == "callable" for check in recorded.checks):
        raise CantResume(
            f"A check of the task {recorded.goal[:60]!r} is a function, which is not in the record. Give the task again: "
            "resume(run_id, task=...)."
        )
    return task or recorded


def check_members(trace: Trace, names: Collection[str]) -> None:
    """Pass silently if it is a run of a team of these members.

    Raises:
        CantResume: It is not.
    """
    if trace.of(RunStarted)[0].agent != TEAM or {part.name for part in trace.of(AgentStarted)} - set(names):
        raise CantResume(f"{trace.run_id} is no run of a team of {', '.join(sorted(names))}; resume it with what began it.")


def first_speaker(before: Trace | None) -> str:
    """Who began; "" if nobody has yet."""
    return next((part.name for part in before.of(AgentStarted)), "") if before is not None else ""


def kept_passages(before: Trace | None) -> tuple[Passage, ...] | None:
    """Those that were found when it began; None if nobody looked."""
    kept = before.final_state.values.get(SOURCES) if before is not None else None
    if not isinstance(kept, list):
        return None
    return tuple(Passage(str(row["source"]), str(row["text"])) for row in kept if isinstance(row, dict))


def passages_to_json(passages: Collection[Passage]) -> Json:
    """For the state, as `kept_passages` reads it."""
    return [{"source": each.source, "text": each.text} for each in passages]


def kept_in(before: Trace | None, lane: str, step: int) -> Json:
    """What was recorded on that lane in that turn; None if nothing was."""
    events = before.events if before is not None else ()
    changes = (each.payload for each in events if each.lane == lane and each.step == step)
    return next((change.values.get(lane) for change in changes if isinstance(change, StateChanged)), None)
