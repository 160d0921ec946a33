"""What a memory is worth, in words: the difference that its runs show beside those that a coin left without it."""

from collections.abc import Sequence
from dataclasses import dataclass

from purpose_agent.core.exposure import Exposure
from purpose_agent.core.memory import Memory
from purpose_agent.evals.randomised import confidence_sequence
from purpose_agent.memory.credit import Credit, credit_of


@dataclass(frozen=True, slots=True)
class Worth:
    """What judged runs say of a memory, in its present status.

    Attributes:
        interval: Where its effect lies, −1 to 1, with 95 % confidence however often one looks; None if no run was without it.
    """

    credit: Credit
    interval: tuple[float, float] | None = None

    @property
    def text(self) -> str:
        """One line: "+23 points (−2 to +41) over 57 runs, 4 of them without it"."""
        credit = self.credit
        if credit.effect is None or self.interval is None:
            if not credit.used:
                return "not known yet: no judged run had it"
            return f"not known yet: {credit.helped} of {credit.used} judged runs with it succeeded, and none was without it"
        low, high = (_points(bound) for bound in self.interval)
        runs = credit.used + credit.withheld
        return f"{_points(credit.effect)} points ({low} to {high}) over {runs} runs, {credit.withheld} of them without it"


def worth_of(memory: Memory, exposures: Sequence[Exposure]) -> Worth:
    """What `memory` is worth.

    Args:
        exposures: Of its present version, oldest first.
    """
    credit = credit_of(memory, exposures)
    return Worth(credit, confidence_sequence(exposures) if credit.effect is not None else None)


def _points(share: float) -> str:
    return f"{round(100 * share):+d}".replace("-", "−")
