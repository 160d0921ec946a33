"""A run as its events tell it, and the same events as lines of JSON.

In:  events, from the database, from a file, or from a run that is still going.
Out: steps, states, usage: everything here is derived, nothing is stored twice.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from purpose_agent.core.action import Action, Observation, ToolUse
from purpose_agent.core.codec import from_json, storable, to_json
from purpose_agent.core.errors import UsageError, WorkspaceError
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Usage
from purpose_agent.core.score import Score
from purpose_agent.core.secrets import json_without_secrets
from purpose_agent.core.state import State
from purpose_agent.runtime.events import (
    PAYLOADS,
    ActionDecided,
    CheckpointSaved,
    Event,
    ModelCalled,
    Payload,
    RunFinished,
    RunResumed,
    RunStarted,
    RunSuspended,
    StateChanged,
    StepScored,
    ToolReturned,
)

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Step:
    """One step, put together from its events.

    Attributes:
        index: From 1.
        action: What was decided; None if the step was cut off before that.
        observations: What the tools gave back, in the order of the calls.
        score: The last judgement of the step, or None.
        usage: Of the model calls made for it.
    """

    index: int
    before: State
    action: Action | None
    observations: tuple[Observation, ...]
    after: State
    score: Score | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class Trace:
    """The events of one run, in order; complete up to where they end, whether or not the run has finished.

    Attributes:
        events: At least one.
        left_out: Events of kinds that this version doesn't know; a newer one wrote them.
    """

    events: tuple[Event, ...]
    left_out: int = 0

    def __post_init__(self) -> None:
        if not self.events:
            raise UsageError("Trace(events=()): a trace has at least the event that began the run.")

    @property
    def run_id(self) -> str:
        """The run they belong to."""
        return self.events[0].run_id

    def of(self, kind: type[P]) -> tuple[P, ...]:
        """The payloads of one kind, in order: `trace.of(ModelCalled)`."""
        return tuple(event.payload for event in self.events if isinstance(event.payload, kind))

    @property
    def end(self) -> RunFinished | RunSuspended | None:
        """How it ended, or why it stands still; None if it is under way, as far as is known, or its process died."""
        for event in reversed(self.events):
            match event.payload:
                case RunFinished() | RunSuspended() as end:
                    return end
                case RunResumed():
                    return None
                case _:
                    pass
        return None

    @property
    def finished(self) -> RunFinished | None:
        """How it ended, or None if it has not, or goes on again."""
        return end if isinstance(end := self.end, RunFinished) else None

    @property
    def suspended(self) -> RunSuspended | None:
        """Why it stands still, or None if it does not."""
        return end if isinstance(end := self.end, RunSuspended) else None

    @property
    def stopped_as(self) -> Literal["suspended", "died"]:
        """What a `RunResumed` after these events says of them."""
        return "suspended" if self.suspended is not None else "died"

    @property
    def final_state(self) -> State:
        """The state after the last event."""
        return folded(State(), self.events)

    @property
    def usage(self) -> Usage:
        """What the run cost: its own and its members' calls once it has finished, its own so far until then.

        Reflection on a finished run is not counted.
        """
        return self.finished.usage if self.finished else _usage(self.events)

    def steps(self) -> tuple[Step, ...]:
        """The steps, first one first."""
        by_step: dict[int, list[Event]] = {}
        for event in self.events:
            by_step.setdefault(event.step, []).append(event)
        state = folded(State(), by_step.pop(0, ()))
        steps: list[Step] = []
        for index in sorted(by_step):
            step = _step(index, state, by_step[index])
            steps.append(step)
            state = step.after
        return tuple(steps)

    def to_jsonl(self) -> str:
        """One event a line, each line ended."""
        return "".join(f"{event_to_json(event)}\n" for event in self.events)

    @classmethod
    def from_jsonl(cls, text: str | bytes) -> "Trace":
        """The inverse of `to_jsonl`. A last line that was cut off while being written is left out.

        Raises:
            WorkspaceError: Any other line is no event, or there is none, or they are of several runs.
        """
        data = text.encode() if isinstance(text, str) else text
        *lines, torn = data.split(b"\n")
        events: list[Event] = []
        left_out = 0
        for number, line in enumerate(lines, start=1):
            event = _event_from_line(line, number)
            if event is None:
                left_out += 1
            else:
                events.append(event)
        if torn and _is_json(torn):
            event = _event_from_line(torn, len(lines) + 1)
            events.extend([event] if event else [])
            left_out += event is None
        if len({event.run_id for event in events}) != 1:
            raise WorkspaceError(
                f"A trace holds the events of one run; this one holds {len(events)} events of several or none."
            )
        return cls(tuple(events), left_out)


def event_to_json(event: Event) -> str:
    """One event on one line."""
    envelope = {
        "id": event.id,
        "run_id": event.run_id,
        "seq": event.seq,
        "at": time_to_text(event.at),
        "lane": event.lane,
        "step": event.step,
        "visibility": event.visibility,
        "parent": event.parent,
        "version": event.version,
    }
    return f'{storable(json.dumps(envelope, ensure_ascii=False))[:-1]}, "payload": {payload_to_json(event.payload)}}}'


def payload_to_json(payload: Payload) -> str:
    """A payload as JSON text, a mark in the place of each secret: what is kept of a run goes through here."""
    # By its own class, not as the union: nothing has to be tried.
    text = to_json(type(payload), payload)
    return text if _says_nothing(payload) else json_without_secrets(text)


def _says_nothing(payload: Payload) -> bool:
    """Numbers, and names that we gave: nothing in it that anybody said."""
    match payload:
        case ModelCalled(error="", message=None) | CheckpointSaved(last_problem=""):
            return True
        case _:
            return False


def time_to_text(at: datetime) -> str:
    """A time as stored: texts sort as the times do."""
    return at.isoformat(timespec="microseconds")


def _event_from_line(line: bytes, number: int) -> Event | None:
    """One event; None if its kind is not known here."""
    try:
        if json.loads(line)["payload"]["kind"] not in PAYLOADS:
            return None
        return from_json(Event, line)
    # ValueError: not JSON, not UTF-8, or not the event it says it is (pydantic's is one, too).
    except (ValueError, TypeError, LookupError) as error:
        raise WorkspaceError(f"Line {number} of the trace is no event: {error}") from error


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def folded(state: State, events: Iterable[Event]) -> State:
    """`state` after `events`."""
    values: dict[str, Json] = dict(state.values)
    for event in events:
        match event.payload:
            case RunStarted(state=first):
                values = dict(first)
            case StateChanged(values=changed, removed=removed):
                values = {name: value for name, value in {**values, **changed}.items() if name not in removed}
            case _:
                pass
    return State(values)


def by_call(action: ToolUse, observations: Iterable[Observation]) -> tuple[Observation, ...]:
    """What came back of the calls of a decision, in their order: calls that run side by side come back in any."""
    places = {call.id: place for place, call in enumerate(action.calls)}
    return tuple(sorted(observations, key=lambda seen: places.get(seen.call_id, len(places))))


def _usage(events: Iterable[Event]) -> Usage:
    """What the model calls among `events` cost."""
    return sum((event.payload.usage for event in events if isinstance(event.payload, ModelCalled)), Usage())


def _step(index: int, before: State, events: Sequence[Event]) -> Step:
    action: Action | None = None
    score: Score | None = None
    observations: list[Observation] = []
    for event in events:
        match event.payload:
            case ActionDecided():
                action = event.payload.action
            case ToolReturned():
                observations.append(event.payload.observation)
            case StepScored():
                score = event.payload.score
            case _:
                pass
    seen = by_call(action, observations) if isinstance(action, ToolUse) else tuple(observations)
    return Step(index, before, action, seen, folded(before, events), score, _usage(events))
