"""A step that is a plan: calls are made as soon as their inputs are there, while the rest of the plan is being written.

In:  a run whose model writes plans; or one that was interrupted within a plan.
Out: the plan as the step's decision, with an observation for each of its calls; or an answer.

The model joins by being asked again: it is shown what came of the plan, and answers or plans further. A call that fails takes those that
use its result with it, and no others. In the plan after a failed one, a call that has been made before with the same arguments gives what
it gave then; one that is there more often than before is made so many more times.

Each call passes the gate of `capability.py` by itself, and is held to what the run had read before the plan, and to what the call uses;
not to what calls beside it bring. What a plan has been written of is in the record before a call of it begins. A plan that was cut off
counts as far as it was written. Not here: which calls can be made (`tools/plan.py`).

After LLMCompiler (https://arxiv.org/abs/2312.04511).
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from purpose_agent.core.action import Action, Finish, GiveUp, Observation, ToolUse
from purpose_agent.core.errors import LimitReached, ModelError
from purpose_agent.core.messages import Message, assistant, user
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.core.origin import Taint
from purpose_agent.engine.actor import RETRIES, Ask
from purpose_agent.engine.capability import carried_out
from purpose_agent.engine.context import answer_tokens
from purpose_agent.engine.planning_past import CUT_OFF, Past, asked_with, filled_in, past_of
from purpose_agent.engine.run import Run, Suspended
from purpose_agent.runtime.events import ActionDecided, CallPlanned, Event, TextStreamed, ToolReturned
from purpose_agent.tools.plan import Plan, PlannedCall, as_written, parameters_of
from purpose_agent.tools.plan_text import PlanReader, WrittenCall

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

PLAN: Final = "plan"
"""The source of what is said of a call that was not made."""

_IN_DOUBT: Final = "It had begun when the run was interrupted, and nobody knows whether it was carried out:"

Hearing: TypeAlias = Callable[[Callable[[str], object]], Ask]
"""The actor's model, which tells each piece of its reply to the function it is given."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A step's decision, the message that carried it, and what came of its calls."""

    action: Action
    message: Message
    observations: tuple[Observation, ...] = ()


def said_of(action: ToolUse) -> Message:
    """A plan as the conversation has it: the calls alone, all written in one way."""
    return assistant("\n".join(filter(None, (as_written(action.calls), action.thought))))


async def by_plan(hearing: Hearing, run: Run, decided: Action | None) -> Planned:
    """The next step of the run.

    Args:
        decided: The plan of a step that was interrupted; None: the step begins, or its plan was still being written.

    Raises:
        ModelError: The model could not answer. Calls that had begun by then were made, and are in the record.
        LimitReached: The run has nothing left to ask with.
        Suspended: A person has to say something first. Calls that don't wait for that were made.
    """
    past = past_of(run)
    work = _Work(run, past)
    written = [event for event in run.bus.events if event.step == run.step and isinstance(event.payload, CallPlanned)]
    if written:
        return await work.go_on(written, decided)
    if past.failed > (run.setup.replans or 0):
        return await _answer_only(hearing, run, past)
    for attempt in range(RETRIES + 1):
        reader = _reader(run)
        response = await work.write(hearing, reader, attempt)
        if work.plan.calls:
            return work.planned(cut_off=response.stop == "length")
        problem = _problem(response, reader)
        if not problem:
            return _ended(run, GiveUp(reader.text) if reader.gives_up else Finish(reader.text), response.message)
        run.unread(problem)
        run.context.add_problem(response.text, problem)
    return _ended(run, GiveUp(f"No plan and no answer in {RETRIES + 1} tries. {run.last_problem}"), Message("assistant", ()))


class _Work:
    """One plan, and the tasks that carry it out."""

    def __init__(self, run: Run, past: Past) -> None:
        self.plan = Plan(run.step, past.known, past.seen, run.uncut)
        self._run = run
        self._past = past
        self._group: TaskGroup | None = None
        self._taints: dict[str, Taint] = {}
        self._events: dict[str, str] = {}
        self._waits: list[str] = []
        self._failed: list[Exception] = []

    async def write(self, hearing: Hearing, reader: PlanReader, attempt: int) -> ModelResponse:
        """Have the plan written, and make its calls meanwhile. Of a reply without calls nothing is told yet."""
        run, told = self._run, 0

        def heard(piece: str) -> None:
            nonlocal told
            self._add(reader.feed(piece))
            if run.streams and reader.answers and len(reader.text) > told:
                run.publish(TextStreamed(reader.text[told:]))
                told = len(reader.text)

        responses: list[ModelResponse] = []

        async def written() -> None:
            response = await hearing(heard)(_request(run, attempt), run.context.prompt)
            responses.append(response)
            if response.stop != "length":  # else what is left was cut off
                self._add(reader.end())
            if self.plan.calls:
                self._decide(cut_off=response.stop == "length")
                run.save()
                self._begin()
            elif run.streams and not reader.gives_up and len(reader.text) > told:
                run.publish(TextStreamed(reader.text[told:]))

        await self._carry_out(written)
        return responses[0]

    async def go_on(self, written: Sequence[Event], decided: Action | None) -> Planned:
        """Make the calls that are left of a plan in the record."""
        for event in written:
            assert isinstance(event.payload, CallPlanned)
            self.plan.put(event.payload.number, event.payload.call)
            self._events[event.payload.call.id] = event.id
        self.plan.complete = True

        async def begin() -> None:
            self._begin()

        await self._carry_out(begin)
        if decided is None:
            self._decide(cut_off=True)
            return self.planned(cut_off=True)
        return self.planned(cut_off=isinstance(decided, ToolUse) and decided.thought == CUT_OFF)

    def planned(self, *, cut_off: bool) -> Planned:
        """The plan as the step's decision, once all its calls have come back."""
        action = self._action(cut_off)
        return Planned(action, said_of(action), tuple(self.plan.seen[call_id] for call_id in self.plan.calls))

    def _action(self, cut_off: bool) -> ToolUse:
        return ToolUse(tuple(each.call for each in self.plan.calls.values()), CUT_OFF if cut_off else "")

    def _decide(self, *, cut_off: bool) -> None:
        self.plan.complete = True
        self._run.call_ids |= self.plan.calls.keys()
        self._run.publish(ActionDecided(self._action(cut_off)))

    def _add(self, calls: Iterable[WrittenCall]) -> None:
        for written in calls:
            planned = self.plan.add(written)
            self._run.publish(CallPlanned(planned.number, planned.call))
            self._events[planned.call.id] = self._run.bus.events[-1].id
        self._begin()

    async def _carry_out(self, first: Callable[[], Awaitable[None]]) -> None:
        """Do `first` and all calls that can be made from then on.

        Raises:
            Suspended: One of them waits for a person; those that don't wait for it have come back.
        """
        import anyio

        async with anyio.create_task_group() as group:
            self._group = group
            await self._guarded(group, first)
        if self._failed:
            raise self._failed[0]
        if self._waits:
            raise Suspended(" ".join(self._waits))

    async def _guarded(self, group: "TaskGroup", work: Callable[[], Awaitable[None]]) -> None:
        # Not the group's ExceptionGroup: the runner should see the same as of a step without a plan.
        try:
            await work()
        except (ModelError, LimitReached) as error:
            self._failed.append(error)  # what has begun comes back, and is saved
        except Exception as error:  # noqa: BLE001
            self._failed.append(error)
            group.cancel_scope.cancel()

    def _begin(self) -> None:
        """Begin the calls that nothing holds back."""
        if self._group is None or self._failed:
            return
        for planned in self.plan.take():
            self._group.start_soon(self._guarded, self._group, partial(self._make, planned))

    async def _make(self, planned: PlannedCall) -> None:
        run, call_id = self._run, planned.call.id
        taint = run.taint
        for needed in planned.needs.values():
            taint = taint.mixed(self._taints.get(needed, taint))  # earlier plans are in the run's own
        seen = await self._seen(replace(run, taint=taint, part=self._events[call_id]), planned)
        if seen is None:
            return
        self._taints[call_id] = taint.mixed(Taint(seen.origin, seen.source, run.step))
        self.plan.seen[call_id] = seen
        self._begin()

    async def _seen(self, run: Run, planned: PlannedCall) -> Observation | None:
        """What comes of a call; None: a person has to say something first.

        Args:
            run: With the taint that the call has.
        """
        call = planned.call
        fault = self.plan.fault(planned)
        if call.id in run.returned:
            if fault is None:
                self._past.given(filled_in(run, self.plan, planned), run.returned[call.id])
            return run.returned[call.id]
        asked = asked_with(run, call.id)
        if fault is None or asked is not None:
            call = filled_in(run, self.plan, planned) if fault is None else replace(call, arguments=asked or {})
            made = self._past.take(call)
            if made is None:
                try:
                    return (await carried_out(run, (call,)))[0]
                except Suspended as suspended:
                    self._waits.append(suspended.reason)
                    return None
            seen = replace(made, call_id=call.id, seconds=0.0)
            if made.call_id in run.uncut:
                run.uncut[call.id] = run.uncut[made.call_id]
        else:
            not_made = f"Not made: {fault}" if call.id not in run.in_flight else f"{_IN_DOUBT} {fault}"
            seen = Observation(call.id, call.name, not_made, False, 0.0, origin="operator", source=PLAN)
        run.publish(ToolReturned(seen))
        run.save()
        return seen


async def _answer_only(hearing: Hearing, run: Run, past: Past) -> Planned:
    """The last word, after as many plans have failed as may."""
    from purpose_agent.prompts.loader import load

    run.context.history.append(user(load("plan_calls_last").text))
    reader = _reader(run)
    response = await hearing(lambda piece: None)(_request(run, 0), run.context.prompt)
    calls = [*reader.feed(response.text), *reader.end()]
    action: Action = Finish(reader.text)
    if calls or _problem(response, reader):
        action = GiveUp(f"{past.failed} plans failed, and no answer came after them. {run.last_problem}".strip())
    elif reader.gives_up:
        action = GiveUp(reader.text)
    elif run.streams:
        run.publish(TextStreamed(reader.text))
    return _ended(run, action, response.message)


def _ended(run: Run, action: Action, message: Message) -> Planned:
    run.publish(ActionDecided(action))
    return Planned(action, message)


def _problem(response: ModelResponse, reader: PlanReader) -> str:
    """Why a reply without calls is no answer; "" if it is one."""
    if response.stop == "length":
        return f"It was cut off after {response.usage.output_tokens} tokens. Be shorter."
    if response.stop == "filter":
        return "It was stopped by the provider's content filter."
    return "" if reader.text else "It was neither a plan nor an answer."


def _request(run: Run, attempt: int) -> ModelRequest:
    return ModelRequest(
        messages=run.context.messages(),
        temperature=run.setup.temperature,
        max_tokens=answer_tokens(run.context.capabilities),
        seed=None if run.step_seed is None else run.step_seed + attempt,
    )


def _reader(run: Run) -> PlanReader:
    return PlanReader({spec.name: parameters_of(spec.parameters) for spec in run.setup.tools.specs})
