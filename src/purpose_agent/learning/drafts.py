"""What an agent's own model draws from a finished run.

In:  a run, the model, what is known already.
Out: a lesson to try, or why there is none. At most one model call a run.

A draft that says what a living memory says is no new hypothesis: the run is one more piece of evidence for that one.
Not here: rules behind solved cases (`hypotheses.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from purpose_agent.core.errors import ModelError
from purpose_agent.core.memory import Lesson, Memory
from purpose_agent.core.model import NO_MODEL, Model, ModelRequest, ModelResponse
from purpose_agent.core.ports import Clock
from purpose_agent.learning.contrast import contrast_of
from purpose_agent.learning.hypotheses import provenance_of, scope_of
from purpose_agent.learning.reflect import Ask, reflect_on
from purpose_agent.memory.sameness import say_the_same
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.model_call import call_model
from purpose_agent.runtime.record import RunRow
from purpose_agent.runtime.taints import read_by, taints_of


@dataclass(frozen=True, slots=True)
class Drafted:
    """What was drawn: `lessons`, or `why` there are none; None if that can't be said now, for want of a model."""

    lessons: tuple[Lesson, ...] | None = ()
    why: str = ""


async def draft_of(db: Database, run: RunRow, model: Model | None, ask: Ask, passed: str = "") -> Drafted:
    """What the run teaches beside the one it is compared with.

    Args:
        ask: Asks `model`.
        passed: A later answer to the same task that was right, or "".
    """
    if run.success is None:
        return Drafted(why="nobody judged the run")
    contrast = contrast_of(db, run, passed)
    if contrast is None:
        return Drafted(why="it succeeded at once")
    if run.model == NO_MODEL:
        return Drafted(why="its agent has no model to reflect with")
    if model is None:
        return Drafted(None)
    try:
        said = await reflect_on(contrast, ask)
    except ModelError as error:
        return Drafted(why=f"the model could not reflect: {error}")
    if said is None:
        return Drafted(why="the model said nothing usable")
    # What it is made from: this run, the one beside it, and a later answer that a team came to.
    others = [other for other in (contrast.beside, run.parent if passed else None) if other]
    read = read_by(run.id, taints_of(db, [run.id, *others]), others)
    source = replace(provenance_of(run, read), beside=contrast.beside)
    return Drafted((Lesson("failure_pattern", said.when, said.then, source, scope_of(run), tier=said.tier),))


def find_twin(lesson: Lesson, alive: Iterable[Memory]) -> Memory | None:
    """The first of the living memories that says the same."""
    return next((memory for memory in alive if say_the_same(lesson, memory.lesson)), None)


def asking(model: Model | None, bus: EventBus, lane: str, clock: Clock) -> Ask:
    """A way to ask `model` that is told on the bus."""

    async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
        assert model is not None, "without a model nobody is asked"
        return await call_model(model, request, prompt, clock=clock, publish=partial(bus.publish, lane=lane))

    return ask
