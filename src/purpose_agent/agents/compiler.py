"""An agent that plans its tool calls: LLMCompiler (https://arxiv.org/abs/2312.04511)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from purpose_agent.agents.agent import TEMPERATURE, Agent
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.approval import Approvals, Approver
from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import Model, is_no_model
from purpose_agent.core.score import PhiMode
from purpose_agent.core.task import Limits
from purpose_agent.core.tool import Tool
from purpose_agent.engine.run import Setup
from purpose_agent.models.routing import Router
from purpose_agent.runtime.events import RunMode

REPLANS = 3


class LLMCompiler(Agent):
    """An agent whose model writes a plan of tool calls that use each other's results.

    Each call is made the moment its inputs are there, while the rest of the plan is being written. Then the model is shown all results,
    and answers or plans further: a step of the run is a plan or an answer. In all else it is an `Agent`.

    Args:
        replans: So many plans may fail, in one call or several, and be followed by another. When one more fails, the model has to answer
            with what there is. Each plan is one of the steps in `limits`.

    Raises:
        UsageError: It has no tools or no model, or `replans` is no whole number from 0.
    """

    def __init__(
        self,
        name: str,
        *,
        tools: Sequence[Tool | Callable[..., Any]],
        model: str | Model | Router | None = None,
        replans: int = REPLANS,
        role: str = "",
        critic: str | Model | Literal["self"] | None = "self",
        phi: PhiMode = "auto",
        limits: Limits | None = None,
        workspace: Workspace | str | Path | None = None,
        mode: RunMode = "learning",
        temperature: float | None = TEMPERATURE,
        approve: Approver | None = None,
        approvals: Approvals | None = None,
    ) -> None:
        if not tools:
            raise UsageError(f"LLMCompiler({name!r}, tools=()): give it tools; without any there is nothing to plan.")
        if is_no_model(model):
            raise UsageError(f"LLMCompiler({name!r}, model='none'): a plan needs a model that writes it.")
        if isinstance(replans, bool) or not isinstance(replans, int) or replans < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"LLMCompiler({name!r}, replans={replans!r}): give a whole number from 0.")
        self.replans = replans
        super().__init__(
            name,
            role=role,
            model=model,
            tools=tools,
            critic=critic,
            phi=phi,
            limits=limits,
            workspace=workspace,
            mode=mode,
            temperature=temperature,
            approve=approve,
            approvals=approvals,
        )

    def setup(self, *, like: str = "") -> Setup:
        """Who runs, as the engine needs it."""
        return replace(super().setup(like=like), replans=self.replans)
