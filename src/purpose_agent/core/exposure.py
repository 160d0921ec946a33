"""One memory and one run that could have had it: whether it did, and by which chance."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exposure:
    """A run for which a memory was recalled.

    Attributes:
        version: Of the memory then; each change of its status is a new one.
        shown: The run had it; False: a coin withheld it.
        share: The probability with which it was shown, above 0; 1: no coin was thrown.
        run_id: The run, once it has an id.
        success: How the run ended; None before that, and where nobody judged.
    """

    memory_id: str
    version: int
    shown: bool
    share: float = 1.0
    run_id: str = ""
    success: bool | None = None
