"""What a run has spent, held against what it may."""

from purpose_agent.core.errors import LimitReached
from purpose_agent.core.model import Usage
from purpose_agent.core.ports import Clock
from purpose_agent.core.task import Limits


class Meter:
    """Counts one run's spending; its time runs from the moment the meter is made.

    A run that goes on has spent `usage`, `steps` and `seconds` before.

    Ask `check` before each step, `check_spending` before each model call. Spending is known afterwards only, so the last call may
    go over; `remaining_tokens` and `remaining_seconds` let it be bounded beforehand.
    """

    def __init__(
        self, limits: Limits, clock: Clock, *, usage: Usage | None = None, steps: int = 0, seconds: float = 0.0
    ) -> None:
        self.limits = limits
        self.usage = usage or Usage()
        self.steps = steps
        self._clock = clock
        self._started = clock.monotonic() - seconds

    def charge(self, usage: Usage) -> None:
        """Add what a model call cost."""
        self.usage += usage

    def step(self) -> None:
        """Count one decision."""
        self.steps += 1

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return self._clock.monotonic() - self._started

    @property
    def remaining_tokens(self) -> int | None:
        """Tokens left, 0 and above, or None for no limit."""
        return None if self.limits.tokens is None else max(0, self.limits.tokens - self.usage.tokens)

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds left, 0 and above, or None for no limit."""
        return None if self.limits.seconds is None else max(0.0, self.limits.seconds - self.seconds)

    def share_spent(self) -> float:
        """The part that is gone of whatever is nearest to its end, 0 and above; steps always have one."""
        limits, usage = self.limits, self.usage
        spent = (
            (self.steps, limits.steps),
            (usage.tokens, limits.tokens),
            (self.seconds, limits.seconds),
            (usage.usd, limits.usd),
        )
        return max(part / whole for part, whole in spent if part is not None and whole)

    def check(self) -> None:
        """Return if there is something left of everything: ask before a step.

        Raises:
            LimitReached: A limit is spent, or there is one in dollars and a call's price is unknown.
        """
        if self.steps >= self.limits.steps:
            raise LimitReached(f"The run has taken {self.steps} of {self.limits.steps} steps.", limit="steps")
        self.check_spending()

    def check_spending(self) -> None:
        """Return if there are tokens, seconds and dollars left: ask before a model call within a step.

        Raises:
            LimitReached: As `check`, steps left aside.
        """
        limits = self.limits
        if limits.tokens is not None and self.usage.tokens >= limits.tokens:
            raise LimitReached(f"The run has used {self.usage.tokens} of {limits.tokens} tokens.", limit="tokens")
        if limits.seconds is not None and self.seconds >= limits.seconds:
            raise LimitReached(f"The run has taken {self.seconds:.1f} of {limits.seconds:g} seconds.", limit="seconds")
        if limits.usd is None:
            return
        if self.usage.usd is None:
            raise LimitReached(
                f"The price of a model call is unknown, so the limit of ${limits.usd:g} can't be held. "
                "Limit tokens instead, or use a model whose price is known.",
                limit="usd",
            )
        if self.usage.usd >= limits.usd:
            raise LimitReached(f"The run has spent ${self.usage.usd:.4f} of ${limits.usd:g}.", limit="usd")
