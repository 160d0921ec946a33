"""Any run, gone on with by what began it: an agent, a flow, a team or a swarm of this process.

In:  the id of a run.
Out: its result. What is not there is told with the way to have it; an agent without tools is made again from the record.
"""

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.agent_team import AgentTeam
from purpose_agent.agents.jobs import flow_called
from purpose_agent.agents.parallel import resume_parallel
from purpose_agent.agents.parallel_result import ParallelResult
from purpose_agent.agents.pipeline import PipelineResult
from purpose_agent.agents.rebuild import agent_of
from purpose_agent.agents.run_kind import kind_of
from purpose_agent.agents.team import Team
from purpose_agent.agents.workflow import Workflow
from purpose_agent.agents.workflow_result import WorkflowResult
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import CantResume, UsageError
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import AgentStarted, RunStarted


def resume_any(
    place: Workspace, run_id: str, *, model: str | None = None, watch: Listener | None = None
) -> TaskResult | WorkflowResult | ParallelResult | PipelineResult:
    """Go on with a run.

    Args:
        model: Instead of the one that an agent had, if it is made again.

    Raises:
        NotFound: There is no such run.
        CantResume: It is over, under way, or lacks what began it.
    """
    started = place.trace(run_id).of(RunStarted)[0]
    match kind_of(started):
        case "swarm":
            return resume_parallel(run_id, _agents_of(place, run_id), workspace=place, watch=watch)
        case "team":
            return _team_of(place, run_id).resume(run_id, watch=watch)
        case "flow":
            flow = _flow_of(place, started)
            if flow is not None:
                return flow.resume(run_id, watch=watch)
            # An old record does not tell a flow from an agent that had neither a model nor a role.
            if started.of == "flow" or place.agent(started.agent) is None:
                raise CantResume(f"{run_id} is a run of the flow {started.agent!r}. {_name(run_id)}")
        case "agent":
            pass
    return agent_of(place, run_id, model).resume(run_id, watch=watch)


def _agents_of(place: Workspace, run_id: str) -> list[Agent]:
    names = place.trace(run_id).of(RunStarted)[0].state.get("agents")
    agents = [place.agent(str(name)) for name in names] if isinstance(names, list) else []
    found = [agent for agent in agents if isinstance(agent, Agent)]
    if not found or len(found) < len(agents):
        raise CantResume(f"{run_id} is a swarm of {names}, and not all of them are here. {_name(run_id)}")
    return found


def _team_of(place: Workspace, run_id: str) -> Team | AgentTeam:
    spoke = {part.name for part in place.trace(run_id).of(AgentStarted)}
    teams = [team for team in place.all_known("team") if isinstance(team, Team | AgentTeam)]
    fitting = [team for team in teams if spoke <= {member.name for member in team.members}]
    if len(fitting) != 1:
        raise CantResume(f"{run_id} is a run of a team, and {len(fitting)} teams here could have begun it. {_name(run_id)}")
    return fitting[0]


def _flow_of(place: Workspace, started: RunStarted) -> Workflow | None:
    try:
        return flow_called(place, started.agent, started.drawing)
    except UsageError as error:
        raise CantResume(str(error)) from error


def _name(run_id: str) -> str:
    return f"Name the program that makes it: purpose-agent runs resume {run_id} --app FILE"
