"""A run goes on after its last complete step, wherever it was cut off; what was done is not done again."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import CantResume, ModelUnreachable, RunTaken
from purpose_agent.core.memory import Lesson, Provenance, Scope
from purpose_agent.core.messages import Message, Text, ToolCall
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, Usage
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.events import CheckpointSaved, Event, ModelAsked, ModelCalled, RunFinished, RunResumed, ToolReturned
from purpose_agent.runtime.sync import run_sync
from purpose_agent.runtime.trace import Trace
from purpose_agent.testing.models import RuleModel, ScriptedModel
from tests.engine.worlds import Corridor
from tests.runtime.given import StandingClock

NATIVE = Capabilities(native_tools=True, local=True)


def call(id: str, name: str, **arguments: Any) -> Message:
    return Message("assistant", (ToolCall(id, name, arguments),))


class Shop:
    """Tools that note what was really done."""

    def __init__(self, path: Path) -> None:
        self.path = path

        @pa.tool(idempotent=True)
        def buy(what: str) -> str:
            """Buy something."""
            with self.path.open("a") as file:
                file.write(f"{what}\n")
            return f"bought {what}"

        self.tools = [buy]

    @property
    def bought(self) -> list[str]:
        return self.path.read_text().split() if self.path.exists() else []


def plan(request: ModelRequest) -> ModelResponse:
    """Buys one thing, then two at once, then answers: decided by what the conversation says was bought, and by nothing else."""
    seen = request.text
    if "bought bread" not in seen:
        return ModelResponse(call("c1", "buy", what="bread"))
    if "bought milk" not in seen:
        return ModelResponse(
            Message("assistant", (ToolCall("c2", "buy", {"what": "milk"}), ToolCall("c3", "buy", {"what": "tea"})))
        )
    return ModelResponse(Message("assistant", (Text("done: bread, milk, tea"),)))


def agent_in(folder: Path, shop: Shop, model: pa.Model | None = None) -> pa.Agent:
    model = model or RuleModel(plan, capabilities=NATIVE)
    return pa.Agent("buyer", model=model, critic=None, tools=shop.tools, workspace=folder)


def snapshots(agent: pa.Agent, to: Path, run: Callable[[], object]) -> list[tuple[Path, int]]:
    """Copies of the workspace after each commit of a run, as a kill right then would leave them."""
    database = agent.workspace.record._db  # pyright: ignore[reportPrivateUsage]
    written = type(database).write
    copies: list[tuple[Path, int]] = []

    class Copying:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __enter__(self) -> Cursor:
            return self.inner.__enter__()

        def __exit__(self, *error: Any) -> Any:
            said = self.inner.__exit__(*error)
            if not database._depth:  # pyright: ignore[reportPrivateUsage]
                folder = to / f"{len(copies)}"
                folder.mkdir(parents=True)
                database.copy_to(folder / "workspace.sqlite3")
                copies.append((folder, 0))
            return said

    database.write = lambda **options: Copying(written(database, **options))  # type: ignore[method-assign]  # pyright: ignore
    try:
        run()
    finally:
        del database.write  # type: ignore[attr-defined]
    return copies


def as_left_by_the_dead(folder: Path) -> pa.Workspace:
    place = pa.Workspace(folder)
    with place.record._db.write() as cursor:  # pyright: ignore[reportPrivateUsage]
        cursor.execute("UPDATE runs SET owner = '999999999:1'")
    return place


def test_a_run_that_was_cut_off_after_any_commit_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "bought")
    agent = agent_in(tmp_path / "first", shop)
    copies = snapshots(agent, tmp_path / "copies", lambda: agent.run("shop", seed=1))
    assert len(copies) > 6
    whole = shop.bought
    gone_on = 0

    for number, (folder, _) in enumerate(copies):
        place = as_left_by_the_dead(folder)
        (row,) = place.runs()
        if row.status == "finished":
            continue
        before = place.trace(row.id)
        done = {each.observation.call_id for each in before.of(ToolReturned)}
        again = Shop(tmp_path / f"again-{number}")

        result = agent_in(folder, again).resume(row.id)

        gone_on += 1
        assert (result.status, result.answer) == ("finished", "done: bread, milk, tea")
        assert [event.seq for event in result.trace.events] == list(range(1, len(result.trace.events) + 1))
        assert result.trace.events[: len(before.events)] == before.events
        assert len(again.bought) == len(whole) - len(done)
        assert result.final_state == agent.workspace.trace(agent.workspace.runs()[0].id).final_state
        assert place.run(row.id).status == "finished"
    assert gone_on >= 6


def test_a_resumed_run_asks_its_model_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "bought")
    steady = RuleModel(plan, capabilities=NATIVE)
    agent_in(tmp_path / "steady", shop, steady).run("shop", seed=1)

    def dies_at_the_third(request: ModelRequest) -> ModelResponse:
        if "bought milk" in request.text:
            raise ModelUnreachable("the server is gone")
        return plan(request)

    broken = agent_in(tmp_path / "broken", shop, RuleModel(dies_at_the_third, capabilities=NATIVE))
    failed = broken.run("shop", seed=1)
    mended = RuleModel(plan, capabilities=NATIVE)
    result = agent_in(tmp_path / "broken", shop, mended).resume(failed.id)

    assert failed.status == "failed"
    assert (result.id, result.status, result.total_steps) == (failed.id, "finished", 3)
    assert [each.messages for each in mended.requests] == [steady.requests[-1].messages]
    assert mended.requests[0].seed == steady.requests[-1].seed


def test_a_run_that_is_over_gives_its_result_and_anothers_is_refused(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "bought")
    agent = agent_in(tmp_path / "ws", shop)
    over = agent.run("shop")
    other = pa.Agent("other", model=ScriptedModel("hello"), critic=None, workspace=tmp_path / "ws")

    again = agent.resume(over.id)
    assert (again.id, str(again), again.status, again.usage) == (over.id, str(over), over.status, over.usage)
    assert len(shop.bought) == 3
    with pytest.raises(CantResume, match="is a run of 'buyer', not of 'other'"):
        other.resume(over.id)
    fork = agent.workspace.fork(over.id, at=1)
    with pytest.raises(CantResume, match="is a run of 'buyer', not of 'other'"):
        other.resume(fork)


def test_only_one_of_two_that_go_on_with_a_run_gets_it(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "bought")
    agent = agent_in(tmp_path / "ws", shop)
    fork = agent.workspace.fork(agent.run("shop").id, at=1)
    shutil.copy(tmp_path / "bought", tmp_path / "kept")
    stale = agent.workspace.resumable(fork)
    agent.resume(fork)
    bought = shop.bought

    agent.workspace.resumable = lambda run_id: stale  # type: ignore[method-assign]
    with pytest.raises(RunTaken):
        run_sync(agent.go_on(fork))

    assert shop.bought == bought


def test_a_fork_has_the_first_steps_and_leaves_the_run_it_came_from_alone(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "bought")
    agent = agent_in(tmp_path / "ws", shop)
    first = agent.run("shop", seed=1)
    before = agent.workspace.trace(first.id).events

    fork = agent.workspace.fork(first.id, at=1, seed=7)
    assert agent.workspace.run(fork).status == "paused"
    result = agent_in(tmp_path / "ws", shop, ScriptedModel("only bread", capabilities=NATIVE)).resume(fork)

    assert (result.answer, result.total_steps) == ("only bread", 2)
    assert agent.workspace.trace(first.id).events == before
    assert sorted(shop.bought) == ["bread", "milk", "tea"]  # milk and tea at once
    compared = agent.workspace.compare(first.id, fork)
    assert (compared.parts_at, compared.ends[1]) == (2, ("finished", "only bread"))
    assert ("seed", 1, 7) in compared.settings
    assert not agent.workspace.compare(first.id, first.id).steps[0].differs
    with pytest.raises(CantResume, match="can be forked at steps 0 to 2"):
        agent.workspace.fork(first.id, at=9)


def test_a_failed_attempt_is_told_again_when_the_run_goes_on(tmp_path: Path) -> None:
    task = pa.Task("Say blue", checks=[pa.Check.equals("blue")], limits=pa.Limits(retries=2))

    def wrong_then_gone(request: ModelRequest) -> ModelResponse:
        if "red" in request.text:
            raise ModelUnreachable("gone")
        return ModelResponse(Message("assistant", (Text("red"),)))

    failed = pa.Agent("speaker", model=RuleModel(wrong_then_gone, capabilities=NATIVE), critic=None, workspace=tmp_path).run(
        task
    )
    model = ScriptedModel("blue", capabilities=NATIVE)
    result = pa.Agent("speaker", model=model, critic=None, workspace=tmp_path).resume(failed.id)

    assert (failed.status, result.success, result.answer) == ("failed", True, "blue")
    assert "not what was expected" in model.requests[0].text


def test_checks_that_are_functions_have_to_be_given_again(tmp_path: Path) -> None:
    task = pa.Task("Say blue", checks=[pa.Check.call(lambda answer: answer == "blue")])
    gone = pa.Agent("speaker", model=ScriptedModel(ModelUnreachable("gone")), critic=None, workspace=tmp_path)
    failed = gone.run(task)
    agent = pa.Agent("speaker", model=ScriptedModel("blue"), critic=None, workspace=tmp_path)

    with pytest.raises(CantResume, match="is a function, which is not in the record"):
        agent.resume(failed.id)
    assert agent.resume(failed.id, task=task).success is True


def walker_in(place: pa.Workspace | Path) -> pa.Agent:
    return pa.Agent("walker", model="none", environment=lambda _: Corridor(6), workspace=place, limits=pa.Limits(steps=40))


def test_a_world_is_led_to_where_it_was(tmp_path: Path) -> None:
    agent = walker_in(tmp_path / "first")
    copies = snapshots(agent, tmp_path / "copies", lambda: agent.run("walk to the end", seed=3))
    gone_on = 0

    for folder, _ in copies:
        place = as_left_by_the_dead(folder)
        (row,) = place.runs()
        if row.status != "interrupted":
            continue
        steps = len(place.trace(row.id).of(CheckpointSaved))
        result = walker_in(place).resume(row.id)
        assert result.status in ("finished", "exhausted")
        assert result.total_steps >= steps
        gone_on += 1
    assert gone_on > 1


def test_the_record_tells_that_it_was_resumed_and_what_it_cost_all_in_all(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "bought")

    def gone_later(request: ModelRequest) -> ModelResponse:
        if "bought bread" in request.text:
            raise ModelUnreachable("gone")
        return plan(request)

    failed = agent_in(tmp_path / "ws", shop, RuleModel(gone_later, capabilities=NATIVE)).run("shop")
    agent = agent_in(tmp_path / "ws", shop)
    result = agent.resume(failed.id)

    (resumed,) = result.trace.of(RunResumed)
    assert (resumed.step, len(result.trace.of(RunFinished))) == (1, 2)
    assert result.usage.calls == failed.usage.calls + 2
    assert Trace.from_jsonl(result.trace.to_jsonl()).finished == result.trace.finished
    assert sum(len(each.messages) for each in result.trace.of(ModelAsked)) >= 6
    assert agent.workspace.run(failed.id).status == "finished"


def test_events_follow_from_what_they_are_a_part_of(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "bought")
    events: list[Event] = []
    agent_in(tmp_path / "ws", shop).run("shop", watch=events.append)
    by_id: Mapping[str, Event] = {event.id: event for event in events}

    parents = {(event.payload.kind, by_id[event.parent].payload.kind) for event in events if event.parent}

    assert {("tool_returned", "action_decided"), ("model_called", "model_asked"), ("action_decided", "run_started")} <= parents
    assert next(event for event in events if event.parent is None).payload.kind == "run_started"


def test_a_failed_run_that_ends_well_after_all_is_credited_once(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, holdout=0.0, live_trials=True)
    down = [True]

    def answers(request: ModelRequest) -> ModelResponse:
        if down[0]:
            raise ModelUnreachable("down")
        return ModelResponse(Message("assistant", (Text("green"),)))

    agent = pa.Agent("painter", model=RuleModel(answers, capabilities=NATIVE), critic=None, workspace=place)
    task = pa.Task("Paint", checks=[pa.Check.equals("green")], labels={"family": "rooms"})
    lesson = Lesson(
        "failure_pattern", "", "say green", Provenance("self_verified", "run_0", "painter"), Scope(("painter",), ("rooms",))
    )
    waits = place._gate.admit(lesson)  # pyright: ignore[reportPrivateUsage]
    failed = agent.run(task)
    down[0] = False
    result = agent.resume(failed.id)

    assert (failed.status, result.success, place.run(result.id).status) == ("failed", True, "finished")
    seen = place._exposures.of(waits.id)  # pyright: ignore[reportPrivateUsage]
    assert [each.run_id for each in seen] == [result.id]
    fork = place.fork(result.id, at=0)
    assert agent.resume(fork).success is True
    assert len(place._exposures.of(waits.id)) == 1  # pyright: ignore[reportPrivateUsage]


def test_time_that_was_spent_before_a_run_stood_still_counts(tmp_path: Path) -> None:
    clock = StandingClock()
    place = pa.Workspace(tmp_path, clock=clock)

    def slow(request: ModelRequest) -> ModelResponse:
        clock.advance(2.0)
        raise ModelUnreachable("down")

    limits = pa.Limits(seconds=3)
    failed = pa.Agent("a", model=RuleModel(slow, capabilities=NATIVE), critic=None, limits=limits, workspace=place).run("go")
    again = pa.Agent("a", model=RuleModel(slow, capabilities=NATIVE), critic=None, limits=limits, workspace=place)

    assert failed.status == "failed"
    assert again.resume(failed.id).seconds == 4.0
    assert again.resume(failed.id).status == "exhausted"


def test_a_world_that_acts_outside_of_itself_is_not_led_anywhere_again(tmp_path: Path) -> None:
    class Robot(Corridor):
        replayable = False

    agent = pa.Agent("walker", model="none", environment=lambda _: Robot(6), workspace=tmp_path, limits=pa.Limits(steps=40))
    fork = agent.workspace.fork(agent.run("walk", seed=3).id, at=1)

    with pytest.raises(CantResume, match="replayable = False"):
        agent.resume(fork)


@pytest.mark.anyio
async def test_a_call_that_is_cancelled_is_in_the_record_with_its_price_unknown(tmp_path: Path) -> None:
    asked = asyncio.Event()

    class Hangs(ScriptedModel):
        async def generate(self, request: ModelRequest) -> ModelResponse:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    model = Hangs(capabilities=Capabilities(native_tools=True, local=False))
    agent = pa.Agent("a", model=model, critic=None, workspace=tmp_path)
    run = asyncio.create_task(agent.run_async("go"))
    await asked.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    (row,) = agent.workspace.runs()
    (called,) = agent.workspace.trace(row.id).of(ModelCalled)
    assert (row.status, row.usd, called.error) == ("cancelled", None, "stopped before it answered")
    assert called.usage == Usage(calls=1, usd=None)
