"""What options are worth, as past runs say: the port that decisions among listed options ask, and what it learns from."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from purpose_agent.core.task import Task


@dataclass(frozen=True, slots=True)
class Ranked:
    """One option, and what is known of it.

    Attributes:
        value: Expected return of taking it, in the world's own units of reward; for a choice, 0 to 1.
        deviation: Standard deviation of its difference from other options, 0 and above: how little is known.
        sources: Ids of the runs that taught most of it; () if nothing did.
        taken: Some run has taken this very option, in whatever situation; if not, it is known by likeness alone.
        mean: `value` without what was drawn; None: nothing was.
        usual: What is expected whatever is taken.
    """

    option: str
    value: float
    deviation: float
    sources: tuple[str, ...] = ()
    taken: bool = False
    mean: float | None = None
    usual: float = 0.0

    @property
    def expected(self) -> float:
        """The mean, or the value where nothing was drawn."""
        return self.value if self.mean is None else self.mean


@dataclass(frozen=True, slots=True)
class Experienced:
    """One decision among options, and the reward that came at once.

    Attributes:
        situation: What there was to see before it.
        reward: The world's own.
        options: What could have been done; () where that is not known.
        goals: Goals, in words, that were fulfilled after it, as far as the world can tell.
        shaping: What is added to the reward before it is learned from, so that progress counts at once.
    """

    situation: str
    option: str
    reward: float
    options: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    shaping: float = 0.0


@dataclass(frozen=True, slots=True)
class Episode:
    """The decisions of one run, in order.

    Attributes:
        run_id: The run they were taken in.
        success: None if nobody judged.
        apart: Its steps are alternatives, each judged by itself, and no sequence.
    """

    run_id: str
    goal: str
    family: str
    steps: tuple[Experienced, ...]
    success: bool | None = None
    apart: bool = False


def owner_of(agent: str, user: str) -> str:
    """Under which name the values are kept that `agent` learned while it worked for `user`: apart from those of all others.

    Args:
        user: "" for nobody in particular; that is the agent's own name.
    """
    # No name that anybody gives has this character: "clerk" for "ann" is not an agent called "clerk for ann".
    return f"{agent}\x1f{user}" if user else agent


class Values(Protocol):
    """Ranks options by what earlier runs got from such options in such situations."""

    def rank(
        self,
        task: Task,
        agent: str,
        situation: str,
        options: Sequence[str],
        past: Sequence[Experienced],
        *,
        draws: random.Random,
    ) -> Sequence[Ranked]:
        """One for each of `options`, in any order; () if nothing is known of this kind of task.

        Args:
            situation: What there is to see; of a task with choices, its goal and inputs as `memory.rules` has them.
            past: What was decided so far in this run, oldest first.
            draws: Values are drawn from what they may be (Thompson sampling): what is little known gets its chance.
        """
        ...
