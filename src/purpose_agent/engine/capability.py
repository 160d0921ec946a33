"""The calls of one decision are carried out, each once, whatever becomes of the process.

In:  the calls of one decision, the run they were decided in.
Out: an observation for each: of the tool, of a person, or of the gate that refused it (`permission.py`).

Before anything is done, the record says what is about to begin; as each call comes back, the record has what it gave. A run that
goes on after its process died therefore knows of each call: it came back, and is not made again; it never began; or it had begun,
and nobody knows how far it came. Of the last, those of idempotent tools are made again, and a person is asked about all others.

Does not stop: a tool that does more than it declares; harm that an answer does to whoever reads it.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from purpose_agent.core.action import Observation
from purpose_agent.core.messages import ToolCall
from purpose_agent.engine.permission import permission
from purpose_agent.engine.run import Run, Suspended
from purpose_agent.runtime.events import PersonAsked, ToolReturned, ToolStarted


async def carried_out(run: Run, calls: Sequence[ToolCall]) -> tuple[Observation, ...]:
    """Carry out those of `calls` that may be, and have not been; one observation for each, in their order.

    Costs one save for the decision as a whole and one for each call; more only where a person is asked.

    Raises:
        Suspended: A person has to say something first. None of the calls was begun that had not been before.
        UsageError: An approval policy or an approver gave something that it can't give.
    """
    seen = {call.id: run.returned[call.id] for call in calls if call.id in run.returned}
    ready: list[ToolCall] = []
    questions: list[PersonAsked] = []
    # One after the other, before anything is done: no call of this decision has read what another one brings.
    for call in calls:
        if call.id in seen:
            continue
        said = await permission(run, call)
        match said:
            case ToolCall():
                ready.append(said)
            case Observation():
                seen[call.id] = said
                run.publish(ToolReturned(said))
            case PersonAsked():
                questions.append(said)
    if questions:
        raise Suspended(" ".join(question.why for question in questions))
    if ready:
        seen |= await _done(run, ready, {call.id: call for call in calls})
    return tuple(seen[call.id] for call in calls)


async def _done(run: Run, ready: Sequence[ToolCall], decided: dict[str, ToolCall]) -> dict[str, Observation]:
    """Carry out `ready`; what each gave is saved before anything else happens to it."""
    tools, seen = run.setup.tools, dict[str, Observation]()
    for call in ready:
        run.publish(ToolStarted(call.id, call.name, tools.is_idempotent(call.name)))
    run.save()
    edited = {call.id: call for call in ready if call.arguments != decided[call.id].arguments}

    def keep(call_id: str, content: str) -> None:
        if run.plans:  # else no call uses another one's result
            run.uncut[call_id] = content

    def returned(observation: Observation) -> None:
        if observation.call_id in edited:
            keep(observation.call_id, run.uncut.get(observation.call_id, observation.content))
            observation = _with_edit(observation, edited[observation.call_id])
        seen[observation.call_id] = observation
        run.publish(ToolReturned(observation))
        run.save()

    await tools.execute(tuple(ready), returned=returned, uncut=keep)
    return seen


def _with_edit(seen: Observation, call: ToolCall) -> Observation:
    """What came back, and that a person changed the call: its model should not wonder."""
    used = json.dumps(dict(call.arguments), ensure_ascii=False, default=str)
    return replace(seen, content=f"A person changed the arguments to {used}.\n{seen.content}")
