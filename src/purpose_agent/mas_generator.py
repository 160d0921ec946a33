"""A use case → a system of agents: `from purpose_agent.mas_generator import generate`."""

from purpose_agent.agents.generator import generate, generate_async
from purpose_agent.agents.generator_evals import CaseResult, EvalReport, evaluate, evaluate_async
from purpose_agent.agents.generator_plan import Case
from purpose_agent.agents.generator_system import GeneratedSystem, MissingTools

__all__ = [
    "Case",
    "CaseResult",
    "EvalReport",
    "GeneratedSystem",
    "MissingTools",
    "evaluate",
    "evaluate_async",
    "generate",
    "generate_async",
]
