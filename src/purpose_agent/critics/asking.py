"""How a critic asks its model."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from purpose_agent.core.model import ModelRequest, ModelResponse

Ask: TypeAlias = Callable[[ModelRequest, str], Awaitable[ModelResponse]]
"""Ask the critic's model, on the run's account: the request, and the version of the prompt behind it."""
