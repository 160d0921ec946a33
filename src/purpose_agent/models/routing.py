"""Several models for one agent, and what limits the choice among them.

In:  models, or their specs, the smallest first.
Out: a `Router`, which an agent is given as its `model`.

Plain data: whose turn it is is decided for each run anew, in `learning/routing.py`, by what the record of the workspace says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import Model, Usage
from purpose_agent.runtime.limits import Priced

ENOUGH = 0.6


@dataclass(frozen=True, slots=True, init=False)
class Router:
    """For each run the smallest of several models that is good enough, local ones first.

    Args:
        models: Models or specs, the smallest first. Those on this machine are asked before all others.
        budget: US dollars that a run may be expected to cost, 0 and above, or None. A model whose price is unknown is not used then.
        latency: Seconds that a run may be expected to take, or None. A model that has not run here yet has not been measured; it may run.
        enough: The probability of success that suffices, above 0 and below 1.
        escalates: Within a run the next model goes on where one fails the checks or gives up.

    Attributes:
        models: In the order in which they are tried.

    Raises:
        UsageError: There is no model, two have one name, or a number can't be meant.
        UnknownModel: A spec can't be read.
        MissingKey: A provider asks for a key, and its variable isn't set.
        NoModelFound: A local model is not here.
    """

    models: tuple[Model, ...]
    budget: float | None
    latency: float | None
    enough: float
    escalates: bool

    def __init__(
        self,
        models: Sequence[str | Model],
        *,
        budget: float | None = None,
        latency: float | None = None,
        enough: float = ENOUGH,
        escalates: bool = True,
    ) -> None:
        from purpose_agent.models.resolve import resolve_model

        if isinstance(models, str) or not models:
            raise UsageError(f"Router(models={models!r}): give a list of models, the smallest first.")
        if budget is not None and not (isfinite(budget) and budget >= 0):
            raise UsageError(f"Router(budget={budget!r}): give US dollars a run, 0 and above, or None for no limit.")
        if latency is not None and not (isfinite(latency) and latency > 0):
            raise UsageError(f"Router(latency={latency!r}): give seconds a run, above 0, or None for no limit.")
        if not 0 < enough < 1:
            raise UsageError(f"Router(enough={enough!r}): give a probability above 0 and below 1, such as {ENOUGH}.")
        found = [resolve_model(model) for model in models]
        names = [model.name for model in found]
        if len(set(names)) < len(names):
            raise UsageError(f"Router(models={names!r}): name no model twice; outcomes are counted by name.")
        put = object.__setattr__
        put(self, "models", tuple(sorted(found, key=lambda model: not model.capabilities.local)))
        put(self, "budget", budget)
        put(self, "latency", latency)
        put(self, "enough", enough)
        put(self, "escalates", escalates)

    def __str__(self) -> str:
        return f"Router({', '.join(model.name for model in self.models)})"

    def find(self, name: str) -> Model | None:
        """Its model of that name, if it has one."""
        return next((model for model in self.models if model.name == name), None)


def price_of(model: Model, usage: Usage) -> float | None:
    """What so many tokens cost there in US dollars; None if that is unknown."""
    usd = model.usd_of(usage) if isinstance(model, Priced) else None
    return 0.0 if usd is None and model.capabilities.local else usd
