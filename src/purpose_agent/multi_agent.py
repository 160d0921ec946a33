"""A team of specialists: `from purpose_agent.multi_agent import AgentSpec, AgentTeam`."""

from purpose_agent.agents.specialists.agent_team import AgentTeam
from purpose_agent.agents.specialists.pipeline import FailedStep, PipelineResult, PipelineStep, WaitingStep
from purpose_agent.agents.specialists.spec import AgentSpec
from purpose_agent.agents.team_learning import Heuristic, LearningReport, TeamStats

__all__ = [
    "AgentSpec",
    "AgentTeam",
    "FailedStep",
    "Heuristic",
    "LearningReport",
    "PipelineResult",
    "PipelineStep",
    "TeamStats",
    "WaitingStep",
]
