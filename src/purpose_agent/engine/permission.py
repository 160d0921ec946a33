"""Whether a call may be carried out: its policy, what the run has read, and what a person says.

In:  one call, the run it was decided in.
Out: the call as it may be carried out; or an observation, which its model is told instead; or a question that nobody has answered.

A tool declares what it does to the world (`Tool.effects`). As long as a run has read nothing but its person's words and
lessons that checks verified, such a call is carried out, unless the agent's approvals say otherwise. Once it has read anything
else, a person must allow each one, whatever the approvals say. Looked at is the run as a whole, not the words of the call: nobody
can tell which sentence moved a model.

What people have said is read from the run's events, so that an answer counts for the question it was given to: not for
another call's, and not for the same call's after it has begun once more. Not here: carrying out (`capability.py`).
"""

import inspect
import json
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never, cast

from purpose_agent.core.action import Observation
from purpose_agent.core.approval import (
    Answer,
    ApprovalRequest,
    Approve,
    Approver,
    Done,
    Edit,
    Later,
    Policy,
    Reject,
    as_answer,
    policy_of,
)
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.core.origin import Origin, Taint, lowest
from purpose_agent.core.secrets import mark
from purpose_agent.core.tool import Effect
from purpose_agent.engine.run import Run
from purpose_agent.runtime.events import (
    ActionDecided,
    CallApproved,
    CallRefused,
    Event,
    PersonAnswered,
    PersonAsked,
    RunResumed,
    ToolReturned,
    ToolStarted,
)

LEAST: Final[Origin] = "self_verified"
"""The lowest origin that may decide a sensitive call alone."""

GATE: Final = "capability gate"
"""The source of what is said of a refused call."""
PERSON: Final = "person"
"""The source of what a person says that a call gave."""

MARK: Final = mark("")[:-1]
"""How the mark begins that the record has in the place of a secret."""

DOES: Final[dict[Effect, str]] = {
    "send": "sends something",
    "pay": "moves money",
    "delete": "deletes something",
    "write": "writes outside of the workspace",
    "network": "reaches another host",
    "settings": "changes settings",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """What a run's events say of one call.

    Attributes:
        question: Asked since the call last began, or None.
        answer: To that question, or None.
        edited: The arguments of an edit with which the call has begun, or None.
    """

    question: PersonAsked | None = None
    answer: PersonAnswered | None = None
    edited: Mapping[str, Json] | None = None

    @property
    def is_open(self) -> bool:
        """A person has to say something."""
        return self.question is not None and self.answer is None


def heard_of(events: Sequence[Event], call_id: str) -> Heard:
    """What was asked about a call, and said. The first answer to a question counts; one without a question does not."""
    heard = Heard()
    for event in events:
        match event.payload:
            case PersonAsked(call_id=about) if about == call_id:
                heard = Heard(event.payload, None, heard.edited)
            case PersonAnswered(call_id=about) if about == call_id and heard.is_open:
                heard = replace(heard, answer=event.payload)
            case ToolStarted(call_id=about) if about == call_id:
                answer = heard.answer
                edited = answer.arguments if answer is not None and answer.verdict == "edited" else heard.edited
                heard = Heard(edited=edited)
            case ToolReturned(observation=seen) if seen.call_id == call_id:
                heard = Heard(edited=heard.edited)
            case _:
                pass
    return heard


def may_decide(taint: Taint) -> bool:
    """Whether a run of that taint may carry out sensitive calls by itself."""
    return lowest(taint.origin, LEAST) == LEAST


async def permission(run: Run, call: ToolCall) -> ToolCall | Observation | PersonAsked:
    """What becomes of a call: the call to carry out, what is told of it instead, or the question that it waits for.

    Raises:
        UsageError: An approval policy or an approver gave something that it can't give.
    """
    heard = Heard()
    if _is_from_record(run):
        if MARK in json.dumps(dict(call.arguments), ensure_ascii=False, default=str):
            return _told(call, "Its arguments held a key or a password, which no record keeps: write the call again.")
        heard = heard_of(run.bus.events, call.id)
        if heard.edited is not None:
            call = replace(call, arguments=heard.edited, problem=None)
    if call.id in run.in_flight:
        return call if run.setup.tools.is_idempotent(call.name) else await _after_interruption(run, call, heard)
    return await _before_it_begins(run, call, heard)


async def _before_it_begins(run: Run, call: ToolCall, heard: Heard) -> ToolCall | Observation | PersonAsked:
    setup, effects, taint = run.setup, run.setup.tools.effects(call.name), run.taint
    tainted = bool(effects) and not may_decide(taint)
    policy: Policy = "auto"
    if setup.approvals or tainted:
        fitting = setup.tools.fitting(call)
        if isinstance(fitting, Observation):
            return fitting  # it can't be called like that: nobody need be asked
        policy = policy_of(setup.approvals, call.name, fitting)
    if policy == "deny":
        return _refused(run, call, "This agent may not make that call.", "Do not try it again.")
    if not tainted and policy == "auto" and heard.question is None:
        return call
    why = _why(call.name, effects, taint) if tainted else _asks(call.name, effects)
    request = ApprovalRequest(call, effects, taint.origin, taint.source, why)
    # Trials and evaluations can't stand still: their runs are over when they return.
    may_wait = run.mode == "learning" and (policy == "ask" or setup.approve is not None or heard.question is not None)
    answer = await _answer(run, request, heard, waits=may_wait)
    if isinstance(answer, PersonAsked):
        return answer
    if isinstance(answer, Later):
        return _refused(
            run, call, why, "Nobody is there to allow it. Do not try it again: finish without it, and say what is left to do."
        )
    return _decided(run, request, answer)


async def _after_interruption(run: Run, call: ToolCall, heard: Heard) -> ToolCall | Observation | PersonAsked:
    """It had begun, and twice may be once too often: a person says what became of it."""
    why = f"{call.name} had begun when the run was interrupted, and nobody knows whether it was carried out."
    taint = run.taint
    request = ApprovalRequest(call, run.setup.tools.effects(call.name), taint.origin, taint.source, why, in_flight=True)
    answer = await _answer(run, request, heard, waits=True)
    if isinstance(answer, PersonAsked):
        return answer
    return _decided(run, request, answer)


async def _answer(run: Run, request: ApprovalRequest, heard: Heard, *, waits: bool) -> Answer | PersonAsked:
    """What the person said; the question if the run waits for that."""
    call = request.call
    if heard.answer is not None:
        return _said(heard.answer)
    question = heard.question or PersonAsked(call.id, call.name, call.arguments, request.why, request.in_flight)
    if heard.question is None and (run.setup.approve is not None or waits):
        run.publish(question)
    answer: Answer = Later()
    if run.setup.approve is not None:
        run.save()  # they may take their time, and others may look at what is asked
        answer = await _asked(run.setup.approve, request)
        if not isinstance(answer, Later):
            run.publish(_as_event(call.id, answer))
    return question if isinstance(answer, Later) and waits else answer


def _decided(run: Run, request: ApprovalRequest, answer: Answer) -> ToolCall | Observation:
    call = request.call
    match answer:
        case Approve() | Edit():
            run.publish(CallApproved(call.id, call.name, request.effects, request.origin, request.source))
            return call if isinstance(answer, Approve) else replace(call, arguments=answer.arguments, problem=None)
        case Done(result=result):
            return Observation(call.id, call.name, result, True, 0.0, origin="user", source=PERSON)
        case Reject(why=reason):
            no = "The person who was asked said no" + (f", because: {reason}" if reason else ". Do not try it again.")
            return _refused(run, call, request.why, no, origin="user" if reason else "operator")
        case Later():
            raise AssertionError("whoever can't wait is told no by the caller")
        case _:
            assert_never(answer)


def _refused(run: Run, call: ToolCall, why: str, answer: str, *, origin: Origin = "operator") -> Observation:
    effects, taint = run.setup.tools.effects(call.name), run.taint
    run.publish(CallRefused(call.id, call.name, effects, taint.origin, taint.source, f"{why} {answer}"))
    return _told(call, f"{why} {answer}", origin=origin)


def _told(call: ToolCall, why: str, *, origin: Origin = "operator") -> Observation:
    return Observation(call.id, call.name, f"Refused. {why}", False, 0.0, origin=origin, source=GATE)


def _why(name: str, effects: Sequence[Effect], taint: Taint) -> str:
    source = " ".join(taint.source.split())[:200]
    read = f"{taint.origin}{f' ({source})' if source else ''}"
    return f"{name} {_does(effects)}, and this run has read what comes from {read}; only a person may allow that."


def _asks(name: str, effects: Sequence[Effect]) -> str:
    return f"{name}{f' {_does(effects)}, and' if effects else ''} is carried out only if a person allows it."


def _does(effects: Sequence[Effect]) -> str:
    return " and ".join(DOES[effect] for effect in effects)


def _is_from_record(run: Run) -> bool:
    """The step's decision was made before the run was resumed."""
    for event in reversed(run.bus.events):
        if isinstance(event.payload, ActionDecided) and event.step == run.step:
            return False
        if isinstance(event.payload, RunResumed):
            return True
    return False


def _said(answer: PersonAnswered) -> Answer:
    match answer.verdict:
        case "approved":
            return Approve()
        case "edited":
            return Edit(answer.arguments or {})
        case "rejected":
            return Reject(answer.reason)
        case "done":
            return Done(answer.reason)
        case _:
            assert_never(answer.verdict)


def _as_event(call_id: str, answer: Approve | Edit | Reject | Done) -> PersonAnswered:
    match answer:
        case Approve():
            return PersonAnswered(call_id, "approved")
        case Edit(arguments=arguments):
            return PersonAnswered(call_id, "edited", arguments)
        case Reject(why=why):
            return PersonAnswered(call_id, "rejected", reason=why)
        case Done(result=result):
            return PersonAnswered(call_id, "done", reason=result)
        case _:
            assert_never(answer)


async def _asked(approve: Approver, request: ApprovalRequest) -> Answer:
    if inspect.iscoroutinefunction(approve):
        said: object = await cast("Awaitable[object]", approve(request))
    else:
        import anyio.to_thread

        said = await anyio.to_thread.run_sync(approve, request, abandon_on_cancel=True)
        if inspect.isawaitable(said):
            said = await cast("Awaitable[object]", said)
    return as_answer(said, request.call.name)
