"""What learning and measuring may cost together, and what they have cost so far.

In:  a number of runs or of tokens; the usage of what was done.
Out: whether there is room for more.

A budget is looked at between runs: the last one may go a little beyond its tokens. What one run may spend is a matter
of its limits.
"""

import re
from dataclasses import dataclass, field

from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_whole
from purpose_agent.core.model import Usage
from purpose_agent.runtime.events import Event, ModelCalled

_WORDS = re.compile(r"\s*([\d_,]+)\s*(k|m)?\s*(runs?|tokens?)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many runs, and so many tokens, read and written together; None is no limit.

    A question to a critic about a run whose outcome is known counts as a run.
    """

    runs: int | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("runs", self.runs), ("tokens", self.tokens)):
            check_whole(f"Budget({name}={value!r})", value, least=0, none="no limit")

    @classmethod
    def parse(cls, text: str, *, unit: str) -> "Budget":
        """Read "200 runs", "50k tokens"; a bare number counts `unit`, "runs" or "tokens".

        Raises:
            UsageError: It is none of these, or nought.
        """
        found = _WORDS.fullmatch(text)
        digits = re.sub(r"[_,]", "", found[1]) if found else ""
        if digits and not int(digits):
            raise UsageError(f"A budget of {text!r} leaves nothing to be done: give 1 or more, or leave it out for no limit.")
        if found is None or not digits:
            raise UsageError(f"A budget of {text!r} can't be read. Write for example '200 runs' or '50000 tokens'.")
        number = int(digits) * {"": 1, "k": 1_000, "m": 1_000_000}[(found[2] or "").lower()]
        return cls(runs=number) if (found[3] or unit).lower().startswith("run") else cls(tokens=number)

    def part(self, share: float) -> "Budget":
        """A share of it, 0 to 1, rounded down."""
        return Budget(*(None if each is None else int(each * share) for each in (self.runs, self.tokens)))

    def less(self, runs: int, tokens: int) -> "Budget":
        """What is left of it when that is spent; 0 where nothing is."""
        return Budget(
            None if self.runs is None else max(0, self.runs - runs),
            None if self.tokens is None else max(0, self.tokens - tokens),
        )

    def __str__(self) -> str:
        parts = [f"{value:,} {name}" for name, value in (("runs", self.runs), ("tokens", self.tokens)) if value is not None]
        return " and ".join(parts) or "no limit"


@dataclass(slots=True)
class Purse:
    """A budget and what has been taken from it. One owner: whoever spends."""

    budget: Budget = field(default_factory=Budget)
    runs: int = 0
    usage: Usage = field(default_factory=Usage)

    def pay(self, usage: Usage, *, runs: int = 0) -> None:
        """Take that from it, whether there is room or not: it has been spent already."""
        self.runs += runs
        self.usage += usage

    def has_room(self, *, runs: int = 0) -> bool:
        """There are so many runs left, and a token at least."""
        budget = self.budget
        return (budget.runs is None or self.runs + runs <= budget.runs) and (
            budget.tokens is None or self.usage.tokens < budget.tokens
        )

    @property
    def left(self) -> Budget:
        """What may still be spent."""
        return self.budget.less(self.runs, self.usage.tokens)

    def listen(self, event: Event) -> None:
        """A listener: pays each model call as it happens."""
        if isinstance(event.payload, ModelCalled):
            self.pay(event.payload.usage)
