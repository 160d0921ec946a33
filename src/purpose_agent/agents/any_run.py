"""Any run, gone on with by what began it: an agent, a flow, a team or a swarm of this process.

In:  the id of a run; what somebody found out about what was in flight when its process died.
Out: its result. What is not there is told with the way to have it. Made again from the record are an agent without tools, and a
     team that `purpose()` made of plain data.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.continuing import find_trace
from purpose_agent.agents.flows.result import WorkflowResult
from purpose_agent.agents.flows.workflow import Workflow
from purpose_agent.agents.jobs import flow_called
from purpose_agent.agents.rebuild import agent_of
from purpose_agent.agents.recipe import Recipe, recipe_of
from purpose_agent.agents.run_kind import kind_of
from purpose_agent.agents.specialists.agent_team import AgentTeam
from purpose_agent.agents.specialists.pipeline import PipelineResult
from purpose_agent.agents.standing import asked_in, calls_in_flight, nodes_in_doubt
from purpose_agent.agents.swarms.parallel import resume_parallel
from purpose_agent.agents.swarms.result import ParallelResult
from purpose_agent.agents.teams.purpose import team_again
from purpose_agent.agents.teams.team import Team
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import CantResume, PurposeAgentError, UsageError
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import AgentStarted, RunStarted
from purpose_agent.runtime.trace import Trace

AnyResult: TypeAlias = TaskResult | WorkflowResult | ParallelResult | PipelineResult


@dataclass(frozen=True, slots=True)
class Found:
    """What somebody found out about a call, or a flow's node, that was in flight when its process died.

    Attributes:
        result: It was done, and gave this; of a node: the values it hands back, as a JSON object. None: do it again.
        which: The call's id or the node's name; None: the only one, or with `result=None` all of them.
        by: Who says so.
    """

    result: str | None = None
    which: str | None = None
    by: str = ""


def resume_any(
    place: Workspace, run_id: str, *, model: str | None = None, found: Found | None = None, watch: Listener | None = None
) -> AnyResult:
    """Go on with a run.

    Args:
        model: Instead of the one that an agent or a team had, if it is made again.
        found: What is known of what was in flight; None: a person is asked, and the run waits.

    Raises:
        NotFound: There is no such run.
        CantResume: A person ended it, it is under way, or lacks what began it.
        UsageError: `found` is of nothing that was in flight, or of several things at once.
    """
    trace = _trace(place, run_id)
    if found is not None and not (nodes_in_doubt(trace) or calls_in_flight(place, run_id)):
        raise UsageError(f"Nothing of {run_id} was in flight: there is nothing to say of it.")
    resume = _resume_of(place, trace, model, found, watch)
    if found is None:
        return resume()
    _say(place, run_id, found)
    result = resume()
    # That a call was in flight is asked when its run goes on.
    while result.status == "waiting" and _say(place, run_id, found):
        result = resume()
    return result


def needs_program(place: Workspace, run_id: str) -> bool:
    """Whether only a program can go on with a run, as far as its record tells.

    Raises:
        NotFound: There is no such run.
    """
    started = place.trace(run_id).of(RunStarted)[0]
    match kind_of(started):
        case "agent":
            return bool(started.tools) and not _parents_recipe(place, started)
        case "team":
            return not started.recipe
        case "flow" | "swarm":
            return True


def _trace(place: Workspace, run_id: str) -> Trace:
    """As it is here, or as the engine of the workspace keeps it."""
    here = find_trace(place, run_id)
    engine = place.engine() if here is None else None
    kept = engine.checkpointer.load(run_id) if engine is not None and engine.checkpointer is not None else None
    return here or kept or place.trace(run_id)


def _resume_of(
    place: Workspace, trace: Trace, model: str | None, found: Found | None, watch: Listener | None
) -> Callable[[], AnyResult]:
    """How to go on with it; made once, however often it is called.

    Raises:
        CantResume: It lacks what began it.
    """
    run_id, started = trace.run_id, trace.of(RunStarted)[0]
    match kind_of(started):
        case "swarm":
            agents = _agents_of(place, trace)
            return lambda: resume_parallel(run_id, agents, workspace=place, watch=watch)
        case "team":
            team = _team_of(place, trace, model)
            return lambda: team.resume(run_id, watch=watch)
        case "flow":
            flow = _flow_of(place, started)
            if flow is not None:
                return lambda: _flow(flow, trace, found, watch)
            # An old record does not tell a flow from an agent that had neither a model nor a role.
            if started.of == "flow" or place.agent(started.agent) is None:
                raise CantResume(f"{run_id} is a run of the flow {started.agent!r}. {_name(run_id)}")
        case "agent":
            recipe = _parents_recipe(place, started)
            if recipe is not None and place.agent(started.agent) is None:
                _again(run_id, lambda: team_again(recipe, place, model))
    agent = agent_of(place, run_id, model)
    return lambda: agent.resume(run_id, watch=watch)


def _flow(flow: Workflow, trace: Trace, found: Found | None, watch: Listener | None) -> WorkflowResult:
    run_id, doubtful = trace.run_id, nodes_in_doubt(trace)
    if not doubtful:
        return flow.resume(run_id, watch=watch)
    if found is None or found.which not in (None, *doubtful):
        raise CantResume(
            f"{_listed(doubtful)} of {run_id} had begun when its process ended, and nobody knows how far it came. Find out; then run it"
            f" again: purpose-agent runs resume {run_id} --app FILE --again, or say what it handed back: --done JSON, such as"
            " --done '{\"sent\": true}'."
        )
    meant = doubtful if found.which is None else (found.which,)
    if found.result is None:
        return flow.resume(run_id, again=meant, watch=watch)
    return flow.resume(run_id, done={_only(meant, run_id): _values(found.result)}, watch=watch)


def _say(place: Workspace, run_id: str, found: Found) -> bool:
    """Answer what is asked about calls in flight, as far as `found` is of them; whether anything was."""
    asked = [each for each in asked_in(place, run_id) if each.question.in_flight]
    meant = [each for each in asked if found.which in (None, each.question.call_id)]
    if found.result is not None and meant:
        _only([each.question.call_id for each in meant], run_id)
    for each in meant:
        control, call_id = place.control(each.run_id), each.question.call_id
        if found.result is None:
            control.approve(call_id, by=found.by)
        else:
            control.done(found.result, call_id, by=found.by)
    return bool(meant)


def _only(names: Sequence[str], run_id: str) -> str:
    if len(names) != 1:
        raise UsageError(f"{_listed(names)} of {run_id} were in flight: say which one is done, with --call.")
    return names[0]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _values(result: str) -> object:
    try:
        given: object = json.loads(result)
    except ValueError as error:
        raise UsageError(
            f"--done {result!r:.100} is no JSON ({error}). Of a node, give the values it handed back: '{{\"sent\": true}}'."
        ) from error
    return given


def _agents_of(place: Workspace, trace: Trace) -> list[Agent]:
    run_id, names = trace.run_id, trace.of(RunStarted)[0].state.get("agents")
    agents = [place.agent(str(name)) for name in names] if isinstance(names, list) else []
    found = [agent for agent in agents if isinstance(agent, Agent)]
    if not found or len(found) < len(agents):
        raise CantResume(f"{run_id} is a swarm of {names}, and not all of them are here. {_name(run_id)}")
    return found


def _team_of(place: Workspace, trace: Trace, model: str | None) -> Team | AgentTeam:
    run_id, spoke = trace.run_id, {part.name for part in trace.of(AgentStarted)}
    recipe = recipe_of(trace.of(RunStarted)[0].recipe)
    teams = [team for team in place.all_known("team") if isinstance(team, Team | AgentTeam)]
    fitting = [team for team in teams if spoke <= {member.name for member in team.members}]
    if len(fitting) == 1:
        return fitting[0]
    if recipe is not None:
        return _again(run_id, lambda: team_again(recipe, place, model))
    raise CantResume(f"{run_id} is a run of a team, and {len(fitting)} teams here could have begun it. {_name(run_id)}")


def _parents_recipe(place: Workspace, started: RunStarted) -> Recipe | None:
    """What makes the team again that an agent's run is a part of."""
    parent = find_trace(place, started.parent_run) if started.parent_run is not None else None
    return recipe_of(parent.of(RunStarted)[0].recipe) if parent is not None else None


def _again(run_id: str, make: Callable[[], Team]) -> Team:
    try:
        return make()
    except PurposeAgentError as error:
        raise CantResume(f"{run_id} is a run of a team that can't be made again: {error}") from error


def _flow_of(place: Workspace, started: RunStarted) -> Workflow | None:
    try:
        return flow_called(place, started.agent, started.drawing)
    except UsageError as error:
        raise CantResume(str(error)) from error


def _name(run_id: str) -> str:
    return f"Name the program that makes it: purpose-agent runs resume {run_id} --app FILE"
