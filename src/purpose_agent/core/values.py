"""What options are worth, as past runs say: the port that decisions among listed options ask."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from purpose_agent.core.task import Task


@dataclass(frozen=True, slots=True)
class Ranked:
    """One option, and what is known of it.

    Attributes:
        value: Expected return of taking it, in the world's own units of reward; for a choice, 0 to 1.
        deviation: Standard deviation of `value`, 0 and above: how little is known.
        sources: Ids of the runs that taught it; () if it is known only by likeness.
    """

    option: str
    value: float
    deviation: float
    sources: tuple[str, ...] = ()


class Values(Protocol):
    """Ranks options by what earlier runs got from such options in such situations."""

    def rank(
        self,
        task: Task,
        agent: str,
        situation: str,
        options: Sequence[str],
        tried: Mapping[str, int],
        *,
        explore: random.Random | None,
    ) -> Sequence[Ranked]:
        """One for each of `options`, in any order; () if nothing is known of this kind of task.

        Args:
            situation: What there is to see; of a task with choices, its goal and inputs as `memory.rules` has them.
            tried: Option → how often it was already taken in this situation in this run; those never taken are left out.
            explore: To draw values from what they may be, instead of their means; None: the means.
        """
        ...
