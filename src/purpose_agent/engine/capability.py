"""The gate before a call is carried out: what others wrote does not decide what is sent, paid or deleted.

In:  the calls of one decision, the run they were decided in, whoever is asked to allow them.
Out: an observation for each: of the tool if it was called, of this gate if it was refused.

A tool declares what it does to the world (`Tool.effects`). As long as a run has read nothing but its person's words and
lessons that checks verified, such a call is carried out. Once it has read anything else, a person must allow each one;
where there is nobody to ask, it is refused. Looked at is the run as a whole, not the words of the call: nobody can tell
which sentence moved a model.

Does not stop: a tool that does more than it declares; harm that an answer does to whoever reads it.
"""

import inspect
from collections.abc import Awaitable, Sequence
from typing import Final, cast

from purpose_agent.core.action import Observation
from purpose_agent.core.approval import ApprovalRequest, Approve
from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import ToolCall
from purpose_agent.core.origin import Origin, Taint, lowest
from purpose_agent.core.tool import Effect
from purpose_agent.engine.run import Run
from purpose_agent.runtime.events import CallApproved, CallRefused, ToolReturned

LEAST: Final[Origin] = "self_verified"
"""The lowest origin that may decide a sensitive call alone."""

GATE = "capability gate"
"""The source of what is said of a refused call."""

DOES: Final[dict[Effect, str]] = {
    "send": "sends something",
    "pay": "moves money",
    "delete": "deletes something",
    "write": "writes outside of the workspace",
    "network": "reaches another host",
    "settings": "changes settings",
}


async def carried_out(run: Run, calls: Sequence[ToolCall]) -> tuple[Observation, ...]:
    """Carry out those of `calls` that may be; one observation for each, in their order.

    Raises:
        UsageError: `approve` answered neither True nor False.
    """
    # One after the other, before anything is done: no call of this decision has read what another one brings.
    refused = {place: seen for place, call in enumerate(calls) if (seen := await _refused(run, call)) is not None}
    allowed = tuple(call for place, call in enumerate(calls) if place not in refused)
    done = iter(await run.setup.tools.execute(allowed) if allowed else ())
    observations = tuple(refused[place] if place in refused else next(done) for place in range(len(calls)))
    for seen in observations:
        run.publish(ToolReturned(seen))
    return observations


def may_decide(taint: Taint) -> bool:
    """Whether a run of that taint may carry out sensitive calls by itself."""
    return lowest(taint.origin, LEAST) == LEAST


async def _refused(run: Run, call: ToolCall) -> Observation | None:
    """What the model is told instead of a result; None if the call may be carried out."""
    effects, taint = run.setup.tools.effects(call.name), run.taint
    if not effects or may_decide(taint):
        return None
    why = _why(call.name, effects, taint)
    if run.setup.approve is not None:
        if await _asked(run.setup.approve, ApprovalRequest(call, effects, taint.origin, taint.source, why)):
            run.publish(CallApproved(call.id, call.name, effects, taint.origin, taint.source))
            return None
        answer = "The person who was asked said no. Do not try it again."
    else:
        answer = "Nobody is there to allow it. Do not try it again: finish without it, and say what is left to do."
    run.publish(CallRefused(call.id, call.name, effects, taint.origin, taint.source, f"{why} {answer}"))
    return Observation(call.id, call.name, f"Refused. {why} {answer}", False, 0.0, origin="operator", source=GATE)


def _why(name: str, effects: Sequence[Effect], taint: Taint) -> str:
    does = " and ".join(DOES[effect] for effect in effects)
    source = " ".join(taint.source.split())[:200]
    read = f"{taint.origin}{f' ({source})' if source else ''}"
    return f"{name} {does}, and this run has read what comes from {read}; only a person may allow that."


async def _asked(approve: Approve, request: ApprovalRequest) -> bool:
    if inspect.iscoroutinefunction(approve):
        said: object = await cast("Awaitable[object]", approve(request))
    else:
        import anyio.to_thread

        said = await anyio.to_thread.run_sync(approve, request, abandon_on_cancel=True)
        if inspect.isawaitable(said):
            said = await cast("Awaitable[object]", said)
    if not isinstance(said, bool):
        raise UsageError(f"Agent(approve=…) answered {said!r} to {request.call.name}; it must give True or False.")
    return said
