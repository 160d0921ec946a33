"""The product's words for the field's things; the only file where both appear."""

from purpose_agent.agents.agent import Agent as Spark
from purpose_agent.models.resolve import resolve_model as resolve_backend

__all__ = ["Spark", "resolve_backend"]
