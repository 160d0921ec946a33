"""A run that was given one of several models, and goes on with the next one where that fails.

In:  a run whose answer failed its checks, or that gave up; the models that may go on.
Out: the run on its next model; or word that there is none.

The next model begins with the task alone: with a smaller one's failed attempt before its eyes a model mends that attempt instead of
finding its own. Only where tools were called does it go on with the conversation, since what they did is done.

It stays one run: limits, usage and record go on, and its critic stays, so that Φ is measured by one. Not in a world, where the end
comes when the world says so; and not where a model could not be reached: that run has failed.
"""

from collections.abc import Iterable
from dataclasses import replace

from purpose_agent.core.errors import LimitReached
from purpose_agent.core.messages import Message, Text, ToolCall, ToolReturn
from purpose_agent.core.model import Model
from purpose_agent.engine.attempts import untold_failures
from purpose_agent.engine.context import open_context
from purpose_agent.engine.run import Route, Run, Rung
from purpose_agent.runtime.events import RouteChosen


def answers_again(run: Run, answer: str) -> bool:
    """Whether the answer failed its checks and the next model goes on."""
    score = run.score
    if score is None or score.passed is not False or not escalates(run, "gave an answer that failed the checks"):
        return False
    run.wrong.append(answer)
    if has_acted(run):
        run.context.add_failure(untold_failures(score, answer))
    return True


def has_acted(run: Run) -> bool:
    """A tool was called in it."""
    return bool(run.call_ids)


def begin_anew(run: Run) -> None:
    """Leave out of the conversation what a model answered that failed; what people said stays."""
    if not has_acted(run):
        run.context.history = list(run.context.told)


def escalates(run: Run, failed: str) -> bool:
    """Whether the next model goes on from here.

    Args:
        failed: What its model did, such as "gave up".
    """
    route, before = run.setup.route, run.setup.model
    if route is None or before is None or run.world is not None:
        return False
    following = _next(run, route)
    if following is None:
        return False
    try:
        run.meter.check()
    except LimitReached:
        return False
    name = following.model.name
    run.publish(RouteChosen(name, f"{before.name} {failed}", route.considered, route.difficulty, instead_of=before.name))
    after = route.ladder[route.ladder.index(following) + 1 :]
    run.setup = replace(run.setup, model=following.model, route=replace(route, ladder=after))
    _hand_over(run, following.model)
    return True


def _next(run: Run, route: Route) -> Rung | None:
    """The first of those left that, with what the run has spent, keeps to its budget and its time."""
    spent, seconds = run.meter.usage.usd, run.meter.seconds
    for rung in route.ladder:
        if route.usd is not None and (spent is None or rung.usd is None or spent + rung.usd > route.usd):
            continue
        if route.seconds is not None and rung.seconds is not None and seconds + rung.seconds > route.seconds:
            continue
        return rung
    return None


def _hand_over(run: Run, model: Model) -> None:
    """The conversation as the next model is to be asked; it may be offered its tools in another way."""
    setup, before = run.setup, run.context
    context = open_context(setup.role, run.task, setup.tools.specs, model.capabilities, before.notes.shown, plans=before.plans)
    context.history = before.history if context.native else _in_words(before.history)
    context.told, context.dropped = before.told, before.dropped
    run.context = context
    begin_anew(run)


def _in_words(history: Iterable[Message]) -> list[Message]:
    """The same with calls and their results as text, for a model that is offered tools as text."""
    told: list[Message] = []
    for message in history:
        if not any(isinstance(part, ToolCall | ToolReturn) for part in message.parts):
            told.append(message)
            continue
        texts = [
            f"{part.name}({dict(part.arguments)})"
            if isinstance(part, ToolCall)
            else f"{part.name} returned: {part.content}"
            if isinstance(part, ToolReturn)
            else part.text
            for part in message.parts
        ]
        told.append(Message("user" if message.role == "tool" else message.role, (Text("\n".join(texts)),)))
    return told
