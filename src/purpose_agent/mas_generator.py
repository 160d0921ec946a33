"""A use case → a system of agents: `from purpose_agent.mas_generator import generate`."""

from purpose_agent.agents.generated.evals import CaseResult, EvalReport, evaluate, evaluate_async
from purpose_agent.agents.generated.generator import generate, generate_async
from purpose_agent.agents.generated.plan import Case
from purpose_agent.agents.generated.system import GeneratedSystem, MissingTools

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
