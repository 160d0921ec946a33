"""What the parts are told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured.

    Attributes:
        quick: A little of everything, to see that it runs.
    """

    quick: bool = False

    def of(self, full: int, quick: int) -> int:
        """How many."""
        return quick if self.quick else full
