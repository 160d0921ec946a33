"""The product's words for the field's things; the only file where both appear."""

from purpose_agent.agents.agent import Agent as Spark
from purpose_agent.agents.councils.debate import Debate as Council
from purpose_agent.agents.councils.result import DebateResult as CouncilResult
from purpose_agent.agents.flows.graph import END as DONE_SIGNAL
from purpose_agent.agents.flows.graph import START as BEGIN
from purpose_agent.agents.flows.result import WorkflowResult as FlowResult
from purpose_agent.agents.flows.workflow import Workflow as Flow
from purpose_agent.agents.swarms.parallel import resume_parallel as resume_swarm
from purpose_agent.agents.swarms.parallel import resume_parallel_async as resume_swarm_async
from purpose_agent.agents.swarms.parallel import run_parallel as swarm
from purpose_agent.agents.swarms.parallel import run_parallel_async as swarm_async
from purpose_agent.agents.swarms.result import ParallelResult as SwarmResult
from purpose_agent.models.resolve import resolve_model as resolve_backend

# Python names a function by this where a call does not fit it.
for _name in ("__init__", "run", "run_async", "resume", "resume_async"):
    vars(Council)[_name].__qualname__ = f"Council.{_name}"

__all__ = [
    "BEGIN",
    "DONE_SIGNAL",
    "Council",
    "CouncilResult",
    "Flow",
    "FlowResult",
    "Spark",
    "SwarmResult",
    "resolve_backend",
    "resume_swarm",
    "resume_swarm_async",
    "swarm",
    "swarm_async",
]
