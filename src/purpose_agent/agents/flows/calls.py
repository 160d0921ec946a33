"""A function as a node of a workflow.

In:  the state, as it is declared.
Out: what the function changes.

It is the author's own code: async ones run on the loop, plain ones in a thread, so that they wait side by side.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from typing import Any, ClassVar, cast

from purpose_agent.agents.flows.nodes import Handed, PartFailed, Turn, named
from purpose_agent.core.errors import UsageError
from purpose_agent.core.origin import Origin


@dataclass(frozen=True, slots=True)
class Calls:
    """A function of the state. Only async ones can be stopped."""

    function: Callable[[Any], object]
    can_stop: bool
    writes: str | None = None
    origin: Origin | None = None
    has_run: ClassVar[bool] = False

    @classmethod
    def of(cls, function: Callable[[Any], object], *, writes: str | None, origin: Origin | None) -> "Calls":
        """That function; whether it is async is looked up once."""
        called = getattr(function, "__call__", None)  # noqa: B004  # an object's own method, which may be async
        return cls(function, iscoroutinefunction(function) or iscoroutinefunction(called), writes, origin)

    async def perform(self, turn: Turn) -> Handed:
        view = turn.shape.view(turn.values)
        with named(self.function, turn):
            if self.can_stop or turn.here:
                given = self.function(view)
            else:
                from anyio import to_thread

                given = await to_thread.run_sync(partial(self.function, view), abandon_on_cancel=True)
            if isawaitable(given):
                if turn.here:
                    raise PartFailed(f"{self.function!r} gave an awaitable back; define it with `async def`.", again=False)
                given = await cast("Awaitable[object]", given)
        if self.writes is not None:
            given = {self.writes: given}
        return Handed(turn.shape.update(given, f"Node {turn.node!r}"), origin=self.origin)


def check_work(name: str, work: object) -> None:
    """Refuse what no node can do.

    Raises:
        UsageError: `work` is a class, or can't be called.
    """
    if isinstance(work, type) or not callable(work):
        raise UsageError(
            f"add_node({name!r}, {work!r:.80}): a node is an agent, a flow, or a function that takes the state and gives back a dict."
        )
