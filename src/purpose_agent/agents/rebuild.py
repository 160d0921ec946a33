"""Agents made again from the record, so that what they left to be learned can be learned in another process.

In:  a workspace whose runs wait for reflection, or whose memories wait for a trial.
Out: the agents behind them, with the role, model, temperature and limits of their newest run; and who is left, and why.

Not made again: agents with tools or in a world, which are functions of a program and not in the record.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from purpose_agent.agents.agent import Agent, resolved
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import CantResume, PurposeAgentError
from purpose_agent.core.model import NO_MODEL, Model, is_no_model
from purpose_agent.runtime.events import OptionsListed, RunStarted
from purpose_agent.runtime.record import PENDING

LAST_RUNS = 10_000


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Who was made again, and by name why somebody was not."""

    agents: tuple[Agent, ...]
    left: Mapping[str, str]


def rebuild_agents(place: Workspace, model: str | Model | None = None) -> Rebuilt:
    """Make the agents that something in `place` waits for, and that are not in this process.

    Args:
        model: Of all of them; None: each gets the one it had. "none": only those that had none are made again.
    """
    newest: dict[str, str] = {}
    wanted = {memory.lesson.provenance.agent for memory in place.memories("quarantined")} - {""}
    for run in place.runs(limit=LAST_RUNS):
        if run.mode == "learning":
            newest.setdefault(run.agent, run.id)
            if run.reflected == PENDING and run.finished_at is not None:
                wanted.add(run.agent)
    agents: list[Agent] = []
    left: dict[str, str] = {}
    for name in sorted(wanted - place.agents):
        made = _made(place, name, newest.get(name), model)
        if isinstance(made, Agent):
            agents.append(made)
        else:
            left[name] = made
    return Rebuilt(tuple(agents), left)


def agent_of(place: Workspace, run_id: str, model: str | Model | None = None) -> Agent:
    """The agent that can go on with a run: one that was made in this process, or made again from the record.

    Args:
        model: Instead of the one it had.

    Raises:
        NotFound: There is no such run.
        CantResume: It can't be made again; the message says why.
    """
    row = place.run(run_id)
    known = place.agent(row.agent)
    if isinstance(known, Agent):
        return known
    made = _made(place, row.agent, run_id, model)
    if isinstance(made, str):
        raise CantResume(
            f"{run_id} is a run of {row.agent!r}: {made}. Name that program: purpose-agent runs resume {run_id} --app FILE"
        )
    return made


def _made(place: Workspace, name: str, run_id: str | None, model: str | Model | None) -> Agent | str:
    if run_id is None:
        return "no run of it is in the record"
    trace = place.trace(run_id)
    started = trace.of(RunStarted)[0]
    if trace.of(OptionsListed) or (started.model == NO_MODEL and not started.task.get("choices")):
        return "it acts in a world, which is not in the record: settle in the program that has it"
    if started.tools:
        return f"it has tools ({', '.join(started.tools)}), which are not in the record: settle in the program that has them"
    if not started.role:
        return "an older version did not record its role: settle in the program that makes it"
    if is_no_model(model) and started.model != NO_MODEL:
        return f"what it learned is for its model {started.model!r}, and none was to be asked"
    try:
        chosen = (
            NO_MODEL
            if started.model == NO_MODEL and (model is None or is_no_model(model))
            else resolved(model or started.model)
        )
    except PurposeAgentError as error:
        return f"its model {started.model!r} can't be had: {str(error).splitlines()[0]}"
    if model is None and not isinstance(chosen, str) and chosen.name != started.model:
        return f"its model {started.model!r} can't be had: by that name {chosen.name!r} would be taken"
    return Agent(
        name,
        role=started.role,
        model=chosen,
        critic=None,
        limits=started.limits,
        temperature=started.temperature,
        workspace=place,
    )
