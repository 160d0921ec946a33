"""Earlier plans of a run, from its events.

In:  a run.
Out: which calls a plan may use and what they gave; which calls need not be made again; how many plans failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from purpose_agent.core.action import Observation, ToolUse
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.engine.run import Run
from purpose_agent.runtime.events import ActionDecided, CallPlanned, PersonAsked, ToolReturned
from purpose_agent.tools.plan import Plan, PlannedCall, number_of, same_call

CUT_OFF: Final = "The plan was cut off while it was being written."
"""The thought of such a plan."""


@dataclass(slots=True)
class Past:
    """Earlier plans of the run.

    Attributes:
        known: Their calls by number: their ids.
        made: What calls with these words gave, one after the other, if the last plan failed or was cut off.
        failed: How many of the plans failed.
    """

    known: dict[int, str] = field(default_factory=dict[int, str])
    seen: dict[str, Observation] = field(default_factory=dict[str, Observation])
    made: dict[str, list[Observation]] = field(default_factory=dict[str, list[Observation]])
    failed: int = 0

    def take(self, call: ToolCall) -> Observation | None:
        """What a call with these words gave that no call of this plan has been given; None: it has to be made."""
        left = self.made.get(same_call(call), [])
        return left.pop(0) if left else None

    def given(self, call: ToolCall, seen: Observation) -> None:
        """A call of this plan was given that before the run was interrupted."""
        left = self.made.get(same_call(call), [])
        same = next((each for each in left if (each.content, each.origin) == (seen.content, seen.origin)), None)
        if same is not None:
            left.remove(same)


def past_of(run: Run) -> Past:
    """Earlier plans of the run, from its events."""
    by_step: dict[int, list[ToolCall]] = {}
    whole: set[int] = set()
    past = Past()
    for event in run.bus.events:
        match event.payload:
            case CallPlanned(call=call) if event.step < run.step:
                by_step.setdefault(event.step, []).append(call)
            case ToolReturned(observation=seen) if event.step < run.step:
                past.seen[seen.call_id] = seen
            case ActionDecided(action=ToolUse(thought=thought)) if thought != CUT_OFF:
                whole.add(event.step)
            case _:
                pass
    for step, calls in by_step.items():
        plan = Plan(step, past.known, past.seen, run.uncut)
        for call in calls:
            plan.put(number_of(call.id), call)
        failed = not all(past.seen[call.id].ok for call in calls)
        past.failed += failed
        if not failed and step in whole:
            past.made.clear()
            continue
        again: dict[str, list[Observation]] = {}
        for planned in plan.calls.values():
            # Of what only a part is known is made again, whoever asks: else its users would never get the whole.
            seen = past.seen[planned.call.id]
            if seen.ok and (not seen.truncated or seen.call_id in run.uncut) and not plan.parts(planned):
                again.setdefault(same_call(filled_in(run, plan, planned)), []).append(seen)
        # Those that were given what earlier ones gave stand in their places.
        for words, gave in again.items():
            past.made[words] = gave + past.made.get(words, [])[len(gave) :]
    return past


def asked_with(run: Run, call_id: str) -> Mapping[str, Json] | None:
    """The arguments that a person was last asked about, whole where results they are made of are not; None: nobody was asked."""
    for event in reversed(run.bus.events):
        if isinstance(event.payload, PersonAsked) and event.payload.call_id == call_id:
            return event.payload.arguments
    return None


def filled_in(run: Run, plan: Plan, planned: PlannedCall) -> ToolCall:
    """The call with the results that it uses."""
    tool = run.setup.tools.tools.get(planned.call.name)
    return plan.filled(planned, tool.spec.parameters if tool is not None else {})
