"""Whose run it is that shall go on, and whether a person's word can still count in it.

In:  the trace of a run; the council or the quorum that was asked to go on with it.
Out: nothing where it can; else why not.
"""

from collections.abc import Collection
from typing import Final, Literal, TypeAlias

from purpose_agent.agents.debate_question import is_asked
from purpose_agent.agents.quorum_escalation import outcome_in
from purpose_agent.agents.run_kind import kind_of
from purpose_agent.core.errors import CantResume, UsageError
from purpose_agent.runtime.events import PersonAnswered, RunStarted
from purpose_agent.runtime.trace import Trace

What: TypeAlias = Literal["council", "quorum"]
ROUNDS: Final = "rounds"
"""In the first state of a council; a quorum has none."""


def check_own(trace: Trace, what: What, name: str, members: Collection[str]) -> None:
    """Pass silently if it is a run of that council or quorum.

    Raises:
        CantResume: It is another one's, of other members, or none at all.
    """
    started = trace.of(RunStarted)[0]
    is_one = kind_of(started) == "flow" and isinstance(started.state.get("question"), dict)
    if not is_one or (ROUNDS in started.state) != (what == "council"):
        raise CantResume(f"{trace.run_id} is a run of {started.agent!r}, and no {what}'s; resume it with what began it.")
    if started.agent != name:
        raise CantResume(f"{trace.run_id} is a run of {started.agent!r}, not of {name!r}; resume it with that {what}.")
    kept = started.state.get("members")
    had = {str(each) for each in kept} if isinstance(kept, list) else {*members}  # early versions kept no names
    if had != {*members}:
        raise CantResume(
            f"{trace.run_id} is of {', '.join(sorted(had))}, and this {what} is of {', '.join(sorted(members))}. Make it with the members"
            " it began with."
        )


def check_decision(trace: Trace, decision: str, by: str, before: PersonAnswered | None) -> None:
    """Pass silently if the run waits for a person's decision.

    Args:
        before: What was said from outside, and not heard yet.

    Raises:
        UsageError: It is over, or waits for nothing, or for something else; or somebody was earlier.
    """
    said = f"resume({trace.run_id!r}, decision={decision!r}{f', by={by!r}' if by else ''})"
    outcome = outcome_in(trace.final_state.values)
    if outcome is not None:
        raise UsageError(
            f"{said}: the run is over: {outcome.status}, {outcome.why or 'for no reason it gave'}. It hears nothing more;"
            f" resume({trace.run_id!r}) gives what it came to, and run(...) asks anew."
        )
    if not is_asked(trace):
        end, still = trace.finished, trace.suspended
        told = f"{end.status}: {end.reason}" if end else f"{still.status}: {still.reason}" if still else "it is under way"
        raise UsageError(f"{said}: the run waits for no decision ({told}).")
    if before is not None:
        who = before.by or "a person"
        raise UsageError(f"{said}: {who} decided already, on {before.reason!r}. resume({trace.run_id!r}) goes on with that.")
