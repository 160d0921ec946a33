"""A run hears what people said to it from outside: before each step, and when it is resumed.

In:  what was said (`runtime/controls.py`), the run.
Out: events of the run, what they change in it, and where it stops.

Answers are heard if they were asked for: the first one to each question counts. A lesson that is in use is in the conversation from
the next step on. Whoever calls this saves the events, and marks what was said as heard, in one transaction; also if it stops.
"""

from collections.abc import Sequence
from typing import assert_never

from purpose_agent.engine.permission import heard_of
from purpose_agent.engine.run import Run, Suspended
from purpose_agent.runtime.controls import Abort, Control, Pause
from purpose_agent.runtime.events import LessonInjected, Payload, PersonAnswered, PersonAsked, ScoreOverridden


class Stopped(Exception):
    """A person ended the run; the runner closes it as cancelled, with that reason.

    Args:
        by: Who did, as the run's end says it.
    """

    def __init__(self, reason: str, *, by: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.by = by


def heed(run: Run, controls: Sequence[Control], *, resuming: bool = False) -> None:
    """Hear all of it, oldest first, and stop only then.

    Args:
        resuming: The run goes on just now. Pauses from before are over, and lessons that it had been given are seen to.

    Raises:
        Stopped: A person ended it.
        Suspended: A person paused it.
    """
    if resuming:
        for event in run.bus.events:
            if isinstance(event.payload, LessonInjected):
                _learn(run, event.payload)
    ends: Abort | None = None
    pauses: Pause | None = None
    for control in controls:
        match control.said:
            case PersonAnswered():
                _answered(run, control.said)
            case ScoreOverridden(step=step, phi=phi):
                _tell(run, control.said, step)
                run.phi = phi if step == run.step else run.phi
            case LessonInjected():
                run.publish(control.said)
                _learn(run, control.said)
            case Pause():
                pauses = control.said
            case Abort():
                ends = control.said
            case _:
                assert_never(control.said)
    if ends is not None:
        raise Stopped(ends.words, by=ends.who)
    if pauses is not None and not resuming:
        raise Suspended(pauses.words, status="paused")


def _answered(run: Run, answer: PersonAnswered) -> None:
    if not heard_of(run.bus.events, answer.call_id).is_open:
        return  # nobody asked, or somebody was quicker
    asked = [
        event.step
        for event in run.bus.events
        if isinstance(event.payload, PersonAsked) and event.payload.call_id == answer.call_id
    ]
    # Of the step that asked: it is not complete, and all of it is read again when the run is resumed once more.
    _tell(run, answer, asked[-1])


def _learn(run: Run, lesson: LessonInjected) -> None:
    recalled = {each.memory_id for each in run.recalled.memories}
    if lesson.status == "promoted" and lesson.memory_id not in recalled:
        run.context.add_note(lesson.text)


def _tell(run: Run, payload: Payload, step: int) -> None:
    run.bus.publish(payload, lane=run.setup.agent, step=step)
