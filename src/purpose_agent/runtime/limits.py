"""What a run has spent, held against what it may.

In:  limits, a clock, what each model call cost.
Out: a refusal when something is spent; how long the next answer may be at most.

A budget of tokens or dollars is hard as far as it can be known before a call: the question is estimated, a little too high, and the
answer is bounded by what is left after it. What a run can go over is the error of that estimate, once. In dollars it takes a model
that knows its price beforehand. Of one that learns it with the answer, the run ends at the first call that is over; of one that will
never know, nothing is asked; of one that doesn't say which it is, the run ends after the first call without a price.
"""

from dataclasses import replace
from typing import Protocol, runtime_checkable

from purpose_agent.core.errors import LimitReached
from purpose_agent.core.model import Usage
from purpose_agent.core.ports import Clock
from purpose_agent.core.task import Limits

_MANY = 1_000_000
"""Tokens of output whose price tells that of one."""


@runtime_checkable
class Priced(Protocol):
    """What a model may offer beyond the port: what it costs, told before it is asked."""

    @property
    def tells_usd(self) -> bool:
        """Each answer comes with its price, also where `usd_of` doesn't know it."""
        ...

    def usd_of(self, usage: Usage) -> float | None:
        """What that many tokens cost in US dollars; None if it isn't known."""
        ...


class Shared(Protocol):
    """What several runs spend from: see `pool.py`."""

    @property
    def remaining_seconds(self) -> float | None: ...

    def check(self) -> None: ...

    def out_of_time(self) -> LimitReached: ...

    async def room(self, who: int, question: int, model: object) -> int | None: ...

    def charge(self, usage: Usage) -> None: ...

    def release(self, who: int) -> None: ...


class Meter:
    """Counts one run's spending; its time runs from the moment the meter is made.

    A run that goes on has spent `usage`, `steps` and `seconds` before.

    Ask `check` before each step, `check_spending` and `room` before each model call.

    Args:
        shared: What the run spends from together with others, beside its own limits.
        whose: Who is refused, in the words of a refusal.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        *,
        usage: Usage | None = None,
        steps: int = 0,
        seconds: float = 0.0,
        shared: "Shared | None" = None,
        whose: str = "The run",
    ) -> None:
        self.limits = limits
        self.usage = usage or Usage()
        self.steps = steps
        self._clock = clock
        self._started = clock.monotonic() - seconds
        self.shared = shared
        self._whose = whose
        if shared is not None and usage is not None:
            shared.charge(usage)

    def charge(self, usage: Usage, *, steps: int = 0) -> None:
        """Add what a model call cost; or a part of the work, with the decisions it took."""
        self.usage += usage
        self.steps += steps
        if self.shared is not None:
            self.shared.charge(usage)
            self.shared.release(id(self))

    def step(self) -> None:
        """Count one decision."""
        self.steps += 1

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return self._clock.monotonic() - self._started

    @property
    def has_budget(self) -> bool:
        """There is a limit in tokens or dollars, of its own or shared, so that answers are to be bounded."""
        return self.shared is not None or self.limits.tokens is not None or self.limits.usd is not None

    @property
    def remaining_tokens(self) -> int | None:
        """Tokens left, 0 and above, or None for no limit."""
        return None if self.limits.tokens is None else max(0, self.limits.tokens - self.usage.tokens)

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds left, 0 and above, or None for no limit."""
        return None if self.limits.seconds is None else max(0.0, self.limits.seconds - self.seconds)

    async def room(self, question: int, model: object) -> int | None:
        """As `longest_answer`, and with what is shared: what the answer may cost at most is held there until the call is charged.

        Raises:
            LimitReached: As `longest_answer`.
        """
        own = self.longest_answer(question, model)
        if self.shared is None:
            return own
        theirs = await self.shared.room(id(self), question, model)
        return theirs if own is None else own if theirs is None else min(own, theirs)

    def left(self) -> Limits:
        """What is left of all of them, for somebody who does a part of the work.

        Raises:
            LimitReached: As `check`.
        """
        self.check()
        limits, spent = self.limits, self.usage.usd
        usd = None if limits.usd is None or spent is None else limits.usd - spent
        return replace(
            limits,
            steps=limits.steps - self.steps,
            seconds=self.remaining_seconds,
            tokens=self.remaining_tokens,
            usd=usd,
        )

    def longest_answer(self, question: int, model: object) -> int | None:
        """So many tokens may the answer to the next question have, 1 and above; None for no bound.

        Args:
            question: Its tokens, as far as one can tell.
            model: Who is asked. One that is `Priced` is held to the dollars that are left.

        Raises:
            LimitReached: The question alone would be more than what is left, or its price will never be known.
        """
        bounds: list[int] = []
        left = self.remaining_tokens
        if left is not None:
            if question >= left:
                raise LimitReached(
                    f"{self._whose} has {left} of {self.limits.tokens} tokens left, and the next question has about {question}.",
                    limit="tokens",
                )
            bounds.append(left - question)
        if self.limits.usd is not None and self.usage.usd is not None and isinstance(model, Priced):
            usd = self.limits.usd - self.usage.usd
            asked = model.usd_of(Usage(input_tokens=question))
            answered = model.usd_of(Usage(input_tokens=question, output_tokens=_MANY))
            if asked is None and not model.tells_usd:
                raise self._unpriced("the model")
            if asked is not None and answered is not None and answered > 0:
                each = (answered - asked) / _MANY
                if asked + each > usd:
                    raise LimitReached(
                        f"{self._whose} has ${usd:.6f} of ${self.limits.usd:g} left, and the next question alone costs about ${asked:.6f}.",
                        limit="usd",
                    )
                bounds += [int((usd - asked) / each)] if each > 0 else []
        return min(bounds, default=None)

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
            raise LimitReached(f"{self._whose} has taken {self.steps} of {self.limits.steps} steps.", limit="steps")
        self.check_spending()

    def check_spending(self) -> None:
        """Return if there are tokens, seconds and dollars left: ask before a model call within a step.

        Raises:
            LimitReached: As `check`, steps left aside. `PoolSpent` if it is what is shared.
        """
        if self.shared is not None:
            self.shared.check()
        limits = self.limits
        if limits.tokens is not None and self.usage.tokens >= limits.tokens:
            raise LimitReached(f"{self._whose} has used {self.usage.tokens} of {limits.tokens} tokens.", limit="tokens")
        if limits.seconds is not None and self.seconds >= limits.seconds:
            raise LimitReached(f"{self._whose} has taken {self.seconds:.1f} of {limits.seconds:g} seconds.", limit="seconds")
        if limits.usd is None:
            return
        if self.usage.usd is None:
            raise self._unpriced("a model call")
        if self.usage.usd >= limits.usd:
            raise LimitReached(f"{self._whose} has spent ${self.usage.usd:.4f} of ${limits.usd:g}.", limit="usd")

    def _unpriced(self, what: str) -> LimitReached:
        return LimitReached(
            f"The price of {what} is unknown, so the limit of ${self.limits.usd:g} can't be held. "
            "Limit tokens instead, or use a model whose price is known (the extra `prices` knows most).",
            limit="usd",
        )
