"""One run of a team of specialists: somebody is chosen, does the task, and it is learned from.

In:  a run of the team, begun or gone on with; one task, or those of a pipeline.
Out: the results of the specialists, with the lessons drawn from them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.continuing import STANDS, broken, find_trace
from purpose_agent.agents.specialists.arguments import task_with
from purpose_agent.agents.specialists.delegation import Asked, Past, delegate
from purpose_agent.agents.specialists.pipeline import OnFailure, PipelineResult, PipelineStep, why_failed
from purpose_agent.agents.specialists.spec import AgentSpec
from purpose_agent.agents.specialists.turnstile import Turnstile
from purpose_agent.agents.team_record import SENDER, TEAM
from purpose_agent.agents.teams.artefacts import MOST_SHOWN, Draft, shown
from purpose_agent.agents.teams.turns import Stands, Turns
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import NoModelFound
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Model, ModelRequest, ModelResponse
from purpose_agent.core.origin import OWN
from purpose_agent.core.task import Task
from purpose_agent.engine.quoting import defused, quoted
from purpose_agent.engine.result import TaskResult
from purpose_agent.models.routing import Router
from purpose_agent.runtime.events import (
    AgentFinished,
    AgentStarted,
    HandedOver,
    ModelCalled,
    OptionsListed,
    Payload,
    StateChanged,
)
from purpose_agent.runtime.model_call import call_model
from purpose_agent.runtime.pool import current_share
from purpose_agent.runtime.trace import Trace


@dataclass(frozen=True, slots=True)
class TeamWork:
    """Does the runs of one team.

    Attributes:
        default: The team's model, asked where words don't decide; "none": nobody is asked. None, or a router: that of the first
            member that has one.
        has_world: Whether its tasks are done in a world.
        world: Lets one at a time into a world that all share; None: there is no such world.
    """

    members: Sequence[Agent]
    specs: Sequence[AgentSpec]
    place: Workspace
    default: str | Model | Router | None
    has_world: bool
    world: Turnstile | None

    async def one(self, turns: Turns, agent_name: str | None) -> TaskResult:
        """One task; where it stands still before an agent's run is over, the result of the team's run."""
        done: list[tuple[Agent, TaskResult]] = []

        async def work(turns: Turns) -> None:
            done.append(await self._turn(turns, turns.task, agent_name))

        await turns.guarded(work)
        if not done:
            return await turns.result()
        return await self._reflected(*done[0], turns, turns.task.user)

    async def pipeline(
        self, turns: Turns, steps: tuple[PipelineStep, ...], state: dict[str, Json], on_failure: OnFailure
    ) -> PipelineResult:
        """The tasks of a pipeline, in their order; `state` gets what they come to."""
        done: list[tuple[Agent, TaskResult]] = []

        first, said = dict(state), dict[str, str]()

        async def work(turns: Turns) -> None:
            first_failed: TaskResult | None = None
            for step in steps:
                # What was said before makes it no other task: what is learned of it holds the next time too.
                key = task_with(step.task, first, step.max_steps).key
                known = {name: value for name, value in state.items() if name not in said}
                task = replace(task_with(step.task, known, step.max_steps), id=key)
                try:
                    agent, result = await self._turn(turns, task, step.agent, said)
                except Stands as stands:
                    done.append((stands.agent, stands.result))
                    raise
                done.append((agent, result))
                if self.has_world:
                    _take_over(state, result)
                if why_failed(result):
                    first_failed = first_failed or result
                    if on_failure == "stop":
                        break
                _hand_on(state, said, agent.name, result)
            # The outcome of the whole is that of the first task that failed.
            turns.last = first_failed or turns.last

        turns.catches = True
        await turns.guarded(work)
        results = [
            await self._reflected(agent, result, turns, step.task.user)
            for step, (agent, result) in zip(steps, done, strict=False)
        ]
        status = self.place.run(turns.bus.run_id).status
        usage = sum((result.usage for _, result in done if result.status in STANDS), turns.usage)
        return PipelineResult(
            turns.bus.run_id, tuple(results), tuple(agent.name for agent, _ in done), steps, state, status, usage
        )

    def again(self, trace: Trace, steps: tuple[PipelineStep, ...], state: dict[str, Json]) -> PipelineResult:
        """What a pipeline that is over came to; `state` as it began, which gets what its tasks came to."""
        last = {part.key: part for part in trace.of(AgentFinished)}  # of a task that was gone on with, how it ended at last
        done = [(part.name, self._came_of(part, step, trace.run_id)) for part, step in zip(last.values(), steps, strict=False)]
        for name, result in done:
            if self.has_world:
                _take_over(state, result)
            _hand_on(state, {}, name, result)
        results, names = tuple(result for _, result in done), tuple(name for name, _ in done)
        return PipelineResult(trace.run_id, results, names, steps, state, self.place.run(trace.run_id).status, trace.usage)

    def _came_of(self, part: AgentFinished, step: PipelineStep, whole: str) -> TaskResult:
        if find_trace(self.place, part.run_id) is not None:
            return self.place.result(part.run_id)
        # An error ended it before anything of it was recorded.
        member = next(member for member in self.members if member.name == part.name)
        return broken(member, step.task, part.run_id, part.error, parent=whole)

    async def _turn(
        self, turns: Turns, task: Task, agent_name: str | None, said: Mapping[str, str] | None = None
    ) -> tuple[Agent, TaskResult]:
        """Somebody does the task; `said` is what earlier ones came to, of which the prompt has as much as there is room for."""
        name, why = _begun(turns) or await self._chosen(turns, task, agent_name)
        agent = turns.member(name)
        if said:
            task = replace(task, inputs={**_cut(said, _model_of(agent)), **task.inputs}, id=task.key)
        if turns.meter is not None and not turns.step and turns.usage.calls:
            task = replace(task, limits=turns.meter.left(), id=task.key)  # less what the choice has cost
        async with self.world or _OPEN:
            turns.last = await turns.turn(agent, replace(task, id=task.key), sender=SENDER, why=why)
        return agent, turns.last

    async def _chosen(self, turns: Turns, task: Task, agent_name: str | None) -> tuple[str, str]:
        """Who does it, and why."""
        turns.hear()
        if agent_name is not None:
            return agent_name, "asked for"
        model = self._model()

        def past() -> Mapping[str, Past]:
            known = self.place.past_of([spec.name for spec in self.specs], task.family, task.user)
            return {name: Past(judged, succeeded) for name, (judged, succeeded) in known.items()}

        router = Asked(partial(_ask, turns, model), model.capabilities) if model is not None else None
        chosen = await delegate(task, self.specs, router=router, past=past)
        return chosen.agent, chosen.why

    def _model(self) -> Model | None:
        """Who decides where words don't; None: nobody can."""
        if isinstance(self.default, str):
            return None  # "none" is all that is left of specs
        if self.default is not None and not isinstance(self.default, Router):
            return self.default
        return next((model for member in self.members if (model := _model_of(member)) is not None), None)

    async def _reflected(self, agent: Agent, result: TaskResult, turns: Turns, user: str) -> TaskResult:
        reflected = await agent.reflected(result, turns.listeners)
        self.place.pass_on(
            result.id, agent.name, [member.name for member in self.members if member.name != agent.name], user=user
        )
        return reflected


class _Open:
    """Nobody has to wait."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


_OPEN = _Open()


def _begun(turns: Turns) -> tuple[str, str] | None:
    """To whom the next turn was promised before the run stood still, and why, as it was told then; None if to nobody."""
    if turns.before is None:
        return None
    number = f"{turns.step + 1}/"
    begun = next((part for part in turns.before.of(AgentStarted) if part.key.startswith(number)), None)
    if begun is None:
        return None
    why = next((hop.why for hop in turns.before.of(HandedOver) if hop.run_id == begun.run_id), "begun before")
    return begun.name, why


async def _ask(turns: Turns, model: Model, request: ModelRequest, prompt: str) -> ModelResponse:
    """One call on the team's account, told in its run."""
    if turns.meter is not None:
        turns.meter.check_spending()
    shared = current_share()
    if shared is not None:
        shared.check()

    def publish(payload: Payload) -> None:
        turns.publish(payload, TEAM)
        if isinstance(payload, ModelCalled):
            turns.usage += payload.usage
            if turns.meter is not None:
                turns.meter.charge(payload.usage)
            if shared is not None:
                shared.charge(payload.usage)

    return await call_model(model, request, prompt, clock=turns.place.clock, publish=publish)


def _hand_on(state: dict[str, Json], said: dict[str, str], name: str, result: TaskResult) -> None:
    """What the next ones read among their facts: others' words as a quotation. Of a task that failed, nothing."""
    if result.answer is not None and not why_failed(result):
        name = _free(name, state)
        state[name] = said[name] = defused(result.answer) if result.taint.origin in OWN else quoted(result.answer)


def _model_of(agent: Agent) -> Model | None:
    """Its model; None too if there is none on this machine, which its own run will tell."""
    try:
        return agent.setup().model
    except NoModelFound:
        return None


def _cut(said: Mapping[str, str], model: Model | None) -> dict[str, Json]:
    """What was said, the older the shorter, in no more characters than a quarter of the model's context holds."""
    left = MOST_SHOWN if model is None else min(MOST_SHOWN, model.capabilities.context_tokens or MOST_SHOWN)
    cut: dict[str, Json] = {}
    for number, (name, text) in enumerate(reversed(list(said.items())), start=1):
        room = left if number == len(said) else left // 2
        cut[name] = shown(Draft(text), room)
        left -= min(len(text), room)
    return dict(reversed(cut.items()))


_OF_THE_RUN = re.compile(r"answer$|\d+\.\d+ ")
"""Facts of a run's state that are its own, and not the world's: the answer, and what its calls gave."""


def _take_over(state: dict[str, Json], result: TaskResult) -> None:
    """What the run changed in its world: it is so for the next ones too, whether the task was done or not.

    A world that lists its actions is left out: it begins by its own word, whatever a task says.
    """
    if result.trace.of(OptionsListed):
        return
    for change in result.trace.of(StateChanged):
        state.update({name: value for name, value in change.values.items() if _OF_THE_RUN.match(name) is None})
        for name in change.removed:
            state.pop(name, None)


def _free(name: str, state: Mapping[str, Json]) -> str:
    """The name, or with a number if it is taken: of two tasks of one agent neither takes the other's place."""
    number, free = 1, name
    while free in state:
        number += 1
        free = f"{name} {number}"
    return free
