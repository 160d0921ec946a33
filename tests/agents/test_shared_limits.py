"""Limits of a flow or a swarm hold for all its parts together, before each model call."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import CantResume, UsageError
from purpose_agent.core.messages import assistant
from purpose_agent.core.model import ModelRequest, ModelResponse, Usage
from purpose_agent.core.task import Limits
from purpose_agent.runtime.jobs import Job, JobResult
from purpose_agent.testing.models import RuleModel

pytestmark = pytest.mark.anyio

READS = 300
"""Tokens that a question costs here; the estimate is less."""


class Writes(RuleModel):
    """Writes as much as it may, or as much as it is told to; others are asked meanwhile."""

    tells_usd = False

    def __init__(self, most: int | None = None) -> None:
        super().__init__(lambda request: "done")
        self.most = most
        self.at_once = 0
        self.most_at_once = 0

    def usd_of(self, usage: Usage) -> float | None:
        return usage.tokens / 1000

    async def generate(self, request: ModelRequest) -> ModelResponse:
        self.requests.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        for _ in range(20):
            await asyncio.sleep(0)
        self.at_once -= 1
        wants = self.most if self.most is not None else request.max_tokens
        assert wants is not None, "it would write for ever"
        written = min(wants, request.max_tokens or wants)
        usage = Usage(input_tokens=READS, output_tokens=written, usd=(READS + written) / 1000, calls=1)
        return ModelResponse(assistant("done"), usage=usage)


class Hangs(RuleModel):
    """Never answers."""

    async def generate(self, request: ModelRequest) -> ModelResponse:
        await asyncio.Event().wait()
        raise AssertionError("it never answers")


def agent(place: pa.Workspace, model: RuleModel, name: str = "a") -> pa.Agent:
    return pa.Agent(name, role="You are careful. " * 30, model=model, critic=None, workspace=place)


def line(place: pa.Workspace, model: RuleModel, limits: Limits | None) -> pa.Flow:
    """Three agents, one after the other."""
    flow = pa.Flow("line", workspace=place, limits=limits)
    names = ("one", "two", "three")
    for name in names:
        flow.add_node(name, agent(place, model, name))
    for source, target in zip((pa.BEGIN, *names), (*names, pa.DONE_SIGNAL), strict=True):
        flow.add_edge(source, target)
    return flow


async def test_a_flow_ends_before_the_call_that_is_too_much_and_keeps_what_is_done(tmp_path: Path) -> None:
    place, model = pa.Workspace(tmp_path), Writes(100)
    result = await line(place, model, Limits(tokens=850)).run_async({"task": "go"})

    assert (result.status, len(model.requests)) == ("exhausted", 2)
    assert "The flow 'line' has 50 of 850 tokens left" in result.reason
    assert {name: result.state[name] for name in ("one", "two")} == {"one": "done", "two": "done"}
    assert (result.usage.tokens, place.run(result.id).status) == (800, "exhausted")


async def test_with_more_it_goes_on_where_it_was_and_what_was_spent_counts(tmp_path: Path) -> None:
    place, model = pa.Workspace(tmp_path), Writes(100)
    first = await line(place, model, Limits(tokens=850)).run_async({"task": "go"})
    same = await line(place, model, Limits(tokens=850)).resume_async(first.id)
    assert (same.status, len(model.requests)) == ("exhausted", 2)

    more = await line(place, model, Limits(tokens=1300)).resume_async(first.id)
    assert (more.status, len(model.requests), more.usage.tokens) == ("finished", 3, 1200)
    assert len({run.id for run in place.runs()}) == 4, "the part that stood still went on"


async def test_calls_at_the_same_time_do_not_go_over_together(tmp_path: Path) -> None:
    place, model = pa.Workspace(tmp_path), Writes()
    tasks = [f"task {number}" for number in range(20)]
    results = await pa.swarm_async(tasks, agents=[agent(place, model)], limits=Limits(tokens=20_000))

    assert results.status == "exhausted"
    done = [result for result in results if result.answer == "done"]
    assert 0 < len(done) < 20
    assert model.most_at_once > 1
    # An estimate that is too low by 300 tokens for each question is what they may go over.
    assert results.usage.tokens <= 20_000 + READS * len(model.requests)


async def test_where_others_hold_what_is_left_a_call_waits_and_is_not_refused(tmp_path: Path) -> None:
    place, model = pa.Workspace(tmp_path), Writes(100)
    tasks = [f"task {number}" for number in range(10)]
    results = await pa.swarm_async(tasks, agents=[agent(place, model)], limits=Limits(tokens=4500))

    assert (results.status, results.usage.tokens) == ("finished", 4000)
    assert set(results.answers) == {"done"}


async def test_a_swarm_keeps_what_is_done_and_goes_on_with_more(tmp_path: Path) -> None:
    place, model = pa.Workspace(tmp_path), Writes(100)
    who, tasks = [agent(place, model)], [f"task {number}" for number in range(5)]
    first = await pa.swarm_async(tasks, agents=who, at_once=1, limits=Limits(tokens=850))

    assert (first.status, first.answers) == ("exhausted", ("done", "done", None, None, None))
    assert "The swarm has 50 of 850 tokens left" in str(first[3])
    assert place.run(first.id).input_tokens == 600
    same = await pa.resume_swarm_async(first.id, who)
    assert (same.status, len(model.requests)) == ("exhausted", 2)
    rest = await pa.resume_swarm_async(first.id, who, limits=Limits(tokens=2500))
    assert (rest.status, rest.answers, len(model.requests)) == ("finished", ("done",) * 5, 5)


async def test_dollars_are_held_too(tmp_path: Path) -> None:
    place, model = pa.Workspace(tmp_path), Writes(100)
    result = await line(place, model, Limits(usd=0.85)).run_async({"task": "go"})

    assert (result.status, len(model.requests), result.usage.usd) == ("exhausted", 2, pytest.approx(0.8))
    assert "The flow 'line' has $0.05" in result.reason


async def test_what_runs_in_a_flow_within_it_counts(tmp_path: Path) -> None:
    place, model = pa.Workspace(tmp_path), Writes(100)

    def outer(tokens: int) -> pa.Flow:
        flow = pa.Flow("outer", workspace=place, limits=Limits(tokens=tokens))
        flow.add_node("part", line(place, model, None))
        flow.add_edge(pa.BEGIN, "part")
        flow.add_edge("part", pa.DONE_SIGNAL)
        return flow

    result = await outer(850).run_async({"task": "go"})
    assert (result.status, len(model.requests)) == ("exhausted", 2)
    assert "The flow 'outer' has 50 of 850 tokens left" in result.reason
    same = await outer(850).resume_async(result.id)
    assert (same.status, len(model.requests)) == ("exhausted", 2)
    assert "The flow 'outer' has 50 of 850 tokens left" in same.reason
    more = await outer(1300).resume_async(result.id)
    assert (more.status, len(model.requests)) == ("finished", 3)


async def test_what_a_function_of_the_flow_runs_counts(tmp_path: Path) -> None:
    place, model = pa.Workspace(tmp_path), Writes(100)
    inside = agent(place, model)
    statuses: list[str] = []
    flow = pa.Flow(workspace=place, limits=Limits(tokens=850))
    flow.add_node("calls", lambda state: statuses.extend(inside.run(f"task {number}").status for number in range(3)))
    flow.add_edge(pa.BEGIN, "calls")
    flow.add_edge("calls", pa.DONE_SIGNAL)
    await flow.run_async({})

    assert (statuses, len(model.requests)) == (["finished", "finished", "paused"], 2)


async def test_seconds_are_those_of_all_parts(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path)
    flow = line(place, Hangs(lambda request: ""), Limits(seconds=0.5))
    result = await flow.run_async({"task": "go"})

    assert (result.status, [run.status for run in place.runs(top=False)]) == ("exhausted", ["paused", "exhausted"])
    assert "The flow 'line' has taken 0.5 seconds, all it was given." in result.reason


async def test_a_function_is_stopped_when_the_seconds_are_over(tmp_path: Path) -> None:
    async def waits(state: object) -> None:
        await asyncio.Event().wait()

    flow = pa.Flow(workspace=tmp_path, limits=Limits(seconds=0.5))
    flow.add_node("waits", waits)
    flow.add_edge(pa.BEGIN, "waits")
    flow.add_edge("waits", pa.DONE_SIGNAL)
    result = await flow.run_async({})

    assert (result.status, result.reason) == (
        "exhausted",
        "The flow 'flow' has taken 0.5 seconds, all it was given. Not done: waits.",
    )


class Elsewhere:
    """An engine that does nothing."""

    checkpointer = None

    async def perform(self, jobs: list[Job], *, at_once: int | None = None) -> list[JobResult]:
        raise AssertionError("nothing is sent to it")


@pytest.mark.parametrize("limits", [Limits(steps=3), Limits(tokens=10, retries=1)])
def test_what_can_not_be_shared_is_refused(tmp_path: Path, limits: Limits) -> None:
    who = [agent(pa.Workspace(tmp_path), Writes(1))]
    refusals: list[Callable[[], object]] = [lambda: pa.Flow(limits=limits), lambda: pa.swarm(["x"], who, limits=limits)]
    for refused in refusals:
        with pytest.raises(UsageError, match="can be shared by its parts"):
            refused()


def test_limits_over_an_engines_workers_are_refused(tmp_path: Path) -> None:
    who = [agent(pa.Workspace(tmp_path), Writes(1))]
    with pytest.raises(UsageError, match="don't know of each other's spending"):
        pa.swarm(["x"], who, limits=Limits(tokens=10), engine=Elsewhere())  # pyright: ignore[reportArgumentType]


async def test_a_part_that_stands_still_for_that_goes_on_by_itself_too(tmp_path: Path) -> None:
    place, model = pa.Workspace(tmp_path), Writes(100)
    who = agent(place, model)
    first = await pa.swarm_async(["task 1", "task 2"], agents=[who], at_once=1, limits=Limits(tokens=430))
    result = await who.resume_async(first[1].id)

    assert (first[1].status, result.status) == ("paused", "finished")
    with pytest.raises(CantResume, match="is over"):
        place.resumable(first[0].id)
