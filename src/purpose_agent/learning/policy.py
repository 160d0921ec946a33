"""The values learned from experience, as a hypothesis for the gate: "choosing by them, runs of this kind go better".

In:  how much an agent has experienced of a family, what was proposed before.
Out: a lesson of kind "tool_policy", or None.

It has no text for prompts: as long as it is promoted, or on trial, a run's options are ranked by value. The values go
on learning after it was promoted; the watch over promoted memories sends it back where its runs mostly fail.
"""

from collections.abc import Sequence

from purpose_agent.core.memory import POLICY, Lesson, Memory, Scope
from purpose_agent.learning.hypotheses import provenance_of
from purpose_agent.runtime.record import RunRow

FEWEST = 20
"""Episodes before values are proposed; after each proposal that came to nothing, twice as many."""


def propose_policy(run: RunRow, episodes: int, known: Sequence[Memory]) -> Lesson | None:
    """The values of the run's agent and family, if it is time to try them.

    Args:
        episodes: How many taught them.
        known: All memories of kind "tool_policy", whatever became of them.
    """
    scope = Scope((run.agent,), (run.family,) if run.family else ())
    before = [memory for memory in known if memory.lesson.scope == scope]
    if any(memory.status in ("candidate", "quarantined", "promoted") for memory in before):
        return None
    if episodes < FEWEST * 2 ** len(before):
        return None
    about = f"tasks of the family {run.family}" if run.family else "tasks without a family"
    then = f"In {about}, take the option from which earlier runs got most (values of {episodes} runs)."
    return Lesson(POLICY, "", then, provenance_of(run), scope)
