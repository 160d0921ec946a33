"""The values learned from experience, as a hypothesis for the gate: "choosing by them, runs of this kind go better".

In:  how much an agent has experienced of a family, what was proposed before.
Out: a lesson of kind "tool_policy", or None.

It has no text for prompts: as long as it is promoted, or on trial, a run's options are ranked by value. The values go
on learning after it was promoted; the watch over promoted memories sends it back where its runs go worse than without.

An agent without a model explores by its values before the gate has seen them. Once they were rejected, or a person
archived them, it plays at random instead, and goes on learning from that; with the next proposal it explores again.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from purpose_agent.core.memory import POLICY, JournalEntry, Lesson, Memory, Scope
from purpose_agent.core.origin import Taint
from purpose_agent.learning.hypotheses import provenance_of, scope_of
from purpose_agent.runtime.record import RunRow

FEWEST = 20
"""Episodes before values are proposed; after each proposal that came to nothing, twice as many."""
FEWEST_TOLD = 10
"""The same where each run tells what they would choose: their trial costs nothing, and begins with the first that does."""


Journal = Callable[[str], Sequence[JournalEntry]]
"""The id of a memory → what happened to it, oldest first."""


def propose_policy(
    run: RunRow, episodes: int, known: Sequence[Memory], journal: Journal, *, told: bool = False
) -> Lesson | None:
    """The values of the run's agent and family, if it is time to try them.

    Args:
        episodes: How many taught them.
        known: All memories of kind "tool_policy", whatever became of them; oldest first.
        told: Whether the run told what values would have chosen in it.
    """
    before = policies_of(known, run.agent, run.family, run.task.user)
    if any(memory.status in ("candidate", "quarantined", "promoted") for memory in before):
        return None
    if episodes < (FEWEST_TOLD if told else FEWEST) * 2 ** len(before):
        return None
    about = f"tasks of the family {run.family}" if run.family else "tasks without a family"
    then = f"In {about}, take the option from which earlier runs got most (values of {episodes} episodes at first)."
    # Runs that were played at random are no test of values.
    since = "" if may_explore(before, journal) else run.id
    # Numbers that checks or a world gave, and no text of what the run read: they are the agent's own.
    return Lesson(POLICY, "", then, replace(provenance_of(run, Taint()), since=since), scope_of(run))


def may_explore(known: Sequence[Memory], journal: Journal) -> bool:
    """Whether an agent without a model may use values that are not promoted, to learn.

    Args:
        known: The policies of its name and the family; oldest first.
    """
    if not known:
        return True
    newest = known[-1]
    if newest.status == "archived":
        return [entry.actor for entry in journal(newest.id) if entry.to_status == "archived" != entry.from_status][
            -1
        ] != "person"
    return newest.status != "rejected"


def policies_of(known: Sequence[Memory], agent: str, family: str, user: str) -> list[Memory]:
    """Those of `known` about the tasks of that agent, family and user, in their order."""
    scope = Scope((agent,), (family,) if family else (), (user,) if user else ())
    return [memory for memory in known if memory.lesson.scope == scope]
